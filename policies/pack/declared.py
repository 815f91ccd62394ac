"""Resources of the estate as a Pulumi stack declares them, turned back into `Resource`s.

The table is this room's own: siblings do not import each other, and a pack that read the renderer's table would agree
with the renderer's mistakes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from contracts.resources import ON_DEMAND_PREFIX, Purpose, Resource, ResourceKind, Spec, root_of
from policies.errors import PolicyError

PREFIX = "estate:index:"
"""Type tokens of the estate: `estate:index:Compute`."""
PARTS = frozenset({f"{PREFIX}Gateway"})
"""Of those, what stands for no resource of a plan: which router's tunnels end where."""

_SPEC: TypeAdapter[Spec] = TypeAdapter(Spec)

_FIELDS: Mapping[ResourceKind, Mapping[str, str]] = {
    ResourceKind.NETWORK: {"asn": "asn"},
    ResourceKind.BLOCK: {"prefix": "prefix", "pool": "pool"},
    ResourceKind.COMPUTE: {"shape": "shape", "count": "instances", "purchase": "purchase"},
    ResourceKind.STORAGE: {
        name: name for name in ("storage_class", "gib", "replica_region", "iops", "throughput_mibps", "volumes")
    },
    ResourceKind.CIRCUIT: {"tier": "tier", "gbps": "gbps", "count": "circuits"},
    ResourceKind.LINK: {},
    ResourceKind.FAILOVER: {"partner": "partner", "share": "share"},
    ResourceKind.ALERT: {"metric": "metric", "threshold": "threshold"},
}
"""Field of the spec to the argument that it is declared as."""


class UnreadableResource(PolicyError):
    """A declared resource is none that the rules can judge."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource as the stack declares it: where to report what is found, and what it is."""

    urn: str
    environment: str
    owner: str
    resource: Resource


def declared(type_token: str, urn: str, arguments: Mapping[str, object]) -> Declared | None:
    """The resource behind a declaration; nothing for what stands for none (a provider, the stack, a part of a link).

    Raises:
        UnreadableResource: an argument is missing, unknown before the apply, or out of range.
    """
    if not type_token.startswith(PREFIX) or type_token in PARTS:
        return None
    try:
        kind = ResourceKind(type_token.removeprefix(PREFIX).lower())
        resource = _resource(kind, arguments)
    except (KeyError, ValueError, ValidationError) as error:
        raise UnreadableResource(f"cannot be judged: {error}", where=urn) from error
    return Declared(urn, str(arguments["environment"]), str(arguments.get("owner", "")), resource)


def _resource(kind: ResourceKind, arguments: Mapping[str, object]) -> Resource:
    key = str(arguments["key"])
    place = str(arguments["link"] if "link" in arguments else arguments["region"])
    given = {field: arguments[name] for field, name in _FIELDS[kind].items() if arguments.get(name) is not None}
    spec = _SPEC.validate_python({"kind": kind, **given})
    return Resource(key=key, place=place, root=root_of(place), purpose=purpose_in(key), spec=spec)


def purpose_in(key: str) -> Purpose:
    """The purpose that a key names (`fra/compute/serving/m8`). It is never declared."""
    for purpose in Purpose:
        if purpose.value in key.split("/"):
            return purpose
    return Purpose.GRANTED if ON_DEMAND_PREFIX in key else Purpose.SUPPORT
