"""Seasonal naive, and the mean of several seasons: the value at the same step of the last season(s).

Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2. The distances below and above are mean
errors of each sign that the same rule made in the recent past, at the same number of seasons ahead.
"""

from dataclasses import dataclass

import numpy as np

from forecaster.models.model import Prediction, finite
from forecaster.panel import Matrix, Panel

RECENT_WEEKS = 4  # errors older than this say little about the next ones

TRIM_FROM = 4  # of so many values the highest and the lowest are left out: one burst must not shape a week


@dataclass(frozen=True, slots=True)
class Seasonal:
    """The mean of the last `depth` values at the same step of a season of `season` steps."""

    season: int
    depth: int = 1

    @property
    def name(self) -> str:
        return f"seasonal_naive_{self.season}" if self.depth == 1 else f"seasonal_mean_{self.season}x{self.depth}"

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= self.season * (self.depth + 1)

    def fit(self, panel: Panel, steps: int) -> "Seasonal":
        """Nothing to learn: the rule is the model."""
        return self

    def predict(self, panel: Panel, steps: int) -> Prediction:
        ahead = np.arange(steps) // self.season + 1  # seasons back to the last known value of the same step
        targets = panel.steps + np.arange(steps)
        shape = (len(panel.keys), steps)
        prediction = Prediction(np.empty(shape), np.empty(shape), np.empty(shape))
        for seasons in np.unique(ahead):
            at = np.flatnonzero(ahead == seasons)
            prediction.centre[:, at] = self._rule(panel.filled, targets[at], int(seasons))
            below, above = self._errors(panel, int(seasons))
            prediction.below[:, at], prediction.above[:, at] = below[:, None], above[:, None]
        return finite(prediction, panel)

    def _rule(self, filled: Matrix, targets: np.ndarray[tuple[int], np.dtype[np.int64]], seasons: int) -> Matrix:
        """The trimmed mean of the known values `seasons`, `seasons` + 1, ... seasons before the targets."""
        total = np.zeros((len(filled), len(targets)))
        count, highest, lowest = np.zeros_like(total), np.zeros_like(total), np.full_like(total, np.inf)
        for extra in range(self.depth):
            back = targets - self.season * (seasons + extra)
            lagged = np.where(back >= 0, filled[:, np.maximum(back, 0)], np.nan)
            known = np.isfinite(lagged)
            total += np.where(known, lagged, 0.0)
            highest = np.fmax(highest, lagged)
            lowest = np.fmin(lowest, lagged)
            count += known
        trimmed = count >= TRIM_FROM
        total, count = np.where(trimmed, total - highest - lowest, total), np.where(trimmed, count - 2, count)
        rule: Matrix = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return rule

    def _errors(self, panel: Panel, seasons: int) -> tuple[Matrix, Matrix]:
        """Mean error of each sign, of each series; NaN where there was none to see."""
        first = max(self.season * seasons, panel.steps - RECENT_WEEKS * panel.week)
        targets = np.arange(first, panel.steps)
        if not len(targets):
            unknown = np.full(len(panel.keys), np.nan)
            return unknown, unknown
        errors = panel.observed[:, targets] - self._rule(panel.filled, targets, seasons)
        known = np.isfinite(errors)
        count = known.sum(axis=1)
        errors = np.where(known, errors, 0.0)
        sides = (np.maximum(-errors, 0.0).sum(axis=1), np.maximum(errors, 0.0).sum(axis=1))
        below, above = (np.where(count > 0, 2.0 * side / np.maximum(count, 1), np.nan) for side in sides)
        return below, above
