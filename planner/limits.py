"""The limits that a question sets, each by name, and the question without some of them or with other numbers.

What a demand is measured against: quotas, offers, stock, pools, links, the rules of failover, minimums. A region's
maximum and `staging.max_units_per_place` are none: they lower what is asked for, and stand against nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import ceil
from typing import Literal, assert_never

from contracts.capacity import CapacityKind, CapacitySnapshot, LinkFacts, Offer, Pool, Quota
from contracts.clash import Limit, LimitKind
from contracts.environment import Environment
from contracts.failover import Reserve, ResidencyOf, Survive
from contracts.names import is_link, link_name
from contracts.plan import Plan
from contracts.storage import StorageAsk
from planner.market import Market
from planner.question import Question
from planner.routes import Routes

PLENTY = 1e9
"""More of anything than any demand that can be met elsewhere; milliseconds that no way takes."""

ROOMY_POOL = "0.0.0.0/2"
"""Stands for a region whose addresses do not end."""

REGION_KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.STORAGE_GIB)

What = tuple[str, CapacityKind]
"""A kind at a place."""


def limits_of(question: Question, short: Iterable[str] = ()) -> tuple[Limit, ...]:
    """Every limit of a question that could be otherwise, those of the whole environment first, then by place.

    Args:
        question: whose.
        short: places where something is short: circuits between regions that nothing joins count only there.
    """
    return (*_failover_limits(question), *_minimums(question), *_place_limits(question, frozenset(short)))


def lifted(question: Question, limits: Iterable[Limit]) -> Question:
    """The question without these limits."""
    by_kind: dict[LimitKind, list[Limit]] = {}
    for limit in limits:
        by_kind.setdefault(limit.kind, []).append(limit)
    for kind, ones in by_kind.items():
        question = _without(question, kind, ones)
    return question


def held(question: Question, limit: Limit, number: float) -> Question:
    """The question with another number in a limit's place. A limit that is no number stays."""
    match limit.kind:
        case LimitKind.QUOTA:
            return _with_quotas(question, {(limit.place, CapacityKind(limit.unit)): number})
        case LimitKind.MINIMUM:
            return _with_minimums(question, {(limit.place, CapacityKind(limit.unit)): number})
        case LimitKind.LATENCY:
            return _with_failover(question, max_latency_ms=number)
        case LimitKind.PARTNERS:
            return _with_failover(question, max_partners=number)
        case LimitKind.CRITICAL_SHARE:
            return _with_critical_share(question, number)
        case LimitKind.OFFERS | LimitKind.STOCK | LimitKind.POOLS | LimitKind.LINKS | LimitKind.FAULT_DOMAINS:
            return question
        case LimitKind.RESIDENCY | LimitKind.SURVIVE | LimitKind.STORAGE:
            return question
        case _:
            assert_never(limit.kind)


def numbers(question: Question, limit: Limit, plan: Plan) -> Sequence[float]:
    """Numbers that a limit could have instead, from its own outwards, as far as a plan made without it needs.

    Quotas and minimums in whole units, shares in hundredths, latencies as they are between regions.
    """
    value = limit.value or 0.0
    match limit.kind:
        case LimitKind.QUOTA:
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
    if _apart(question):
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


def _minimums(question: Question) -> Iterator[Limit]:
    for region in question.environment.regions:
        for kind, value in region.minimum.items():
            if value > 0 and not question.is_frozen(region.name):
                name = f"minimum {region.name} {kind}"
                yield Limit(name=name, kind=LimitKind.MINIMUM, place=region.name, value=value, unit=kind)


def _place_limits(question: Question, short: frozenset[str]) -> Iterator[Limit]:
    stated = {(quota.place, quota.kind): quota.available for quota in question.capacity.quotas}
    sold = _sold(question.capacity)
    shared = question.environment.failover.reserve is Reserve.SHARED
    stocked = {item.place for item in question.capacity.stock} if shared else set()
    needed = frozenset() if shared else frozenset({*REGION_KINDS, CapacityKind.GBPS})  # where unstated, there is none
    for place, kinds in sorted(_places(question, short).items()):
        if question.is_frozen(place):
            continue
        if not sold.get(place, frozenset()).issuperset(_sellable(question, place)):
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
    routes = Routes(question.capacity.links)
    for one, other in combinations(sorted(region.name for region in question.environment.regions), 2):
        if route := routes.between(one, other):
            yield route.latency_ms


def _apart(question: Question) -> tuple[tuple[str, str], ...]:
    """Pairs of regions that no way joins."""
    routes = Routes(question.capacity.links)
    names = sorted(region.name for region in question.environment.regions)
    return tuple(pair for pair in combinations(names, 2) if routes.between(*pair) is None)


def _sold(capacity: CapacitySnapshot) -> Mapping[str, frozenset[str]]:
    """What every place sells on demand."""
    found: dict[str, set[str]] = {}
    for offer in capacity.offers:
        if offer.purchase == "on_demand":
            found.setdefault(offer.place, set()).add(offer.item)
    return {place: frozenset(items) for place, items in found.items()}


def _sellable(question: Question, place: str) -> tuple[str, ...]:
    """What the catalog has that a place could sell."""
    catalog = question.catalog
    if is_link(place):
        return tuple(tier.name for tier in catalog.circuit_tiers)
    return (*(shape.name for shape in catalog.shapes), *(item.name for item in catalog.storage_classes))


def _without(question: Question, kind: LimitKind, limits: Sequence[Limit]) -> Question:
    """The question without all limits of one kind that are given."""
    places = [limit.place for limit in limits]
    match kind:
        case LimitKind.QUOTA:
            return _with_quotas(question, {(limit.place, CapacityKind(limit.unit)): PLENTY for limit in limits})
        case LimitKind.MINIMUM:
            return _with_minimums(question, {(limit.place, CapacityKind(limit.unit)): 0.0 for limit in limits})
        case LimitKind.OFFERS:
            return _selling_all(question, places)
        case LimitKind.STOCK:
            left = tuple(item for item in question.capacity.stock if item.place not in places)
            return _seen(question, stock=left)
        case LimitKind.POOLS:
            pools = (Pool(region=place, cidr=ROOMY_POOL) for place in places)
            return _seen(question, pools=(*question.capacity.pools, *pools))
        case LimitKind.LINKS:
            return _joined(question)
        case LimitKind.RESIDENCY | LimitKind.SURVIVE | LimitKind.STORAGE:
            return _without_promise(question, kind, places)
        case LimitKind.FAULT_DOMAINS | LimitKind.LATENCY | LimitKind.PARTNERS | LimitKind.CRITICAL_SHARE:
            return _without_rule(question, kind)
        case _:
            assert_never(kind)


def _without_rule(
    question: Question,
    kind: Literal[LimitKind.FAULT_DOMAINS, LimitKind.LATENCY, LimitKind.PARTNERS, LimitKind.CRITICAL_SHARE],
) -> Question:
    """The question without one of the rules of failover."""
    match kind:
        case LimitKind.FAULT_DOMAINS:
            facts = question.capacity.regions
            return _seen(question, regions=tuple(one.model_copy(update={"fault_domain": one.region}) for one in facts))
        case LimitKind.LATENCY:
            return _with_failover(question, max_latency_ms=PLENTY)
        case LimitKind.PARTNERS:
            return _with_failover(question, max_partners=len(question.environment.regions))
        case LimitKind.CRITICAL_SHARE:
            return _with_critical_share(question, 0.0)
        case _:
            assert_never(kind)


def _with_quotas(question: Question, available: Mapping[What, float]) -> Question:
    """The question in which so much of a kind may be used at a place, whatever others use of it."""
    quotas = []
    for item in question.capacity.quotas:
        number = available.get((item.place, item.kind))
        quotas.append(item if number is None else item.model_copy(update={"total": number + item.used - item.ours}))
    stated = {(item.place, item.kind) for item in quotas}
    for (place, kind), number in available.items():
        if (place, kind) not in stated:
            quotas.append(Quota(place=place, kind=kind, total=number, used=0, ours=0))
    return _seen(question, quotas=tuple(quotas))


def _with_minimums(question: Question, wanted: Mapping[What, float]) -> Question:
    regions = tuple(
        region.model_copy(
            update={"minimum": {kind: wanted.get((region.name, kind), value) for kind, value in region.minimum.items()}}
        )
        for region in question.environment.regions
    )
    return replace(question, environment=question.environment.model_copy(update={"regions": regions}))


def _without_promise(
    question: Question,
    kind: Literal[LimitKind.RESIDENCY, LimitKind.SURVIVE, LimitKind.STORAGE],
    places: Sequence[str],
) -> Question:
    """The question in which less is promised of some regions; of the whole environment where none is named."""
    match kind:
        case LimitKind.RESIDENCY:
            if "" in places:
                question = _with_failover(question, residency=ResidencyOf.REGIONS)
            return _with_regions(question, {"residency": ()}, places)
        case LimitKind.SURVIVE:
            return _with_failover(question, survive=Survive.REGION)
        case LimitKind.STORAGE:
            return _with_regions(question, {"storage": (StorageAsk(),)}, places)
        case _:
            assert_never(kind)


def _with_regions(question: Question, settings: Mapping[str, object], names: Sequence[str]) -> Question:
    """The question in which some regions are set otherwise."""
    regions = tuple(
        region.model_copy(update=settings) if region.name in names else region
        for region in question.environment.regions
    )
    return replace(question, environment=question.environment.model_copy(update={"regions": regions}))


def _with_failover(question: Question, **settings: float | str) -> Question:
    failover = question.environment.failover.model_copy(update=settings)
    return replace(question, environment=question.environment.model_copy(update={"failover": failover}))


def _with_critical_share(question: Question, most: float) -> Question:
    """The question in which no region's critical share is larger."""
    return replace(question, environment=with_critical_shares(question.environment, lambda share: min(most, share)))


def with_critical_shares(environment: Environment, of: Callable[[float], float]) -> Environment:
    """Every critical share, those that regions have of their own among them, as `of` makes it."""
    failover = environment.failover
    regions = tuple(
        region
        if region.critical_share is None
        else region.model_copy(update={"critical_share": of(region.critical_share)})
        for region in environment.regions
    )
    failover = failover.model_copy(update={"critical_share": of(failover.critical_share)})
    return environment.model_copy(update={"failover": failover, "regions": regions})


def _selling_all(question: Question, places: Iterable[str]) -> Question:
    """The question in which places sell all that the catalog has, what they lacked at the mean price of others."""
    sold, capacity, new = _sold(question.capacity), question.capacity, []
    usual = _usual(capacity)
    for place in places:
        for item in _sellable(question, place):
            if item not in sold.get(place, ()):
                new.append(Offer(place=place, item=item, usd_per_hour=usual.get(item, 0.0)))
    return _seen(question, offers=(*capacity.offers, *new))


def _usual(capacity: CapacitySnapshot) -> Mapping[str, float]:
    prices: dict[str, list[float]] = {}
    for offer in capacity.offers:
        if offer.purchase == "on_demand":
            prices.setdefault(offer.item, []).append(offer.usd_per_hour)
    return {item: sum(each) / len(each) for item, each in prices.items()}


def _joined(question: Question) -> Question:
    """The question in which regions that no way joins are joined, with circuits to be had."""
    apart = _apart(question)
    links = tuple(LinkFacts(a=min(pair), b=max(pair), latency_ms=0) for pair in apart)
    places = [link_name(*pair) for pair in apart]
    question = _seen(question, links=(*question.capacity.links, *links))
    question = _with_quotas(question, {(place, CapacityKind.GBPS): PLENTY for place in places})
    return _selling_all(question, places)


def _seen(question: Question, **capacity: object) -> Question:
    return replace(question, capacity=question.capacity.model_copy(update=capacity))
