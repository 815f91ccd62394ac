"""Events: what an import brought, and what is known."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from contracts.events import Calendar, DemandEvent
from prestage.views.paper import dim, moment, number, plural, table, title, warn

if TYPE_CHECKING:
    from prestage.event_files import EventsKept

LONGEST = 60
"""Events listed for people; `--json` has all."""


def kept_document(kept: "Sequence[EventsKept]") -> dict[str, object]:
    """The reports as JSON."""
    return {"imports": [dataclasses.asdict(one) for one in kept]}


def kept_text(kept: "Sequence[EventsKept]") -> str:
    """A line a file: events in it, what of them was new; then what was noticed."""
    rows = [(one.file, number(one.events), number(one.new), number(one.cancelled)) for one in kept]
    notes = [warn(f"  {one.file}: {note}") for one in kept for note in one.notes]
    lines = table(rows, head=("file", "events", "new", "cancelled"), right=range(1, 4))
    return "\n".join([title("Imported"), lines, *notes])


def events_text(calendar: Calendar, known: int, now: datetime) -> str:
    """A line an event."""
    if not calendar.events:
        told = "No events known." if not known else f"None of {plural(known, 'event')} around now."
        return told + "\n" + dim("next: ") + "prestage events import league.ics --kind sports --region fra"
    head = ("when", "until", "kind", "where", "stated", "event")
    lines = [title("Events", plural(len(calendar.events), "event"))]
    lines.append(table([_row(event, now) for event in calendar.events[:LONGEST]], head=head, right=(4,)))
    if len(calendar.events) > LONGEST:
        lines.append(dim(f"  and {len(calendar.events) - LONGEST} more: --json has them all"))
    return "\n".join(lines)


def _row(event: DemandEvent, now: datetime) -> tuple[str, ...]:
    stated = f"{event.uplift - 1:+.0%}" if event.uplift is not None else "-"
    where = ",".join(event.regions) or "everywhere"
    place = f"{event.service}@{where}" if event.service else where
    cells = (moment(event.start), moment(event.end), event.kind.value, place, stated, event.name)
    return tuple(dim(cell) for cell in cells) if event.end <= now else cells
