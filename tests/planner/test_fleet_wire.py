"""Fleets go to the solver and come back as they are, in as few bytes as their counts need."""

from dataclasses import replace

import numpy as np
import pytest

from planner.fleet.packed import MANY
from planner.fleet.problem import FleetProblem, FleetSolution
from tests.planner.fleet_world import Recipe, fleet


def problem() -> FleetProblem:
    arrays = fleet(Recipe()).arrays()
    return FleetProblem.of_arrays({name: np.asarray(array, dtype=float) for name, array in arrays.items()})


def solved(most: int = 3) -> FleetSolution:
    """Of a fleet of two regions, three types and four hours."""
    spot = np.full((2, 3, 4), most)
    worth = np.linspace(0, 1, 32).reshape(2, 4, 4)
    return FleetSolution(
        committed=np.array([[1, 2, 3], [4, 5, 6]]),
        on_demand=np.arange(24).reshape(2, 3, 4),
        spot=spot,
        circuits=np.array([[0, 7]]),
        shares=np.array([[0.25, 0.5]]),
        usd=12.5,
        bound=11.25,
        worth=worth,
        worth_critical=worth / 2,
        rungs=("stalled", "greedy"),
    )


def test_a_problem_arrives_as_it_left():
    here = problem()
    there = FleetProblem.from_bytes(here.to_bytes())
    for name in here.__slots__:
        sent, came = getattr(here, name), getattr(there, name)
        assert sent.dtype == came.dtype and np.array_equal(sent, came), name


@pytest.mark.parametrize("most", [0, 1, 127, 128, -128, -129, 32767, 32768, MANY, 2**31 - 1, 2**31, 2**62, -(2**63)])
def test_counts_of_any_size_come_back(most):
    sent = solved(most)
    came = FleetSolution.from_bytes(sent.to_bytes())
    for name in sent.__slots__:
        assert np.array_equal(getattr(came, name), getattr(sent, name)), name
    assert came.spot.dtype == (np.int32 if abs(most) < MANY else np.int64)


def test_an_answer_of_counts_that_are_not_whole_is_none():
    lie = replace(solved(), spot=solved().spot + 0.5)  # type: ignore[arg-type]  # halves of machines are the lie
    with pytest.raises(TypeError, match="where counts are whole"):
        FleetSolution.from_bytes(lie.to_bytes())
