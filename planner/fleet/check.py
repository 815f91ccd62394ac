"""Whether a fleet keeps what it was asked for: looked at anew after the solver, which is not believed."""

import numpy as np

from planner.errors import SolverLied
from planner.fleet.problem import MOST_SHARE, FleetProblem, FleetSolution, Floats, Ints

SLACK = 1e-6
"""How far a constraint may be off, relative to its size."""


def checked_fleet(problem: FleetProblem, solution: FleetSolution) -> FleetSolution:
    """The solution itself when it keeps what it claims.

    Raises:
        SolverLied: it breaks a constraint, or its cost or bound is not one.
    """
    broken = next((what for what, wrong in _claims(problem, solution) if wrong), None)
    if broken:
        raise SolverLied(f"its fleet breaks the problem that it was given: {broken}", where="fleet")
    return solution


def _claims(problem: FleetProblem, solution: FleetSolution) -> tuple[tuple[str, bool], ...]:
    firm, soft = _given(problem, solution)
    shares, pairs = solution.shares, problem.pairs
    covered = np.bincount(pairs[:, 0], shares[:, 0], problem.regions)
    covered += np.bincount(pairs[:, 1], shares[:, 1], problem.regions)
    carried = problem.gbps.copy()
    np.add.at(carried, problem.pair_links, (shares * problem.replication_gbps[pairs]).sum(1))
    spot = np.einsum("t,rth->rh", problem.gives[:, 0], solution.spot)
    used = solution.committed[:, :, None] + solution.on_demand + solution.spot
    held = [firm[pairs[:, 1 - side]] - _backed(problem, pairs, shares, side) for side in (0, 1)]
    return (
        ("counts are not whole", not _whole(solution)),
        ("shares", bool((shares < -SLACK).any() or (shares > MOST_SHARE + SLACK).any() or (covered < 1 - SLACK).any())),
        ("demand", _short(firm + soft, problem.demand)),
        ("critical load", _short(firm, problem.critical)),
        (
            "the loss of a region",
            any(bool((part < -SLACK * (1 + np.abs(problem.demand).max())).any()) for part in held),
        ),
        ("spot", _short(problem.spot_share[:, None] * problem.demand[:, 0], spot)),
        ("stock", bool((used > problem.stock[:, :, None]).any())),
        ("circuits", _short(solution.circuits @ problem.tier_gbps, carried)),
        ("bound", not solution.bound <= solution.usd * (1 + SLACK)),
    )


def _given(problem: FleetProblem, solution: FleetSolution) -> tuple[Floats, Floats]:
    """(R, K, H) what is firm, and what spot adds after its loss."""
    firm = np.einsum("tk,rth->rkh", problem.gives, solution.committed[:, :, None] + solution.on_demand)
    soft = np.einsum("tk,rth->rkh", problem.gives * (1 - problem.loss)[:, None], solution.spot)
    return np.asarray(firm, dtype=np.float64), np.asarray(soft)


def _backed(problem: FleetProblem, pairs: Ints, shares: Floats, side: int) -> Floats:
    """(P, K, H) what a carrier must hold when the region on a side of each pair is lost."""
    lost, carrier = pairs[:, side], pairs[:, 1 - side]
    return np.asarray(problem.critical[carrier] + shares[:, side, None, None] * problem.critical[lost])


def _short(have: Floats, want: Floats) -> bool:
    return bool((want - have > SLACK * np.maximum(1, np.abs(want))).any())


def _whole(solution: FleetSolution) -> bool:
    counts = (solution.committed, solution.on_demand, solution.spot, solution.circuits)
    return all(np.issubdtype(part.dtype, np.integer) and bool((part >= 0).all()) for part in counts)
