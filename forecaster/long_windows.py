"""Which windows of a table in long form are back-tested, and what is said in each (pure)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from contracts.forecast import Treatment
from contracts.ports import Progress
from contracts.series import LEVELS, SeriesKind
from forecaster.errors import NothingToForecast
from forecaster.longform import LONGEST, LongTable, actuals_after, moment_of, panel_until, rows_of, scales_until
from forecaster.panel import Matrix, Panel, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOrder:
    """Which windows are asked for.

    Attributes:
        horizon: steps that each window forecasts.
        windows: how many.
        apart: steps from one cutoff to the next.
        first_cutoff: the last step that the first window sees; None lets the last window end where the data end.
    """

    horizon: int
    windows: int
    apart: int
    first_cutoff: int | None = None


class Why(StrEnum):
    """Why a series is not forecast in a window that was asked for."""

    NOTHING_SEEN = "nothing is known of it up to the cutoff"
    NOTHING_TO_SCORE = "nothing is known of it in the window"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """One cutoff, the last step seen, and the series that are forecast from there."""

    cutoff: int
    series: Steps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowPlan:
    """Windows by cutoff, oldest first, and notes on what could not be in them."""

    windows: tuple[Window, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Said:
    """What a forecaster says of a panel.

    Attributes:
        quantiles: (series, steps, levels).
        model: what carried each series.
        enough: whether the outermost quantiles of each rest on enough scores.
        treatments: what was found in the panel and done about it.
    """

    quantiles: Matrix
    model: tuple[str, ...]
    enough: tuple[bool, ...]
    treatments: tuple[Treatment, ...] = ()


Forecaster = Callable[[Panel, int, Progress], Said]
"""Panel, steps ahead and somebody who listens in, quantiles out. Deterministic."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowRows:
    """One window as it is written and scored.

    Attributes:
        window: cutoff and series.
        said: quantiles of shape (series, steps, levels).
        actual: (series, steps), NaN where it is not known.
        scale: (series,), NaN where it is not known.
    """

    window: Window
    said: Said
    actual: Matrix
    scale: Matrix


def plan_long_windows(table: LongTable, order: WindowOrder) -> WindowPlan:
    """The windows that hold at least one series with a past and an actual.

    Without a first cutoff the windows end where the data end. Series that ended more than a horizon before that have
    windows that end with them: those whose ends lie within a horizon share theirs.

    Raises:
        NothingToForecast: there is no such window.
    """
    asked: list[tuple[int, Steps]] = []
    for end, series in _groups(table, order):
        asked += [(end - order.apart * back, series) for back in range(order.windows)]
    windows, missed = [], Counter[tuple[int, Why]]()
    for cutoff, series in sorted(asked, key=lambda pair: (pair[0], int(pair[1].min()))):
        seen, ahead = _known(table, cutoff, series), _actual(table, cutoff, order.horizon, series)
        missed.update((int(code), Why.NOTHING_SEEN) for code in series[~seen])
        missed.update((int(code), Why.NOTHING_TO_SCORE) for code in series[seen & ~ahead])
        if (seen & ahead).any():
            windows.append(Window(cutoff=cutoff, series=series[seen & ahead]))
    if not windows:
        raise _no_window(table, order)
    return WindowPlan(windows=tuple(windows), notes=_missed_notes(table, missed))


def run_window(panel: Panel, horizon: int, forecaster: Forecaster, progress: Progress) -> Said:
    """Forecasts one window; the panel is all that the forecaster is given."""
    said = forecaster(panel, horizon, progress)
    shape = (len(panel.keys), horizon, len(LEVELS))
    if said.quantiles.shape != shape:
        raise ValueError(f"the forecaster made quantiles of shape {said.quantiles.shape} where {shape} was asked for")
    return said


def window_panel(table: LongTable, window: Window, kind: SeriesKind) -> Panel:
    """What is handed to the forecaster in a window."""
    return panel_until(table, window.cutoff, window.series, kind)


def window_rows(table: LongTable, window: Window, horizon: int, said: Said) -> WindowRows:
    """What was said in a window beside what happened."""
    return WindowRows(
        window=window,
        said=said,
        actual=actuals_after(table, window.cutoff, window.series, horizon),
        scale=scales_until(table, window.cutoff, window.series),
    )


def _groups(table: LongTable, order: WindowOrder) -> list[tuple[int, Steps]]:
    """The newest cutoff of each group of series that end together."""
    everything = np.arange(len(table.names))
    if order.first_cutoff is not None:
        return [(order.first_cutoff + order.apart * (order.windows - 1), everything)]
    ends = table.ends()
    groups, end = [], table.last
    left = everything[ends >= int(table.step.min())]
    while len(left):
        inside = ends[left] > end - order.horizon
        if inside.any():
            groups.append((end - order.horizon, left[inside]))
        left = left[~inside]
        end = int(ends[left].max()) if len(left) else end
    return groups


def _known(table: LongTable, cutoff: int, series: Steps) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    seen, row = rows_of(table, series, cutoff - LONGEST[table.grid.granularity] + 1, cutoff)
    usable = np.bincount(row, weights=table.value[seen] >= 0, minlength=len(series)) > 0
    return np.asarray(usable, dtype=np.bool_)


def _actual(table: LongTable, cutoff: int, horizon: int, series: Steps) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    _, row = rows_of(table, series, cutoff + 1, cutoff + horizon)
    return np.asarray(np.bincount(row, minlength=len(series)) > 0, dtype=np.bool_)


def _missed_notes(table: LongTable, missed: Counter[tuple[int, Why]]) -> tuple[str, ...]:
    notes = []
    for why in Why:
        names = [table.names[code] for (code, reason), _ in sorted(missed.items()) if reason is why]
        times = sum(count for (_, reason), count in missed.items() if reason is why)
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            notes.append(f"{times} windows of {len(names)} series left out, {why}: {shown}")
    return tuple(notes)


def _no_window(table: LongTable, order: WindowOrder) -> NothingToForecast:
    first, last = int(table.step.min()), table.last
    steps = last - first + 1
    unit = "hours" if table.grid.day == 24 else "days"
    when = f"{moment_of(table.grid, first):%Y-%m-%dT%H:%M} to {moment_of(table.grid, last):%Y-%m-%dT%H:%M}"
    below = int((table.value < 0).sum())
    if below > len(table.value) / 2:
        return NothingToForecast(
            f"{below:,} of {len(table.value):,} values are below 0, which no model learns from: "
            f"too few others are left for a window of {order.horizon} {unit}",
            where=table.source,
            expected="values from 0: what was carried, used or counted",
            next_step="turn the sign of what was written the other way round, or leave those series out",
        )
    if order.first_cutoff is not None:
        asked = f"{moment_of(table.grid, order.first_cutoff):%Y-%m-%dT%H:%M}"
        return NothingToForecast(
            f"no series has values both up to {asked} and after it: it spans {when}",
            where=table.source,
            expected="a first cutoff inside of the data",
            next_step="leave --first-cutoff away, or name an earlier one",
        )
    return NothingToForecast(
        f"holds {steps:,} {unit} ({when}): nothing is left to learn from before a window of {order.horizon} {unit}",
        where=table.source,
        expected="data longer than one window",
        next_step=f"--horizon {max(1, steps // 2)} --windows 1",
    )
