"""iCalendar (RFC 5545) to events, by the package `icalendar` (extra `events`).

`CATEGORIES` may name a kind and regions. What iCalendar has no property for is said by X-PRESTAGE-KIND, -REGIONS,
-SERVICE, -UPLIFT, -STRENGTH, -LEAD-HOURS, -LAG-HOURS, -KNOWN-AT. Known since: the last of CREATED and LAST-MODIFIED;
DTSTAMP where both are missing (RFC 5545, 3.8.7.2: with a METHOD it is only when the file was made); at the latest when
the file is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from contracts.events import DemandEvent, EventKind
from contracts.spelling import likely
from forecaster.errors import FileRefused, MalformedFile
from forecaster.sources.calendars import MAX_EVENTS, CalendarReading, EventsRead, Stated, extra_missing, number_of
from forecaster.sources.calendars import settled as settle
from forecaster.sources.event_clocks import aware
from forecaster.sources.recurrences import Occurrence, occurrences

if TYPE_CHECKING:
    from icalendar import Calendar, Component

_PREFIX = "X-PRESTAGE-"


def parse_icalendar(payload: bytes, name: str, reading: CalendarReading) -> EventsRead:
    """All events of all calendars of a file, repeating ones as their occurrences.

    Raises:
        FileRefused: not iCalendar, cut off, an event that repeats without bound, a region that is not known.
        ExtraMissing: the packages are not installed.
    """
    events: list[DemandEvent] = []
    cancelled: set[str] = set()
    for calendar in _calendars(payload, name):
        for found in _unrolled(calendar, name, reading):
            occurrence = _Event(found=found, file=name)
            if occurrence.text("STATUS").upper() == "CANCELLED":
                cancelled.add(occurrence.id)
                continue
            events += settle(occurrence.stated(reading), reading)
            if len(events) > MAX_EVENTS:
                raise MalformedFile(f"holds more than {MAX_EVENTS} events", where=name, expected="fewer: split it")
    notes = (f"{len(cancelled)} cancelled events",) if cancelled else ()
    return EventsRead(events=tuple(events), cancelled=frozenset(cancelled), notes=notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One occurrence; what an override leaves out, the repeating event says."""

    found: Occurrence
    file: str

    @property
    def id(self) -> str:
        uid, master = str(self.found.component.get("UID", "")).strip(), self.found.master
        if not uid:
            uid = f"{self.file}/{self.text('SUMMARY')}/{_stamp(self.found.start)}"
        repeats = master is None or "RRULE" in master or "RDATE" in master
        return f"{uid[:240]}/{_stamp(self.found.original)}" if repeats else uid[:280]

    @property
    def place(self) -> str:
        return f"{self.file}, event {self.text('SUMMARY')[:60] or self.found.component.get('UID', '')!s}"

    def text(self, name: str) -> str:
        for component in (self.found.component, self.found.master):
            if component is not None and name in component:
                value = component[name]
                return str(value[0] if isinstance(value, list) else value).strip()
        return ""

    def stated(self, reading: CalendarReading) -> Stated:
        labels = self._categories()
        return Stated(
            place=self.place,
            id=self.id,
            name=self.text("SUMMARY"),
            kind=self._kind(labels, reading),
            start=self.found.start,
            end=self.found.end,
            regions=self._regions(labels, reading),
            service=self.text(_PREFIX + "SERVICE") or reading.service,
            uplift=self._number("UPLIFT") if self.text(_PREFIX + "UPLIFT") else reading.uplift,
            known_at=reading.known_at or min(self._known_at(reading.read_at), reading.read_at),
            strength=self._number("STRENGTH", 1.0),
            lead_hours=self._number("LEAD-HOURS", 0.0),
            lag_hours=self._number("LAG-HOURS", 0.0),
        )

    def _time(self, name: str) -> date | datetime | None:
        value = self.found.component.get(name)
        at = getattr(value, "dt", None)
        return at if isinstance(at, date) else None

    def _categories(self) -> tuple[str, ...]:
        for component in (self.found.component, self.found.master):
            if component is not None and "CATEGORIES" in component:
                return tuple(str(label).strip().lower() for label in getattr(component, "categories", ()))
        return ()

    def _kind(self, labels: tuple[str, ...], reading: CalendarReading) -> EventKind:
        said = self.text(_PREFIX + "KIND").lower()
        kinds = {kind.value: kind for kind in EventKind}
        if said and said not in kinds:
            raise MalformedFile(
                f"kind is {said!r}", where=self.place, expected=", ".join(kinds), next_step=likely(said, kinds)
            )
        return next((kinds[label] for label in (said, *labels) if label in kinds), reading.kind)

    def _regions(self, labels: tuple[str, ...], reading: CalendarReading) -> tuple[str, ...]:
        said = tuple(part.strip() for part in self.text(_PREFIX + "REGIONS").split(",") if part.strip())
        known = [name for name, _ in reading.regions]
        return said or tuple(label for label in labels if label in known) or reading.where

    def _number(self, name: str, default: float = 0.0) -> float:
        text = self.text(_PREFIX + name)
        return number_of(text, f"{self.place}, {_PREFIX}{name}") if text else default

    def _known_at(self, read_at: datetime) -> datetime:
        said = self.text(_PREFIX + "KNOWN-AT")
        if said:
            try:
                at = datetime.fromisoformat(said)
            except ValueError as error:
                raise MalformedFile(f"known at {said!r}", where=self.place, expected="2026-03-01T14:00:00Z") from error
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        stamps = [stamp for name in ("CREATED", "LAST-MODIFIED") if (stamp := self._time(name))]
        stamps = stamps or [stamp for stamp in (self._time("DTSTAMP"),) if stamp]
        moments = [aware(stamp) for stamp in stamps]
        return max(moments, default=read_at)


def _calendars(payload: bytes, name: str) -> "list[Calendar]":
    try:
        from icalendar import Calendar
    except ImportError as error:
        raise extra_missing("icalendar") from error
    try:
        found = Calendar.from_ical(payload.removeprefix(b"\xef\xbb\xbf").decode(), multiple=True)
    except UnicodeDecodeError as error:
        raise MalformedFile(f"is not UTF-8 (byte {error.start})", where=name) from error
    except Exception as error:  # the package raises what its parsers raise
        raise _not_icalendar(name, error) from error
    if not found:
        raise _not_icalendar(name, ValueError("no calendar in it"))
    return list(found)


def _check(calendar: "Calendar", name: str) -> None:
    """Refuses events that cannot be right, whether they repeat or not."""
    for component in calendar.walk("VEVENT"):
        where = f"{name}, event {component.get('SUMMARY', component.get('UID', ''))!s:.60}"
        if component.errors:
            field, what = component.errors[0]
            raise MalformedFile(f"{field}: {what}", where=where)
        if "DTSTART" not in component:
            raise MalformedFile("has no DTSTART", where=where, expected="when it begins")
        if _backwards(component):
            raise MalformedFile("ends before it begins", where=where, expected="DTEND after DTSTART")


def _backwards(component: "Component") -> bool:
    start, end = (getattr(component.get(name), "dt", None) for name in ("DTSTART", "DTEND"))
    return isinstance(start, date) and isinstance(end, date) and aware(end) < aware(start)


def _unrolled(calendar: "Calendar", name: str, reading: CalendarReading) -> Iterator[Occurrence]:
    _check(calendar, name)
    try:
        yield from occurrences(calendar, name, reading)
    except FileRefused:
        raise
    except Exception as error:  # the packages raise what dateutil, zoneinfo and their own parsers raise
        raise _not_icalendar(name, error) from error


def _not_icalendar(name: str, error: Exception) -> MalformedFile:
    told = " ".join(str(error).split())[:160]
    return MalformedFile(
        f"cannot be read as iCalendar ({told})",
        where=name,
        expected="BEGIN:VCALENDAR to END:VCALENDAR, as RFC 5545 has it",
        next_step="the file may be cut off: fetch it again",
    )


def _stamp(at: date | datetime) -> str:
    return aware(at).strftime("%Y%m%dT%H%MZ")
