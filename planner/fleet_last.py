"""The last rung: what the plan applied last wanted, where it still keeps every constraint of today.

Taken when no solver gives a fleet that can be trusted. A plan that does not hold is not taken: then there is none.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from contracts.names import link_name
from contracts.resources import HOURS_A_DAY, CircuitSpec, ComputeSpec, FailoverSpec, Purchase, Purpose, Resource
from planner.errors import SolverError, SolverLied
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.check import checked_fleet
from planner.fleet.packed import MANY
from planner.fleet.plain import plain_bound, plain_prices
from planner.fleet.rungs import Rung
from planner.fleet_arrays import Axes
from planner.fleet_given import given_counts
from planner.market import Market
from planner.question import Question


def last_accepted(
    question: Question, market: Market, axes: Axes, problem: FleetProblem, failed: SolverError
) -> FleetSolution:
    """The fleet of the plan applied last, when it keeps today's constraints.

    Args:
        question: that has the plan applied last.
        market: of it.
        axes: of the problem.
        problem: what the fleet must keep.
        failed: why no other fleet could be had: raised again, saying what the last plan breaks.

    Raises:
        SolverError: there is no plan that was applied, or it does not hold.
    """
    pins = question.environment.pins
    wanted = {key: item for key, item in question.wanted_earlier().items() if key not in pins}
    if not wanted:
        raise failed
    fleet = fleet_from(wanted.values(), market, axes, problem)
    bound = max(0.0, min(fleet.usd, plain_bound(problem, plain_prices(problem))))
    fleet = replace(fleet, bound=bound, rungs=(failed.what, Rung.LAST))
    try:
        return checked_fleet(problem, fleet)
    except SolverLied as error:
        broken = error.what.rpartition(": ")[2]
        raise type(failed)(
            f"{failed.what}; {Rung.LAST}: it does not hold today ({broken})",
            where=failed.where,
            expected=failed.expected,
            next_step=failed.next_step,
        ) from failed


def fleet_from(wanted: Iterable[Resource], market: Market, axes: Axes, problem: FleetProblem) -> FleetSolution:
    """What resources come to as arrays, at today's prices; its bound is one of any fleet, and nothing more."""
    regions, types = problem.stock.shape
    wanted = tuple(wanted)
    given = float(problem.stock[:, len(axes.shapes) :].sum())
    few = given + sum(item.spec.count for item in wanted if isinstance(item.spec, ComputeSpec)) < MANY
    held = np.zeros((regions, types), dtype=np.int64)
    shape, hourly = (regions, types, HOURS_A_DAY), (Purchase.ON_DEMAND, Purchase.SPOT)
    by_hour = {kind: np.zeros(shape, dtype=np.int32 if few else np.int64) for kind in hourly}
    circuits, shares = np.zeros(problem.tier_usd.shape, dtype=np.int64), np.zeros(problem.pairs.shape)
    region_at, type_at = _places(axes.regions), _places(shape.name for shape in axes.shapes)
    link_at, tier_at = _places(axes.links), _places(market.tiers)
    pair_at = {link: pair for pair, link in enumerate(problem.pair_links.tolist())}
    for item in wanted:
        spec = item.spec
        if isinstance(spec, ComputeSpec) and item.purpose is Purpose.SERVING:
            at = (region_at.get(item.place, -1), type_at.get(spec.shape, -1))
            if min(at) >= 0 and spec.purchase is Purchase.COMMITTED:
                held[at] += spec.count
            elif min(at) >= 0:
                by_hour[spec.purchase][at] += np.array(spec.by_hour or spec.count)
        elif isinstance(spec, CircuitSpec) and item.place in link_at and spec.tier in tier_at:
            circuits[link_at[item.place], tier_at[spec.tier]] += spec.count
        elif isinstance(spec, FailoverSpec):
            pair = pair_at.get(link_at.get(link_name(item.place, spec.partner), -1), -1)
            if pair >= 0:
                side = int(problem.pairs[pair, 1] == region_at[item.place])
                shares[pair, side] += spec.share
    given_counts(axes, problem, held, by_hour[Purchase.SPOT])
    usd = problem.hours * float((problem.committed_usd * held).sum() + (problem.tier_usd * circuits).sum())
    usd += float((problem.on_demand_usd * by_hour[Purchase.ON_DEMAND].sum(2)).sum())
    usd += float((problem.spot_cost * by_hour[Purchase.SPOT].sum(2)).sum())
    return FleetSolution(
        committed=held,
        on_demand=by_hour[Purchase.ON_DEMAND],
        spot=by_hour[Purchase.SPOT],
        circuits=circuits,
        shares=shares,
        usd=usd,
        bound=0.0,
        worth=np.zeros_like(problem.demand),
        worth_critical=np.zeros_like(problem.demand),
    )


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: at for at, name in enumerate(names)}
