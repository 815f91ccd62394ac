"""Names of declarations and of Pulumi, both ways.

The providers of both clouds are bridged from Terraform's, so that nearly every name is the same but for its spelling;
the tables of `aws_types` and `google_types` say what differs. Nothing of Pulumi is imported here: a state is read
without the packages of the clouds, which take seconds.
"""

import re
from collections.abc import Mapping
from functools import cache

from stacks.declaration import Value
from stacks.engines.pulumi_engine.aws_types import AWS_TYPES
from stacks.engines.pulumi_engine.bridge import Bridge
from stacks.engines.pulumi_engine.google_types import GOOGLE_TYPES

ESTATE_TYPES: Mapping[str, Bridge] = {
    f"estate_{name.lower()}": Bridge(f"estate:index:{name}")
    for name in ("Network", "Block", "Compute", "Storage", "Circuit", "Link", "Failover", "Alert", "Gateway")
}
BRIDGES: Mapping[str, Bridge] = {**ESTATE_TYPES, **AWS_TYPES, **GOOGLE_TYPES}
FREE_KEYS = frozenset({"tags", "tags_all", "labels", "user_labels", "metadata", "dimensions"})
"""Maps whose keys are people's own: never spelt anew."""

PACKAGES = {"estate": "estate", "aws": "aws", "google": "gcp"}
"""By the provider that a `ProviderConfig` names, the package of Pulumi."""

DEFAULTS = "__defaults"  # which properties a provider filled in
SIGNATURE = "4dabf18193072939515e22adb298388d"  # marks what is no plain value: sdk/go/common/resource/sig/sig.go
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # not known before the apply: sdk/go/common/resource/plugin/rpc.go
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@cache
def _types() -> Mapping[str, str]:
    return {bridge.token: type for type, bridge in BRIDGES.items()}


def type_of(token: str) -> str | None:
    """The Terraform type behind a token; None for what is not ours: stacks, providers."""
    return _types().get(token)


def declared_names(type: str, properties: Mapping[str, object]) -> dict[str, Value]:
    """Properties of a state or an event, under the names that declarations have.

    What is not known yet, and secrets, are left out. A block of which there can be but one is a mapping.
    """
    bridge = BRIDGES[type]
    named = {python: terraform for terraform, python in bridge.renamed.items()}
    return _declared_map(properties, named, spelt=bridge.package != "estate")


def _declared_map(properties: Mapping[str, object], named: Mapping[str, str], *, spelt: bool) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, value in properties.items():
        if key == DEFAULTS or not _is_known(value):
            continue
        name = snake_case(key) if spelt else key
        free = name in FREE_KEYS and isinstance(value, Mapping)
        found[named.get(name, name)] = _declared(value, named, spelt=spelt and not free)
    return found


def _declared(value: object, named: Mapping[str, str], *, spelt: bool) -> Value:
    if isinstance(value, Mapping):
        return _declared_map(value, named if spelt else {}, spelt=spelt)
    if isinstance(value, list):
        return tuple(_declared(item, named, spelt=spelt) for item in value if _is_known(item))
    if isinstance(value, float) and value.is_integer():  # numbers of a state are JSON's
        return int(value)
    assert isinstance(value, str | int | float), f"no value of a state: {value!r}"
    return value


def _is_known(value: object) -> bool:
    return value is not None and value != UNKNOWN and not (isinstance(value, Mapping) and SIGNATURE in value)


@cache
def snake_case(name: str) -> str:
    """`ipv6CidrBlock` -> `ipv6_cidr_block`, `dnsARecord` -> `dns_a_record`."""
    return _HUMP.sub("_", name).lower()
