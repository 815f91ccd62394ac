"""What tells whose a Google Cloud resource is: labels where its type has them, else its description. Pure.

Labels (Resource Manager, "Requirements for labels"): lower-case letters, digits, `_` and `-`, at most 63 characters.
"""

import re
from collections.abc import Mapping

from contracts.document import text_digest

LABEL_LIMIT = 63
PREFIX = "prestage-"
ENVIRONMENT, KEY, OWNER = f"{PREFIX}environment", f"{PREFIX}key", f"{PREFIX}owner"
_DIGEST = 8
_HEAD, _BREAK, _IS = "prestage", "; ", ": "


def label_value(text: str) -> str:
    """A text as labels can hold it. Texts that differ get values that differ: what is lost is in a digest.

    A key of lower case loses nothing: `bel/compute/serving/n2-standard-4` -> `bel_compute_serving_n2-standard-4`.
    """
    spelled = re.sub(r"[^a-z0-9_-]", "-", text.lower().replace("/", "_"))
    if len(spelled) <= LABEL_LIMIT and re.fullmatch(r"[a-z0-9/-]*", text):
        return spelled
    return f"{spelled[: LABEL_LIMIT - _DIGEST - 1]}-{text_digest(text)[-_DIGEST:]}"


def labels(environment: str, key: str, owner: str, **held: str | int | float) -> Mapping[str, str]:
    """Labels of a resource; `held` is what of its spec no attribute holds."""
    whose = {ENVIRONMENT: environment, KEY: key, OWNER: owner}
    return {name: label_value(value) for name, value in whose.items()} | {
        f"{PREFIX}{name.replace('_', '-')}": label_value(str(value)) for name, value in held.items()
    }


def description(environment: str, key: str, owner: str = "", **held: str | int | float) -> str:
    """The same in words, for what has no labels: `prestage; environment: prod; key: bel/network; asn: 64512; ...`."""
    facts = {"environment": environment, "key": key, **held, **({"owner": owner} if owner else {})}
    return _BREAK.join((_HEAD, *(f"{name}{_IS}{value}" for name, value in facts.items())))


def facts_of(text: str) -> Mapping[str, str]:
    """What a description says; nothing where it is not one of ours."""
    head, *facts = text.split(_BREAK)
    if head != _HEAD:
        return {}
    return {name: value for name, _, value in (fact.partition(_IS) for fact in facts)}
