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
        seasons = (ahead - 1) // self.season + 1  # back to the last known value of the same step
        targets = panel.steps + ahead - 1
        said = np.empty((len(panel.keys), len(ahead), len(LEVEL)))
        for back in np.unique(seasons):
            at = np.flatnonzero(seasons == back)
            centre = self._rule(panel.filled, targets[at], int(back))
            said[:, at] = centre[..., None] + self._errors(panel, int(back))[:, None, :]
        return finite(said, panel)

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
