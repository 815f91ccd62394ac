"""Scores of quantile forecasts (pure): MASE, scaled CRPS, coverage, exceedance.

Per series and window the scale is the in-sample mean of |y(t) - y(t - 24 h)| (seven days for daily series) up to the
origin; series-windows whose scale is unknown or next to 0 are left out of scaled scores. CRPS is approximated by twice
the mean pinball loss over the levels 0.1 to 0.9, 0.95 and 0.99 (Gneiting and Raftery 2007). MASE is Hyndman and Koehler
2006.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import Scores
from contracts.series import LEVELS, Granularity
from forecaster.models.model import TINY
from forecaster.panel import Matrix, Panel

SCORED = tuple(LEVELS.index(level) for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowScores:
    """Scores of each window and series, shapes (windows, series); NaN or 0 where nothing could be scored.

    Attributes:
        error: mean |y - median| over the scale.
        crps: scaled CRPS.
        scored: actuals that were known.
        within_80, within_95, above_99: how many of them.
    """

    error: Matrix
    crps: Matrix
    scored: Matrix
    within_80: Matrix
    within_95: Matrix
    above_99: Matrix

    def summary(self, rows: NDArray[np.bool_]) -> Scores:
        """Means over the series of a mask and all windows."""
        total = float(self.scored[:, rows].sum())
        if total == 0:
            return Scores()
        return Scores(
            mase=_mean(self.error[:, rows]),
            scaled_crps=_mean(self.crps[:, rows]),
            coverage_80=_rounded(self.within_80[:, rows].sum() / total),
            coverage_95=_rounded(self.within_95[:, rows].sum() / total),
            exceeded_99=_rounded(self.above_99[:, rows].sum() / total),
            windows=int((self.scored[:, rows].sum(axis=1) > 0).sum()),
        )


def score(quantiles: Matrix, actual: Matrix, scale: Matrix) -> WindowScores:
    """Scores quantiles of shape (windows, series, steps, levels) against actuals; scale is (windows, series)."""
    known = np.isfinite(actual)
    value = np.where(known, actual, 0.0)
    count = known.sum(axis=2)
    usable = np.where((scale > TINY) & (count > 0), scale, np.nan)
    pinball = np.zeros(actual.shape)
    for index in SCORED:
        miss = value - quantiles[..., index]
        pinball += np.maximum(LEVELS[index] * miss, (LEVELS[index] - 1) * miss)
    error = np.abs(value - _at(quantiles, 0.5))

    def counted(mask: NDArray[np.bool_]) -> Matrix:
        return np.asarray((mask & known).sum(axis=2), dtype=np.float64)

    return WindowScores(
        error=(error * known).sum(axis=2) / np.maximum(count, 1) / usable,
        crps=2.0 / len(SCORED) * (pinball * known).sum(axis=2) / np.maximum(count, 1) / usable,
        scored=count.astype(np.float64),
        within_80=counted((value >= _at(quantiles, 0.1)) & (value <= _at(quantiles, 0.9))),
        within_95=counted((value >= _at(quantiles, 0.025)) & (value <= _at(quantiles, 0.975))),
        above_99=counted(value > _at(quantiles, 0.99)),
    )


def scales(panel: Panel, cutoffs: tuple[int, ...]) -> Matrix:
    """The scale at each cutoff of each series, (cutoffs, series), from steps before it only; NaN where unknown."""
    lag = 24 if panel.granularity is Granularity.HOURLY else 7
    change = np.abs(panel.observed[:, lag:] - panel.observed[:, :-lag])
    known = np.isfinite(change)
    total = np.cumsum(np.where(known, change, 0.0), axis=1)
    count = np.cumsum(known, axis=1)
    rows = []
    for cutoff in cutoffs:
        last = cutoff - lag - 1
        if last < 0:
            rows.append(np.full(len(panel.keys), np.nan))
            continue
        seen = count[:, last]
        rows.append(np.where(seen > 0, total[:, last] / np.maximum(seen, 1), np.nan))
    return np.stack(rows)


def _at(quantiles: Matrix, level: float) -> Matrix:
    return quantiles[..., LEVELS.index(level)]


def _mean(values: Matrix) -> float | None:
    known = values[np.isfinite(values)]
    return _rounded(float(known.mean())) if len(known) else None


def _rounded(value: float) -> float:
    return round(float(value), 6)
