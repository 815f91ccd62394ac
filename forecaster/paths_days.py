"""Hours and days that agree: paths of hours brought to what days say, and days that go on after the hours (pure).

A day is forecast twice, as 24 hours and by itself. Sums of hours are nearer to what comes; the days' own forecasts know
better how far a whole day can stray, because they were calibrated on days. So each series' days of paths are brought to
quantiles that lie `SHARE` of the way from the one to the other (Vincent 1912; temporal hierarchies are reconciled
alike, Athanasopoulos et al. 2017), hours moving with their day. Days after the hours are what the daily forecast says,
at the level at which the hours left: the median log ratio of both, fading by half in `HALF_LIFE` days. Their paths are
those of the hours, continued: normal variables given what the earlier days are. How all three were chosen is in
docs/decisions/0015-days-are-sums-of-hours.md.
"""

import numpy as np

from contracts.series import LEVELS
from forecaster.events.contrast import median
from forecaster.panel import Matrix
from forecaster.paths import (
    Order,
    Paths,
    by_days,
    canonical,
    even_scores,
    learn_dependence,
    quantiles_of,
    root,
    values_at,
)
from forecaster.paths_raked import FARTHEST

SHARE = 1 / 3
HALF_LIFE = 7.0
MIDDLE = LEVELS.index(0.5)
OF_DAYS = 1  # beside the seed: what is drawn of days is not what was drawn of hours


def as_days_say(paths: Paths, known: Paths, said: Matrix, rows: list[int]) -> None:
    """Multiplies paths, in place, day by day, by what brings days of the known ones nearer to what is said of them.

    Args:
        paths: (paths, series, hours) of rates and levels.
        known: the same paths without what the days do not know either; may be `paths` itself.
        said: (series, days, levels), what daily forecasts say of the means of days, each from the first hour on.
        rows: of the series of which they say something.
    """
    days = min(paths.shape[2] // 24, said.shape[1])
    even = even_scores(len(paths))
    for row in rows if days else ():
        found = by_days(known[:, row, : 24 * days])
        between = (1 - SHARE) * quantiles_of(found) + SHARE * said[row, :days]
        wanted = np.empty_like(found)
        np.put_along_axis(wanted, np.argsort(found, axis=0, kind="stable"), values_at(between, even), axis=0)
        some = found > 0
        times = np.where(some, wanted, 1.0) / np.where(some, found, 1.0)
        factors = np.repeat(np.clip(times, np.exp(-FARTHEST), np.exp(FARTHEST)), 24, axis=1).astype(np.float32)
        paths[:, row, : 24 * days] *= factors
        if known is not paths:
            known[:, row, : 24 * days] *= factors


def gap_after(said: Matrix, hours: Matrix) -> Matrix:
    """By which factor days after the hours are told higher: (series, later days).

    Args:
        said: (series, days, levels), what daily forecasts say, from the first day on.
        hours: (series, first days, levels), what days of hours say.
    """
    first = hours.shape[1]
    own, now = said[:, :first, MIDDLE], hours[..., MIDDLE]
    both = (own > 0) & (now > 0)
    apart = np.where(both, np.log(np.where(both, now, 1.0) / np.where(both, own, 1.0)), np.nan)
    usual = np.nan_to_num(median(apart, axis=1)) if first else np.zeros(len(said))
    fading = 0.5 ** (np.arange(1, said.shape[1] - first + 1) / HALF_LIFE)
    gap: Matrix = np.exp(np.clip(usual, -FARTHEST, FARTHEST)[:, None] * fading)
    return gap


def order_after(before: Paths, quantiles: Matrix, residual_ranks: Matrix, seed: int, weights: Matrix) -> Order:
    """The order of paths on later days, given where each path stood on the days before.

    Normal variables of all days are correlated over series times over days. So what the days before tell of later ones
    is told series by series, and what is left is correlated between series as ever.

    Args:
        before: (paths, series, first days), values.
        quantiles: (series, later days, levels); they tell series apart, so that it does not matter how they stand.
        residual_ranks: (series, past days), as `draw_order` wants them.
        seed: the same one gives the same order.
        weights: as `draw_order` wants them.
    """
    count, first, later = len(before), before.shape[2], quantiles.shape[1]
    dependence = learn_dependence(residual_ranks, first + later, weights)
    at = np.arange(first + later)
    steps = dependence.steps[np.abs(at[:, None] - at)]
    told = np.linalg.pinv(steps[:first, :first], hermitian=True) @ steps[:first, first:]
    left = root(steps[first:, first:] - steps[first:, :first] @ told)
    drawn = np.empty((len(quantiles), later, count), dtype=np.float32)
    order = canonical(quantiles, residual_ranks)
    drawn[order] = np.random.default_rng((seed, OF_DAYS)).standard_normal(drawn.shape, dtype=np.float32)
    drawn = np.tensordot(root(dependence.series).astype(np.float32), drawn, axes=1)
    stood = np.argsort(np.argsort(before, axis=0, kind="stable"), axis=0)
    scores = even_scores(count)[stood]
    found = np.empty(drawn.shape, dtype=np.int16)
    for row, one in enumerate(drawn):
        found[row] = np.argsort(told.T @ scores[:, row].T + left @ one, axis=1, kind="stable")
    return found
