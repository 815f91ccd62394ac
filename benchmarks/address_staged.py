"""/20s out of a pool that is 90 % full, where requests are answered from staged blocks, of which no end is known.

Every `every` hours a plan puts up what lacks of a stock: the planner's depth for so many hours at the rate at which a
full pool lets requests in. A request takes a staged block of its length, the lowest, as the coordinator does; where
there is none, one is carved for it, its end known. What is staged counts as full. A failure is a request for which
there are addresses enough and neither a staged block nor room for one. Three ways to place what is staged are scored:

- `still`: it lies where it was put;
- `moved`: each plan also moves what nobody has, where `Buddies.better` says that it pays;
- `chosen`: so, and a request takes the staged block of its length of which the place costs least, as its end is known
  then. The coordinator does not do that: it shows what it would bring.
"""

import heapq
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from benchmarks.address_places import LARGEST, MEAN_HOURS, UNIT, WARM
from benchmarks.address_year import MEDIAN_HOURS, SHARES, SIGMA
from planner.address_stock.buddies import Buddies
from planner.address_stock.depth import Expected, blocks_worth_having
from planner.address_stock.lengths import LONG_STAY

RATE = 8.1
"""Requests an hour that a /14 which is kept 90 % full lets in."""

PRICE = 5e-5
"""Misses an address and hour: the middle one of `benchmarks.addresses`."""

DISPERSION = 0.1


class Way(StrEnum):
    """How what is staged is placed."""

    STILL = "still"
    MOVED = "moved"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How plans stage.

    Attributes:
        every: hours between plans.
        way: how what is staged is placed.
        most: staged blocks in all.
        reserve: blocks of the largest length that always stand ready, whatever they are worth.
    """

    every: float
    way: Way
    most: int | None = None
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Staging:
    """How it went: shares of the requests of a length, of all requests, of the pool, and a request."""

    failed: dict[int, float]
    from_stock: float
    staged: float
    put_up: float


@dataclass(slots=True)
class Stock:
    """A pool, and the blocks that stand ready in it, by order.

    Attributes:
        targets: blocks of each order that a plan puts up.
        put_up: blocks put up so far, moved ones included.
    """

    pool: Buddies
    targets: list[int]
    way: Way
    ready: list[list[int]] = field(default_factory=lambda: [[] for _ in SHARES])
    put_up: int = 0

    @property
    def units(self) -> int:
        return sum(len(starts) << order for order, starts in enumerate(self.ready))

    def plan(self, now: float) -> None:
        """Puts up what lacks, and moves what lies badly; what was moved goes once all is there."""
        until, left = now + LONG_STAY * MEAN_HOURS, list[tuple[int, int]]()
        for order in range(LARGEST, -1, -1):
            starts = self.ready[order]
            for at, start in enumerate(starts):
                better = None if self.way is Way.STILL else self.pool.better(start, order, until, now)
                if better is not None:
                    left.append((start, order))
                    starts[at] = better
                    self.put_up += 1
            for _ in range(self.targets[order] - len(starts)):
                found = self.pool.take(order, until, now)
                if found is None:
                    break
                self._end(found, order, now)
                starts.append(found)
                self.put_up += 1
        for start, order in left:
            self.pool.release(start, order, now)

    def give(self, order: int, until: float, now: float) -> int | None:
        """A staged block for a request that is known to end."""
        starts = self.ready[order]
        if not starts:
            return None
        if self.way is Way.CHOSEN:
            start = min(starts, key=lambda at: (self.pool.price(at, order, until, now), at))
        else:
            start = min(starts)
        starts.remove(start)
        self._end(start, order, until)
        return start

    def _end(self, start: int, order: int, until: float) -> None:
        self.pool.release(start, order)
        self.pool.take_at(start, order, until)


def run_staged(pool: int, setting: Setting, *, requests: int, seed: int) -> Staging:
    """Keeps a pool (its prefix length) 90 % full with so many requests, answered from what is staged.

    Args:
        pool: prefix length.
        setting: how plans stage.
        requests: in all; the first third fills the pool.
        seed: of lengths and holding times.
    """
    source = np.random.default_rng(seed)
    orders = source.choice(len(SHARES), size=requests, p=SHARES / SHARES.sum()).tolist()
    stays = (MEDIAN_HOURS * np.exp(SIGMA * source.standard_normal(requests))).tolist()
    total = 1 << (UNIT - pool)
    stock = Stock(Buddies(UNIT - pool, LARGEST), _targets(total, setting), setting.way)
    used, now, planned, ends = 0, 0.0, 0.0, list[tuple[float, int, int, int]]()
    asked, failed, from_stock, staged = np.zeros(len(SHARES)), np.zeros(len(SHARES)), 0, 0
    for index, order in enumerate(orders):
        while used + stock.units + (1 << order) > 0.9 * total:
            now, _, start, ended = heapq.heappop(ends)
            stock.pool.release(start, ended, now)
            used -= 1 << ended
            if now >= planned:
                stock.plan(now)
                planned = now + setting.every
        until = now + stays[index]
        ready = stock.give(order, until, now)
        found = stock.pool.take(order, until, now) if ready is None else ready
        if index >= requests * WARM:
            asked[order] += 1
            failed[order] += found is None
            from_stock += ready is not None
            staged += stock.units
        if found is not None:
            used += 1 << order
            heapq.heappush(ends, (until, index, found, order))
    counted = int(asked.sum())
    shares = {UNIT - order: float(failed[order] / asked[order]) for order in range(len(SHARES))}
    return Staging(shares, from_stock / counted, staged / counted / total, stock.put_up / requests)


def _targets(total: int, setting: Setting) -> list[int]:
    """The planner's depth for the hours between plans, at a rate in proportion to the pool.

    No more than `most` of it, those that are asked for most seldom kept; and the reserve.
    """
    expected = [RATE * total / (1 << 14) * setting.every * float(share) for share in SHARES]
    wanted = [
        blocks_worth_having(
            Expected(addresses=16 << order, before=0.0, until=mean, dispersion=DISPERSION), PRICE, setting.every
        )
        for order, mean in enumerate(expected)
    ]
    while setting.most is not None and sum(wanted) > setting.most:
        wanted[max(range(len(wanted)), key=lambda order: wanted[order] / SHARES[order])] -= 1
    wanted[LARGEST] = max(wanted[LARGEST], setting.reserve)
    return wanted
