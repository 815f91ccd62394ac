"""Quantiles of sparse counts (pure): a negative binomial around the rate, its dispersion from held-back windows.

Variance = mean + dispersion * mean^2; dispersion by moments, pooled over the pairs of a group (Cameron and Trivedi,
Regression Analysis of Count Data, 2.4). Quantiles of a count are counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.calibration import ENOUGH_SCORES, ENOUGH_WINDOWS, NORMAL
from forecaster.models.model import TINY, Prediction
from forecaster.panel import Matrix, Steps
from forecaster.windows import HeldBack

BLIND_DISPERSION = 1.0  # nothing held back: as a geometric distribution
NORMAL_FROM = 200.0  # above this mean the sum of so many terms is normal for every purpose here
FACTOR_RANGE = (0.5, 2.0)  # how far held-back windows may correct a rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountCalibration:
    """What held-back windows taught about counts.

    Attributes:
        groups: the group of each pair.
        factor: actual over predicted, of each group.
        dispersion: of each group.
        supported: whether a group had enough scores.
    """

    groups: Steps
    factor: Matrix
    dispersion: Matrix
    supported: NDArray[np.bool_]

    def quantiles(self, prediction: Prediction) -> Matrix:
        mean = prediction.centre * self.factor[self.groups][:, None]
        dispersion = np.broadcast_to(self.dispersion[self.groups][:, None], mean.shape)
        return count_quantiles(mean, dispersion)

    def enough(self) -> NDArray[np.bool_]:
        supported: NDArray[np.bool_] = self.supported[self.groups]
        return supported


def calibrate_counts(held: HeldBack, groups: Steps) -> CountCalibration:
    """Learns level and dispersion from every known actual of the held-back windows."""
    count = int(groups.max()) + 1 if len(groups) else 0
    factor, dispersion = np.ones(count), np.full(count, BLIND_DISPERSION)
    supported = np.zeros(count, dtype=bool)
    for group in range(count):
        actual = held.actual[:, groups == group]
        known = np.isfinite(actual)
        rate, seen = held.prediction.centre[:, groups == group][known], actual[known]
        if len(seen) < ENOUGH_SCORES // 5 or rate.sum() <= 0:
            continue
        factor[group] = np.clip(seen.sum() / rate.sum(), *FACTOR_RANGE)
        mean = rate * factor[group]
        excess = ((seen - mean) ** 2 - mean).sum() / max(float((mean**2).sum()), TINY)
        dispersion[group] = max(float(excess), 0.0)
        supported[group] = len(seen) >= ENOUGH_SCORES and int(known.any(axis=(1, 2)).sum()) >= ENOUGH_WINDOWS
    return CountCalibration(groups=groups, factor=factor, dispersion=dispersion, supported=supported)


def count_quantiles(mean: Matrix, dispersion: Matrix) -> Matrix:
    """The smallest count whose cumulative probability reaches each level; shape of `mean` and levels."""
    quantiles = np.empty((*mean.shape, len(LEVELS)))
    large = mean > NORMAL_FROM
    quantiles[large] = _normal(mean[large], dispersion[large])
    quantiles[~large] = _negative_binomial(mean[~large], np.maximum(dispersion[~large], 1e-6))
    return quantiles


def _normal(mean: Matrix, dispersion: Matrix) -> Matrix:
    deviation = np.sqrt(mean + dispersion * mean**2)
    rounded: Matrix = np.ceil(np.maximum(mean[:, None] + NORMAL * deviation[:, None], 0.0))
    return rounded


def _negative_binomial(mean: Matrix, dispersion: Matrix) -> Matrix:
    """Counts up until every level is reached: p(k + 1) / p(k) = (k + r) / (k + 1) * (1 - p), r = 1 / dispersion."""
    size = 1.0 / dispersion
    odds = mean / (mean + size)
    term = np.exp(-size * np.log1p(mean / size))
    total = term.copy()
    quantiles = np.full((len(mean), len(LEVELS)), -1.0)
    count = 0
    while True:
        reached = (total[:, None] >= np.array(LEVELS) - 1e-9) & (quantiles < 0)
        quantiles[reached] = count
        if (quantiles >= 0).all() or count > 100 * NORMAL_FROM:
            break
        term = term * (count + size) / (count + 1) * odds
        total += term
        count += 1
    return np.where(quantiles < 0, float(count), quantiles)
