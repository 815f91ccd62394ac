"""Whole instances that just fit within stock and quotas, and shares at which they do.

What a region can hold with parts of instances it may not be able to hold with whole ones. It then buys on its own, hour
by hour; where that does not do either, it is asked for as much less as does, and other partners carry the rest. Not
needed where there is room, and work is bounded by counts.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from planner.errors import FleetImpossible, SolverCrashed
from planner.fleet.basket import Bought, bought, buy
from planner.fleet.partners import Rechosen
from planner.fleet.problem import NOT_OFFERED, FleetProblem, Floats, Ints
from planner.fleet.region import RegionAnswer, RegionProgram
from planner.fleet.relaxed import Relaxation
from planner.fleet.shares import overfull
from planner.fleet.shift import spread
from planner.fleet.tight import until_held
from planner.fleet.whole import MOST_TYPES, round_up
from planner.model import ModelBuilder, SolveStatus
from planner.solve import solve

PARTS = (0.9, 0.75, 0.5, 0.25, 0.0)
"""Of what a region should hold for others, what is tried in turn where all of it does not fit."""

CLOSELY = 4
"""Halvings between a part that fits and the next one that does not, where coarse ones leave no shares."""

REPAIRS = 8
"""Times that regions which cannot hold what they should in whole instances are asked for less."""

Counts = tuple[Ints, Ints, Ints]
"""Committed (R, T), on demand and spot (R, T, H)."""


def fitted(
    relaxation: Relaxation, found: tuple[Floats, list[RegionAnswer]], pool: ThreadPoolExecutor
) -> tuple[Floats, list[RegionAnswer], Counts]:
    """Whole instances, and the shares and answers that they are for: those found, where whole instances hold them.

    Where no shares are left by what regions hold in parts as coarse as `PARTS`, it is looked at more closely.

    Raises:
        FleetImpossible: whole instances of some region do not even meet its own demand, or no others can carry more.
    """
    try:
        return _fitted(relaxation, found, pool, 0)
    except FleetImpossible:
        relaxation.shares.forget()
        return _fitted(relaxation, found, pool, CLOSELY)


def _fitted(
    relaxation: Relaxation, found: tuple[Floats, list[RegionAnswer]], pool: ThreadPoolExecutor, halvings: int
) -> tuple[Floats, list[RegionAnswer], Counts]:
    shares, answers = found
    for _ in range(REPAIRS):
        counts, short = _whole(relaxation, answers, relaxation.held(shares), pool)
        if not short:
            return shares, answers, counts
        held = relaxation.held(shares)
        parts = [_part(relaxation, region, held[region], halvings) for region in short]
        shares = _eased(relaxation, shares, answers, dict(zip(short, parts, strict=True)))
        shares, answers, _ = until_held(relaxation, (shares, relaxation.ask(shares, pool)), pool)
    raise _no_whole(relaxation.problem, short[0])


def _whole(
    relaxation: Relaxation, answers: list[RegionAnswer], held: Floats, pool: ThreadPoolExecutor
) -> tuple[Counts, list[int]]:
    """What the relaxation holds, made whole, and regions of which that failed; the tight ones buy on their own."""
    problem, short = relaxation.problem, []
    made = list(pool.map(lambda program: _committed(program, held[program.region]), relaxation.regions))
    whole, own = [answer for answer, _ in made], [types for _, types in made]
    found = round_up(problem, whole, own, held)
    committed, on_demand, spot = found.counts
    for region in np.flatnonzero(found.failed).tolist():
        bought = buy_whole(problem, region, (whole[region], own[region]), held[region])
        if bought is None:
            short.append(region)
        else:
            committed[region], on_demand[region], spot[region] = bought.committed, bought.on_demand, bought.spot
    return (committed, on_demand, spot), short


def _committed(program: RegionProgram, held: Floats) -> tuple[RegionAnswer, Ints]:
    """A region's answer when what is committed is whole, and the types that it is of."""
    return program.to_fill(program.commit(held), MOST_TYPES)


def _eased(relaxation: Relaxation, shares: Floats, answers: list[RegionAnswer], parts: Mapping[int, float]) -> Floats:
    """Shares at which some regions hold no more than a part of what they should, and what others may carry instead."""
    known, arcs, problem = relaxation.shares, relaxation.arcs, relaxation.problem
    held, together = relaxation.held(shares), False
    for region, part in parts.items():
        together |= _limit(relaxation, region, part * (held[region] - problem.critical[region]))
    if problem.partners.size:
        return Rechosen().shares(known, shares, np.array([*parts]), overfull(problem, shares))
    if together:
        return known.solve()
    found = shares.copy()
    for out in arcs.out:
        if (shares[out] > known.most[out]).any():
            price = [(answers[arcs.carrier[arc]].firm.T * problem.critical[arcs.lost[arc]]).sum() for arc in out]
            found[out] = spread(shares[out], known.most[out], np.array(price), known.most[out])
            if found[out].sum() < 1 - 1e-9:
                return known.solve()
    return found


def _part(relaxation: Relaxation, region: int, held: Floats, halvings: int) -> float:
    """Which part of what a region should hold for others it can hold in whole instances.

    Raises:
        FleetImpossible: none, as its own demand is too much.
    """
    too_much = 1.0
    for part in PARTS:
        if not _holds(relaxation, region, part, held):
            too_much = part
            continue
        for _ in range(halvings):
            middle = (part + too_much) / 2
            part, too_much = (middle, too_much) if _holds(relaxation, region, middle, held) else (part, middle)
        return part
    raise _no_whole(relaxation.problem, region)


def _holds(relaxation: Relaxation, region: int, part: float, held: Floats) -> bool:
    """Whether whole instances of a region hold a part of what they should, beside its own load."""
    own, program = relaxation.problem.critical[region], relaxation.regions[region]
    less = own + part * (held - own)
    return buy_whole(relaxation.problem, region, (program.solve(less), program.types), less) is not None


def _limit(relaxation: Relaxation, region: int, most: Floats) -> bool:
    """Limits the arcs into a region so that no loss brings more than `most` (K, H); whether any do together."""
    arcs, into, limit = relaxation.arcs, relaxation.arcs.into[region], np.maximum(most, 0.0)
    load = relaxation.problem.critical[arcs.lost[into]]
    with np.errstate(divide="ignore", invalid="ignore"):
        relaxation.shares.cap(into, np.asarray(np.where(load > 0, limit / load, np.inf).min((1, 2))))
    which = arcs.losses[region] if arcs.losses else np.arange(len(into))
    several = np.flatnonzero(np.bincount(which) > 1).tolist()
    for loss in several:
        some = which == loss
        counts = (load[some] > 0).any(0)
        relaxation.shares.limit(into[some], load[some][:, counts], limit[counts])
    return bool(several)


def buy_whole(problem: FleetProblem, region: int, start: tuple[RegionAnswer, Ints], held: Floats) -> Bought | None:
    """What one region buys to meet its demand and hold `held` (K, H) firm; nothing where none was found.

    Args:
        problem: prices, stock and quotas.
        region: which.
        start: what its programme takes, committed whole, and of which types.
        held: beyond what it serves.
    """
    answer, types = start
    need = np.concatenate([problem.demand[region], held]).T
    for committed in (np.round(answer.committed), np.zeros(len(types))):
        hours = [_hour(problem, (region, hour, types), committed, need[hour]) for hour in range(problem.hours)]
        filled = [hour for hour in hours if hour is not None]
        if len(filled) == problem.hours:
            return bought(problem, (region, types), committed, np.stack(filled))
    return buy(problem, region, types, held)


def _no_whole(problem: FleetProblem, region: int) -> FleetImpossible:
    name = problem.name(region)
    return FleetImpossible(
        f"whole instances of region {name} do not meet its demand within stock and quotas",
        where=f"region {name}",
        expected="stock and quotas beyond what parts of instances would use",
        next_step="raise the quotas, or offer smaller instance types there",
    )


def _hour(problem: FleetProblem, at: tuple[int, int, Ints], committed: Floats, need: Floats) -> Floats | None:
    """(2n,) on demand and spot that meet `need` (2K,) in one hour beside what is committed, as cheap as can be."""
    region, hour, types = at
    gives, keeps = problem.gives[types], 1 - problem.loss[types, None]
    firm = np.concatenate([gives, np.zeros_like(gives)])
    adds = np.concatenate([np.concatenate([gives, gives * keeps]), firm], 1)
    takes = np.concatenate([gives, gives])
    usd = np.concatenate([problem.on_demand_usd[region, types], problem.spot_cost[region, types]])
    left = np.tile(np.floor(problem.stock[region, types]) - committed, 2)
    builder = ModelBuilder()
    for price, most in zip(usd.tolist(), np.where(usd < NOT_OFFERED, left, 0.0).tolist(), strict=True):
        builder.column(price if price < NOT_OFFERED else 0.0, upper=max(0.0, most))
    rest = need - committed @ adds[: len(types)]
    for kind, lower in enumerate(rest.tolist()):
        builder.row(_terms(adds[:, kind]), lower=lower)
    room = problem.quotas[region] - committed @ gives
    for kind in np.flatnonzero(np.isfinite(room)).tolist():
        builder.row(_terms(takes[:, kind]), upper=float(room[kind]))
    spot = np.where(np.arange(len(usd)) >= len(types), takes[:, 0], 0.0)
    builder.row(_terms(spot), upper=float(problem.spot_share[region] * problem.demand[region, 0, hour]))
    for kind in np.flatnonzero(np.isfinite(left[: len(types)])).tolist():
        builder.row([(kind, 1.0), (kind + len(types), 1.0)], upper=float(left[kind]))
    try:
        solution = solve(builder.build())
    except SolverCrashed:
        return None
    return None if solution.status is SolveStatus.INFEASIBLE else np.round(solution.values)


def _terms(factors: Floats) -> list[tuple[int, float]]:
    return [(column, factor) for column, factor in enumerate(factors.tolist()) if factor]
