"""Quantiles corrected by held-back errors (pure): so that what is said to be exceeded 1 % of the time is.

For each level, how far actuals lay from the quantile is divided by the spread that was said, pooled over series of like
volume and steps of one horizon bucket, and the level's quantile of the pool is added: conformalised quantile regression
(Romano, Patterson and Candes 2019) with the errors standardised and pooled, because one series alone has too few for
the upper tail. The spread that was said is first made as wide as errors of that hour of the day were in the group
(normalised conformal prediction, Papadopoulos, Gammerman and Vovk 2008), shrunk to none where there are few. Levels
above the median are taken at (n + 1) / n of themselves (split conformal prediction, Vovk, Gammerman and Shafer 2005,
2.2). The fewer series there are, and the longer their errors last, the farther all is moved outwards: of a series that
is off by the same all week, a week tells one thing; of one whose errors come and go it tells many.

What few windows share, they share by chance: all series may have been low in the only week that was looked at. Beside
the errors of m windows that share no day stand as many of their mirror images as make the part of the errors that has
a side m / (m + 1) of it: the mean of m windows, shrunk to none by a prior as wide as one window's (James and Stein
1961). What is taken from the middle is thereby given to the width.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.series import LEVELS
from forecaster.models.model import LEVEL, MEDIAN, NORMAL, TINY
from forecaster.panel import Matrix, Steps
from forecaster.windows import Windows

BUCKET_DAYS = np.array([1, 3, 7, 14, 28, 90])  # upper ends of horizon buckets
FLOOR_OF_MEAN = 0.1  # a said spread is at least this share of its series' mean spread,
FLOOR_OF_MEDIAN = 0.05  # and of the median: families are too sure now and then
CAP = 25.0  # an error of more spreads says that the spread was wrong, not how far the tail reaches
ENOUGH_SCORES = 500  # five expected beyond the 0.99 quantile
ENOUGH_WINDOWS = 4  # that share no day: scores of one window are too alike
USUAL = np.array((-4.6, -2.5, -1.9, -1.35, -0.65, -0.4, -0.2, 0, 0.05, 0.2, 0.55, 1.45, 2.6, 4.75, 8.4))
"""Seven tenths of what 48 hours usually say of each level, in spreads: the median of nine origins of GEANT before
2005-02-06. What a history too short for enough windows says is drawn to it: one window tells as much as this does.
"""
POOL_SCORES = 150  # fewer: the bucket is pooled with the others of its group
FAMILIAR = 0.9  # of daily series, the share of windows that counts: they are alike, and taught weights too
KNOWN = 1.0  # independent windows that no series at all is worth: families are off by much alike everywhere,
WORTH = 2.0  # and that one hourly series is; chosen, as the next three, on GEANT before 2005-02-06, on telemetry before
ALIKE = 0.75  # what is scored and on made series; power of the number of series: they are alike, but they are not one
LASTING = 0.25  # share of squared errors that last for a window, of which so much is said;
FLEETING = 0.03  # the least that is believed,
FADING = 1.5  # and the power with which a series is worth more where errors last less
MEANT = 1.0  # squared errors of a mean of n days are 1 + 1 / n of what nobody can know, and of what was fitted
FITTED = 2.0  # to as many by so many / n more; chosen on GEANT before 2005-02-06, on footfall and on made series
CHANCE = 1.0  # windows whose errors' common side is taken for chance
HOUR_SCORES = 500.0  # with so many at an hour of the day, half of what they say of it counts
HOUR_RANGE = (0.5, 2.0)
LOUD = 10.0  # spreads: an hour's error counts for no more
OWN_SHARE = 0.25  # of a group's own correction, beside that of all series
BLIND = 2.0  # nothing held back: all distances from the median are so many times as wide
LOWER, UPPER = LEVELS.index(0.1), LEVELS.index(0.9)
INNER = slice(LOWER, UPPER + 1)  # levels whose corrections are everyone's for the most part, and so is their certainty


class _Pooled(NamedTuple):
    """A correction by level, and whether there were enough scores for the outermost."""

    shift: Matrix
    wider: Matrix
    enough: bool


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


def calibrate(said: Matrix, actual: Matrix, windows: Windows, groups: Steps) -> Calibration:
    """Learns from every known actual of the held-back windows.

    Args:
        said: (windows, series, steps, levels).
        actual: (windows, series, steps), NaN where it is not known.
        windows: that were held back.
        groups: the group of each series.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    shape = (count, len(BUCKET_DAYS), len(LEVELS))
    shift, wider, supported = np.zeros(shape), np.full(shape, BLIND), np.zeros(count, dtype=bool)
    hours, reach = np.ones((count, windows.day)), 0
    if windows.cutoffs:
        for group in range(count):
            rows = groups == group
            hours[group] = _hours(said[:, rows], actual[:, rows], windows)
        scores = _standardised(_by_hours(said, hours[groups], windows.ahead), actual)
        errors = _Errors(scores, np.array(windows.cutoffs), windows.day)
        at, known = buckets(windows.ahead, windows.day), np.isfinite(actual).any(axis=(0, 1))
        reach = int(windows.ahead[known].max(initial=0)) if windows.day == 1 else 0
        lasting = errors.lasting()
        whole = _tables(errors, at, lasting)
        for group in range(count):
            own = _tables(errors.of(groups == group), at, lasting) if count > 1 else whole
            share = OWN_SHARE if own.enough else 0.0
            shift[group] = share * own.shift + (1 - share) * whole.shift
            wider[group] = own.wider
            wider[group][:, INNER] = np.minimum(own.wider, whole.wider)[:, INNER]
            supported[group] = own.enough
    said_of = {"shift": shift, "wider": wider, "hours": hours}
    return Calibration(groups=groups, day=windows.day, supported=supported, reach=reach, **said_of)


def buckets(ahead: Steps, day: int) -> Steps:
    """The horizon bucket of each step ahead (from 1)."""
    days_ahead = (ahead - 1) // day + 1
    bucket: Steps = np.minimum(np.searchsorted(BUCKET_DAYS, days_ahead), len(BUCKET_DAYS) - 1)
    return bucket


def widening(independent: float) -> Matrix:
    """By how much each level is moved outwards for a scale that was learned from few independent windows.

    The ratio of Student's t to the normal quantile with that many degrees of freedom, to first order: 1 + (z^2 + 1) /
    (4 n) (Abramowitz and Stegun 1964, 26.7.5).
    """
    return 1.0 + (NORMAL**2 + 1.0) / (4.0 * independent)


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Standardised errors (windows, series, steps, levels) of held-back windows, and where those begin."""

    scores: Matrix
    cutoffs: Steps
    day: int

    def at(self, steps: NDArray[np.bool_]) -> "_Errors":
        """Those of some steps ahead."""
        return _Errors(self.scores[:, :, steps], self.cutoffs, self.day)

    def of(self, series: NDArray[np.bool_]) -> "_Errors":
        """Those of some series."""
        return _Errors(self.scores[:, series], self.cutoffs, self.day)

    def known(self) -> Matrix:
        """Rows of levels whose actual is known."""
        return np.asarray(self.scores[np.isfinite(self.scores[..., 0])])

    def mirrored(self, windows: int) -> Matrix:
        """Rows with sides exchanged, so many that `windows` / (`windows` + `CHANCE`) of all has a side.

        Chosen evenly over windows and steps ahead, of all series: their order makes no difference.
        """
        sided = windows / (windows + CHANCE)
        cells = self.scores.shape[0] * self.scores.shape[2]
        wanted = round(cells * (1 - sided) / (1 + sided))
        window, step = np.divmod(np.linspace(0, cells - 1, wanted).astype(np.int64), self.scores.shape[2])
        chosen = self.scores[window, :, step]
        return np.asarray(-chosen[np.isfinite(chosen[..., 0])][:, ::-1])

    def lasting(self) -> float:
        """The share of squared errors that a series is off by from the first step of a window to the last, on average.

        The part of the variance that lies between windows (one-way layout, Fisher 1925, "Statistical methods for
        research workers", VII), with the common part of all windows, which was no more foreseen.
        """
        errors = np.clip(self.scores[..., MEDIAN], -LOUD, LOUD)
        known = np.isfinite(errors)
        count, errors = known.sum(axis=2), np.where(known, errors, 0.0)
        mean = errors.sum(axis=2) / np.maximum(count, 1)
        squares = float((errors**2).sum())
        return float((mean**2 * count).sum()) / squares if squares > 0 else LASTING

    def older(self) -> float:
        """How much less is strayed now: means knew what came before each window, fits what came before the first."""
        first, mean, now = self.cutoffs[0] / self.day, self.cutoffs.mean() / self.day, self.cutoffs[-1] / self.day + 1
        fitted = FITTED if self.day > 1 else 0.0
        return float(np.sqrt((1 + (MEANT + fitted) / now) / (1 + MEANT / mean + fitted / first)))

    def independent(self) -> int:
        """How many windows count: all that begin a day apart; of daily series only those that share no day."""
        return self.apart(self.day if self.day > 1 else self.scores.shape[2])

    def apart(self, length: int) -> int:
        """How many windows with something known begin so many steps apart."""
        count, free = 0, 0
        for cutoff in self.cutoffs[np.isfinite(self.scores[..., 0]).any(axis=(1, 2))]:
            if cutoff >= free:
                count, free = count + 1, cutoff + length
        return count


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


def _tables(errors: _Errors, at: Steps, lasting: float) -> _Pooled:
    """The correction of one group, shapes (buckets, levels), and whether every scored bucket had enough."""
    shift, wider = np.zeros((len(BUCKET_DAYS), len(LEVELS))), np.full((len(BUCKET_DAYS), len(LEVELS)), BLIND)
    whole = _pool(errors, lasting)
    if whole is None:
        return _Pooled(shift, wider, False)
    scored, enough = np.unique(at), True
    for index in scored:
        pooled = _pool(errors.at(at == index), lasting, int(BUCKET_DAYS[index])) or whole
        shift[index], wider[index], enough = pooled.shift, pooled.wider, enough and pooled.enough
    last = int(scored[-1])
    shift[last + 1 :], wider[last + 1 :] = shift[last], wider[last]
    return _Pooled(shift, wider, enough)


def _pool(errors: _Errors, lasting: float, days: int = 1) -> _Pooled | None:
    """The correction from all errors of a block of windows of so many days; None where there are too few for any."""
    scores, windows = errors.known(), errors.independent()
    if len(scores) < POOL_SCORES // 3:
        return None
    enough = len(scores) >= ENOUGH_SCORES and windows >= ENOUGH_WINDOWS
    if not enough and len(scores) < POOL_SCORES:
        return None
    upper = np.minimum(LEVEL * (len(scores) + 1) / len(scores), 1.0)
    wanted = np.where(LEVEL > 0.5, upper, LEVEL)
    pool = np.concatenate([scores, errors.mirrored(errors.apart(days * errors.day))])
    shift = np.array([np.quantile(pool[:, index], level) for index, level in enumerate(wanted)])
    if len(errors.cutoffs) < ENOUGH_WINDOWS and errors.day > 1:  # few of a long history are no short history
        shift = (windows * shift + USUAL) / (windows + 1)
    return _Pooled(shift, _wider(errors, windows, lasting, enough), enough)


def _wider(errors: _Errors, windows: int, lasting: float, enough: bool) -> Matrix:
    """What distances from the median are multiplied by; the outermost ones by more where windows are too few."""
    series = int(np.isfinite(errors.scores[..., 0]).any(axis=(0, 2)).sum())
    if errors.day == 1:
        return widening(FAMILIAR * windows if enough else windows * series**ALIKE) * errors.older()
    worth = KNOWN + WORTH * series**ALIKE * (LASTING / max(lasting, FLEETING)) ** FADING
    wider, thin = widening(worth), widening(worth * min(1.0, np.sqrt(windows / ENOUGH_WINDOWS)))
    wider[[0, -1]] = thin[[0, -1]]
    return wider * errors.older()
