"""`Panel`: series of one family on one regular grid, as matrices (pure).

Filling looks backwards only, so that the filled matrix cut at a step is what would have been filled at that step.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contracts.series import Granularity, SeriesKey
from forecaster.units import Gather, gather_of

Matrix = NDArray[np.float64]
Steps = NDArray[np.int64]

SHIFTED = np.log(1.5)  # from which ratio on two days are another level than those a week before
MOST_SHIFTED = np.log(1000.0)
HOURS_FOR_A_DAY = 18  # a day with fewer observed hours is a gap
REMEMBERED_CELLS = 8_000_000  # of panels as they were known at earlier steps, series times steps


class Hindsight(Protocol):
    """What of a panel came to be known later than it happened."""

    def at(self, step: int) -> "Panel | None":
        """The panel as it was known when `step` steps had been seen; None where that is its first steps as they are."""
        ...


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False)
class Panel:
    """Series over steps; the last step ends at `end`.

    Attributes:
        keys: one a row.
        granularity: length of a step.
        end: the first moment not seen.
        observed: (series, steps), NaN where nothing is known.
        filled: the same without gaps; NaN only before the first observation of a series.
        hindsight: of what was put right when more had been seen; None where nothing was.
    """

    keys: tuple[SeriesKey, ...]
    granularity: Granularity
    end: datetime
    observed: Matrix
    filled: Matrix
    hindsight: Hindsight | None = None

    @property
    def steps(self) -> int:
        return int(self.observed.shape[1])

    @property
    def day(self) -> int:
        """Steps of a day."""
        return day_of(self.granularity)

    @property
    def week(self) -> int:
        """Steps of a week."""
        return 7 * self.day

    def until(self, step: int) -> "Panel":
        """The first `step` steps, as they are known now."""
        past = self.steps - step
        return Panel(
            keys=self.keys,
            granularity=self.granularity,
            end=self.end - past * length_of(self.granularity),
            observed=self.observed[:, :step],
            filled=self.filled[:, :step],
            hindsight=self.hindsight,
        )

    def otherwise(self, step: int) -> "Panel | None":
        """What was known of the first `step` steps when only they had been seen, where that was something else."""
        return self.hindsight.at(step) if self.hindsight is not None else None

    def as_known(self, step: int) -> "Panel":
        """What was known when only the first `step` steps had been seen: what a forecast from there may look at.

        Its hindsight is that of then: what had been known otherwise before, and was put right by that step.
        """
        then = self.otherwise(step)
        return self.until(step) if then is None else replace(then, hindsight=_Earlier(self, then))

    def rows(self, rows: list[int]) -> "Panel":
        """The panel with some of its series only, as they are known now."""
        keys = tuple(self.keys[row] for row in rows)
        return replace(self, keys=keys, observed=self.observed[rows], filled=self.filled[rows], hindsight=None)

    def with_sums(self, keys: tuple[SeriesKey, ...], observed: Matrix) -> "Panel":
        """The panel with rows that are sums of others, after them, as they are known now."""
        both = np.vstack([self.observed, observed])
        filled = np.vstack([self.filled, observed])
        return replace(self, keys=(*self.keys, *keys), observed=both, filled=filled, hindsight=None)

    def phase(self, steps: Steps) -> Steps:
        """Where in the week steps lie: 0 is the one that begins Monday 00:00 UTC (or on Monday, for days)."""
        since_monday = self.end.weekday() * 24 + self.end.hour
        last = since_monday if self.granularity is Granularity.HOURLY else self.end.weekday()
        phase: Steps = (steps - self.steps + last) % self.week
        return phase

    def known(self) -> Steps:
        """Observed steps of each series."""
        known: Steps = np.isfinite(self.observed).sum(axis=1)
        return known

    def silent(self) -> Steps:
        """Steps since the last observed one of each series; all where there is none."""
        seen = np.isfinite(self.observed[:, ::-1])
        return np.asarray(np.where(seen.any(axis=1), seen.argmax(axis=1), self.steps), dtype=np.int64)


class Remembered:
    """Hindsight that is worked out once a step: `REMEMBERED_CELLS` of it are kept, of what was asked for first."""

    def __init__(self, hindsight: Hindsight) -> None:
        self._hindsight = hindsight
        self._known: dict[int, Panel | None] = {}
        self._left = REMEMBERED_CELLS

    def at(self, step: int) -> Panel | None:
        if step in self._known:
            return self._known[step]
        found = self._hindsight.at(step)
        cells = found.observed.size if found is not None else 0
        if cells <= self._left:
            self._left -= cells
            self._known[step] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Earlier:
    """What was known before a step, beside what was known at it.

    Attributes:
        now: the panel with all that is known.
        then: what was known at the step, which was something else.
    """

    now: Panel
    then: Panel

    def at(self, step: int) -> Panel | None:
        found = self.now.as_known(step)
        return None if np.array_equal(found.observed, self.then.observed[:, :step], equal_nan=True) else found


def day_of(granularity: Granularity) -> int:
    """Steps of a day."""
    return 24 if granularity is Granularity.HOURLY else 1


def length_of(granularity: Granularity) -> timedelta:
    """Length of a step."""
    return timedelta(hours=1) if granularity is Granularity.HOURLY else timedelta(days=1)


def fill(observed: Matrix, day: int) -> Matrix:
    """Gaps filled by the same step a week before, else a day before, else the last value.

    What stood a week before is brought to the level that the series had when the gap began: after a shift of level an
    outage would else look like its end.
    """
    filled = observed.copy()
    level = np.ones(len(observed))
    week = 7 * day
    for step in np.flatnonzero(np.isnan(observed).any(axis=0)):
        begins = np.isnan(observed[:, step]) & (~np.isnan(observed[:, step - 1]) if step else True)
        level = np.where(begins, _level_before(filled, int(step), week, 2 * day), level)
        for lag in (week, day, 1):
            if step >= lag:
                known = filled[:, step - lag] * (level if lag == week else 1.0)
                filled[:, step] = np.where(np.isnan(filled[:, step]), known, filled[:, step])
    return filled


def _level_before(filled: Matrix, step: int, week: int, span: int) -> Matrix:
    """The median ratio of the last `span` steps to those a week before; 1 where that is not plainly another level."""
    if step < week + span:
        return np.ones(len(filled))
    now, then = filled[:, step - span : step], filled[:, step - span - week : step - week]
    both = (now > 0) & (then > 0)
    ratio = np.log(np.where(both, now, np.nan)) - np.log(np.where(both, then, 1.0))
    count = both.sum(axis=1)
    at = (np.maximum(count - 1, 0) // 2)[:, None]  # unknown ones are sorted last
    middle = np.take_along_axis(np.sort(ratio, axis=1), at, axis=1)[:, 0]
    moved = (count > span / 2) & (np.abs(middle) > SHIFTED)
    level: Matrix = np.exp(np.where(moved, np.clip(middle, -MOST_SHIFTED, MOST_SHIFTED), 0.0))
    return level


def daily(panel: Panel) -> Panel:
    """Days of 24 hours that end where the hourly panel ends: means of rates and levels, sums of counts.

    A series without a single day that was seen well enough, because it is young or has one value a day, has the days
    that anything was seen of.
    """
    days = panel.steps // 24
    blocks = panel.observed[:, panel.steps - 24 * days :].reshape(len(panel.keys), days, 24)
    seen = np.isfinite(blocks)
    count = seen.sum(axis=2)
    total = np.where(seen, blocks, 0.0).sum(axis=2)
    weight = np.array([24.0 if gather_of(key.kind) is Gather.SUM else 1.0 for key in panel.keys])
    well = count >= HOURS_FOR_A_DAY
    told = well | (~well.any(axis=1, keepdims=True) & (count > 0))
    observed = np.where(told, total * weight[:, None] / np.maximum(count, 1), np.nan)
    return Panel(
        keys=panel.keys,
        granularity=Granularity.DAILY,
        end=panel.end,
        observed=observed,
        filled=fill(observed, 1),
        hindsight=None if panel.hindsight is None else Remembered(_OfDays(panel)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _OfDays:
    """What days were, when their hours were known otherwise."""

    hourly: Panel

    def at(self, step: int) -> Panel | None:
        hours = self.hourly.otherwise(self.hourly.steps % 24 + 24 * step)
        return None if hours is None else daily(hours)
