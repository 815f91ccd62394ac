"""Samples to hours: each stands for an interval; what belongs to one series is added up, gaps stay gaps (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from contracts.measured import Silence
from contracts.series import SeriesKey
from forecaster.batch import MEASUREMENT_COLUMNS, TIME_TYPE, Batch, no_measurements, no_requests
from forecaster.sources.window import HOUR_S, Numbers, Seconds, Window
from forecaster.units import Gather, Measure
from forecaster.view import MEASUREMENT_KEY

NOTES = 8
"""Notes of one sort that are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Means over intervals, one part of a series.

    Attributes:
        key: the series.
        part: which part of it, for messages: a metric, an interface and its direction.
        begins: of the intervals, (n,), seconds since 1970, each once.
        lengths: of the intervals, (n,), seconds, at most an hour.
        values: (n,), canonical units; a count is what an hour at that pace would count. NaN is none.
        silent: what an hour without samples means.
    """

    key: SeriesKey
    part: str
    begins: Seconds
    lengths: Seconds
    values: Numbers
    silent: Silence = Silence.GAP


class SeriesHours(NamedTuple):
    """Hours of one series: their beginnings (n,), seconds since 1970, values (n,), and how much of each was seen."""

    key: SeriesKey
    hours: Seconds
    values: Numbers
    covered: Numbers


@dataclass(slots=True)
class Notes:
    """What was found, for people; of each sort the first few, then how many more."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def add(self, sort: str, note: str) -> None:
        """Takes a note in."""
        self.said.setdefault(sort, []).append(note)

    def told(self) -> tuple[str, ...]:
        """All notes."""
        lines: list[str] = []
        for sort, notes in self.said.items():
            lines += notes[:NOTES]
            if len(notes) > NOTES:
                lines.append(f"and {len(notes) - NOTES} more: {sort}")
        return tuple(lines)


def canonical(values: Numbers, step_s: int, measure: Measure, scale: float = 1.0) -> Numbers:
    """Values as they were measured to `Samples.values`; what is not finite or negative becomes NaN."""
    factor = scale * measure.factor * (HOUR_S / step_s if measure.gather is Gather.SUM else 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.asarray(values, dtype=np.float64) * factor
        kept: Numbers = np.where(np.isfinite(found) & (found >= 0), found, np.nan)
    return kept


def batch_of_samples(
    samples: Sequence[Samples], window: Window, *, origin: str, rows_read: int, notes: Notes | None = None
) -> Batch:
    """Samples as a batch: one row for each series and hour of the window of which every part is known.

    Of several parts of a series (in and out of an interface, several links of a pair) the values are added up; an hour
    in which one of them is silent is left out, because the sum of the others would look like less demand.
    """
    notes = notes or Notes()
    parts: dict[SeriesKey, list[Samples]] = {}
    for item in samples:
        parts.setdefault(item.key, []).append(item)
    measured = frame_of([_hours(key, parts[key], window, notes) for key in sorted(parts)])
    return Batch(origin=origin, rows_read=rows_read, measurements=measured, requests=no_requests(), notes=notes.told())


def frame_of(series: Sequence[SeriesHours]) -> pd.DataFrame:
    """Rows of some series in the form of a batch, sorted."""
    counts = [len(item.hours) for item in series]
    if not sum(counts):
        return no_measurements()
    moments = pd.to_datetime(np.concatenate([item.hours for item in series]), unit="s", utc=True)
    columns = {
        "kind": pd.Series(np.repeat([item.key.kind.value for item in series], counts), dtype="str"),
        "subject": pd.Series(np.repeat([item.key.subject for item in series], counts), dtype="str"),
        "time": pd.Series(moments).astype(TIME_TYPE),
        "value": np.concatenate([item.values for item in series]),
        "covered": np.concatenate([item.covered for item in series]),
    }
    return pd.DataFrame(columns)[list(MEASUREMENT_COLUMNS)].sort_values(MEASUREMENT_KEY, ignore_index=True)


def _hours(key: SeriesKey, parts: Iterable[Samples], window: Window, notes: Notes) -> SeriesHours:
    total, least = np.zeros(window.hours), np.full(window.hours, float(HOUR_S))
    for part in parts:
        integral, seconds = _by_hour(part, window)
        heard = seconds > 0
        silent = int((~heard).sum())
        if silent and part.silent is Silence.ZERO:
            seconds = np.where(heard, seconds, float(HOUR_S))
        elif silent:
            notes.add("silent", f"{key}: {part.part} is silent in {silent} of {window.hours} hours: left as gaps")
        with np.errstate(invalid="ignore", divide="ignore"):
            total += np.where(heard, integral / seconds, 0.0)
        least = np.minimum(least, seconds)
    known = (least > 0) & np.isfinite(total)
    hours = window.begin + np.flatnonzero(known) * HOUR_S
    return SeriesHours(key, hours, total[known], np.minimum(least[known] / HOUR_S, 1.0))


def _by_hour(part: Samples, window: Window) -> tuple[Numbers, Numbers]:
    """Value times seconds, and seconds, that fall into each hour of the window; an interval may touch two hours."""
    integral, seconds = np.zeros(window.hours), np.zeros(window.hours)
    there = np.isfinite(part.values)
    begins, values = part.begins[there], part.values[there]
    ends = begins + part.lengths[there]
    first = (begins - window.begin) // HOUR_S
    edge = window.begin + (first + 1) * HOUR_S
    for hour, length in ((first, np.minimum(ends, edge) - begins), (first + 1, np.maximum(ends - edge, 0))):
        inside = (hour >= 0) & (hour < window.hours)
        np.add.at(integral, hour[inside], values[inside] * length[inside])
        np.add.at(seconds, hour[inside], length[inside].astype(np.float64))
    return integral, seconds
