"""Whole paths out of quantiles: what sums over hours and series need (pure).

A Gaussian copula (Sklar 1959; Moeller, Lenkoski and Thorarinsdottir 2013 for forecasts): normal variables that are
correlated as held-back errors were, over series and over steps, are turned into ranks, and each rank into a value by
the quantiles of its series and step. Ranks are spread evenly over the paths (as in the Schaake shuffle, Clark et al.
2004), so that the paths of one series and step have exactly the quantiles that were given. Sums are sums of paths: days
of hours, regions of pairs, the total of regions agree on every path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.events.contrast import least, median
from forecaster.events.widening import NORMAL
from forecaster.panel import Matrix, Panel

MEMORY_WEEKS = 8  # errors that dependence is learned from
PAST_WEEKS = 3
MOST_VALUES = 40_000_000  # of all paths together: 160 MB
FEWEST_PATHS = 100
LASTING = 0.4  # measured on windows of GEANT that end before 2005-02-06

Paths = NDArray[np.float32]
Order = NDArray[np.int16]
_STANDARD = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dependence:
    """How errors hang together.

    Attributes:
        series: correlation between series, (series, series); shrunk towards their mean.
        steps: autocorrelation by lag, 1 first.
    """

    series: Matrix
    steps: Matrix


def sample_paths(
    quantiles: Matrix, residual_ranks: Matrix, count: int, seed: int, weights: Matrix | None = None
) -> Paths:
    """Paths whose every series and step has the given quantiles, and whose errors hang together as ranks did.

    Args:
        quantiles: (series, steps, levels), ordered, from 0.
        residual_ranks: (series, past steps), ranks of errors at consecutive steps in (0, 1), NaN where unknown.
        count: how many, 2 to 32,767.
        seed: the same one gives the same paths, in whatever order the series stand.
        weights: how much each series counts where it is learned how long errors last; by default how wide its
            quantiles are, because the widest decide over sums. Of series in several units, give them.

    Returns:
        (paths, series, steps), from 0.
    """
    return paths_in(draw_order(quantiles, residual_ranks, count, seed, weights), quantiles)


def draw_order(
    quantiles: Matrix, residual_ranks: Matrix, count: int, seed: int | Sequence[int], weights: Matrix | None = None
) -> Order:
    """Which path is lowest, next to lowest, and so on: of each series and step. Arguments are those of `sample_paths`.

    Returns:
        (series, steps, paths): numbers of paths, from the one with the lowest value to the one with the highest.
    """
    dependence = learn_dependence(residual_ranks, quantiles.shape[1], widths(quantiles) if weights is None else weights)
    order = canonical(quantiles, residual_ranks)
    drawn = np.random.default_rng(seed).standard_normal((len(order), quantiles.shape[1], count), dtype=np.float32)
    normal = np.empty_like(drawn)
    normal[order] = drawn
    del drawn  # as large as all paths
    normal = np.tensordot(root(dependence.series).astype(np.float32), normal, axes=1)
    over_steps = _toeplitz_root(dependence.steps, quantiles.shape[1]).astype(np.float32)
    found = np.empty(normal.shape, dtype=np.int16)
    for row, one in enumerate(normal):
        found[row] = np.argsort(over_steps @ one, axis=1, kind="stable")
    return found


def paths_in(order: Order, quantiles: Matrix) -> Paths:
    """Paths (paths, series, steps) that stand in a given order and have the given quantiles (series, steps, levels)."""
    count = order.shape[2]
    paths, even = np.empty((count, *quantiles.shape[:2]), dtype=np.float32), even_scores(count)
    for row, table in enumerate(quantiles):
        np.put_along_axis(paths[:, row].T, order[row], values_at(table, even).T, axis=1)
    return paths


def widths(quantiles: Matrix) -> Matrix:
    """How wide each series' 80 % interval is on average."""
    wide: Matrix = (quantiles[:, :, LEVELS.index(0.9)] - quantiles[:, :, LEVELS.index(0.1)]).mean(axis=1)
    return wide


def paths_within_memory(count: int, series: int, steps: int) -> int:
    """How many paths of so many values are drawn: `count`, or fewer where they would not fit."""
    return max(FEWEST_PATHS, min(count, MOST_VALUES // max(1, series * steps)))


def seasonal_ranks(panel: Panel) -> Matrix:
    """Ranks of errors of the plainest forecast, the median of the same hour in the three weeks before.

    Its errors hang together much as those of any forecast do, and every series that is older than a week has them.
    """
    steps = panel.steps
    logs = np.log(panel.observed + least(panel.observed)[:, None])
    begin = max(0, steps - MEMORY_WEEKS * panel.week)
    errors = np.full((len(logs), steps - begin), np.nan)
    lag = panel.week if steps > panel.week + panel.day else panel.day
    past = [_lagged(logs, turn * lag, begin) for turn in range(1, PAST_WEEKS + 1) if turn * lag < steps]
    if past:
        errors = logs[:, begin:] - median(np.stack(past, axis=-1), axis=-1)
    return ranks_of(errors)


def ranks_of(errors: Matrix) -> Matrix:
    """Each row's ranks, (rank - 0.5) / n, what is equal sharing the middle of its ranks; NaN where unknown."""
    ranks = np.full(errors.shape, np.nan)
    for row, found in enumerate(errors):
        known = np.isfinite(found)
        _, at, counts = np.unique(found[known], return_inverse=True, return_counts=True)
        ranks[row, known] = ((np.cumsum(counts) - counts / 2) / max(1, known.sum()))[at]
    return ranks


def learn_dependence(residual_ranks: Matrix, steps: int, weights: Matrix | None = None) -> Dependence:
    """Correlations of normal scores.

    Over steps: the weighted mean autocorrelation of the series, each lag divided by the same number of steps (which
    keeps it a correlation). Of what is left of it after a day, `LASTING` lasts for good: a forecast that is wrong about
    the level is wrong about all of it, which errors of a reference that follows the level do not show.

    Over series: shrunk towards their mean (a constant correlation, Ledoit and Wolf 2004) by the share of their spread
    that chance explains (Schaefer and Strimmer 2005, section 2.4), n being what so many steps that hang together are
    worth (Bartlett 1935). Shrunk towards none, sums over many series would come out too sure.
    """
    scores = _scores(residual_ranks)
    alike = np.ones(len(scores))
    counted = np.where(np.square(scores).sum(axis=1) > 0, alike if weights is None else weights, 0.0)
    own = _memory(scores, steps, counted)
    known = np.isfinite(residual_ranks).sum(axis=1)
    plain = _memory(scores, steps, alike)
    worth = float(np.median(known)) / float(1 + 2 * np.square(plain[1:]).sum()) if len(known) else 0.0
    lasting = LASTING * max(0.0, float(own[min(24, steps - 1)])) if steps > 1 else 0.0
    own[1:] = (1 - lasting) * own[1:] + lasting
    return Dependence(series=_between(scores, counted, max(2.0, worth)), steps=own)


def _memory(scores: Matrix, steps: int, weights: Matrix) -> Matrix:
    """The weighted mean autocorrelation, by lag from 0; 0 beyond what was seen."""
    own, lags = np.zeros(steps), min(steps, scores.shape[1])
    own[0] = 1.0
    power = np.square(scores).sum(axis=1)
    rows = (power > 0) & (weights > 0)
    if rows.any():
        size = 1 << int(np.ceil(np.log2(2 * scores.shape[1])))
        spectrum = np.abs(np.fft.rfft(scores[rows], size, axis=1)) ** 2
        lagged = np.fft.irfft(spectrum, size, axis=1)[:, :lags]
        own[:lags] = np.average(lagged / power[rows, None], axis=0, weights=weights[rows])
    return own


def _between(scores: Matrix, weights: Matrix, worth: float) -> Matrix:
    """Correlation between series, shrunk towards its weighted mean."""
    power = np.square(scores).sum(axis=1)
    unit = scores / np.sqrt(np.where(power > 0, power, 1.0))[:, None]
    off, apart = unit @ unit.T, ~np.eye(len(unit), dtype=bool)
    pairs = np.outer(weights, weights)[apart]
    usual = max(0.0, float((off[apart] * pairs).sum() / pairs.sum())) if pairs.sum() > 0 else 0.0
    chance = float((np.square(1 - np.square(off[apart])) / worth).sum())
    shrunk = min(1.0, chance / max(float(np.square(off[apart] - usual).sum()), 1e-12))
    target = np.where(np.outer(power, power) > 0, usual, 0.0)
    series: Matrix = np.where(apart, (1 - shrunk) * off + shrunk * target, 1.0)
    return series


def by_days(paths: Paths | Matrix) -> Matrix:
    """Hours of paths (..., hours) as means of whole days."""
    days = paths.shape[-1] // 24
    folded = paths[..., : 24 * days].reshape(*paths.shape[:-1], days, 24)
    means: Matrix = folded.sum(axis=-1, dtype=np.float64) / 24
    return means


def quantiles_of(paths: Paths | Matrix) -> Matrix:
    """Quantiles at all levels of (paths, ...), levels last."""
    found: Matrix = np.moveaxis(np.quantile(paths, LEVELS, axis=0, method="hazen"), 0, -1)
    return np.maximum.accumulate(found.astype(np.float64), axis=-1)


def values_at(table: Matrix, normal: Matrix) -> Matrix:
    """Values at ascending normal scores, (scores, steps), of one series' quantiles (steps, levels).

    Straight between the levels on the scale of normal scores, and beyond the outermost ones.
    """
    right = np.clip(np.searchsorted(NORMAL, normal), 1, len(NORMAL) - 1)
    share = (normal - NORMAL[right - 1]) / (NORMAL[right] - NORMAL[right - 1])
    values = table[:, right - 1] * (1 - share) + table[:, right] * share
    found: Matrix = np.maximum(values, 0.0).T
    return found


def even_scores(count: int) -> Matrix:
    """Normal scores of so many paths, spread evenly."""
    return _normal((np.arange(count) + 0.5) / count)


def _scores(ranks: Matrix) -> Matrix:
    """Normal scores; 0, which hangs together with nothing, where a rank is unknown."""
    distinct, at = np.unique(np.nan_to_num(ranks, nan=0.5), return_inverse=True)
    scores: Matrix = _normal(np.clip(distinct, 1e-6, 1 - 1e-6))[at].reshape(ranks.shape)
    return scores


def _normal(levels: Matrix) -> Matrix:
    return np.array([_STANDARD.inv_cdf(float(level)) for level in levels])


def root(correlation: Matrix) -> Matrix:
    """The symmetric root: unlike Cholesky's it does not hang on the order of the series."""
    values, vectors = np.linalg.eigh(correlation)
    root: Matrix = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def _toeplitz_root(own: Matrix, steps: int) -> Matrix:
    at = np.arange(steps)
    return root(own[np.abs(at[:, None] - at)])


def canonical(quantiles: Matrix, ranks: Matrix) -> NDArray[np.intp]:
    """The order of the series by what they hold, so that it does not matter how they stand."""
    keys = [quantiles[row].tobytes() + ranks[row].tobytes() for row in range(len(quantiles))]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)


def _lagged(logs: Matrix, lag: int, begin: int) -> Matrix:
    shifted = np.full((len(logs), logs.shape[1] - begin), np.nan)
    first = max(begin, lag)
    shifted[:, first - begin :] = logs[:, first - lag : logs.shape[1] - lag]
    return shifted
