"""What a resource takes of its place's capacity. Pure.

A replicated volume takes storage in both regions; a circuit takes bandwidth of its link.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from stacks.declaration import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`amount` of a capacity kind at a place. Kinds as `contracts.capacity.CapacityKind` spells them."""

    place: str
    kind: str
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one of a catalog item gives: a shape's vCPUs and memory, a tier's bandwidth."""

    vcpu: int = 0
    memory_gib: int = 0
    gbps: int = 0


def item_name(type: str, arguments: Mapping[str, Value]) -> str | None:
    """The catalog item that a resource is made of, where usage depends on it."""
    field = {"estate_compute": "shape", "estate_circuit": "tier"}.get(type)
    return str(arguments[field]) if field else None


def usage_of(type: str, arguments: Mapping[str, Value], item: Item) -> tuple[Usage, ...]:
    """What a resource takes, by place and kind; nothing for what has no size."""
    match type:
        case "estate_compute":
            region, instances = str(arguments["region"]), _number(arguments["instances"])
            return (
                Usage(place=region, kind="vcpu", amount=instances * item.vcpu),
                Usage(place=region, kind="memory_gib", amount=instances * item.memory_gib),
            )
        case "estate_storage":
            places = [str(arguments[field]) for field in ("region", "replica_region") if arguments.get(field)]
            gib = _number(arguments["gib"])
            return tuple(Usage(place=place, kind="storage_gib", amount=gib) for place in dict.fromkeys(places))
        case "estate_circuit":
            gbps = _number(arguments["circuits"]) * item.gbps
            return (Usage(place=str(arguments["link"]), kind="gbps", amount=gbps),)
        case "estate_block":
            size = IPv4Network(str(arguments["prefix"])).num_addresses
            return (Usage(place=str(arguments["region"]), kind="addresses", amount=size),)
        case _:
            return ()


def _number(value: Value) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value
