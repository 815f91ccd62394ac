"""The ladder of dedicated reserves: a solver that stalls, crashes or lies, and the rung that is taken and named."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from contracts.failover import FailoverSettings, Survive
from contracts.plan import Infeasible, Plan
from coordinator.solver_process import solve_in_child
from planner.build import build_plan
from planner.errors import SolverCrashed, SolverError, SolverStalled
from planner.model import LinearModel, Solution, Solver, SolveStatus
from planner.placement_greedy import greedy_placement
from planner.question import Question
from planner.sites import Live, Site
from planner.solve import solve
from tests.laws.environments import Recipe, question
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import breaches
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people

GREEDY = "greedy with local improvement (one programme of whole numbers: {})"
STOP_S = 0.5


def child(script: str, timeout_s: float = 20.0) -> Solver:
    return partial(solve_in_child, command=(sys.executable, "-S", "-c", script), timeout_s=timeout_s)


def says(solution: Solution) -> Solver:
    return child(f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({solution.to_bytes()!r})")


def answer(values: int, status: SolveStatus = SolveStatus.OPTIMAL) -> Solution:
    return Solution(status=status, values=np.zeros(values), objective=0.0, bound=0.0, program="liar")


def claims_nothing_is_needed(model: LinearModel) -> Solution:
    """All zeros, in a child of its own, whatever is asked."""
    return says(answer(len(model.cost)))(model)


def boasts(model: LinearModel) -> Solution:
    """The right values, and a bound above what they cost."""
    right = solve(model)
    return says(replace(right, bound=right.objective * 1.01))(model)


FAULTS: dict[str, tuple[Solver, str]] = {
    "killed": (child("import os; os.kill(os.getpid(), 9)"), "ended with -9: it said nothing"),
    "stalled": (child("import time; time.sleep(60)", timeout_s=STOP_S), "gave no answer within 0.5 s and was stopped"),
    "noise": (child("print('lol')"), "its answer of 4 bytes is not a solution"),
    "says that zeros do": (claims_nothing_is_needed, "its solution breaks the model that it was given"),
    "says another length": (says(answer(3)), "gave 3 values for"),
    "boasts": (boasts, "bound"),
    "says that there is none": (says(answer(0, status=SolveStatus.INFEASIBLE)), "says that there is none"),
}


@cache
def best() -> Plan:
    found = build_plan(WORLD, solve)
    assert isinstance(found, Plan)
    return found


def planned(world: Question, solver: Solver) -> Plan:
    found = build_plan(world, solver)
    assert isinstance(found, Plan), found
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_greedy_is_taken_named_and_keeps_everything(fault: str) -> None:
    solver, why = FAULTS[fault]
    plan = planned(WORLD, solver)
    assert plan.solver.startswith(GREEDY.partition("{")[0] + why) and plan.cut_short
    assert breaches(asked_of(WORLD), plan) == ()
    assert best().cost.optimised_usd_per_hour <= plan.cost.optimised_usd_per_hour * (1 + 1e-9)
    assert 0 < plan.cost.lower_bound_usd_per_hour <= best().cost.optimised_usd_per_hour


def fails(model: LinearModel) -> Solution:
    raise SolverStalled("gave no answer", where="solver")


@pytest.mark.parametrize(
    ("recipe", "survive"),
    [
        (Recipe(regions=3, load=1.3), Survive.DOMAIN),
        (Recipe(regions=7, load=2.0), Survive.DOMAIN),
        (Recipe(seed=3, regions=4, load=1.1, tight=True, odd_prices=True, sparse=True), Survive.REGION),
        (Recipe(seed=4, regions=5, tight=True), Survive.REGION),
    ],
)
def test_greedy_holds_in_other_worlds_and_costs_little_more(recipe: Recipe, survive: Survive) -> None:
    world = people(question(recipe), failover=FailoverSettings(survive=survive))
    right, plan = planned(world, solve), planned(world, fails)
    assert breaches(asked_of(world), plan) == ()
    assert plan.cost.lower_bound_usd_per_hour <= right.cost.optimised_usd_per_hour * (1 + 1e-9)
    assert plan.cost.optimised_usd_per_hour <= right.cost.optimised_usd_per_hour * 1.1


def test_what_is_live_stays_where_it_holds_and_costs_no_more() -> None:
    standing = after(WORLD, best())
    plan = planned(standing, fails)
    assert plan.changes == () and plan.solver.startswith("what is live stays (one programme of whole numbers: ")


def test_what_is_live_gives_way_where_it_does_not_hold() -> None:
    grown = replace(after(WORLD, best()), forecast=question(Recipe(regions=4, load=1.5)).forecast)
    plan = planned(grown, fails)
    assert plan.solver == GREEDY.format("gave no answer") and plan.changes
    assert breaches(asked_of(grown), plan) == ()


def no_greedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.placement.greedy_placement", lambda sites, settings: None)


def test_the_last_accepted_plan_is_the_last_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    no_greedy(monkeypatch)
    gone = replace(WORLD, earlier=best(), previous_plan=best().digest())  # it was applied, and all of it is gone
    plan = planned(gone, fails)
    assert plan.solver == "the last accepted plan (one programme of whole numbers: gave no answer)" and plan.cut_short
    assert breaches(asked_of(gone), plan) == ()
    assert plan.cost.optimised_usd_per_hour == pytest.approx(best().cost.optimised_usd_per_hour)


@pytest.mark.parametrize("load", [0.0, 1.5], ids=["none", "outgrown"])
def test_where_no_rung_holds_each_is_told(monkeypatch: pytest.MonkeyPatch, load: float) -> None:
    no_greedy(monkeypatch)
    world = WORLD
    if load:
        grown = question(Recipe(regions=4, load=load)).forecast
        world = replace(WORLD, earlier=best(), previous_plan=best().digest(), forecast=grown)
    with pytest.raises(SolverStalled) as told:
        build_plan(world, fails)
    last = "it does not hold today" if load else "there is none"
    assert told.value.what == (
        "one programme of whole numbers: gave no answer; greedy with local improvement: none was found; "
        f"the last accepted plan: {last}"
    )
    assert told.value.next_step.startswith("plan again")


def test_a_rung_that_breaks_a_row_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_little(sites: Sequence[Site], settings: FailoverSettings) -> Mapping[str, Live]:
        made = greedy_placement(sites, settings)
        assert made is not None
        first = min(region for region, counts in made.items() if counts.failover)
        return {**made, first: replace(made[first], failover={})}

    monkeypatch.setattr("planner.placement.greedy_placement", too_little)
    with pytest.raises(SolverStalled, match="none was found"):
        build_plan(WORLD, fails)


def after_the_first(then: Callable[[LinearModel], Solution]) -> Solver:
    """Solves the first model it is asked, and fails from then on."""
    asked: list[LinearModel] = []

    def answering(model: LinearModel) -> Solution:
        asked.append(model)
        return solve(model) if len(asked) == 1 else then(model)

    return answering


def test_the_cheapest_is_taken_where_what_it_moves_is_not_told() -> None:
    shrunk = replace(after(WORLD, best()), forecast=question(Recipe(regions=4, load=1.4)).forecast)
    plan = planned(shrunk, after_the_first(fails))
    assert plan.solver.endswith("optimal, whatever is live (gave no answer)") and plan.cut_short
    assert breaches(asked_of(shrunk), plan) == ()


def test_what_is_impossible_stays_so_and_says_what_it_lacks() -> None:
    tight = question(Recipe(regions=1))
    assert isinstance(build_plan(tight, solve), Infeasible)

    def crashes(model: LinearModel) -> Solution:
        raise SolverCrashed("ended with -9", where="solver")

    with pytest.raises(SolverCrashed, match="-9"):
        build_plan(tight, after_the_first(crashes))


def test_a_solver_that_says_of_leaving_all_unmet_that_there_is_none_is_not_believed() -> None:
    none = answer(0, status=SolveStatus.INFEASIBLE)
    with pytest.raises(SolverError, match="even where demand may be left unmet"):
        build_plan(question(Recipe(regions=1)), lambda model: none)
