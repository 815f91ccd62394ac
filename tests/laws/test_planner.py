"""Laws of the planner over generated worlds of at least four regions."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind
from contracts.plan import Infeasible, Plan
from contracts.resources import (
    Purpose,
)
from coordinator.solver_process import solve_in_child
from planner.build import build_plan
from planner.market import Market
from planner.question import Question
from planner.solve import solve
from tests.laws.environments import Recipe, loaded, question, recipes
from tests.laws.keeps import check, plan_of
from tests.planner.simulate import after

CALM = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

pytestmark = pytest.mark.slow


@settings(CALM, max_examples=10)
@given(recipes())
def test_same_question_same_bytes(recipe: Recipe) -> None:
    first, second = build_plan(question(recipe), solve), build_plan(question(recipe), solve)
    assert first.sealed() == second.sealed()


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(seed=7, regions=6, odd_prices=True, sparse=True)])
def test_same_bytes_out_of_a_child_process(recipe: Recipe) -> None:
    assert build_plan(question(recipe), solve_in_child).sealed() == build_plan(question(recipe), solve).sealed()


@CALM
@given(recipes())
def test_every_plan_keeps_the_rules_and_a_second_changes_nothing(recipe: Recipe) -> None:
    world = question(recipe)
    plan = build_plan(world, solve)
    if isinstance(plan, Infeasible):
        assert all(short.available < short.wanted and short.nearest for short in plan.shortfalls)
        return
    check(world, plan)
    assert plan_of(after(world, plan)).changes == ()


@CALM
@given(recipes(), st.sampled_from([(0.6, 0.7), (0.6, 1.0), (1.0, 1.7)]))
def test_more_load_never_less_capacity(recipe: Recipe, loads: tuple[float, float]) -> None:
    recipe = replace(recipe, tight=False, maximum=False)  # where one cuts, a kind gives way for another
    world = question(recipe)
    less, more = (build_plan(loaded(world, recipe, load), solve) for load in loads)
    if isinstance(less, Infeasible) or isinstance(more, Infeasible):
        assert isinstance(more, Infeasible)
        return
    quantities = {need.id: need.quantity for need in more.requirements if need.id.endswith("/serving")}
    for need in less.requirements:
        if need.id.endswith("/serving") and need.kind is not CapacityKind.ADDRESSES:
            assert quantities[need.id] >= need.quantity
    # A tie or the solver's gap may trade one kind for another; cost it cannot.
    assert more.cost.optimised_usd_per_hour >= less.cost.lower_bound_usd_per_hour - 1e-6
    assert more.cost.lower_bound_usd_per_hour >= less.cost.lower_bound_usd_per_hour * (1 - 1e-3)


@CALM
@given(recipes(), st.sampled_from([1.1, 1.5]))
def test_growing_from_what_is_live_never_shrinks_serving(recipe: Recipe, growth: float) -> None:
    recipe = replace(recipe, tight=False, load=0.6)
    world = question(recipe)
    plan = build_plan(world, solve)
    if isinstance(plan, Infeasible):
        return
    grown = loaded(after(world, plan), recipe, 0.6 * growth)
    more = build_plan(grown, solve)
    if isinstance(more, Infeasible):
        return
    check(grown, more)
    for kind in (CapacityKind.STORAGE_GIB, CapacityKind.GBPS):
        for place, amount in serving_amounts(plan, world, kind).items():
            assert serving_amounts(more, world, kind).get(place, 0.0) >= amount


def serving_amounts(plan: Plan, world: Question, kind: CapacityKind) -> dict[str, float]:
    """What serves, by place; replicas aside."""
    market = Market.read(world.catalog, world.capacity)
    found: dict[str, float] = defaultdict(float)
    for item in plan.resources:
        if item.resource.purpose is Purpose.SERVING:
            found[item.resource.place] += market.use(item.resource).get((item.resource.place, kind), 0.0)
    return found
