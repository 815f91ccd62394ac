"""The fleet model in one piece, given to HiGHS whole: slow, obvious, and exact where it is small.

Written from docs/planning-model.md, without the planner's code. `optimum` for a handful of regions and types,
`relaxation` (counts need not be whole) for some dozens.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import highspy
import numpy as np

from tests.planner.fleet_arrays import VCPU, Fleet, Floats, Ints, Solution

SHARE_AT_MOST = 0.5


class NoPlan(Exception):
    """No plan meets the problem."""


class Unfinished(Exception):
    """The solver stopped before it had proved its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The cheapest plan, its cost as the solver states it, and the most that any plan can be below it."""

    usd: float
    bound: float
    solution: Solution


@dataclass(slots=True)
class Rows:
    """Sparse rows `lower <= sum value x <= upper`, one after the other."""

    starts: list[int] = field(default_factory=lambda: [0])
    index: list[Ints] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(self, parts: Iterable[tuple[Ints, Floats]], lower: float, upper: float) -> None:
        length = 0
        for columns, values in parts:
            used = values != 0
            self.index.append(columns[used])
            self.value.append(values[used])
            length += int(used.sum())
        self.starts.append(self.starts[-1] + length)
        self.lower.append(lower)
        self.upper.append(upper)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each variable is."""

    committed: Ints
    on_demand: Ints
    spot: Ints
    circuits: Ints
    share: Ints

    @classmethod
    def of(cls, fleet: Fleet) -> "Columns":
        shapes = (
            (fleet.regions, fleet.types),
            (fleet.regions, fleet.types, fleet.hours),
            (fleet.regions, fleet.types, fleet.hours),
            fleet.tier_usd.shape,
            fleet.partners.shape,
        )
        ends = np.cumsum([0] + [int(np.prod(shape)) for shape in shapes])
        return cls(*(np.arange(a, b).reshape(shape) for a, b, shape in zip(ends, ends[1:], shapes, strict=False)))


def optimum(fleet: Fleet, seconds: float = 60.0) -> Exact:
    """The cheapest plan of all, proved by branch and bound.

    Raises:
        NoPlan: There is none.
        Unfinished: Not proved within the time.
    """
    return _solved(fleet, whole=True, seconds=seconds)


def relaxation(fleet: Fleet, seconds: float = 60.0) -> float:
    """USD of the linear relaxation: no plan costs less.

    Raises:
        NoPlan: There is none.
        Unfinished: Not proved within the time.
    """
    return _solved(fleet, whole=False, seconds=seconds).usd


def _solved(fleet: Fleet, *, whole: bool, seconds: float) -> Exact:
    at = Columns.of(fleet)
    solver = highspy.Highs()
    for name, setting in (
        ("output_flag", False),
        ("threads", 1),
        ("time_limit", seconds),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 1e-7),
        ("mip_feasibility_tolerance", 1e-9),
        ("primal_feasibility_tolerance", 1e-9),
        ("dual_feasibility_tolerance", 1e-9),
    ):
        solver.setOptionValue(name, setting)
    solver.passModel(_program(fleet, at, whole=whole))
    solver.run()
    status = solver.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        raise NoPlan(f"the solver says {solver.modelStatusToString(status)}")
    if status != highspy.HighsModelStatus.kOptimal:
        raise Unfinished(f"the solver says {solver.modelStatusToString(status)} after {seconds} s")
    found, info = np.array(solver.getSolution().col_value), solver.getInfo()
    return Exact(
        usd=info.objective_function_value,
        bound=info.mip_dual_bound if whole else info.objective_function_value,
        solution=_read(found, at, whole=whole),
    )


def _read(found: Floats, at: Columns, *, whole: bool) -> Solution:
    def counts(columns: Ints) -> Floats:
        chosen: Floats = found[columns]
        return np.round(chosen) if whole else chosen

    return Solution(
        committed=counts(at.committed),
        on_demand=counts(at.on_demand),
        spot=counts(at.spot),
        circuits=counts(at.circuits),
        share=np.clip(found[at.share], 0, SHARE_AT_MOST),
    )


def _program(fleet: Fleet, at: Columns, *, whole: bool) -> highspy.HighsLp:
    rows = Rows()
    _capacity(rows, fleet, at)
    _cover(rows, fleet, at)
    _links(rows, fleet, at)
    lp = highspy.HighsLp()
    cost, upper = _costs(fleet, at)
    lp.num_col_, lp.num_row_ = len(cost), len(rows.lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(len(cost)), upper
    lp.row_lower_, lp.row_upper_ = np.array(rows.lower), np.array(rows.upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(rows.starts)
    lp.a_matrix_.index_ = np.concatenate(rows.index)
    lp.a_matrix_.value_ = np.concatenate(rows.value)
    if whole:
        kinds = [highspy.HighsVarType.kInteger] * len(cost)
        for column in at.share.ravel():
            kinds[column] = highspy.HighsVarType.kContinuous
        lp.integrality_ = kinds
    return lp


def _costs(fleet: Fleet, at: Columns) -> tuple[Floats, Floats]:
    """USD of each variable over the horizon, and its upper bound."""
    size = at.share.max() + 1 if at.share.size else at.circuits.max() + 1
    cost, upper = np.zeros(size), np.full(size, np.inf)
    cost[at.committed] = fleet.hours * fleet.committed_usd
    cost[at.on_demand] = fleet.on_demand_usd[:, :, None]
    cost[at.spot] = (fleet.spot_usd * (1 + fleet.loss / 2))[:, :, None]
    cost[at.circuits] = fleet.hours * fleet.tier_usd
    upper[at.share] = np.minimum(fleet.most_share, SHARE_AT_MOST)
    upper[at.committed] = fleet.stock
    upper[at.on_demand] = upper[at.spot] = fleet.stock[:, :, None]
    offered = np.isfinite(cost)
    return np.where(offered, cost, 0.0), np.where(offered, upper, 0.0)


def _capacity(rows: Rows, fleet: Fleet, at: Columns) -> None:
    """Demand, critical load with and without each partner's, spot's share, stock and quotas: by region and hour."""
    for region in range(fleet.regions):
        helped = [(pair, 0, int(a)) for pair, (a, b) in enumerate(fleet.partners) if b == region]
        helped += [(pair, 1, int(b)) for pair, (a, b) in enumerate(fleet.partners) if a == region]
        for hour in range(fleet.hours):
            held, rented, spot = at.committed[region], at.on_demand[region, :, hour], at.spot[region, :, hour]
            for k in range(fleet.size.shape[1]):
                size = fleet.size[:, k]
                firm = ((held, size), (rented, size))
                rows.add((*firm, (spot, size * (1 - fleet.loss))), fleet.demand[region, k, hour], np.inf)
                rows.add(firm, fleet.critical[region, k, hour], np.inf)
                for loss in fleet.losses():
                    carried = [
                        (at.share[pair, side : side + 1], -fleet.critical[other, k, hour : hour + 1])
                        for pair, side, other in helped
                        if other in loss
                    ]
                    if carried:
                        rows.add((*firm, *carried), fleet.critical[region, k, hour], np.inf)
            most = fleet.spot_share * fleet.demand[region, VCPU, hour]
            rows.add(((spot, fleet.size[:, VCPU]),), -np.inf, most)
            one = np.ones(1)
            for kind in np.flatnonzero(np.isfinite(fleet.stock[region])):
                some = ((column[kind : kind + 1], one) for column in (held, rented, spot))
                rows.add(some, -np.inf, fleet.stock[region, kind])
            for limited in np.flatnonzero(np.isfinite(fleet.quotas[region])):
                all_of = ((columns, fleet.size[:, limited]) for columns in (held, rented, spot))
                rows.add(all_of, -np.inf, fleet.quotas[region, limited])


def _cover(rows: Rows, fleet: Fleet, at: Columns) -> None:
    for region in range(fleet.regions):
        mine = at.share[fleet.partners == region]
        rows.add(((mine, np.ones(len(mine))),), 1.0, 1.0)


def _links(rows: Rows, fleet: Fleet, at: Columns) -> None:
    for row, pair in enumerate(fleet.pairs):
        parts = [(at.circuits[row], fleet.tier_gbps)]
        same = np.flatnonzero((np.sort(fleet.partners, axis=1) == np.sort(pair)).all(axis=1))
        parts += [(at.share[one], -fleet.replication_gbps[fleet.partners[one]]) for one in same]
        rows.add(parts, fleet.reserved_gbps[row], np.inf)
        if np.isfinite(fleet.link_quotas[row]):
            rows.add(parts[:1], -np.inf, fleet.link_quotas[row])
