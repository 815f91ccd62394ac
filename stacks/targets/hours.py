"""The hours of a day as clouds' schedules and their labels take them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.resources import HOURS_A_DAY, ComputeSpec, Purpose
from stacks.errors import InvalidArgument

EARLY_MINUTES = 10
"""How long before its hour a larger count is asked for: instances that are there take minutes until they serve."""
HOURS_A_PART = 6  # a label of Google Cloud holds 63 characters: six counts of nine digits
PARTS = HOURS_A_DAY // HOURS_A_PART


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Hours of the day with one count.

    Attributes:
        hour: of the day in UTC, at which it begins.
        hours: how long it lasts; over midnight where the day begins as it ends.
        grows: whether the hour before has less.
    """

    hour: int
    hours: int
    count: int
    grows: bool

    @property
    def recurrence(self) -> str:
        """When it is asked for each day, in the five fields of cron."""
        if self.grows:
            return f"{60 - EARLY_MINUTES} {(self.hour - 1) % HOURS_A_DAY} * * *"
        return f"0 {self.hour} * * *"

    @property
    def seconds(self) -> int:
        """How long it is asked for."""
        return self.hours * 3600 + (EARLY_MINUTES * 60 if self.grows else 0)


def steps(by_hour: Sequence[int], *, at_most_hours: int = HOURS_A_DAY) -> Iterator[Step]:
    """A day's counts as steps, in the order of the hours at which they begin; none longer than `at_most_hours`."""
    begins = [hour for hour in range(HOURS_A_DAY) if by_hour[hour] != by_hour[hour - 1]]
    found = []
    for begin, after in zip(begins, [*begins[1:], *(hour + HOURS_A_DAY for hour in begins[:1])], strict=True):
        for hour in range(begin, after, at_most_hours):
            hours = min(at_most_hours, after - hour)
            grows = hour == begin and by_hour[begin] > by_hour[begin - 1]
            found.append(Step(hour=hour % HOURS_A_DAY, hours=hours, count=by_hour[begin], grows=grows))
    yield from sorted(found, key=lambda step: step.hour)


def spelled(by_hour: Sequence[int]) -> tuple[str, ...]:
    """A day's counts as texts, a quarter each, that labels and tags of every cloud take; none where they never vary."""
    if not by_hour:
        return ()
    starts = range(0, HOURS_A_DAY, HOURS_A_PART)
    return tuple("-".join(str(count) for count in by_hour[start : start + HOURS_A_PART]) for start in starts)


def parse(parts: Sequence[str]) -> tuple[int, ...]:
    """Counts that were spelled; none of parts that are all empty.

    Raises:
        ValueError: they are no counts.
    """
    return tuple(int(count) for part in parts for count in part.split("-")) if any(parts) else ()


def check_whole_units(spec: ComputeSpec, key: str) -> None:
    """A unit that is handed out is whole at every hour, whoever holds it.

    Raises:
        InvalidArgument: its count varies.
    """
    named = key.split("/")[2:3]
    if spec.by_hour and named in ([Purpose.STAGED], [Purpose.GRANTED]):
        raise InvalidArgument(
            f"a {named[0]} unit of compute cannot vary by hour",
            where=key,
            expected="counts by hour of what serves demand or stands by for another region",
        )
