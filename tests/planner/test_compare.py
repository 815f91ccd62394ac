"""Two plans beside each other: everything that differs is found, nothing else, and the sums add up."""

from dataclasses import replace

import pytest

from contracts.comparison import Comparison
from contracts.resources import FailoverSpec
from planner.compare import compare
from tests.laws.environments import loaded
from tests.planner.worlds import RECIPE, WORLD, people, plan_of

PLAN = plan_of(WORLD)
MORE = plan_of(loaded(WORLD, RECIPE, 1.5))
DEARER = WORLD.capacity.model_copy(
    update={
        "offers": tuple(
            item.model_copy(update={"usd_per_hour": item.usd_per_hour * 2}) if item.place == "fra" else item
            for item in WORLD.capacity.offers
        )
    }
)


def shares(plan, region):
    wanted = [item.resource for item in plan.resources if item.resource.place == region]
    return {item.spec.partner: item.spec.share for item in wanted if isinstance(item.spec, FailoverSpec)}


def test_a_plan_differs_from_itself_in_nothing_whenever_it_was_made():
    assert not compare(PLAN, PLAN).differs
    later = PLAN.model_copy(update={"made_at": PLAN.expires_at, "solver": "another"})
    assert not compare(PLAN, later).differs


def test_the_differences_add_up_to_the_difference_in_cost():
    found = compare(PLAN, MORE)
    whole = found.after_usd_per_hour - found.before_usd_per_hour
    assert whole > 1
    assert sum(item.usd_per_hour for item in found.resources) == pytest.approx(whole, abs=1e-3)
    by_place = [item.after_usd_per_hour - item.before_usd_per_hour for item in found.places]
    assert sum(by_place) == pytest.approx(whole, abs=1e-3)


def test_the_dearest_difference_comes_first():
    for items in (compare(PLAN, MORE).resources, compare(PLAN, MORE).requirements):
        money = [abs(item.usd_per_hour) for item in items]
        assert len(money) > 3 and money == sorted(money, reverse=True)


def test_every_resource_that_differs_is_named_and_no_other():
    old, new = ({item.resource.key: item for item in plan.resources} for plan in (PLAN, MORE))
    expected = {
        key
        for key in old.keys() | new.keys()
        if key not in old
        or key not in new
        or old[key].resource != new[key].resource
        or old[key].usd_per_hour != new[key].usd_per_hour
    }
    found = compare(PLAN, MORE)
    assert {item.key for item in found.resources} == expected
    for item in found.resources:
        assert item.before == (old[item.key].resource if item.key in old else None)
        assert item.after == (new[item.key].resource if item.key in new else None)


def test_what_costs_otherwise_differs_though_it_is_the_same():
    found = compare(PLAN, plan_of(replace(WORLD, capacity=DEARER)))
    same = [item for item in found.resources if item.before == item.after]
    assert same and all(item.place == "fra" and item.usd_per_hour > 0 for item in same)
    prices = [item for item in found.inputs if item.what.startswith("price fra ")]
    assert prices and all(item.after == 2 * float(item.before or 0) for item in prices)
    assert "capacity" in {item.what for item in found.inputs}


def test_failover_partners_are_told_with_their_shares():
    one = plan_of(people(WORLD, failover=WORLD.environment.failover.model_copy(update={"max_partners": 1})))
    wide = plan_of(people(WORLD, failover=WORLD.environment.failover.model_copy(update={"max_latency_ms": 65.0})))
    found = compare(one, wide)
    changed = {item.region: (item.before, item.after) for item in found.partners}
    for region in (item.name for item in WORLD.environment.regions):
        was, now = shares(one, region), shares(wide, region)
        assert changed.get(region, (was, was)) == (was, now)
    assert changed
    assert "environment" in {item.what for item in found.inputs}


def test_requirements_carry_what_they_make_of_the_cost():
    (found,) = [item for item in compare(PLAN, MORE).requirements if item.id == "fra/vcpu/serving"]
    assert found.before is not None and found.after is not None
    assert found.after.quantity == pytest.approx(1.5 * found.before.quantity)
    assert found.usd_per_hour > 0


def test_it_is_a_document_and_turned_round_it_says_the_opposite():
    found, back = compare(PLAN, MORE), compare(MORE, PLAN)
    assert Comparison.unseal(found.sealed(), where="comparison") == found
    assert {item.key: item.usd_per_hour for item in found.resources} == {
        item.key: -item.usd_per_hour for item in back.resources
    }
