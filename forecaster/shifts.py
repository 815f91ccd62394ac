"""Series that moved to another level for good: found as they become known, and followed while they may still return.

A day counts as another level where nearly all of its hours lie on the same side of what the fortnight before says of
them, by more than the series strays, and farther than any day of that fortnight did: a change of level as in Page
1954, "Continuous inspection schemes", looked for with medians, which a burst of hours does not move. Families are then
asked again, with what was before told at the level of after, so that whatever they look back at, they see one level
with its shape. Whether it lasts is not known yet: the forecast is a mixture of both answers, with more of the new one
the longer it has lasted, and so as wide as that is uncertain. Pure.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from contracts.forecast import Treatment
from forecaster.events.contrast import median as median_along
from forecaster.mixture import mixture
from forecaster.models.model import TINY
from forecaster.panel import Matrix, Panel, Steps, length_of
from forecaster.windows import HeldBack

REFERENCE_DAYS = 14
LEAST_REFERENCE_DAYS = 7  # that knows a weekend
LEAST = np.log(1.5)  # ratio of levels
STRAYS = 3.0  # times what hours stray from the reference
UNUSUAL = 1.5  # times what the farthest days of the reference are off, but for one in seven
TOGETHER = 0.9  # share of the hours of a day that lie on the same side
KNOWN_HOURS = 18  # of a day
LOOKED_BACK_DAYS = 56
REFINED_DAYS = 7  # until then the size is that of all hours since
FORGOTTEN_DAYS = 14  # after so many families know the new level by themselves
OFTEN = 2  # shifts of a row within that time: it has no level that lasts
COMMON = 0.25  # share of rows that moved together from which on it is one event of them all, and not the errors of many
ASKED_FIRST = 64  # rows, of many, that say whether more than half of that share may have moved
TOGETHER_DAYS = 2  # rows that moved within so long did so together
DOUBT_DAYS = 1.0  # after so many a shift counts as one that lasts or not alike; chosen on GEANT before 2005-02-06
DEEPEST = np.log(1 / 20.0)  # a fall to less may be an outage, and what was before is not forgotten
FLOOR = 0.02  # of the reference is added to both before logarithms are taken


@dataclass(frozen=True, slots=True)
class Shift:
    """A row that moved at step `first`, as was known when `seen` steps had been seen.

    It became so many times as much, or something came on top of it: whichever says better what has come since. A fall
    keeps the shape of its days in proportion; of rises on GEANT before 2005-02-06 most kept it as it was.
    """

    row: int
    first: int
    seen: int
    factor: float
    added: float

    def told(self, before: Matrix) -> Matrix:
        """What was before, at the level of after."""
        return before * self.factor + self.added


def find_shifts(panel: Panel) -> tuple[Shift, ...]:
    """Shifts of an hourly panel, in the order in which they became known.

    Those of a row and step are told anew as more is known of them.
    """
    day = panel.day
    if day == 1 or panel.steps < (LEAST_REFERENCE_DAYS + 1) * day:
        return ()
    rows = _candidates(panel)
    if not len(rows):
        return ()
    scan = _Scan(panel.observed[rows], day)
    first = max(LEAST_REFERENCE_DAYS + 1, panel.steps // day - LOOKED_BACK_DAYS) * day + panel.steps % day
    for end in range(first, panel.steps + 1, day):
        scan.look(end)
    return tuple(replace(one, row=int(rows[one.row])) for one in scan.found)


def common_shifts(panel: Panel) -> tuple[Shift, ...]:
    """The shifts of a panel where they may be one event of all; none where a few of its rows say that they are not."""
    every = max(1, len(panel.keys) // ASKED_FIRST)
    some = panel.rows(list(range(0, len(panel.keys), every))) if every > 1 else panel
    shifts = find_shifts(some)
    if every == 1 or len(believed(shifts, some)) <= COMMON / 2 * len(some.keys):
        return shifts if every == 1 else ()
    return find_shifts(panel)


def _candidates(panel: Panel) -> Steps:
    """Rows of which a day's median is off by enough from the median of the days before."""
    days = panel.steps // panel.day
    blocks = panel.observed[:, panel.steps - days * panel.day :].reshape(len(panel.keys), days, panel.day)
    level = np.nan_to_num(median(blocks))
    off = np.zeros(len(level), dtype=bool)
    for at in range(max(LEAST_REFERENCE_DAYS, days - LOOKED_BACK_DAYS), days):
        usual = np.median(level[:, max(0, at - REFERENCE_DAYS) : at], axis=1)
        apart = np.abs(np.log((level[:, at] + FLOOR * usual) / np.where(usual > 0, (1 + FLOOR) * usual, np.nan)))
        off |= np.nan_to_num(apart) > LEAST / 2
    return np.flatnonzero(off)


class _Scan:
    """Looks at a few rows day by day."""

    def __init__(self, observed: Matrix, day: int) -> None:
        self._seen, self._day = observed, day
        self._based = observed.copy()
        self._open: dict[int, _Open] = {}
        self.found: list[Shift] = []

    def look(self, end: int) -> None:
        """Judges the day that ends at `end`."""
        day = self._day
        begin = end - day
        days = min(REFERENCE_DAYS, begin // day)
        past = self._based[:, begin - days * day : begin].reshape(len(self._based), days, day)
        usual = median(past.transpose(0, 2, 1))
        floor = FLOOR * np.nan_to_num(median(usual))[:, None]
        floor[floor == 0] = np.nan
        reference = np.log(usual + floor)
        off = np.log(past + floor[:, None]) - reference[:, None]
        ratio = np.log(self._seen[:, begin:end] + floor) - reference
        middle = median(ratio)
        strays = 1.4826 * median(np.abs(off).reshape(len(off), -1))
        apart = np.sort(np.nan_to_num(np.abs(median(off))), axis=1)
        farthest = apart[:, -1 - days // 7]  # a day that had begun to be another level is none of the reference
        known = np.isfinite(ratio).sum(axis=1)
        together = (np.sign(ratio) == np.sign(middle)[:, None]).sum(axis=1) >= TOGETHER * known
        bound = np.maximum(LEAST, np.maximum(STRAYS * strays, UNUSUAL * farthest))
        moved = (known >= KNOWN_HOURS) & together & (np.abs(middle) > bound) & (middle > DEEPEST)
        for row in np.flatnonzero(moved):
            first = begin - _already(off[row, -1], float(middle[row]))
            self._open[int(row)] = _Open(first, np.roll(usual[row], begin - first), self._based[row, :first].copy())
        self._tell(end)

    def _tell(self, end: int) -> None:
        """Bases rows with a young shift on what is known of it by now."""
        for row, one in list(self._open.items()):
            shift = _shift(row, one, self._seen[row, one.first : end], end)
            self._based[row, : one.first] = shift.told(one.before)
            self.found.append(shift)
            if end - one.first >= REFINED_DAYS * self._day:
                del self._open[row]


def _already(off: Matrix, middle: float) -> int:
    """How many of the newest hours of a day, in logarithms off the usual, were nearer to the level of the next day."""
    stays = (off * np.sign(middle) < abs(middle) / 2)[::-1]
    return int(np.argmax(stays)) if stays.any() else 0


class _Open(NamedTuple):
    """A shift whose size is still being learned: its first step, the usual day from there on, and what was before."""

    first: int
    usual: Matrix
    before: Matrix


def _shift(row: int, one: _Open, since: Matrix, end: int) -> Shift:
    """What is known at `end` of a shift by all hours since."""
    usual = np.resize(one.usual, len(since))
    more = float(median(since - usual))
    ratio = np.log(np.maximum(since, TINY)) - np.log(np.maximum(usual, TINY))
    times = float(np.exp(np.clip(median(ratio), DEEPEST, -DEEPEST)))
    if more <= 0 or np.nansum(np.abs(since - times * usual)) < np.nansum(np.abs(since - usual - more)):
        return Shift(row=row, first=one.first, seen=end, factor=times, added=0.0)
    return Shift(row=row, first=one.first, seen=end, factor=1.0, added=more)


def believed(shifts: tuple[Shift, ...], panel: Panel) -> tuple[Shift, ...]:
    """The last word on every shift of late, at the panel's end, but for rows that moved too often to have a level."""
    latest = {(one.row, one.first): one for one in shifts if one.seen <= panel.steps}
    late = [one for one in latest.values() if panel.steps - one.first <= FORGOTTEN_DAYS * panel.day]
    often = Counter(one.row for one in late)
    return tuple(one for one in late if often[one.row] < OFTEN)


def rebased(panel: Panel, shifts: tuple[Shift, ...]) -> Panel:
    """The panel as if every row had always been at the level that it has now, by what is known at the panel's end."""
    known = believed(shifts, panel)
    if not known:
        return panel
    observed, filled = panel.observed.copy(), panel.filled.copy()
    for shift in known:
        for matrix in (observed, filled):
            matrix[shift.row, : shift.first] = shift.told(matrix[shift.row, : shift.first])
    return replace(panel, observed=observed, filled=filled)


def is_common(shifts: tuple[Shift, ...], panel: Panel) -> bool:
    """Whether so many rows moved at a time that what is learned of them all is learned of the shift."""
    firsts = np.sort([one.first for one in believed(shifts, panel)])
    together = np.searchsorted(firsts, firsts + TOGETHER_DAYS * panel.day) - np.arange(len(firsts))
    return bool(together.max(initial=0) > COMMON * len(panel.keys))


def learned_from(held: HeldBack, panel: Panel, shifts: tuple[Shift, ...]) -> HeldBack:
    """What was held back of a panel, without errors of windows that a common shift met half way.

    Pooled, a shift of a few series tells how often that happens; one of many at once would count as often as there are
    series, and make the whole panel as wide as it was high.
    """
    if not is_common(shifts, panel):
        return held
    moved = believed(shifts, panel)
    actual, cutoffs = held.actual.copy(), np.array(held.windows.cutoffs)[:, None]
    for shift in moved:
        unforeseen = (cutoffs < shift.first + panel.day) & (cutoffs + held.windows.ahead > shift.first)
        actual[:, shift.row] = np.where(unforeseen, np.nan, actual[:, shift.row])
    return replace(held, actual=actual)


def followed(quantiles: Matrix, panel: Panel, shifts: tuple[Shift, ...], ask: Callable[[Panel], Matrix]) -> Matrix:
    """Quantiles (series, steps, levels) with those of rows that moved mixed with what is said at their new level.

    Args:
        quantiles: of what follows the panel.
        panel: what was seen.
        shifts: of the panel.
        ask: quantiles of what follows a panel.
    """
    newest = {one.row: one.first for one in sorted(believed(shifts, panel), key=lambda one: one.first)}
    if not newest:
        return quantiles
    rows = np.array(sorted(newest))
    days = np.array([(panel.steps - newest[int(row)]) / panel.day for row in rows])
    mixed = quantiles.copy()
    mixed[rows] = mixture(ask(rebased(panel, shifts))[rows], quantiles[rows], days**2 / (days**2 + DOUBT_DAYS**2))
    return mixed


def treatments(panel: Panel, shifts: tuple[Shift, ...]) -> tuple[Treatment, ...]:
    """What a forecast tells people of them."""
    return tuple(_treatment(panel, one) for one in believed(shifts, panel))


def _treatment(panel: Panel, shift: Shift) -> Treatment:
    hours = panel.steps - shift.first
    since = panel.end - hours * length_of(panel.granularity)
    size = f"{shift.added:.3g} more" if shift.added else f"{shift.factor:.3g} times as much"
    what = f"another level since {since:%Y-%m-%dT%H:%MZ}: {size}; what was before is looked at so, too"
    return Treatment(series=str(panel.keys[shift.row]), what=what, hours=hours)


def median(values: Matrix) -> Matrix:
    """Along the last axis, of what is known."""
    return median_along(values, axis=-1)
