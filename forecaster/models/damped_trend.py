"""Damped trend: the level of the last days, its trend dying away, times the shape of a day (pure).

Holt's linear method with a damped trend (Gardner and McKenzie 1985) on the means of days (of weeks, for daily series),
times the median share that each step had of its day. Quantiles are those of the errors that the same rule made at its
earlier steps, as many days ahead.
"""

from dataclasses import dataclass

import numpy as np

from forecaster.models.model import LEVEL, MEDIAN, TINY, Says, finite
from forecaster.models.order import quantiles
from forecaster.panel import Matrix, Panel, Steps

BLOCKS = 42  # looked back
SHAPE_BLOCKS = 14
ERROR_BLOCKS = 21
FARTHEST = 7  # blocks ahead that errors are looked at; farther ones are as these
HALF = np.array([0.5])


@dataclass(frozen=True, slots=True, kw_only=True)
class DampedTrend:
    """Smoothing of level and trend, and what is left of the trend a block later."""

    level: float = 0.5
    trend: float = 0.05
    damping: float = 0.9

    @property
    def name(self) -> str:
        return "damped_trend"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= 6 * _block(panel)

    def fit(self, panel: Panel, steps: int) -> "DampedTrend":
        """Nothing to learn ahead: level and trend are of the panel's end."""
        return self

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        return self.in_full(self.outline(panel, ahead), panel, ahead)

    def outline(self, panel: Panel, ahead: Steps) -> Matrix:
        """The shape of a block; of each number of blocks ahead the level and its errors; nothing of less than one."""
        size = _block(panel)
        count = min(BLOCKS, panel.steps // size)
        if not count:
            return np.empty((len(panel.keys), 0))
        blocks = panel.observed[:, panel.steps - count * size :].reshape(len(panel.keys), count, size)
        means = _known_mean(blocks)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = blocks[:, -SHAPE_BLOCKS:] / means[:, -SHAPE_BLOCKS:, None]
        shares = np.where(np.isfinite(shares), shares, np.nan).transpose(0, 2, 1)
        shape = np.nan_to_num(quantiles(shares, HALF)[..., 0], nan=1.0)
        levels, trends = self._smooth(means)
        found = [shape]
        for far in np.unique((ahead - 1) // size + 1):
            errors = self._errors(blocks, (levels, trends), shape, min(int(far), FARTHEST, count - 2))
            found += [levels[:, -1] + self._carried(int(far)) * trends[:, -1], errors]
        return np.column_stack(found)

    def in_full(self, outline: Matrix, panel: Panel, ahead: Steps) -> Matrix:
        size, said = _block(panel), np.full((len(panel.keys), len(ahead), len(LEVEL)), np.nan)
        if not outline.shape[1]:
            return finite(said, panel)
        far = (ahead - 1) // size + 1
        blocks = np.unique(far)
        told = outline[:, size:].reshape(len(panel.keys), len(blocks), 1 + len(LEVEL))
        for number, blocks_ahead in enumerate(blocks):
            at = np.flatnonzero(far == blocks_ahead)
            centre = told[:, number, :1] * outline[:, :size]
            said[:, at] = centre[:, (ahead[at] - 1) % size][..., None] + told[:, number, None, 1:]
        highest = 2.0 * np.nan_to_num(panel.observed).max(axis=1, initial=0.0)
        return finite(np.minimum(said, highest[:, None, None]), panel)

    def _carried(self, blocks_ahead: int) -> float:
        """By how many trends of now the level will have moved."""
        return float((self.damping ** np.arange(1, blocks_ahead + 1)).sum())

    def _smooth(self, means: Matrix) -> tuple[Matrix, Matrix]:
        """Level and trend after each block, (series, blocks); a block that is not known changes neither."""
        first = np.nan_to_num(quantiles(means[:, :3], HALF)[:, 0])
        level, trend, levels, trends = first, np.zeros(len(means)), [], []
        for mean in means.T:
            expected = level + self.damping * trend
            error = np.where(np.isfinite(mean), mean - expected, 0.0)
            level, trend = expected + self.level * error, self.damping * trend + self.level * self.trend * error
            levels.append(level)
            trends.append(trend)
        return np.column_stack(levels), np.column_stack(trends)

    def _errors(self, blocks: Matrix, smooth: tuple[Matrix, Matrix], shape: Matrix, ahead: int) -> Matrix:
        """Quantiles of the errors so many blocks ahead, (series, levels); 0 where there was none."""
        if ahead < 1:
            return np.zeros((len(blocks), len(LEVEL)))
        levels, trends = smooth
        first = max(1, blocks.shape[1] - ahead - ERROR_BLOCKS)
        said = levels[:, first:-ahead] + self._carried(ahead) * trends[:, first:-ahead]
        errors = blocks[:, first + ahead :] - said[:, :, None] * shape[:, None, :]
        found = np.nan_to_num(quantiles(errors.reshape(len(errors), -1), LEVEL))
        return np.asarray(found - found[:, MEDIAN, None] / 2)  # half of a bias is taken for chance


def _block(panel: Panel) -> int:
    return panel.day if panel.day > 1 else panel.week


def _known_mean(blocks: Matrix) -> Matrix:
    """Mean of each block of which half is known; NaN of the others."""
    known = np.isfinite(blocks)
    count = known.sum(axis=2)
    mean = np.where(known, blocks, 0.0).sum(axis=2) / np.maximum(count, 1)
    return np.where(2 * count >= blocks.shape[2], np.maximum(mean, TINY), np.nan)
