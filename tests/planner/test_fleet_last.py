"""The last rung: the plan applied last stands in where no solver gives a fleet that can be trusted, or nothing does."""

from dataclasses import replace

import pytest

from contracts.plan import Plan
from contracts.resources import ComputeSpec
from planner.build import build_plan
from planner.errors import SolverCrashed
from planner.fleet import FleetProblem, FleetSolution
from planner.question import Question
from planner.solve import solve
from tests.planner.simulate import after
from tests.planner.test_fleets import fleet_of, wrong
from tests.planner.test_fleets import world as documents

TOLD = "decomposition by region: ended with -9"


def crashing(problem: FleetProblem) -> FleetSolution:
    raise SolverCrashed(TOLD, where="fleet", next_step="plan again")


@pytest.fixture(scope="module")
def applied() -> tuple[Question, Plan]:
    """The question once its plan was applied, and that plan."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.fleet.solve.is_small", lambda problem: False)
        plan = build_plan(documents(), solve, fleet_of)
    assert isinstance(plan, Plan)
    return after(documents(), plan), plan


def test_what_was_applied_last_stands_in_and_is_named(applied: tuple[Question, Plan]) -> None:
    asked, before = applied
    plan = build_plan(asked, solve, crashing)
    assert isinstance(plan, Plan)
    assert plan.solver == f"the last accepted plan ({TOLD})"
    assert plan.cut_short
    assert [item.resource for item in plan.resources] == [item.resource for item in before.resources]
    assert plan.cost.after_usd_per_hour == before.cost.after_usd_per_hour
    assert plan.cost.optimised_usd_per_hour == pytest.approx(before.cost.optimised_usd_per_hour)
    assert 0 < plan.cost.lower_bound_usd_per_hour <= before.cost.lower_bound_usd_per_hour
    assert wrong(asked, plan) == []


def test_what_does_not_hold_today_is_not_taken(applied: tuple[Question, Plan]) -> None:
    asked, _ = applied
    forecast = asked.forecast
    values = {key: table * 1.3 for key, table in forecast.values.items()}
    with pytest.raises(SolverCrashed, match=f"{TOLD}; the last accepted plan: it does not hold today .demand"):
        build_plan(replace(asked, forecast=replace(forecast, values=values)), solve, crashing)


def test_what_is_no_longer_sold_is_not_taken(applied: tuple[Question, Plan]) -> None:
    asked, before = applied
    used = min(
        (item.resource.place, item.resource.spec.shape)
        for item in before.resources
        if isinstance(item.resource.spec, ComputeSpec)
    )
    offers = tuple(offer for offer in asked.capacity.offers if (offer.place, offer.item) != used)
    capacity = asked.capacity.model_copy(update={"offers": offers})
    with pytest.raises(SolverCrashed, match=r"it does not hold today .something is bought that is not offered"):
        build_plan(replace(asked, capacity=capacity), solve, crashing)


def test_without_a_plan_that_was_applied_there_is_none() -> None:
    with pytest.raises(SolverCrashed) as told:
        build_plan(documents(), solve, crashing)
    assert told.value.what == TOLD
