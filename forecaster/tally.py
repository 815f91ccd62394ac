"""Scores of windows in long form, added up window by window (pure).

    MASE   mean over series-windows of (mean |y - q0.5|) / scale             Hyndman and Koehler 2006
    sCRPS  mean over series-windows of (mean over hours and L of 2 x pinball) / scale     Gneiting and Raftery 2007
    WQL    mean over L of (2 x sum of pinball over everything) / (sum of |y| over everything)
    PIT    randomised for counts: uniform between the highest level below the actual and the lowest above it (Czado,
           Gneiting and Held 2009); its largest distance from uniform at any level

with L = {0.1, ..., 0.9, 0.95, 0.99} and scale = mean of |y(t) - y(t - 24 h)| up to the cutoff. Hours without an actual,
and series-windows whose scale is 0 or unknown, are not scored; the latter are counted.
"""

from dataclasses import dataclass, fields

import numpy as np

from contracts.series import LEVELS
from forecaster.long_windows import WindowRows
from forecaster.panel import Matrix
from forecaster.scores import SCORED

_LEVEL = np.array(LEVELS)
_MEDIAN = LEVELS.index(0.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """Sums over what was scored; each array is of shape (series, ...) unless said otherwise.

    Attributes:
        rows: actuals.
        magnitude: sum of |y|.
        pinball, above: by level, sum of losses and count of actuals above; shape (series, levels).
        within_80, within_95: actuals inside of the intervals.
        windows: series-windows that were scored; `error` and `crps` are sums over these.
        left_out: series-windows without a scale.
        pit: of all series together, how many transforms lie at or below each level; shape (levels,).
        unfit: quantiles of all rows that are not finite, and not ordered; shape (2,).
    """

    rows: Matrix
    magnitude: Matrix
    pinball: Matrix
    above: Matrix
    within_80: Matrix
    within_95: Matrix
    windows: Matrix
    error: Matrix
    crps: Matrix
    left_out: Matrix
    pit: Matrix
    unfit: Matrix

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(Tally)})


def tally_window(rows: WindowRows, series: int, chance: np.random.Generator) -> Tally:
    """Scores one window.

    Args:
        rows: what was said and what happened.
        series: how many series the whole back-test has.
        chance: draws one number a scored row, in the order of the rows.
    """
    quantiles = rows.said.quantiles
    scored = np.isfinite(rows.actual) & (rows.scale > 0)[:, None]
    at, step = np.nonzero(scored)
    actual, said = rows.actual[at, step], quantiles[at, step]
    miss = actual[:, None] - said
    loss = np.maximum(_LEVEL * miss, (_LEVEL - 1) * miss)
    count = scored.sum(axis=1)
    code = rows.window.series

    def spread(values: Matrix) -> Matrix:
        """Sums of rows by series of the window, laid out by series of the back-test."""
        found = np.zeros((series, *values.shape[1:]))
        np.add.at(found, code[at], values)
        return found

    def placed(values: Matrix) -> Matrix:
        """One value a series-window, laid out by series of the back-test."""
        found = np.zeros(series)
        found[code] = np.where(count > 0, values, 0.0)
        return found

    weight = 1.0 / (np.maximum(count, 1) * np.where(rows.scale > 0, rows.scale, 1.0))
    lower, upper = said[:, LEVELS.index(0.1)], said[:, LEVELS.index(0.9)]
    lowest, uppermost = said[:, LEVELS.index(0.025)], said[:, LEVELS.index(0.975)]
    error = np.bincount(at, weights=np.abs(miss[:, _MEDIAN]), minlength=len(code))
    crps = np.bincount(at, weights=2.0 * loss[:, list(SCORED)].mean(axis=1), minlength=len(code))
    left_out = np.zeros(series)
    left_out[code] = ~(rows.scale > 0)
    return Tally(
        rows=spread(np.ones(len(at))),
        magnitude=spread(np.abs(actual)),
        pinball=spread(loss),
        above=spread((miss > 0).astype(np.float64)),
        within_80=spread(((actual >= lower) & (actual <= upper)).astype(np.float64)),
        within_95=spread(((actual >= lowest) & (actual <= uppermost)).astype(np.float64)),
        windows=placed(np.ones(len(code))),
        error=placed(error * weight),
        crps=placed(crps * weight),
        left_out=left_out,
        pit=_pit(actual, said, chance),
        unfit=np.array([(~np.isfinite(quantiles)).sum(), (np.diff(quantiles, axis=2) < -1e-9).sum()], dtype=float),
    )


def _pit(actual: Matrix, said: Matrix, chance: np.random.Generator) -> Matrix:
    """How many randomised transforms lie at or below each level."""
    low = np.where(said < actual[:, None], _LEVEL, 0.0).max(axis=1, initial=0.0)
    high = np.where(said > actual[:, None], _LEVEL, 1.0).min(axis=1, initial=1.0)
    drawn = low + chance.random(len(actual)) * (high - low)
    counts: Matrix = (drawn[:, None] <= _LEVEL).sum(axis=0).astype(np.float64)
    return counts
