"""What boosting sees of a (series, origin, step ahead): nothing at or after the origin (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.series import SeriesKind
from forecaster.panel import Matrix, Panel, Steps

Features = NDArray[np.float32]

_KINDS = {kind: float(code) for code, kind in enumerate(SeriesKind)}
LEVEL_DAYS = 14  # the level that values are divided by: long enough for two weekends, short enough to follow shifts


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Features of examples, one a row, and the level that their values are divided by."""

    features: Features
    scale: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Features and scaled targets to learn from."""

    features: Features
    targets: Features


def examples(panel: Panel, steps: int, rows: int) -> Examples:
    """Every (series, origin, step) whose target was observed, thinned evenly to at most about `rows`.

    Origins are whole days before the panel's end, as the real one is.
    """
    first = min(LEVEL_DAYS * panel.day, panel.steps // 2)
    origins = np.arange(panel.steps - panel.day, first - 1, -panel.day)
    total = len(panel.keys) * len(origins) * steps
    flat = np.arange(0, total, _thinning(total, rows))
    series, rest = np.divmod(flat, len(origins) * steps)
    at, ahead = np.divmod(rest, steps)
    origin, ahead = origins[at], ahead + 1
    target = origin + ahead - 1
    inside = target < panel.steps
    series, origin, ahead, target = series[inside], origin[inside], ahead[inside], target[inside]
    described = describe(panel, series, origin, ahead)
    good = np.isfinite(panel.observed[series, target]) & (described.scale > 0)
    values = panel.observed[series[good], target[good]] / described.scale[good]
    return Examples(described.features[good], values.astype(np.float32))


def describe(panel: Panel, series: Steps, origin: Steps, ahead: Steps) -> Described:
    """Features of examples.

    Args:
        panel: the history; only steps before each origin are read.
        series: row of each example.
        origin: its first step not seen.
        ahead: steps ahead, from 1.
    """
    means = _Means(panel.filled)
    scale = means.over(series, origin, LEVEL_DAYS * panel.day)
    phase = panel.phase(origin + ahead - 1)
    days = -(-ahead // panel.day)  # whole days back to a known value of the same step of the day
    weeks = -(-ahead // panel.week)
    target = origin + ahead - 1
    daily = [_lag(panel, series, target - panel.day * (days + extra)) for extra in range(7)]
    weekly = [_lag(panel, series, target - panel.week * (weeks + extra)) for extra in range(3)]
    levels = [means.over(series, origin, width * panel.day) for width in (1, 7, 28)]
    values = [*daily[:3], np.mean(daily, axis=0), *weekly[:2], np.mean(weekly, axis=0), *levels]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = [value / scale for value in values]
        volume = np.log(scale)
    kinds = np.array([_KINDS[key.kind] for key in panel.keys])
    columns = [*scaled, volume, kinds[series], phase % panel.day, phase // panel.day, ahead]
    features = np.column_stack(columns).astype(np.float32)
    features[~np.isfinite(features)] = np.nan
    return Described(features, scale)


def _lag(panel: Panel, series: Steps, step: Steps) -> Matrix:
    values: Matrix = np.where(step >= 0, panel.filled[series, np.maximum(step, 0)], np.nan)
    return values


def _thinning(total: int, rows: int) -> int:
    """A stride near total / rows that shares no factor with days and weeks, so that every hour is met alike."""
    stride = max(1, -(-total // rows))
    while stride > 1 and any(stride % factor == 0 for factor in (2, 3, 7)):
        stride += 1
    return stride


class _Means:
    """Means over any window of a matrix in constant time, unknown values left out."""

    def __init__(self, filled: Matrix) -> None:
        known = np.isfinite(filled)
        zero = np.zeros((len(filled), 1))
        self._sums = np.hstack([zero, np.cumsum(np.where(known, filled, 0.0), axis=1)])
        self._counts = np.hstack([zero, np.cumsum(known, axis=1)])

    def over(self, series: Steps, end: Steps, width: int) -> Matrix:
        """Mean of the `width` steps before `end`; NaN where none is known."""
        begin = np.maximum(end - width, 0)
        count = self._counts[series, end] - self._counts[series, begin]
        total = self._sums[series, end] - self._sums[series, begin]
        mean: Matrix = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return mean
