"""Files of events: iCalendar and JSON, what they say, what they leave out, and everything that can be wrong."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.environment import RegionSettings
from contracts.errors import PrestageError
from contracts.events import Calendar, EventKind
from forecaster.errors import FileRefused, MalformedFile, TimeUnclear, UnknownColumn, UnknownPlace
from forecaster.events.public_holidays import public_holidays
from forecaster.sources.calendars import CalendarReading, parse_events, read_events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGIONS = (("fra", "Europe/Berlin"), ("ams", "Europe/Amsterdam"), ("nyc", "America/New_York"))
READING = CalendarReading(
    regions=REGIONS, read_at=NOW, since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2026, 6, 1, tzinfo=UTC)
)

GAMES = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//league//fixtures
BEGIN:VEVENT
UID:league
SUMMARY:League day
CATEGORIES:SPORTS,fra
CREATED:20251201T000000Z
LAST-MODIFIED:20251215T080000Z
DTSTAMP:20260301T000000Z
X-PRESTAGE-UPLIFT:+40%
X-PRESTAGE-LAG-HOURS:2
DTSTART;TZID=Europe/Berlin:20260307T150000
DTEND;TZID=Europe/Berlin:20260307T170000
RRULE:FREQ=WEEKLY;COUNT=6
EXDATE;TZID=Europe/Berlin:20260314T150000
END:VEVENT
BEGIN:VEVENT
UID:league
RECURRENCE-ID;TZID=Europe/Berlin:20260321T150000
SUMMARY:League day\\, later
DTSTAMP:20260301T000000Z
DTSTART;TZID=Europe/Berlin:20260321T180000
DURATION:PT2H
END:VEVENT
BEGIN:VEVENT
UID:launch
SUMMARY:Launch
DTSTAMP:20260201T000000Z
DTSTART;VALUE=DATE:20260330
X-PRESTAGE-KIND:release
X-PRESTAGE-REGIONS:fra,nyc
X-PRESTAGE-STRENGTH:2
END:VEVENT
BEGIN:VEVENT
UID:off
STATUS:CANCELLED
SUMMARY:Off
DTSTAMP:20260201T000000Z
DTSTART:20260401T100000Z
END:VEVENT
END:VCALENDAR
"""


def ics(text: str = GAMES, **changed):
    reading = CalendarReading(**{**{name: getattr(READING, name) for name in READING.__dataclass_fields__}, **changed})
    return parse_events(text.replace("\n", "\r\n").encode(), "games.ics", reading)


def feed(value, **changed):
    reading = CalendarReading(**{**{name: getattr(READING, name) for name in READING.__dataclass_fields__}, **changed})
    return parse_events(json.dumps(value).encode(), "feed.json", reading)


def one_of(**fields):
    return {"id": "a", "start": "2026-03-07T15:00:00Z", "end": "2026-03-07T17:00:00Z", **fields}


def test_a_repeating_event_is_its_occurrences_in_local_time():
    games = [event for event in ics().events if event.id.startswith("league")]
    assert [event.start.strftime("%m-%d %H") for event in games] == [
        "03-07 14",
        "03-21 17",
        "03-28 14",
        "04-04 13",
        "04-11 13",
    ]  # one left out, one later, and summer time
    for game in games:
        assert (game.kind, game.regions, game.uplift, game.lag_hours) == (EventKind.SPORTS, ("fra",), 1.4, 2.0)
        assert game.end - game.start == timedelta(hours=2)
    assert games[1].name == "League day, later"
    assert games[0].known_at == datetime(2025, 12, 15, 8, tzinfo=UTC)  # as it stands since it was last changed
    assert games[1].known_at == datetime(2026, 3, 1, tzinfo=UTC)  # the override has a stamp only


def test_a_whole_day_is_that_of_each_place():
    launch = {event.regions: event for event in ics().events if event.id.startswith("launch")}
    assert launch["fra",].start == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert launch["nyc",].start == datetime(2026, 3, 30, 4, tzinfo=UTC)
    assert {event.end - event.start for event in launch.values()} == {timedelta(days=1)}
    assert len({event.id for event in launch.values()}) == 2
    assert all(event.strength == 2 and event.kind is EventKind.RELEASE for event in launch.values())


def test_what_is_cancelled_is_not_an_event():
    read = ics()
    assert read.cancelled == {"off"} and not [event for event in read.events if event.name == "Off"]


def test_the_command_says_what_the_file_does_not():
    bare = GAMES.replace("CATEGORIES:SPORTS,fra\n", "").replace("X-PRESTAGE-UPLIFT:+40%\n", "")
    read = ics(bare, kind=EventKind.NEWS, where=("ams",), uplift=2.0, known_at=NOW - timedelta(days=400))
    game = next(event for event in read.events if event.id.startswith("league"))
    assert (game.kind, game.regions, game.uplift) == (EventKind.NEWS, ("ams",), 2.0)
    assert game.known_at == NOW - timedelta(days=400)


def test_an_unknown_region_is_answered_with_the_likely_one():
    with pytest.raises(UnknownPlace, match="no region 'nyk'") as told:
        ics(GAMES.replace("fra,nyc", "fra,nyk"))
    assert "did you mean 'nyc'?" in str(told.value) and "Launch" in told.value.where
    with pytest.raises(UnknownPlace, match="did you mean 'ams'"):
        feed([one_of(regions=["amss"])])
    with pytest.raises(UnknownPlace, match="--region"):
        feed([], where=("amz",))


def test_a_feed_says_the_same():
    read = feed({"events": [one_of(title="Final", kind="sports", region="fra", uplift="+30%", strength=2)]})
    (event,) = read.events
    assert (event.name, event.uplift, event.regions, event.known_at) == ("Final", 1.3, ("fra",), NOW)
    (day,) = feed([{"id": "d", "start": "2026-03-30", "region": "nyc", "announced_at": "2026-01-05"}]).events
    assert day.start == datetime(2026, 3, 30, 4, tzinfo=UTC) and day.end - day.start == timedelta(days=1)
    assert day.known_at == datetime(2026, 1, 5, tzinfo=UTC)
    assert feed([one_of(status="cancelled")]).cancelled == {"a"}


def test_a_calendar_of_ours_is_read_back():
    document = Calendar().merged(ics().events)
    assert parse_events(document.sealed().encode(), "events.json", READING).events == document.events


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        ({"a": 1}, MalformedFile, "no list of events"),
        ([1], MalformedFile, "is a int"),
        ([one_of(uplft=1)], UnknownColumn, "did you mean 'uplift'"),
        ([one_of(kind="sport")], MalformedFile, "kind"),
        ([one_of(start="soon")], TimeUnclear, "'soon' is not a time"),
        ([one_of(end="2026-03-07T14:00:00Z")], MalformedFile, "an end after its beginning"),
        ([one_of(end="2029-03-07T14:00:00Z")], MalformedFile, "at most 400 days"),
        ([one_of(uplift=-1)], MalformedFile, "uplift"),
        ([one_of(uplift="much")], MalformedFile, "per cent"),
        ([one_of(strength=0)], MalformedFile, "strength"),
        ([one_of(), one_of()], MalformedFile, "two events have the id 'a'"),
        ([{"id": "a"}], MalformedFile, "start"),
        ({"format": "prestage/calendar", "version": 1, "events": [{}]}, MalformedFile, "events"),
    ],
)
def test_a_feed_that_cannot_be_right_is_refused(value, error, told):
    with pytest.raises(error, match=told):
        feed(value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("END:VCALENDAR\n", ""), "cannot be read as iCalendar"),
        (("DTSTART;VALUE=DATE:20260330", "DTSTART;VALUE=DATE:tomorrow"), "DTSTART"),
        (("DTSTART;VALUE=DATE:20260330\n", ""), "has no DTSTART"),
        (("X-PRESTAGE-KIND:release", "X-PRESTAGE-KIND:relaese"), "did you mean 'release'"),
        (("FREQ=WEEKLY;COUNT=6", "FREQ=SECONDLY"), "repeats more than"),
        (("FREQ=WEEKLY;COUNT=6", "FREQ=HOURLY;BYMINUTE=" + ",".join(map(str, range(60)))), "repeats more than"),
        (
            ("DTEND;TZID=Europe/Berlin:20260307T170000", "DTEND;TZID=Europe/Berlin:20260307T140000"),
            "ends? before|after",
        ),
        (("+40%", "lots"), "per cent"),
    ],
)
def test_a_calendar_that_cannot_be_right_is_refused(change, told):
    assert change[0] in GAMES
    with pytest.raises(FileRefused, match=told):
        ics(GAMES.replace(*change))


def test_what_is_no_calendar_is_refused(tmp_path):
    for payload in (b"", b"hello", b"\xff\xfe\x00", b"{", b"[" * 100_000, b"BEGIN:VCALENDAR\r\n"):
        with pytest.raises(FileRefused):
            parse_events(payload, "x.ics", READING)
    with pytest.raises(MalformedFile, match="cannot be read"):
        read_events(tmp_path / "none.ics", READING)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_damage_is_told_never_thrown(data):
    """Bytes of a good file changed, left out or doubled: events or a refusal, nothing else."""
    text = bytearray(GAMES.replace("\n", "\r\n").encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        match data.draw(st.sampled_from(("change", "cut", "double", "line"))):
            case "change":
                text[at] = data.draw(st.integers(0, 255))
            case "cut":
                del text[at : at + data.draw(st.integers(1, 30))]
            case "double":
                text[at:at] = text[at : at + 40]
            case "line":
                lines = bytes(text).split(b"\r\n")
                lines.insert(data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from(lines)))
                text = bytearray(b"\r\n".join(lines))
    try:
        parse_events(bytes(text), "games.ics", READING)
    except PrestageError as error:
        assert error.where


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-03-07"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "start", "end", "uplift", "regions", "duration_hours", "events"]), inner
        )
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(JSON_VALUES)
def test_any_json_is_events_or_a_refusal(value):
    try:
        parse_events(json.dumps(value).encode(), "feed.json", READING)
    except PrestageError as error:
        assert error.where


def test_restated_events_keep_what_was_believed_before():
    first = Calendar().merged(ics().events)
    assert first.merged(ics().events) == first  # imported twice is imported once
    later = NOW + timedelta(days=1)
    moved = feed([one_of(id="launch@Europe/Berlin", kind="release", region="fra")], read_at=later).events
    second = first.merged(moved)
    versions = [event for event in second.events if event.id == "launch@Europe/Berlin"]
    assert len(versions) == 2 and {event.withdrawn_at for event in versions} == {None, later}
    assert second.known_by(NOW) == first.known_by(NOW)
    assert len(second.known_by(later).events) == len(first.events)
    gone = second.without(frozenset({"launch@Europe/Berlin"}), later + timedelta(days=1))
    assert len(gone.known_by(later + timedelta(days=2)).events) == len(first.events) - 1
    assert gone.known_by(later) == second.known_by(later)


def test_public_holidays_are_those_of_each_region():
    regions = (
        RegionSettings(name="fra", country="DE-HE", timezone="Europe/Berlin"),
        RegionSettings(name="muc", country="DE-BY", timezone="Europe/Berlin"),
        RegionSettings(name="nyc", country="US", timezone="America/New_York"),
        RegionSettings(name="far"),
    )
    found = public_holidays(regions, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    days = {(event.start.date().isoformat(), event.regions) for event in found}
    assert ("2026-07-04", ("nyc",)) in days
    assert ("2026-10-02", ("fra", "muc")) in days  # 3 October begins there at 22:00 UTC
    assert ("2026-01-05", ("muc",)) in days  # Epiphany: in Bavaria, not in Hesse
    assert all(event.known_at < event.start - timedelta(days=300) for event in found)


@pytest.mark.parametrize(
    ("settings_", "told"),
    [
        ({"country": "DEE"}, "no country 'DEE'"),
        ({"country": "DE-HX"}, "DE has no 'HX'"),
        ({"country": "DE", "timezone": "Europe/Berln"}, "no time zone"),
    ],
)
def test_an_unknown_country_is_refused(settings_, told):
    with pytest.raises(UnknownPlace, match=told):
        public_holidays((RegionSettings(name="fra", **settings_),), NOW, NOW + timedelta(days=300))
