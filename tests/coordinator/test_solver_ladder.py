"""The ladder: children that are really killed, really hang, come late or lie, and the rung that is taken and named."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from coordinator.solver_ladder import STEPS, Step, solve_fleet_by_ladder
from planner.errors import FleetImpossible, SolverError
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from planner.fleet.rungs import Rung
from planner.fleet.solve import ROUNDING_ALONE, solve_fleet
from tests.planner import fleet_world
from tests.planner.fleet_checker import each_lost, judge
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe

WORLD = fleet_world.fleet(Recipe(regions=3, types=4, hours=2, level=30))
STOP_S = 1.0


@cache
def problem() -> FleetProblem:
    return problem_of(WORLD)


@cache
def solved() -> FleetSolution:
    return solve_fleet(problem(), ROUNDING_ALONE)


def child(script: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", script)


def says(payload: bytes, first: str = "") -> tuple[str, ...]:
    """A child that reads the question, does something first and says this."""
    return child(f"import sys, time; sys.stdin.buffer.read(); {first}; sys.stdout.buffer.write({payload!r})")


def honest() -> tuple[str, ...]:
    return says(solved().to_bytes(), "pass")


def killed() -> tuple[str, ...]:
    return child("import os; os.kill(os.getpid(), 9)")


def hanging() -> tuple[str, ...]:
    return child("import time; time.sleep(600)")


def late() -> tuple[str, ...]:
    """What it says would be right."""
    return says(solved().to_bytes(), f"time.sleep({STOP_S + 1})")


def lying() -> tuple[str, ...]:
    return says(
        replace(solved(), on_demand=solved().on_demand * 0, committed=solved().committed * 0).to_bytes(), "pass"
    )


def boasting() -> tuple[str, ...]:
    return says(replace(solved(), bound=solved().usd * 1.01).to_bytes(), "pass")


def denying() -> tuple[str, ...]:
    """Says that there is no fleet."""
    words = "\x1f".join(("nothing fits", "fleet", "more", "ask for less"))
    return child(f"import sys; sys.stdin.buffer.read(); sys.stderr.write({words!r}); sys.exit(7)")


FAULTS: dict[Callable[[], tuple[str, ...]], str] = {
    killed: "ended with -9: it said nothing",
    hanging: "gave no answer within 1 s and was stopped",
    late: "gave no answer within 1 s and was stopped",
    lying: "its fleet breaks the problem that it was given: demand",
    boasting: "its fleet breaks the problem that it was given: bound",
}


def steps(*commands: tuple[str, ...]) -> tuple[Step, ...]:
    """The ladder with other children, of which each must be done in a second."""
    return tuple(
        replace(step, command=command, timeout_s=STOP_S if command in (hanging(), late()) else 20.0)
        for step, command in zip(STEPS, commands, strict=True)
    )


def named(part: object) -> str:
    return getattr(part, "__name__", "")


def test_a_decomposition_that_holds_is_taken_as_it_is() -> None:
    found = solve_fleet_by_ladder(problem(), steps=steps(honest(), killed()))
    assert found.to_bytes() == solved().to_bytes()
    assert found.rungs == ()


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_the_next_rung_is_taken_and_named(fault: Callable[[], tuple[str, ...]]) -> None:
    found = solve_fleet_by_ladder(problem(), steps=steps(fault(), honest()))
    assert found.rungs == (f"decomposition by region: {FAULTS[fault]}", Rung.ROUNDING)
    assert replace(found, rungs=()).to_bytes() == solved().to_bytes()


@pytest.mark.parametrize("fault", [killed, lying], ids=named)
def test_greedy_is_taken_where_no_child_answers(fault: Callable[[], tuple[str, ...]]) -> None:
    found = solve_fleet_by_ladder(problem(), steps=steps(killed(), fault()))
    assert found.rungs[0].startswith("decomposition by region: ended with -9")
    assert found.rungs[1] == f"rounding of the relaxation: {FAULTS[fault]}"
    assert found.rungs[2] == Rung.GREEDY
    assert judge(WORLD, solution_of(found)).violations == ()
    assert each_lost(WORLD, solution_of(found)) == []


def test_a_child_that_says_there_is_none_is_not_believed_where_there_is_one() -> None:
    found = solve_fleet_by_ladder(problem(), steps=steps(denying(), honest()))
    assert found.rungs == ("decomposition by region: nothing fits", Rung.GREEDY)
    assert checked_fleet(problem(), found) is found


def test_what_is_impossible_stays_so() -> None:
    one_partner = problem_of(fleet_world.with_one_partner(WORLD))
    with pytest.raises(FleetImpossible, match="nothing fits"):
        solve_fleet_by_ladder(one_partner, steps=steps(denying(), honest()))
    with pytest.raises(FleetImpossible, match="nothing fits"):
        solve_fleet_by_ladder(one_partner, steps=steps(killed(), denying()))


def test_where_no_rung_gives_a_fleet_each_is_told() -> None:
    one_partner = problem_of(fleet_world.with_one_partner(WORLD))
    with pytest.raises(SolverError) as told:
        solve_fleet_by_ladder(one_partner, steps=steps(killed(), lying()))
    parts = told.value.what.split("; ")
    assert [part.partition(":")[0] for part in parts] == [Rung.DECOMPOSITION, Rung.ROUNDING, Rung.GREEDY]
    assert "-9" in parts[0] and "two partners" in parts[2]


def test_the_rounding_rung_is_a_child_of_its_own() -> None:
    found = solve_fleet_by_ladder(problem(), steps=(replace(STEPS[0], command=killed()), STEPS[1]))
    assert found.rungs[-1] == Rung.ROUNDING
    assert replace(found, rungs=()).to_bytes() == solved().to_bytes()


def test_a_fleet_further_down_is_never_silently_worse() -> None:
    """Its own bound is stated, and no rung's bound is above another's cost."""
    best = solve_fleet(problem())
    for found in (solved(), greedy_fleet(problem())):
        assert best.usd <= found.usd * (1 + 1e-9)
        assert 0 < found.bound <= best.usd * (1 + 1e-9)
    assert not greedy_fleet(problem()).worth.any()  # no programme: no price at the margin is told
    assert np.isfinite(best.worth).all()
