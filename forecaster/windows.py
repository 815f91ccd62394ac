"""Held-back windows (pure): what a model would have said at earlier origins, beside what then happened."""

from dataclasses import dataclass

import numpy as np

from forecaster.models.model import Fitted, Prediction
from forecaster.panel import Matrix, Panel

MAX_WINDOWS = 14  # of hourly series a fortnight of daily origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Origins held back, in steps from the panel's beginning, oldest first, and how far each reaches."""

    cutoffs: tuple[int, ...]
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldBack:
    """Shapes (windows, series, steps).

    Attributes:
        windows: the origins.
        prediction: what was said at each.
        actual: what happened; NaN where it is not known or the series was too young to be forecast.
    """

    windows: Windows
    prediction: Prediction
    actual: Matrix

    def known_before(self, step: int) -> "HeldBack":
        """The same with every actual from `step` on unknown: what a forecaster at `step` can have learned."""
        cutoffs = np.array(self.windows.cutoffs, dtype=np.int64)
        target = cutoffs[:, None] + np.arange(self.windows.steps)
        actual = np.where((target < step)[:, None, :], self.actual, np.nan)
        return HeldBack(windows=self.windows, prediction=self.prediction, actual=actual)

    def at(self, window: int) -> Prediction:
        """The prediction of one window, shapes (series, steps)."""
        said = self.prediction
        return Prediction(said.centre[window], said.below[window], said.above[window])


def plan_windows(panel: Panel, steps: int, limit: int = MAX_WINDOWS) -> Windows:
    """Origins in the newer half of the panel, each followed by `steps` seen steps, or fewer in a short panel.

    Those of hourly series are the newest, a day apart; those of daily ones are spread over the half, because windows of
    weeks that begin a day apart tell the same. A panel of less than three days (or eight steps) has none.
    """
    start = max(2 * panel.day, panel.week if panel.day == 1 else 0)
    reach = min(steps, (panel.steps - start) // 2 // panel.day * panel.day)
    if reach < panel.day:
        return Windows(cutoffs=(), steps=0)
    last = panel.steps - reach
    first = max(start, min(panel.steps // 2, last))
    apart = panel.day if panel.day > 1 else max(1, (last - first) // (limit - 1))
    cutoffs = range(last, first - 1, -apart)[:limit]
    return Windows(cutoffs=tuple(reversed(cutoffs)), steps=reach)


def hold_back(fitted: Fitted, panel: Panel, windows: Windows) -> HeldBack:
    """Predicts each window from the panel cut at its origin."""
    said = [fitted.predict(panel.until(cutoff), windows.steps) for cutoff in windows.cutoffs]
    prediction = Prediction(
        np.stack([one.centre for one in said]),
        np.stack([one.below for one in said]),
        np.stack([one.above for one in said]),
    )
    return HeldBack(windows=windows, prediction=prediction, actual=actuals(panel, windows))


def actuals(panel: Panel, windows: Windows) -> Matrix:
    """What happened in each window, shape (windows, series, steps)."""
    seen = np.cumsum(np.isfinite(panel.observed), axis=1)
    rows = []
    for cutoff in windows.cutoffs:
        old_enough = seen[:, cutoff - 1] >= 2 * panel.day
        rows.append(np.where(old_enough[:, None], panel.observed[:, cutoff : cutoff + windows.steps], np.nan))
    return np.stack(rows)


def empty_held_back(panel: Panel) -> HeldBack:
    """No window at all, for a panel that is too short."""
    none = np.empty((0, len(panel.keys), 0))
    return HeldBack(windows=Windows(cutoffs=(), steps=0), prediction=Prediction(none, none, none), actual=none)
