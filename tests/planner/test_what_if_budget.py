"""What-ifs over a budget: what would have to give, in which order, until it is kept."""

from dataclasses import replace

import pytest

from contracts.environment import Costs
from contracts.resources import Purpose, ResourceKind
from contracts.what_if import WhatIf
from coordinator.what_if import answer
from tests.laws.environments import Recipe, loaded, question
from tests.planner.simulate import after
from tests.planner.test_scale_in import measured
from tests.planner.test_what_if import PLAN, attempt
from tests.planner.worlds import RECIPE, WORLD, people, plan_of, specs


def test_a_budget_that_is_kept_asks_for_nothing():
    told = answer(WORLD, WhatIf(budget_usd_per_hour=1e6), attempt).budget
    assert told is not None and told.over_usd_per_hour < 0 and told.gives == ()


def test_a_budget_says_what_would_have_to_give_until_it_is_kept():
    share = 0.75
    cost = PLAN.cost.after_usd_per_hour
    told = answer(WORLD, WhatIf(budget_usd_per_hour=cost * share), attempt).budget
    assert told is not None
    assert told.over_usd_per_hour == pytest.approx(cost * (1 - share), abs=1e-3)
    assert told.reached_usd_per_hour <= told.budget_usd_per_hour
    saved = sum(item.saves_usd_per_hour for item in told.gives)
    assert told.reached_usd_per_hour == pytest.approx(cost - saved, abs=1e-3)
    assert told.gives[0].what == "staging.max_units_per_place"
    assert all(item.after < item.before for item in told.gives)


def test_a_budget_below_what_demand_itself_costs_is_said_to_be_out_of_reach():
    told = answer(WORLD, WhatIf(budget_usd_per_hour=0.01), attempt).budget
    assert told is not None and told.reached_usd_per_hour > 0.01
    assert {item.what for item in told.gives} >= {"failover.critical_share", "rules.headroom_quantile"}


def test_the_last_concession_gives_no_more_than_it_must():
    """It is taken back to within a sixteenth: a sixteenth less of it, and the budget is not kept."""
    budget = PLAN.cost.after_usd_per_hour - 0.3
    (only,) = answered(budget).gives
    assert 0 < only.after < only.before
    staging = WORLD.environment.staging
    units = round(only.after + only.before / 16 + 0.5)
    less = replace(
        WORLD,
        environment=WORLD.environment.model_copy(
            update={"staging": staging.model_copy(update={"max_units_per_place": units})}
        ),
    )
    assert plan_of(less).cost.after_usd_per_hour > budget


def answered(budget):
    told = answer(WORLD, WhatIf(budget_usd_per_hour=budget), attempt).budget
    assert told is not None
    return told


def test_the_concessions_reach_what_they_say():
    """Made by hand, the settings that are named give a plan of the cost that is named."""
    told = answer(WORLD, WhatIf(budget_usd_per_hour=PLAN.cost.after_usd_per_hour * 0.75), attempt).budget
    assert told is not None
    environment = WORLD.environment
    for item in told.gives:
        group, _, name = item.what.partition(".")
        part = getattr(environment, group).model_copy(
            update={name: type(getattr(getattr(environment, group), name))(item.after)}
        )
        environment = environment.model_copy(update={group: part})
    if "headroom" in " ".join(item.what for item in told.gives):
        costs = environment.costs.model_copy(update={"shortage_usd_per_unit_hour": {}})
        environment = environment.model_copy(update={"costs": costs})
    plan = plan_of(replace(WORLD, environment=environment))
    assert plan.cost.after_usd_per_hour == pytest.approx(told.reached_usd_per_hour, abs=0.01)


def test_what_calm_alone_keeps_is_given_up_first_and_stands_in_no_budgets_way():
    """All that stands was measured: a lower quantile saves nothing until calm gives, and then what is told."""
    recipe = Recipe(requests=False, critical_share=0.0)
    world = question(recipe)
    stands = measured(after(world, plan_of(world)), (1e6,))
    cost = plan_of(stands).cost.after_usd_per_hour
    told = answer(stands, WhatIf(budget_usd_per_hour=cost * 0.9), attempt).budget
    assert told is not None and told.reached_usd_per_hour <= told.budget_usd_per_hour
    assert [item.what for item in told.gives] == ["rules.calm", "rules.headroom_quantile"]
    calm, quantile = told.gives
    assert (calm.before, calm.after) == (1, 0) and calm.saves_usd_per_hour == pytest.approx(0, abs=1e-6)
    rules = stands.environment.rules.model_copy(update={"headroom_quantile": quantile.after})
    costs = Costs(shortage_usd_per_unit_hour={})
    assert plan_of(people(stands, rules=rules, costs=costs)).cost.after_usd_per_hour > told.budget_usd_per_hour
    rules = rules.model_copy(update={"calm": False})
    by_hand = plan_of(people(stands, rules=rules, costs=costs)).cost.after_usd_per_hour
    assert by_hand == pytest.approx(told.reached_usd_per_hour, abs=0.01)


def test_without_calm_nothing_stays_because_it_is_live():
    """As a first plan has it, but for volumes, which hold content: here there is none."""
    fallen = loaded(after(WORLD, PLAN), RECIPE, 0.93)
    anew = plan_of(people(fallen, rules=fallen.environment.rules.model_copy(update={"calm": False})))
    first = plan_of(loaded(WORLD, RECIPE, 0.93))
    served = (ResourceKind.COMPUTE, ResourceKind.CIRCUIT)
    assert [specs(anew, kind, Purpose.SERVING) for kind in served] == [
        specs(first, kind, Purpose.SERVING) for kind in served
    ]
    assert specs(plan_of(fallen), ResourceKind.COMPUTE, Purpose.SERVING) == specs(
        PLAN, ResourceKind.COMPUTE, Purpose.SERVING
    )
