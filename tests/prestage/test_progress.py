"""Progress in a pipeline: a line a step, throttled; a closed log does not stop the work."""

import io
import time

import pytest

from prestage.progress import LineProgress, LiveProgress, progress_on


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_short_step_is_one_line(clock):
    log = io.StringIO()
    lines = LineProgress(log)
    lines.start("forecast", total=10)
    for done in range(10):
        clock[0] += 0.125
        lines.advance("forecast", done)
    lines.finish("forecast", "10 series")
    assert log.getvalue() == "forecast: done in 1.2 s (10 series)\n"


def test_a_brief_step_is_passed_over(clock):
    log = io.StringIO()
    lines = LineProgress(log)
    lines.start("review")
    clock[0] += 0.3
    lines.finish("review")
    assert log.getvalue() == ""


def test_a_long_step_says_that_it_lives(clock):
    log = io.StringIO()
    lines = LineProgress(log)
    lines.start("apply", total=100)
    for done in range(1, 13):
        clock[0] += 1
        lines.advance("apply", done, "fra")
    assert log.getvalue().splitlines() == ["apply: 5 of 100, fra", "apply: 10 of 100, fra"]


def test_a_closed_log_is_ignored(clock):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    lines = LineProgress(Closed())
    lines.start("plan")
    lines.finish("plan")


def test_live_lines_are_for_terminals_only(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(progress_on(Terminal()), LiveProgress)
    assert isinstance(progress_on(io.StringIO()), LineProgress)


def test_live_progress_survives_steps_that_overlap():
    live = LiveProgress()
    live.start("roots", total=2)
    live.start("fra")
    live.advance("roots", 1)
    live.finish("fra")
    live.finish("roots")
    live.finish("roots")
