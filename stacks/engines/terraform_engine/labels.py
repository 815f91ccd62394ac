"""Keys as Terraform's names, and back: labels and addresses of resources, names of outputs and variables. Pure.

A key becomes a label that Terraform allows: `fra/block/staged/10.16.4.0-28` -> `fra__block__staged__10_16_4_0-28`.
What an account holds is known by its address alone, so that a key there has to be readable from its label; only the
estate, whose resources bear their key as an argument, may have others.
"""

import re

from contracts.document import text_digest
from stacks.declaration import Declaration, Ref
from stacks.errors import InvalidArgument

PLAIN_KEY = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(?:[./][a-zA-Z0-9-]+)*")  # can be read back from its label
ESTATE_TYPES = "estate_"


def label_of(key: str) -> str:
    """The label of a key; keys that differ get labels that differ."""
    label = re.sub(r"[^a-zA-Z0-9_-]", "_", key.replace("/", "__"))
    return label if PLAIN_KEY.fullmatch(key) else f"_{label}_{text_digest(key)[-8:]}"


def key_of(label: str) -> str:
    """The key that a label was made of.

    Raises:
        InvalidArgument: the label does not say, as that of a key that is not plain.
    """
    key = label.replace("__", "/").replace("_", ".")
    if not PLAIN_KEY.fullmatch(key):
        raise InvalidArgument("its label does not say its key", where=label, expected="one like fra__network")
    return key


def address_of(type: str, key: str) -> str:
    """The address of a resource within its root."""
    return f"{type}.{label_of(key)}"


def key_at(address: str) -> str:
    """The key of the resource at an address; the address itself where that does not say."""
    try:
        return key_of(address.partition(".")[2])
    except InvalidArgument:
        return address


def output_of(ref: Ref) -> str:
    """The output by which a root exports an attribute of one of its resources: `fra__network___id`."""
    return f"{label_of(ref.key)}___{re.sub(r'[^a-zA-Z0-9_-]', '_', ref.attribute)}"


def variable_of(secret: str) -> str:
    """The variable that holds a secret. Whoever applies sets TF_VAR_<variable>."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", secret)


def path_of(attribute: str) -> str:
    """An attribute's path as an expression: `vpn_interfaces.0.ip_address` -> `.vpn_interfaces[0].ip_address`."""
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in attribute.split("."))


def check_key(item: Declaration) -> None:
    """Refuses a key that could not be read back.

    Raises:
        InvalidArgument: of a resource that does not bear its key as an argument.
    """
    if not item.type.startswith(ESTATE_TYPES) and not PLAIN_KEY.fullmatch(item.key):
        raise InvalidArgument(
            f"the key of a {item.type} cannot be read back from its label in Terraform",
            where=item.key,
            expected="letters, digits and hyphens, parts of them joined by / or .",
        )
