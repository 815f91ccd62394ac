"""The least that a region can cost for given failover shares: its linear relaxation, types brought in by price.

Circuits and shares aside, a fleet falls apart into regions. A region's program starts with the few types of which a
dollar brings most, and takes in those whose reduced cost at the current duals is below zero, until there is none: the
last value is that of all types (delayed column generation, Gilmore and Gomory 1961). Solved by HiGHS, without any of
the planner's code.
"""

from dataclasses import dataclass
from itertools import pairwise

import highspy
import numpy as np

from benchmarks.plan_problem import Floats, Ints, Problem, finite, real

ROUNDS = 40
AT_ONCE = 12
#: Reduced cost, as part of a type's price, from which a type is let in.
PAYS = -1e-7


class NoValue(Exception):
    """A region's program has no answer: what it wants is not to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region's prices [T], stock [T], what it wants and what of it must be firm [K, H]."""

    size: Floats
    loss: Floats
    committed_usd: Floats
    hourly_usd: Floats
    spot_usd: Floats
    stock: Floats
    demand: Floats
    firm: Floats
    spot_vcpu: Floats

    @property
    def hours(self) -> int:
        return int(self.demand.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """USD of the relaxation and its parts, the duals of what must be firm and of demand [K, H]."""

    usd: float
    committed_usd: float
    hourly_usd: float
    spot_usd: float
    firm_dual: Floats
    demand_dual: Floats


def region_of(problem: Problem, at: int, firm: Floats) -> Region:
    """A region of a problem, with what must be firm [K, H]."""
    loss, demand = real(problem, "q"), real(problem, "D")[at]
    return Region(
        size=real(problem, "A"),
        loss=loss,
        committed_usd=demand.shape[1] * finite(real(problem, "PC"))[at],
        hourly_usd=finite(real(problem, "PO"))[at],
        spot_usd=finite(real(problem, "PS"))[at] * (1 + loss / 2),
        stock=real(problem, "avail")[at],
        demand=demand,
        firm=firm,
        spot_vcpu=float(real(problem, "sigma")) * demand[0],
    )


def least(region: Region) -> Value:
    """The relaxation's value, over all types.

    Raises:
        NoValue: What the region wants is not to be had.
    """
    kinds = _first(region)
    for _ in range(ROUNDS):
        value, spot_dual, missing = _solved(region, kinds)
        outside = np.setdiff1d(np.arange(len(region.stock)), kinds)
        if not outside.size:
            if missing > 1e-6:
                raise NoValue(f"{missing:.3g} of what is wanted is not to be had")
            return value
        reduced = _reduced(region, value, spot_dual)[outside]
        better = outside[np.argsort(reduced, kind="stable")][:AT_ONCE]
        better = better[np.sort(reduced, kind="stable")[:AT_ONCE] < PAYS]
        if not better.size:
            if missing > 1e-6:
                raise NoValue(f"{missing:.3g} of what is wanted is not to be had")
            return value
        kinds = np.union1d(kinds, better)
    raise NoValue(f"types still come in after {ROUNDS} rounds")


def _first(region: Region) -> Ints:
    """Some types that are cheap for what the region wants, and for each resource alone."""
    mean = np.maximum(region.firm, region.demand * 0.5).mean(axis=1)
    part = np.divide(region.size, mean, out=np.zeros_like(region.size), where=mean > 0)
    able = region.stock > 0
    found = [
        np.argsort(np.where(able, price / np.maximum(part.sum(axis=1), 1e-12), np.inf), kind="stable")[:6]
        for price in (region.committed_usd, region.hourly_usd, region.spot_usd)
    ]
    for k in np.flatnonzero(mean > 0):
        worth = np.where(able & (part[:, k] > 0), region.committed_usd / np.maximum(part[:, k], 1e-12), np.inf)
        found.append(np.argsort(worth, kind="stable")[:3])
    return np.unique(np.concatenate(found))


def _reduced(region: Region, value: Value, spot_dual: Floats) -> Floats:
    """For each type, its lowest reduced cost of the three ways of buying, as part of the price there [T].

    A type outside has no stock row yet; such a row could only make it dearer.
    """
    both = np.einsum("tk,kh->th", region.size, value.firm_dual + value.demand_dual)
    soft = np.einsum("tk,kh->th", region.size, value.demand_dual) * (1 - region.loss)[:, None]
    soft -= region.size[:, :1] * spot_dual
    committed = 1 - both.sum(axis=1) / np.maximum(region.committed_usd, 1e-12)
    hourly = 1 - both.max(axis=1) / np.maximum(region.hourly_usd, 1e-12)
    spot = 1 - soft.max(axis=1) / np.maximum(region.spot_usd, 1e-12)
    found: Floats = np.where(region.stock > 0, np.minimum.reduce([committed, hourly, spot]), np.inf)
    return found


def _solved(region: Region, kinds: Ints) -> tuple[Value, Floats, float]:
    """The program over some types: its value, the dual of spot's share [H] and how much is missing.

    What is missing can always be had at a price beyond any type's, so that the first few types need not suffice.
    """
    solver = highspy.Highs()
    hours, some = region.hours, len(kinds)
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    lp, rows = _program(region, kinds)
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise NoValue(f"the solver says {solver.modelStatusToString(solver.getModelStatus())}")
    answer = solver.getSolution()
    column, dual = np.array(answer.col_value), np.array(answer.row_dual)
    paid = np.array(lp.col_cost_) * column
    ends = np.cumsum([0, some, some * hours, some * hours])
    parts = [float(paid[a:b].sum()) for a, b in pairwise(ends)]
    value = Value(
        usd=solver.getInfo().objective_function_value,
        committed_usd=parts[0],
        hourly_usd=parts[1],
        spot_usd=parts[2],
        demand_dual=dual[:rows].reshape(-1, hours),
        firm_dual=dual[rows : 2 * rows].reshape(-1, hours),
    )
    return value, np.maximum(-dual[2 * rows : 2 * rows + hours], 0), float(column[ends[-1] :].sum())


def _program(region: Region, kinds: Ints) -> tuple[highspy.HighsLp, int]:
    """Columns: committed, on demand by type and hour, spot likewise, missing by resource and hour.

    Rows: demand by resource and hour, firm likewise, spot's vCPU by hour, stock by scarce type and hour.
    """
    hours, some, resources = region.hours, len(kinds), len(region.demand)
    size = region.size[kinds]
    scarce = np.flatnonzero(np.isfinite(region.stock[kinds]))
    each = np.arange(hours)
    entries: list[tuple[Ints, Ints, Floats]] = []

    def put(rows: Ints, columns: Ints, values: Floats) -> None:
        entries.append(tuple(np.broadcast_arrays(rows, columns, values)))  # type: ignore[arg-type]  # three in, three out

    held, rented = np.arange(some)[:, None], some + np.arange(some * hours).reshape(some, hours)
    spot = rented + some * hours
    spare = some + 2 * some * hours + np.arange(resources * hours).reshape(resources, hours)
    for k in range(resources):
        demand, firm = k * hours + each, (resources + k) * hours + each
        brought = size[:, k, None]
        for row in (demand, firm):
            put(row, held, brought)
            put(row, rented, brought)
            put(row, spare[k], np.ones(1))
        put(demand, spot, brought * (1 - region.loss[kinds])[:, None])
    share = 2 * resources * hours + each
    put(share, spot, size[:, :1])
    stock = share[-1] + 1 + np.arange(len(scarce) * hours).reshape(len(scarce), hours)
    for columns in (held, rented, spot):
        put(stock, columns[scarce], np.ones(1))
    lp = highspy.HighsLp()
    cheapest = np.minimum(region.committed_usd, hours * region.hourly_usd)
    missing_usd = 1e3 * float((cheapest / np.maximum(region.size.max(axis=1), 1e-12)).max())
    cost = np.concatenate(
        [
            region.committed_usd[kinds],
            np.repeat(region.hourly_usd[kinds], hours),
            np.repeat(region.spot_usd[kinds], hours),
            np.full(resources * hours, missing_usd),
        ]
    )
    lower = np.concatenate([region.demand.ravel(), region.firm.ravel(), np.full(hours + stock.size, -np.inf)])
    upper = np.concatenate(
        [np.full(2 * resources * hours, np.inf), region.spot_vcpu, np.repeat(region.stock[kinds][scarce], hours)]
    )
    _filled(lp, (cost, lower, upper), entries)
    return lp, resources * hours


def _filled(
    lp: highspy.HighsLp, sides: tuple[Floats, Floats, Floats], entries: list[tuple[Ints, Ints, Floats]]
) -> None:
    cost, lower, upper = sides
    row, column, number = (np.concatenate([entry[part].ravel() for entry in entries]) for part in range(3))
    order = np.lexsort((row, column))
    order = order[number[order] != 0]
    lp.num_col_, lp.num_row_ = len(cost), len(lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(len(cost)), np.full(len(cost), np.inf)
    lp.row_lower_, lp.row_upper_ = lower, upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(column[order], minlength=len(cost)))])
    lp.a_matrix_.index_, lp.a_matrix_.value_ = row[order], number[order]
