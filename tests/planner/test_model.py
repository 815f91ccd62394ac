"""Models over the wire, and answers that do not keep what they claim."""

from dataclasses import replace

import numpy as np
import pytest

from planner.errors import SolverLied
from planner.model import LinearModel, ModelBuilder, Solution, SolveStatus, checked
from planner.solve import solve


def knapsack() -> LinearModel:
    """Cover 7 with pieces of 3 and 2 at 2 and 1.5: two threes and a two, or one three and two twos; both cost 5.

    A third column is continuous and free to stay at nothing.
    """
    builder = ModelBuilder()
    three, two = builder.column(2, upper=9), builder.column(1.5, upper=9)
    rest = builder.column(10, integer=False)
    builder.row([(three, 3), (two, 2), (rest, 1)], lower=7)
    builder.row([(three, 1), (two, -1)], upper=0)
    return builder.build()


def test_the_solver_finds_the_least_cost():
    solution = checked(knapsack(), solve(knapsack()))
    assert solution.status is SolveStatus.OPTIMAL
    assert solution.objective == pytest.approx(5)
    assert solution.program.startswith("highs ")


def test_model_and_solution_survive_the_wire():
    model = knapsack()
    copy = LinearModel.from_bytes(model.to_bytes())
    assert all(np.array_equal(getattr(model, name), getattr(copy, name)) for name in LinearModel.__slots__)
    solution = solve(model)
    again = Solution.from_bytes(solution.to_bytes())
    assert np.array_equal(solution.values, again.values)
    assert (solution.status, solution.objective, solution.bound, solution.program) == (
        again.status,
        again.objective,
        again.bound,
        again.program,
    )


def test_an_infeasible_model_is_said_to_be_so():
    builder = ModelBuilder()
    builder.row([(builder.column(1, upper=1), 1.0)], lower=2)
    assert solve(builder.build()).status is SolveStatus.INFEASIBLE


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"values": np.array([1.0, 1.0, 0.0]), "objective": 3.5}, "breaks"),  # a row
        ({"values": np.array([1.0, 10.0, 0.0]), "objective": 17.0}, "breaks"),  # a bound
        ({"values": np.array([1.2, 1.8, 0.0]), "objective": 5.1}, "breaks"),  # whole numbers
        ({"values": np.array([1.0, 2.0]), "objective": 5.0}, "2 values"),
        ({"values": np.array([np.nan, 2.0, 0.0])}, "values"),
        ({"objective": 4.0}, "claims 4.0"),
        ({"bound": 6.0}, "lies above"),
    ],
)
def test_a_lie_is_found(lie, words):
    honest = Solution(
        status=SolveStatus.OPTIMAL, values=np.array([1.0, 2.0, 0.0]), objective=5.0, bound=5.0, program="liar"
    )
    assert checked(knapsack(), honest) is honest
    with pytest.raises(SolverLied, match=words):
        checked(knapsack(), replace(honest, **lie))
