"""What a plan must meet, out of the documents that it answers: no requirement that it states itself is believed.

Demand of each region and link by hour of the day, at the quantile that prices and rules ask for (docs/sizing.md); what
people say is the least and the most; addresses for instances. Slow and plain: the planner's code has no part in it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from scipy.optimize import linprog

from contracts.capacity import CapacityKind
from contracts.failover import Reserve
from contracts.names import link_ends, link_name, pair_ends
from contracts.preference import Move
from contracts.resources import HOURS_A_DAY, Purchase
from contracts.series import Granularity, SeriesKey, SeriesKind
from tests.planner.egress_checker import egress_prices, way
from tests.planner.plan_facts import Asked, delays

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
                curve = _at(asked, table, _level(asked, region.name, kind, table))
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
    return _at(asked, table, level)


def moved_demand(asked: Asked, move: Move, kind: CapacityKind) -> float:
    """What a move brings in its own worst hour, at the quantile that its host is sized at."""
    return move.share * float(at_home(asked, move.region, kind, _host_level(asked, move.host, kind)).max())


def _host_level(asked: Asked, region: str, kind: CapacityKind) -> float:
    """The quantile as plans state it: of kinds that come and go with the hours it hangs on prices alone."""
    return round(_level(asked, region, kind, np.zeros((1, 1))) + ROUNDING, 4)


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


def on_links(asked: Asked, moves: tuple[Move, ...] = ()) -> dict[str, float]:
    """Gbps of every link that traffic takes: the larger direction, each pair along its own link or the quickest way."""
    loads: dict[str, dict[tuple[str, str], list[SeriesKey]]] = defaultdict(lambda: defaultdict(list))
    mine, frozen = {region.name for region in asked.environment.regions}, frozen_regions(asked)
    known = ways(asked)
    for key in {key for key, granularity in asked.forecast.values if granularity is Granularity.HOURLY}:
        if key.kind is SeriesKind.TRAFFIC and mine.issuperset(pair_ends(key.subject)):
            for hop in known.between(*pair_ends(key.subject)):
                loads[link_name(*hop)][hop].append(key)
    hours = asked.environment.horizons.hours_of(CapacityKind.GBPS)
    found = {}
    for link, directions in loads.items():
        if frozen.isdisjoint(link_ends(link)):
            tables = [_together(asked, sorted(keys, key=str), hours) for keys in directions.values()]
            levels = [_level(asked, link, CapacityKind.GBPS, table) for table in tables]
            found[link] = max(
                float(_at(asked, table, level).max()) for table, level in zip(tables, levels, strict=True)
            )
    for move in moves if asked.environment.placement.gbps_per_vcpu else ():
        gbps = asked.environment.placement.gbps_per_vcpu * moved_demand(asked, move, CapacityKind.VCPU)
        for hop in known.between(move.region, move.host):
            if frozen.isdisjoint(hop):
                found[link_name(*hop)] = found.get(link_name(*hop), 0.0) + gbps
    return found


def carried(wanted: dict[str, float], circuits: dict[str, float]) -> bool:
    """Whether circuits carry what links are wanted for, what is more than theirs over other links (a flow of each)."""
    short = {link: gbps - circuits.get(link, 0.0) for link, gbps in wanted.items()}
    short = {link: gbps for link, gbps in short.items() if gbps > 1e-5}
    if not short:
        return True
    edges = sorted({*circuits, *wanted} - short.keys())
    if not edges:
        return False
    spare = [circuits.get(link, 0.0) - wanted.get(link, 0.0) for link in edges]
    names, count = sorted({end for link in (*edges, *short) for end in link_ends(link)}), 2 * len(edges)
    balance = np.zeros((len(short) * len(names), len(short) * count))
    sent = np.zeros(len(balance))
    for of, (link, gbps) in enumerate(sorted(short.items())):
        for at, edge in enumerate(edges):
            one, other = (of * len(names) + names.index(end) for end in link_ends(edge))
            for side, (source, into) in enumerate(((one, other), (other, one))):
                balance[source, of * count + 2 * at + side] += 1
                balance[into, of * count + 2 * at + side] -= 1
        first, last = (of * len(names) + names.index(end) for end in link_ends(link))
        sent[first], sent[last] = gbps - 2e-5, -(gbps - 2e-5)
    room = np.tile(np.repeat(np.eye(len(edges)), 2, axis=1), len(short))
    answer = linprog(np.zeros(balance.shape[1]), A_ub=room, b_ub=np.maximum(spare, 0.0), A_eq=balance, b_eq=sent)
    return bool(answer.status == 0)


def ways(asked: Asked) -> "_Ways":
    """The ways between regions."""
    return _Ways(asked)


class _Ways:
    """The hops that traffic between two regions takes: its own link, or the quickest way (by delays between all)."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._priced = asked, bool(egress_prices(asked))
        self._delay = delays(asked)
        self._next: dict[str, dict[str, float]] = defaultdict(dict)
        mine = {region.name for region in asked.environment.regions}
        for link in (link for link in asked.capacity.links if mine.issuperset((link.a, link.b))):
            self._next[link.a][link.b] = self._next[link.b][link.a] = link.latency_ms

    def delay(self, source: str, destination: str) -> float:
        """Milliseconds along the own link, where there is one, else the quickest way."""
        return self._next[source].get(destination, self._delay.get((source, destination), float("inf")))

    def between(self, source: str, destination: str) -> Iterator[tuple[str, str]]:
        if self._priced:
            yield from way(self._asked, source, destination)
            return
        at = source
        if destination in self._next[source] or not np.isfinite(self._delay.get((source, destination), np.inf)):
            yield source, destination
            return
        while at != destination:
            left = self._delay[at, destination]
            on = min(
                hop for hop, ms in self._next[at].items() if abs(ms + self._delay[hop, destination] - left) <= 1e-9
            )
            yield at, on
            at = on


def _by_hour(asked: Asked, curve: np.ndarray) -> ByHour:
    """The largest of each hour of the day; of hours that are not forecast, the largest of all."""
    first = asked.forecast.origin.hour
    each = [[float(value) for step, value in enumerate(curve) if (first + step) % 24 == hour] for hour in range(24)]
    return tuple(max(values) if values else 0.0 for values in each)


def _together(asked: Asked, keys: list[SeriesKey], hours: int) -> np.ndarray:
    """(hours, levels) of series that add up: over paths where there are any, above the median no more than the sum."""
    tables = [asked.forecast.values[key, Granularity.HOURLY][:hours] for key in keys]
    summed: np.ndarray = np.sum([table[: min(map(len, tables))] for table in tables], axis=0)
    if len(keys) == 1 or not all(key in asked.forecast.paths for key in keys):
        return summed
    paths = np.sum([asked.forecast.paths[key].astype(float) for key in keys], axis=0)
    for hour in range(min(len(summed), paths.shape[1])):
        for at, level in enumerate(asked.forecast.document.levels):
            drawn = float(np.quantile(paths[:, hour], level, method="hazen"))
            summed[hour, at] = min(drawn, summed[hour, at]) if level > 0.5 else drawn
        summed[hour] = np.maximum.accumulate(summed[hour])
    return summed


def _at(asked: Asked, table: np.ndarray, level: float) -> np.ndarray:
    """(hours,) a quantile, straight between levels."""
    levels = asked.forecast.document.levels
    return np.array([np.interp(level, levels, row) for row in table])


def _level(asked: Asked, place: str, kind: CapacityKind, table: np.ndarray) -> float:
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
