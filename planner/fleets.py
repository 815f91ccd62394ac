"""Fleets out of documents: where failover is shared with serving, compute is placed hour by hour.

`planner.fleet_arrays` reads what a plan is asked; what a fleet's answer wants is in `planner.fleet_wishes`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from contracts.capacity import Shape
from contracts.plan import Requirement, Shortfall
from contracts.standing import Standing
from planner.errors import FleetTooFar, SolverError
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.check import refuse_odd
from planner.fleet.rungs import CUT_SHORT, told
from planner.fleet_again import Asked, planned_again, standing_of
from planner.fleet_arrays import Axes, fleet_problem
from planner.fleet_calm import calm_fleet
from planner.fleet_given import with_given
from planner.fleet_last import last_accepted
from planner.fleet_quotas import fleet_quotas, link_quotas, never_met
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
class Found:
    """A fleet, and how it was found.

    Attributes:
        told: which way, in words.
        standing: what planning it again starts from; nothing where no prices prove its bound.
        cheapest: what was found before anyone looked at what is live; nothing where nobody looked for it.
        before: what is live, as arrays; nothing where nothing serves.
    """

    solution: FleetSolution
    told: str
    standing: Standing | None = None
    cheapest: FleetSolution | None = None
    before: FleetSolution | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """A problem, what its axes stand for, and its solution."""

    regions: tuple[str, ...]
    shapes: tuple[Shape, ...]
    links: tuple[str, ...]
    problem: FleetProblem
    found: Found

    @property
    def solution(self) -> FleetSolution:
        return self.found.solution

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
            solver=self.found.told,
            cut_short=bool(solution.rungs) and solution.rungs[-1] in CUT_SHORT,
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
    quota = fleet_quotas(market, axes, problem.gives, given.use)
    problem = replace(problem, quota=quota, link_quota=link_quotas(market, axes, problem, given.use))
    problem = with_given(question, market, axes, problem, given)
    refuse_odd(problem)
    if short := never_met(problem, axes, needs, {market.regions[name].fault_domain for name in axes.regions}):
        return short
    asked_fleet = Asked(question=question, market=market, axes=axes, problem=problem)
    found = _found(asked_fleet, given, solve)
    return Fleet(regions=axes.regions, shapes=axes.shapes, links=axes.links, problem=problem, found=found)


def _found(asked: Asked, given: Given, solve: FleetSolver) -> Found:
    """A fleet planned again where that will do; else one that is solved, near what is live; else the last one's."""
    question, problem = asked.question, asked.problem
    hourly = np.array([question.environment.purchases_of(region).hourly for region in asked.axes.regions])
    level = partial(steady, problem, hourly=hourly)
    live = tuple(item for key, item in question.live().items() if key not in given.resources)
    live = live if question.environment.rules.calm else ()
    try:
        again = planned_again(asked, live, level)
        return Found(solution=again.solution, told=again.told, standing=again.standing, before=again.before)
    except FleetTooFar as far:
        why = f"; in full: {far.what}" if question.earlier and question.earlier.standing else ""
    try:
        cheapest = level(solve(problem))
        calm = calm_fleet(problem, cheapest, live, (asked.market, asked.axes), level)
    except SolverError as failed:
        last = level(last_accepted(question, asked.market, asked.axes, problem, failed))
        return Found(solution=last, told=f"{told(last.rungs)}{why}", cheapest=last)
    return Found(
        solution=calm.solution,
        told=", ".join(filter(None, (told(calm.solution.rungs), calm.kept))) + why,
        standing=standing_of(asked, calm.solution),
        cheapest=cheapest,
        before=calm.before,
    )
