"""Whole instances: every hour of every region at once, around what the relaxation holds.

What is committed is whole already (`RegionProgram.commit`). Beside it every hour is filled on its own: what the
relaxation takes of on demand and spot, rounded down; one instance after the other that covers most of what is still
missing for its price, by the relaxation's duals; then whatever is no longer needed goes, the dearest first. Of several
ways to do so the cheapest counts, an hour each. All hours of all regions go side by side as arrays, so that this takes
some hundred array operations. What small moves save beyond that is found by `planner.fleet.moves`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.fleet.offers import filling_types
from planner.fleet.packed import MANY
from planner.fleet.problem import NOT_OFFERED, FleetProblem, Floats, Ints
from planner.fleet.region import RegionAnswer

TOLERANCE = 1e-7
"""Share of what is needed that may be missing: below the tolerance of whoever checks (1e-6)."""

MOST_TYPES = 20
"""Types that rounding looks at in a region."""

VARIANTS = (
    (4.0, 1.0, 0.0),
    (0.0, 0.8, 0.0),
    (1.5, 1.0, 0.5),
    (1.5, 1.0, 0.75),
    (1.5, 1.0, 0.25),
)
"""Other ways to fill an hour, of which the cheapest counts: more weight of what has no price; what to start from, as a
share of what the relaxation takes, and what is added to each before it is rounded down."""

TOGETHER = 40
"""Regions whose hours are filled at once: more take memory and save no time."""

FLOOR_WEIGHT = 0.1
"""Weight of a resource that has no price at the margin, as a share of its mean price: rounding may still lack it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hours:
    """What every hour of every region needs, and what can be bought for it: R regions, H hours, n types, K resources.

    Attributes:
        types: (R, n); gives: (R, 2n, 2K) what on demand, then spot, adds to what is served, then to what is firm.
        usd: (R, 2n) per hour.
        need: (R, H, 2K); weights: (R, H, 2K) USD per unit; least: (R, 1, 2K) what they are at least.
        spot_vcpu: (R, 2n), and spot_room: (R, H) how much of it there may be.
        stock: (R, n).
        start: (R, H, 2n) what the relaxation takes.
        takes: (R, 2n, K) what one takes of the quotas, (R, K), however it is bought; both empty where there are none.
    """

    types: Ints
    gives: Floats
    usd: Floats
    need: Floats
    weights: Floats
    least: Floats
    spot_vcpu: Floats
    spot_room: Floats
    stock: Floats
    start: Floats
    takes: Floats
    quotas: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """Whole instances: committed (R, T), on demand and spot (R, T, H); and regions, (R,), where none were found."""

    counts: tuple[Ints, Ints, Ints]
    failed: NDArray[np.bool_]


def round_up(problem: FleetProblem, answers: Sequence[RegionAnswer], types: Sequence[Ints], held: Floats) -> Whole:
    """Whole instances that serve the demand and hold `held` (R, K, H) firm."""
    regions, kinds, hours = problem.regions, len(problem.gives), problem.hours
    most = max(float(problem.demand.max()), float(held.max())) / float(problem.gives[problem.gives > 0].min())
    counted = np.int32 if most < MANY else np.int64
    committed, by_hour = np.zeros((regions, kinds), counted), np.zeros((2, regions, kinds, hours), counted)
    failed = np.zeros(regions, dtype=bool)
    for first in range(0, regions, TOGETHER):
        some = np.arange(first, min(first + TOGETHER, regions))
        asked, base = _hours(problem, answers, types, held, some)
        best, least = _cheapest(asked, base)
        rows, count = some[:, None], base.shape[1]
        committed[rows, asked.types] = base
        for kind in (0, 1):
            by_hour[kind][rows, asked.types] = best[:, :, kind * count : (kind + 1) * count].transpose(0, 2, 1)
        failed[some] = np.isinf(least).any(1)
    return Whole(counts=(committed, by_hour[0], by_hour[1]), failed=failed)


def _cheapest(hours: Hours, committed: Floats) -> tuple[Floats, Floats]:
    """(R, H, 2n) counts of the cheapest way to fill each hour, and its USD by hour."""
    best, least = _filled(hours, committed)
    for weight, kept, up in VARIANTS:
        weights = hours.weights + weight * hours.least
        varied = replace(hours, weights=weights, start=hours.start * kept + up * (hours.start > 1e-6))
        found, usd = _filled(varied, committed)
        better = usd < least - 1e-12
        best[better], least[better] = found[better], usd[better]
    return best, least


def _filled(hours: Hours, committed: Floats) -> tuple[Floats, Floats]:
    """(R, H, 2n) counts that meet every hour beside what is committed, and USD by hour; infinite where none do."""
    count = committed.shape[1]
    base = np.einsum("rn,rnk->rk", committed, hours.gives[:, :count])
    counts = np.floor(hours.start)
    vcpu = hours.spot_vcpu[:, None]
    over = (counts * vcpu).sum(2) > hours.spot_room
    counts = np.where(over[..., None] & (vcpu > 0), 0.0, counts)
    free = np.maximum(hours.stock[:, None] - committed[:, None], 0)
    counts[:, :, :count] = np.minimum(counts[:, :, :count], free)
    counts[:, :, count:] = np.minimum(counts[:, :, count:], free - counts[:, :, :count])
    if hours.quotas.size:
        within = np.asarray((_quota_room(hours, committed, counts) >= 0).all(2))
        counts *= within[..., None]
    have = np.matmul(counts, hours.gives) + base[:, None]
    short = _cover(hours, counts, have, (free, committed))
    _drop(hours, counts, have)
    return counts, np.where(short, np.inf, (counts * hours.usd[:, None]).sum(2))


def _quota_room(hours: Hours, committed: Floats, counts: Floats) -> Floats:
    """(R, H, K) what is left of the quotas."""
    held = np.einsum("rn,rnk->rk", committed, hours.takes[:, : committed.shape[1]])
    slack = TOLERANCE * np.maximum(hours.quotas, 1.0)
    return np.asarray((hours.quotas + slack - held)[:, None] - np.matmul(counts, hours.takes))


def _cover(hours: Hours, counts: Floats, have: Floats, rest: tuple[Floats, Floats]) -> NDArray[np.bool_]:
    """Adds instances until every hour is met; hours that cannot be, (R, H)."""
    free, committed = rest
    count = counts.shape[2] // 2
    slack = TOLERANCE * np.maximum(hours.need, 1.0)
    failed = np.zeros(counts.shape[:2], dtype=bool)
    by_kind = np.ascontiguousarray(hours.gives.transpose(2, 0, 1))
    for _ in range(400):
        missing = np.maximum(hours.need - slack - have, 0.0)
        open_hours = np.argwhere((missing > 0).any(2) & ~failed)
        if not len(open_hours):
            break
        region, hour = open_hours.T
        gap = missing[region, hour]
        usd, weights = hours.usd[region], hours.weights[region, hour]
        gain = np.zeros_like(usd)
        for kind, each in enumerate(by_kind):  # kind by kind: sums over a short last axis take five times as long
            gain += np.minimum(each[region], gap[:, kind, None]) * weights[:, kind, None]
        left = free[region, 0] - counts[region, hour, :count] - counts[region, hour, count:]
        room = hours.spot_room[region, hour] - (counts[region, hour] * hours.spot_vcpu[region]).sum(1)
        vcpu = hours.spot_vcpu[region]
        with np.errstate(divide="ignore", invalid="ignore"):
            fits = np.where(vcpu > 0, np.floor(room[:, None] / vcpu + 1e-12), np.inf)
            most = np.minimum(np.concatenate([left, left], 1), fits)
            if hours.quotas.size:
                quota = _quota_room(hours, committed, counts)[region, hour]
                takes = hours.takes[region]
                part = np.where(takes > 0, np.floor(quota[:, None] / takes + 1e-12), np.inf)
                most = np.minimum(most, part.min(2))
            ratio = np.where((gain > 0) & (most >= 1) & (usd < NOT_OFFERED), usd / gain, np.inf)
            pick = np.argmin(ratio, axis=1)
            rows = np.arange(len(pick))
            given = hours.gives[region, pick]
            whole = np.where(given > 0, np.floor(gap / given), np.inf)
        whole[(gap <= 0) | (given <= 0)] = np.inf
        number = np.clip(whole.min(1), 1, most[rows, pick])
        dead = ~np.isfinite(ratio[rows, pick])
        failed[region[dead], hour[dead]] = True
        number = np.where(dead | ~np.isfinite(number), np.where(dead, 0, 1), number)
        counts[region, hour, pick] += number
        have[region, hour] += number[:, None] * given
    else:
        failed |= (hours.need - slack - have > 0).any(2)
    return failed


def _drop(hours: Hours, counts: Floats, have: Floats) -> None:
    """Takes away what is not needed, the dearest first."""
    slack = TOLERANCE * np.maximum(hours.need, 1.0)
    by_kind = np.ascontiguousarray(hours.gives.transpose(2, 0, 1))
    region, hour = np.nonzero((have - hours.need + slack >= 0).all(2))
    for _ in range(8):
        spare = have[region, hour] - hours.need[region, hour] + slack[region, hour]
        can = counts[region, hour] > 0
        for kind, each in enumerate(by_kind):
            can &= each[region] <= spare[:, kind, None]
        price = np.where(can, hours.usd[region], -1.0)
        pick = np.argmax(price, axis=1)
        some = price[np.arange(len(pick)), pick] > 0
        region, hour, pick = region[some], hour[some], pick[some]
        if not len(region):
            return
        counts[region, hour, pick] -= 1
        have[region, hour] -= hours.gives[region, pick]


def _hours(
    problem: FleetProblem, all_answers: Sequence[RegionAnswer], types: Sequence[Ints], held: Floats, some: Ints
) -> tuple[Hours, Floats]:
    """The arrays of some regions, each with as many types, and committed instances."""
    count = min(MOST_TYPES, *(len(types[region]) for region in some))
    answers = [all_answers[region] for region in some]
    picked = [
        _useful(problem, region, answer, types[region], count)
        for region, answer in zip(some.tolist(), answers, strict=True)
    ]
    own = np.array([types[region][at] for region, at in zip(some, picked, strict=True)])
    rows = some[:, None]
    gives, loss = problem.gives[own], problem.loss[own]
    none = np.zeros_like(gives)
    served = np.concatenate([gives, gives * (1 - loss)[..., None]], 1)
    firm = np.concatenate([gives, none], 1)
    need = np.concatenate([problem.demand[some], held[some]], 1).transpose(0, 2, 1)
    duals = np.stack([np.concatenate([answer.served, answer.firm], 1) for answer in answers])
    kinds = gives.shape[2]
    mean = duals.mean(1, keepdims=True)
    price = mean[..., :kinds] + mean[..., kinds:]
    cheapest = (problem.on_demand_usd[rows, own][..., None] / np.maximum(gives, 1e-9)).min(1) / kinds
    least = FLOOR_WEIGHT * np.maximum(price, 0.3 * cheapest[:, None])
    start = [
        np.concatenate([answer.on_demand[:, at], answer.spot[:, at]], 1)
        for answer, at in zip(answers, picked, strict=True)
    ]
    spot_vcpu = np.concatenate([np.zeros(own.shape), gives[..., 0]], 1)
    hours = Hours(
        types=own,
        gives=np.concatenate([served, firm], 2),
        usd=np.concatenate([problem.on_demand_usd[rows, own], problem.spot_cost[rows, own]], 1),
        need=need,
        weights=duals + np.concatenate([least, least], 2),
        least=np.concatenate([least, least], 2),
        spot_vcpu=spot_vcpu,
        spot_room=problem.spot_share[some, None] * problem.demand[some, 0],
        stock=np.floor(problem.stock[rows, own]),
        start=np.stack(start) + 1e-6,
        takes=np.concatenate([gives, gives], 1) if problem.quota.size else gives[:, :0],
        quotas=problem.quota[some] if problem.quota.size else problem.quota,
    )
    committed = np.stack([answer.committed[at] for answer, at in zip(answers, picked, strict=True)])
    return hours, np.round(committed)


def _useful(problem: FleetProblem, region: int, answer: RegionAnswer, types: Ints, count: int) -> Ints:
    """Positions of the types that rounding may use: those in use, most first, then the smallest."""
    if len(types) <= count:
        return np.arange(len(types))
    spent = answer.committed * problem.hours * problem.committed_usd[region, types]
    spent = spent + answer.on_demand.sum(0) * problem.on_demand_usd[region, types]
    spent = spent + answer.spot.sum(0) * problem.spot_cost[region, types]
    price = problem.on_demand_usd[region, types]
    small = np.isin(types, filling_types(problem, region))
    rank = np.where(spent > 0, 1e6 + spent, np.where(small, 1e5, 0.0) - price)
    return np.sort(np.argsort(-rank, kind="stable")[:count])
