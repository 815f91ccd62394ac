"""Series in long form (id, time, value) to the panels and actuals of a back-test's windows (pure).

A table of a back-test is kept as it came: one row a value, sorted. Each window gets a panel of its own, made of nothing
but rows up to its cutoff, so that no view, base or cache of it can hold what came after.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.errors import NothingToForecast, TimeUnclear
from forecaster.panel import Matrix, Panel, Steps, fill
from forecaster.spacing import spacing_note

Codes = NDArray[np.int32]

HOUR_S = 3600
DAY_S = 24 * HOUR_S
LONGEST = {Granularity.HOURLY: 24 * 400, Granularity.DAILY: 10 * 365}
"""Steps that a panel reaches back: no model looks further."""

NEVER = np.iinfo(np.int64).min // 4  # a step before all others

SHORTEST = {Granularity.HOURLY: 49, Granularity.DAILY: 9}
"""Steps that a panel has at least, unknown ones first: two days, or a week, and one to compare them with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where steps lie: step `i` begins `i` lengths after the epoch, plus an offset.

    Attributes:
        granularity: length of a step.
        offset_s: seconds after the whole hour or, for days, after midnight UTC.
    """

    granularity: Granularity
    offset_s: int

    @property
    def length_s(self) -> int:
        return HOUR_S if self.granularity is Granularity.HOURLY else DAY_S

    @property
    def day(self) -> int:
        """Steps of a day."""
        return DAY_S // self.length_s

    def seconds(self, steps: Steps) -> Steps:
        """Seconds since the epoch at which steps begin."""
        found: Steps = steps * self.length_s + self.offset_s
        return found

    def step(self, seconds: int) -> int:
        """The step that a moment lies in."""
        return (seconds - self.offset_s) // self.length_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LongRows:
    """Rows as they were read, in any order.

    Attributes:
        source: where they come from, for messages.
        names: of the series.
        code: index into `names` of each row.
        seconds: since the epoch, UTC.
        value: NaN where there is none.
    """

    source: str
    names: tuple[str, ...]
    code: Codes
    seconds: Steps
    value: Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LongTable:
    """Known values only, one for each series and step, sorted by both.

    Attributes:
        source: where they come from, for messages.
        names: of the series.
        grid: where steps lie.
        code, step, value: one a row; values are finite.
        last: the last step that the file names, with a value or without.
        notes: what was found and treated, for people.
    """

    source: str
    names: tuple[str, ...]
    grid: Grid
    code: Codes
    step: Steps
    value: Matrix
    last: int
    notes: tuple[str, ...]

    @property
    def starts(self) -> Steps:
        """Where the rows of each series begin, and where those of the last end."""
        found: Steps = np.searchsorted(self.code, np.arange(len(self.names) + 1))
        return found

    def ends(self) -> Steps:
        """The last known step of each series; far in the past where there is none."""
        starts = self.starts
        last = np.append(self.step, NEVER)[np.maximum(starts[1:] - 1, 0)]
        ends: Steps = np.where(starts[1:] > starts[:-1], last, NEVER)
        return ends

    def looks_like_counts(self) -> bool:
        """Whether every value is a whole number from 0 and at least half of them are 0."""
        value = self.value
        whole = bool((value == np.floor(value)).all()) and bool((value >= 0).all())
        return whole and bool((value == 0).mean() >= 0.5)


def tidy(rows: LongRows) -> LongTable:
    """Sorts rows, drops those without a value, and keeps the last of those that say the same thing twice.

    Raises:
        NothingToForecast: no row has a time and a value.
        TimeUnclear: the times are of no hourly or daily grid.
    """
    if not len(rows.seconds):
        raise NothingToForecast(
            "holds no row with a series and a time", where=rows.source, expected="one row a series and hour"
        )
    grid = grid_of(rows)
    known = np.isfinite(rows.value)
    if not known.any():
        raise NothingToForecast(
            f"holds {len(known):,} rows, and none has a value",
            where=rows.source,
            expected="numbers in the column of values",
        )
    last = int(rows.seconds.max() - grid.offset_s) // grid.length_s
    code, value, step = rows.code, rows.value, rows.seconds
    if not known.all():
        code, value, step = code[known], value[known], step[known]
    step = (step - grid.offset_s) // grid.length_s
    if not _sorted(code, step):
        order = np.lexsort((step, code))  # stable: of equal rows the later one stays later
        code, value, step = code[order], value[order], step[order]
    repeated = np.append((code[1:] == code[:-1]) & (step[1:] == step[:-1]), False)
    notes = _notes(grid, ~known, repeated, value)
    if repeated.any():
        code, value, step = code[~repeated], value[~repeated], step[~repeated]
    unit = "hour" if grid.granularity is Granularity.HOURLY else "day"
    starts: Steps = np.searchsorted(code, np.arange(len(rows.names) + 1))
    notes += spacing_note(rows.names, starts, step, unit)
    return LongTable(
        source=rows.source, names=rows.names, grid=grid, code=code, step=step, value=value, last=last, notes=notes
    )


def _sorted(code: Codes, step: Steps) -> bool:
    """Whether rows stand by series and step, as most files have them: then nothing is copied."""
    rises = code[1:] > code[:-1]
    same = code[1:] == code[:-1]
    return bool((rises | (same & (step[1:] >= step[:-1]))).all())


def grid_of(rows: LongRows) -> Grid:
    """The grid that all times lie on: days where every time is at the same time of the day, else hours.

    Raises:
        TimeUnclear: they lie on neither.
    """
    seconds = rows.seconds
    first = int(seconds[0])
    if ((seconds - first) % DAY_S == 0).all() and seconds.min() != seconds.max():
        return Grid(granularity=Granularity.DAILY, offset_s=first % DAY_S)
    off = (seconds - first) % HOUR_S != 0
    if not off.any():
        return Grid(granularity=Granularity.HOURLY, offset_s=first % HOUR_S)
    shown = datetime.fromtimestamp(int(seconds[int(off.argmax())]), UTC)
    raise TimeUnclear(
        f"{int(off.sum()):,} of {len(off):,} times are not a whole number of hours after the first one, "
        f"such as {shown:%Y-%m-%dT%H:%M:%S}",
        where=rows.source,
        expected="one value an hour or one a day, all at the same minute",
        next_step="average the values to hours (sum them, where they are counts) and run the command again",
    )


def _notes(grid: Grid, absent: NDArray[np.bool_], repeated: NDArray[np.bool_], value: Matrix) -> tuple[str, ...]:
    notes = []
    if grid.granularity is Granularity.DAILY:
        notes.append("one value a day: horizon, step and windows count days")
    if absent.any():
        notes.append(f"{int(absent.sum()):,} rows without a value: gaps, not scored")
    if repeated.any():
        notes.append(f"{int(repeated.sum()):,} times given more than once for a series: the last row counts")
    if (value < 0).any():
        notes.append(f"{int((value < 0).sum()):,} values below 0: unknown to the models, scored as they are")
    return tuple(notes)


def panel_until(table: LongTable, cutoff: int, series: Steps, kind: SeriesKind) -> Panel:
    """The panel of some series as it was when `cutoff` was the last step seen. Each has at least one known value."""
    seen, row = rows_of(table, series, cutoff - LONGEST[table.grid.granularity] + 1, cutoff)
    first = min(int(table.step[seen].min()), cutoff + 1 - SHORTEST[table.grid.granularity])
    observed = np.full((len(series), cutoff - first + 1), np.nan)
    value = table.value[seen]
    observed[row, table.step[seen] - first] = np.where(value < 0, np.nan, value)
    return Panel(
        keys=tuple(SeriesKey(kind, table.names[code]) for code in series),
        granularity=table.grid.granularity,
        end=moment_of(table.grid, cutoff + 1),
        observed=observed,
        filled=fill(observed, table.grid.day),
    )


def actuals_after(table: LongTable, cutoff: int, series: Steps, steps: int) -> Matrix:
    """What happened in the steps after a cutoff, shape (series, steps); NaN where it is not known."""
    seen, row = rows_of(table, series, cutoff + 1, cutoff + steps)
    actual = np.full((len(series), steps), np.nan)
    actual[row, table.step[seen] - cutoff - 1] = table.value[seen]
    return actual


def rows_of(table: LongTable, series: Steps, first: int, last: int) -> tuple[Steps, Steps]:
    """Rows of some series from one step to another, both included, and the position in `series` of each."""
    starts = table.starts
    found, position = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for at, code in enumerate(series):
        steps = table.step[starts[code] : starts[code + 1]]
        low, high = np.searchsorted(steps, (first, last + 1))
        found.append(np.arange(starts[code] + low, starts[code] + high))
        position.append(np.full(high - low, at))
    return np.concatenate(found), np.concatenate(position)


def scales_until(table: LongTable, cutoff: int, series: Steps) -> Matrix:
    """Mean of |y(t) - y(t - 24 h)| of each series over all its steps up to a cutoff; NaN where none is known."""
    seen, row = rows_of(table, series, int(table.step.min()), cutoff)
    span = int(table.step.max() - table.step.min()) + 1 + table.grid.day
    place = table.code[seen].astype(np.int64) * span + table.step[seen] - int(table.step.min())  # rises with the rows
    at = np.searchsorted(place, place - table.grid.day)
    pairs = (place[at] == place - table.grid.day) & (table.code[seen][at] == table.code[seen])
    change = np.abs(table.value[seen] - table.value[seen][at])[pairs]
    count = np.bincount(row[pairs], minlength=len(series))
    total = np.bincount(row[pairs], weights=change, minlength=len(series))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def moment_of(grid: Grid, step: int) -> datetime:
    """When a step begins, UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=step * grid.length_s + grid.offset_s)
