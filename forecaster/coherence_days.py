"""Days that agree with the hours of the same forecast (pure).

Of the days that hours reach, the quantiles are those of days of hours: where paths are kept, days of these very paths,
so that days, pairs, regions and the total agree on each of them; users, transactions and address blocks have paths of
their own (`paths_alone.py`). Later days are what the daily forecast says, at the level of the hours, and their
paths go on from those of the hours. Counts of requests are left to their own: hours are 0 most of the time, and with
them their quantiles.
"""

from dataclasses import replace

import numpy as np

from contracts.series import Unit, unit_of
from forecaster.coherence import Agreed, Groups, Told, settle, weights_of, with_sums
from forecaster.panel import Matrix, Panel
from forecaster.paths import Paths, by_days, paths_in, quantiles_of, seasonal_ranks
from forecaster.paths_alone import Room, draw_alone
from forecaster.paths_days import gap_after, order_after


def lone_rows(panel: Panel, agreed: Agreed, groups: Groups) -> list[int]:
    """Rows of series that have no part in what hours agreed on."""
    drawn = set(agreed.keys)
    return [row for row, key in enumerate(panel.keys) if row not in groups and key not in drawn]


def agree_days(days: Told, hours: Told, agreed: Agreed, groups: Groups, seed: int) -> Agreed:
    """Days of hours, and later days that go on from them.

    Args:
        days: what is said of days by itself, from the first hour on, of the same series as the hours.
        hours: what is said of them by itself.
        agreed: what they agreed on, with these days.
        groups: as the hours had them.
        seed: of later days, and of series that are drawn by themselves.
    """
    drawn = set(agreed.keys)
    rows = [row for row, key in enumerate(days.panel.keys) if key in drawn]
    alone = lone_rows(days.panel, agreed, groups)
    first = min(hours.quantiles.shape[1] // 24, days.quantiles.shape[1])
    paths, known = _of_hours(agreed.paths, first), _of_hours(agreed.known, first)
    said = _read_off(days.quantiles[:, :first], paths, rows, groups)
    by_themselves = (
        draw_alone(hours, days, alone, Room(paths=0, series=0), seed) if agreed.lone is None else agreed.lone
    )
    said[alone] = by_themselves.days
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


def _as_counted(quantiles: Matrix, days: Told) -> Matrix:
    """Whole numbers where the daily forecast has nothing else of a count."""
    counted = np.array([unit_of(key.kind) is Unit.COUNT for key in days.panel.keys], dtype=bool)
    whole = counted & (days.quantiles == np.floor(days.quantiles)).all(axis=(1, 2))
    found: Matrix = np.where(whole[:, None, None], np.ceil(quantiles - 1e-9), quantiles)
    return found
