"""What the placement model needs to know of each region: what must be met, what can be bought, who may back it up."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.capacity import CapacityKind, Shape
from contracts.failover import FailoverSettings, Survive
from contracts.plan import RefusalCode, RefusedAlternative, Requirement
from contracts.resources import ComputeSpec, FailoverSpec, Purpose, Resource, ResourceKind
from planner.bounds import Bounds, serving_room
from planner.given import Given
from planner.keys import item_key
from planner.market import Market
from planner.packing import Held, Units
from planner.packing_units import added, amounts, asked_vcpu, critical_units, share_of, units_of
from planner.partnering import Ways, partner_refusals, ways_of
from planner.question import Question
from planner.requirements import total

Kept = tuple[str, Shape, int]
"""Key, shape and count of compute that stays whatever demand says."""

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

    @classmethod
    def of_units(cls, units: Units) -> "Amount":
        """What units take together."""
        vcpu, memory_gib = amounts(units)
        return cls(vcpu=vcpu, memory_gib=memory_gib)

    def or_more(self, other: "Amount") -> "Amount":
        """The larger of both, of each kind."""
        return Amount(vcpu=max(self.vcpu, other.vcpu), memory_gib=max(self.memory_gib, other.memory_gib))

    def plus(self, other: "Amount") -> "Amount":
        return Amount(vcpu=self.vcpu + other.vcpu, memory_gib=self.memory_gib + other.memory_gib)

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
        backs: what this region must hold for regions that this plan does not move.
        backs_of: what each of those falls with; empty where each is a scenario of its own.
        falls_with: what is lost together with this region: nothing else where it is empty, else its fault domain.
        bound: in words, where its load may be served; empty where it may be anywhere.
        partners: regions that may back this one up, the cheapest vCPU first.
        alone: whether every other region stands in the same fault domain.
        given_partners: how many back it up whatever is decided.
        room: what the region has for this environment, given resources taken off.
        accelerators: how many of them it has.
        copies_usd: what it costs by the GB to send all its copies to each partner (`planner.copies`).
        barred: what might be partners, but for links that have no room to copy to them.
        most: what may serve of each kind that people set a maximum of, given resources taken off.
        units: that cannot be divided and serve here; part of what must be served, given resources not taken off.
        critical_units: of them, what partners must have places for; part of `critical`.
        backs_units: as `backs`, whose units, and how many; empty where there are no workloads.
        kept: keys, shapes and counts of given compute that serves; kept_standing: that stands by.
        lent: critical units that partners hold which are left as they are; no part of `critical_units`.
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
    bound: str = ""
    falls_with: str = ""
    backs_of: tuple[str, ...] = ()
    most: Bounds = field(default_factory=dict)
    given_partners: int = 0
    alone: bool = False
    accelerators: float = math.inf
    copies_usd: Mapping[str, float] = field(default_factory=dict)
    barred: Mapping[str, RefusedAlternative] = field(default_factory=dict)
    units: Units = field(default_factory=dict)
    critical_units: Units = field(default_factory=dict)
    backs_units: tuple[tuple[str, Units], ...] = ()
    kept: tuple[Kept, ...] = ()
    kept_standing: tuple[Kept, ...] = ()
    lent: tuple[Held, ...] = ()

    @property
    def given_losses(self) -> dict[str, Amount]:
        """What it must hold for regions that this plan does not move, by what is lost at one moment."""
        found: dict[str, Amount] = {}
        for name, load in zip(self._given_names, self.backs, strict=True):
            found[name] = found.get(name, Amount()).plus(load)
        return found

    @property
    def given_units(self) -> dict[str, dict[str, Units]]:
        """Units that it holds for regions that this plan does not move, by what is lost at one moment, and whose."""
        found: dict[str, dict[str, Units]] = {}
        for name, (whose, units) in zip(self._given_names, self.backs_units, strict=False):
            if units:
                of = found.setdefault(name, {})
                of[whose] = added(of.get(whose, {}), units)
        return found

    @property
    def _given_names(self) -> tuple[str, ...]:
        return self.backs_of or tuple(f"given {at}" for at in range(len(self.backs)))

    def most_partners(self, settings: FailoverSettings) -> int:
        """How many partners may carry what those that are given do not."""
        return max(0, settings.dedicated_partners - self.given_partners)

    @property
    def serving_room(self) -> Amount:
        """What may serve here: no more than there is, and than people want."""
        return Amount(
            vcpu=min(self.room.vcpu, self.most.get(CapacityKind.VCPU, math.inf)),
            memory_gib=min(self.room.memory_gib, self.most.get(CapacityKind.MEMORY_GIB, math.inf)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Regions that are lost at one moment, and the load that has to be carried for them in any case."""

    name: str
    sites: tuple[Site, ...]
    given: Amount
    units: Mapping[str, Units]


def losses(sites: Sequence[Site], carrier: Site) -> tuple[Loss, ...]:
    """Every loss that a region may have to carry something of: what it holds is the largest of them."""
    found, units = carrier.given_losses, carrier.given_units
    lost: dict[str, tuple[Site, ...]] = {}
    for site in sites:
        name = site.falls_with or site.region
        lost[name] = (*lost.get(name, ()), site)
    names = (*found, *(name for name in lost if name not in found))
    return tuple(
        Loss(name=name, sites=lost.get(name, ()), given=found.get(name, Amount()), units=units.get(name, {}))
        for name in names
    )


def read_sites(question: Question, market: Market, needs: tuple[Requirement, ...], given: Given) -> tuple[Site, ...]:
    """Every region that this plan may move, by name."""
    names = sorted({region.name for region in question.environment.regions} - question.frozen_regions())
    ways = ways_of(question, market)
    return tuple(_site(question, market, needs, given, (ways, name)) for name in names)


def compute_amount(market: Market, resources: list[Resource]) -> Amount:
    """Sums the vCPUs and memory of some compute resources."""
    vcpu = memory = 0.0
    for resource in resources:
        spec = resource.spec
        if isinstance(spec, ComputeSpec) and spec.shape in market.shapes:
            given = Amount.of(market.shapes[spec.shape], spec.count)
            vcpu, memory = vcpu + given.vcpu, memory + given.memory_gib
    return Amount(vcpu=vcpu, memory_gib=memory)


def _site(
    question: Question, market: Market, needs: tuple[Requirement, ...], given: Given, where: tuple[Ways, str]
) -> Site:
    ways, region = where
    wanted = needed(needs, region)
    held = {
        purpose: compute_amount(market, list(given.of(region, ResourceKind.COMPUTE, purpose)))
        for purpose in (Purpose.SERVING, Purpose.FAILOVER)
    }
    fixed, (_, residency) = _fixed_shares(question, given, region), ways
    workloads = question.environment.workloads
    units = units_of(workloads, region, asked_vcpu(needs, region))
    pinned = (share for other, share in fixed.items() if not question.is_frozen(other))
    critical = critical_units(workloads, units, pinned)
    whole_domain = question.environment.failover.survive is Survive.DOMAIN
    backs = _backs(question, market, needs, given, region)
    refusals = partner_refusals(question, market, ways, region)
    eligible = [other for other, refused in refusals.items() if refused is None and other not in fixed]
    return Site(
        region=region,
        serving=wanted.less(held[Purpose.SERVING]),
        critical=wanted.times(question.environment.critical_share_of(region) * (1 - sum(fixed.values()))),
        standing=held[Purpose.FAILOVER],
        backs=tuple(load for _, load, _ in backs),
        backs_of=tuple(market.regions[place].fault_domain for place, _, _ in backs) if whole_domain else (),
        backs_units=tuple((place, units) for place, _, units in backs) if workloads else (),
        room=_room(market, given, region),
        most=serving_room(question, market, given, region),
        serving_shapes=_free_shapes(market, given, region, Purpose.SERVING),
        failover_shapes=_free_shapes(market, given, region, Purpose.FAILOVER),
        partners=tuple(sorted(eligible, key=lambda other: (_unit_price(market, other), other))),
        given_partners=len(fixed),
        alone=all(refused and refused.code is RefusalCode.SAME_FAULT_DOMAIN for refused in refusals.values()),
        accelerators=_left(market, given, region, CapacityKind.ACCELERATORS),
        live=_standing(question.live(), market, region, fixed),
        bound=residency.told(region) if region in residency.within else "",
        falls_with=market.regions[region].fault_domain if whole_domain else "",
        units=units,
        critical_units=critical,
        kept=tuple(kept_compute(market, given, region, Purpose.SERVING)) if workloads else (),
        kept_standing=tuple(kept_compute(market, given, region, Purpose.FAILOVER)) if workloads else (),
    )


def kept_compute(market: Market, given: Given, region: str, purpose: Purpose) -> Iterator[Kept]:
    """Compute of a region that stays whatever demand says."""
    for resource in given.of(region, ResourceKind.COMPUTE, purpose):
        if isinstance(resource.spec, ComputeSpec) and resource.spec.shape in market.shapes:
            yield resource.key, market.shapes[resource.spec.shape], resource.spec.count


def _unit_price(market: Market, region: str) -> float:
    usd = market.unit_price(region, CapacityKind.VCPU)
    return math.inf if usd is None else usd


def needed(needs: tuple[Requirement, ...], region: str) -> Amount:
    """What must serve at a region."""
    vcpu, memory = (total(needs, region, kind) for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB))
    return Amount(vcpu=vcpu.quantity if vcpu else 0.0, memory_gib=memory.quantity if memory else 0.0)


def _room(market: Market, given: Given, region: str) -> Amount:
    vcpu, memory = (_left(market, given, region, kind) for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB))
    return Amount(vcpu=vcpu, memory_gib=memory)


def _left(market: Market, given: Given, region: str, kind: CapacityKind) -> float:
    return max(0.0, market.room(region, kind) - given.use.get((region, kind), 0.0))


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
) -> tuple[tuple[str, Amount, Units], ...]:
    """What given failover entries bring here: whose, its critical load and units; pinned, or left as they are."""
    loads, workloads = [], question.environment.workloads
    for item in given.resources.values():
        entry, spec = item.resource, item.resource.spec
        if not isinstance(spec, FailoverSpec) or spec.partner != region:
            continue
        if question.is_frozen(entry.place):
            served = compute_amount(market, list(given.of(entry.place, ResourceKind.COMPUTE, Purpose.SERVING)))
        else:
            served = needed(needs, entry.place)
        vcpu = served.vcpu if question.is_frozen(entry.place) else asked_vcpu(needs, entry.place)
        units = share_of(critical_units(workloads, units_of(workloads, entry.place, vcpu)), spec.share)
        load = served.times(question.environment.critical_share_of(entry.place) * spec.share)
        loads.append((entry.place, load.or_more(Amount.of_units(units)), units))
    return tuple(loads)


def wanted_last(question: Question, market: Market) -> Mapping[str, Live]:
    """By region, what the plan applied last wanted; nothing where there is none."""
    wanted = question.wanted_earlier()
    regions = [region.name for region in question.environment.regions] if wanted else []
    return {region: _standing(wanted, market, region) for region in regions}


def _standing(
    live: Mapping[str, Resource], market: Market, region: str, fixed: Mapping[str, float] | None = None
) -> Live:
    """What some resources are of a region: shares in twentieths of what entries that are given leave, by partner."""
    given = fixed or {}
    left = max(1.0 - sum(given.values()), 1.0 / SHARE_STEPS)
    counts: dict[Purpose, dict[str, int]] = {Purpose.SERVING: {}, Purpose.FAILOVER: {}}
    for purpose, by_shape in counts.items():
        for shape in market.shapes:
            found = live.get(item_key(region, ResourceKind.COMPUTE, purpose, shape))
            if found is not None and isinstance(found.spec, ComputeSpec):
                by_shape[shape] = found.spec.count
    shares = {
        item.spec.partner: round(item.spec.share / left * SHARE_STEPS)
        for item in live.values()
        if isinstance(item.spec, FailoverSpec) and item.place == region and item.spec.partner not in given
    }
    return Live(serving=counts[Purpose.SERVING], failover=counts[Purpose.FAILOVER], shares=shares)
