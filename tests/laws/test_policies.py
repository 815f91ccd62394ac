"""Planner and policies agree: what is planned for a world passes the rules, unless people bind it to break one."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from contracts.plan import Infeasible, Plan
from contracts.review import Review
from planner.build import build_plan
from planner.question import Question
from planner.solve import solve
from policies.bundle import PolicyBundle
from policies.case import Facts
from policies.review import review_plan
from tests.laws.environments import Recipe, question, recipes
from tests.planner.simulate import after

CALM = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def review(asked: Question, plan: Plan) -> Review:
    facts = Facts(
        environment=asked.environment,
        regions=asked.capacity.regions,
        pools=asked.capacity.pools,
        ledger=asked.ledger,
        catalog=asked.catalog,
    )
    return review_plan(plan, facts, PolicyBundle(asked.environment.rules), now=asked.now)


@CALM
@given(recipes())
def test_a_plan_passes_the_rules_that_it_was_made_under(recipe):
    world = question(replace(recipe, maximum=False))
    plan = build_plan(world, solve)
    if isinstance(plan, Infeasible):
        return
    denials = [finding for finding in review(world, plan).findings if finding.denies]
    assert denials == []
    settled = after(world, plan)
    again = build_plan(settled, solve)
    assert isinstance(again, Plan)
    assert not review(settled, again).denied


@CALM
@given(recipes())
def test_a_review_comes_out_the_same_once_the_plan_is_applied(recipe):
    """Apply computes the review again; a run that is resumed must not find another one."""
    world = question(recipe)
    plan = build_plan(world, solve)
    if isinstance(plan, Plan):
        assert review(world, plan).findings == review(after(world, plan), plan).findings


def test_a_maximum_below_the_forecast_breaks_headroom_and_nothing_else():
    world = question(Recipe(maximum=True))
    plan = build_plan(world, solve)
    assert isinstance(plan, Plan)
    found = review(world, plan).findings
    assert found and {finding.rule for finding in found} == {"headroom"}
    assert all("forecast at quantile" in finding.message for finding in found)
