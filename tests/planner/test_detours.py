"""Traffic over more paths than one: what a link has no room for, others that join the same regions carry."""

import math
from dataclasses import replace

import pytest

from contracts.names import link_name
from contracts.plan import Infeasible
from contracts.resources import CircuitSpec, Purpose
from planner.build import build_plan
from planner.detours import over_more_paths, paths_beside
from planner.given import given_resources
from planner.market import Market
from planner.requirements import ELSEWHERE, OF_ANOTHER, serving_requirements
from planner.routes import Link
from planner.solve import solve
from tests.laws.environments import Recipe, question
from tests.planner.plan_checker import breaches
from tests.planner.simulate import after
from tests.planner.test_fleets import world as shared
from tests.planner.worlds import WORLD, people, plan_of

FIRST = plan_of(WORLD)
ASKED = {item.place: item.quantity for item in FIRST.requirements if item.id.endswith("/gbps/serving")}
FULL = max(ASKED, key=ASKED.__getitem__)


def within(question, gbps):
    """The question with quotas of some links."""
    quotas = tuple(
        item.model_copy(update={"total": gbps[item.place] + item.used}) if item.place in gbps else item
        for item in question.capacity.quotas
    )
    return replace(question, capacity=question.capacity.model_copy(update={"quotas": quotas}))


def carried(plan, link):
    specs = (item.resource for item in plan.resources if item.resource.place == link)
    here = (item.spec for item in specs if item.purpose is Purpose.SERVING and isinstance(item.spec, CircuitSpec))
    return sum(spec.gbps * spec.count for spec in here)


def of(plan, link):
    return next(item for item in plan.requirements if item.id == f"{link}/gbps/serving")


def test_what_a_link_has_no_room_for_goes_over_another_region():
    asked = within(WORLD, {FULL: 1.0})
    plan = plan_of(asked)
    need = of(plan, FULL)
    assert need.quantity == pytest.approx(1.0) and need.parts[ELSEWHERE] == pytest.approx(1.0 - ASKED[FULL])
    others = [item for item in plan.requirements if OF_ANOTHER + FULL in item.parts]
    assert len(others) == 2 and not {item.place for item in others} & {FULL}
    for item in others:
        assert item.parts[OF_ANOTHER + FULL] == pytest.approx(ASKED[FULL] - 1.0)
        assert item.quantity == pytest.approx(sum(item.parts.values()))
        assert carried(plan, item.place) >= item.quantity
    assert breaches(asked, plan) == ()


def test_a_plan_that_is_made_again_takes_the_same_paths():
    asked = within(WORLD, {FULL: 1.0})
    plan = plan_of(asked)
    assert plan_of(asked) == plan
    assert [change.key for change in plan_of(after(asked, plan)).changes if "circuit/serving" in change.key] == []


def test_what_calm_keeps_is_a_link_s_own_traffic():
    """What went over other links goes there once: a carrier whose load it raised by less than a tenth keeps its own."""
    asked = within(WORLD, {FULL: float(int(ASKED[FULL]))})
    first = plan_of(asked)
    assert any(OF_ANOTHER + FULL in item.parts for item in first.requirements)
    again = plan_of(after(asked, first))
    assert {item.id: item.quantity for item in again.requirements} == {
        item.id: item.quantity for item in first.requirements
    }


def test_a_detour_takes_as_many_paths_as_it_needs():
    links = ASKED.keys() - {FULL}
    room = {name: ASKED[name] + 1.0 + ASKED[FULL] / 2 for name in links}
    plan = plan_of(within(WORLD, {FULL: 1.0, **room}))
    assert sum(OF_ANOTHER + FULL in item.parts for item in plan.requirements) >= 3


def test_where_all_paths_together_have_too_little_room_the_link_itself_is_short():
    found = build_plan(within(WORLD, {**ASKED, FULL: 1.0}), solve)
    assert isinstance(found, Infeasible)
    short = next(item for item in found.shortfalls if item.place == FULL)
    assert short.wanted == pytest.approx(ASKED[FULL])


def test_what_goes_elsewhere_is_not_counted_as_missing():
    calm = {item.place: item.expected_units for item in plan_of(WORLD).risk.exposures}
    risk = plan_of(within(WORLD, {FULL: 1.0})).risk
    assert {item.place: item.expected_units for item in risk.exposures}[FULL] == pytest.approx(calm[FULL], abs=1.0)


def test_links_of_paused_regions_carry_nothing_for_others():
    third = next(region.name for region in WORLD.environment.regions if region.name not in FULL)
    regions = tuple(item.model_copy(update={"paused": item.name == third}) for item in WORLD.environment.regions)
    plan = plan_of(within(people(after(WORLD, FIRST), regions=regions), {FULL: 1.0}))
    assert not [item.place for item in plan.requirements if OF_ANOTHER + FULL in item.parts and third in item.place]


def test_no_path_leads_through_a_region_that_is_not_the_environments():
    third = next(region.name for region in WORLD.environment.regions if region.name not in FULL)
    regions = tuple(item for item in WORLD.environment.regions if item.name != third)
    found = build_plan(within(people(WORLD, regions=regions), {FULL: 1.0}), solve)
    assert not isinstance(found, Infeasible)
    assert not [item.place for item in found.requirements if third in item.place]
    assert not [item.resource.key for item in found.resources if third in item.resource.place]


def test_a_later_path_sends_back_what_an_earlier_one_took():
    """The quickest path takes the room of two links that two paths need; together they carry all of it."""
    ms = {("fra", "lon"): 5, ("lon", "mad"): 5, ("ams", "mad"): 5, ("fra", "mad"): 40, ("ams", "lon"): 40}
    links = {link_name(*ends): Link(*ends, float(latency)) for ends, latency in ms.items()}
    spare = dict.fromkeys(links, 4.0)
    back = {link_name("fra", "lon"), link_name("fra", "mad")}  # from ams to fra they are gone through from b to a
    assert paths_beside(links, spare, link_name("ams", "fra"), 8.0) == pytest.approx(
        {name: -4.0 if name in back else 4.0 for name in links if name != link_name("lon", "mad")}
    )
    assert paths_beside(links, spare, link_name("ams", "fra"), 8.1) == {}


def test_a_link_that_nothing_is_sold_for_is_gone_round_whatever_its_quota():
    offers = tuple(item for item in WORLD.capacity.offers if item.place != FULL)
    asked = within(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"offers": offers})), {})
    plan = plan_of(asked)
    assert of(plan, FULL).quantity == 0 and breaches(asked, plan) == ()


@pytest.mark.parametrize("seed", [0, 5, 6])
def test_tight_links_are_planned_again_as_they_stand(seed):
    asked = question(Recipe(seed=seed, regions=3, requests=False, critical_share=0.0))
    wanted = {item.place: item.quantity for item in plan_of(asked).requirements if item.id.endswith("gbps/serving")}
    full = max(wanted, key=wanted.__getitem__)
    over = wanted[full] - math.floor(wanted[full])
    room = {link: math.ceil(gbps + over) for link, gbps in wanted.items()} | {full: math.floor(wanted[full])}
    tight = within(asked, room)
    assert plan_of(after(tight, plan_of(tight))).changes == ()


def test_where_reserves_are_shared_a_quota_that_is_not_stated_limits_no_link():
    unstated = tuple(item for item in shared().capacity.quotas if item.place != FULL)
    asked = replace(shared(), capacity=shared().capacity.model_copy(update={"quotas": unstated}))
    market = Market.read(asked.catalog, asked.capacity)
    needs = serving_requirements(asked, market)
    assert over_more_paths(asked, market, needs, given_resources(asked, market)) == (needs, {})
