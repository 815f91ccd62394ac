"""iCalendar (RFC 5545) to events, by the packages `icalendar` and `recurring-ical-events` (extra `events`).

`CATEGORIES` may name a kind and regions. What iCalendar has no property for is said by X-PRESTAGE-KIND, -REGIONS,
-SERVICE, -UPLIFT, -STRENGTH, -LEAD-HOURS, -LAG-HOURS, -KNOWN-AT. Known since: the last of CREATED and LAST-MODIFIED;
DTSTAMP where both are missing (RFC 5545, 3.8.7.2: with a METHOD it is only when the file was made); at the latest when
the file is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from contracts.events import DemandEvent, EventKind
from contracts.spelling import likely
from forecaster.errors import FileRefused, MalformedFile
from forecaster.sources.calendars import MAX_EVENTS, CalendarReading, EventsRead, Stated, extra_missing, number_of
from forecaster.sources.calendars import settled as settle

if TYPE_CHECKING:
    from icalendar import Calendar, Component

MAX_REPEATS = 100_000
_SECONDS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600, "DAILY": 86400, "WEEKLY": 604800}
_MONTH = 28 * 86400  # of MONTHLY and YEARLY: no rule of theirs is nearer to a bound than this
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
        masters = _masters(calendar, name)
        for component in _occurrences(calendar, name, reading):
            occurrence = _Occurrence(component=component, master=masters.get(str(component.get("UID", ""))), file=name)
            if occurrence.text("STATUS").upper() == "CANCELLED":
                cancelled.add(occurrence.id)
                continue
            events += settle(occurrence.stated(reading), reading)
            if len(events) > MAX_EVENTS:
                raise MalformedFile(f"holds more than {MAX_EVENTS} events", where=name, expected="fewer: split it")
    notes = (f"{len(cancelled)} cancelled events",) if cancelled else ()
    return EventsRead(events=tuple(events), cancelled=frozenset(cancelled), notes=notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    """One occurrence; what an override leaves out, the repeating event says."""

    component: "Component"
    master: "Component | None"
    file: str

    @property
    def id(self) -> str:
        uid = str(self.component.get("UID", "")).strip()
        recurrence = self._time("RECURRENCE-ID")
        repeats = self.master is not None and ("RRULE" in self.master or "RDATE" in self.master)
        if not uid:
            uid = f"{self.file}/{self.text('SUMMARY')}/{_stamp(self._time('DTSTART'))}"
        return f"{uid[:240]}/{_stamp(recurrence)}" if repeats and recurrence is not None else uid[:280]

    @property
    def place(self) -> str:
        return f"{self.file}, event {self.text('SUMMARY')[:60] or self.component.get('UID', '')!s}"

    def text(self, name: str) -> str:
        for component in (self.component, self.master):
            if component is not None and name in component:
                value = component[name]
                return str(value[0] if isinstance(value, list) else value).strip()
        return ""

    def stated(self, reading: CalendarReading) -> Stated:
        start, end = self._window()
        labels = self._categories()
        return Stated(
            place=self.place,
            id=self.id,
            name=self.text("SUMMARY"),
            kind=self._kind(labels, reading),
            start=start,
            end=end,
            regions=self._regions(labels, reading),
            service=self.text(_PREFIX + "SERVICE") or reading.service,
            uplift=self._number("UPLIFT") if self.text(_PREFIX + "UPLIFT") else reading.uplift,
            known_at=reading.known_at or min(self._known_at(reading.read_at), reading.read_at),
            strength=self._number("STRENGTH", 1.0),
            lead_hours=self._number("LEAD-HOURS", 0.0),
            lag_hours=self._number("LAG-HOURS", 0.0),
        )

    def _window(self) -> tuple[date | datetime, date | datetime]:
        start, end = self._time("DTSTART"), self._time("DTEND")
        if start is None:
            raise MalformedFile("has no DTSTART", where=self.place, expected="when it begins")
        if end is None and "DURATION" in self.component:
            length = getattr(self.component["DURATION"], "dt", None)
            if not isinstance(length, timedelta):
                raise MalformedFile("its DURATION is none", where=self.place, expected="such as PT2H, P1D")
            return start, start + length
        if end is None or end == start:  # RFC 5545, 3.6.1: a day for a date, nothing for a time; an hour says more
            end = start + (timedelta(hours=1) if isinstance(start, datetime) else timedelta(days=1))
        if isinstance(start, datetime) != isinstance(end, datetime):
            raise MalformedFile("begins with a time and ends with a date, or vice versa", where=self.place)
        return start, end

    def _time(self, name: str) -> date | datetime | None:
        value = self.component.get(name)
        at = getattr(value, "dt", None)
        return at if isinstance(at, date) else None

    def _categories(self) -> tuple[str, ...]:
        for component in (self.component, self.master):
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
        aware = [_aware(stamp) for stamp in stamps]
        return max(aware, default=read_at)


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


def _masters(calendar: "Calendar", name: str) -> "dict[str, Component]":
    """Repeating and single events by UID; each is checked before it is unrolled."""
    masters = {}
    for component in calendar.walk("VEVENT"):
        where = f"{name}, event {component.get('SUMMARY', component.get('UID', ''))!s:.60}"
        if component.errors:
            field, what = component.errors[0]
            raise MalformedFile(f"{field}: {what}", where=where)
        if "DTSTART" not in component:
            raise MalformedFile("has no DTSTART", where=where, expected="when it begins")
        if _backwards(component):
            raise MalformedFile("ends before it begins", where=where, expected="DTEND after DTSTART")
        if "RECURRENCE-ID" not in component:
            masters[str(component.get("UID", ""))] = component
    return masters


def _backwards(component: "Component") -> bool:
    start, end = (getattr(component.get(name), "dt", None) for name in ("DTSTART", "DTEND"))
    return isinstance(start, date) and isinstance(end, date) and _aware(end) < _aware(start)


def _occurrences(calendar: "Calendar", name: str, reading: CalendarReading) -> "Iterator[Component]":
    try:
        import recurring_ical_events  # type: ignore[import-untyped]
    except ImportError as error:
        raise extra_missing("recurring-ical-events") from error
    for component in calendar.walk("VEVENT"):
        _check_repeats(component, name, reading.until)
    try:
        yield from recurring_ical_events.of(calendar, skip_bad_series=False).between(reading.since, reading.until)
    except FileRefused:
        raise
    except Exception as error:  # the package raises what dateutil, zoneinfo and its own parsers raise
        raise _not_icalendar(name, error) from error


def _check_repeats(component: "Component", name: str, until: datetime) -> None:
    """Refuses a rule that would be unrolled without end: `FREQ=SECONDLY` from the year 1 on."""
    rules = component.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        start = getattr(component.get("DTSTART"), "dt", None)
        if not isinstance(start, date):
            raise MalformedFile("repeats from no DTSTART", where=name)
        frequency = str(rule.get("FREQ", ["DAILY"])[0]).upper()
        each = _SECONDS.get(frequency, _MONTH) * max(1, int(rule.get("INTERVAL", [1])[0]))
        times = 1
        for part in ("BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY", "BYMONTHDAY", "BYYEARDAY"):
            times *= max(1, len(rule.get(part, [])))
        if (until - _aware(start)).total_seconds() / each * times > MAX_REPEATS:
            raise MalformedFile(
                f"repeats more than {MAX_REPEATS} times ({frequency} from {start})",
                where=f"{name}, event {component.get('SUMMARY', '')!s:.60}",
                expected="a rule that begins later or repeats less often",
            )


def _not_icalendar(name: str, error: Exception) -> MalformedFile:
    told = " ".join(str(error).split())[:160]
    return MalformedFile(
        f"cannot be read as iCalendar ({told})",
        where=name,
        expected="BEGIN:VCALENDAR to END:VCALENDAR, as RFC 5545 has it",
        next_step="the file may be cut off: fetch it again",
    )


def _aware(at: date | datetime) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _stamp(at: date | datetime | None) -> str:
    return _aware(at).astimezone(UTC).strftime("%Y%m%dT%H%MZ") if at is not None else ""
