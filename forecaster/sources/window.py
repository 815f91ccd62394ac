"""Which hours are read: whole ones only, so that an hour in progress is never kept half (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

HOUR_S = 3600

Seconds: TypeAlias = NDArray[np.int64]
"""Moments, seconds since 1970."""

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Hours from `begin` until `end`, both beginnings of hours, seconds since 1970."""

    begin: int
    end: int

    @property
    def hours(self) -> int:
        return (self.end - self.begin) // HOUR_S

    @property
    def first(self) -> datetime:
        return datetime.fromtimestamp(self.begin, UTC)

    @property
    def last(self) -> datetime:
        """Right after the last hour."""
        return datetime.fromtimestamp(self.end, UTC)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%d %H:%M} to {self.last:%Y-%m-%d %H:%M} UTC"


def window_until(now: datetime, hours: int, *, since: datetime | None = None) -> Window:
    """The hours that are over by now: those from `since`, else the last `hours`."""
    end = int(now.timestamp()) // HOUR_S * HOUR_S
    begin = end - hours * HOUR_S if since is None else int(since.timestamp()) // HOUR_S * HOUR_S
    return Window(min(begin, end), end)


def window_after(read_until: datetime, now: datetime, overlap_hours: int) -> Window:
    """The hours that are over by now and were not read yet, and some before them, for data that came late."""
    return window_until(now, 0, since=min(read_until, now) - timedelta(hours=overlap_hours))


def pages(begin: int, end: int, step: int, points: int) -> Iterator[tuple[int, int]]:
    """The grid `begin, begin + step, ... end` in pieces of at most `points`: first and last moment of each."""
    reach = (points - 1) * step
    while begin <= end:
        last = min(begin + reach, end)
        yield begin, last
        begin = last + step
