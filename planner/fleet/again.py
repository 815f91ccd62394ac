"""A fleet planned again from the one that stands: what did not change stays, and moving has a price.

Regions whose demand, prices or stock changed are looked at again, and those that carry for them; nothing else is. What
is lacking comes in as cheaply as the hours allow (`planner.fleet.cells`), shares move only where a partner would need
another lump or circuit (`planner.fleet.shift`), and what is committed changes where that pays by more than the price of
a move (`planner.fleet.moves`). The bound needs no solver: the prices that proved the old fleet's prove the new one's
(`planner.fleet_again`).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.fleet.cells import TOLERANCE
from planner.fleet.committing import commit
from planner.fleet.moves import Calm, Work, claims, hold, kept_circuits, leave, polish, shift
from planner.fleet.packed import MANY
from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, Arcs, FleetProblem, FleetSolution, Floats, Ints
from planner.fleet.shift import spread

SHIFTS = 2
"""Rounds in which shares move, where more than one region changed: what one gives up another may take."""

WHOLE = 5e-7
"""How far a region's shares may sum off one: half of what whoever checks lets pass."""


def brought_near(
    problem: FleetProblem, before: FleetSolution, calm: Calm, looked: NDArray[np.bool_] | None = None
) -> FleetSolution:
    """A fleet for the problem near one that was made for another; its bound is not proven.

    Args:
        problem: what is asked.
        before: counts and shares that stand, over the same axes (`standing_whole`).
        calm: what moving is worth.
        looked: (R,) regions that are looked at, those that lack something among them; all, where that is not said.

    Raises:
        FleetTooFar: what stands cannot be made to meet the problem by small moves.
    """
    looked = np.ones(problem.regions, dtype=bool) if looked is None else looked
    work = moved(problem, before, Arcs.of(problem), np.flatnonzero(looked), calm)
    found = whole_fleet(work, np.arange(len(problem.gbps)))
    usd = fleet_usd(problem, found)
    return replace(found, usd=usd, bound=min(before.bound, usd))


def carriers(problem: FleetProblem, regions: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(R,) who may carry for some regions: what they lack is brought in with these."""
    arcs, found = Arcs.of(problem), np.zeros(problem.regions, dtype=bool)
    for region in np.flatnonzero(regions).tolist():
        found[arcs.carrier[arcs.out[region]]] = True
    return found


def standing_whole(problem: FleetProblem, before: FleetSolution) -> tuple[FleetSolution, NDArray[np.bool_]]:
    """What stands with shares that sum to one, and (R,) regions that lack something then."""
    arcs = Arcs.of(problem)
    before = replace(before, shares=_whole_shares(problem, arcs, before))
    return before, lacking(problem, arcs, before)


def moved(problem: FleetProblem, before: FleetSolution, arcs: Arcs, changed: Ints, calm: Calm) -> Work:
    """Regions that changed, and those that may carry for them, after all moves that are needed or pay.

    Raises:
        FleetTooFar: what stands cannot be made to meet the problem by small moves.
    """
    work = Work.start(problem, before, arcs, changed, calm)
    if not len(changed):
        return work
    hold(work)
    for _ in range(0 if calm.keeps_shares else min(SHIFTS, len(changed))):
        shift(work, changed)
    commit(work, changed)
    polish(work, changed)
    leave(work)
    return work


def whole_fleet(work: Work, links: Ints) -> FleetSolution:
    """What was found, with what was not looked at as it stood; no cost yet.

    Args:
        work: the regions that were looked at.
        links: of which circuits may be others, beside those that shares moved on.
    """
    problem, before = work.problem, work.before
    most = max(work.committed.max(initial=0.0), work.counts.max(initial=0.0))
    committed, on_demand, spot = (
        part.copy() if most < MANY else part.astype(np.int64)
        for part in (before.committed, before.on_demand, before.spot)
    )
    at, half = (work.regions[:, None], work.cells.types), work.committed.shape[1]
    committed[at] = np.round(work.committed).astype(np.int64)
    by_hour = np.round(work.counts).astype(np.int64).transpose(0, 2, 1)
    on_demand[at], spot[at] = by_hour[:, :half], by_hour[:, half:]
    shifted = np.flatnonzero(work.shares != before.shares.reshape(-1))
    links = np.union1d(links, problem.pair_links[work.arcs.pair[shifted]])
    circuits = before.circuits.copy()
    circuits[links] = kept_circuits(work, work.shares, links)
    return replace(
        before,
        committed=committed,
        on_demand=on_demand,
        spot=spot,
        circuits=circuits,
        shares=work.shares.reshape(-1, 2),
    )


def lacking(problem: FleetProblem, arcs: Arcs, stands: FleetSolution) -> NDArray[np.bool_]:
    """(R,) regions that do not meet what is asked, or have what they may not."""
    held = claims(problem, arcs, stands.shares.reshape(-1), np.arange(problem.regions))
    there = (stands.committed > 0).any(0) | stands.on_demand.any((0, 2)) | stands.spot.any((0, 2))
    kinds = np.flatnonzero(there)  # of hundreds of types, some dozens
    gives = problem.gives[kinds].T
    always, spot = stands.committed[:, kinds, None] + stands.on_demand[:, kinds], stands.spot[:, kinds].astype(float)
    firm, used = gives @ always.astype(float), always + spot
    found = _short(firm + gives * (1 - problem.loss[kinds]) @ spot, problem.demand) | _short(firm, held)
    found |= _short((problem.spot_share[:, None] * problem.demand[:, 0])[:, None], gives[:1] @ spot)
    found |= (used > problem.stock[:, kinds, None]).any((1, 2))
    if problem.quota.size:
        found |= _short(problem.quota[:, :, None], gives @ used)
    for usd, count in (
        (problem.committed_usd, stands.committed[:, kinds]),
        (problem.on_demand_usd, stands.on_demand[:, kinds].max(2)),
        (problem.spot_usd, spot.max(2)),
    ):
        found |= ((usd[:, kinds] >= NOT_OFFERED) & (count > 0)).any(1)
    return np.asarray(found)


def _short(have: Floats, want: Floats) -> NDArray[np.bool_]:
    """(R,) where something lacks more than arithmetic leaves."""
    return np.asarray((want - have > TOLERANCE * np.maximum(1.0, np.abs(want))).any((1, 2)))


def _whole_shares(problem: FleetProblem, arcs: Arcs, before: FleetSolution) -> Floats:
    """(P, 2) shares that sum to one for every region, those that do already as they are."""
    shares = np.zeros(before.shares.size)
    known = np.concatenate(arcs.out)
    shares[known] = np.clip(before.shares.reshape(-1)[known], 0.0, MOST_SHARE)
    for region, out in enumerate(arcs.out):
        if abs(float(shares[out].sum()) - 1) > WHOLE:
            price = (before.worth_critical[arcs.carrier[out]] * problem.critical[region]).sum((1, 2))
            shares[out] = spread(shares[out], np.where(shares[out] > 0, MOST_SHARE, 0.0), price)
    return shares.reshape(-1, 2)


def fleet_usd(problem: FleetProblem, solution: FleetSolution) -> float:
    """USD over the horizon of a fleet."""
    circuits = float((problem.tier_usd * solution.circuits).sum())
    return float(region_usd(problem, solution).sum()) + problem.hours * circuits


def region_usd(problem: FleetProblem, solution: FleetSolution) -> Floats:
    """(R,) USD over the horizon of instances."""
    usd = problem.hours * (problem.committed_usd * solution.committed).sum(1)
    usd += (problem.on_demand_usd * solution.on_demand.sum(2)).sum(1)
    return np.asarray(usd + (problem.spot_cost * solution.spot.sum(2)).sum(1))
