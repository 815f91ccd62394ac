"""Covering vCPUs and memory by whole instances in closed form: the prices that prove a bound, and a cheap choice.

The programme is: minimise price n with vcpu n >= V, memory n >= M, n >= 0. It has two rows, so that two shapes are
enough for parts of instances, and its dual has two prices.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np

from contracts.capacity import Shape
from planner.sites import Amount

Offers = Sequence[tuple[Shape, float]]
"""Shapes, and USD per hour of one."""

HALVINGS = 100
"""Of the dual price of a vCPU: beyond what a float can tell apart."""

LIKELY = 8
"""Shapes that are looked at: so many of the cheapest by what they give, and some at either end of memory a vCPU."""

MOST_TRIED = 64
"""Counts of the first shape of a pair that are tried."""


def covering_duals(offers: Offers, wanted: Amount) -> tuple[float, float]:
    """USD per hour of one more vCPU and GiB where so much of both must be covered; 0 where nothing is sold.

    The dual: maximise V y + M z with vcpu y + memory z <= price for every shape. For a given y the best z is the least
    of (price - vcpu y) / memory, which makes the objective concave in y, so that halving finds its top.
    """
    if not offers:
        return 0.0, 0.0
    vcpu, memory, price = _columns(offers)
    low, high = 0.0, float((price / vcpu).min())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        binding = int(np.argmin((price - vcpu * middle) / memory))
        rises = wanted.vcpu - wanted.memory_gib * float(vcpu[binding] / memory[binding])
        low, high = (middle, high) if rises >= 0 else (low, middle)
    of_memory = float(((price - vcpu * low) / memory).min()) if wanted.memory_gib > 0 else 0.0
    return low, max(0.0, of_memory)


def cheapest_cover(offers: Offers, wanted: Amount, room: Amount) -> Mapping[str, int] | None:
    """Counts of one or two shapes that cover an amount and fit within some room; nothing where none of them do."""
    if not wanted:
        return {}
    likely = _likely(offers, wanted)
    found = (_pair(first, second, wanted, room) for first, second in permutations(likely, 2))
    alone = (_pair(only, only, wanted, room) for only in likely)
    best = min((item for item in (*alone, *found) if item is not None), key=lambda item: item[0], default=None)
    return None if best is None else {name: count for name, count in best[1].items() if count}


def _pair(
    first: tuple[Shape, float], second: tuple[Shape, float], wanted: Amount, room: Amount
) -> tuple[float, dict[str, int]] | None:
    """USD per hour and counts of the cheapest mix of two shapes; of one alone where they are the same."""
    (one, usd), (other, other_usd) = first, second
    most = 0 if one is other else wanted.instances(one)
    counts = np.unique(np.linspace(0, most, min(most, MOST_TRIED) + 1).round())
    rest = np.maximum(
        (wanted.vcpu - counts * one.vcpu) / other.vcpu, (wanted.memory_gib - counts * one.memory_gib) / other.memory_gib
    )
    others = np.maximum(np.ceil(rest - 1e-9), 0.0)
    fits = counts * one.vcpu + others * other.vcpu <= room.vcpu + 1e-9
    fits &= counts * one.memory_gib + others * other.memory_gib <= room.memory_gib + 1e-9
    if not fits.any():
        return None
    price = np.where(fits, counts * usd + others * other_usd, math.inf)
    at = int(np.argmin(price))
    found = {one.name: int(counts[at])}
    found[other.name] = int(others[at])
    return float(price[at]), found


def _likely(offers: Offers, wanted: Amount) -> list[tuple[Shape, float]]:
    """The offers that are worth most of what they cost, the cheapest, and those with least and most memory a vCPU."""
    if len(offers) <= LIKELY:
        return list(offers)
    vcpu, memory, price = _columns(offers)
    of_vcpu, of_memory = covering_duals(offers, wanted)
    orders = (price / np.maximum(of_vcpu * vcpu + of_memory * memory, 1e-12), price, memory / vcpu, -memory / vcpu)
    sizes = (LIKELY, 2, 2, 2)
    chosen = {at for order, size in zip(orders, sizes, strict=True) for at in np.argsort(order, kind="stable")[:size]}
    return [offers[at] for at in sorted(chosen)]


def _columns(offers: Offers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = np.array([(shape.vcpu, shape.memory_gib, usd) for shape, usd in offers], dtype=np.float64)
    return rows[:, 0], rows[:, 1], rows[:, 2]
