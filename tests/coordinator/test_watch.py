"""Watching: when it looks again, what counts as news, and that a look that fails does not end it."""

from datetime import UTC, datetime

import pytest

from contracts.drift import Difference, DriftClass, DriftReport
from coordinator.errors import Busy
from coordinator.metrics import drift_metrics
from coordinator.watch import LONGEST_WAIT, Look, watch

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


def report(*classes, minute=0):
    differences = tuple(
        Difference(
            key=f"fra/network/{number}",
            place="fra",
            field="*",
            last_applied=None,
            live="present",
            wanted=None,
            drift_class=drift_class,
            why="because",
        )
        for number, drift_class in enumerate(classes)
    )
    return DriftReport(environment="dev", read_at=NOW.replace(minute=minute), differences=differences)


def watched(*answers):
    """Every look and every wait of a watch that is given these answers."""
    heard: list[Look] = []
    waits: list[float] = []
    left = list(answers)

    def look():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watch(look, heard.append, waits.append, every_s=60, looks=len(answers))
    return heard, waits


def test_only_what_changed_is_news():
    heard, waits = watched(report(), report(minute=1), report(DriftClass.HARMFUL), report(DriftClass.HARMFUL), report())
    assert [look.news for look in heard] == [True, False, True, False, True]
    assert waits == [60] * 4
    assert [look.number for look in heard] == [1, 2, 3, 4, 5]


def test_a_look_that_fails_is_told_and_tried_again_later_each_time():
    heard, waits = watched(report(), *[Busy("an apply runs")] * 5, report(), report())
    assert [look.report is None for look in heard] == [False, *[True] * 5, False, False]
    assert [look.news for look in heard] == [True, True, *[False] * 4, True, False]
    assert waits == [60, 120, 240, 480, 60 * LONGEST_WAIT, 60 * LONGEST_WAIT, 60]


def test_what_is_no_failure_of_ours_ends_it():
    with pytest.raises(ZeroDivisionError):
        watched(ZeroDivisionError())


def test_metrics_have_every_class_zeros_included():
    lines = drift_metrics(report(DriftClass.HARMFUL, DriftClass.HARMFUL, DriftClass.UNKNOWN)).splitlines()
    values = {line.split("class=")[1].split('"')[1]: line.split()[-1] for line in lines if "class=" in line}
    assert values == {"benign": "0", "expected": "0", "foreign": "0", "harmful": "2", "unknown": "1"}
    assert lines[-1] == f'prestage_drift_read_timestamp_seconds{{environment="dev"}} {NOW.timestamp():.0f}'
