"""What a plan must meet, out of the documents that it answers: no requirement that it states itself is believed.

Demand of each region by hour of the day, at the quantile that prices and rules ask for (docs/sizing.md), and what
people say is the least and the most; of links see `links_checker`. Slow and plain: the planner has no part in it.
"""

from bisect import bisect_right
from statistics import NormalDist

import numpy as np

from contracts.capacity import CapacityKind
from contracts.failover import Reserve
from contracts.preference import Move
from contracts.resources import HOURS_A_DAY, Purchase
from contracts.series import Granularity, SeriesKey, SeriesKind
from tests.planner.plan_facts import Asked

HIGHEST, LEAST = 0.99, 0.5
NORMAL = NormalDist()
ROUNDING = 1e-4
"""Of quantile levels: plans state four decimals."""

OF_REGIONS = {
    CapacityKind.VCPU: SeriesKind.CPU,
    CapacityKind.MEMORY_GIB: SeriesKind.MEMORY,
    CapacityKind.STORAGE_GIB: SeriesKind.STORAGE,
}
OF_FLEETS = OF_REGIONS | {
    CapacityKind.ACCELERATORS: SeriesKind.ACCELERATORS,
    CapacityKind.GBPS: SeriesKind.BANDWIDTH,
}
PLACED = ("served in ", "movable demand of ", "at another hour", "to serve movable demand of ")
"""Begin the parts of a requirement that come from demand that is served elsewhere."""

STANDING = (CapacityKind.STORAGE_GIB, CapacityKind.GBPS)

ByHour = tuple[float, ...]
"""24 amounts, by hour of the day in UTC."""


def frozen_regions(asked: Asked) -> frozenset[str]:
    """Regions that a plan leaves as they are."""
    paused = {region.name for region in asked.environment.regions if region.paused}
    return frozenset(paused | {facts.region for facts in asked.capacity.regions if not facts.readable})


def in_regions(asked: Asked, moves: tuple[Move, ...] = ()) -> dict[tuple[str, CapacityKind], ByHour]:
    """What must serve in each region at each hour: forecast, minimum and maximum of each kind by itself.

    Args:
        asked: the documents.
        moves: demand that a plan says is served elsewhere than where it is forecast.
    """
    shared = asked.environment.failover.reserve is Reserve.SHARED
    found = {}
    for region in asked.environment.regions:
        if region.name in frozen_regions(asked):
            continue
        for kind, series in (OF_FLEETS if shared else OF_REGIONS).items():
            key = SeriesKey(series, region.name)
            curve = np.zeros(1)
            if asked.forecast.has(key):
                table = asked.forecast.values[key, Granularity.HOURLY][: asked.environment.horizons.hours_of(kind)]
                curve = at_level(asked, table, level_met(asked, region.name, kind, table))
            scaled = shared and kind in (*OF_REGIONS, *OF_FLEETS) and kind is not CapacityKind.STORAGE_GIB
            scaled = scaled and asked.environment.purchases_of(region.name).hourly
            by_hour = _by_hour(asked, curve) if scaled else (float(curve.max()),) * HOURS_A_DAY
            settled = _as_measured(asked, (region.name, kind), key, by_hour)
            by_hour = tuple(amount + _more(asked, moves, region.name, kind) for amount in settled)
            least, most = region.minimum.get(kind, 0.0), region.maximum.get(kind, float("inf"))
            if max(by_hour) > 0 or least > 0:
                found[region.name, kind] = tuple(min(most, max(least, amount)) for amount in by_hour)
    return found


def at_home(asked: Asked, region: str, kind: CapacityKind, level: float) -> np.ndarray:
    """(hours,) a quantile of what is forecast in a region; one hour of nothing without a forecast."""
    key = SeriesKey(OF_REGIONS[kind], region)
    if not asked.forecast.has(key):
        return np.zeros(1)
    table = asked.forecast.values[key, Granularity.HOURLY][: asked.environment.horizons.hours_of(kind)]
    return at_level(asked, table, level)


def moved_demand(asked: Asked, move: Move, kind: CapacityKind) -> float:
    """What a move brings in its own worst hour, at the quantile that its host is sized at."""
    return move.share * float(at_home(asked, move.region, kind, _host_level(asked, move.host, kind)).max())


def _host_level(asked: Asked, region: str, kind: CapacityKind) -> float:
    """The quantile as plans state it: of kinds that come and go with the hours it hangs on prices alone."""
    return round(level_met(asked, region, kind, np.zeros((1, 1))) + ROUNDING, 4)


def _more(asked: Asked, moves: tuple[Move, ...], region: str, kind: CapacityKind) -> float:
    """What moves make of a region's worst hour: what is served elsewhere of each hour, and what comes in it."""
    extra = asked.environment.placement
    if kind is CapacityKind.STORAGE_GIB:
        here = (move for move in moves if move.host == region)
        return sum(extra.storage_gib_per_vcpu * moved_demand(asked, move, CapacityKind.VCPU) for move in here)
    if kind not in OF_REGIONS or not any(region in (move.region, move.host) for move in moves):
        return 0.0
    level = _host_level(asked, region, kind)
    own = at_home(asked, region, kind, level)
    comes = [(move.share, at_home(asked, move.region, kind, level)) for move in moves if move.host == region]
    stays = 1 - sum(move.share for move in moves if move.region == region)
    hours = [
        stays * own[min(hour, len(own) - 1)] + sum(share * curve[min(hour, len(curve) - 1)] for share, curve in comes)
        for hour in range(max(len(own), *(len(curve) for _, curve in comes), 1))
    ]
    return float(max(hours) - own.max())


def _as_measured(asked: Asked, what: tuple[str, CapacityKind], key: SeriesKey, by_hour: ByHour) -> ByHour:
    """No less at the peak than was asked before, or than was measured of it since: no forecast alone lowers it.

    What fell by a tenth may be kept or not; what is said to have been asked before is without people's minimum.
    """
    days = asked.environment.horizons.scale_in_days
    earlier = asked.earlier.requirements if asked.earlier else ()
    before = [item for item in earlier if item.id == f"{what[0]}/{what[1]}/serving"]
    if not days or not before:
        return by_hour
    placed = sum(amount for name, amount in before[0].parts.items() if name.startswith(PLACED))
    if max(by_hour) >= 0.9 * (before[0].quantity - placed):
        return by_hour
    peaks = [item.recent_peaks[:days] for item in asked.forecast.document.series if item.key == key]
    known = bool(peaks) and len(peaks[0]) == days and None not in peaks[0]
    most = max(peak or 0.0 for peak in peaks[0]) if known else float("inf")
    least = min(before[0].quantity - placed - before[0].parts.get("minimum", 0.0), most)
    if max(by_hour) >= least:
        return by_hour
    times = least / max(by_hour) if max(by_hour) > 0 else 0.0
    return tuple(amount * times if times else least for amount in by_hour)


def _by_hour(asked: Asked, curve: np.ndarray) -> ByHour:
    """The largest of each hour of the day; of hours that are not forecast, the largest of all."""
    first = asked.forecast.origin.hour
    each = [[float(value) for step, value in enumerate(curve) if (first + step) % 24 == hour] for hour in range(24)]
    return tuple(max(values) if values else 0.0 for values in each)


def at_level(asked: Asked, table: np.ndarray, level: float) -> np.ndarray:
    """(hours,) a quantile, straight between levels."""
    levels = asked.forecast.document.levels
    return np.array([np.interp(level, levels, row) for row in table])


def level_met(asked: Asked, place: str, kind: CapacityKind, table: np.ndarray) -> float:
    """The quantile that must be met, less what rounding hides: the newsvendor's, at least the one that is promised."""
    promised = max(LEAST, asked.environment.rules.headroom_quantile)
    shortage, idle = asked.environment.costs.shortage_usd_per_unit_hour.get(kind, 0.0), _unit_price(asked, place, kind)
    ratio = shortage / (shortage + idle) if idle is not None and shortage + idle > 0 else HIGHEST
    level = min(HIGHEST, max(promised, ratio))
    if kind in STANDING and idle and shortage:
        level = min(level, max(promised, _all_hours(asked, table, ratio)))
    return level - ROUNDING


def _all_hours(asked: Asked, table: np.ndarray, ratio: float) -> float:
    """How surely the worst hour is met by the size that suffices in the mean of all hours as surely as `ratio`."""
    scores = [NORMAL.inv_cdf(level) for level in asked.forecast.document.levels]
    rows, low, high = table.tolist(), 0.0, 10 * float(table.max()) + 1
    for _ in range(40):
        middle = (low + high) / 2
        enough = sum(_suffices(scores, row, middle) for row in rows) >= ratio * len(rows)
        low, high = (low, middle) if enough else (middle, high)
    return min(ratio, *(_suffices(scores, row, high) for row in rows))


def _suffices(scores: list[float], row: list[float], amount: float) -> float:
    """The probability that an hour asks for no more: straight over normal scores, beyond the last levels as steep."""
    right = min(max(bisect_right(row, amount), 1), len(row) - 1)
    step = row[right] - row[right - 1]
    if step <= 0:
        return 1.0 if amount >= row[right] else 0.0
    score = scores[right - 1] + (amount - row[right - 1]) / step * (scores[right] - scores[right - 1])
    return NORMAL.cdf(min(max(score, -8.0), 8.0))


def _unit_price(asked: Asked, place: str, kind: CapacityKind) -> float | None:
    """USD per hour of one unit in the cheapest offer of a place."""
    sizes = {
        shape.name: {
            CapacityKind.VCPU: shape.vcpu,
            CapacityKind.MEMORY_GIB: shape.memory_gib,
            CapacityKind.ACCELERATORS: shape.accelerators,
        }
        for shape in asked.catalog.shapes
    }
    sizes |= {item.name: {CapacityKind.STORAGE_GIB: 1} for item in asked.catalog.storage_classes}
    sizes |= {tier.name: {CapacityKind.GBPS: tier.gbps} for tier in asked.catalog.circuit_tiers}
    prices = [
        offer.usd_per_hour / gives
        for offer in asked.capacity.offers
        if offer.place == place
        and offer.purchase is Purchase.ON_DEMAND
        and (gives := sizes.get(offer.item, {}).get(kind, 0))
    ]
    return min(prices, default=None)
