"""How much must serve demand at each place: a quantile of the forecast, raised and capped by what people say.

The quantile is the newsvendor's: shortage / (shortage + idle), both in USD per unit and hour, the idle cost being the
price of the cheapest offer (Arrow, Harris and Marschak 1951). Compute can follow the hours, so that it is sized by the
hour that needs most; what stands in all hours, circuits and volumes, by all of them together. Neither falls below the
quantile that is promised (`rules.headroom_quantile`). What takes long to come is sized for as much longer. Every
requirement's parts add up to its quantity.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import numpy as np

from contracts.capacity import CapacityKind
from contracts.environment import Environment
from contracts.failover import Reserve
from contracts.names import is_link
from contracts.plan import ForecastLink, ReasonCode, Requirement
from contracts.preference import SERVED_IN, Move, served_elsewhere
from contracts.series import SeriesKey
from planner.curves import FLEET_SERIES_OF, SERIES_OF, Curves, link_curves, region_curves
from planner.market import Market
from planner.moved import carried_over, parts_at, peak_of, stored_with
from planner.question import Question
from planner.recourse.standing import standing_level
from planner.scale_in import Settled

STANDING = frozenset({CapacityKind.STORAGE_GIB, CapacityKind.GBPS})
"""Kinds that stand in all hours alike: neither a volume nor a circuit comes and goes with the hours of a day."""

LOWEST_LEVEL, HIGHEST_LEVEL = 0.5, 0.99
"""Below the median a plan is a promise to fall short; above 0.99 a forecast has no evidence."""

ELSEWHERE = "over other paths"
"""Part of a link's requirement that other links carry (`planner.detours`); at most 0."""

WORKLOADS = "units that cannot be divided"
"""Part of a region's requirement by which units come to more than is asked for besides (`planner.packing_units`)."""

KEPT, HELD = "kept from the last plan", "held as measured"
"""Parts by which a requirement stays: as it fell by a tenth at most, or as no forecast alone lowers it."""

OF_ANOTHER = "traffic of "
"""Begins the part of a link's requirement that comes from another link, which it names."""

COPIES = "copies of "
"""Begins the part of a link's requirement that is what a region sends to its partners (`planner.copies`)."""

_OF_OTHERS = (ELSEWHERE, OF_ANOTHER, COPIES)


def serving_requirements(question: Question, market: Market) -> tuple[Requirement, ...]:
    """What must serve at every region and link that this plan may change, by place and kind.

    A demand that a maximum cuts to nothing stays, so that reviews see what is not served; so does one that other
    regions serve whole.
    """
    candidates = (*_region_demands(question, market), *_link_demands(question, market))
    settled = Settled.of(question, asked_before(question))
    requirements = (_requirement(demand, question.environment, settled) for demand in candidates)
    return tuple(
        item
        for item in requirements
        if item.quantity > 0 or "maximum" in item.parts or any(name.startswith(SERVED_IN) for name in item.parts)
    )


def own_quantity(item: Requirement) -> float:
    """What a place's own demand asks, wherever it is served: of a link's, also what others carry, nothing of theirs.

    Copies of what regions hold are no demand that is forecast.
    """
    others = (amount for name, amount in item.parts.items() if name.startswith(_OF_OTHERS))
    return item.quantity - served_elsewhere(item.parts) - sum(others)


def asked_before(question: Question) -> dict[str, float]:
    """What the plan applied last asked for of each place's own, by requirement; what it left as it is, as before it."""
    earlier = question.earlier
    if earlier is None:
        return {}
    return {**earlier.asked_before, **{item.id: _calm_keeps(item) for item in earlier.requirements}}


def _calm_keeps(item: Requirement) -> float:
    """What calm may keep of what was asked: nothing that people alone asked for; what stood above a minimum, whole."""
    own = own_quantity(item) - item.parts.get(WORKLOADS, 0.0)
    kept = KEPT in item.parts or HELD in item.parts
    return own if kept else own - item.parts.get("minimum", 0.0)


def quantile_level(environment: Environment, kind: CapacityKind, idle_usd: float | None) -> float:
    """The newsvendor ratio, no lower than the environment's headroom rule, to four decimals."""
    shortage = environment.costs.shortage_usd_per_unit_hour.get(kind, 0.0)
    known = idle_usd is not None and shortage + idle_usd > 0
    ratio = shortage / (shortage + (idle_usd or 0.0)) if known else HIGHEST_LEVEL
    return round(min(HIGHEST_LEVEL, max(promised_level(environment), ratio)), 4)


def promised_level(environment: Environment) -> float:
    """The quantile that sizes never fall below, whatever a shortage costs."""
    return max(LOWEST_LEVEL, environment.rules.headroom_quantile)


def rounded(value: float) -> float:
    """Six decimals: what documents carry, so that their bytes do not hang on the last bit of a sum."""
    return round(value, 6) + 0.0


@dataclass(frozen=True, slots=True)
class _Demand:
    """What the forecast says of one place and kind, before people are heard."""

    place: str
    kind: CapacityKind
    forecast: ForecastLink | None
    more: tuple[tuple[str, float], ...] = ()  # beyond the series that `forecast` names
    ways: tuple[tuple[SeriesKey, ...], ...] = ()  # all that it is the sum of; of a link, of both directions

    def quantity(self) -> float:
        return (self.forecast.value if self.forecast else 0.0) + sum(amount for _, amount in self.more)

    def and_more(self, parts: Mapping[str, float]) -> "_Demand":
        """The same with more parts."""
        return replace(self, more=(*self.more, *((name, rounded(amount)) for name, amount in parts.items())))


def _region_demands(question: Question, market: Market) -> Iterator[_Demand]:
    for region in sorted(settings.name for settings in question.environment.regions):
        if question.is_frozen(region):
            continue
        shared = question.environment.failover.reserve is Reserve.SHARED
        for kind in FLEET_SERIES_OF if shared else SERIES_OF:
            curves = region_curves(question, region, kind)
            told = _told(question, market, curves) if curves else _Demand(region, kind, None)
            yield _placed(question, market, told) if question.moved else told


def _link_demands(question: Question, market: Market) -> Iterator[_Demand]:
    """Traffic of both directions of every link. Circuits are full duplex: the larger one counts alone."""
    carried = dict(carried_over(question, market, partial(moved_vcpu, question, market)))
    for link, directions in link_curves(question, market):
        if not question.is_frozen(link):
            own = max((_told(question, market, curves) for curves in directions), key=_Demand.quantity)
            both = replace(own, ways=tuple(curves.keys for curves in directions))
            yield both.and_more(carried.pop(link, {}))
    for link in sorted(carried):
        if not question.is_frozen(link):
            yield _Demand(link, CapacityKind.GBPS, None).and_more(carried[link])


def _placed(question: Question, market: Market, demand: _Demand) -> _Demand:
    """The same with what is served elsewhere, and what of others is served here, as parts."""
    if demand.kind is CapacityKind.STORAGE_GIB:
        return demand.and_more(stored_with(question, demand.place, partial(moved_vcpu, question, market)))
    level = level_of(question, market, demand.place, demand.kind)
    return demand.and_more(parts_at(question, demand.place, demand.kind, level))


def moved_vcpu(question: Question, market: Market, move: Move) -> float:
    """VCPUs of a move in its own worst hour, at the quantile that its host is sized at."""
    return peak_of(question, move, CapacityKind.VCPU, level_of(question, market, move.host, CapacityKind.VCPU))


def level_of(question: Question, market: Market, region: str, kind: CapacityKind) -> float:
    """The quantile that a region's demand of what comes and goes with the hours is sized at."""
    return quantile_level(question.environment, kind, market.unit_price(region, kind))


def sizing_level(question: Question, market: Market, curves: Curves) -> float:
    """The quantile that a demand is sized at, to four decimals."""
    environment, kind = question.environment, curves.kind
    idle_usd = market.unit_price(curves.place, kind)
    level = quantile_level(environment, kind, idle_usd)
    shortage = environment.costs.shortage_usd_per_unit_hour.get(kind, 0.0)
    if kind not in STANDING or not idle_usd or not shortage:
        return level
    standing = standing_level(curves.demand(), shortage / (shortage + idle_usd))
    return round(min(level, max(promised_level(environment), standing)), 4)


def _told(question: Question, market: Market, curves: Curves) -> _Demand:
    """The hour when the quantile of all series together peaks, and the series that is largest then."""
    level = sizing_level(question, market, curves)
    values, total = curves.at_level(level), curves.total_at(level)
    at = int(np.argmax(total))
    largest = int(np.argmax(values[:, at]))
    alone = min(float(values[largest, at]), float(total[at]))
    rest = float(total[at]) - alone
    forecast = ForecastLink(
        series=str(curves.keys[largest]),
        level=level,
        value=rounded(alone),
        at=question.forecast.origin + timedelta(hours=at),
    )
    others = (("other pairs", rounded(rest)),) if rest > 0 else ()
    return _Demand(curves.place, curves.kind, forecast, others, (curves.keys,))


def _requirement(demand: _Demand, environment: Environment, settled: Settled) -> Requirement:
    """Forecast, then the minimum, then what calm keeps, then the maximum: each a part with its own name."""
    settings = None if is_link(demand.place) else environment.region(demand.place)
    identity = f"{demand.place}/{demand.kind}/serving"
    parts = {"forecast": demand.forecast.value} if demand.forecast else {}
    parts |= dict(demand.more)
    code = ReasonCode.DEMAND
    minimum = settings.minimum.get(demand.kind, 0.0) if settings else 0.0
    if _sum(parts) < minimum:
        parts["minimum"], code = rounded(minimum - _sum(parts)), ReasonCode.MINIMUM
    own = rounded(_sum(parts) - served_elsewhere(parts))
    kept, held = settled.kept(identity, own, *demand.ways)
    if own < kept:
        parts[HELD if held else KEPT] = rounded(kept - own)
    maximum = settings.maximum.get(demand.kind) if settings else None
    if maximum is not None and _sum(parts) > maximum:
        parts["maximum"] = rounded(maximum - _sum(parts))
    return Requirement(
        id=identity,
        place=demand.place,
        kind=demand.kind,
        quantity=rounded(_sum(parts)),
        code=code,
        forecast=demand.forecast,
        parts=parts,
        held=held,
    )


def total(requirements: Iterable[Requirement], place: str, kind: CapacityKind) -> Requirement | None:
    """The requirement of a place and kind, where there is one."""
    return next((item for item in requirements if (item.place, item.kind) == (place, kind)), None)


def _sum(parts: dict[str, float]) -> float:
    return rounded(sum(parts.values()))
