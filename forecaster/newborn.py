"""Series with next to no history: a new pair, a new block (pure).

Its level is the gravity of what is known (`gravity`), moved towards what its first hours say; its shape over the week
is that of similar series. How wide the interval must be is not assumed but tried: every known series is treated as if
it had just been born, with as many hours seen, and the errors of its next hours are pooled. A quantile of the pool of
`n` series is taken at (n + 1) / n of its level, as if one more series had erred without bound: then it covers the next
one (Dunn, Wasserman and Ramdas 2022, theorem 1, for a new group).
"""

from dataclasses import dataclass

import numpy as np

from contracts.series import LEVELS, SeriesKey
from forecaster.events.contrast import SMALLEST, median
from forecaster.events.widening import NORMAL
from forecaster.gravity import usual_levels
from forecaster.panel import Matrix, Panel, Steps

SEEN = {24: (0, 1, 3, 6, 12, 24, 36), 1: (0, 1, 2, 4)}  # steps seen at which experiments are made, by steps of a day
SHARES = np.linspace(0, 1, 11)  # of what the first hours say in the level, tried
FEWEST = 5  # known series that teach anything; with fewer the spread is assumed
ASSUMED_SD = 1.5  # log: a factor of 4.5 either way
BEYOND = 1.0  # log: how much farther than everything seen a level lies that so few series cannot show
ENOUGH = 99  # known series: a new one passes the largest value of so many less than once in a hundred times
POOL = 40  # known series of like level whose errors are pooled, at least; else a third of them
MOST_TRIED = 150  # known series that experiments are made with, spread over all levels
MAX_REACH_WEEKS = 2
TYPICAL_WEEKS = 3
FLOOR_SHARE = 1e-3  # of the median level: what counts as nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Newborn:
    """The forecast of one series with next to no history.

    Attributes:
        quantiles: (steps, levels).
        compared: how many known series it was compared with.
        share: weight of its own hours in its level, 0 to 1.
    """

    key: SeriesKey
    seen: int
    quantiles: Matrix
    compared: int
    share: float

    @property
    def how(self) -> str:
        """In words, for the list of treatments."""
        own = f"{self.seen} steps seen (weight {self.share:.1f})" if self.seen else "never seen"
        told = f"{own}: from {self.compared} series of its kind"
        return told if self.compared >= FEWEST else f"{told}, too few to try: a factor of 4 either way is assumed"


def newborn_forecasts(panel: Panel, keys: tuple[SeriesKey, ...], needed: int, steps: int) -> tuple[Newborn, ...]:
    """Forecasts series that were seen for less than `needed` steps or never; what nothing is like is left out.

    Args:
        panel: everything that was seen.
        keys: the newborn ones, in the panel or not.
        needed: steps that a series must have been seen for to be known.
        steps: how far ahead.
    """
    forecasts: list[Newborn] = []
    for kind in sorted({key.kind for key in keys}):
        asked = tuple(key for key in sorted(keys) if key.kind is kind)
        rows = np.flatnonzero(
            (panel.known() >= needed) & np.array([key.kind is kind and key not in asked for key in panel.keys], bool)
        )
        nursery = _Nursery(panel, rows, min(steps, MAX_REACH_WEEKS * panel.week))
        forecasts += [one for one in nursery.forecasts(asked, steps) if one is not None]
    return tuple(forecasts)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """What experiments with so many steps seen taught.

    Attributes:
        share: of own hours in the level.
        levels: log level that each known series was given.
        errors: log errors, (series, steps).
    """

    share: float
    levels: Matrix
    errors: Matrix

    def around(self, level: float) -> Matrix:
        """Log error quantiles, by level, of the series that were given levels nearest to this one."""
        if not len(self.levels):
            return ASSUMED_SD * NORMAL
        count = max(POOL, len(self.levels) // 3)
        nearest = np.argsort(np.abs(self.levels - level), kind="stable")[:count]
        return _pooled(self.errors[nearest])


class _Nursery:
    """Known series of one kind, and what they teach of new ones."""

    def __init__(self, panel: Panel, rows: Steps, reach: int) -> None:
        self.panel, self.rows = panel, rows
        self.keys = tuple(panel.keys[row] for row in rows)
        self.filled = panel.filled[rows]
        self.reach = max(1, min(reach, (panel.steps - panel.day) // 2))
        positive = self.filled[np.nan_to_num(self.filled) > 0]
        self.least = max(FLOOR_SHARE * float(np.median(positive)), SMALLEST) if len(positive) else 1e-9
        known = np.nan_to_num(panel.observed[rows])
        farther = 1.0 if len(rows) >= ENOUGH else np.exp(BEYOND)
        self.highest = float(farther * known.max()) if len(rows) >= FEWEST else np.inf
        self.trials: dict[int, _Trial] = {}

    def forecasts(self, asked: tuple[SeriesKey, ...], steps: int) -> list[Newborn | None]:
        """One for each asked series; None where nothing at all is known of it."""
        end = self.panel.steps
        gravity = usual_levels(self.keys, self._levels(end), asked).asked if self.keys else None
        weeks = self._weeks(end)
        made: list[Newborn | None] = []
        for index, key in enumerate(asked):
            own = self._own(key)
            shape = weeks.shape(key, np.arange(end - len(own), end + steps))
            said = self._said(own, shape[: len(own)])
            if gravity is None and not len(own):
                made.append(None)
                continue
            trial = self._trial(len(own)) if len(self.keys) >= FEWEST else _assumed(len(own))
            usual = gravity[index] if gravity is not None else said
            level = trial.share * said + (1 - trial.share) * usual
            made.append(
                Newborn(
                    key=key,
                    seen=len(own),
                    quantiles=self._around(np.exp(level) * shape[len(own) :], trial.around(level)),
                    compared=len(self.keys),
                    share=trial.share,
                )
            )
        return made

    def _own(self, key: SeriesKey) -> Matrix:
        """What was seen of a series, from its first step on, gaps filled."""
        if key not in self.panel.keys:
            return np.empty(0)
        filled = self.panel.filled[self.panel.keys.index(key)]
        own: Matrix = filled[np.isfinite(filled)][-max(SEEN[self.panel.day]) :]
        return own

    def _levels(self, end: int) -> Matrix:
        """Log mean of the week before `end`."""
        week = self.filled[:, max(0, end - self.panel.week) : end]
        known = np.isfinite(week)
        mean = np.where(known, week, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        levels: Matrix = np.log(mean + self.least)
        return levels

    def _weeks(self, end: int) -> "_Weeks":
        """The typical weeks of the known series before `end`."""
        period = self.panel.week if end >= self.panel.week else min(end, self.panel.day)
        turns = max(1, min(TYPICAL_WEEKS * self.panel.week, end) // period)
        begin = end - turns * period
        past = self.filled[:, begin:end]
        known = np.isfinite(past)
        usual = np.where(known, past, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        scaled = (past + self.least) / (usual[:, None] + self.least)
        folded = median(scaled.reshape(len(scaled), turns, period), axis=1)
        return _Weeks(keys=self.keys, folded=folded, everywhere=_middle(folded), begin=begin)

    def _said(self, own: Matrix, shape: Matrix) -> float:
        """The log level that a series' own hours say."""
        return float(np.log((own.mean() + self.least) / shape.mean())) if len(own) else 0.0

    def _trial(self, seen: int) -> _Trial:
        bucket = max(count for count in SEEN[self.panel.day] if count <= seen)
        if bucket not in self.trials:
            self.trials[bucket] = self._tried(bucket)
        return self.trials[bucket]

    def _tried(self, seen: int) -> _Trial:
        """Every known series as if it had been born `seen` steps before a cutoff."""
        cutoffs = [self.panel.steps - turn * self.reach for turn in (1, 2)]
        cutoffs = [cutoff for cutoff in cutoffs if cutoff >= max(self.panel.day, seen)]
        outcomes = [self._outcome(cutoff, seen) for cutoff in cutoffs]
        off = np.array([[outcome.error(share) for share in SHARES] for outcome in outcomes])
        share = float(SHARES[np.argmin(off.mean(axis=0))]) if seen else 0.0
        errors = np.concatenate([outcome.errors(share) for outcome in outcomes], axis=1)
        levels = np.mean([outcome.level(share) for outcome in outcomes], axis=0)
        return _Trial(share, levels, errors)

    def _outcome(self, cutoff: int, seen: int) -> "_Outcome":
        ahead = np.arange(cutoff - seen, cutoff + self.reach)
        levels, weeks = self._levels(cutoff), self._weeks(cutoff)
        usual = usual_levels(self.keys, levels, ()).left_out
        order = np.argsort(levels, kind="stable")
        tried = order[np.unique(np.linspace(0, len(order) - 1, MOST_TRIED).astype(np.int64))]
        shapes = np.stack([weeks.shape(self.keys[row], ahead) for row in tried])
        first = np.nan_to_num(self.filled[np.ix_(tried, ahead[:seen])])
        said = [self._said(own, shape[:seen]) for own, shape in zip(first, shapes, strict=True)]
        actual = self.panel.observed[np.ix_(self.rows[tried], ahead[seen:])]
        logs = np.log(actual + self.least)
        return _Outcome(logs=logs, shapes=shapes[:, seen:], said=np.array(said), usual=usual[tried], least=self.least)

    def _around(self, centre: Matrix, errors: Matrix) -> Matrix:
        quantiles: Matrix = np.exp(np.log(centre + self.least)[:, None] + errors) - self.least
        quantiles = np.minimum(quantiles, self.highest)
        ordered: Matrix = np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=1)
        return ordered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weeks:
    """A week of each known series beside its own mean, and of all; `begin` is a step that begins one."""

    keys: tuple[SeriesKey, ...]
    folded: Matrix
    everywhere: Matrix
    begin: int

    def shape(self, key: SeriesKey, steps: Steps) -> Matrix:
        """A typical week at some steps, 1 on average: of series that share a region, and as much of all."""
        if not self.keys:
            return np.ones(len(steps))
        ends = set(key.regions)
        similar = [row for row, one in enumerate(self.keys) if one != key and not ends.isdisjoint(one.regions)]
        typical = (_middle(self.folded[similar]) + self.everywhere) / 2 if similar else self.everywhere
        shape: Matrix = (typical / typical.mean())[(steps - self.begin) % len(typical)]
        return shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Outcome:
    """One cutoff: log actuals (series, steps), shapes alike, and both guesses of each log level."""

    logs: Matrix
    shapes: Matrix
    said: Matrix
    usual: Matrix
    least: float

    def level(self, share: float) -> Matrix:
        """The log level that each series is given."""
        return share * self.said + (1 - share) * self.usual

    def errors(self, share: float) -> Matrix:
        """Log errors, (series, steps)."""
        errors: Matrix = self.logs - np.log(np.exp(self.level(share))[:, None] * self.shapes + self.least)
        return errors

    def error(self, share: float) -> float:
        """The median absolute error of a share."""
        errors = self.errors(share)
        return float(np.median(np.abs(errors[np.isfinite(errors)]))) if np.isfinite(errors).any() else 0.0


def _pooled(errors: Matrix) -> Matrix:
    """Error quantiles by level, every series weighing alike."""
    rows = [np.sort(row[np.isfinite(row)]) for row in errors]
    rows = [row for row in rows if len(row)]
    if not rows:
        return ASSUMED_SD * NORMAL
    values = np.concatenate(rows)
    weights = np.concatenate([np.full(len(row), 1.0 / len(row)) for row in rows])
    order = np.argsort(values, kind="stable")
    values, shares = values[order], np.cumsum(weights[order]) / len(rows)
    outwards = (len(rows) + 1) / len(rows)
    quantiles = []
    for level in LEVELS:
        reach = 0.5 if level == 0.5 else max(level, 1 - level) * outwards  # beyond the median, of all mass
        at = np.searchsorted(shares, min(reach, 1.0) if level >= 0.5 else max(1 - reach, 0.0))
        beyond = BEYOND * (reach > 1) * (1 if level > 0.5 else -1)
        quantiles.append(values[min(int(at), len(values) - 1)] + beyond)
    return np.maximum.accumulate(np.array(quantiles))


def _assumed(seen: int) -> _Trial:
    nothing = np.empty(0)
    return _Trial(1.0 if seen else 0.0, nothing, nothing)


def _middle(rows: Matrix) -> Matrix:
    """The median over series; NaN where none is known becomes 1."""
    middle: Matrix = np.nan_to_num(median(rows, axis=0), nan=1.0) if len(rows) else np.ones(rows.shape[1])
    return middle
