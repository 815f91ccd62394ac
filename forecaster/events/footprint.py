"""Where an event touches a panel: which series, which steps, and which part of the event a step is (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from contracts.events import DemandEvent
from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.panel import Panel, Steps, length_of

LEAD, LAG, CORE, FIRST_PART = 0, 1, 2, 3
"""Parts of an event, each with an effect of its own. One of `LONG_HOURS` or more has no core but parts of three hours
of the day, counted from its beginning: a holiday's morning is not its evening."""

PART_HOURS, DAY_HOURS = 3, 24
PARTS = FIRST_PART + DAY_HOURS // PART_HOURS
LONG_HOURS = 20
REACH = 3  # steps before and after that are looked at, whatever was stated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Footprint:
    """One event on one panel.

    Attributes:
        rows: the series that it touches.
        steps: the steps, from the panel's beginning; those from its end on lie ahead.
        parts: which part of the event each step is.
    """

    event: DemandEvent
    rows: Steps
    steps: Steps
    parts: Steps

    def within(self, steps: int) -> "Footprint":
        """Only what touches the first `steps` steps."""
        inside = self.steps < steps
        return Footprint(event=self.event, rows=self.rows, steps=self.steps[inside], parts=self.parts[inside])


def footprints(events: Iterable[DemandEvent], panel: Panel, ahead: int) -> tuple[Footprint, ...]:
    """Footprints of all events that touch a series, up to `ahead` steps after the panel's end."""
    begin = panel.end - panel.steps * length_of(panel.granularity)
    cache: dict[tuple[tuple[str, ...], str], Steps] = {}
    found = []
    for event in events:
        asked = (event.regions, event.service)
        if asked not in cache:
            cache[asked] = np.flatnonzero([concerns(event, key) for key in panel.keys])
        steps, parts = _touched(event, begin, panel.granularity)
        inside = (steps >= 0) & (steps < panel.steps + ahead)
        if len(cache[asked]) and inside.any():
            found.append(Footprint(event=event, rows=cache[asked], steps=steps[inside], parts=parts[inside]))
    return tuple(found)


def concerns(event: DemandEvent, key: SeriesKey) -> bool:
    """Whether an event can touch a series: one of its regions, and not another service's."""
    here = not event.regions or bool(set(event.regions) & set(key.regions))
    return here and (not event.service or not key.service or event.service == key.service)


def is_stated_for(event: DemandEvent, key: SeriesKey) -> bool:
    """Whether its stated uplift is meant for a series: one service's is not the region's; no evening moves disks."""
    return key.kind is not SeriesKind.STORAGE and (not event.service or event.service == key.service)


def _touched(event: DemandEvent, begin: datetime, granularity: Granularity) -> tuple[Steps, Steps]:
    """Steps and their parts: a step belongs to the event when at least half of it (or of the event) does."""
    length = length_of(granularity)
    first, last = (event.start - begin) / length, (event.end - begin) / length
    nothing = np.empty(0, dtype=np.int64)
    if last <= first:
        return nothing, nothing
    candidates = np.arange(int(np.floor(first)), int(np.ceil(last)))
    overlap = np.minimum(last, candidates + 1) - np.maximum(first, candidates)
    core = candidates[overlap >= 0.5 * min(1.0, last - first)]
    if not len(core):
        return nothing, nothing
    parts = np.full(len(core), CORE)
    if granularity is Granularity.HOURLY and last - first >= LONG_HOURS:
        parts = FIRST_PART + (core - core[0]) % DAY_HOURS // PART_HOURS
    lead, lag = (_reach(hours, granularity) for hours in (event.lead_hours, event.lag_hours))
    steps = np.concatenate([core[0] - lead + np.arange(lead), core, core[-1] + 1 + np.arange(lag)])
    return steps, np.concatenate([np.full(lead, LEAD), parts, np.full(lag, LAG)])


def _reach(stated_hours: float, granularity: Granularity) -> int:
    if granularity is Granularity.DAILY:
        return round(stated_hours / DAY_HOURS)
    return max(REACH, round(stated_hours))
