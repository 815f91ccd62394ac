"""Files of events to `DemandEvent`s: iCalendar (`.ics`) and JSON. What a file does not say, the command says.

Every event carries the moment from which it was known: as the file states it, else when the file was read. Whole or
not at all; what is odd but harmless is a note.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import ValidationError

from contracts.events import DemandEvent, EventKind
from contracts.spelling import likely
from forecaster.errors import ExtraMissing, MalformedFile, TimeUnclear, UnknownPlace

MAX_BYTES = 32 << 20
MAX_EVENTS = 50_000
LONGEST = timedelta(days=400)
AGAIN = "correct the file and import it again: nothing of it was kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarReading:
    """What a file does not say of itself.

    Attributes:
        regions: names and time zones (IANA) of the environment's regions.
        read_at: when the file is read: since then at the latest its events are known.
        since, until: occurrences of repeating events that begin in between are kept.
        kind, where, service, uplift: of events that do not say; `where` empty means every region.
        timezone: of local times of events without a region; UTC without it.
        known_at: outweighs what the file says of when it was known.
    """

    regions: tuple[tuple[str, str], ...]
    read_at: datetime
    since: datetime
    until: datetime
    kind: EventKind = EventKind.OTHER
    where: tuple[str, ...] = ()
    service: str = ""
    uplift: float | None = None
    timezone: str = "UTC"
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRead:
    """Events of one file, and what was noticed on the way; `cancelled` are ids that the file says are off."""

    events: tuple[DemandEvent, ...]
    cancelled: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One event as a file states it, before its places and times are settled.

    Attributes:
        place: where in the file, for messages.
        start, end: dates are whole days of the place; times without a zone are the place's own.
        fields: what goes into `DemandEvent` as it is.
    """

    place: str
    id: str
    name: str
    kind: EventKind
    start: date | datetime
    end: date | datetime
    regions: tuple[str, ...]
    service: str
    uplift: float | None
    known_at: datetime
    strength: float = 1.0
    lead_hours: float = 0.0
    lag_hours: float = 0.0


def read_events(path: Path, reading: CalendarReading) -> EventsRead:
    """Reads an iCalendar or JSON file.

    Raises:
        FileRefused: unreadable, cut off, not of its form, a region that is not the environment's.
        ExtraMissing: `icalendar` is not installed.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise MalformedFile(
            f"cannot be read ({error.strerror})", where=str(path), next_step="name a file that is there and readable"
        ) from error
    return parse_events(payload, path.name, reading)


def parse_events(payload: bytes, name: str, reading: CalendarReading) -> EventsRead:
    """As `read_events`, of bytes; `name` tells the format where it ends in `.ics` or `.json`."""
    from forecaster.sources.event_feeds import parse_feed
    from forecaster.sources.icalendars import parse_icalendar

    if len(payload) > MAX_BYTES:
        raise MalformedFile(f"is {len(payload) >> 20} MiB", where=name, expected=f"at most {MAX_BYTES >> 20} MiB")
    check_regions(reading.where, reading, "--region")
    begins = payload.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    parse: Callable[[bytes, str, CalendarReading], EventsRead]
    parse = parse_feed if begins in (b"{", b"[") or name.lower().endswith(".json") else parse_icalendar
    return parse(payload, name, reading)


def settled(stated: Stated, reading: CalendarReading) -> tuple[DemandEvent, ...]:
    """The event; several where whole days or local times are not the same moments in all of its regions.

    Raises:
        UnknownPlace: a region that the environment does not have.
        MalformedFile: it ends before it begins, lasts too long, or a number is out of range.
    """
    check_regions(stated.regions, reading, stated.place)
    by_zone: dict[str, list[str]] = {}
    zones = dict(reading.regions)
    for region in stated.regions:
        by_zone.setdefault(zones[region] if _is_local(stated) else "UTC", []).append(region)
    groups = by_zone or {reading.timezone: []}
    return tuple(_event(stated, zone, tuple(here), len(groups) > 1) for zone, here in groups.items())


def check_regions(regions: Iterable[str], reading: CalendarReading, place: str) -> None:
    """Raises `UnknownPlace` for the first region that the environment does not have."""
    known = [name for name, _ in reading.regions]
    for region in regions:
        if region not in known:
            raise UnknownPlace(
                f"there is no region {region!r}",
                where=place,
                expected=", ".join(known[:12]) or "a region of the environment",
                next_step=likely(region, known) or AGAIN,
            )


def zone_of(name: str, place: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        TimeUnclear: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeUnclear(
            f"there is no time zone {name!r}",
            where=place,
            expected="an IANA name such as Europe/Berlin",
            next_step=likely(name, available_timezones()) or AGAIN,
        ) from error


def extra_missing(package: str) -> ExtraMissing:
    """What is said where an optional package is not installed."""
    return ExtraMissing(f"{package} is not installed", where="events", next_step="pip install 'prestage[events]'")


def number_of(text: str, place: str) -> float:
    """A factor: `1.3`, or in per cent on top: `+30%`, `-20 %`.

    Raises:
        MalformedFile: neither.
    """
    bare = text.strip()
    try:
        return 1 + float(bare.removesuffix("%")) / 100 if bare.endswith("%") else float(bare)
    except ValueError as error:
        raise MalformedFile(f"uplift is {text!r}", where=place, expected="a factor, 1.3, or per cent, +30%") from error


def _event(stated: Stated, zone: str, regions: tuple[str, ...], several: bool) -> DemandEvent:
    start, end = (_moment(at, zone_of(zone, stated.place)) for at in (stated.start, stated.end))
    if not timedelta(0) < end - start <= LONGEST:
        raise MalformedFile(
            f"lasts from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}",
            where=stated.place,
            expected=f"an end after its beginning, at most {LONGEST.days} days later",
        )
    try:
        return DemandEvent(
            id=f"{stated.id}@{zone}" if several else stated.id,
            kind=stated.kind,
            name=stated.name[:300],
            start=start,
            end=end,
            regions=tuple(sorted(set(regions))),
            service=stated.service,
            uplift=stated.uplift,
            strength=stated.strength,
            lead_hours=stated.lead_hours,
            lag_hours=stated.lag_hours,
            known_at=stated.known_at.astimezone(UTC),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise MalformedFile(f"{first['loc'][0]}: {first['msg']}", where=stated.place) from error


def _is_local(stated: Stated) -> bool:
    return any(not isinstance(at, datetime) or at.tzinfo is None for at in (stated.start, stated.end))


def _moment(at: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise MalformedFile(f"{at} is no moment", expected="a time between the years 1 and 9999") from error
