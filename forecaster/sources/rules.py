"""Recurrence rules (RFC 5545, 3.3.10) to wall-clock times, by `dateutil.rrule`, in bounded work.

`dateutil` looks for the next match until the year 9999, which takes seconds for a rule that never matches and for ever
for some. It adds the rule's INTERVAL once for every period that it looks at, so an INTERVAL that counts stops it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from forecaster.errors import MalformedFile

if TYPE_CHECKING:
    from icalendar import vRecur

MAX_REPEATS = 100_000
MAX_WORK = 4_000_000  # of one file: times listed, a step as 8, four days looked through as 1: some seconds
_MAX_INTERVAL = 100_000
_MAX_VALUES = 800  # of one part: BYYEARDAY has 732
_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
_DAYS = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYEASTER")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """Of a FREQ: its least length in seconds, the days in it, and the parts that name several times in it."""

    seconds: int
    days: int
    times: tuple[str, ...]


_PERIODS = {
    "SECONDLY": _Period(seconds=1, days=1, times=()),
    "MINUTELY": _Period(seconds=60, days=1, times=_TIMES[2:]),
    "HOURLY": _Period(seconds=3600, days=1, times=_TIMES[1:]),
    "DAILY": _Period(seconds=86_400, days=1, times=_TIMES),
    "WEEKLY": _Period(seconds=7 * 86_400, days=7, times=_TIMES),
    "MONTHLY": _Period(seconds=28 * 86_400, days=31, times=_TIMES),
    "YEARLY": _Period(seconds=365 * 86_400, days=366, times=_TIMES),
}


@dataclass(slots=True, kw_only=True)
class RuleBudget:
    """What is left of the work that the rules of one file may take."""

    left: int = MAX_WORK

    def spend(self, work: int, where: str) -> None:
        """Raises `MalformedFile` when nothing is left."""
        self.left -= work
        if self.left < 0:
            raise MalformedFile(
                "its rules are too much work", where=where, expected="rules that begin later, or fewer: split the file"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpan:
    """From where a rule counts, and between which its times are wanted; earlier ones may come. Without a zone."""

    start: datetime
    begin: datetime
    end: datetime


def rule_starts(rule: "vRecur", span: RuleSpan, budget: RuleBudget, where: str) -> Iterator[datetime]:
    """Times of a rule, in order; COUNT is heeded, UNTIL is the caller's.

    Raises:
        MalformedFile: more than `MAX_REPEATS` occurrences, values that no rule has, or too much work.
    """
    from dateutil.rrule import rrulestr

    parts = {str(name).upper(): tuple(dict.fromkeys(values)) for name, values in rule.items()}
    frequency, interval = _checked(parts, where)
    period = _PERIODS[frequency]
    count = next((int(value) for value in parts.get("COUNT", ()) if int(value) >= 0), None)
    if span.start > span.end:
        return
    start = span.start if count is not None else _nearer(span, period, interval)
    periods = int((span.end - start).total_seconds() / period.seconds / interval) + 2
    times = period.days if any(part in parts for part in _DAYS) else 1
    for part in period.times:
        times *= max(1, len(parts.get(part, ())))
    if max(times, periods * times if count is None else min(periods * times, count)) > MAX_REPEATS:
        raise _too_often(f"repeats more than {MAX_REPEATS} times", frequency, span.start, where)
    steps = min(2 * periods, 2 * MAX_REPEATS)
    months = period.seconds * interval // (28 * 86_400)  # that it leaps over one by one
    each = 8 + (period.days // 4 + 1) * max(1, len(parts.get("BYSETPOS", ()))) + months + times
    budget.spend(min(periods, steps) * each, where)
    spelled = ";".join(
        f"{name}={','.join(map(str, values))}"
        for name, values in parts.items()
        if name not in ("UNTIL", "COUNT", "INTERVAL")
    )
    made = rrulestr(spelled, dtstart=start)
    counting = _Steps(interval)
    counting.left = steps
    try:
        yield from takewhile(lambda at: at <= span.end, made.replace(interval=counting, count=count))
    except _StepsTaken:
        if steps < 2 * periods:
            told = f"is looked through more than {MAX_REPEATS} times"
            raise _too_often(told, frequency, span.start, where) from None


def _nearer(span: RuleSpan, period: _Period, interval: int) -> datetime:
    """A start that gives the same times from `begin` on: whole intervals later, where there is one."""
    leaps = int((span.begin - span.start).total_seconds() / period.seconds / interval) - 1
    if period.days < 31:
        return span.start + max(0, leaps) * interval * timedelta(seconds=period.seconds)
    yearly = period.days == 366
    leaps -= leaps // (1000 if yearly else 10)  # the least length was counted: leap days, 28 of 30.4 days
    months = max(0, leaps) * interval * (12 if yearly else 1)
    if span.start.day > 28:
        return span.start
    years, month = divmod(span.start.month - 1 + months, 12)
    return span.start.replace(year=span.start.year + years, month=month + 1)


def _too_often(told: str, frequency: str, start: datetime, where: str) -> MalformedFile:
    expected = "a rule that begins later or repeats less often"
    return MalformedFile(f"{told} ({frequency} from {start})", where=where, expected=expected)


def _checked(parts: dict[str, tuple[object, ...]], where: str) -> tuple[str, int]:
    frequency = str(next(iter(parts.get("FREQ", ())), "")).upper()
    if frequency not in _PERIODS:
        raise MalformedFile(f"repeats with FREQ={frequency}", where=where, expected=", ".join(_PERIODS))
    interval = int(str(next(iter(parts.get("INTERVAL", ())), 1)))
    if not 1 <= interval <= _MAX_INTERVAL:
        raise MalformedFile(f"repeats with INTERVAL={interval}", where=where, expected=f"1 to {_MAX_INTERVAL}")
    for name, values in parts.items():
        if len(values) > _MAX_VALUES:
            raise MalformedFile(f"{name} has {len(values)} values", where=where, expected=f"at most {_MAX_VALUES}")
    return frequency, interval


class _StepsTaken(Exception):
    """Every period until the end has been looked at."""


class _Steps(int):
    """An INTERVAL that counts how often a rule goes on by it."""

    left: int = 0

    def __radd__(self, other: int) -> int:
        self._take()
        return other + int(self)

    def __mul__(self, other: int) -> int:  # weeks: INTERVAL * 7 days
        self._take()
        return int(self) * other

    def _take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _StepsTaken
