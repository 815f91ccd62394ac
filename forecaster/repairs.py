"""What is plainly wrong in measured series, put right before anything is learned, each with its treatment (pure).

A day in a wrong unit (bits for bytes, kilo for units), and outages: runs of zeros in a series that is never 0. Only
what happened before the panel's end is looked at. Demand that really grew eightfold must never be divided away, so
that a unit counts as wrong only where hours are off by its very factor, follow their usual course otherwise, and the
day before and the day after are as usual; a thousandfold that still goes on, or just ended, is the one exception.

History is repaired once, before anything else reads it: sums, days, newborn series and what blocks can carry are made
of what was put right. A run is known to be wrong only when enough of it, or of what follows, was seen; the panel
remembers that (`Hindsight`), so that a forecast rehearsed from an earlier hour looks at what was known in it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import Treatment
from forecaster.models.model import TINY
from forecaster.panel import Matrix, Panel, Remembered, fill, length_of

UNITS = (1000.0, 1 / 1000.0, 8.0, 1 / 8.0)  # what a value is multiplied by when its unit is wrong
AROUND_DAYS = 7  # each way: what an hour is compared with
LIKE = np.log(1.25)  # how far from the exact factor the median of a run may lie, as a logarithm
FAR, ROUGHLY = np.log(100.0), np.log(2.0)  # of factors beyond the one, the other: a quiet Sunday, too, is told from it
SURE = np.log(2.5)  # within this of the factor is every hour of the run
CALM = 0.45  # typical deviation, as a logarithm, of series in which a factor of 8 is told from a busy day
SPREAD = 1.5  # by how much the hours of a run may stray more than those of the series do
RUN_HOURS = (6, 72)  # shorter is a burst, longer a level
BESIDE_HOURS, AS_USUAL = 24, 0.8  # before and after a run, and the share of them that has to be as usual
OFTEN = 3  # runs of a series by one factor: it has two levels, and no wrong unit
OUTAGE_HOURS = 3
RARELY = 0.01  # share of zeros up to which a series is never 0
SEEN_DAYS = 7  # of history before anything is judged


@dataclass(frozen=True, slots=True, eq=False)
class Repaired:
    """The panel as it is learned from, and what was done."""

    panel: Panel
    treatments: tuple[Treatment, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """Steps `first` to `end` (not included) of a row, and the factor that they are wrong by (0: an outage)."""

    row: int
    first: int
    end: int
    factor: float


def repair(panel: Panel) -> Repaired:
    """Puts right what is plainly wrong in an hourly panel; other panels are left as they are."""
    if panel.day == 1 or panel.steps < SEEN_DAYS * panel.day:
        return Repaired(panel, ())
    runs = [*_wrong_units(panel), *_outages(panel)]
    if not runs:
        return Repaired(panel, ())
    observed = panel.observed.copy()
    for run in runs:
        span = observed[run.row, run.first : run.end]
        observed[run.row, run.first : run.end] = span / run.factor if run.factor else np.nan
    rows = sorted({run.row for run in runs})
    filled = panel.filled.copy()
    filled[rows] = fill(observed[rows], panel.day)
    mended = replace(panel, observed=observed, filled=filled)
    hindsight = Remembered(_Unmended(panel, mended, rows))
    return Repaired(replace(mended, hindsight=hindsight), tuple(_treatment(panel, run) for run in runs))


@dataclass(frozen=True, slots=True, eq=False)
class _Unmended:
    """What of rows that were put right was put right at an earlier step.

    What looked wrong for a while and then turned out to be right is taken as right all along.

    Attributes:
        measured: as it was before.
        mended: as it is.
        rows: that differ.
    """

    measured: Panel
    mended: Panel
    rows: list[int]

    def at(self, step: int) -> Panel | None:
        then = repair(self.measured.rows(self.rows).until(step)).panel
        now = self.mended.until(step)
        if np.array_equal(then.observed, now.observed[self.rows], equal_nan=True):
            return None
        observed, filled = now.observed.copy(), now.filled.copy()
        observed[self.rows], filled[self.rows] = then.observed, then.filled
        return replace(now, observed=observed, filled=filled)


def _wrong_units(panel: Panel) -> list[_Run]:
    """Runs of hours that are all off by the same unit's factor from what the hours around them say."""
    ratio = np.log(np.maximum(panel.observed, TINY)) - np.log(np.maximum(_expected(panel), TINY))
    far = np.abs(ratio) > min(abs(np.log(unit)) for unit in UNITS) - SURE
    runs = []
    for row in np.flatnonzero(far.sum(axis=1) >= RUN_HOURS[0]):
        usual = np.abs(ratio[row][np.isfinite(ratio[row]) & ~far[row]])
        if not len(usual) or 1.4826 * np.median(usual) > CALM:
            continue
        for unit in UNITS:
            alike = np.abs(ratio[row] - np.log(unit)) < SURE
            spans = _spans(alike, ~np.isfinite(ratio[row]))
            found = [span for span in spans if _is_unit(ratio[row], span, unit, float(np.median(usual)))]
            runs += [_Run(int(row), first, end, unit) for first, end in found if len(found) < OFTEN]
    return runs


def _is_unit(ratio: Matrix, span: tuple[int, int], unit: float, usual: float) -> bool:
    """Whether a run of one series is the unit's fault. `usual`: the median deviation of the series, as a logarithm."""
    first, end = span
    if not RUN_HOURS[0] <= end - first <= RUN_HOURS[1]:
        return False
    within = ratio[first:end][np.isfinite(ratio[first:end])]
    middle = float(np.median(within))
    strays = float(np.median(np.abs(within - middle)))
    thousandfold = abs(np.log(unit)) > FAR
    if abs(middle - np.log(unit)) > (ROUGHLY if thousandfold else LIKE) or strays > SPREAD * usual + 0.01:
        return False
    goes_on = thousandfold and end + BESIDE_HOURS > len(ratio)  # or ended a few hours ago
    before, after = ratio[max(0, first - BESIDE_HOURS) : first], ratio[end : end + BESIDE_HOURS]
    return _as_usual(before, BESIDE_HOURS // 2) and _as_usual(after, 0 if goes_on else BESIDE_HOURS // 2)


def _as_usual(beside: Matrix, fewest: int) -> bool:
    """Whether so many of the hours beside a run are known, and most of those at the level of their days."""
    known = beside[np.isfinite(beside)]
    usual = int((np.abs(known) < SURE).sum())
    return len(known) >= fewest and usual >= AS_USUAL * len(known)


def _expected(panel: Panel) -> Matrix:
    """The median of the same hour of the day on the days around each hour, (series, steps); NaN where unknown."""
    days = -(-panel.steps // panel.day)
    padded = np.full((len(panel.keys), days * panel.day), np.nan)
    padded[:, : panel.steps] = np.where(panel.observed > 0, panel.observed, np.nan)
    by_day = padded.reshape(len(panel.keys), days, panel.day)
    expected = np.empty(by_day.shape)
    for day in range(days):
        first = int(np.clip(day - AROUND_DAYS, 0, max(0, days - 2 * AROUND_DAYS - 1)))
        window = np.sort(by_day[:, first : first + 2 * AROUND_DAYS + 1], axis=1)
        known = np.isfinite(window).sum(axis=1, keepdims=True)
        expected[:, day] = np.take_along_axis(window, np.maximum(known - 1, 0) // 2, 1)[:, 0]
    return np.asarray(expected.reshape(padded.shape)[:, : panel.steps])


def _outages(panel: Panel) -> list[_Run]:
    """Runs of zeros, over by now, in series that otherwise are never 0."""
    zero = panel.observed == 0
    runs = []
    for row in np.flatnonzero(zero.any(axis=1)):
        known = np.flatnonzero(np.isfinite(panel.observed[row]))
        spans = [(first, end) for first, end in _spans(zero[row], ~zero[row] & False) if end - first >= OUTAGE_HOURS]
        inside = [(first, end) for first, end in spans if first > known[0] and end <= known[-1]]
        rest = int(zero[row].sum()) - sum(end - first for first, end in inside)
        alive = len(known) - sum(end - first for first, end in inside)
        long = any(end - first > RUN_HOURS[1] for first, end in inside)
        if inside and not long and alive > len(known) / 2 and rest <= RARELY * alive and 20 * len(inside) <= alive:
            runs += [_Run(int(row), first, end, 0.0) for first, end in inside]
    return runs


def _spans(marked: NDArray[np.bool_], unknown: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of each run of marked steps; unknown steps within do not end it."""
    spans: list[tuple[int, int]] = []
    begin = -1
    last = -1
    for step in np.flatnonzero(marked | ~(marked | unknown)):
        if marked[step]:
            begin, last = (int(step) if begin < 0 else begin), int(step)
        elif begin >= 0:
            spans.append((begin, last + 1))
            begin = -1
    return [*spans, (begin, last + 1)] if begin >= 0 else spans


def _treatment(panel: Panel, run: _Run) -> Treatment:
    begins = panel.end - (panel.steps - run.first) * length_of(panel.granularity)
    hours = run.end - run.first
    where = f"{hours} h from {begins:%Y-%m-%dT%H:%MZ}"
    if not run.factor:
        what = f"0 for {where} in a series that is never 0: an outage, filled and not learned from"
    elif run.factor > 1:
        what = f"{run.factor:g} times as large for {where}: a wrong unit, divided by {run.factor:g}"
    else:
        what = f"{1 / run.factor:g} times too small for {where}: a wrong unit, multiplied by {1 / run.factor:g}"
    return Treatment(series=str(panel.keys[run.row]), what=what, hours=hours)
