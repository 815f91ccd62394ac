"""Small fleets as one mixed-integer programme: the model of docs/planning-model.md as it stands."""

import numpy as np

from planner.errors import FleetImpossible, SolverCrashed
from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, Arcs, FleetProblem, Floats, Ints
from planner.model import ModelBuilder, Solution, SolveStatus
from planner.solve import solve

SMALL = 1500
"""Whole instances to be chosen (regions x types x purchases and hours) up to which one programme is worth its time."""

Counts = tuple[Ints, Ints, Ints, Floats]
"""Committed (R, T), on demand and spot (R, T, H), shares by arc."""


def is_small(problem: FleetProblem) -> bool:
    """Whether one programme can hold it all."""
    return problem.stock.size * (1 + 2 * problem.hours) <= SMALL


def solve_exactly(problem: FleetProblem) -> tuple[Counts, float] | None:
    """The best whole fleet within the node limit and what is proven by then, USD; nothing where none was found.

    Raises:
        FleetImpossible: there is none.
    """
    builder, arcs = ModelBuilder(), Arcs.of(problem)
    committed = _columns(builder, problem, problem.hours * problem.committed_usd, problem.committed_usd)
    by_hour = [
        np.stack([_columns(builder, problem, usd, usd) for _ in range(problem.hours)], axis=-1)
        for usd in (problem.on_demand_usd, problem.spot_cost)
    ]
    most = np.zeros(len(arcs.lost))
    most[np.concatenate(arcs.out)] = MOST_SHARE
    shares = np.array([builder.column(0.0, upper=share, integer=False) for share in most.tolist()])
    for region in range(problem.regions):
        for hour in range(problem.hours):
            counts = (committed[region], by_hour[0][region, :, hour], by_hour[1][region, :, hour])
            _rows(builder, problem, (region, hour, counts), (arcs, shares))
        builder.row([(int(shares[arc]), 1.0) for arc in arcs.out[region]], lower=1.0, upper=1.0)
    _circuits(builder, problem, shares)
    if problem.partners.size:
        _partners(builder, problem, arcs, shares)
    try:
        solution = solve(builder.build())
    except SolverCrashed:
        return None
    if solution.status is SolveStatus.INFEASIBLE:
        raise FleetImpossible(
            "no fleet meets the demand within stock, quotas, shares and partners",
            where="fleet",
            next_step="raise the quotas, offer more types, or let more regions back each other up",
        )
    return _read(solution, committed, by_hour, shares), solution.bound


def _columns(builder: ModelBuilder, problem: FleetProblem, cost: Floats, price: Floats) -> Ints:
    regions, types = problem.stock.shape
    found = np.zeros((regions, types), dtype=np.int64)
    for (region, kind), usd in np.ndenumerate(price):
        bought = usd < NOT_OFFERED
        upper = float(problem.stock[region, kind]) if bought else 0.0
        found[region, kind] = builder.column(float(cost[region, kind]) if bought else 0.0, upper=upper)
    return found


def _rows(
    builder: ModelBuilder,
    problem: FleetProblem,
    at: tuple[int, int, tuple[Ints, Ints, Ints]],
    backing: tuple[Arcs, Ints],
) -> None:
    """Demand, what is held firm for each loss, spot, stock and quotas of one region and hour."""
    region, hour, (committed, on_demand, spot) = at
    arcs, shares = backing
    keeps = 1 - problem.loss
    for kind in range(problem.gives.shape[1]):
        gives = problem.gives[:, kind]
        firm = [*_terms(committed, gives), *_terms(on_demand, gives)]
        builder.row([*firm, *_terms(spot, gives * keeps)], lower=float(problem.demand[region, kind, hour]))
        own = float(problem.critical[region, kind, hour])
        builder.row(firm, lower=own)
        into = arcs.into[region]
        which = arcs.losses[region] if arcs.losses else np.arange(len(into))
        for loss in np.unique(which):
            loads = [
                (int(shares[arc]), -load)
                for arc in into[which == loss].tolist()
                if (load := float(problem.critical[arcs.lost[arc], kind, hour])) > 0
            ]
            if loads:
                builder.row([*firm, *loads], lower=own)
    room = float(problem.spot_share[region] * problem.demand[region, 0, hour])
    builder.row(_terms(spot, problem.gives[:, 0]), upper=room)
    for kind in np.flatnonzero(np.isfinite(problem.stock[region])).tolist():
        columns = (committed[kind], on_demand[kind], spot[kind])
        builder.row([(int(column), 1.0) for column in columns], upper=float(problem.stock[region, kind]))
    for kind in np.flatnonzero(np.isfinite(problem.quotas[region])).tolist():
        terms = [term for columns in (committed, on_demand, spot) for term in _terms(columns, problem.gives[:, kind])]
        builder.row(terms, upper=float(problem.quotas[region, kind]))


def _circuits(builder: ModelBuilder, problem: FleetProblem, shares: Ints) -> None:
    """Whole circuits of the pairs, beyond which links need no choice: their cost is a constant that is added."""
    pair_of = {int(link): pair for pair, link in enumerate(problem.pair_links)}
    for link, gbps in enumerate(problem.gbps.tolist()):
        terms = [
            (builder.column(problem.hours * usd), size)
            for usd, size in zip(problem.tier_usd[link].tolist(), problem.tier_gbps.tolist(), strict=True)
        ]
        if np.isfinite(problem.link_quotas[link]):
            builder.row(terms, upper=float(problem.link_quotas[link]))
        if link in pair_of:
            pair = pair_of[link]
            each = problem.replication_gbps[problem.pairs[pair]].tolist()
            terms += [(int(shares[2 * pair + side]), -each[side]) for side in (0, 1)]
        builder.row(terms, lower=gbps)


def _partners(builder: ModelBuilder, problem: FleetProblem, arcs: Arcs, shares: Ints) -> None:
    """No more partners for a region than it may have: whether an arc is used is a whole number."""
    for region, out in enumerate(arcs.out):
        used = [builder.column(0.0, upper=1.0) for _ in out]
        for arc, column in zip(out.tolist(), used, strict=True):
            builder.row([(int(shares[arc]), 1.0), (column, -MOST_SHARE)], upper=0.0)
        builder.row([(column, 1.0) for column in used], upper=float(problem.partners[region]))


def _terms(columns: Ints, factors: Floats) -> list[tuple[int, float]]:
    return [(int(column), float(factor)) for column, factor in zip(columns, factors, strict=True) if factor]


def _read(solution: Solution, committed: Ints, by_hour: list[Ints], shares: Ints) -> Counts:
    whole = np.round(solution.values).astype(np.int64)
    found = np.clip(solution.values[shares], 0.0, MOST_SHARE)
    return whole[committed], whole[by_hour[0]], whole[by_hour[1]], found
