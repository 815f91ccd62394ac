"""Every kind of finding has its line, however many there are of another."""

from datetime import UTC, datetime

from contracts.forecast import Forecast, Treatment
from prestage.views.treatments import KINDS, treatment_lines

AT = datetime(2026, 3, 1, tzinfo=UTC)
GAP = "no values for 4 h from 2026-02-0{}T03:00Z: filled"
UNIT = "1000 times as large for 24 h from 2026-02-09T21:00Z: a wrong unit, divided by 1000"
ZERO = "nothing but zeros was ever seen: forecast as 0"
ENDED = "ended on 2026-01-27T20:00Z: forecast as if it went on, 2.1 times as wide"


def lines(*found: tuple[str, str]) -> list[str]:
    given = {"environment": "dev", "origin": AT, "made_at": AT, "seconds": 1.0, "series": (), "history_digest": "x"}
    treatments = tuple(Treatment(series=series, what=what, hours=1) for series, what in found)
    return treatment_lines(Forecast(**given, values_file="x", values_digest="x", treatments=treatments))


def test_nothing_is_told_where_nothing_was_treated():
    assert lines() == []


def test_what_was_found_once_is_told_before_what_was_found_often():
    gaps = [(f"traffic:a->{at}", GAP.format(1 + at % 9)) for at in range(40)]
    told = "\n".join(lines(*gaps, ("traffic:x->y", UNIT), ("traffic:y->z", ENDED), ("cpu:x", ZERO), ("cpu:y", ZERO)))
    assert "treated: 44" in told
    for line in (f"traffic:x->y: {UNIT}", f"traffic:y->z: {ENDED}", f"cpu:x: {ZERO} (and 1 more like it)"):
        assert line in told
    assert (
        told.index(UNIT)
        < told.index(ZERO)
        < told.index("no values for 4 h from 2026-02-01T03:00Z: filled (and 39 more")
    )


def test_of_very_many_kinds_it_is_said_how_many_are_left():
    kinds = [(f"cpu:{letter}", f"a finding of kind {letter}") for letter in "abcdefghijklmno"]
    told = lines(*kinds)
    assert f"and 3 more, of {len(kinds) - KINDS} other kinds" in told[-1] and len(told) == KINDS + 3
