"""A year of address requests at one region, and what happens to them: the simulator that policies are scored by.

It knows nothing of the planner. Requests are Poisson with a rate that follows the hour of day (e^0.9 at 14:00, e^-0.9
at 02:00), weekends (0.35 of working days) and bursts (one a week in the mean, five times the rate, six hours in the
mean), put so that the mean is as asked. Lengths are /28 to /20 with the shares of `SHARES`, holding times log-normal
with a median of 72 h and sigma 1.4 (mean 192 h).

A request takes a free block of its length, else (where `larger`) the smallest free one up to four lengths larger,
whole, as the coordinator does; else it is a miss. What is ordered at the end of an hour is there `lead` hours later.
Idle addresses are those of free blocks, the mean of each hour's beginning and end.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

LENGTHS = tuple(range(28, 19, -1))
SIZES: Counts = np.array([1 << (32 - length) for length in LENGTHS])
SHARES: Floats = np.array([0.40, 0.22, 0.14, 0.09, 0.08, 0.03, 0.02, 0.01, 0.01])
LARGER_BY = 4
WEEK, YEAR = 168, 8736
WARM_UP = 8 * WEEK
"""Hours before the year, seen by the policies and not counted."""

MEDIAN_HOURS, SIGMA = 72.0, 1.4
BURST, BURST_HOURS, BURSTS_A_WEEK = 5.0, 6.0, 1.0

Order = Callable[[int, Counts, Counts, Counts], tuple[Counts, Counts]]
"""Hour, requests seen in it, free blocks, blocks that come in each of the next hours (lead, lengths) -> how many of
each length are put up, which are there `lead` hours later, and how many of the free ones are taken down."""


@dataclass(frozen=True, slots=True)
class Year:
    """Requests by hour and length, warm-up included, and the order of lengths within each hour.

    `rhythm` and `rates` are what is expected in each hour, without and with the bursts: no policy may know them.
    """

    counts: Counts
    sequence: tuple[tuple[int, ...], ...]
    rhythm: Floats
    rates: Floats

    @property
    def requests(self) -> int:
        return int(self.counts[WARM_UP:].sum())


@dataclass(frozen=True, slots=True)
class Score:
    """Misses of the year, mean idle addresses, and blocks put up and taken down."""

    misses: int
    idle: float
    moves: int


def make_year(rate: float, seed: int) -> Year:
    """Requests at `rate` an hour in the mean."""
    source = np.random.default_rng(seed)
    hours = np.arange(WARM_UP + YEAR)
    rhythm = np.exp(0.9 * np.cos(2 * np.pi * (hours % 24 - 14) / 24)) * np.where(hours // 24 % 7 >= 5, 0.35, 1.0)
    burst = np.ones(len(hours))
    for start in np.flatnonzero(source.random(len(hours)) < BURSTS_A_WEEK / WEEK):
        burst[start : start + 1 + int(source.exponential(BURST_HOURS))] = BURST
    burst /= 1 + (BURST - 1) * BURSTS_A_WEEK * BURST_HOURS / WEEK
    rhythm *= rate / rhythm[:WEEK].mean()
    counts = source.poisson((rhythm * burst)[:, None] * SHARES)
    sequence = tuple(tuple(source.permutation(np.repeat(np.arange(len(SIZES)), row)).tolist()) for row in counts)
    return Year(counts.astype(np.int64), sequence, rhythm, rhythm * burst)


def simulate(year: Year, order: Order, *, lead: int, larger: bool) -> Score:
    """Lets a policy order, and take down, at the end of every hour; what is taken down is gone at once."""
    free, coming = np.zeros(len(SIZES), np.int64), np.zeros((lead + 1, len(SIZES)), np.int64)
    misses, idle, moves = 0, 0.0, 0
    for hour, sequence in enumerate(year.sequence):
        free += coming[hour % (lead + 1)]
        coming[hour % (lead + 1)] = 0
        counted = hour >= WARM_UP
        begin = int(free @ SIZES)
        missed = _serve(free, sequence, LARGER_BY if larger else 0)
        if counted:
            misses += missed
            idle += (begin + int(free @ SIZES)) / 2
        up, down = order(hour, year.counts[hour], free, coming[(hour + 1 + np.arange(lead)) % (lead + 1)])
        coming[hour % (lead + 1)] = up
        free -= down
        moves += counted * int(up.sum() + down.sum())
    return Score(misses, idle / YEAR, moves)


def _serve(free: Counts, sequence: tuple[int, ...], larger_by: int) -> int:
    """Takes blocks for the requests of an hour, and says how many found none."""
    stock = free.tolist()
    missed = 0
    for length in sequence:
        for candidate in range(length, min(len(stock), length + larger_by + 1)):
            if stock[candidate]:
                stock[candidate] -= 1
                break
        else:
            missed += 1
    free[:] = stock
    return missed


def static_scores(year: Year, *, lead: int, most: int) -> tuple[Floats, Floats]:
    """Misses and mean idle addresses of every length alone, at each static target from 0 to `most`.

    Blocks are given for their own length only. Both are (lengths, most + 1).
    """
    targets = np.arange(most + 1)
    free = np.tile(targets.astype(np.int64), (len(SIZES), 1))
    coming = np.zeros((lead + 1, *free.shape), np.int64)
    misses, idle = np.zeros(free.shape), np.zeros(free.shape)
    for hour, counts in enumerate(year.counts):
        free += coming[hour % (lead + 1)]
        taken = np.minimum(free, counts[:, None])
        if hour >= WARM_UP:
            misses += counts[:, None] - taken
            idle += free - taken / 2
        free -= taken
        coming[hour % (lead + 1)] = taken
    return misses, idle / YEAR * SIZES[:, None]


def static_batch(year: Year, targets: Counts, *, lead: int) -> tuple[Floats, Floats]:
    """Misses and mean idle addresses of whole static policies (policies, lengths), larger blocks given for smaller."""
    free = targets.copy()
    coming = np.zeros((lead + 1, *free.shape), np.int64)
    misses, idle, rows = np.zeros(len(free)), np.zeros(len(free)), np.arange(len(free))
    for hour, sequence in enumerate(year.sequence):
        free += coming[hour % (lead + 1)]
        begin = free @ SIZES
        before = free.copy()
        for length in sequence:
            part = free[:, length : length + LARGER_BY + 1] > 0
            first = part.argmax(axis=1)
            found = part[rows, first]
            free[rows, length + first] -= found
            if hour >= WARM_UP:
                misses += ~found
        if hour >= WARM_UP:
            idle += (begin + free @ SIZES) / 2
        coming[hour % (lead + 1)] = before - free
    return misses, idle / YEAR
