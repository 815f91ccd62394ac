"""The last touch on quantiles (pure): finite, from 0, ordered, whole where the series is; and what has no model.

A series that ended is forecast as if it went on, the wider the longer it has been silent: errors are taken to grow with
the square root of the time, as they are beyond what was scored.
"""

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS, SeriesKind, Unit, unit_of
from forecaster.models.model import LEVEL, MEDIAN
from forecaster.panel import Matrix, Panel

NEEDED_HOURS = 24  # since the first observed one; one of each hour of the day
LEAST_HOURS = 18  # of them observed: with gaps, the hours beside one that is missing tell of it
NEEDED_DAYS = 8
CEILING = 4.0  # no quantile lies above so many times the largest value ever seen: a level that fell to almost nothing
# makes relative errors of any size
UNSEEN = 0.1  # from this level on nothing is said between 0 and the least value ever seen; below, of series never 0
WIDE = (0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2.2, 2.8, 3.4, 4)  # times the mean, by level


def finished(quantiles: Matrix, panel: Panel, enough: NDArray[np.bool_]) -> Matrix:
    """Quantiles of shape (series, steps, levels) as they may leave the room.

    Where a series has not `enough` scores, its outermost quantile is at least that of everything that it ever was.
    """
    fine = np.isfinite(quantiles).all()
    clean = np.maximum(quantiles if fine else np.nan_to_num(quantiles, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    clean[~enough, :, -1] = np.maximum(clean[~enough, :, -1], _highest(panel)[~enough, None])
    largest = np.nan_to_num(panel.observed).max(axis=1)
    clean = np.minimum(np.maximum.accumulate(clean, axis=2), CEILING * largest[:, None, None])
    clean = _as_seen(clean, panel)
    whole = whole_numbers(panel)
    clean[whole] = np.ceil(clean[whole] - 1e-9)
    short = np.flatnonzero(too_short(panel) & ~_requests(panel))
    clean[short] = wide_naive(panel, quantiles.shape[1])[short]
    return np.asarray(clean)


def _highest(panel: Panel) -> Matrix:
    """The outermost quantile of what each series was so far: of less than 100 values the largest; 0 of none."""
    ordered = np.sort(panel.observed, axis=1)  # unknown values last
    last = np.ceil(LEVELS[-1] * (panel.known() + 1)).astype(np.int64)
    found: Matrix = ordered[np.arange(len(ordered)), np.clip(last, 1, np.maximum(panel.known(), 1)) - 1]
    return np.nan_to_num(found)


def _as_seen(said: Matrix, panel: Panel) -> Matrix:
    """What lies between 0 and the least value above it that a series ever had was never seen.

    Of counts all that is said there is 0. Of another series that is 0 at times, levels up to the share of zeros become
    0, and those above it the least value. Of one that never is, levels from `UNSEEN` on become the least value or the
    median, where that is smaller; those below keep room for what is less than ever.
    """
    positive = np.where(panel.observed > 0, panel.observed, np.inf).min(axis=1, initial=np.inf)
    least = np.where(np.isfinite(positive), positive, 0.0)[:, None, None]
    if not (said < least).any():
        return said
    share = np.where(whole_numbers(panel), 1.0, (panel.observed == 0).sum(axis=1) / np.maximum(panel.known(), 1))
    zeros = share[:, None, None]
    idle = np.where(zeros >= LEVEL, 0.0, least)
    busy = np.where(LEVEL >= UNSEEN, np.minimum(least, said[..., MEDIAN, None]), said)
    return np.asarray(np.where(said < least, np.where(zeros > 0, idle, np.maximum(said, busy)), said))


def too_short(panel: Panel) -> NDArray[np.bool_]:
    """Series with too few observed steps for any model, or that began less than a day ago."""
    known = panel.known()
    if panel.day != 24:
        return np.asarray(known < NEEDED_DAYS)
    since = panel.steps - np.isfinite(panel.observed).argmax(axis=1)
    return np.asarray((known < LEAST_HOURS) | (since < NEEDED_HOURS))


def all_zero(panel: Panel) -> NDArray[np.bool_]:
    """Series that were seen, and never were anything but 0."""
    return np.asarray((panel.known() > 0) & ~(np.nan_to_num(panel.observed) > 0).any(axis=1))


def ended(panel: Panel) -> NDArray[np.bool_]:
    """Series that were seen, and not for a week by now."""
    return np.asarray((panel.known() > 0) & (panel.silent() >= panel.week))


def as_long_ago(quantiles: Matrix, panel: Panel) -> Matrix:
    """Quantiles (series, steps, levels) with those of series that ended as wide as that was long ago."""
    rows = np.flatnonzero(ended(panel))
    if not len(rows):
        return quantiles
    wider, middle = quantiles.copy(), quantiles[rows, :, MEDIAN, None]
    wider[rows] = middle + (quantiles[rows] - middle) * times_as_wide(panel.silent()[rows] / panel.week)[:, None, None]
    return wider


def times_as_wide(weeks: Matrix) -> Matrix:
    """How much wider series are told that ended so many weeks ago."""
    times: Matrix = np.sqrt(1 + weeks)
    return times


def wide_naive(panel: Panel, steps: int) -> Matrix:
    """The mean of what was seen, from nothing to four times as much."""
    known = np.isfinite(panel.observed)
    mean = np.where(known, panel.observed, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    levels = mean[:, None] * np.array(WIDE)
    whole = whole_numbers(panel)
    levels[whole] = np.ceil(levels[whole])
    repeated: Matrix = np.repeat(levels[:, None, :], steps, axis=1)
    return repeated


def _requests(panel: Panel) -> NDArray[np.bool_]:
    """Series of requests: their rates and wide dispersion serve from the first hour on."""
    return np.array([key.kind is SeriesKind.PEERING_REQUESTS for key in panel.keys], dtype=bool)


def whole_numbers(panel: Panel) -> NDArray[np.bool_]:
    """Series whose values are counts: all they ever were is whole numbers."""
    known = np.nan_to_num(panel.observed)
    counted = np.array([unit_of(key.kind) is Unit.COUNT for key in panel.keys], dtype=bool)
    whole: NDArray[np.bool_] = counted & (known == np.floor(known)).all(axis=1)
    return whole


assert len(WIDE) == len(LEVELS)
