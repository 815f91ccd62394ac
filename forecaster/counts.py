"""Quantiles of sparse counts (pure): a negative binomial around the rate, its dispersion from held-back windows.

Variance = mean + dispersion * mean^2 (Cameron and Trivedi, Regression Analysis of Count Data, 3.3.1, "NB2");
dispersion by maximum likelihood, pooled over the series of a group. Quantiles of a count are counts.
"""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.models.model import NORMAL, TINY
from forecaster.panel import Matrix, Steps
from forecaster.pooled_errors import ENOUGH_SCORES, ENOUGH_WINDOWS
from forecaster.windows import Windows

BLIND_DISPERSION = 1.0  # nothing held back: as a geometric distribution
DISPERSIONS = np.concatenate([[1e-6], np.geomspace(0.01, 20.0, 34)])  # among which the likeliest is looked for
NORMAL_FROM = 200.0  # above this mean the sum of so many terms is normal for every purpose here
FACTOR_RANGE = (0.5, 2.0)  # how far held-back windows may correct a rate
MOST_VARIANCE = 1.0  # of the logarithm of what an event does
LARGEST_SAMPLE = 40_000  # more tell no more about one number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountRates:
    """Means and dispersions of counts, each (series, steps).

    Attributes:
        mean, dispersion: of each hour by itself.
        common: variance, over its square, of what all rates together are wrong by.
    """

    mean: Matrix
    dispersion: Matrix
    common: float = 0.0

    def rows(self, rows: list[int]) -> "CountRates":
        return replace(self, mean=self.mean[rows], dispersion=self.dispersion[rows])

    def moved(self, log_mean: Matrix, log_variance: Matrix) -> "CountRates":
        """Those of counts whose rate is multiplied by a lognormal factor: a mixture, and so the more dispersed."""
        spread = np.minimum(log_variance, MOST_VARIANCE)
        mean = self.mean * np.exp(log_mean + spread / 2)
        return replace(self, mean=mean, dispersion=(1 + self.dispersion) * np.exp(spread) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCalibration:
    """What held-back windows taught about counts.

    Attributes:
        groups: the group of each series.
        factor: actual over predicted, of each group.
        dispersion: of each group.
        supported: whether a group had enough scores.
        common: what totals of whole windows strayed by beyond what counts by themselves do, as `CountRates` has it.
    """

    groups: Steps
    factor: Matrix
    dispersion: Matrix
    supported: NDArray[np.bool_]
    common: float = 0.0

    def corrected(self, said: Matrix, ahead: Steps) -> Matrix:
        """Quantiles (..., series, steps, levels) of expected counts (..., series, steps, 1)."""
        rates = self.rates(said)
        return count_quantiles(rates.mean, rates.dispersion)

    def rates(self, said: Matrix) -> "CountRates":
        """Corrected means, and dispersions, of expected counts (series, steps, 1)."""
        mean = said[..., 0] * self.factor[self.groups][:, None]
        dispersion = np.broadcast_to(self.dispersion[self.groups][:, None], mean.shape)
        return CountRates(mean=mean, dispersion=dispersion, common=self.common)

    def turned(self, hours: int) -> "CountCalibration":
        """The same: nothing of it is of an hour."""
        return self

    def enough(self) -> NDArray[np.bool_]:
        supported: NDArray[np.bool_] = self.supported[self.groups]
        return supported


def calibrate_counts(said: Matrix, actual: Matrix, windows: Windows, groups: Steps) -> CountCalibration:
    """Learns level and dispersion from every known actual of the held-back windows.

    Args:
        said: expected counts, (windows, series, steps, 1).
        actual: (windows, series, steps), NaN where it is not known.
        windows: that were held back.
        groups: the group of each series.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    factor, dispersion = np.ones(count), np.full(count, BLIND_DISPERSION)
    supported = np.zeros(count, dtype=bool)
    for group in range(count if windows.cutoffs else 0):
        of_group = actual[:, groups == group]
        known = np.isfinite(of_group)
        rate, seen = said[..., 0][:, groups == group][known], of_group[known]
        if len(seen) < ENOUGH_SCORES // 5 or rate.sum() <= 0:
            continue
        factor[group] = np.clip(seen.sum() / rate.sum(), *FACTOR_RANGE)
        dispersion[group] = likeliest_dispersion(rate * factor[group], seen)
        supported[group] = len(seen) >= ENOUGH_SCORES and int(known.any(axis=(1, 2)).sum()) >= ENOUGH_WINDOWS
    learned = CountCalibration(groups=groups, factor=factor, dispersion=dispersion, supported=supported)
    return replace(learned, common=_common(learned, said, actual))


def _common(learned: CountCalibration, said: Matrix, actual: Matrix) -> float:
    """Moments of totals of windows: squared errors beyond the variance of independent counts, over squared means."""
    means, beyond = np.zeros(len(said)), np.zeros(len(said))
    for window, (each, came) in enumerate(zip(said, actual, strict=True)):
        rates, known = learned.rates(each), np.isfinite(came)
        mean, dispersion = rates.mean[known], rates.dispersion[known]
        means[window] = mean.sum()
        beyond[window] = (came[known].sum() - mean.sum()) ** 2 - (mean + dispersion * mean**2).sum()
    heard = int((means > 0).sum())
    if heard < ENOUGH_WINDOWS:
        return 0.0
    fitted = (heard + 1) / (heard - 3)  # the variance of what few tell of the next one: Student's t
    return float(np.clip(fitted * beyond.sum() / np.square(means).sum(), 0.0, MOST_VARIANCE))


def likeliest_dispersion(mean: Matrix, counts: Matrix) -> float:
    """Of `DISPERSIONS` the one with the largest likelihood; terms that do not depend on it are left out."""
    thin = slice(None, None, max(1, -(-len(mean) // LARGEST_SAMPLE)))
    mean, counts = np.maximum(mean[thin], TINY), counts[thin]
    seen = counts > 0
    best, found = -np.inf, BLIND_DISPERSION
    for dispersion in DISPERSIONS:
        size = 1.0 / dispersion
        likelihood = -(size * np.log1p(mean * dispersion)).sum()
        likelihood += _rising(counts[seen], size).sum()
        likelihood += (counts[seen] * np.log(mean[seen] / (mean[seen] + size))).sum()
        if likelihood > best:
            best, found = float(likelihood), float(dispersion)
    return found


def _rising(counts: Matrix, size: float) -> Matrix:
    """Logarithm of gamma(size + count) / gamma(size), by distinct counts."""
    distinct, inverse = np.unique(counts, return_inverse=True)
    if len(distinct) and distinct[-1] < NORMAL_FROM:
        steps = np.concatenate([[0.0], np.cumsum(np.log(size + np.arange(int(np.ceil(distinct[-1])))))])
        return np.asarray(steps[np.round(distinct).astype(np.int64)][inverse])
    shifted = size + distinct  # Stirling's series (Abramowitz and Stegun 1964, 6.1.40), good where values are large
    return np.asarray((_log_gamma(shifted) - _log_gamma(np.array([size])))[inverse])


def _log_gamma(value: Matrix) -> Matrix:
    """Logarithm of gamma, moved up by 8 before the series is used."""
    moved = value + 8.0
    series = (moved - 0.5) * np.log(moved) - moved + 0.5 * np.log(2 * np.pi) + 1 / (12 * moved) - 1 / (360 * moved**3)
    return np.asarray(series - np.log(value[:, None] + np.arange(8.0)).sum(axis=1))


def count_quantiles(mean: Matrix, dispersion: Matrix) -> Matrix:
    """The smallest count whose cumulative probability reaches each level; shape of `mean` and levels."""
    quantiles = np.empty((*mean.shape, len(LEVELS)))
    large = mean > NORMAL_FROM
    quantiles[large] = _normal(mean[large], dispersion[large])
    quantiles[~large] = _negative_binomial(mean[~large], np.maximum(dispersion[~large], 1e-6))
    return quantiles


def counts_at(mean: Matrix, dispersion: Matrix, at: Matrix) -> Matrix:
    """Smallest counts whose cumulative probability reaches `at` (steps, n), of means and dispersions (steps,)."""
    counts = np.zeros(at.shape)
    large = mean > NORMAL_FROM
    if large.any():
        deviation = np.sqrt(mean[large] + dispersion[large] * mean[large] ** 2)[:, None]
        normal = np.vectorize(NormalDist().inv_cdf)(np.clip(at[large], 1e-9, 1 - 1e-9))
        counts[large] = np.ceil(np.maximum(mean[large, None] + normal * deviation, 0.0))
    some = ~large
    size = 1.0 / np.maximum(dispersion[some], 1e-6)
    odds = mean[some] / (mean[some] + size)
    term = np.exp(-size * np.log1p(mean[some] / size))
    total, found, count = term.copy(), np.zeros(at[some].shape), 0
    while (above := at[some] > total[:, None] + 1e-12).any() and count < 100 * NORMAL_FROM:
        found += above
        term = term * (count + size) / (count + 1) * odds
        total += term
        count += 1
    counts[some] = found
    return counts


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
