"""JSON feeds to events: a list of objects, or an object with `events`; a sealed `Calendar` of Prestage alike."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal  # Any: JSON values, at this boundary only

from pydantic import AliasChoices, ConfigDict, Field, ValidationError

from contracts.document import Model
from contracts.errors import DocumentError
from contracts.events import Calendar, EventKind
from contracts.spelling import likely
from forecaster.errors import MalformedFile, TimeUnclear, UnknownColumn
from forecaster.sources.calendars import MAX_EVENTS, CalendarReading, EventsRead, Stated, check_regions, number_of
from forecaster.sources.calendars import settled as settle


class FeedEvent(Model):
    """One event of a feed. Times are ISO 8601; a date alone is a whole day of the place.

    Attributes:
        duration_hours: in place of `end`.
        uplift: a factor, or per cent as text: `+30%`.
        known_at: when it was announced; the moment of reading without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    id: str = Field(min_length=1, max_length=280)
    name: str = Field(default="", validation_alias=AliasChoices("name", "title", "summary"))
    kind: EventKind | None = None
    start: str
    end: str | None = None
    duration_hours: float | None = Field(default=None, gt=0, le=9600)
    regions: tuple[str, ...] = ()
    region: str = ""
    service: str = ""
    uplift: float | str | None = None
    strength: float = 1.0
    lead_hours: float = 0.0
    lag_hours: float = 0.0
    known_at: str | None = Field(default=None, validation_alias=AliasChoices("known_at", "announced_at"))
    status: Literal["confirmed", "tentative", "cancelled"] = "confirmed"


def parse_feed(payload: bytes, name: str, reading: CalendarReading) -> EventsRead:
    """All events of a JSON file.

    Raises:
        FileRefused: not JSON, cut off, an unknown key, a region that is not known.
    """
    raw = _json(payload, name)
    if isinstance(raw, dict) and raw.get("format") == Calendar.FORMAT:
        return _own_document(payload, name, reading)
    listed = raw.get("events") if isinstance(raw, dict) else raw
    if not isinstance(listed, list) or len(listed) > MAX_EVENTS:
        raise MalformedFile(
            "holds no list of events" if not isinstance(listed, list) else f"holds {len(listed)} events",
            where=name,
            expected=f"a list of at most {MAX_EVENTS} objects, or an object with such a list as `events`",
        )
    read = [_feed_event(item, f"{name}, event {index + 1}") for index, item in enumerate(listed)]
    kept = [(one, f"{name}, event {index + 1}") for index, one in enumerate(read) if one.status != "cancelled"]
    cancelled = frozenset(one.id for one in read if one.status == "cancelled")
    _check_ids([one.id for one in read], name)
    return EventsRead(
        events=tuple(event for one, place in kept for event in settle(_stated(one, place, reading), reading)),
        cancelled=cancelled,
        notes=(f"{len(cancelled)} cancelled events",) if cancelled else (),
    )


def _own_document(payload: bytes, name: str, reading: CalendarReading) -> EventsRead:
    try:
        calendar = Calendar.parse(payload.decode(), where=name)
    except DocumentError as error:
        raise MalformedFile(error.what, where=name) from error
    for event in calendar.events:
        check_regions(event.regions, reading, f"{name}, event {event.id}")
    return EventsRead(events=calendar.events)


def _json(payload: bytes, name: str) -> Any:
    try:
        return json.loads(payload.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise MalformedFile(
            f"is not JSON ({error})", where=name, next_step="the file may be cut off: fetch it again"
        ) from error


def _feed_event(item: object, place: str) -> FeedEvent:
    if not isinstance(item, dict):
        raise MalformedFile(f"is a {type(item).__name__}", where=place, expected="an object")
    try:
        return FeedEvent.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = tuple(FeedEvent.model_fields)
            raise UnknownColumn(
                f"unknown key {key!r}", where=place, expected=", ".join(known), next_step=likely(key, known)
            ) from error
        raise MalformedFile(f"{key}: {first['msg']}", where=place) from error


def _stated(one: FeedEvent, place: str, reading: CalendarReading) -> Stated:
    start = _time(one.start, place)
    end = _time(one.end, place) if one.end else None
    if end is None:
        hours = one.duration_hours or (1 if isinstance(start, datetime) else 24)
        whole = (
            start if isinstance(start, datetime) or hours % 24 == 0 else datetime(start.year, start.month, start.day)
        )
        end = _later(whole, hours, place)
        start = whole
    known = reading.known_at or (_known(one.known_at, place) if one.known_at else reading.read_at)
    return Stated(
        place=place,
        id=one.id,
        name=one.name,
        kind=one.kind or reading.kind,
        start=start,
        end=end,
        regions=one.regions or ((one.region,) if one.region else reading.where),
        service=one.service or reading.service,
        uplift=_uplift(one.uplift, place) if one.uplift is not None else reading.uplift,
        known_at=min(known, reading.read_at) if reading.known_at is None else known,
        strength=one.strength,
        lead_hours=one.lead_hours,
        lag_hours=one.lag_hours,
    )


def _uplift(uplift: float | str, place: str) -> float:
    return number_of(uplift, place) if isinstance(uplift, str) else uplift


def _later(start: date | datetime, hours: float, place: str) -> date | datetime:
    try:
        return start + timedelta(hours=hours)
    except OverflowError as error:
        raise MalformedFile(f"lasts {hours:g} hours", where=place, expected="an end before the year 9999") from error


def _time(text: str, place: str) -> date | datetime:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeUnclear(f"{text!r} is not a time", where=place, expected="2026-03-01T14:00:00Z, or a date") from error


def _known(text: str, place: str) -> datetime:
    at = _time(text, place)
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _check_ids(ids: list[str], name: str) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise MalformedFile(f"two events have the id {each!r}", where=name, expected="an id of its own for each")
        seen.add(each)
