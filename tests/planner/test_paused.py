"""A region that people paused serves on as it is: that is no reason to change anything, there or elsewhere."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from contracts.plan import Plan
from contracts.resources import FailoverSpec
from planner.build import build_plan
from planner.fleet import Effort, solve_fleet
from planner.market import Market
from planner.paused import partners_paused
from planner.requirements import serving_requirements
from planner.solve import solve
from tests.laws.environments import loaded
from tests.planner.simulate import after
from tests.planner.test_fleets import world
from tests.planner.worlds import RECIPE, WORLD, people, plan_of

REGIONS = tuple(settings.name for settings in WORLD.environment.regions)
STANDING = after(WORLD, plan_of(WORLD))


def paused(question, *names):
    regions = tuple(item.model_copy(update={"paused": item.name in names}) for item in question.environment.regions)
    return people(question, regions=regions)


def shares(resources):
    return {item.key: item.spec.share for item in resources if isinstance(item.spec, FailoverSpec)}


def kept(question, market, times=1.0):
    """Shares that stay with paused partners, by key, when demand is so many times what it was."""
    needs = serving_requirements(question, market)
    grown = tuple(item.model_copy(update={"quantity": times * item.quantity}) for item in needs)
    return shares(partners_paused(question, market, grown))


@pytest.mark.parametrize("name", REGIONS)
def test_a_pause_moves_no_failover_no_copy_and_no_unit_elsewhere(name):
    plan = plan_of(paused(STANDING, name))
    assert {change.key.split("/")[1] for change in plan.changes} <= {"compute"}
    assert not [change for change in plan.changes if "/staged/" in change.key or name in change.place]


def test_nothing_is_made_in_a_region_that_was_paused_from_the_start():
    assert not [change.key for change in plan_of(paused(WORLD, "fra")).changes if "fra" in change.place]


def test_of_a_load_that_grew_others_carry_what_a_paused_partner_does_not_cover():
    asked, market = paused(STANDING, "mad"), Market.read(WORLD.catalog, WORLD.capacity)
    live = shares(STANDING.live().values())
    named = {key: share for key, share in live.items() if key.endswith("/mad") and not key.startswith("mad/")}
    assert named and kept(asked, market) == named
    grown = kept(asked, market, times=2.0)
    assert set(grown) <= set(named) and all(0 < share <= named[key] / 2 + 0.3 for key, share in grown.items())
    assert sum(grown.values()) < sum(named.values())
    assert kept(asked, market, times=1e6) == {}


def test_a_pause_does_not_outweigh_the_rules_of_failover():
    nearer = people(
        paused(STANDING, "mad"), failover=STANDING.environment.failover.model_copy(update={"max_latency_ms": 1})
    )
    assert kept(nearer, Market.read(WORLD.catalog, WORLD.capacity)) == {}


def test_where_reserves_are_shared_one_region_that_does_not_answer_stops_no_plan():
    fleet = partial(solve_fleet, effort=Effort(passes=5, turns=1, exact=False, threads=1))
    first = build_plan(world(), solve, fleet)
    assert isinstance(first, Plan)
    start = after(world(), first)
    seen = tuple(facts.model_copy(update={"readable": facts.region != "mad"}) for facts in start.capacity.regions)
    plan = build_plan(replace(start, capacity=start.capacity.model_copy(update={"regions": seen})), solve, fleet)
    assert isinstance(plan, Plan) and not [change for change in plan.changes if "mad" in change.place]


def test_partners_that_stay_count_among_those_that_a_region_may_have():
    asked = paused(loaded(STANDING, RECIPE, 1.6), "mad")
    resources = (item.resource for item in plan_of(asked).resources)
    entries = Counter(item.place for item in resources if isinstance(item.spec, FailoverSpec))
    assert entries and max(entries.values()) <= asked.environment.failover.dedicated_partners


def test_shares_beside_a_paused_partner_stay_plan_by_plan():
    asked = paused(loaded(STANDING, RECIPE, 1.3), "mad")
    for _ in range(2):
        asked = after(asked, plan_of(asked))
    assert [change.key for change in plan_of(asked).changes if "/failover/" in change.key] == []


@pytest.mark.parametrize("lost", ["fra", "lon"])
def test_entries_of_a_region_that_left_the_environment_go(lost):
    regions = tuple(item for item in STANDING.environment.regions if item.name != lost)
    facts = tuple(item for item in STANDING.capacity.regions if item.region != lost)
    left = replace(STANDING, capacity=STANDING.capacity.model_copy(update={"regions": facts}))
    plan = plan_of(paused(people(left, regions=regions), "mad"))
    assert not [item.resource.key for item in plan.resources if item.resource.place == lost]
