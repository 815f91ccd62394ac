"""Repeating events: clock changes, exceptions, changes, UNTIL, and work that is bounded whatever a rule says."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import FileRefused, MalformedFile, TimeUnclear
from forecaster.sources import recurrences
from forecaster.sources.calendars import CalendarReading, parse_events
from forecaster.sources.rules import MAX_WORK, RuleBudget

READING = CalendarReading(
    regions=(("fra", "Europe/Berlin"),),
    read_at=datetime(2026, 3, 1, tzinfo=UTC),
    since=datetime(2026, 1, 1, tzinfo=UTC),
    until=datetime(2027, 1, 1, tzinfo=UTC),
    timezone="Europe/Berlin",
)
BERLIN = "DTSTART;TZID=Europe/Berlin:"


def read(*lines, changes=(), zone=""):
    bodies = [("UID:a", *lines), *(("UID:a", *change) for change in changes)]
    events = [line for body in bodies for line in ("BEGIN:VEVENT", *body, "END:VEVENT")]
    head = ["BEGIN:VCALENDAR", *([f"X-WR-TIMEZONE:{zone}"] if zone else [])]
    return parse_events("\r\n".join([*head, *events, "END:VCALENDAR", ""]).encode(), "x.ics", READING)


def starts(*lines, **more):
    return [event.start.strftime("%m%dT%H%M") for event in read(*lines, **more).events]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((BERLIN + "20260328T150000", "RRULE:FREQ=DAILY;COUNT=3"), ["0328T1400", "0329T1300", "0330T1300"]),
        ((BERLIN + "20261024T150000", "RRULE:FREQ=DAILY;COUNT=3"), ["1024T1300", "1025T1400", "1026T1400"]),
        ((BERLIN + "20260328T023000", "RRULE:FREQ=DAILY;COUNT=3"), ["0328T0130", "0329T0130", "0330T0030"]),
        ((BERLIN + "20261024T023000", "RRULE:FREQ=DAILY;COUNT=3"), ["1024T0030", "1025T0030", "1026T0130"]),
        ((BERLIN + "20260329T010000", "RRULE:FREQ=HOURLY;COUNT=4"), ["0329T0000", "0329T0100", "0329T0200"]),
        (("DTSTART:20260328T140000Z", "RRULE:FREQ=DAILY;COUNT=3"), ["0328T1400", "0329T1400", "0330T1400"]),
        (("DTSTART:20260328T150000", "RRULE:FREQ=DAILY;COUNT=2"), ["0328T1400", "0329T1300"]),
        (("DTSTART;VALUE=DATE:20260329", "RRULE:FREQ=DAILY;COUNT=2"), ["0328T2300", "0329T2200"]),
    ],
)
def test_a_rule_runs_on_the_wall_clock(lines, expected):
    assert starts(*lines) == expected


def test_an_hour_that_comes_twice_or_never_lengthens_nothing():
    rule = "RRULE:FREQ=DAILY;COUNT=3"
    for day in ("20260327", "20261023"):
        for end in (f"DTEND;TZID=Europe/Berlin:{int(day) + 1}T060000", "DURATION:PT8H"):
            lengths = {event.end - event.start for event in read(f"{BERLIN}{day}T220000", end, rule).events}
            assert {length.total_seconds() for length in lengths} == {8 * 3600}
    days = read(BERLIN + "20260328T150000", "DURATION:P1D", "RRULE:FREQ=DAILY;COUNT=2").events
    assert [(event.end - event.start).total_seconds() / 3600 for event in days] == [23, 24]


DAILY = (BERLIN + "20260326T003000", "RRULE:FREQ=DAILY;COUNT=6")
ALL = ["0325T2330", "0326T2330", "0327T2330", "0328T2330", "0329T2230", "0330T2230"]


@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ("EXDATE;TZID=Europe/Berlin:20260327T003000,20260330T003000", (1, 4)),
        ("EXDATE:20260326T233000Z", (1,)),
        ("EXDATE;TZID=America/New_York:20260326T193000", (1,)),
        ("EXDATE;VALUE=DATE:20260327", (1,)),
        ("EXDATE:20260327T003000", (1,)),
        ("EXDATE;TZID=Europe/Berlin:20260327T013000", ()),
    ],
)
def test_an_exception_names_a_moment_or_a_day(line, gone):
    assert starts(*DAILY, line) == [start for at, start in enumerate(ALL) if at not in gone]


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("20260328T233000Z", 4),
        ("20260328T232959Z", 3),
        ("20260329", 4),
        ("20260329T003000", 4),
        ("20260325T000000Z", 0),
    ],
)
def test_until_is_a_moment_a_local_time_or_a_whole_day(until, count):
    assert starts(DAILY[0], f"RRULE:FREQ=DAILY;UNTIL={until}") == ALL[:count]


def test_until_of_whole_days_and_extra_dates():
    assert len(starts("DTSTART;VALUE=DATE:20260326", "RRULE:FREQ=DAILY;UNTIL=20260328")) == 3
    assert len(starts("DTSTART;VALUE=DATE:20260326", "RRULE:FREQ=DAILY;UNTIL=20260328T000000Z")) == 3
    extra = read(*DAILY, "RDATE;VALUE=PERIOD:20260501T100000Z/PT3H", "RDATE:20260325T233000Z").events
    assert len(extra) == 7 and (extra[-1].end - extra[-1].start).total_seconds() == 3 * 3600


def test_changes_move_cancel_and_go_on():
    at = "RECURRENCE-ID;TZID=Europe/Berlin:2026032"
    moved = (at + "8T003000", BERLIN + "20260328T120000")
    off = (at + "7T003000", BERLIN + "20260327T003000", "STATUS:CANCELLED")
    found = read(*DAILY, changes=(moved, off))
    assert [event.start.strftime("%m%dT%H%M") for event in found.events] == [ALL[0], "0328T1100", *ALL[3:]]
    assert found.cancelled == {"a/20260326T2330Z"} and found.events[1].id == "a/20260327T2330Z"
    future = (at.replace("-ID", "-ID;RANGE=THISANDFUTURE") + "9T003000", BERLIN + "20260329T043000", "DURATION:PT3H")
    later = read(*DAILY, changes=(future, off)).events
    assert [event.start.strftime("%m%dT%H%M") for event in later[2:]] == ["0329T0230", "0330T0230", "0331T0230"]
    assert {(event.end - event.start).total_seconds() for event in later[2:]} == {3 * 3600}
    assert len({event.id for event in later}) == 5
    ends = read(*DAILY, changes=((*future, "STATUS:CANCELLED"),))
    assert len(ends.events) == 3 and len(ends.cancelled) == 3
    with pytest.raises(MalformedFile, match="changes all later"):
        read(*DAILY, changes=((future[0], "DTSTART;VALUE=DATE:20260329"),))


def test_a_calendar_may_name_its_zone():
    lines = ("DTSTART:20260328T140000Z", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260329T140000Z")
    assert starts(*lines, zone="Europe/Berlin") == ["0328T1400", "0329T1300"]
    with pytest.raises(TimeUnclear, match="X-WR-TIMEZONE"):
        starts(*lines, zone="Europe/Berln")


def numbers(stop):
    return ",".join(map(str, range(stop)))


@pytest.mark.parametrize(
    "rule",
    [
        *(f"FREQ={each}LY;BYMONTH=2;BYMONTHDAY=30" for each in ("YEAR", "MONTH", "WEEK", "HOUR", "MINUTE", "SECOND")),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=SECONDLY;COUNT=5;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYSETPOS=2;COUNT=3",
        f"FREQ=HOURLY;COUNT=1;BYMONTH=13;BYMINUTE={numbers(60)};BYSECOND={numbers(60)}",
        f"FREQ=DAILY;COUNT=1;BYHOUR={numbers(24)};BYMINUTE={numbers(60)};BYSECOND={numbers(60)}",
        "FREQ=DAILY;INTERVAL=2000000000",
    ],
)
@pytest.mark.parametrize("year", ["0001", "1900", "2026"])
def test_no_rule_is_looked_through_without_end(rule, year):
    begun = time.process_time()
    try:
        assert len(read(f"DTSTART:{year}0102T000000Z", f"RRULE:{rule}").events) <= 1  # DTSTART counts, if in reach
    except FileRefused as refused:
        assert "x.ics" in refused.where
    assert time.process_time() - begun < 2


def test_many_costly_rules_are_refused_together(monkeypatch):
    monkeypatch.setattr(recurrences, "RuleBudget", lambda: RuleBudget(left=MAX_WORK // 10))
    changes = [
        (f"UID:{at}", "DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY;BYSETPOS=2;INTERVAL=3600") for at in range(99)
    ]
    events = "\r\n".join(line for body in changes for line in ("BEGIN:VEVENT", *body, "END:VEVENT"))
    begun = time.process_time()
    with pytest.raises(MalformedFile, match="too much work"):
        parse_events(f"BEGIN:VCALENDAR\r\n{events}\r\nEND:VCALENDAR\r\n".encode(), "x.ics", READING)
    assert time.process_time() - begun < 2


PARTS = {
    "INTERVAL": st.integers(-1, 9999),
    "COUNT": st.integers(-1, 9999),
    "BYSETPOS": st.integers(-366, 366),
    "BYMONTH": st.integers(0, 13),
    "BYMONTHDAY": st.integers(-32, 32),
    "BYYEARDAY": st.integers(-367, 367),
    "BYWEEKNO": st.integers(-54, 54),
    "BYDAY": st.sampled_from(["MO", "5SU", "-53TU", "9FR"]),
    "BYHOUR": st.integers(0, 24),
    "BYMINUTE": st.integers(0, 60),
    "UNTIL": st.sampled_from(["20260601", "20260601T000000Z", "00010101"]),
}


@settings(max_examples=30, deadline=2000)
@given(
    st.sampled_from(["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.fixed_dictionaries({}, optional=PARTS),
    st.sampled_from(["00010101T000000Z", "20240229T013000Z", "20261231T235959Z", "99991231T235959Z"]),
)
def test_any_rule_is_events_or_a_refusal_in_time(frequency, parts, start):
    rule = ";".join([f"FREQ={frequency}", *(f"{name}={value}" for name, value in parts.items())])
    try:
        read(f"DTSTART:{start}", f"RRULE:{rule}")
    except FileRefused as refused:
        assert refused.where
