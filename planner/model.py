"""A mixed-integer linear model as plain arrays, its solution, and the check that the one solves the other.

Stands between `planner.placement`, which builds models, and `planner.solve`, which runs HiGHS on them in a child
process. Imports nothing heavy, because the child pays for it at every start.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from planner.errors import SolverLied

Floats = NDArray[np.float64]

FEASIBILITY = 1e-6
"""How far a row may be off, relative to its scale: HiGHS' own default primal tolerance is 1e-7, with some slack."""


class SolveStatus(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"  # within the gap asked for
    BOUNDED = "bounded"  # the node limit ended it: feasible, with a proven bound
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearModel:
    """Minimise `cost @ x` with `lower <= x <= upper`, `row_lower <= A x <= row_upper`, some of x whole.

    Attributes:
        starts, indices, values: A by rows (compressed): row i has the entries `starts[i]` to `starts[i + 1]`.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    row_lower: Floats
    row_upper: Floats
    starts: NDArray[np.int32]
    indices: NDArray[np.int32]
    values: Floats

    def activity(self, x: Floats) -> Floats:
        """A x."""
        rows = np.repeat(np.arange(len(self.row_lower)), np.diff(self.starts))
        total = np.bincount(rows, weights=self.values * x[self.indices], minlength=len(self.row_lower))
        return np.asarray(total, dtype=np.float64)

    def admits(self, x: Floats) -> bool:
        """Whether x keeps every bound, row and integrality."""
        return (
            _within(x, self.lower, self.upper)
            and _within(self.activity(x), self.row_lower, self.row_upper)
            and bool(np.all(np.abs(x - np.round(x))[self.integer] <= FEASIBILITY))
        )

    def to_bytes(self) -> bytes:
        """As npz, for the child's standard input."""
        sink = io.BytesIO()
        arrays = {name: getattr(self, name) for name in self.__slots__}
        np.savez(sink, allow_pickle=False, **arrays)
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "LinearModel":
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What the solver says. `values` is empty when the model is infeasible; `program` is its name and version."""

    status: SolveStatus
    values: Floats
    objective: float
    bound: float
    program: str

    def to_bytes(self) -> bytes:
        """As npz, for the child's standard output."""
        sink = io.BytesIO()
        np.savez(
            sink,
            allow_pickle=False,
            status=np.array(self.status.value),
            values=self.values,
            objective=np.array(self.objective),
            bound=np.array(self.bound),
            program=np.array(self.program),
        )
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Solution":
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            return cls(
                status=SolveStatus(str(arrays["status"])),
                values=arrays["values"],
                objective=float(arrays["objective"]),
                bound=float(arrays["bound"]),
                program=str(arrays["program"]),
            )


Solver = Callable[[LinearModel], Solution]
"""Solves a model. Raises `SolverError` when no answer can be trusted."""


@dataclass(slots=True)
class ModelBuilder:
    """Collects columns and rows in the order in which they are added, which is part of the model's meaning."""

    _columns: list[tuple[float, float, float, bool]] = field(default_factory=list)
    _rows: list[tuple[float, float]] = field(default_factory=list)
    _starts: list[int] = field(default_factory=lambda: [0])
    _indices: list[int] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)

    def column(self, cost: float, lower: float = 0, upper: float = np.inf, *, integer: bool = True) -> int:
        """Adds a variable; returns its index."""
        self._columns.append((cost, lower, upper, integer))
        return len(self._columns) - 1

    def row(self, terms: Iterable[tuple[int, float]], *, lower: float = -np.inf, upper: float = np.inf) -> None:
        """Adds `lower <= sum of coefficient * column <= upper`."""
        for index, value in terms:
            self._indices.append(index)
            self._values.append(value)
        self._starts.append(len(self._indices))
        self._rows.append((lower, upper))

    def build(self) -> LinearModel:
        """The model so far."""
        columns = np.array([column[:3] for column in self._columns], dtype=np.float64).reshape(-1, 3)
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 2)
        return LinearModel(
            cost=columns[:, 0].copy(),
            lower=columns[:, 1].copy(),
            upper=columns[:, 2].copy(),
            integer=np.array([column[3] for column in self._columns], dtype=np.bool_),
            row_lower=rows[:, 0].copy(),
            row_upper=rows[:, 1].copy(),
            starts=np.array(self._starts, dtype=np.int32),
            indices=np.array(self._indices, dtype=np.int32),
            values=np.array(self._values, dtype=np.float64),
        )


def checked(model: LinearModel, solution: Solution) -> Solution:
    """The solution itself when it keeps what it claims.

    Raises:
        SolverLied: it breaks a bound, a row or an integrality, or its objective or bound is not one.
    """
    if solution.status is SolveStatus.INFEASIBLE:
        return solution
    if solution.values.shape != model.cost.shape or not np.all(np.isfinite(solution.values)):
        raise SolverLied(f"gave {solution.values.size} values for {model.cost.size} variables", where=solution.program)
    if not model.admits(solution.values):
        raise SolverLied("its solution breaks the model that it was given", where=solution.program)
    real = float(model.cost @ solution.values)
    slack = FEASIBILITY * (1 + abs(real))
    if abs(real - solution.objective) > slack:
        raise SolverLied(f"claims {solution.objective} where the cost is {real}", where=solution.program)
    if not solution.bound <= solution.objective + slack:
        raise SolverLied(f"bound {solution.bound} lies above {solution.objective}", where=solution.program)
    return solution


def _within(x: Floats, lower: Floats, upper: Floats) -> bool:
    return bool(
        np.all(x >= lower - FEASIBILITY * (1 + np.abs(np.where(np.isfinite(lower), lower, 0))))
        and np.all(x <= upper + FEASIBILITY * (1 + np.abs(np.where(np.isfinite(upper), upper, 0))))
    )
