"""A fleet planned again from the one that stands: what did not change stays, and moving has a price.

Regions whose demand, prices or stock changed are looked at again, and those that carry for them; nothing else is. What
is lacking comes in as cheaply as the hours allow (`planner.fleet.cells`), shares move only where a partner would need
another lump or circuit (`planner.fleet.shift`), and what is committed changes where that pays by more than the price of
a move (`planner.fleet.moves`). The bound needs no solver: the prices that proved the old fleet's prove the new one's
(`planner.fleet.bound`), and only what changed has its terms computed again.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from planner.errors import FleetTooFar
from planner.fleet.bound import Certificate, alone_usd, backed_usd
from planner.fleet.cells import TOLERANCE
from planner.fleet.committing import commit
from planner.fleet.hulls import floors_of
from planner.fleet.moves import Calm, Work, claims, hold, kept_circuits, leave, polish, shift
from planner.fleet.offers import Prices, ever_useful
from planner.fleet.packed import MANY
from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, Arcs, FleetProblem, FleetSolution, Floats, Ints
from planner.fleet.shares import base_circuits
from planner.fleet.shift import spread

AXES = ("gives", "loss", "pairs", "pair_links", "tier_gbps", "domain", "partners", "carries", "link_quota")
"""What must be the same for a fleet to be planned again from another one."""

SHIFTS = 2
"""Rounds in which shares move, where more than one region changed: what one gives up another may take."""

WHOLE = 5e-7
"""How far a region's shares may sum off one: half of what whoever checks lets pass."""

BY_REGION = ("demand", "critical", "on_demand_usd", "spot_usd", "committed_usd", "stock", "spot_share", "quota")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """A fleet that stands, with what planning it again starts from.

    Attributes:
        certificate: the prices that prove its bound.
        usd: (R,) USD over the horizon of each region's instances.
        alone, backed: (R,) the bound's terms by region; base: USD per hour of circuits that are needed anyway.
    """

    problem: FleetProblem
    solution: FleetSolution
    certificate: Certificate
    arcs: Arcs
    usd: Floats
    alone: Floats
    backed: Floats
    base: float


def stand(problem: FleetProblem, solution: FleetSolution, certificate: Certificate) -> Standing:
    """A fleet that was solved, as one that stands."""
    arcs, every = Arcs.of(problem), np.arange(problem.regions)
    return Standing(
        problem=problem,
        solution=solution,
        certificate=certificate,
        arcs=arcs,
        usd=region_usd(problem, solution),
        alone=least_usd(problem, arcs, certificate, every),
        backed=backed_usd(problem, arcs, certificate, every),
        base=base_circuits(problem),
    )


def replan(standing: Standing, problem: FleetProblem, calm: Calm) -> Standing:
    """The fleet for another problem over the same regions, types, hours and pairs, near the one that stands.

    Raises:
        FleetTooFar: the problem has other axes, or what stands cannot be made to meet it by small moves.
    """
    _check_axes(standing.problem, problem)
    changed, links = _changed(standing.problem, problem), _changed_links(standing.problem, problem)
    if not len(changed) and not len(links):
        return standing
    work = moved(problem, standing.solution, standing.arcs, changed, calm)
    return _stood(standing, work, changed, links)


def brought_near(
    problem: FleetProblem, before: FleetSolution, calm: Calm, dear: NDArray[np.bool_] | None = None
) -> FleetSolution:
    """A fleet for the problem near one that was made for another; its bound is not proven.

    Args:
        problem: what is asked.
        before: counts and shares that stand, over the same axes; shares of partners that are none any more are spread.
        calm: what moving is worth.
        dear: (R,) regions that are looked at though they lack nothing; all, where that is not said.

    Raises:
        FleetTooFar: what stands cannot be made to meet the problem by small moves.
    """
    arcs = Arcs.of(problem)
    before = replace(before, shares=_whole_shares(problem, arcs, before))
    looked = np.ones(problem.regions, dtype=bool) if dear is None else dear | lacking(problem, arcs, before)
    work = moved(problem, before, arcs, np.flatnonzero(looked), calm)
    found = whole_fleet(work, np.arange(len(problem.gbps)))
    usd = fleet_usd(problem, found)
    return replace(found, usd=usd, bound=min(before.bound, usd))


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
    firm = np.einsum("tk,rth->rkh", problem.gives, stands.committed[:, :, None] + stands.on_demand)
    soft = np.einsum("tk,rth->rkh", problem.gives * (1 - problem.loss)[:, None], stands.spot)
    used = stands.committed[:, :, None] + stands.on_demand + stands.spot
    spot = np.einsum("t,rth->rh", problem.gives[:, 0], stands.spot)
    found = _short(firm + soft, problem.demand) | _short(firm, held)
    found |= _short((problem.spot_share[:, None] * problem.demand[:, 0])[:, None], spot[:, None])
    found |= (used > problem.stock[:, :, None]).any((1, 2))
    if problem.quota.size:
        found |= _short(problem.quota[:, :, None], np.einsum("tk,rth->rkh", problem.gives, used))
    for usd, count in (
        (problem.committed_usd, stands.committed),
        (problem.on_demand_usd, stands.on_demand.max(2)),
        (problem.spot_usd, stands.spot.max(2)),
    ):
        found |= ((usd >= NOT_OFFERED) & (count > 0)).any(1)
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


def _check_axes(before: FleetProblem, after: FleetProblem) -> None:
    same = before.stock.shape == after.stock.shape and before.hours == after.hours
    if not same or any(not np.array_equal(getattr(before, name), getattr(after, name)) for name in AXES):
        raise FleetTooFar("regions, types, hours or pairs are not those of the fleet that stands", where="fleet")


def _changed(before: FleetProblem, after: FleetProblem) -> Ints:
    """Regions of which something is otherwise."""
    found = np.zeros(after.regions, dtype=bool)
    for name in BY_REGION:
        old, new = getattr(before, name), getattr(after, name)
        if old is new:
            continue
        found |= True if old.shape != new.shape else (old != new).reshape(len(found), -1).any(1) if new.size else False
    return np.flatnonzero(found)


def _changed_links(before: FleetProblem, after: FleetProblem) -> Ints:
    """Links of which what they carry or cost is otherwise, shares aside."""
    found = before.gbps != after.gbps
    found |= (before.tier_usd != after.tier_usd).any(1)
    moved = before.replication_gbps != after.replication_gbps
    found[after.pair_links[moved[after.pairs].any(1)]] = True
    return np.flatnonzero(found)


def _stood(standing: Standing, work: Work, changed: Ints, links: Ints) -> Standing:
    """What was found as a fleet that stands, with its cost and bound."""
    problem, found = work.problem, whole_fleet(work, links)
    usd = standing.usd.copy()
    usd[work.regions] = _rows_usd(problem, work)
    total = float(usd.sum()) + problem.hours * float((problem.tier_usd * found.circuits).sum())
    proof = _proof(standing, problem, changed, links)
    bound = float(proof.alone.sum() + proof.backed.sum())
    bound += problem.hours * (float(proof.certificate.floors.sum()) + proof.base)
    solution = replace(found, usd=total, bound=max(0.0, min(bound, total)))  # no prices prove less than nothing
    return replace(proof, problem=problem, solution=solution, usd=usd)


def _proof(standing: Standing, problem: FleetProblem, changed: Ints, links: Ints) -> Standing:
    """The bound's terms, those of what changed computed anew at the same prices."""
    arcs, certificate = standing.arcs, standing.certificate
    near = [arcs.carrier[arcs.out[region]] for region in changed.tolist()]
    touched = np.unique(np.concatenate([changed, *near]))
    alone, backed = standing.alone.copy(), standing.backed.copy()
    alone[touched] = least_usd(problem, arcs, certificate, touched)
    floors, base = certificate.floors, standing.base
    if len(links):
        base, floors = base_circuits(problem), floors.copy()
        pairs = np.flatnonzero(np.isin(problem.pair_links, links))
        floors[pairs] = floors_of(problem, pairs, certificate.steps[pairs])
    backed[changed] = backed_usd(problem, arcs, certificate, changed)
    certificate = replace(certificate, floors=floors)
    return replace(standing, certificate=certificate, alone=alone, backed=backed, base=base)


def least_usd(problem: FleetProblem, arcs: Arcs, certificate: Certificate, regions: Ints) -> Floats:
    """(n,) USD over the horizon: the bound's terms of some regions' instances, whatever they hold for others."""
    names = [name for name in BY_REGION if getattr(problem, name).size]
    part = replace(problem, **{name: getattr(problem, name)[regions] for name in names})
    every = {field.name: getattr(certificate.prices, field.name) for field in fields(Prices)}
    known = Prices(**{name: prices[regions] if prices.size else prices for name, prices in every.items()})
    return alone_usd(part, known, ever_useful(problem, arcs, regions))


def fleet_usd(problem: FleetProblem, solution: FleetSolution) -> float:
    """USD over the horizon of a fleet."""
    circuits = float((problem.tier_usd * solution.circuits).sum())
    return float(region_usd(problem, solution).sum()) + problem.hours * circuits


def region_usd(problem: FleetProblem, solution: FleetSolution) -> Floats:
    """(R,) USD over the horizon of instances."""
    usd = problem.hours * (problem.committed_usd * solution.committed).sum(1)
    usd += (problem.on_demand_usd * solution.on_demand.sum(2)).sum(1)
    return np.asarray(usd + (problem.spot_cost * solution.spot.sum(2)).sum(1))


def _rows_usd(problem: FleetProblem, work: Work) -> Floats:
    """(n,) the same of what was looked at."""
    every = np.arange(len(work.regions))
    fixed = problem.hours * (work.committed_usd(every) * work.committed).sum(1)
    return np.asarray(fixed + (work.cells.usd * work.counts.sum(1)).sum(1))
