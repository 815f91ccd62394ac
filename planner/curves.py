"""What the forecast says of demand at each place, hour by hour: of regions by kind, of links in both directions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contracts.capacity import CapacityKind
from contracts.forecast import ForecastBundle
from contracts.names import pair_ends
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.market import Market
from planner.question import Question
from planner.recourse.distribution import DemandByHour, Matrix
from planner.routes import link_of
from planner.tariff import joined as joined
from planner.tariff import routes_of

SERIES_OF = {
    CapacityKind.VCPU: SeriesKind.CPU,
    CapacityKind.MEMORY_GIB: SeriesKind.MEMORY,
    CapacityKind.STORAGE_GIB: SeriesKind.STORAGE,
}
"""Series of a region's demand, by what they need."""

FLEET_SERIES_OF = {
    **SERIES_OF,
    CapacityKind.ACCELERATORS: SeriesKind.ACCELERATORS,
    CapacityKind.GBPS: SeriesKind.BANDWIDTH,
}
"""What instances give beside that, where they are chosen by all that they give (`planner.fleets`)."""

DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """Demand for one kind at one place: series that add up.

    Attributes:
        keys: of the series, at least one.
        levels: of the quantiles.
        tables: (series, hours, levels).
        total: (hours, levels) of all series together. Read off the forecast's paths, where it has them; without, the
            sum of quantiles, which is that of series that peak together and more than what comes.
    """

    place: str
    kind: CapacityKind
    keys: tuple[SeriesKey, ...]
    levels: tuple[float, ...]
    tables: Matrix
    total: Matrix

    def demand(self) -> DemandByHour:
        """Of all series together."""
        return DemandByHour(self.levels, self.total)

    def at_level(self, level: float) -> Matrix:
        """Each series' quantile, (series, hours), straight between the levels."""
        return self._at(self.tables, level)

    def total_at(self, level: float) -> Matrix:
        """The quantile of all series together, (hours,)."""
        return self._at(self.total, level)

    def _at(self, tables: Matrix, level: float) -> Matrix:
        right = int(np.clip(np.searchsorted(self.levels, level), 1, len(self.levels) - 1))
        low, high = self.levels[right - 1], self.levels[right]
        share = (float(np.clip(level, self.levels[0], self.levels[-1])) - low) / (high - low)
        found: Matrix = tables[..., right - 1] * (1 - share) + tables[..., right] * share
        return found


def region_curves(question: Question, region: str, kind: CapacityKind) -> Curves | None:
    """Demand of a region; nothing where it has no forecast."""
    key = SeriesKey(FLEET_SERIES_OF[kind], region)
    return _curves(question, region, kind, (key,)) if question.forecast.has(key) else None


def link_curves(question: Question, market: Market) -> Iterator[tuple[str, tuple[Curves, ...]]]:
    """Demand of every link that traffic takes, by direction; a pair that no link joins loads each link of its way."""
    routes, regions = routes_of(question, market), {region.name for region in question.environment.regions}
    loads: dict[str, dict[str, list[str]]] = {}
    for pair in question.forecast.subjects(SeriesKind.TRAFFIC):
        if not question.forecast.has(SeriesKey(SeriesKind.TRAFFIC, pair)) or not regions.issuperset(pair_ends(pair)):
            continue
        route = routes.between(*pair_ends(pair))
        for hop in route.hops if route else (pair,):
            loads.setdefault(link_of(hop), {}).setdefault(hop, []).append(pair)
    for link in sorted(loads):
        yield link, tuple(_direction(question, link, pairs) for _, pairs in sorted(loads[link].items()))


def _direction(question: Question, link: str, pairs: list[str]) -> Curves:
    keys = tuple(SeriesKey(SeriesKind.TRAFFIC, pair) for pair in pairs)
    return _curves(question, link, CapacityKind.GBPS, keys)


def _curves(question: Question, place: str, kind: CapacityKind, keys: tuple[SeriesKey, ...]) -> Curves:
    forecast, hours = question.forecast, question.environment.horizons.hours_of(kind)
    tables = [_reaching(forecast, key, hours) for key in keys]
    shortest = min(len(table) for table in tables)
    stacked = np.stack([table[:shortest] for table in tables])
    return Curves(
        place=place,
        kind=kind,
        keys=keys,
        levels=forecast.document.levels,
        tables=stacked,
        total=stacked[0] if len(keys) == 1 else _together(forecast, keys, stacked),
    )


def _together(forecast: ForecastBundle, keys: tuple[SeriesKey, ...], tables: Matrix) -> Matrix:
    """Quantiles of the sum of several series, (hours, levels): over the forecast's paths, so far as those reach."""
    if not all(key in forecast.paths for key in keys):
        added: Matrix = tables.sum(axis=0)
        return added
    return quantiles_together(sum_of_paths(forecast, keys), tables, forecast.document.levels)


def quantiles_together(paths: Matrix, tables: Matrix, levels: tuple[float, ...]) -> Matrix:
    """Quantiles (hours, levels) of a sum, of which there are paths (paths, hours) and quantiles of each part.

    Above the median no more than the sum of the parts' quantiles: the hour that needs most of many would else be the
    one whose few highest paths lie highest by chance. Hours beyond the paths have that sum.
    """
    found: Matrix = tables.sum(axis=0)
    drawn = np.quantile(paths[:, : len(found)], levels, axis=0, method="hazen").T
    capped = np.where(np.array(levels) > 0.5, np.minimum(drawn, found[: len(drawn)]), drawn)
    found[: len(drawn)] = np.maximum.accumulate(capped, axis=1)
    return found


def sum_of_paths(forecast: ForecastBundle, keys: tuple[SeriesKey, ...]) -> Matrix:
    """Paths of the sum of several series, (paths, hours)."""
    total: Matrix = np.sum([forecast.paths[key].astype(np.float64) for key in keys], axis=0)
    return total


def _reaching(forecast: ForecastBundle, key: SeriesKey, hours: int) -> Matrix:
    """A series' first hours, (hours, levels); where hours are not forecast so far, its last day, grown as days are.

    Growth is the ratio of each day's quantiles to those of the last day that hours reach. What is forecast neither way
    is left out.
    """
    table = forecast.values[key, Granularity.HOURLY]
    found, reach = [table[:hours]], len(table) // DAY
    days = forecast.values.get((key, Granularity.DAILY))
    if hours > len(table) and reach and days is not None and len(days) > reach:
        last, base = table[-DAY:], days[reach - 1]
        for day in days[reach : reach + -(-(hours - len(table)) // DAY)]:
            found.append(np.maximum.accumulate(last * np.where(base > 0, day / np.where(base > 0, base, 1), 1), axis=1))
    return np.concatenate(found)[:hours]
