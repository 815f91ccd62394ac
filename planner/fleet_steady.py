"""One count at all hours, where nothing scales by the hour: hosts on premises, and regions that ask for no schedule.

The solver fills every hour by itself. Such a region is asked the same in every hour, and its hours may still differ:
by what it holds for partners that follow the hours, or because whole numbers came out otherwise at the same price.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.again import fleet_usd
from planner.fleet.check import SLACK
from planner.fleet.problem import Arcs, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Region:
    """What a region needs at its worst hour, by resource, and what it has for good."""

    at: int
    firm: Floats
    demand: Floats
    committed: Ints


def steady(problem: FleetProblem, solution: FleetSolution, hourly: NDArray[np.bool_]) -> FleetSolution:
    """The fleet with the cheapest of its own hours at all hours, where that holds at all of them.

    Args:
        problem: that is solved.
        solution: of it.
        hourly: (R,) whether counts may vary by hour.
    """
    varies = (np.ptp(solution.on_demand, axis=2) + np.ptp(solution.spot, axis=2)).any(1)
    regions = np.flatnonzero(varies & ~hourly).tolist()
    if not regions:
        return solution
    arcs, on_demand, spot = Arcs.of(problem), solution.on_demand.copy(), solution.spot.copy()
    for at in regions:
        if best := _cheapest(problem, _region(problem, solution, arcs, at), (on_demand[at], spot[at])):
            on_demand[at], spot[at] = best[0][:, None], best[1][:, None]
    found = replace(solution, on_demand=on_demand, spot=spot)
    usd = fleet_usd(problem, found)
    return replace(found, usd=usd, bound=min(solution.bound, usd))


def _region(problem: FleetProblem, solution: FleetSolution, arcs: Arcs, at: int) -> _Region:
    held = arcs.claims(at, solution.shares.reshape(-1), problem.critical)
    firm = problem.critical[at] + held.max(0, initial=0.0)
    return _Region(at=at, firm=firm.max(1), demand=problem.demand[at].max(1), committed=solution.committed[at])


def _cheapest(problem: FleetProblem, region: _Region, hours: tuple[Ints, Ints]) -> tuple[Ints, Ints] | None:
    """The counts on demand and spot of one hour, or the most on demand of all beside one hour's spot."""
    on_demand, spot = hours
    most, each = on_demand.max(1), range(spot.shape[1])
    ways = [*((on_demand[:, hour], spot[:, hour]) for hour in each), *((most, spot[:, hour]) for hour in each)]
    held = [way for way in ways if _holds(problem, region, *way)]
    at = region.at
    return min(
        held,
        key=lambda way: float(problem.on_demand_usd[at] @ way[0] + problem.spot_cost[at] @ way[1]),
        default=None,
    )


def _holds(problem: FleetProblem, region: _Region, on_demand: Ints, spot: Ints) -> bool:
    """Whether counts at all hours keep what docs/planning-model.md asks of them."""
    at, gives, used = region.at, problem.gives, region.committed + on_demand + spot
    firm = (region.committed + on_demand) @ gives
    served = firm + (spot * (1 - problem.loss)) @ gives
    most_spot = problem.spot_share[at] * float(problem.demand[at, 0].min())
    return (
        _enough(firm, region.firm)
        and _enough(served, region.demand)
        and _enough(np.array([most_spot]), np.array([spot @ gives[:, 0]]))
        and bool((used <= problem.stock[at]).all())
        and (not problem.quota.size or _enough(problem.quota[at], used @ gives))
    )


def _enough(have: Floats, want: Floats) -> bool:
    """By half of what a checked fleet may be off."""
    return bool((want - have <= SLACK / 2 * np.maximum(1, np.abs(want))).all())
