"""/20s out of a pool that is 90 % full, and allocations a second: where blocks lie, and how fast they are placed.

The pool is kept full: requests of a year come in order, each as soon as the fill lets it in, so that the fill is 90 %
less what the next request lacks. Lengths and holding times are those of `benchmarks.address_year`; a request says how
long it stays, which holds up to a log-normal error. A failure is a request for which there are addresses enough and no
block. Best fit alone (the smallest hole, the lowest address) is written here anew and shares nothing with the planner.
"""

import heapq
import math
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.address_year import LENGTHS, MEDIAN_HOURS, SHARES, SIGMA
from planner.address_stock.buddies import Buddies
from planner.address_stock.lengths import LONG_STAY

UNIT = 28
LARGEST = UNIT - LENGTHS[-1]
MEAN_HOURS = MEDIAN_HOURS * math.exp(SIGMA**2 / 2)
WARM = 1 / 3
"""Of the requests fill the pool and are not counted."""


class Places(Protocol):
    """Where blocks lie: order, end and now (hours) in, first unit out."""

    def take(self, order: int, until: float, now: float) -> int | None: ...

    def release(self, start: int, order: int, now: float) -> None: ...


class BestFit:
    """A buddy allocator that knows nothing of time."""

    def __init__(self, order: int) -> None:
        self.free: list[set[int]] = [set() for _ in range(order)] + [{0}]

    def take(self, order: int, until: float, now: float) -> int | None:
        level = next((at for at in range(order, len(self.free)) if self.free[at]), None)
        if level is None:
            return None
        start = min(self.free[level])
        self.free[level].remove(start)
        for half in range(order, level):
            self.free[half].add(start + (1 << half))
        return start

    def release(self, start: int, order: int, now: float) -> None:
        while order < len(self.free) - 1 and start ^ (1 << order) in self.free[order]:
            self.free[order].remove(start ^ (1 << order))
            start, order = start & ~(1 << order), order + 1
        self.free[order].add(start)


@dataclass(frozen=True, slots=True)
class Placed:
    """Failures by length, as shares of that length's requests, and the mean fill."""

    failed: dict[int, float]
    fill: float


Call = tuple[int, int, float, float]
"""Order, first unit or -1 for a take, end, now."""


class Estimated:
    """The planner's places for blocks of which the end is known only once they are handed out, as of staged ones."""

    def __init__(self, order: int) -> None:
        self.places = _buddies(order)

    def take(self, order: int, until: float, now: float) -> int | None:
        start = self.places.take(order, now + LONG_STAY * MEAN_HOURS, now)
        if start is not None:
            self.places.release(start, order, now)
            self.places.take_at(start, order, until)
        return start

    def release(self, start: int, order: int, now: float) -> None:
        self.places.release(start, order, now)


class Recorder:
    """The planner's places, and every call in the order in which it was made."""

    def __init__(self, order: int) -> None:
        self.places, self.calls = _buddies(order), list[Call]()

    def take(self, order: int, until: float, now: float) -> int | None:
        self.calls.append((order, -1, until, now))
        return self.places.take(order, until, now)

    def release(self, start: int, order: int, now: float) -> None:
        self.calls.append((order, start, 0.0, now))
        self.places.release(start, order, now)


def fill_pool(places: Places, pool: int, *, requests: int, seed: int, error: float = 0.0) -> Placed:
    """Keeps a pool (its prefix length) 90 % full with so many requests."""
    source = np.random.default_rng(seed)
    orders = source.choice(len(SHARES), size=requests, p=SHARES / SHARES.sum()).tolist()
    stays = MEDIAN_HOURS * np.exp(SIGMA * source.standard_normal(requests))
    stated = (stays * np.exp(error * source.standard_normal(requests))).tolist()
    total = 1 << (UNIT - pool)
    used, now, fills = 0, 0.0, 0.0
    ends: list[tuple[float, int, int, int]] = []
    asked, failed, first = np.zeros(LARGEST + 1), np.zeros(LARGEST + 1), int(requests * WARM)
    for index, order in enumerate(orders):
        while used + (1 << order) > 0.9 * total:
            now, _, start, ended = heapq.heappop(ends)
            places.release(start, ended, now)
            used -= 1 << ended
        found = places.take(order, now + stated[index], now)
        if index >= first:
            asked[order] += 1
            failed[order] += found is None
            fills += used / total
        if found is not None:
            used += 1 << order
            heapq.heappush(ends, (now + float(stays[index]), index, found, order))
    shares = {UNIT - order: float(failed[order] / asked[order]) for order in range(LARGEST + 1)}
    return Placed(shares, fills / (requests - first))


def clean_speed(blocks: int = 200_000) -> float:
    """Allocations and releases a CPU second: so many /28s out of an empty pool, and all of them back."""
    pool = Buddies(20)
    begun = time.process_time()
    taken = [pool.take(0) for _ in range(blocks)]
    for start in taken:
        if start is not None:
            pool.release(start, 0)
    return 2 * blocks / (time.process_time() - begun)


def fragmented_speed(pool: int, requests: int, seed: int) -> float:
    """The same of all lengths at 90 % fill: the calls of a run, made again without the simulator."""
    recorder = Recorder(UNIT - pool)
    fill_pool(recorder, pool, requests=requests, seed=seed)
    again = _buddies(UNIT - pool)
    begun = time.process_time()
    for order, start, until, now in recorder.calls:
        if start < 0:
            again.take(order, until, now)
        else:
            again.release(start, order, now)
    return len(recorder.calls) / (time.process_time() - begun)


def failures(pool: int, *, requests: int, seed: int, error: float) -> tuple[Placed, Placed, Placed]:
    """Best fit alone, the planner's places, and the planner's where ends are known only once a block is handed out."""
    order = UNIT - pool
    return (
        fill_pool(BestFit(order), pool, requests=requests, seed=seed, error=error),
        fill_pool(_buddies(order), pool, requests=requests, seed=seed, error=error),
        fill_pool(Estimated(order), pool, requests=requests, seed=seed, error=error),
    )


def _buddies(order: int) -> Buddies:
    return Buddies(order, largest_asked=LARGEST)
