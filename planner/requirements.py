"""How much must serve demand at each place: a quantile of the forecast, raised and capped by what people say.

The quantile is the newsvendor's: shortage / (shortage + idle), both in USD per unit and hour, the idle cost being the
price of the cheapest offer (Arrow, Harris and Marschak 1951). Every requirement's parts add up to its quantity.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import CapacityKind
from contracts.environment import Environment
from contracts.names import is_link, pair_ends
from contracts.plan import ForecastLink, ReasonCode, Requirement
from contracts.series import SeriesKey, SeriesKind
from planner.market import Market
from planner.question import Question
from planner.routes import Routes, link_of

SERIES_OF = {
    CapacityKind.VCPU: SeriesKind.CPU,
    CapacityKind.MEMORY_GIB: SeriesKind.MEMORY,
    CapacityKind.STORAGE_GIB: SeriesKind.STORAGE,
}

LOWEST_LEVEL, HIGHEST_LEVEL = 0.5, 0.99
"""Below the median a plan is a promise to fall short; above 0.99 a forecast has no evidence."""

CALM_SHARE = 0.1
"""Demand that falls by no more than this keeps what the last plan applied wanted: a tenth is within what one day's
forecast differs from the next, and moving costs more than idling for a day."""


def serving_requirements(question: Question, market: Market) -> tuple[Requirement, ...]:
    """What must serve at every region and link that this plan may change, by place and kind.

    A demand that a maximum cuts to nothing stays, so that reviews see what is not served.
    """
    candidates = (*_region_demands(question, market), *_link_demands(question, market))
    before = {item.id: item.quantity for item in question.earlier.requirements} if question.earlier else {}
    requirements = (_requirement(demand, question.environment, before) for demand in candidates)
    return tuple(item for item in requirements if item.quantity > 0 or "maximum" in item.parts)


def quantile_level(environment: Environment, kind: CapacityKind, idle_usd: float | None) -> float:
    """The newsvendor ratio, no lower than the environment's headroom rule, to four decimals."""
    shortage = environment.costs.shortage_usd_per_unit_hour.get(kind, 0.0)
    known = idle_usd is not None and shortage + idle_usd > 0
    ratio = shortage / (shortage + (idle_usd or 0.0)) if known else HIGHEST_LEVEL
    floor = max(LOWEST_LEVEL, environment.rules.headroom_quantile)
    return round(min(HIGHEST_LEVEL, max(floor, ratio)), 4)


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


def _region_demands(question: Question, market: Market) -> Iterator[_Demand]:
    steps = question.environment.horizons.validity_hours
    for region in sorted(settings.name for settings in question.environment.regions):
        if question.is_frozen(region):
            continue
        for kind, series_kind in SERIES_OF.items():
            key = SeriesKey(series_kind, region)
            if not question.forecast.has(key):
                yield _Demand(region, kind, None)
                continue
            level = quantile_level(question.environment, kind, market.unit_price(region, kind))
            peak = question.forecast.peak(key, level, steps)
            link = ForecastLink(series=str(key), level=level, value=rounded(peak.value), at=peak.at)
            yield _Demand(region, kind, link)


def _link_demands(question: Question, market: Market) -> Iterator[_Demand]:
    """Traffic of both directions of every link; a pair that no link joins loads each link of its way."""
    routes, regions = Routes(market.links.values()), {region.name for region in question.environment.regions}
    loads: dict[str, dict[str, list[str]]] = {}
    for pair in question.forecast.subjects(SeriesKind.TRAFFIC):
        if not question.forecast.has(SeriesKey(SeriesKind.TRAFFIC, pair)) or not regions.issuperset(pair_ends(pair)):
            continue
        route = routes.between(*pair_ends(pair))
        for hop in route.hops if route else (pair,):
            loads.setdefault(link_of(hop), {}).setdefault(hop, []).append(pair)
    for link in sorted(loads):
        if not question.is_frozen(link):
            yield _larger_direction(question, market, link, loads[link])


def _larger_direction(question: Question, market: Market, link: str, hops: dict[str, list[str]]) -> _Demand:
    """Circuits are full duplex: the direction whose pairs peak higher, hour by hour, counts alone."""
    level = quantile_level(question.environment, CapacityKind.GBPS, market.unit_price(link, CapacityKind.GBPS))
    steps = question.environment.horizons.validity_hours
    directions = [_direction(question, hops[hop], level, steps) for hop in sorted(hops)]
    pairs, curves, at = max(directions, key=lambda found: float(found[1].sum(axis=0)[found[2]]))
    largest = int(np.argmax(curves[:, at]))
    rest = float(curves[:, at].sum() - curves[largest, at])
    forecast = ForecastLink(
        series=str(SeriesKey(SeriesKind.TRAFFIC, pairs[largest])),
        level=level,
        value=rounded(float(curves[largest, at])),
        at=question.forecast.origin + timedelta(hours=at),
    )
    return _Demand(link, CapacityKind.GBPS, forecast, (("other pairs", rounded(rest)),) if rest > 0 else ())


def _direction(
    question: Question, pairs: list[str], level: float, steps: int
) -> tuple[list[str], NDArray[np.float64], int]:
    """Quantile curves of the pairs that load one direction, one a row, and the hour when their sum peaks."""
    keys = [SeriesKey(SeriesKind.TRAFFIC, pair) for pair in pairs]
    curves = np.stack([question.forecast.curve(key, level)[:steps] for key in keys])
    return pairs, curves, int(np.argmax(curves.sum(axis=0)))


def _requirement(demand: _Demand, environment: Environment, before: dict[str, float]) -> Requirement:
    """Forecast, then the minimum, then what calm keeps, then the maximum: each a part with its own name."""
    settings = None if is_link(demand.place) else environment.region(demand.place)
    identity = f"{demand.place}/{demand.kind}/serving"
    parts = {"forecast": demand.forecast.value} if demand.forecast else {}
    parts |= dict(demand.more)
    code = ReasonCode.DEMAND
    minimum = settings.minimum.get(demand.kind, 0.0) if settings else 0.0
    if _sum(parts) < minimum:
        parts["minimum"], code = rounded(minimum - _sum(parts)), ReasonCode.MINIMUM
    if _sum(parts) < (kept := calm(_sum(parts), before.get(identity, 0.0))):
        parts["kept from the last plan"] = rounded(kept - _sum(parts))
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
    )


def calm(wanted: float, before: float) -> float:
    """What was wanted before, when what is wanted now is less by no more than `CALM_SHARE`; else what is wanted."""
    return before if before * (1 - CALM_SHARE) <= wanted < before else wanted


def total(requirements: Iterable[Requirement], place: str, kind: CapacityKind) -> Requirement | None:
    """The requirement of a place and kind, where there is one."""
    return next((item for item in requirements if (item.place, item.kind) == (place, kind)), None)


def _sum(parts: dict[str, float]) -> float:
    return rounded(sum(parts.values()))
