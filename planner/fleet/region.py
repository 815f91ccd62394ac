"""One region's linear programme: the cheapest instances that serve its demand and hold what others may need of it.

Columns: committed by type, on demand by hour and type, spot by hour and type, and what all but spot bring together, by
hour and resource. Rows: what they bring, and what is served, by hour and resource; spot by hour; stock by hour and
limited type; quotas by hour and limited resource. What must be held firm bounds a column from below: only that changes
between solves, so that the dual simplex starts from the last basis: some ten pivots instead of a hundred.

A region that cannot hold what the shares ask of it says how much it lacks, so that others are asked: from then on its
programme has columns for what is lacking, dearer than anything that is sold.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import FleetImpossible, SolverCrashed
from planner.fleet.offers import filling_types
from planner.fleet.problem import NOT_OFFERED, FleetProblem, Floats, Ints
from planner.fleet.quiet import quiet_program

if TYPE_CHECKING:
    import highspy


WHOLE = 1e-6
"""How near a count lies to a whole number that counts as one."""

LACKING = 100.0
"""Price of what is lacking, as a multiple of the cheapest way to have it."""

DEARER = 2.0
"""The same as a multiple of the dearest way, where that is more: what can be bought is never lacking instead."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionAnswer:
    """Optimal amounts and duals of one region.

    Attributes:
        usd: over the horizon.
        committed: (n,); on_demand, spot: (H, n) by the region's own types.
        served, firm: (H, K); spot_price: (H,): duals, at least 0.
        quota_price: (H, K), at least 0; empty where the problem has no quotas.
        lacking: (H, K) what must be held firm and cannot be; empty where nothing is lacking.
    """

    usd: float
    committed: Floats
    on_demand: Floats
    spot: Floats
    served: Floats
    firm: Floats
    spot_price: Floats
    quota_price: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    lacking: Floats = field(default_factory=lambda: np.zeros((0, 0)))


class RegionProgram:
    """Holds the programme of one region in HiGHS, and its types, which may grow."""

    _program: "highspy.Highs | None"

    def __init__(self, problem: FleetProblem, region: int, types: Ints, *, elastic: bool = False) -> None:
        self._problem, self.region = problem, region
        self.types = types
        self.elastic = elastic  # whether it ever lacked something
        self._used: set[int] = set()
        self._start()

    def grow(self, types: Ints) -> None:
        """Takes more types in; the next solve starts anew."""
        self.types = np.union1d(self.types, types)
        self._start()

    def settle_on(self, most: int) -> None:
        """Goes on with the types that some answer so far used, and with the smallest of the others up to `most`."""
        known = np.isin(np.arange(len(self._problem.gives)), self.types)
        prices = self._problem.on_demand_usd[self.region]
        kept = _joined(self._used, np.lexsort((prices, ~known)), most)  # the smallest of its own first
        if not np.array_equal(kept, self.types):
            self.types = kept
            self._start()

    def to_fill(self, most: int) -> "RegionProgram":
        """The same anew, to be made whole, with types that fill what is missing; up to `most`, but for its own.

        This one's programme, which is not needed meanwhile, is let go until it is asked again.
        """
        self._program = None
        filling = filling_types(self._problem, self.region)
        smallest = np.argsort(self._problem.on_demand_usd[self.region], kind="stable")
        types = _joined(self.types.tolist(), np.concatenate([filling, smallest]), most)
        return RegionProgram(self._problem, self.region, types, elastic=self.elastic)

    def _start(self) -> "highspy.Highs":
        program = _start(self._problem, self.region, self.types, elastic=self.elastic)
        self._program = program
        return program

    def solve(self, held: Floats) -> RegionAnswer:
        """The cheapest instances when `held` (K, H) must stay firm.

        Raises:
            FleetImpossible: nothing keeps the limits.
            SolverCrashed: HiGHS ended without an answer.
        """
        import highspy

        program, hours, kinds = self._program or self._start(), self._problem.hours, held.shape[0]
        count, firm = len(self.types), hours * kinds
        bought = count * (1 + 2 * hours)
        columns = np.arange(bought, bought + firm, dtype=np.int32)
        program.changeColsBounds(firm, columns, held.T.ravel(), np.full(firm, np.inf))
        program.run()
        status = program.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            if len(self.types) < len(self._problem.gives):  # what it has is out of stock: ask all
                self.grow(np.arange(len(self._problem.gives)))
                return self.solve(held)
            if not self.elastic:
                self.elastic = True
                self._start()
                return self.solve(held)
            name = self._problem.name(self.region)
            raise FleetImpossible(
                f"region {name} cannot meet its demand within its quotas and the stock of its instance types",
                where=f"region {name}",
                expected="quotas and stock for the demand",
                next_step="raise the quotas, offer more types, or lower the demand it may take",
            )
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverCrashed(f"ended as {program.modelStatusToString(status)!r}", where=f"region {self.region}")
        solution = program.getSolution()
        values, duals = np.array(solution.col_value), np.array(solution.row_dual)
        beyond = np.array(solution.col_dual)[columns]
        by_hour = np.maximum(values[count:bought], 0).reshape(2, hours, count)
        self._used.update(self.types[(values[:count] > 0) | (by_hour > 0).any((0, 1))].tolist())
        lacking = np.maximum(values[bought + firm :], 0).reshape(-1, kinds)
        return RegionAnswer(
            usd=float(program.getInfo().objective_function_value),
            committed=np.maximum(values[:count], 0),
            on_demand=by_hour[0],
            spot=by_hour[1],
            served=np.maximum(duals[firm : 2 * firm], 0).reshape(hours, kinds),
            firm=np.maximum(beyond, 0).reshape(hours, kinds),
            spot_price=np.maximum(-duals[2 * firm : 2 * firm + hours], 0),
            quota_price=self._quota_price(duals),
            lacking=lacking if lacking.any() else lacking[:0],
        )

    def _quota_price(self, duals: Floats) -> Floats:
        """(H, K) duals of the last rows, 0 where no quota is."""
        problem = self._problem
        if not problem.quota.size:
            return np.zeros((0, 0))
        limited = np.flatnonzero(np.isfinite(problem.quota[self.region]))
        found = np.zeros((problem.hours, problem.gives.shape[1]))
        if len(limited):
            found[:, limited] = np.maximum(-duals[-problem.hours * len(limited) :], 0).reshape(problem.hours, -1)
        return found

    def commit(self, held: Floats) -> RegionAnswer:
        """The answer when what is committed is whole: one type after the other up or down, as the rest then costs less.

        The one nearest to a whole number comes first, as least is decided by it. What was made whole stays so.
        """
        answer = self.solve(held)
        program = self._program or self._start()
        for _ in range(2 * len(self.types)):
            far = np.abs(answer.committed - np.round(answer.committed))
            if far.max() < WHOLE:
                break
            at = int(np.argmin(np.where(far < WHOLE, np.inf, far)))
            tried = []
            for count in (np.floor(answer.committed[at]), np.ceil(answer.committed[at])):
                program.changeColBounds(at, float(count), float(count))
                tried.append((_usd(program), count))
            usd, count = min(tried)
            if not np.isfinite(usd):
                break
            program.changeColBounds(at, float(count), float(count))
            answer = self.solve(held)
        return answer


def _usd(program: "highspy.Highs") -> float:
    """USD of a programme as it stands; infinite where nothing keeps its limits."""
    import highspy

    program.run()
    optimal = program.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(program.getInfo().objective_function_value) if optimal else float("inf")


def _joined(kept: Iterable[int], others: Ints, most: int) -> Ints:
    """Types that are kept, and the first of some others, as many as there may be in all."""
    first = sorted(kept)
    every = list(dict.fromkeys([*first, *others.tolist()]))
    return np.array(sorted(every[: max(most, len(first))]))


def _start(problem: FleetProblem, region: int, types: Ints, *, elastic: bool = False) -> "highspy.Highs":
    """A fresh programme; an elastic one may lack what must be held firm, at a price."""
    program = quiet_program()
    program.passModel(_linear_program(problem, region, types))
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


def _linear_program(problem: FleetProblem, region: int, types: Ints) -> "highspy.HighsLp":
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
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count * (1 + 2 * hours) + hours * kinds, len(lengths)
    prices = (problem.committed_usd[region], problem.on_demand_usd[region], problem.spot_cost[region])
    repeats = (1, hours, hours)
    offered = [np.tile(usd[types] < NOT_OFFERED, times) for usd, times in zip(prices, repeats, strict=True)]
    costs = [np.tile(usd[types], times) for usd, times in zip(prices, repeats, strict=True)]
    costs[0] = costs[0] * hours
    bought = np.concatenate(offered)
    program.col_cost_ = np.concatenate([np.where(bought, np.concatenate(costs), 0.0), np.zeros(hours * kinds)])
    program.col_lower_ = np.concatenate([np.zeros(len(bought)), problem.critical[region].T.ravel()])
    program.col_upper_ = np.concatenate([np.where(bought, np.tile(stock, 1 + 2 * hours), 0.0), unlimited])
    nothing = np.full(hours * (1 + len(limited) + len(quota)), -np.inf)
    program.row_lower_ = np.concatenate([np.zeros(hours * kinds), problem.demand[region].T.ravel(), nothing])
    rooms = (np.tile(stock[limited], hours), np.tile(quotas[quota], hours))
    program.row_upper_ = np.concatenate([np.zeros(hours * kinds), unlimited, spot_room, *rooms])
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    program.a_matrix_.index_ = np.concatenate([part.ravel() for part in indices]).astype(np.int32)
    program.a_matrix_.value_ = np.concatenate([part.ravel() for part in values])
    return program
