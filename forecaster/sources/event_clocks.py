"""The clock that a series of events runs on, and how long each of them takes (RFC 5545, 3.3.5 and 3.8.5.3).

Days of a length are the calendar's, so that a day stays one when clocks change; the rest of it is exact. Dates are
whole days; times without a zone are the place's own.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from forecaster.sources.calendars import LONGEST


def aware(at: date | datetime) -> datetime:
    """A moment, for comparing and naming: dates and times without a zone are taken as UTC."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def local(at: date | datetime, home: tzinfo | None) -> date | datetime:
    """A value as a calendar of the zone `home` means it: times in UTC and without a zone are its own."""
    if home is None or not isinstance(at, datetime):
        return at
    if at.tzinfo is None:
        return at.replace(tzinfo=home)
    return at.astimezone(home) if at.tzname() == "UTC" else at


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long an occurrence takes: days of the calendar, then exact time."""

    days: timedelta = timedelta()
    exact: timedelta = timedelta()

    @classmethod
    def nominal(cls, length: timedelta) -> "Length":
        """Of a DURATION."""
        return cls(days=timedelta(days=length.days), exact=length - timedelta(days=length.days))

    @property
    def total(self) -> timedelta:
        return min(abs(self.days) + abs(self.exact), LONGEST)

    def after(self, start: date | datetime) -> date | datetime:
        end = start + self.days
        if not isinstance(end, datetime) or end.tzinfo is None:
            return end + self.exact
        return (end.astimezone(UTC) + self.exact).astimezone(end.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """On which a series runs: a zone's, no zone's (`zone` is none) or whole days."""

    zone: tzinfo | None
    days: bool

    @classmethod
    def of(cls, start: date | datetime) -> "Clock":
        timed = isinstance(start, datetime)
        return cls(zone=start.tzinfo if isinstance(start, datetime) else None, days=not timed)

    def wall(self, at: date | datetime) -> datetime:
        if not isinstance(at, datetime):
            return datetime.combine(at, time())
        return at.astimezone(self.zone or UTC).replace(tzinfo=None) if at.tzinfo else at

    def at(self, wall: datetime) -> date | datetime:
        return wall.date() if self.days else wall.replace(tzinfo=self.zone)

    def named(self, at: date | datetime) -> date | datetime:
        """What EXDATE and RECURRENCE-ID mean by a value: a moment, or a day."""
        if self.days:
            return self.wall(at).date()
        return aware(self.at(self.wall(at))) if isinstance(at, datetime) else at

    def lets(self, at: date | datetime, last: date | datetime) -> bool:
        """Whether UNTIL lets it be: a date lets be its whole day; without a zone it is on the clock of the series."""
        if self.days or not isinstance(last, datetime):
            return self.wall(at).date() <= self.wall(last).date()
        return aware(at) <= aware(self.at(self.wall(last)))
