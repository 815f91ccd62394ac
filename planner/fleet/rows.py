"""Columns and rows of one region's linear programme.

Columns: committed by type, on demand by hour and type, spot by hour and type, and what all but spot bring together, by
hour and resource. Rows: what they bring, and what is served, by hour and resource; spot by hour; stock by hour and
limited type; quotas by hour and limited resource. What must be held firm bounds a column from below: only that changes
between solves, so that the dual simplex starts from the last basis: some ten pivots instead of a hundred.
"""

from typing import TYPE_CHECKING

import numpy as np

from planner.fleet.problem import NOT_OFFERED, FleetProblem, Floats, Ints
from planner.fleet.quiet import quiet_program

if TYPE_CHECKING:
    import highspy


LACKING = 100.0
"""Price of what is lacking, as a multiple of the cheapest way to have it."""

DEARER = 2.0
"""The same as a multiple of the dearest way, where that is more: what can be bought is never lacking instead."""


def start_program(problem: FleetProblem, region: int, types: Ints, *, elastic: bool = False) -> "highspy.Highs":
    """A fresh programme; an elastic one may lack what must be held firm, at a price."""
    program = quiet_program()
    _pass_model(program, problem, region, types)
    if elastic:
        _add_lacking(program, problem, region)
    return program


def _add_lacking(program: "highspy.Highs", problem: FleetProblem, region: int) -> None:
    """A column for each amount that must be held firm, in their order: it counts as brought, and serves nothing."""
    firm = problem.hours * problem.gives.shape[1]
    price = np.tile(lacking_usd(problem, region), problem.hours)
    starts = np.arange(0, 2 * firm, 2, dtype=np.int32)
    rows = np.arange(2 * firm, dtype=np.int32).reshape(2, firm).T.ravel()
    unlimited = np.full(firm, np.inf)
    program.addCols(firm, price, np.zeros(firm), unlimited, 2 * firm, starts, rows, np.tile([1.0, -1.0], firm))


def lacking_usd(problem: FleetProblem, region: int) -> Floats:
    """(K,) USD per hour that one unit of each resource costs where it is lacking."""
    usd = np.minimum(problem.on_demand_usd[region], problem.committed_usd[region])
    usd = np.where(usd > 0, usd, np.inf)  # what is given for nothing is there or not: nothing that is lacking is free
    with np.errstate(divide="ignore"):
        each = usd / problem.gives.T
    least = np.where(np.isfinite(each.min(1)), each.min(1), 1.0)
    most = np.where(np.isfinite(each) & (usd < NOT_OFFERED), each, 0.0).max(1)
    return np.asarray(np.maximum(LACKING * np.minimum(least, NOT_OFFERED), DEARER * most))


def _pass_model(program: "highspy.Highs", problem: FleetProblem, region: int, types: Ints) -> None:
    import highspy

    hours, count = problem.hours, len(types)
    gives, keeps = problem.gives[types], 1 - problem.loss[types]
    kinds, stock, ones = gives.shape[1], problem.stock[region, types], np.ones((1, gives.shape[1]))
    limited = np.flatnonzero(np.isfinite(stock))
    quotas = problem.quotas[region]
    quota = np.flatnonzero(np.isfinite(quotas))
    own = np.arange(count)
    hour = count + np.arange(hours)[:, None] * count + own  # columns of on demand, (H, n)
    spot = hour + hours * count
    brought = count * (1 + 2 * hours) + np.arange(hours * kinds).reshape(hours, kinds, 1)
    everywhere = np.broadcast_to(own, (hours, count))
    indices = (
        np.concatenate([np.repeat(np.concatenate([everywhere, hour], 1)[:, None], kinds, 1), brought], 2),
        np.concatenate([np.repeat(spot[:, None], kinds, 1), brought], 2),
        spot,
        np.stack([everywhere[:, limited], hour[:, limited], spot[:, limited]], -1),
        np.repeat(np.concatenate([everywhere, hour, spot], 1)[:, None], len(quota), 1),
    )
    values = (
        np.broadcast_to(np.concatenate([gives, gives, -ones]).T, (hours, kinds, 2 * count + 1)),
        np.broadcast_to(np.concatenate([gives * keeps[:, None], ones]).T, (hours, kinds, count + 1)),
        np.broadcast_to(gives[:, 0], (hours, count)),
        np.ones((hours, len(limited), 3)),
        np.broadcast_to(np.concatenate([gives, gives, gives])[:, quota].T, (hours, len(quota), 3 * count)),
    )
    each = [(hours * kinds, 2 * count + 1), (hours * kinds, count + 1), (hours, count), (hours * len(limited), 3)]
    each.append((hours * len(quota), 3 * count))
    lengths = np.concatenate([np.full(rows, length) for rows, length in each])
    unlimited = np.full(hours * kinds, np.inf)
    spot_room = problem.spot_share[region] * problem.demand[region, 0]
    prices = (problem.committed_usd[region], problem.on_demand_usd[region], problem.spot_cost[region])
    repeats = (1, hours, hours)
    offered = [np.tile(usd[types] < NOT_OFFERED, times) for usd, times in zip(prices, repeats, strict=True)]
    costs = [np.tile(usd[types], times) for usd, times in zip(prices, repeats, strict=True)]
    costs[0] = costs[0] * hours
    bought = np.concatenate(offered)
    cost = np.concatenate([np.where(bought, np.concatenate(costs), 0.0), np.zeros(hours * kinds)])
    least = np.concatenate([np.zeros(len(bought)), problem.critical[region].T.ravel()])
    most = np.concatenate([np.where(bought, np.tile(stock, 1 + 2 * hours), 0.0), unlimited])
    nothing = np.full(hours * (1 + len(limited) + len(quota)), -np.inf)
    lower = np.concatenate([np.zeros(hours * kinds), problem.demand[region].T.ravel(), nothing])
    rooms = (np.tile(stock[limited], hours), np.tile(quotas[quota], hours))
    upper = np.concatenate([np.zeros(hours * kinds), unlimited, spot_room, *rooms])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    columns = np.concatenate([part.ravel() for part in indices]).astype(np.int32)
    filled = np.concatenate([part.ravel() for part in values])
    ways = (int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0)
    whole = np.zeros(len(cost), dtype=np.int32)
    program.passModel(
        len(cost), len(lower), len(filled), *ways, cost, least, most, lower, upper, starts, columns, filled, whole
    )
