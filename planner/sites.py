"""What the placement model needs to know of each region: what must be met, what can be bought, who may back it up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.capacity import CapacityKind, Shape
from contracts.plan import RefusalCode, RefusedAlternative, Requirement
from contracts.resources import ComputeSpec, FailoverSpec, Purpose, Resource, ResourceKind
from planner.given import Given
from planner.keys import item_key
from planner.market import Market
from planner.question import Question
from planner.requirements import total
from planner.routes import Routes

SHARE_STEPS = 20
"""Failover shares are twentieths: fine enough to spread a region, coarse enough that plans do not shiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """vCPUs and memory together."""

    vcpu: float = 0.0
    memory_gib: float = 0.0

    def less(self, other: "Amount") -> "Amount":
        """What is left after taking another amount, never below nothing."""
        return Amount(vcpu=max(0.0, self.vcpu - other.vcpu), memory_gib=max(0.0, self.memory_gib - other.memory_gib))

    @classmethod
    def of(cls, shape: Shape, count: int) -> "Amount":
        """What so many instances of a shape give."""
        return cls(vcpu=float(shape.vcpu * count), memory_gib=float(shape.memory_gib * count))

    def instances(self, shape: Shape) -> int:
        """How many instances of one shape cover this amount alone."""
        return math.ceil(max(self.vcpu / shape.vcpu, self.memory_gib / shape.memory_gib) - 1e-9)

    def times(self, share: float) -> "Amount":
        return Amount(vcpu=self.vcpu * share, memory_gib=self.memory_gib * share)

    def __bool__(self) -> bool:
        return self.vcpu > 0 or self.memory_gib > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What stands of a region's compute and failover now: counts by shape, twentieths by partner."""

    serving: Mapping[str, int]
    failover: Mapping[str, int]
    shares: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One region as the placement model sees it.

    Attributes:
        serving: what compute must still serve here, given resources taken off.
        critical: what partners must carry when this region is lost.
        standing: given compute that stands by here already.
        backs: what this region must hold for regions that this plan does not move, each a scenario of its own.
        partners: regions that may back this one up, the cheapest vCPU first.
        room: what the region has for this environment, given resources taken off.
    """

    region: str
    serving: Amount
    critical: Amount
    standing: Amount
    backs: tuple[Amount, ...]
    room: Amount
    serving_shapes: tuple[tuple[Shape, float], ...]
    failover_shapes: tuple[tuple[Shape, float], ...]
    partners: tuple[str, ...]
    live: Live


def read_sites(question: Question, market: Market, needs: tuple[Requirement, ...], given: Given) -> tuple[Site, ...]:
    """Every region that this plan may move, by name."""
    names = sorted({region.name for region in question.environment.regions} - question.frozen_regions())
    return tuple(_site(question, market, needs, given, name) for name in names)


def partner_refusals(question: Question, market: Market, region: str) -> dict[str, RefusedAlternative | None]:
    """Every other region as a partner: nothing where it may be one, else why not."""
    routes = Routes(market.links.values())
    others = sorted(settings.name for settings in question.environment.regions if settings.name != region)
    return {other: _refused_partner(question, market, routes, (region, other)) for other in others}


def compute_amount(market: Market, resources: list[Resource]) -> Amount:
    """Sums the vCPUs and memory of some compute resources."""
    vcpu = memory = 0.0
    for resource in resources:
        spec = resource.spec
        if isinstance(spec, ComputeSpec) and spec.shape in market.shapes:
            given = Amount.of(market.shapes[spec.shape], spec.count)
            vcpu, memory = vcpu + given.vcpu, memory + given.memory_gib
    return Amount(vcpu=vcpu, memory_gib=memory)


def _site(question: Question, market: Market, needs: tuple[Requirement, ...], given: Given, region: str) -> Site:
    wanted = Amount(
        vcpu=_quantity(needs, region, CapacityKind.VCPU), memory_gib=_quantity(needs, region, CapacityKind.MEMORY_GIB)
    )
    held = {
        purpose: compute_amount(market, list(given.of(region, ResourceKind.COMPUTE, purpose)))
        for purpose in (Purpose.SERVING, Purpose.FAILOVER)
    }
    fixed = _fixed_shares(question, given, region)
    refusals = partner_refusals(question, market, region)
    eligible = [other for other, refused in refusals.items() if refused is None and other not in fixed]
    return Site(
        region=region,
        serving=wanted.less(held[Purpose.SERVING]),
        critical=wanted.times(question.environment.critical_share_of(region) * (1 - sum(fixed.values()))),
        standing=held[Purpose.FAILOVER],
        backs=_backs(question, market, needs, given, region),
        room=_room(market, given, region),
        serving_shapes=_free_shapes(market, given, region, Purpose.SERVING),
        failover_shapes=_free_shapes(market, given, region, Purpose.FAILOVER),
        partners=tuple(sorted(eligible, key=lambda other: (_unit_price(market, other), other))),
        live=_live(question, market, region),
    )


def _unit_price(market: Market, region: str) -> float:
    usd = market.unit_price(region, CapacityKind.VCPU)
    return math.inf if usd is None else usd


def _quantity(needs: tuple[Requirement, ...], region: str, kind: CapacityKind) -> float:
    found = total(needs, region, kind)
    return found.quantity if found else 0.0


def _room(market: Market, given: Given, region: str) -> Amount:
    left = {
        kind: market.available.get((region, kind), 0.0) - given.use.get((region, kind), 0.0)
        for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)
    }
    return Amount(vcpu=max(0.0, left[CapacityKind.VCPU]), memory_gib=max(0.0, left[CapacityKind.MEMORY_GIB]))


def _free_shapes(market: Market, given: Given, region: str, purpose: Purpose) -> tuple[tuple[Shape, float], ...]:
    """Offered shapes whose resource nobody has pinned."""
    stem = item_key(region, ResourceKind.COMPUTE, purpose, "")
    return tuple(item for item in market.offered_shapes(region) if stem + item[0].name not in given.resources)


def _fixed_shares(question: Question, given: Given, region: str) -> dict[str, float]:
    """Shares by partner of failover entries that are given, such as pinned ones."""
    entries = given.of(region, ResourceKind.FAILOVER, Purpose.SUPPORT)
    return {entry.spec.partner: entry.spec.share for entry in entries if isinstance(entry.spec, FailoverSpec)}


def _backs(
    question: Question, market: Market, needs: tuple[Requirement, ...], given: Given, region: str
) -> tuple[Amount, ...]:
    """Critical loads that given failover entries bring here: of pinned entries, and of regions left as they are."""
    loads = []
    for item in given.resources.values():
        entry, spec = item.resource, item.resource.spec
        if not isinstance(spec, FailoverSpec) or spec.partner != region:
            continue
        if question.is_frozen(entry.place):
            served = compute_amount(market, list(given.of(entry.place, ResourceKind.COMPUTE, Purpose.SERVING)))
        else:
            served = Amount(
                vcpu=_quantity(needs, entry.place, CapacityKind.VCPU),
                memory_gib=_quantity(needs, entry.place, CapacityKind.MEMORY_GIB),
            )
        loads.append(served.times(question.environment.critical_share_of(entry.place) * spec.share))
    return tuple(loads)


def _live(question: Question, market: Market, region: str) -> Live:
    live = question.live()
    counts: dict[Purpose, dict[str, int]] = {Purpose.SERVING: {}, Purpose.FAILOVER: {}}
    for purpose, by_shape in counts.items():
        for shape in market.shapes:
            found = live.get(item_key(region, ResourceKind.COMPUTE, purpose, shape))
            if found is not None and isinstance(found.spec, ComputeSpec):
                by_shape[shape] = found.spec.count
    shares = {
        item.spec.partner: round(item.spec.share * SHARE_STEPS)
        for item in live.values()
        if isinstance(item.spec, FailoverSpec) and item.place == region
    }
    return Live(serving=counts[Purpose.SERVING], failover=counts[Purpose.FAILOVER], shares=shares)


def _refused_partner(
    question: Question, market: Market, routes: Routes, pair: tuple[str, str]
) -> RefusedAlternative | None:
    region, other = pair
    limit = question.environment.failover.max_latency_ms
    route = routes.between(region, other)
    if question.is_frozen(other):
        return RefusedAlternative(candidate=other, code=RefusalCode.NOT_ALLOWED)
    if market.regions[region].fault_domain == market.regions[other].fault_domain:
        return RefusedAlternative(candidate=other, code=RefusalCode.SAME_FAULT_DOMAIN)
    if route is None or route.latency_ms > limit:
        latency_ms = route.latency_ms if route else None
        return RefusedAlternative(candidate=other, code=RefusalCode.TOO_FAR, limit=limit, value=latency_ms, unit="ms")
    return None
