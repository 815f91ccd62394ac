"""Quantiles corrected by held-back errors (pure): so that what is said to be exceeded 1 % of the time is.

For each level, how far actuals lay from the quantile is divided by the spread that was said, pooled over series of like
volume and steps of one horizon bucket, and the level's quantile of the pool is added: conformalised quantile regression
(Romano, Patterson and Candes 2019) with the errors standardised and pooled, because one series alone has too few for
the upper tail. The spread that was said is first made as wide as errors of that hour of the day were in the group
(normalised conformal prediction, Papadopoulos, Gammerman and Vovk 2008), shrunk to none where there are few. Levels
above the median are taken at (n + 1) / n of themselves (split conformal prediction, Vovk, Gammerman and Shafer 2005,
2.2). How errors are pooled is in `pooled_errors.py`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecaster.models.model import LEVEL, MEDIAN, NORMAL, TINY
from forecaster.panel import Matrix, Steps
from forecaster.pooled_errors import BLIND, LOUD, LOWER, NOTHING_TOLD, UPPER, Errors, buckets, of_kinds, tables
from forecaster.windows import Windows

FLOOR_OF_MEAN = 0.1  # a said spread is at least this share of its series' mean spread,
FLOOR_OF_MEDIAN = 0.05  # and of the median: families are too sure now and then
CAP = 25.0  # an error of more spreads says that the spread was wrong, not how far the tail reaches
HOUR_SCORES = 500.0  # with so many at an hour of the day, half of what they say of it counts
HOUR_RANGE = (0.5, 2.0)
OWN_SHARE = 0.25  # of a group's own correction, beside that of its kind
INNER = slice(LOWER, UPPER + 1)  # levels whose corrections are the kind's for the most part, and so is their certainty


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What held-back windows taught about a blend.

    Attributes:
        groups: the group of each series.
        day: steps of a day.
        shift: what is added to each quantile, in spreads, shape (groups, buckets, levels).
        wider: what distances from the median are multiplied by then, of the same shape.
        hours: what the said spread is multiplied by before, by hour of the day after the origin, (groups, day).
        supported: of each group.
        reach: the last step that was scored of days, which beyond it stray by the root of time; 0 of hours: families
            say how these stray.
    """

    groups: Steps
    day: int
    shift: Matrix
    wider: Matrix
    hours: Matrix
    supported: NDArray[np.bool_]
    reach: int = 0

    def corrected(self, said: Matrix, ahead: Steps) -> Matrix:
        """Quantiles (..., series, steps, levels) of some steps ahead, corrected; ordered, not yet bounded."""
        at = buckets(ahead, self.day)
        shift, wider = self.shift[self.groups][:, at], self.wider[self.groups][:, at]
        said = _by_hours(said, self.hours[self.groups], ahead)
        moved = said + shift * _sides(said)
        middle = moved[..., MEDIAN, None]
        if self.reach:
            wider = wider * np.sqrt(np.maximum(1.0, ahead / self.reach))[:, None]
        return np.asarray(np.maximum.accumulate(middle + (moved - middle) * wider, axis=-1))

    def turned(self, hours: int) -> "Calibration":
        """The same for an origin that lies so many hours of the day after those of the windows."""
        return replace(self, hours=np.roll(self.hours, -hours, axis=1))

    def enough(self) -> NDArray[np.bool_]:
        """Of each series: whether its upper quantiles rest on enough scores."""
        supported: NDArray[np.bool_] = self.supported[self.groups]
        return supported


def calibrate(said: Matrix, actual: Matrix, windows: Windows, groups: Steps, kinds: Steps) -> Calibration:
    """Learns from every known actual of the held-back windows.

    Args:
        said: (windows, series, steps, levels).
        actual: (windows, series, steps), NaN where it is not known.
        windows: that were held back.
        groups: the group of each series.
        kinds: the kind of each series, the same for all of a group: users learn little of how pairs stray.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    shape = (count, *NOTHING_TOLD.shift.shape)
    shift, wider, supported = np.zeros(shape), np.full(shape, BLIND), np.zeros(count, dtype=bool)
    hours, reach = np.ones((count, windows.day)), 0
    if windows.cutoffs:
        for group in range(count):
            rows = groups == group
            hours[group] = _hours(said[:, rows], actual[:, rows], windows)
        scores = _standardised(_by_hours(said, hours[groups], windows.ahead), actual)
        errors = Errors(scores, np.array(windows.cutoffs), windows.day)
        at, known = buckets(windows.ahead, windows.day), np.isfinite(actual).any(axis=(0, 1))
        reach = int(windows.ahead[known].max(initial=0)) if windows.day == 1 else 0
        pooled = of_kinds(errors, at, kinds)
        for group in range(count):
            rows = groups == group
            whole = pooled[int(kinds[rows][0])]
            own = tables(errors.of(rows), at, whole.lasting) or NOTHING_TOLD
            share = OWN_SHARE if own.enough else 0.0
            shift[group] = share * own.shift + (1 - share) * whole.shift
            wider[group] = own.wider
            wider[group][:, INNER] = np.minimum(own.wider, whole.wider)[:, INNER]
            supported[group] = own.enough
    said_of = {"shift": shift, "wider": wider, "hours": hours}
    return Calibration(groups=groups, day=windows.day, supported=supported, reach=reach, **said_of)


def _sides(said: Matrix) -> Matrix:
    """The spread below the median for levels below it and above it for the others, none implausibly small."""
    below, above = (np.abs(said[..., MEDIAN] - said[..., index]) / NORMAL[UPPER] for index in (LOWER, UPPER))
    least = FLOOR_OF_MEDIAN * np.abs(said[..., MEDIAN]) + TINY
    least = np.maximum(least, FLOOR_OF_MEAN * ((below + above) / 2).mean(axis=-1, keepdims=True))
    below, above = np.maximum(below, least), np.maximum(above, least)
    return np.asarray(np.where(LEVEL < 0.5, below[..., None], above[..., None]))


def _standardised(said: Matrix, actual: Matrix) -> Matrix:
    return np.asarray(np.clip((actual[..., None] - said) / _sides(said), -CAP, CAP))


def _by_hours(said: Matrix, hours: Matrix, ahead: Steps) -> Matrix:
    """Quantiles (..., series, steps, levels) with distances from the median multiplied by those of the hour."""
    if hours.shape[1] == 1:
        return said
    middle = said[..., MEDIAN, None]
    return np.asarray(middle + (said - middle) * hours[:, (ahead - 1) % hours.shape[1], None])


def _hours(said: Matrix, actual: Matrix, windows: Windows) -> Matrix:
    """How wide errors were at each hour of the day, over what was said and over all hours, of one group; shape (day,).

    Origins are whole days apart, so that a step ahead is the same hour of the day after each.
    """
    if windows.day == 1:
        return np.ones(1)
    spread = (said[..., UPPER] - said[..., LOWER]) / (NORMAL[UPPER] - NORMAL[LOWER])
    least = FLOOR_OF_MEDIAN * np.abs(said[..., MEDIAN]) + TINY
    errors = np.minimum(np.abs(actual - said[..., MEDIAN]) / np.maximum(spread, least), LOUD)
    known, hour = np.isfinite(errors), (windows.ahead - 1) % windows.day
    counts = np.bincount(hour, known.sum(axis=(0, 1)), windows.day)
    totals = np.bincount(hour, np.where(known, errors, 0.0).sum(axis=(0, 1)), windows.day)
    if totals.sum() <= 0:
        return np.ones(windows.day)
    usual = totals.sum() / counts.sum()
    return np.asarray(np.clip((totals / usual + HOUR_SCORES) / (counts + HOUR_SCORES), *HOUR_RANGE))
