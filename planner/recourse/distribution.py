"""Demand by hour as a forecast tells it: quantiles, read both ways on the scale of normal scores."""

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_STANDARD = NormalDist()
FURTHEST = 8.0
"""Normal scores beyond which nothing happens: one hour in 10^15."""

_GRID = np.linspace(-FURTHEST, FURTHEST, 3201)
_BELOW = np.array([_STANDARD.cdf(float(score)) for score in _GRID])

FAR = 1e6  # steps between two levels: from there on it is certain


@dataclass(frozen=True, slots=True, eq=False)
class DemandByHour:
    """Quantiles of demand in each hour.

    Between levels demand is straight over the normal score of its level, and beyond the outermost levels it goes on as
    steeply as between the last two, never below 0: what a normal distribution would do exactly.

    Attributes:
        levels: ascending, inside of (0, 1), at least two.
        table: (hours, levels), from 0, non-decreasing along the levels.
    """

    levels: tuple[float, ...]
    table: Matrix

    @property
    def hours(self) -> int:
        return len(self.table)

    def at_level(self, level: float) -> Matrix:
        """The quantile of every hour, (hours,)."""
        found: Matrix = self.at_scores(np.array([normal_score(level)]))[0]
        return found

    def at_scores(self, scores: Matrix) -> Matrix:
        """Demand of every hour at each normal score, (scores, hours)."""
        known = _scores(self.levels)
        right = np.clip(np.searchsorted(known, scores), 1, len(known) - 1)
        share = (scores - known[right - 1]) / (known[right] - known[right - 1])
        found: Matrix = self.table[:, right - 1] * (1 - share) + self.table[:, right] * share
        return np.maximum(found, 0.0).T

    def each_at(self, scores: Matrix) -> Matrix:
        """Demand of each hour at a normal score of its own, (hours,)."""
        known, rows = _scores(self.levels), np.arange(self.hours)
        right = np.clip(np.searchsorted(known, scores), 1, len(known) - 1)
        share = (scores - known[right - 1]) / (known[right] - known[right - 1])
        found: Matrix = self.table[rows, right - 1] * (1 - share) + self.table[rows, right] * share
        return np.maximum(found, 0.0)

    def scores_of(self, amounts: Matrix) -> Matrix:
        """The normal score of each amount in each hour, (amounts, hours): how far above the median, in deviations.

        Where several levels say the same amount, it is the highest of them: demand is above it with what is left.
        """
        known, table, sought = _scores(self.levels), self.table, amounts[:, None]
        right = np.clip((table <= sought[..., None]).sum(axis=-1), 1, len(known) - 1)
        rows = np.arange(self.hours)
        low, high = table[rows, right - 1], table[rows, right]
        step = high - low
        beyond = np.where(sought >= high, np.inf, -np.inf)  # of outermost levels that say the same amount
        far = FAR * step
        inside = np.where(step > 0, np.clip(sought - low, -far, far) / np.where(step > 0, step, 1.0), beyond)
        found: Matrix = np.clip(known[right - 1] + inside * (known[right] - known[right - 1]), -FURTHEST, FURTHEST)
        return found

    def met(self, amounts: Matrix) -> Matrix:
        """The probability that each amount suffices in each hour, (amounts, hours)."""
        return probability_below(self.scores_of(amounts))


def normal_score(level: float) -> float:
    """The standard normal quantile of a level inside of (0, 1)."""
    return _STANDARD.inv_cdf(level)


def probability_below(scores: Matrix) -> Matrix:
    """The standard normal distribution function, to six decimals."""
    below: Matrix = np.interp(scores, _GRID, _BELOW)
    return below


@cache
def _scores(levels: tuple[float, ...]) -> Matrix:
    return np.array([normal_score(level) for level in levels])
