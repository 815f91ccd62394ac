"""Days that agree with the hours of the same forecast (pure).

Of the days that hours reach, the quantiles are those of days of hours: where paths are kept, days of these very paths,
so that days, pairs, regions and the total agree on each of them. Of series that have none (users, transactions, address
blocks) paths are drawn for it alone. Later days are what the daily forecast says, at the level of the hours, and their
paths go on from those of the hours. Counts of requests are left to their own: hours are 0 most of the time, and with
them their quantiles.
"""

from dataclasses import replace

import numpy as np

from contracts.series import Unit, unit_of
from forecaster.coherence import PATHS, Agreed, Groups, Told, settle, weights_of, with_sums
from forecaster.panel import Matrix
from forecaster.paths import Paths, by_days, draw_order, paths_in, quantiles_of, seasonal_ranks
from forecaster.paths_days import as_days_say, gap_after, order_after
from forecaster.units import Gather, gather_of

TOGETHER = 100  # series without paths of their own that are drawn at a time: it bounds memory


def agree_days(days: Told, hours: Told, agreed: Agreed, groups: Groups, seed: int) -> Agreed:
    """Days of hours, and later days that go on from them.

    Args:
        days: what is said of days by itself, from the first hour on, of the same series as the hours.
        hours: what is said of them by itself.
        agreed: what they agreed on, with these days.
        groups: as the hours had them.
        seed: of later days, and of series without paths.
    """
    drawn = set(agreed.keys)
    rows = [row for row, key in enumerate(days.panel.keys) if key in drawn]
    alone = [row for row in range(len(days.panel.keys)) if row not in groups and days.panel.keys[row] not in drawn]
    first = min(hours.quantiles.shape[1] // 24, days.quantiles.shape[1])
    paths, known = _of_hours(agreed.paths, first), _of_hours(agreed.known, first)
    said = _read_off(days.quantiles[:, :first], paths, rows, groups)
    said[alone] = _without_paths(days, hours, alone, first, seed)
    steady, own = _read_off(said, known, rows, groups), days.steady.copy()
    own[alone] = days.quantiles[alone]
    gap = gap_after(own, steady)[..., None]
    later = replace(days, steady=days.steady[:, first:] * gap, quantiles=days.quantiles[:, first:] * gap)
    after, known_after = _later_paths(later, paths, rows, groups, seed)
    quantiles = np.concatenate([said, with_sums(later.quantiles, after, rows, groups)], axis=1)
    return Agreed(
        quantiles=_as_counted(quantiles, days),
        summed=agreed.summed,
        keys=agreed.keys,
        paths=np.concatenate([paths, after], axis=2),
        known=np.concatenate([known, known_after], axis=2),
    )


def _of_hours(paths: Paths, days: int) -> Paths:
    """Means of days: all that has paths in documents is a rate or a level."""
    return by_days(paths[:, :, : 24 * days]).astype(np.float32)


def _read_off(quantiles: Matrix, paths: Paths, rows: list[int], groups: Groups) -> Matrix:
    """The quantiles with those of the paths and of their sums."""
    found = quantiles.copy()
    if rows:
        found[rows] = quantiles_of(paths)
    return with_sums(found, paths, rows, groups)


def _later_paths(later: Told, before: Paths, rows: list[int], groups: Groups, seed: int) -> tuple[Paths, Paths]:
    """Paths of later days, and those that are known, that go on from paths of the days before."""
    told, steady = later.quantiles[rows], later.steady[rows]
    if not told.size:
        none = np.zeros((len(before), *told.shape[:2]), dtype=np.float32)
        return none, none
    panel = later.panel.rows(rows)
    order = order_after(before, steady, seasonal_ranks(panel), seed, weights_of(panel, steady))
    paths = paths_in(order, told)
    known = paths if np.array_equal(told, steady) else paths_in(order, steady)
    settle(paths, known, later, rows, groups)
    return paths, known


def _without_paths(days: Told, hours: Told, rows: list[int], first: int, seed: int) -> Matrix:
    """Quantiles of the first days of series that have no paths: (rows, days, levels)."""
    found = days.quantiles[rows, :first].copy()
    for at in range(0, len(rows) if first else 0, TOGETHER):
        some = rows[at : at + TOGETHER]
        panel, told, own = hours.panel.rows(some), hours.quantiles[some, : 24 * first], days.quantiles[some, :first]
        order = draw_order(told, seasonal_ranks(panel), PATHS, seed, weights_of(panel, told))
        paths = paths_in(order, told)
        hours_of = np.array([24.0 if gather_of(key.kind) is Gather.SUM else 1.0 for key in panel.keys])[:, None, None]
        speaking = np.flatnonzero(days.speaks()[some])
        as_days_say(paths, paths, own / hours_of, [int(row) for row in speaking])
        found[at : at + TOGETHER] = hours_of * quantiles_of(_of_hours(paths, first))
    return found


def _as_counted(quantiles: Matrix, days: Told) -> Matrix:
    """Whole numbers where the daily forecast has nothing else of a count."""
    counted = np.array([unit_of(key.kind) is Unit.COUNT for key in days.panel.keys], dtype=bool)
    whole = counted & (days.quantiles == np.floor(days.quantiles)).all(axis=(1, 2))
    found: Matrix = np.where(whole[:, None, None], np.ceil(quantiles - 1e-9), quantiles)
    return found
