"""Quantiles from held-back errors (pure): how many typical distances from the centre each level lies.

Each error is divided by the distance that its model stated (above the centre or below it). Errors are pooled over
series of one kind and of like volume, and over steps of one horizon bucket, because one series alone has too few for
the upper tail; a quantile of the pool times the stated distance is the forecast. Levels above the median are taken at
(n + 1) / n of themselves (split conformal prediction, Vovk, Gammerman and Shafer 2005, 2.2).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.models.model import TINY, Prediction
from forecaster.panel import Matrix, Steps
from forecaster.windows import HeldBack

BUCKET_DAYS = np.array([1, 2, 4, 7, 14, 28, 90])  # upper ends of horizon buckets
FLOOR_OF_MEAN = 0.1  # a stated distance is at least this share of its series' mean stated distance,
FLOOR_OF_CENTRE = 0.01  # and of the centre: models state distances near 0 now and then
CAP = 25.0  # an error of more distances says that the distance was wrong, not how far the tail reaches
ENOUGH_SCORES = 500  # five expected beyond the 0.99 quantile
ENOUGH_WINDOWS = 4  # that share no day: scores of one window are too alike
POOL_SCORES = 150  # fewer: the bucket is pooled with the others of its group

NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
BLIND = 2.0 * NORMAL  # nothing held back: a normal distribution, wider than models state


class Calibrated(Protocol):
    """Turns predictions into quantiles."""

    def quantiles(self, prediction: Prediction) -> Matrix:
        """Shape (series, steps, levels)."""
        ...

    def enough(self) -> NDArray[np.bool_]:
        """Of each series: whether its upper quantiles rest on enough scores."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Standardised errors (windows, series, steps) of held-back windows, and where those begin."""

    scores: Matrix
    cutoffs: Steps
    day: int

    def at(self, steps: NDArray[np.bool_]) -> "_Errors":
        """Those of some steps ahead."""
        return _Errors(self.scores[:, :, steps], self.cutoffs, self.day)

    def independent(self) -> int:
        """How many windows count: all that begin a day apart; of daily series only those that share no day."""
        length = self.day if self.day > 1 else self.scores.shape[2]
        count, free = 0, 0
        for cutoff in self.cutoffs[np.isfinite(self.scores).any(axis=(1, 2))]:
            if cutoff >= free:
                count, free = count + 1, cutoff + length
        return count


class _Pooled(NamedTuple):
    """Standardised quantiles by level, and whether there were enough scores for the outermost."""

    quantiles: Matrix
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What held-back windows taught about continuous series.

    Attributes:
        groups: the group of each series.
        day: steps of a day.
        tables: standardised quantiles, shape (groups, buckets, levels).
        supported: of each group.
    """

    groups: Steps
    day: int
    tables: Matrix
    supported: NDArray[np.bool_]

    def quantiles(self, prediction: Prediction) -> Matrix:
        below, above = floored(prediction)
        bucket = buckets(prediction.centre.shape[-1], self.day)
        table = self.tables[self.groups][:, bucket]
        distance = np.where(table < 0, below[..., None], above[..., None])
        quantiles: Matrix = prediction.centre[..., None] + table * distance
        return quantiles

    def enough(self) -> NDArray[np.bool_]:
        supported: NDArray[np.bool_] = self.supported[self.groups]
        return supported


def calibrate(held: HeldBack, groups: Steps, day: int) -> Calibration:
    """Learns from every known actual of the held-back windows."""
    count = int(groups.max()) + 1 if len(groups) else 0
    tables = np.tile(BLIND, (count, len(BUCKET_DAYS), 1))
    supported = np.zeros(count, dtype=bool)
    if held.windows.cutoffs:
        errors, cutoffs = _standardised(held), np.array(held.windows.cutoffs)
        bucket = buckets(held.windows.steps, day)
        for group in range(count):
            tables[group], supported[group] = _group_tables(_Errors(errors[:, groups == group], cutoffs, day), bucket)
    return Calibration(groups=groups, day=day, tables=tables, supported=supported)


def floored(prediction: Prediction) -> tuple[Matrix, Matrix]:
    """Stated distances below and above, none implausibly small."""
    least = FLOOR_OF_CENTRE * prediction.centre + TINY
    sides = (prediction.below, prediction.above)
    mean = sum(side.mean(axis=-1, keepdims=True) for side in sides) / 2
    below, above = (np.maximum(side, np.maximum(least, FLOOR_OF_MEAN * mean)) for side in sides)
    return below, above


def buckets(steps: int, day: int) -> Steps:
    """The horizon bucket of each step."""
    days_ahead = np.arange(steps) // day + 1
    bucket: Steps = np.minimum(np.searchsorted(BUCKET_DAYS, days_ahead), len(BUCKET_DAYS) - 1)
    return bucket


def _standardised(held: HeldBack) -> Matrix:
    below, above = floored(held.prediction)
    error = held.actual - held.prediction.centre
    scores: Matrix = np.clip(error / np.where(error < 0, below, above), -CAP, CAP)
    return scores


def _group_tables(errors: _Errors, bucket: Steps) -> _Pooled:
    """The tables of one group: (buckets, levels), and whether every scored bucket had enough."""
    tables = np.tile(BLIND, (len(BUCKET_DAYS), 1))
    whole = _pool(errors)
    if whole is None:
        return _Pooled(tables, False)
    scored = np.unique(bucket)
    enough = True
    for index in scored:
        pooled = _pool(errors.at(bucket == index)) or whole
        tables[index], enough = pooled.quantiles, enough and pooled.enough
    for index in range(int(scored[-1]) + 1, len(BUCKET_DAYS)):  # errors grow with the square root of the time ahead
        growth = np.sqrt(BUCKET_DAYS[index] / BUCKET_DAYS[scored[-1]])
        tables[index] = _wider(tables[scored[-1]], growth)
    return _Pooled(tables, enough)


def _pool(errors: _Errors) -> _Pooled | None:
    """Quantiles of all errors of a block; None where there are too few for any."""
    scores, windows = errors.scores[np.isfinite(errors.scores)], errors.independent()
    if len(scores) < POOL_SCORES // 3:
        return None
    enough = len(scores) >= ENOUGH_SCORES and windows >= ENOUGH_WINDOWS
    if not enough and len(scores) < POOL_SCORES:
        return None
    levels = np.array(LEVELS)
    upper = np.minimum(levels * (len(scores) + 1) / len(scores), 1.0)
    quantiles = np.quantile(scores, np.where(levels > 0.5, upper, levels))
    return _Pooled(_wider(quantiles, widening(windows)), enough)


def _wider(quantiles: Matrix, factor: Matrix) -> Matrix:
    """Quantiles moved away from their median."""
    median = quantiles[LEVELS.index(0.5)]
    wider: Matrix = median + (quantiles - median) * factor
    return wider


def widening(independent: int) -> Matrix:
    """By how much each level is moved outwards for a scale that was learned from few independent windows.

    The ratio of Student's t to the normal quantile with that many degrees of freedom, to first order: 1 + (z^2 + 1) /
    (4 n) (Abramowitz and Stegun 1964, 26.7.5).
    """
    return 1.0 + (NORMAL**2 + 1.0) / (4.0 * independent)
