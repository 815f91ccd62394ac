"""A question without some of its limits, or with other numbers in their place.

How each is lifted: quotas and latencies become more than any demand needs, what a place lacks is sold at the mean price
of others, regions that no way joins are joined. Which limits a question has is `planner.limits`'.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, assert_never

from contracts.capacity import CapacityKind, CapacitySnapshot, LinkFacts, Offer, Pool, Quota
from contracts.clash import Limit, LimitKind
from contracts.environment import Environment
from contracts.failover import ResidencyOf, Survive
from contracts.names import link_name
from contracts.storage import StorageAsk
from planner.limits import apart, sellable, sold
from planner.question import Question

PLENTY = 1e9
"""More of anything than any demand that can be met elsewhere; milliseconds that no way takes."""

ROOMY_POOL = "0.0.0.0/2"
"""Stands for a region whose addresses do not end."""

What = tuple[str, CapacityKind]
"""A kind at a place."""


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
        case LimitKind.MINIMUM | LimitKind.MAXIMUM:
            return _with_bounds(question, limit.kind, {(limit.place, CapacityKind(limit.unit)): number})
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


def _without(question: Question, kind: LimitKind, limits: Sequence[Limit]) -> Question:
    """The question without all limits of one kind that are given."""
    places = [limit.place for limit in limits]
    match kind:
        case LimitKind.QUOTA:
            return _with_quotas(question, {(limit.place, CapacityKind(limit.unit)): PLENTY for limit in limits})
        case LimitKind.MINIMUM | LimitKind.MAXIMUM:
            return _with_bounds(question, kind, {(limit.place, CapacityKind(limit.unit)): None for limit in limits})
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


def _with_bounds(
    question: Question,
    bound: Literal[LimitKind.MINIMUM, LimitKind.MAXIMUM],
    wanted: Mapping[What, float | None],
) -> Question:
    """The question with other minimums or maximums; without one where None is wanted."""
    regions = []
    for region in question.environment.regions:
        said = region.minimum if bound is LimitKind.MINIMUM else region.maximum
        new = {kind: wanted.get((region.name, kind), value) for kind, value in said.items()}
        kept = {kind: value for kind, value in new.items() if value is not None}
        regions.append(region.model_copy(update={bound.value: kept}))
    return replace(question, environment=question.environment.model_copy(update={"regions": tuple(regions)}))


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
    on_sale, capacity, new = sold(question.capacity), question.capacity, []
    usual = _usual(capacity)
    for place in places:
        for item in sellable(question, place):
            if item not in on_sale.get(place, ()):
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
    pairs = apart(question)
    links = tuple(LinkFacts(a=min(pair), b=max(pair), latency_ms=0) for pair in pairs)
    places = [link_name(*pair) for pair in pairs]
    question = _seen(question, links=(*question.capacity.links, *links))
    question = _with_quotas(question, {(place, CapacityKind.GBPS): PLENTY for place in places})
    return _selling_all(question, places)


def _seen(question: Question, **capacity: object) -> Question:
    return replace(question, capacity=question.capacity.model_copy(update=capacity))
