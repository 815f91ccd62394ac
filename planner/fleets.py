"""Fleets out of documents: where failover is shared with serving, compute is placed hour by hour.

`planner.fleet_arrays` reads what a plan is asked; what a fleet's answer wants is in `planner.fleet_wishes`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from contracts.capacity import Shape
from contracts.plan import Requirement, Shortfall
from planner.errors import SolverError
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.check import refuse_odd
from planner.fleet.rungs import told
from planner.fleet_arrays import Axes, fleet_problem
from planner.fleet_calm import CalmFleet, Kept, calm_fleet
from planner.fleet_given import with_given
from planner.fleet_last import last_accepted
from planner.fleet_quotas import fleet_quotas, never_met
from planner.fleet_steady import steady
from planner.given import Given
from planner.market import Market
from planner.placement import Placement
from planner.question import Question

FleetSolver = Callable[[FleetProblem], FleetSolution]
"""Solves a fleet. Raises `FleetImpossible` where no fleet keeps the limits, `SolverError` where none can be trusted."""

FINE_STEPS = 1_000_000
"""Steps of a fleet's shares."""

LEAST_SHARE = 1e-6
"""Smaller failover shares are what arithmetic left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """A problem, what its axes stand for, and its solution.

    Attributes:
        kept: how near it is to what is live; cheapest: the fleet that was found before that was looked at.
    """

    regions: tuple[str, ...]
    shapes: tuple[Shape, ...]
    links: tuple[str, ...]
    problem: FleetProblem
    solution: FleetSolution
    kept: Kept = Kept.NOTHING
    cheapest: FleetSolution | None = None

    def shares(self) -> dict[tuple[str, str], float]:
        """Share of a region's critical load by region and partner."""
        found = {}
        for (here, there), both in zip(self.problem.pairs, self.solution.shares, strict=True):
            for lost, carrier, share in ((here, there, both[0]), (there, here, both[1])):
                if share > LEAST_SHARE:
                    found[self.regions[lost], self.regions[carrier]] = float(share)
        return found

    def placement(self) -> Placement:
        """Partners and cost, as the rest of the plan reads them; the fleet's compute comes by `want_fleet`."""
        problem, solution = self.problem, self.solution
        return Placement(
            serving={},
            failover={},
            shares={pair: round(share * FINE_STEPS) for pair, share in self.shares().items()},
            usd_per_hour=solution.usd / problem.hours,
            lower_bound=solution.bound / problem.hours,
            solver=", ".join(filter(None, (told(solution.rungs), self.kept))),
            cut_short=bool(solution.rungs),
        )


def place_fleet(
    question: Question, market: Market, asked: tuple[Sequence[Requirement], Given], solve: FleetSolver
) -> Fleet | tuple[Shortfall, ...]:
    """A fleet for what must be met, near what is live; where none can be trusted, that of the plan applied last.

    Args:
        question: what is planned.
        market: of it.
        asked: what must be met, and what is given towards it.
        solve: solves a fleet; not asked where something can never be met, which is told instead.

    Raises:
        FleetImpossible: no fleet keeps the limits, or traffic takes a link that no circuit is sold for.
        InputsDisagree: circuit tiers that do not divide one another; prices or demand below 0; a pinned failover entry.
        SolverError: none can be trusted, and the plan applied last does not hold.
    """
    axes = Axes.of(question, market)
    needs, given = asked
    problem = fleet_problem(question, market, needs, axes)
    problem = replace(problem, quota=fleet_quotas(market, axes, problem.gives, given.use))
    problem = with_given(question, market, axes, problem, given)
    refuse_odd(problem)
    if short := never_met(problem, axes, needs):
        return short
    hourly = np.array([question.environment.purchases_of(region).hourly for region in axes.regions])
    try:
        solution = steady(problem, solve(problem), hourly)
        live = (item for key, item in question.live().items() if key not in given.resources)
        calm = calm_fleet(problem, solution, live, (market, axes))
    except SolverError as failed:
        solution = last_accepted(question, market, axes, problem, failed)
        calm = CalmFleet(solution=solution, kept=Kept.NOTHING)
    return Fleet(
        regions=axes.regions,
        shapes=axes.shapes,
        links=axes.links,
        problem=problem,
        solution=steady(problem, calm.solution, hourly),
        kept=calm.kept,
        cheapest=solution,
    )
