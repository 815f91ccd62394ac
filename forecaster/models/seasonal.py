"""Seasonal naive, and the median of several seasons: the value at the same step of the last season(s) (pure).

Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2. Quantiles are those of the errors that
the same rule made in the recent past, at the same number of seasons ahead.
"""

from dataclasses import dataclass

import numpy as np

from forecaster.models.model import LEVEL, Says, finite
from forecaster.models.order import quantiles
from forecaster.panel import Matrix, Panel, Steps

RECENT_WEEKS = 4  # errors older than this say little about the next ones
MANY, THINNED = 100, 5  # of more series every fifth error is looked at, which meets every hour of the day


@dataclass(frozen=True, slots=True)
class Seasonal:
    """The median of the last `depth` values at the same step of a season of `season` steps."""

    season: int
    depth: int = 1

    @property
    def name(self) -> str:
        return f"seasonal_naive_{self.season}" if self.depth == 1 else f"seasonal_median_{self.season}x{self.depth}"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= self.season * self.depth + (panel.day if self.season > panel.day else 0)

    def fit(self, panel: Panel, steps: int) -> "Seasonal":
        """Nothing to learn: the rule is the model."""
        return self

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        return self.in_full(self.outline(panel, ahead), panel, ahead)

    def outline(self, panel: Panel, ahead: Steps) -> Matrix:
        """Errors of each number of seasons ahead."""
        backs = np.unique(self._seasons(ahead))
        return np.column_stack([self._errors(panel, int(back)) for back in backs])

    def in_full(self, outline: Matrix, panel: Panel, ahead: Steps) -> Matrix:
        seasons, targets = self._seasons(ahead), panel.steps + ahead - 1
        backs = np.unique(seasons)
        errors = outline.reshape(len(panel.keys), len(backs), 1, len(LEVEL))
        said = np.empty((len(panel.keys), len(ahead), len(LEVEL)))
        for number, back in enumerate(backs):
            at = np.flatnonzero(seasons == back)
            said[:, at] = self._rule(panel.filled, targets[at], int(back))[..., None] + errors[:, number]
        return finite(said, panel)

    def _seasons(self, ahead: Steps) -> Steps:
        """How many seasons back the last known value of the same step lies."""
        seasons: Steps = (ahead - 1) // self.season + 1
        return seasons

    def _rule(self, filled: Matrix, targets: Steps, seasons: int) -> Matrix:
        """The median of the known values `seasons`, `seasons` + 1, ... seasons before the targets."""
        back = targets[None, :] - self.season * (seasons + np.arange(self.depth))[:, None]
        lagged = np.where(back >= 0, filled[:, np.maximum(back, 0)], np.nan)  # (series, depth, targets)
        if self.depth == 1:
            return np.asarray(lagged[:, 0])
        ordered = np.sort(lagged, axis=1)  # unknown values last
        known = np.isfinite(lagged).sum(axis=1, keepdims=True)
        low = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, 1)
        high = np.take_along_axis(ordered, np.minimum(known // 2, self.depth - 1), 1)
        return np.asarray((low + high)[:, 0] / 2)

    def _errors(self, panel: Panel, seasons: int) -> Matrix:
        """Quantiles of the errors of each series, (series, levels); 0 where there was none to see."""
        first = max(self.season * seasons, panel.steps - RECENT_WEEKS * panel.week)
        targets = np.arange(first, panel.steps, 1 if len(panel.keys) <= MANY else THINNED)
        if not len(targets):
            return np.zeros((len(panel.keys), len(LEVEL)))
        errors = panel.observed[:, targets] - self._rule(panel.filled, targets, seasons)
        return np.nan_to_num(quantiles(errors, LEVEL))
