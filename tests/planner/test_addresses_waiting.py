"""Blocks that are there only some hours after they are ordered: what is ordered, what stays, and why, by plans."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from contracts.capacity import CapacityKind
from contracts.environment import Horizons
from contracts.plan import Operation
from contracts.resources import Purpose, ResourceKind
from contracts.series import Granularity, SeriesKey, SeriesKind
from contracts.staging import StagingSettings
from tests.laws.environments import bundle
from tests.planner.simulate import after, granted
from tests.planner.test_staging import asked_by_length, staging_world
from tests.planner.worlds import people, plan_of

LEAD = 4


def asked_hourly(*by_hour, world=None):
    """So many requests in each of the next hours, for certain, for /28s; plans are made every hour."""
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, "ams->fra")
    world = world or asked_by_length(staging_world(), (28, 1.0))
    expected = [0.0] * int((world.now - world.forecast.origin) / timedelta(hours=1)) + [*by_hour]
    hours = np.repeat(np.array([*expected, *[0.0] * (48 - len(expected))])[:, None], 15, axis=1)
    made = bundle({(key, Granularity.HOURLY): hours}, ("ams", "fra"))
    document = made.document.model_copy(update={"request_profiles": world.forecast.document.request_profiles})
    return people(
        replace(world, forecast=replace(made, document=document)),
        horizons=Horizons(lead_hours={CapacityKind.ADDRESSES: LEAD}, validity_hours=1),
        staging=StagingSettings(replenish_hours=1),
    )


def later(world, plan, hours, *by_hour):
    """The world some hours after a plan was applied, and what is expected from then on."""
    done = after(world, plan)
    return asked_hourly(*by_hour, world=replace(done, now=done.now + timedelta(hours=hours)))


def staged(plan):
    return {
        item.resource.key: item.ready_at
        for item in plan.resources
        if item.resource.purpose is Purpose.STAGED and item.resource.kind is ResourceKind.BLOCK
    }


def need(plan):
    return next(item for item in plan.requirements if item.id.startswith("fra/addresses/staged"))


def block_changes(plan):
    return sorted((item.operation, item.key) for item in plan.changes if "/block/" in item.key)


def test_what_is_ordered_says_when_it_is_there_and_is_ordered_once():
    """Three requests in the fifth hour: what is ordered now is there for them; before it nobody asks."""
    world = asked_hourly(0, 0, 0, 0, 3)
    plan = plan_of(world)
    assert [at - plan.made_at for at in staged(plan).values()] == [timedelta(hours=LEAD)] * 3
    again = plan_of(after(world, plan))
    assert block_changes(again) == [] and staged(again) == staged(plan)
    assert need(plan).forecast.series == "peering_requests:ams->fra"


def test_what_no_order_could_be_there_for_is_not_ordered():
    """Requests that come before anything that is ordered now, and none after it: it is too late for them."""
    assert staged(plan_of(asked_hourly(2, 1))) == {}


def test_what_is_there_stays_over_a_lull_that_ends_before_more_could_come_and_the_plan_says_why():
    world = asked_hourly(0, 0, 0, 0, 3)
    quiet = later(world, plan_of(world), LEAD, 0, 0, 2)
    plan = plan_of(quiet)
    assert len(staged(plan)) == 2 and set(staged(plan).values()) == {None}
    assert [operation for operation, _ in block_changes(plan)] == [Operation.DELETE]
    told = need(plan)
    assert told.quantity == 2 * 16 and told.parts == {"needed within 3 h": 32}
    assert told.forecast is not None and told.forecast.value == 2 and told.forecast.level > 0.9


def test_what_nobody_needs_before_more_could_come_goes():
    world = asked_hourly(0, 0, 0, 0, 3)
    plan = plan_of(later(world, plan_of(world), LEAD, 0, 0, 0, 0, 0, 5))
    assert staged(plan) == {} and len(block_changes(plan)) == 3


def test_what_is_on_its_way_stays_and_counts_once_it_is_there():
    """Of three that are there and three that come in two hours, three requests of the third hour need only those."""
    world = asked_hourly(0, 0, 0, 0, 3)
    first = plan_of(world)
    world = later(world, first, 2, 0, 0, 0, 0, 6)
    second = plan_of(world)
    assert len(staged(second)) == 6
    plan = plan_of(later(world, second, 2, 0, 0, 3))
    assert set(staged(plan)) == set(staged(second)) - set(staged(first))
    assert set(staged(plan).values()) == {second.made_at + timedelta(hours=LEAD)}


def test_what_somebody_got_on_its_way_is_nobodys_stock():
    world = asked_hourly(0, 0, 0, 0, 3)
    plan = plan_of(world)
    world = later(world, plan, 2, 0, 0, 3)
    key = min(staged(plan))
    again = plan_of(granted(world, [key]))
    assert again.resources and staged(again).get(key) is None


def test_without_a_lead_time_nothing_is_said_of_it():
    plan = plan_of(asked_by_length(staging_world(), (28, 1.0)))
    assert set(staged(plan).values()) == {None} and '"ready_at"' not in plan.model_dump_json(exclude_defaults=True)
