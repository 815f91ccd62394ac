"""The limits that a question sets, each by name, and the numbers that each could have instead.

What a demand is measured against: quotas, offers, stock, pools, links, the rules of failover, minimums. A maximum of
addresses or storage is one, too, and of what instances give where those that serve stand by as well, or where units
must have a place; any other maximum and `staging.max_units_per_place` are none: they lower what is asked for, and stand
against nothing. The question without some of them is `planner.lifting`'s.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import ceil
from typing import assert_never

from contracts.capacity import CapacityKind, CapacitySnapshot
from contracts.clash import Limit, LimitKind
from contracts.environment import Environment
from contracts.failover import Reserve, ResidencyOf, Survive
from contracts.names import is_link, link_name
from contracts.plan import Plan
from contracts.storage import StorageAsk
from planner.bounds import OF_SHAPES
from planner.market import Market
from planner.question import Question
from planner.routes import Routes

REGION_KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.STORAGE_GIB)


def limits_of(question: Question, short: Iterable[str] = ()) -> tuple[Limit, ...]:
    """Every limit of a question that could be otherwise, those of the whole environment first, then by place.

    Args:
        question: whose.
        short: places where something is short: circuits between regions that nothing joins count only there.
    """
    return (*_failover_limits(question), *_bounds(question), *_place_limits(question, frozenset(short)))


def numbers(question: Question, limit: Limit, plan: Plan) -> Sequence[float]:
    """Numbers that a limit could have instead, from its own outwards, as far as a plan made without it needs.

    Quotas, minimums and maximums in whole units, shares in hundredths, latencies as they are between regions.
    """
    value = limit.value or 0.0
    match limit.kind:
        case LimitKind.QUOTA | LimitKind.MAXIMUM:
            market = Market.read(question.catalog, question.capacity)
            use = market.total_use(item.resource for item in plan.resources)
            return range(int(value) + 1, ceil(use.get((limit.place, CapacityKind(limit.unit)), 0.0)) + 1)
        case LimitKind.MINIMUM:
            return range(ceil(value) - 1, -1, -1)
        case LimitKind.LATENCY:
            return sorted({latency for latency in _latencies(question) if latency > value})
        case LimitKind.PARTNERS:
            return range(int(value) + 1, len(question.environment.regions))
        case LimitKind.CRITICAL_SHARE:
            return [hundredth / 100 for hundredth in range(ceil(value * 100) - 1, -1, -1)]
        case LimitKind.OFFERS | LimitKind.STOCK | LimitKind.POOLS | LimitKind.LINKS | LimitKind.FAULT_DOMAINS:
            return ()
        case LimitKind.RESIDENCY | LimitKind.SURVIVE | LimitKind.STORAGE:
            return ()
        case _:
            assert_never(limit.kind)


def _failover_limits(question: Question) -> Iterator[Limit]:
    failover = question.environment.failover
    largest = max(question.environment.critical_share_of(region.name) for region in question.environment.regions)
    if largest > 0:
        share, latency, most = LimitKind.CRITICAL_SHARE, LimitKind.LATENCY, LimitKind.PARTNERS
        yield Limit(name=f"failover.{share}", kind=share, value=largest, unit="of the load")
        yield Limit(name=f"failover.{latency}", kind=latency, value=failover.max_latency_ms, unit="ms")
        if failover.reserve is not Reserve.SHARED or failover.shared_partners is not None:
            yield Limit(name=f"failover.{most}", kind=most, value=failover.max_partners, unit="partners")
        yield Limit(name="fault domains", kind=LimitKind.FAULT_DOMAINS)
        yield from _promises(question.environment)
    if apart(question):
        yield Limit(name="links", kind=LimitKind.LINKS)


def _promises(environment: Environment) -> Iterator[Limit]:
    """What may be lost at once, and where what regions serve may be carried."""
    if environment.failover.survive is not Survive.REGION:
        yield Limit(name="failover.survive", kind=LimitKind.SURVIVE)
    if environment.failover.residency is not ResidencyOf.REGIONS:
        yield Limit(name="failover.residency", kind=LimitKind.RESIDENCY)
    for region in environment.regions:
        if region.residency:
            yield Limit(name=f"residency {region.name}", kind=LimitKind.RESIDENCY, place=region.name)


def _bounds(question: Question) -> Iterator[Limit]:
    shared = question.environment.failover.reserve is Reserve.SHARED
    refused = shared or bool(question.environment.workloads)  # units stand against a maximum, sums are cut to it
    limiting = (CapacityKind.ADDRESSES, CapacityKind.STORAGE_GIB, *(OF_SHAPES if refused else ()))
    for region in question.environment.regions:
        if question.is_frozen(region.name):
            continue
        found = [(LimitKind.MINIMUM, kind, value) for kind, value in region.minimum.items() if value > 0]
        found += [(LimitKind.MAXIMUM, kind, value) for kind, value in region.maximum.items() if kind in limiting]
        for bound, kind, value in found:
            yield Limit(name=f"{bound} {region.name} {kind}", kind=bound, place=region.name, value=value, unit=kind)


def _place_limits(question: Question, short: frozenset[str]) -> Iterator[Limit]:
    stated = {(quota.place, quota.kind): quota.available for quota in question.capacity.quotas}
    on_sale = sold(question.capacity)
    shared = question.environment.failover.reserve is Reserve.SHARED
    stocked = {item.place for item in question.capacity.stock} if shared else set()
    needed = frozenset() if shared else frozenset({*REGION_KINDS, CapacityKind.GBPS})  # where unstated, there is none
    for place, kinds in sorted(_places(question, short).items()):
        if question.is_frozen(place):
            continue
        if not on_sale.get(place, frozenset()).issuperset(sellable(question, place)):
            yield Limit(name=f"offers {place}", kind=LimitKind.OFFERS, place=place)
        if place in stocked:
            yield Limit(name=f"stock {place}", kind=LimitKind.STOCK, place=place)
        for kind in kinds:
            if kind in needed or (place, kind) in stated:
                value = stated.get((place, kind), 0.0)
                yield Limit(name=f"quota {place} {kind}", kind=LimitKind.QUOTA, place=place, value=value, unit=kind)
        if not is_link(place) and question.environment.storage_of(place) != (StorageAsk(),):
            yield Limit(name=f"storage {place}", kind=LimitKind.STORAGE, place=place)
        if not is_link(place):
            yield Limit(name=f"pools {place}", kind=LimitKind.POOLS, place=place)


def _places(question: Question, short: frozenset[str]) -> dict[str, tuple[CapacityKind, ...]]:
    """What is limited where: regions, links between them, and whatever else is short of circuits."""
    names = {region.name for region in question.environment.regions}
    links = {link_name(link.a, link.b) for link in question.capacity.links if names.issuperset((link.a, link.b))}
    links |= {place for place in short if is_link(place)}
    kinds = (*REGION_KINDS, CapacityKind.ADDRESSES, CapacityKind.ACCELERATORS)
    found: dict[str, tuple[CapacityKind, ...]] = dict.fromkeys(names, kinds)
    return found | dict.fromkeys(links, (CapacityKind.GBPS,))


def _latencies(question: Question) -> Iterator[float]:
    names, routes = _ways(question)
    for one, other in combinations(names, 2):
        if route := routes.between(one, other):
            yield route.latency_ms


def apart(question: Question) -> tuple[tuple[str, str], ...]:
    """Pairs of regions that no way joins which their traffic could take (`planner.curves.joined`)."""
    names, routes = _ways(question)
    return tuple(pair for pair in combinations(names, 2) if routes.between(*pair) is None)


def _ways(question: Question) -> tuple[list[str], Routes]:
    """Regions by name, and the ways between them that lead through no others."""
    names = sorted(region.name for region in question.environment.regions)
    return names, Routes(link for link in question.capacity.links if link.a in names and link.b in names)


def sold(capacity: CapacitySnapshot) -> Mapping[str, frozenset[str]]:
    """What every place sells on demand."""
    found: dict[str, set[str]] = {}
    for offer in capacity.offers:
        if offer.purchase == "on_demand":
            found.setdefault(offer.place, set()).add(offer.item)
    return {place: frozenset(items) for place, items in found.items()}


def sellable(question: Question, place: str) -> tuple[str, ...]:
    """What the catalog has that a place could sell."""
    catalog = question.catalog
    if is_link(place):
        return tuple(tier.name for tier in catalog.circuit_tiers)
    return (*(shape.name for shape in catalog.shapes), *(item.name for item in catalog.storage_classes))
