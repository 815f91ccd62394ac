"""Forecasts that agree: regions with their pairs, days with their hours, on whole paths (pure).

A region's traffic is forecast twice: by itself, and as the sum of its pairs. Sums of paths agree on every path, and the
region's own forecast is right about the sum; so paths of the pairs are drawn (`paths.py`), brought to the region's own
distribution (`paths_raked.py`), and summed. What a region does not know by itself (announced customers, events that the
pairs feel) comes to the pairs afterwards, on the same paths, and so into the sum.

Before that, days of each series' paths are brought nearer to what its daily forecast says; days of the raked paths then
are what is said of these days, and later days go on from them (`paths_days.py`).

Sums of paths as they are drawn are too high, because tails of pairs are pooled: figures, and what else was tried, in
docs/decisions/0014-sums-are-raked-paths.md and 0015-days-are-sums-of-hours.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from contracts.forecast_paths import kept
from contracts.series import SeriesKey, SeriesKind
from forecaster.finish import all_zero, too_short
from forecaster.panel import Matrix, Panel
from forecaster.paths import (
    FEWEST_PATHS,
    Paths,
    draw_order,
    paths_in,
    paths_within_memory,
    quantiles_of,
    seasonal_ranks,
    widths,
)
from forecaster.paths_days import as_days_say
from forecaster.paths_raked import Sums, rake, readiness
from forecaster.services import share_out, splits_in

PATHS = 400
DRAWN = (
    SeriesKind.TRAFFIC,
    SeriesKind.BANDWIDTH,
    SeriesKind.CPU,
    SeriesKind.MEMORY,
    SeriesKind.STORAGE,
    SeriesKind.ACCELERATORS,
    SeriesKind.SERVICE_TRAFFIC,
)
"""Kinds that are drawn together: what capacity is planned for, and parts of it. Regions' traffic is summed of pairs."""

MOST_KEPT = 4_000_000  # values of all paths that a document holds, together: a file of about 8 MB

Groups = Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """What is said of a panel before it agrees.

    Attributes:
        panel: what was seen.
        steady: (series, steps, levels) of what follows it as history alone says; 0 of series that it does not know.
        quantiles: the same with all that history does not know.
    """

    panel: Panel
    steady: Matrix
    quantiles: Matrix

    def speaks(self) -> NDArray[np.bool_]:
        """Of each series, whether its own forecast is one: seen for long enough, and not always 0."""
        return ~(too_short(self.panel) | all_zero(self.panel))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alone:
    """Series that were drawn by themselves.

    Attributes:
        days: (series, first days, levels), of means or totals of days of the paths.
        paths: of the series that are kept, each (paths, steps).
    """

    days: Matrix
    paths: dict[SeriesKey, Paths] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Agreed:
    """A forecast that agrees with itself.

    Attributes:
        quantiles: (series, steps, levels), those of sums read off the paths.
        summed: rows of the sums.
        keys: of the series that have paths.
        paths: (paths, keys, steps).
        known: the same paths without what history does not know; `paths` itself where there is nothing of it.
        lone: series that have no part in it, where they were drawn.
    """

    quantiles: Matrix
    summed: tuple[int, ...]
    keys: tuple[SeriesKey, ...]
    paths: Paths
    known: Paths
    lone: Alone | None = None

    def until(self, steps: int) -> dict[SeriesKey, Matrix]:
        """Paths of each series, (paths, steps), of the first steps."""
        return {key: self.paths[:, at, :steps].astype(np.float64) for at, key in enumerate(self.keys)}

    @property
    def kept_paths(self) -> int:
        """How many of the paths a document holds."""
        values = len(self.keys) * int(self.paths.shape[2])
        return min(len(self.paths), max(FEWEST_PATHS, MOST_KEPT // max(1, values)))

    def sample(self) -> dict[SeriesKey, Paths]:
        """What a document holds of the paths: the first of them, as many as it may; none is likelier than another."""
        return {key: kept(self.paths[: self.kept_paths, at]) for at, key in enumerate(self.keys)}


def agree(told: Told, groups: Groups, seed: int, days: Told | None = None) -> Agreed:
    """Draws paths of what capacity is planned for, and makes what is summed the sum of its parts.

    Args:
        told: of hours.
        groups: which rows each row of a sum is the sum of: `sums_in` the panel.
        seed: of the paths.
        days: what is said of the days that begin where the hours do, of the same series.
    """
    quantiles, steady = told.quantiles, told.steady
    rows = [row for row, key in enumerate(told.panel.keys) if key.kind in DRAWN and row not in groups]
    count = paths_within_memory(PATHS, len(rows), quantiles.shape[1])
    if not rows or not quantiles.shape[1]:
        return replace(no_paths(quantiles.shape[1]), quantiles=quantiles)
    drawn = told.panel.rows(rows)
    order = draw_order(steady[rows], seasonal_ranks(drawn), count, seed, weights_of(drawn, steady[rows]))
    paths = paths_in(order, quantiles[rows])
    unmoved = np.array_equal(steady[rows], quantiles[rows])
    known = paths if unmoved else paths_in(order, steady[rows])
    if days is not None:
        as_days_say(paths, known, days.steady[rows], [int(at) for at in np.flatnonzero(days.speaks()[rows])])
    settle(paths, known, told, rows, groups)
    quantiles = with_sums(quantiles, paths, rows, groups)
    return Agreed(quantiles=quantiles, summed=tuple(groups), keys=drawn.keys, paths=paths, known=known)


def no_paths(steps: int) -> Agreed:
    """What nothing agreed on."""
    none = np.zeros((0, 0, steps), np.float32)
    return Agreed(quantiles=np.zeros((0, steps, 0)), summed=(), keys=(), paths=none, known=none)


def sums_in(panel: Panel) -> Groups:
    """Rows of the pairs that each region's row is the sum of."""
    ends = {row: set(key.regions) for row, key in enumerate(panel.keys) if key.kind is SeriesKind.TRAFFIC}
    regions = {row: key.subject for row, key in enumerate(panel.keys) if key.kind is SeriesKind.REGION_TRAFFIC}
    groups = {row: [at for at, each in ends.items() if region in each] for row, region in regions.items()}
    return {row: members for row, members in groups.items() if members}


def with_sums(quantiles: Matrix, paths: Paths, rows: list[int], groups: Groups) -> Matrix:
    """The quantiles with those of sums read off the paths."""
    agreed, place = quantiles.copy(), {row: at for at, row in enumerate(rows)}
    for row, members in groups.items():
        agreed[row] = quantiles_of(paths[:, [place[at] for at in members]].sum(axis=1, dtype=np.float64))
    return agreed


def settle(paths: Paths, known: Paths, told: Told, rows: list[int], groups: Groups) -> None:
    """Multiplies paths, and the known ones, in place: pairs to their regions, services to their pairs."""
    rake_to_sums(paths, known, told, rows, groups)
    splits, place = splits_in(told.panel), {row: at for at, row in enumerate(rows)}
    for one in (paths,) if known is paths else (paths, known):
        share_out(one, splits, place)


def rake_to_sums(paths: Paths, known: Paths, told: Told, rows: list[int], groups: Groups) -> None:
    """Multiplies paths, and the known ones, in place, by what brings those that are known to their sums' quantiles."""
    speaks = told.speaks()
    groups = {row: members for row, members in groups.items() if speaks[row]}
    parts = sorted({at for members in groups.values() for at in members})
    if not parts:
        return
    sums = Sums(
        quantiles=told.steady[list(groups)],
        parts=[rows.index(part) for part in parts],
        members=np.array([[float(part in inside) for part in parts] for inside in map(set, groups.values())]),
        gives=readiness(told.steady[parts]),
    )
    rake(paths, known, sums)
    if known is not paths:
        rake(known, known, sums)


def weights_of(panel: Panel, quantiles: Matrix) -> Matrix:
    """Each kind of series counts alike, whatever its unit; in a kind, the widest count most."""
    wide, kinds = widths(quantiles), np.array([key.kind for key in panel.keys])
    total = np.array([wide[kinds == kind].sum() for kind in kinds])
    weights: Matrix = wide / np.where(total > 0, total, 1.0)
    return weights
