"""What limits a fleet's cost: what room for one more instance, or one more circuit, would save of the plan.

Of regions, the fleet that is planned is brought nearer to the cheapest with room for one more instance of the type that
gives most of what is tight there; by the same moves without that room it would save what is not told here. Whole fleets
are compared, each checked, so that what is told could be had; a fleet solved anew may save more. Of links, the cheapest
circuits for what they carry are chosen with room for one more of each tier.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import CapacityKind
from contracts.risk import Scarce
from planner.circuits import cheapest_circuits
from planner.errors import FleetTooFar, SolverLied
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.again import brought_near, carriers
from planner.fleet.check import checked_fleet
from planner.fleet.choice import loads
from planner.fleet.circuits import SLACK
from planner.fleet.moves import Calm
from planner.fleet.problem import NOT_OFFERED
from planner.fleet_arrays import KINDS
from planner.fleets import Fleet
from planner.market import Market
from planner.requirements import rounded
from planner.scarce_units import LEAST_USD

MOST_TRIED = 4
"""Regions that are looked at: those that have least room left, each a fraction of a second."""


def scarce_in_fleet(market: Market, fleet: Fleet) -> tuple[Scarce, ...]:
    """Limits of a fleet that cost something, the dearest first."""
    found = (*_scarce_hosts(market, fleet), *_scarce_links(market, fleet))
    return tuple(sorted(found, key=lambda item: (-item.saves_usd_per_hour, item.place, item.kind)))


def _scarce_hosts(market: Market, fleet: Fleet) -> Iterator[Scarce]:
    problem, chosen = fleet.problem, fleet.solution
    if not problem.quota.size:
        return
    for _, region, kind, shape in sorted(_tight(fleet))[:MOST_TRIED]:
        looked = np.arange(problem.regions) == region
        looked |= carriers(problem, looked)
        quota = problem.quota.copy()
        quota[region] += problem.gives[shape]
        wide = replace(problem, quota=quota)
        usd = [_usd(asked, chosen, looked) for asked in (problem, wide)]
        saves = (min(chosen.usd, usd[0]) - usd[1]) / problem.hours
        if saves > LEAST_USD:
            place, name = fleet.regions[region], KINDS[kind]
            yield Scarce(
                place=place,
                kind=name,
                limit=market.available.get((place, name), 0.0),
                item=fleet.shapes[shape].name,
                units=float(problem.gives[shape, kind]),
                saves_usd_per_hour=rounded(saves),
            )


def _usd(problem: FleetProblem, chosen: FleetSolution, looked: NDArray[np.bool_]) -> float:
    """What moves bring a fleet down to; infinite where they do not lead to one that holds."""
    try:
        found = brought_near(problem, chosen, Calm(move_share=0.0), looked)
        checked_fleet(problem, replace(found, bound=min(found.usd, chosen.bound)))
    except (FleetTooFar, SolverLied):
        return float("inf")
    return found.usd


def _tight(fleet: Fleet) -> Iterator[tuple[float, int, int, int]]:
    """Regions without room for one more of the type that gives most of a kind: the part of it that fits, and which."""
    problem, chosen, types = fleet.problem, fleet.solution, len(fleet.shapes)
    used = chosen.committed[:, :, None] + chosen.on_demand + chosen.spot
    peak = np.einsum("tk,rth->rkh", problem.gives, used).max(2)
    sold = np.minimum(np.minimum(problem.on_demand_usd, problem.committed_usd), problem.spot_usd) < NOT_OFFERED
    for region, kind in np.argwhere(np.isfinite(problem.quota)).tolist():
        gives = np.where(sold[region, :types], problem.gives[:types, kind], 0.0)
        if not gives.any():
            continue
        left, shape = problem.quota[region, kind] - peak[region, kind], int(gives.argmax())
        if left < gives[shape]:
            yield float(left / gives[shape]), region, kind, shape


def _scarce_links(market: Market, fleet: Fleet) -> Iterator[Scarce]:
    """Links where circuits would cost less with room for one more of a tier."""
    problem = fleet.problem
    carried = np.maximum(loads(problem, fleet.solution.shares.reshape(-1)) - SLACK, 0.0)
    tiers = tuple(market.tiers.values())
    for at in np.flatnonzero(np.isfinite(problem.link_quotas) & (carried > 0)).tolist():
        offers = [
            (tier, usd) for tier, usd in zip(tiers, problem.tier_usd[at].tolist(), strict=True) if usd < NOT_OFFERED
        ]
        room, need = float(problem.link_quotas[at]), float(carried[at])
        now = cheapest_circuits(need, room, offers)
        if now is None or room >= need + max((tier.gbps for tier, _ in offers), default=0):
            continue
        wider = ((cheapest_circuits(need, room + tier.gbps, offers), tier) for tier, _ in offers)
        found = [(now.usd_per_hour - more.usd_per_hour, tier) for more, tier in wider if more]
        saves, tier = max(found, key=lambda item: (item[0] / item[1].gbps, -item[1].gbps), default=(0.0, tiers[0]))
        if saves > LEAST_USD:
            yield Scarce(
                place=fleet.links[at],
                kind=CapacityKind.GBPS,
                limit=market.available.get((fleet.links[at], CapacityKind.GBPS), room),
                item=tier.name,
                units=float(tier.gbps),
                saves_usd_per_hour=rounded(saves),
            )
