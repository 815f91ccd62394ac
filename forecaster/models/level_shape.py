"""Level times shape: a ridge regression on the calendar in the logarithm, and how long its errors persist (pure).

In the logarithm a level times a shape is a sum. The shape is a ridge regression (Hoerl and Kennard 1970) of each series
on hour of the day (Fourier terms), kind of day and day of the week; it is robust by Huber's weights (Huber 1964) and
forgets by age. What the recent past lay above or below its shape decays over the horizon by coefficients that are
learned from all series together, directly for each range of steps ahead.
"""

from dataclasses import dataclass

import numpy as np

from contracts.series import LEVELS, Granularity
from forecaster.models.model import (
    LEVEL,
    MEDIAN,
    NORMAL,
    TINY,
    Says,
    arrays_from_bytes,
    arrays_to_bytes,
    finite,
    spread,
)
from forecaster.models.order import quantiles
from forecaster.panel import Matrix, Panel, Steps

HARMONICS = 5  # of the day on all days
FREE_HARMONICS = 3  # of what weekends have of their own
HUBER = 1.5  # errors of more typical ones than this count less
ROUNDS = 3  # of reweighting
SPREAD_WEEKS = 4  # whose errors say how far values stray
MANY = 5  # series that have something in common
OLD_WEEKS = 3  # of history, from which on what old series have in common helps young ones for longer
LEAST_SPREAD = 0.02  # in the logarithm
SERIES = 64  # looked at together: what is made of them on the way stays in the processor's cache
CLIP = 3.0  # typical errors: a burst is not a level
CEILING = 2.0  # times the largest value seen
RECENT = {24: (3, 12, 24, 72, 168), 1: (1, 3, 7, 14, 28)}  # steps, by steps of a day: windows of the recent past
AHEAD = {24: (2, 5, 11, 23, 47, 95, 167), 1: (1, 3, 6, 13, 27)}  # last step of each range of steps ahead
LEARNING_ORIGINS = 12
TENTHS = (LEVELS.index(0.1), LEVELS.index(0.9))  # whose distances say how far values stray
ENOUGH_ERRORS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShape:
    """Settings, chosen on hourly traffic.

    Attributes:
        half_life: in days, after which an hour counts half in the shape.
        offset: share of the median added before the logarithm is taken: values near 0 are told apart no further.
        ridge: weight of the penalty, in observed steps.
    """

    half_life: float = 21.0
    offset: float = 0.2
    ridge: float = 10.0

    @property
    def name(self) -> str:
        return "level_shape"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= (panel.day if panel.day > 1 else 2 * panel.week)

    def fit(self, panel: Panel, steps: int) -> "FittedLevelShape":
        """Learns how long errors of the shape of the older half persist in the newer half."""
        persistence = np.zeros((len(AHEAD[panel.day]) + 1, len(RECENT[panel.day])))
        if panel.steps >= 6 * panel.day:
            _learn(self, panel, steps, persistence)
        return FittedLevelShape(self, persistence)

    def restored(self, kept: bytes) -> "FittedLevelShape":
        return FittedLevelShape(self, arrays_from_bytes(kept)["persistence"].astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class FittedLevelShape:
    """The family with its persistence, shape (ranges of steps ahead, windows of the recent past)."""

    family: LevelShape
    persistence: Matrix

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        return self.in_full(self.outline(panel, ahead), panel, ahead)

    def outline(self, panel: Panel, ahead: Steps) -> Matrix:
        """The logarithm at each step ahead, how far values stray from it, and what was added to them."""
        shape = _Shape.of(self.family, panel, panel.steps)
        recent = _recent(np.clip(shape.errors, -shape.bound, shape.bound), panel.steps, panel.day)
        lasting = recent @ self.persistence[_range(ahead, panel.day)].T
        centre = shape.at(panel.phase(panel.steps + ahead - 1)) + lasting
        return np.column_stack([centre, _strays(shape.errors[:, -SPREAD_WEEKS * panel.week :]), shape.offset])

    def in_full(self, outline: Matrix, panel: Panel, ahead: Steps) -> Matrix:
        centre, strays, offset = np.hsplit(outline, [len(ahead), len(ahead) + len(LEVEL)])
        said = centre[..., None] + strays[:, None, :]
        values = np.exp(np.minimum(said, 700.0)) - offset[..., None]
        highest = np.nan_to_num(panel.observed).max(axis=1, initial=0.0)
        return finite(np.minimum(values, CEILING * highest[:, None, None]), panel)

    def kept(self) -> bytes:
        return arrays_to_bytes({"persistence": self.persistence})


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """A fitted shape.

    Attributes:
        curve: logarithm at each step of the week, (series, week).
        errors: of every step in the logarithm, NaN where nothing is known.
        bound: errors beyond it, (series, 1), are bursts.
        offset: added before the logarithm was taken, of each series.
    """

    curve: Matrix
    errors: Matrix
    bound: Matrix
    offset: Matrix

    @staticmethod
    def of(family: LevelShape, panel: Panel, until: int) -> "_Shape":
        """Learned from the first `until` steps; errors are of all steps."""
        offset = np.maximum(family.offset * _typical(panel.observed[:, :until]), TINY)
        logs = np.log(panel.observed + offset[:, None])
        phase = panel.phase(np.arange(panel.steps))
        weight = 0.5 ** ((until - 1 - np.arange(until)) / panel.day / family.half_life)
        columns = _calendar(panel.granularity, panel.day)
        shared = _shared(logs[:, :until], weight, (columns, phase[:until]), family.ridge)
        ridge = np.full(columns.shape[1], family.ridge)
        curve, bound = _regress(logs[:, :until] - shared[:, phase[:until]], weight, (columns, phase[:until]), ridge)
        curve = curve + shared
        return _Shape(curve, logs - curve[:, phase], bound, offset)

    def at(self, phase: Steps) -> Matrix:
        return np.asarray(self.curve[:, phase])


def _typical(observed: Matrix) -> Matrix:
    """A median that is not 0 where most values are."""
    known = np.isfinite(observed)
    mean = np.where(known, observed, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.maximum(np.nan_to_num(_median(observed)), 0.25 * mean))


def _median(values: Matrix) -> Matrix:
    """Of the known values of each row; NaN of none."""
    count = np.isfinite(values).sum(axis=1)
    ordered = np.sort(values, axis=1)
    rows = np.arange(len(values))
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    return (
        np.asarray(
            ordered[rows, np.maximum(count - 1, 0) // 2] + ordered[rows, np.minimum(count // 2, values.shape[1] - 1)]
        )
        / 2
    )


def _calendar(granularity: Granularity, day: int) -> Matrix:
    """Columns of each step of the week, (week, columns); the first is the level."""
    step = np.arange(7 * day)
    angle, weekday = 2 * np.pi * (step % day) / day, step // day
    free = (weekday >= 5).astype(np.float64)
    columns = [np.ones(len(step)), free - 2 / 7, *((weekday == one) - 1 / 7 for one in range(7))]
    if granularity is Granularity.HOURLY:
        waves = [wave(order * angle) for order in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
        columns += [*waves, *(free * wave for wave in waves[: 2 * FREE_HARMONICS])]
    return np.column_stack(columns)


def _shared(logs: Matrix, weight: Matrix, design: tuple[Matrix, Steps], ridge: float) -> Matrix:
    """The curve over the week that all series have in common, (series, week), around 0: where a young one begins."""
    week, known = len(design[0]), np.isfinite(logs)
    seen = np.where(known.any(axis=1), logs.shape[1] - known.argmax(axis=1), 0)
    grown = 2 * week if logs.shape[1] >= OLD_WEEKS * week else week  # from then on a series says it for itself
    share = np.maximum(0.0, 1.0 - seen / grown)
    if len(logs) < MANY or not (share > 0).any():
        return np.zeros((1, week))
    around = logs - _median(logs)[:, None]
    count = known.sum(axis=0)
    common = np.where(count > 0, np.where(known, around, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    sure = np.full(design[0].shape[1], ridge / len(logs))
    sure[_of_weekdays(len(sure))] = ridge  # a day was seen once, however many series there are
    curve = _regress(common[None, :], weight, design, sure)[0][0]
    return np.asarray(share[:, None] * (curve - curve.mean()))


def _of_weekdays(width: int) -> Steps:
    """Columns of `_calendar` that tell days apart; the others are the level, and the hours that all days share."""
    found: Steps = np.r_[1:9, width - 2 * FREE_HARMONICS : width] if width > 9 else np.arange(1, width)
    return found


def _regress(logs: Matrix, weight: Matrix, design: tuple[Matrix, Steps], ridge: Matrix) -> tuple[Matrix, Matrix]:
    """The curve over the week of each series, and the bound of its typical errors; `ridge` is of each column."""
    columns, phase = design
    products = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
    penalty = np.diag(ridge)
    penalty[0, 0] = 1e-6
    sums = np.empty((2, len(logs), len(columns)))  # by phase of the week: of weights, and of weighted values
    typical, curve = np.empty((len(logs), 1)), np.zeros((len(logs), len(columns)))
    for number in range(ROUNDS):
        for first in range(0, len(logs), SERIES):
            some = slice(first, first + SERIES)
            known = np.isfinite(logs[some])
            weights = known * weight
            if number:
                off, typical[some] = _strayed(logs[some], curve[some], phase)
                weights *= np.minimum(1.0, HUBER * typical[some] / np.fmax(off, TINY))
            sums[0, some] = _by_phase(weights, phase, len(columns))
            sums[1, some] = _by_phase(weights * np.where(known, logs[some], 0.0), phase, len(columns))
        squares = (sums[0] @ products).reshape(-1, *penalty.shape) + penalty
        curve = np.linalg.solve(squares, (sums[1] @ columns)[..., None])[..., 0] @ columns.T
    for first in range(0, len(logs), SERIES):
        some = slice(first, first + SERIES)
        typical[some] = _strayed(logs[some], curve[some], phase)[1]
    return curve, CLIP * typical


def _strayed(logs: Matrix, curve: Matrix, phase: Steps) -> tuple[Matrix, Matrix]:
    """How far each step lies from the curve, NaN where it is unknown, and how far one typically does, (series, 1)."""
    off = np.abs(logs - np.take(curve, phase, axis=1))
    return off, np.maximum(1.4826 * np.nan_to_num(_median(off), nan=1.0), 1e-3)[:, None]


def _by_phase(values: Matrix, phase: Steps, week: int) -> Matrix:
    """Sums over the steps of each phase of the week; phases follow one another."""
    lead, steps = int(phase[0]) if len(phase) else 0, values.shape[1]
    padded = np.zeros((len(values), lead + steps + -(lead + steps) % week))
    padded[:, lead : lead + steps] = values
    return np.asarray(padded.reshape(len(values), -1, week).sum(axis=1))


def _recent(errors: Matrix, until: int, day: int) -> Matrix:
    """Mean error over each window of the recent past, (series, windows); 0 where nothing is known."""
    means = []
    for width in RECENT[day]:
        window = errors[:, max(0, until - width) : until]
        known = np.isfinite(window)
        means.append(np.where(known, window, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return np.column_stack(means)


def _range(ahead: Steps, day: int) -> Steps:
    """Which range of steps ahead each step is in."""
    found: Steps = np.searchsorted(np.array(AHEAD[day]), ahead - 1)
    return found


def _strays(errors: Matrix) -> Matrix:
    """Quantiles around the centre of each series: the mean of its own errors' and of a normal distribution's."""
    own = np.nan_to_num(quantiles(errors, LEVEL))
    below, above = (np.maximum(own[:, index] / NORMAL[index], LEAST_SPREAD) for index in TENTHS)
    normal = spread(np.zeros(len(own)), below, above)
    return np.asarray((own - own[:, MEDIAN, None] + normal) / 2)


def _learn(family: LevelShape, panel: Panel, steps: int, persistence: Matrix) -> None:
    """Regresses mean errors of each range of steps ahead on those of the recent past, over series and origins."""
    half = panel.steps // 2
    shape = _Shape.of(family, panel, half)
    errors = np.clip(shape.errors, -shape.bound, shape.bound)
    weight = 1.0 / np.maximum(shape.bound[:, 0], 3 * LEAST_SPREAD) ** 2
    last = (-1, *AHEAD[panel.day], steps)
    origins = range(panel.steps - panel.day, half - 1, -panel.day)[:LEARNING_ORIGINS]
    for index in range(len(persistence)):
        first, end = last[index] + 1, min(last[index + 1] + 1, steps)
        squares, products = np.zeros((2, persistence.shape[1], persistence.shape[1]))[0], np.zeros(persistence.shape[1])
        count = 0
        for origin in origins:
            count += _gather(errors, (origin, first, end), weight, (squares, products), panel.day)
        if count >= ENOUGH_ERRORS:
            shrink = 0.05 * np.trace(squares) / len(squares) + TINY
            persistence[index] = np.linalg.solve(squares + shrink * np.eye(len(squares)), products)
        elif index:
            persistence[index] = persistence[index - 1]


def _gather(errors: Matrix, span: tuple[int, int, int], weight: Matrix, sums: tuple[Matrix, Matrix], day: int) -> int:
    """Adds one origin's errors to the normal equations; returns of how many series."""
    origin, first, end = span
    ahead = errors[:, origin + first : origin + end]
    known = np.isfinite(ahead)
    seen = np.asarray(known.any(axis=1))
    if not seen.any():
        return 0
    mean = np.where(known, ahead, 0.0).sum(axis=1)[seen] / known.sum(axis=1)[seen]
    recent = _recent(errors, origin, day)[seen]
    sums[0][...] += recent.T @ (recent * weight[seen, None])
    sums[1][...] += recent.T @ (mean * weight[seen])
    return int(seen.sum())
