"""Calm for fleets: what is live stays where that costs little, and what has to change changes little.

As for the placement (`planner.placement`): what is live and meets what is asked is kept when it costs no more than
`CALM_COST_SHARE` above the cheapest fleet that was found. Where it does not meet it, it is made to by small moves
(`planner.fleet.again`) and kept under the same condition. Else the cheapest fleet's shares are taken, and of each
region what costs less with the price of moves: what is live there, brought up to them, or the cheapest fleet's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from contracts.resources import ComputeSpec, Resource
from planner.errors import FleetTooFar, SolverLied
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.again import brought_near, fleet_usd, region_usd, standing_whole
from planner.fleet.check import SLACK, checked_fleet
from planner.fleet.moves import Calm
from planner.fleet.problem import Floats
from planner.fleet_arrays import Axes
from planner.fleet_last import fleet_from
from planner.market import Market
from planner.placement import CALM_COST_SHARE

CALM = Calm(keeps_committed=True, keeps=CALM_COST_SHARE)
"""What is committed stays, and so do regions that lack nothing."""


class Kept(StrEnum):
    """How near a planned fleet is to what is live."""

    NOTHING = ""  # nothing is live, or it is the cheapest fleet, or too far from it
    LIVE = "what is live stays"
    NEAR = "near what is live"
    PARTS = "what is live stays in parts"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalmFleet:
    """The fleet that is planned, how near it is to what is live, and that; nothing where nothing serves."""

    solution: FleetSolution
    kept: Kept
    before: FleetSolution | None = None


def calm_fleet(
    problem: FleetProblem,
    cheapest: FleetSolution,
    live: Iterable[Resource],
    named: tuple[Market, Axes],
    level: Callable[[FleetSolution], FleetSolution] = lambda found: found,
) -> CalmFleet:
    """The fleet to be planned where something is live.

    Args:
        problem: what is asked.
        cheapest: the fleet that was solved for it.
        live: what exists.
        named: what the arrays' axes stand for.
        level: makes all hours alike where nothing scales by the hour: what is kept has to cost little after that.
    """
    market, axes = named
    live = tuple(live)
    if not any(isinstance(item.spec, ComputeSpec) for item in live):
        return CalmFleet(solution=cheapest, kept=Kept.NOTHING)
    stands = fleet_from(live, market, axes, problem)
    if not (stands.committed.any() or stands.on_demand.any() or stands.spot.any()):
        return CalmFleet(solution=cheapest, kept=Kept.NOTHING)
    stands = replace(stands, worth=cheapest.worth, worth_critical=cheapest.worth_critical, rungs=cheapest.rungs)
    stands = replace(stands, proof=cheapest.proof)
    dearest = cheapest.usd * (1 + CALM_COST_SHARE) + 1e-9
    for kept, ways in _WAYS.items():
        near = ways(problem, stands, cheapest)
        found = level(near) if near is not None else None
        if found is not None and found.usd <= dearest:
            found = replace(found, bound=min(found.usd, cheapest.bound))  # which holds for every fleet
            if _holds(problem, found):
                kept = Kept.NOTHING if _same(found, cheapest) else kept
                return CalmFleet(solution=found, kept=kept, before=stands)
    return CalmFleet(solution=cheapest, kept=Kept.NOTHING, before=stands)


def _same(one: FleetSolution, other: FleetSolution) -> bool:
    """Whether two fleets have the same instances, circuits and shares."""
    names = ("committed", "on_demand", "spot", "circuits")
    alike = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    return alike and bool(np.allclose(one.shares, other.shares, rtol=0.0, atol=SLACK))


def _holds(problem: FleetProblem, found: FleetSolution) -> bool:
    try:
        checked_fleet(problem, found)
    except SolverLied:
        return False
    return True


def _as_it_is(problem: FleetProblem, stands: FleetSolution, cheapest: FleetSolution) -> FleetSolution | None:
    """What is live."""
    return stands


def _near(problem: FleetProblem, stands: FleetSolution, cheapest: FleetSolution) -> FleetSolution | None:
    """What is live, after the small moves that are needed or pay; nothing where they do not lead there."""
    dear = region_usd(problem, stands) > (1 + CALM_COST_SHARE) * region_usd(problem, cheapest)
    stands, lacks = standing_whole(problem, stands)
    try:
        return brought_near(problem, stands, CALM, dear | lacks)
    except FleetTooFar:
        return None


def _in_parts(problem: FleetProblem, stands: FleetSolution, cheapest: FleetSolution) -> FleetSolution | None:
    """The cheapest fleet's shares and circuits, and by region what is live where that is no dearer with its moves."""
    try:
        start = replace(stands, shares=cheapest.shares, circuits=cheapest.circuits)
        near = brought_near(problem, start, replace(CALM, keeps_shares=True))
    except FleetTooFar:
        return None
    gone = _gone(problem, stands, cheapest) - _gone(problem, stands, near)
    stays = region_usd(problem, near) <= region_usd(problem, cheapest) + CALM.move_share * gone
    by_hour = stays[:, None, None]
    found = replace(
        cheapest,
        committed=np.where(stays[:, None], near.committed, cheapest.committed),
        on_demand=np.where(by_hour, near.on_demand, cheapest.on_demand),
        spot=np.where(by_hour, near.spot, cheapest.spot),
    )
    return replace(found, usd=fleet_usd(problem, found))


def _gone(problem: FleetProblem, before: FleetSolution, after: FleetSolution) -> Floats:
    """(R,) USD over the horizon of the instances that go."""
    gone = replace(
        before,
        committed=np.maximum(before.committed - after.committed, 0),
        on_demand=np.maximum(before.on_demand - after.on_demand, 0),
        spot=np.maximum(before.spot - after.spot, 0),
    )
    return region_usd(problem, gone)


_WAYS = {Kept.LIVE: _as_it_is, Kept.NEAR: _near, Kept.PARTS: _in_parts}
"""Ways to a calm fleet, those that move least first."""
