"""Pins of what is not there: a key that no resource could have is refused, any other is told in the plan.

What was pinned and is gone stops no plan: the pin keeps nothing, and each plan says so until somebody takes it out. A
key that no plan could ever have given a resource can only be a mistake (a place, kind, purpose or item that does not
exist or does not go with the others, a block outside of the pools, a link that nothing joins, a region as its own
partner); it is refused with the nearest key that is there, because what it was meant for would change. What is merely
not sold today may have been there: that is told in the note.
"""

from collections.abc import Set
from ipaddress import ip_network
from itertools import combinations

from contracts.capacity import CapacityKind
from contracts.names import link_ends, link_name
from contracts.resources import Purchase, Purpose, ResourceKind
from contracts.spelling import likely
from planner.errors import InputsDisagree
from planner.market import Market
from planner.question import Question

OF_PLACE = {ResourceKind.NETWORK: 2, ResourceKind.LINK: 2, ResourceKind.FAILOVER: 3, ResourceKind.ALERT: 3}
"""Parts of a key that names no purpose (`planner.keys`)."""

LEAST_PARTS = 4
"""Parts of any other key: place, kind, purpose, item."""

OF_LINKS = frozenset({ResourceKind.LINK, ResourceKind.CIRCUIT})
"""Kinds that stand on links; all others stand in regions."""

PURPOSES_OF = {
    ResourceKind.COMPUTE: (Purpose.SERVING, Purpose.FAILOVER, Purpose.STAGED, Purpose.GRANTED),
    **dict.fromkeys(
        (ResourceKind.STORAGE, ResourceKind.CIRCUIT, ResourceKind.BLOCK),
        (Purpose.SERVING, Purpose.STAGED, Purpose.GRANTED),
    ),
}
"""What each kind may be for, as keys name it."""

ALERTED = (CapacityKind.VCPU, CapacityKind.STORAGE_GIB)
"""What alerts are of (`planner.support`)."""

NUMBERED = frozenset({Purpose.STAGED, Purpose.GRANTED})
"""Purposes of single units, whose keys end in a number or a request. Volumes and blocks may have one more part, too."""


def missing_pins(question: Question, market: Market) -> tuple[str, ...]:
    """What is pinned and not there, each in words.

    Raises:
        InputsDisagree: a key is pinned that no resource was known by, or could have.
    """
    live = question.live()
    known = live.keys() | question.wanted_earlier().keys() | question.unit_states().keys()
    missing = sorted(set(question.environment.pins) - live.keys())
    for key in missing:
        if key not in known and (why := _impossible(question, market, key)):
            raise InputsDisagree(
                f"{key} is pinned, and there can be no such resource: {why}",
                where="pins",
                expected=likely(key, sorted(live)) or "keys of what exists, as prestage plan tells them",
                next_step="correct it in `pins`, or take it out",
            )
    return tuple(_told(question, market, key) for key in missing)


def _told(question: Question, market: Market, key: str) -> str:
    live, (place, *parts) = question.live(), key.split("/")
    near = likely(key, sorted(live))
    kind = parts[0] if parts else ""
    priced = (
        kind in (ResourceKind.COMPUTE, ResourceKind.STORAGE, ResourceKind.CIRCUIT) and len(parts) >= LEAST_PARTS - 1
    )
    item = _item(ResourceKind(kind), parts[2], market) if priced else ""
    unsold = f", nor is any {parts[2]} sold there" if priced and (not item or market.price(place, item) is None) else ""
    return f"{key} is pinned, and is not there{unsold}{f' ({near})' if near else ''}: the pin keeps nothing"


def _impossible(question: Question, market: Market, key: str) -> str:
    """Why no resource could have a key; empty where one could."""
    place, *parts = key.split("/")
    regions = {region.name for region in question.environment.regions}
    links = {link_name(*ends) for ends in combinations(regions, 2)}
    if place not in regions | links:
        return f"{place} is no region or link of {question.environment.name}"
    if not parts or parts[0] not in frozenset(ResourceKind):
        return f"kinds are {', '.join(ResourceKind)}"
    kind = ResourceKind(parts[0])
    if (kind in OF_LINKS) != (place in links):
        return f"a {kind} stands {'on a link' if kind in OF_LINKS else 'in a region'}"
    if place in links and place not in market.links:
        return f"nothing joins {' and '.join(link_ends(place))}"
    if kind in OF_PLACE:
        return _wrong_support(kind, place, parts, regions)
    if len(parts) + 1 < LEAST_PARTS or parts[1] not in PURPOSES_OF[kind]:
        return f"keys of {kind} are place/{kind}/purpose/item; purposes are {', '.join(PURPOSES_OF[kind])}"
    if kind is ResourceKind.BLOCK:
        return _wrong_block(market, place, parts[2])
    if kind is not ResourceKind.STORAGE and (len(parts) + 1 > LEAST_PARTS) != (parts[1] in NUMBERED):
        return f"keys of {kind} that is {parts[1]} have {LEAST_PARTS + (parts[1] in NUMBERED)} parts"
    return "" if _item(kind, parts[2], market) else f"the catalog has no {parts[2]!r} of {kind}"


def _wrong_support(kind: ResourceKind, place: str, parts: list[str], regions: Set[str]) -> str:
    if len(parts) + 1 != OF_PLACE[kind]:
        return f"keys of {kind} have {OF_PLACE[kind]} parts"
    if kind is ResourceKind.FAILOVER and parts[1] not in regions - {place}:
        return f"partners of {place} are {', '.join(sorted(regions - {place}))}"
    if kind is ResourceKind.ALERT and parts[1] not in (metrics := [one.value.replace("_", "-") for one in ALERTED]):
        return f"alerts are of {', '.join(metrics)}"
    return ""


def _wrong_block(market: Market, region: str, name: str) -> str:
    pools = [ip_network(pool.cidr) for pool in market.pools.get(region, ())]
    try:
        block = ip_network("/".join(name.rsplit("-", 1)))
    except ValueError:
        return f"{name} is no prefix, as 10.0.0.0-24 is one"
    alike = (pool for pool in pools if block.version == pool.version)
    within = any(block.subnet_of(pool) for pool in alike)  # type: ignore[arg-type]  # of one version, as compared
    return "" if within else f"no address pool of {region} has {block}"


def _item(kind: ResourceKind, name: str, market: Market) -> str:
    """What the catalog has of an item in a key: a shape however it is paid for, a class whatever part it is for."""
    items = {
        ResourceKind.COMPUTE: market.shapes,
        ResourceKind.STORAGE: market.storage_classes,
        ResourceKind.CIRCUIT: market.tiers,
    }[kind]
    if name in items:
        return name
    if kind is ResourceKind.COMPUTE:
        stem, _, purchase = name.rpartition("-")
        return stem if purchase in frozenset(Purchase) and stem in items else ""
    parts = (one for one in items if kind is ResourceKind.STORAGE and name.startswith(f"{one}-"))
    return max(parts, key=len, default="")
