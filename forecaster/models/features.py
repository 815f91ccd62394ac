"""What boosting sees of series at an origin: nothing at or after it (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS, SeriesKind
from forecaster.models.model import TINY
from forecaster.models.profile import Profile
from forecaster.panel import Matrix, Panel, Steps

Features = NDArray[np.float32]

_KINDS = {kind: float(code) for code, kind in enumerate(SeriesKind)}
LEVEL_DAYS = 14  # the level that values are divided by: long enough for two weekends, short enough to follow shifts
SPREAD_DAYS = 28
LEAST_SPREAD = 0.02  # of the level
WINDOWS = (1 / 8, 1, 3, 7, 28)  # days: recent levels
RECENT, LONG = Profile(14), Profile(56, 0.25, 14.0)
RECENT_LEVELS = [LEVELS.index(level) for level in (0.1, 0.5, 0.9)]
LONG_LEVELS = [LEVELS.index(level) for level in (0.1, 0.5, 0.9, 0.975)]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Features of every series and step ahead at one origin.

    Attributes:
        features: (series, steps, features), NaN where unknown.
        level: that the features in the series' unit were divided by, (series); 0 where nothing was ever seen.
        spread: mean change from day to day, (series), at least a share of the level.
    """

    features: Features
    level: Matrix
    spread: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Features, scaled targets and weights to learn from."""

    features: Features
    targets: Features
    weights: Features


class Sight:
    """Looks at a panel from any of its steps; running sums make means over any window cheap."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        lag = panel.day if panel.day > 1 else panel.week
        self._means = _Means(panel.filled)
        self._lag = lag
        self._changes = _Means(np.abs(panel.filled[:, lag:] - panel.filled[:, :-lag]))
        self._kinds = np.array([_KINDS[key.kind] for key in panel.keys])

    def at(self, origin: int, ahead: Steps) -> Seen:
        """The features of steps ahead (from 1) at an origin; only steps before it are read."""
        panel = self._panel if origin == self._panel.steps else self._panel.until(origin)
        level = np.nan_to_num(self._means.before(origin, LEVEL_DAYS * panel.day))
        change = np.nan_to_num(self._changes.before(max(origin - self._lag, 0), SPREAD_DAYS * panel.day))
        divisor = np.where(level > TINY, level, np.nan)
        spread = np.maximum(change, LEAST_SPREAD * level)
        shape = (len(panel.keys), len(ahead))
        target = panel.steps + ahead - 1
        phase = panel.phase(target)
        lags = (_lagged(panel, target, unit * ((ahead - 1) // unit + 1)) for unit in (panel.day, panel.week))
        recent = [self._means.before(origin, max(1, round(days * panel.day))) for days in WINDOWS]
        values = [
            *np.moveaxis(RECENT.at(panel, ahead)[..., RECENT_LEVELS], 2, 0),
            *np.moveaxis(LONG.at(panel, ahead)[..., LONG_LEVELS], 2, 0),
            *lags,
            *(np.broadcast_to(mean[:, None], shape) for mean in recent),
        ]
        of_step = (phase % panel.day, phase // panel.day, ahead)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_series = (np.log(divisor), spread / divisor, self._kinds)
        columns = [
            *(value / divisor[:, None] for value in values),
            *(np.broadcast_to(value[None, :], shape) for value in of_step),
            *(np.broadcast_to(value[:, None], shape) for value in of_series),
        ]
        return Seen(np.stack(columns, axis=2).astype(np.float32), level, spread)


def examples(panel: Panel, steps: int, rows: int, origins: int) -> Examples:
    """Examples from `origins` whole days before the panel's end, thinned evenly to at most about `rows`."""
    day = panel.day
    first = max(2 * day, min(LEVEL_DAYS * day, panel.steps // 2))
    days = np.arange(panel.steps - day, first - 1, -day)
    chosen = days[np.unique(np.linspace(0, len(days) - 1, min(origins, len(days))).astype(np.int64))]
    stride = _stride(steps, rows // max(1, len(chosen) * len(panel.keys)))
    sight = Sight(panel)
    found = []
    for number, origin in enumerate(chosen):
        ahead = np.arange(1 + 3 * number % stride, min(steps, panel.steps - int(origin)) + 1, stride)
        seen = sight.at(int(origin), ahead)
        with np.errstate(divide="ignore", invalid="ignore"):
            target = panel.observed[:, int(origin) + ahead - 1] / seen.level[:, None]
            weight = np.broadcast_to((seen.level / seen.spread)[:, None], target.shape)
        good = np.isfinite(target) & (seen.level > TINY)[:, None] & np.isfinite(weight)
        found.append((seen.features[good], target[good].astype(np.float32), weight[good].astype(np.float32)))
    if not found:
        return Examples(np.empty((0, 1), np.float32), np.empty(0, np.float32), np.empty(0, np.float32))
    features, targets, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Examples(features, targets, weights)


def _stride(steps: int, wanted: int) -> int:
    """Between steps ahead, so that about `wanted` are left; shares no factor with days and weeks."""
    stride = max(1, steps // max(wanted, 4))
    while stride > 1 and any(stride % factor == 0 for factor in (2, 3, 7)):
        stride += 1
    return stride


def _lagged(panel: Panel, target: Steps, back: Steps) -> Matrix:
    step = target - back
    return np.where(step >= 0, panel.filled[:, np.maximum(step, 0)], np.nan)


class _Means:
    """Means over any window of a matrix in constant time, unknown values left out."""

    def __init__(self, values: Matrix) -> None:
        known = np.isfinite(values)
        zero = np.zeros((len(values), 1))
        self._sums = np.hstack([zero, np.cumsum(np.where(known, values, 0.0), axis=1)])
        self._counts = np.hstack([zero, np.cumsum(known, axis=1)])

    def before(self, end: int, width: int) -> Matrix:
        """Mean of the `width` steps before `end` of each series; NaN where none is known."""
        begin = max(end - width, 0)
        count = self._counts[:, end] - self._counts[:, begin]
        total = self._sums[:, end] - self._sums[:, begin]
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)
