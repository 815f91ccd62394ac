"""One region's linear programme: the cheapest instances that serve its demand and hold what others may need of it.

Between solves only bounds change (`planner.fleet.rows`), so that the dual simplex starts from the last basis: some ten
pivots instead of a hundred; as it does where types come in or go (`planner.fleet.warm`).

A region that cannot hold what the shares ask of it says how much it lacks, so that others are asked: from then on its
programme has columns for what is lacking, dearer than anything that is sold.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import FleetImpossible, SolverCrashed
from planner.fleet.offers import filling_types
from planner.fleet.problem import FleetProblem, Floats, Ints
from planner.fleet.rows import start_program
from planner.fleet.warm import carry_over

if TYPE_CHECKING:
    import highspy


WHOLE = 1e-6
"""How near a count lies to a whole number that counts as one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionAnswer:
    """Optimal amounts and duals of one region.

    Attributes:
        usd: over the horizon.
        bought: (1 + 2 H, n) by the region's own types: committed, then on demand by hour, then spot by hour.
        served, firm: (H, K); spot_price: (H,): duals, at least 0.
        quota_price: (H, K), at least 0; empty where the problem has no quotas.
        lacking: (H, K) what must be held firm and cannot be; empty where nothing is lacking.
    """

    usd: float
    bought: Floats
    served: Floats
    firm: Floats
    spot_price: Floats
    quota_price: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    lacking: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def committed(self) -> Floats:
        """(n,)."""
        return np.asarray(self.bought[0])

    @property
    def on_demand(self) -> Floats:
        """(H, n)."""
        return self.bought[1 : 1 + len(self.bought) // 2]

    @property
    def spot(self) -> Floats:
        """(H, n)."""
        return self.bought[1 + len(self.bought) // 2 :]


class RegionProgram:
    """Holds the programme of one region in HiGHS, and its types, which may grow."""

    _program: "highspy.Highs | None"

    def __init__(self, problem: FleetProblem, region: int, types: Ints, *, elastic: bool = False) -> None:
        self._problem, self.region = problem, region
        self.types = types
        self.elastic = elastic  # whether it ever lacked something
        self._used: set[int] = set()
        self.last: RegionAnswer | None = None
        self._asked = np.zeros((0, 0))
        self._start()

    def grow(self, types: Ints) -> None:
        """Takes more types in."""
        self._go_on(np.union1d(self.types, types))

    def settle_on(self, most: int) -> None:
        """Lets go of types beyond `most`: those that some answer so far used stay, and the smallest of the others."""
        if len(self.types) <= most:
            return
        usd = self._problem.on_demand_usd[self.region, self.types]
        kept = _joined(self._used, self.types[np.argsort(usd, kind="stable")], most)
        if len(kept) < len(self.types):
            self._go_on(kept)

    def _go_on(self, types: Ints) -> None:
        """With other types, from the basis that there is."""
        old, before = self._program, self.types
        self.types = types
        program = self._start()
        if old is not None and not self.elastic:
            carry_over(old, program, self._problem, self.region, (before, types))

    def to_fill(self, answer: RegionAnswer, most: int) -> tuple[RegionAnswer, Ints]:
        """An answer of this one's types among those and others that fill what is missing; up to `most`, or its own."""
        filling = filling_types(self._problem, self.region)
        smallest = np.argsort(self._problem.on_demand_usd[self.region], kind="stable")
        types = _joined(self.types.tolist(), np.concatenate([filling, smallest]), most)
        bought = np.zeros((len(answer.bought), len(types)))
        bought[:, np.searchsorted(types, self.types)] = answer.bought
        return replace(answer, bought=bought), types

    def _start(self) -> "highspy.Highs":
        program = start_program(self._problem, self.region, self.types, elastic=self.elastic)
        self._program, self.last = program, None
        return program

    def solve(self, held: Floats) -> RegionAnswer:
        """The cheapest instances when `held` (K, H) must stay firm; the last answer itself where it was for as much.

        Raises:
            FleetImpossible: nothing keeps the limits.
            SolverCrashed: HiGHS ended without an answer.
        """
        import highspy

        if self.last is not None and np.array_equal(self._asked, held):
            return self.last
        program, hours, kinds = self._program or self._start(), self._problem.hours, held.shape[0]
        count, firm = len(self.types), hours * kinds
        bought = count * (1 + 2 * hours)
        columns = np.arange(bought, bought + firm, dtype=np.int32)
        program.changeColsBounds(firm, columns, held.T.ravel(), np.full(firm, np.inf))
        program.run()
        status = program.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return self._widened(held)
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverCrashed(f"ended as {program.modelStatusToString(status)!r}", where=f"region {self.region}")
        self._asked, self.last = held, self._answer(program, kinds)
        return self.last

    def _widened(self, held: Floats) -> RegionAnswer:
        """The answer with all types there are, and then where something may be lacking."""
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

    def _answer(self, program: "highspy.Highs", kinds: int) -> RegionAnswer:
        """What the programme found; the reduced cost of what is brought is the difference of its two rows' duals."""
        hours, count = self._problem.hours, len(self.types)
        firm, last = hours * kinds, count * (1 + 2 * hours)
        solution = program.getSolution()
        values = np.maximum(np.array(solution.col_value, dtype=np.float64), 0.0)
        duals = np.array(solution.row_dual, dtype=np.float64)
        bought = values[:last].reshape(1 + 2 * hours, count)
        self._used.update(self.types[(bought > 0).any(0)].tolist())
        lacking = values[last + firm :].reshape(-1, kinds)
        brought, served = duals[:firm], duals[firm : 2 * firm]
        return RegionAnswer(
            usd=program.getObjectiveValue(),
            bought=bought,
            served=np.maximum(served, 0).reshape(hours, kinds),
            firm=np.maximum(brought - served, 0).reshape(hours, kinds),
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

        The one nearest to a whole number comes first, as least is decided by it. What was made whole stays so: the
        programme is let go, and begins anew where it is asked again.
        """
        program = self._program or self._start()
        answer = self.solve(held)
        program = self._program or program  # types may have come in
        for _ in range(2 * len(self.types)):
            far = np.abs(answer.committed - np.round(answer.committed))
            if far.max() < WHOLE:
                break
            at = int(np.argmin(np.where(far < WHOLE, np.inf, far)))
            nearest = float(np.round(answer.committed[at]))
            other = nearest + (1.0 if answer.committed[at] > nearest else -1.0)
            tried = []
            for count in (other, nearest):  # the likelier last, so that it seldom has to be solved again
                program.changeColBounds(at, count, count)
                tried.append((_usd(program), count))
            usd, count = min(tried)
            if not np.isfinite(usd):
                break
            if count != nearest:
                program.changeColBounds(at, count, count)
                program.run()
            answer = self._answer(program, held.shape[0])
        self._program = None
        return answer


def _usd(program: "highspy.Highs") -> float:
    """USD of a programme as it stands; infinite where nothing keeps its limits."""
    import highspy

    program.run()
    optimal = program.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(program.getObjectiveValue()) if optimal else float("inf")


def _joined(kept: Iterable[int], others: Ints, most: int) -> Ints:
    """Types that are kept, and the first of some others, as many as there may be in all."""
    first = sorted(kept)
    every = list(dict.fromkeys([*first, *others.tolist()]))
    return np.array(sorted(every[: max(most, len(first))]))
