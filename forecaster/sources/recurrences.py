"""What repeats in a calendar (RFC 5545, 3.8.5), as its occurrences: rules by `dateutil`, exceptions and changes here.

Rules run on the wall clock of their DTSTART (`event_clocks.py`), so that 15:00 stays 15:00 when clocks change. A time
that a change skips is taken with the offset before it, one that comes twice is the first (RFC 5545, 3.3.5). DTEND gives
an exact length. Work is bounded by counts, whatever a rule says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, TypeVar

from forecaster.errors import MalformedFile
from forecaster.sources.calendars import LONGEST, CalendarReading, zone_of
from forecaster.sources.event_clocks import Clock, Length, aware, local
from forecaster.sources.rules import RuleBudget, RuleSpan, rule_starts

if TYPE_CHECKING:
    from icalendar import Calendar, Component, vRecur

_T = TypeVar("_T")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One occurrence.

    Attributes:
        component: what describes it: the event, or what changes it.
        master: the event that it is one of; none where a file has the change only.
        original: when it would have begun unchanged: its name among the others.
        start, end: dates are whole days; times without a zone are the place's own.
    """

    component: "Component"
    master: "Component | None"
    original: date | datetime
    start: date | datetime
    end: date | datetime


def occurrences(calendar: "Calendar", name: str, reading: CalendarReading) -> Iterator[Occurrence]:
    """All occurrences between `reading.since` and `reading.until`, series by series, each in order of time.

    Raises:
        MalformedFile: a rule that repeats without bound, or means nothing.
        TimeUnclear: X-WR-TIMEZONE is no time zone.
    """
    home, budget = _home(calendar, name), RuleBudget()
    by_uid: dict[str, list[Component]] = {}
    for at, component in enumerate(calendar.walk("VEVENT")):
        by_uid.setdefault(str(component.get("UID", "")).strip() or f" {at}", []).append(component)
    for components in by_uid.values():
        found = _Series.of(components, home, name).occurrences(reading, budget)
        yield from sorted(found, key=lambda occurrence: aware(occurrence.start))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Future:
    """A change of one occurrence and all later ones (RANGE=THISANDFUTURE)."""

    since: datetime
    component: "Component"
    move: timedelta
    length: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """The components of one UID."""

    master: "Component | None"
    changes: "tuple[Component, ...]"
    home: tzinfo | None
    file: str

    @classmethod
    def of(cls, components: "list[Component]", home: tzinfo | None, file: str) -> "_Series":
        """Of several with one name the one with the highest SEQUENCE counts."""
        newest: dict[date | datetime | None, Component] = {}
        for component in sorted(components, key=_sequence, reverse=True):
            identity = component.get("RECURRENCE-ID")
            newest.setdefault(None if identity is None else aware(local(identity.dt, home)), component)
        master = newest.pop(None, None)
        return cls(master=master, changes=tuple(newest.values()), home=home, file=file)

    def occurrences(self, reading: CalendarReading, budget: RuleBudget) -> Iterator[Occurrence]:
        if self.master is None:
            found = [self._change(change, self._value(change, "RECURRENCE-ID")) for change in self.changes]
        else:
            found = list(self._all(self.master, reading, budget))
        for occurrence in found:
            if aware(occurrence.start) < reading.until and reading.since < aware(occurrence.end):
                yield occurrence

    def _all(self, master: "Component", reading: CalendarReading, budget: RuleBudget) -> Iterator[Occurrence]:
        start = self._value(master, "DTSTART")
        clock, length = Clock.of(start), self._length(master)
        futures = self._futures(clock)
        reach = max([abs(future.move) + future.length.total for future in futures] + [length.total]) + 2 * _DAY
        excluded = {clock.named(at) for at in self._dates(master, "EXDATE") if not isinstance(at, tuple)}
        changed = {clock.named(self._value(change, "RECURRENCE-ID")): change for change in self.changes}
        within = RuleSpan(
            start=clock.wall(start), begin=clock.wall(reading.since) - reach, end=clock.wall(reading.until) + reach
        )
        starts, lengths = self._starts(master, clock, within, budget)
        met = set()
        for moment, original in starts.items():
            names = (moment, clock.wall(original).date())
            if excluded.intersection(names):
                continue
            name = next((name for name in names if name in changed), None)
            if name is not None:
                met.add(name)
                yield self._change(changed[name], original)
                continue
            later = next((future for future in futures if future.since < moment), None)
            own = lengths.get(moment, later.length if later else length)
            begins = clock.at(clock.wall(original) + later.move) if later else original
            yield self._occurrence(later.component if later else master, original, begins, own)
        for name, change in changed.items():
            if name not in met and name not in excluded and not self._outdated(change):
                yield self._change(change, self._value(change, "RECURRENCE-ID"))

    def _starts(
        self, master: "Component", clock: Clock, span: RuleSpan, budget: RuleBudget
    ) -> tuple[dict[datetime, date | datetime], dict[datetime, Length]]:
        """By moment, each once: DTSTART (unless UNTIL is before it), what rules say, RDATE and its lengths."""
        first = self._value(master, "DTSTART")
        starts: dict[datetime, date | datetime] = {}
        lengths: dict[datetime, Length] = {}
        rules = _listed(master.get("RRULE"))
        lasts = [last for rule in rules if (last := _until(rule))]
        if not rules or len(lasts) < len(rules) or any(clock.lets(first, last) for last in lasts):
            starts[aware(first)] = first
        for rule in rules:
            last = _until(rule)
            shorter = replace(span, end=min(span.end, clock.wall(last) + _DAY)) if last else span
            for wall in rule_starts(rule, shorter, budget, f"{self.file}, event {_told(master)}"):
                at = clock.at(wall)
                if last is None or clock.lets(at, last):
                    starts.setdefault(aware(at), at)
        for value in self._dates(master, "RDATE"):
            begins = value[0] if isinstance(value, tuple) else value
            at = clock.at(clock.wall(begins))
            starts.setdefault(aware(at), at)
            if isinstance(value, tuple):
                ends = value[1]
                lengths[aware(at)] = (
                    Length.nominal(ends) if isinstance(ends, timedelta) else Length(exact=ends - value[0])
                )
        return starts, lengths

    def _futures(self, clock: Clock) -> tuple[_Future, ...]:
        """The latest first."""
        futures = []
        for change in self.changes:
            identity = change["RECURRENCE-ID"]
            if str(identity.params.get("RANGE", "")).upper() != "THISANDFUTURE":
                continue
            start, original = self._value(change, "DTSTART"), self._value(change, "RECURRENCE-ID")
            move = clock.wall(start) - clock.wall(original)
            if Clock.of(start).days != clock.days or abs(move) > LONGEST:
                raise MalformedFile(
                    "changes all later occurrences between whole days and times, or by more than 400 days",
                    where=f"{self.file}, event {_told(change)}",
                    expected="an event of its own for those",
                )
            since = aware(clock.at(clock.wall(original)))
            futures.append(_Future(since=since, component=change, move=move, length=self._length(change)))
        return tuple(sorted(futures, key=lambda future: future.since, reverse=True))

    def _change(self, change: "Component", original: date | datetime) -> Occurrence:
        return self._occurrence(change, original, self._value(change, "DTSTART"), self._length(change))

    def _occurrence(
        self, component: "Component", original: date | datetime, start: date | datetime, length: Length
    ) -> Occurrence:
        if length.exact and not isinstance(start, datetime):
            start = datetime.combine(start, time())
        return Occurrence(
            component=component, master=self.master, original=original, start=start, end=length.after(start)
        )

    def _outdated(self, change: "Component") -> bool:
        """A change that repeats itself, older than the event, of an occurrence that the event no longer has."""
        repeats = any(name in change for name in ("RRULE", "RDATE", "EXDATE"))
        return repeats and self.master is not None and _sequence(change) < _sequence(self.master)

    def _length(self, component: "Component") -> Length:
        """RFC 5545, 3.6.1: a day for a date, nothing for a time; an hour says more."""
        start, where = self._value(component, "DTSTART"), f"{self.file}, event {_told(component)}"
        whole = not isinstance(start, datetime)
        if "DTEND" in component:
            end = self._value(component, "DTEND")
            if isinstance(end, datetime) == whole:
                raise MalformedFile("begins with a time and ends with a date, or vice versa", where=where)
            if end != start:
                return Length(days=end - start) if whole else Length(exact=aware(end) - aware(start))
        elif "DURATION" in component:
            length = getattr(component["DURATION"], "dt", None)
            if not isinstance(length, timedelta):
                raise MalformedFile("its DURATION is none", where=where, expected="such as PT2H, P1D")
            return Length.nominal(length)
        return Length(days=_DAY) if whole else Length(exact=timedelta(hours=1))

    def _value(self, component: "Component", name: str) -> date | datetime:
        at = getattr(component.get(name), "dt", None)
        if not isinstance(at, date):
            raise MalformedFile(f"has no {name}", where=f"{self.file}, event {_told(component)}", expected="a time")
        return local(at, self.home)

    def _dates(self, component: "Component", name: str) -> "Iterator[date | datetime | tuple[date, date | timedelta]]":
        for values in _listed(component.get(name)):
            for value in values.dts:
                if isinstance(value.dt, tuple):
                    begins, ends = value.dt
                    yield local(begins, self.home), local(ends, self.home) if isinstance(ends, date) else ends
                else:
                    yield local(value.dt, self.home)


def _home(calendar: "Calendar", name: str) -> tzinfo | None:
    """X-WR-TIMEZONE, not in the RFC but widely written: times in UTC and without a zone are meant in this one."""
    named = next((text for value in _listed(calendar.get("X-WR-TIMEZONE")) if (text := str(value).strip())), "")
    return zone_of(named, f"{name}, X-WR-TIMEZONE") if named else None


def _until(rule: "vRecur") -> date | datetime | None:
    at = next(iter(_listed(rule.get("UNTIL"))), None)
    return at if isinstance(at, date) else None


def _listed(value: "_T | list[_T] | None") -> "list[_T]":
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _told(component: "Component") -> str:
    return str(component.get("SUMMARY", component.get("UID", "")))[:60]


def _sequence(component: "Component") -> int:
    return int(component.get("SEQUENCE", -1))
