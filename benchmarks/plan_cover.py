"""Many small covering problems at once, greedily: whole machines for what is wanted, then better ones in their place.

Used by `benchmarks/plan_first_fit.py`. One problem is a region, or an hour of a region; all are worked on side by side.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.plan_problem import Floats, Ints

#: Part of what is wanted that counts as nothing.
SLIGHT = 1e-9
#: Swaps that are tried: of the type of this rank by spending, this part (0: one machine).
MOVES = tuple((rank, part) for rank in range(3) for part in (1.0, 0.0))
ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Cover:
    """B problems: cover `need` at least cost by whole counts of T types.

    `weight` and `budget` cap the sum of some measure of what is chosen (spot's share of vCPU); inf: no cap.
    """

    size: Floats  # [T, K]
    price: Floats  # [B, T]
    limit: Floats  # [B, T]
    need: Floats  # [B, K]
    weight: Floats  # [T]
    budget: Floats  # [B]

    @cached_property
    def inverse(self) -> Floats:
        """How many of a type bring one of a resource [T, K]; beyond any count where it brings none."""
        return np.divide(1.0, self.size, out=np.full_like(self.size, 1e18), where=self.size > 0)

    @property
    def capped(self) -> bool:
        return bool(np.isfinite(self.budget).any())

    def part(self, rows: Ints) -> "Cover":
        return replace(
            self, price=self.price[rows], limit=self.limit[rows], need=self.need[rows], budget=self.budget[rows]
        )

    def short(self, counts: Floats) -> Floats:
        """What is not covered yet [B, K], never below nothing; slight remains count as covered."""
        left = self.need - counts @ self.size
        return np.where(left > SLIGHT * np.maximum(1, self.need), left, 0.0)


def covered(cover: Cover) -> Floats:
    """Counts [B, T] by first-fit-decreasing and local improvement. What cannot be covered is left short."""
    return improved(cover, first_fit(cover))


def first_fit(cover: Cover) -> Floats:
    """Types in an order, the most for a dollar first, of each as many as bring no more than is lacking.

    What then remains is closed one type at a time by whatever a dollar covers most of.
    """
    counts, left, budget = np.zeros_like(cover.price), cover.limit.copy(), cover.budget.copy()
    _gone_through(cover, counts, left, budget)
    short = cover.short(counts)
    rows = np.flatnonzero(short.any(axis=1))
    while rows.size:
        lacking = short[rows]
        gain = _gain(cover, lacking)
        fits = (left[rows] >= 1) & (cover.weight <= budget[rows, None])
        score = np.where(fits, gain / cover.price[rows], 0.0)
        best = score.argmax(axis=1)
        some = score[np.arange(len(best)), best] > 0
        rows, best, lacking = rows[some], best[some], lacking[some]
        many = np.minimum(np.maximum(1.0, _fitting(cover, best, lacking)), left[rows, best])
        many = np.minimum(many, _allowed(cover, best, budget[rows]))
        counts[rows, best] += many
        left[rows, best] -= many
        budget[rows] -= many * cover.weight[best]
        short[rows] = np.maximum(lacking - many[:, None] * cover.size[best], 0.0)
        short[rows] *= short[rows] > SLIGHT * np.maximum(1, cover.need[rows])
        rows = rows[short[rows].any(axis=1)]
    return counts


def _gain(cover: Cover, lacking: Floats) -> Floats:
    """How much of what is lacking one of each type covers, as parts of it added up [B, T]."""
    part = np.divide(1.0, lacking, out=np.zeros_like(lacking), where=lacking > 0)
    gain = np.zeros((len(lacking), len(cover.size)))
    for k in range(lacking.shape[1]):
        gain += np.minimum(cover.size[:, k], lacking[:, k, None]) * part[:, k, None]
    return gain


def _gone_through(cover: Cover, counts: Floats, left: Floats, budget: Floats) -> None:
    """First fit: each type once, the most for a dollar first, as many as bring no more than is lacking."""
    wanted = np.divide(1.0, cover.need, out=np.zeros_like(cover.need), where=cover.need > 0)
    ranked = np.argsort(-(wanted @ cover.size.T) / cover.price, axis=1, kind="stable")
    rows, lacking = np.arange(len(counts)), cover.need.copy()
    for kind in ranked.T:
        many = np.minimum(_fitting(cover, kind, lacking), left[rows, kind])
        many = np.maximum(np.minimum(many, _allowed(cover, kind, budget)), 0.0)
        counts[rows, kind] += many
        left[rows, kind] -= many
        budget -= many * cover.weight[kind]
        lacking -= many[:, None] * cover.size[kind]


def _fitting(cover: Cover, kind: Ints, lacking: Floats) -> Floats:
    """How many of a type bring no more than is lacking of what they bring, of what is lacking at all."""
    size = cover.size[kind]
    ratio = np.divide(lacking, size, out=np.full_like(size, np.inf), where=(size > 0) & (lacking > 0))
    fewest = ratio.min(axis=1)
    return np.where(np.isfinite(fewest), np.floor(fewest), 0.0)


def _allowed(cover: Cover, kind: Ints, budget: Floats) -> Floats:
    weight = cover.weight[kind]
    found: Floats = np.floor(np.divide(budget, weight, out=np.full_like(budget, np.inf), where=weight > 0))
    return found


def trimmed(cover: Cover, counts: Floats) -> Floats:
    """Without machines that nothing needs, the dearest first."""
    counts = counts.copy()
    spare = counts @ cover.size - cover.need + SLIGHT * np.maximum(1, cover.need)
    rows = np.flatnonzero(counts.any(axis=1))
    spent = np.where(counts[rows] > 0, cover.price[rows], -1.0)
    for kind in np.argsort(-spent, axis=1, kind="stable")[:, : int((spent > 0).sum(axis=1).max(initial=0))].T:
        size = cover.size[kind]
        free = np.divide(spare[rows], size, out=np.full_like(size, np.inf), where=size > 0).min(axis=1)
        fewer = np.clip(np.floor(free), 0.0, counts[rows, kind])
        counts[rows, kind] -= fewer
        spare[rows] -= fewer[:, None] * size
    return counts


def improved(cover: Cover, counts: Floats, rounds: int = ROUNDS) -> Floats:
    """Local improvement: trims, then swaps one, half or all of a type for the cheapest other that does its part."""
    counts = trimmed(cover, counts)
    rows = np.arange(len(counts))
    for _ in range(rounds):
        better = np.zeros(len(rows), dtype=bool)
        for rank, part in MOVES:
            if rank >= len(cover.size):
                continue
            better |= _swapped(cover.part(rows), counts, rows, (rank, part))
        rows = rows[better]
        if not rows.size:
            break
        counts[rows] = trimmed(cover.part(rows), counts[rows])
    return counts


def _swapped(cover: Cover, counts: Floats, rows: Ints, move: tuple[int, float]) -> NDArray[np.bool_]:
    """Tries to do without a part (0: one) of the type that ranks so by spending; which problems it helped [rows]."""
    own, (rank, part) = np.arange(len(rows)), move
    without = counts[rows]
    spent = cover.price * without
    kind = np.argpartition(-spent, rank, axis=1)[:, rank] if rank else spent.argmax(axis=1)
    there = without[own, kind]
    away = np.maximum(np.ceil(there * part), np.minimum(1.0, there))
    without[own, kind] -= away
    lacking = cover.short(without)
    many = lacking[:, 0, None] * cover.inverse[:, 0]
    for k in range(1, lacking.shape[1]):
        np.maximum(many, lacking[:, k, None] * cover.inverse[:, k], out=many)
    many = np.ceil(many - SLIGHT)
    cost = many * cover.price
    cost[many > np.floor(cover.limit - without + SLIGHT)] = np.inf
    if cover.capped:
        free = cover.budget - without @ cover.weight
        cost[many * cover.weight > free[:, None] + SLIGHT] = np.inf
    best = cost.argmin(axis=1)
    better: NDArray[np.bool_] = (away > 0) & (cost[own, best] < cover.price[own, kind] * away * (1 - 1e-9))
    without[own, best] += np.where(better, many[own, best], 0.0)
    counts[rows[better]] = without[better]
    return better
