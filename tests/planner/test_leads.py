"""What takes long to come is ordered first, says by when, and says so where that is too late."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from contracts.capacity import CapacityKind
from contracts.environment import Horizons
from contracts.plan import Operation
from contracts.resources import Purpose, ResourceKind
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.ceiling import Saving, worth
from planner.explain import explain
from policies import words
from prestage.views.plan import plan_text
from tests.laws.environments import NOW, loaded
from tests.planner.simulate import after
from tests.planner.worlds import RECIPE, WORLD, people, plan_of

HOUR = timedelta(hours=1)
CIRCUITS, STORAGE = 30, 5
LEADS = Horizons(lead_hours={CapacityKind.GBPS: CIRCUITS, CapacityKind.STORAGE_GIB: STORAGE})
FIRST = plan_of(people(WORLD, horizons=LEADS))


@cache
def risen_at(hour, times=3.0):
    """The plan where the first one is live, and all demand is so many times as high from an hour on."""
    world = people(after(WORLD, plan_of(WORLD)), horizons=LEADS)
    values = dict(world.forecast.values)
    for (key, granularity), table in values.items():
        if granularity is Granularity.HOURLY:
            rows = [slice(None, hour), slice(hour, None)]
            values[key, granularity] = replaced(table, rows, times)
    return plan_of(replace(world, forecast=replace(world.forecast, values=values)))


def replaced(table, rows, times):
    moved = table.copy()
    moved[rows[0]] = table.min(axis=0)
    moved[rows[1]] = table.max(axis=0) * times
    return moved


def leads(plan, kind):
    return [item.lead for item in plan.changes if item.after and item.after.kind is kind]


def test_without_lead_times_plans_say_nothing_of_them():
    plan = plan_of(WORLD)
    assert all(change.lead is None for change in plan.changes)
    assert "lead" not in plan.canonical() and words.orders(plan) == ()


def test_what_takes_longest_comes_first_with_what_it_stands_on():
    order = [change.lead.hours if change.lead else 0 for change in FIRST.changes]
    circuits = [at for at, hours in enumerate(order) if hours == CIRCUITS]
    volumes = [at for at, hours in enumerate(order) if hours == STORAGE]
    computes = [at for at, item in enumerate(FIRST.changes) if item.after and item.after.kind is ResourceKind.COMPUTE]
    assert circuits and volumes and max(circuits) < min(volumes) and max(volumes) < min(computes)
    made = [change.key for change in FIRST.changes]
    for at, change in enumerate(FIRST.changes):
        assert all(made.index(key) < at for key in change.depends_on), change.key


def test_what_is_needed_at_once_and_takes_long_is_told_to_be_late():
    for lead in leads(FIRST, ResourceKind.STORAGE):
        assert lead.ready_at == NOW + STORAGE * HOUR
        assert lead.order_by is None or lead.late_hours == pytest.approx((lead.ready_at - lead.needed_at) / HOUR)
    late = [change for change in FIRST.changes if change.lead and change.lead.late_hours]
    assert late and f"too late: {len(late)}" in plan_text(FIRST) and "too late by" in plan_text(FIRST)
    assert "too late by" in "\n".join(explain(FIRST, late[0].key).lines())
    assert words.orders(FIRST)[0].startswith(f"{len(late)} changes will be there too late though ordered at once")


def test_orders_are_dated_by_the_hour_at_which_demand_passes_what_is_live():
    """Demand trebles at the 20th hour: circuits of 30 h come 10 h late, volumes may be ordered for 15 h."""
    plan = risen_at(20)
    circuits = [lead for lead in leads(plan, ResourceKind.CIRCUIT) if lead and lead.order_by]
    volumes = [lead for lead in leads(plan, ResourceKind.STORAGE) if lead]
    assert {(lead.needed_at, lead.late_hours) for lead in circuits} == {(NOW + 20 * HOUR, 10.0)}
    assert {(lead.order_by, lead.late_hours) for lead in volumes} == {(NOW + 15 * HOUR, 0.0)}
    assert any("order by 02 Nov 15:00, 5 h lead" in words.why(change, {}) for change in plan.changes)


def test_among_what_takes_alike_long_comes_first_what_is_needed_first():
    plan = risen_at(20)
    circuits = [item.lead for item in plan.changes if item.lead and item.lead.hours == CIRCUITS]
    dated = [lead.order_by for lead in circuits if lead.order_by]
    assert len(dated) > 2 and dated == sorted(dated)
    staged = [item for item in plan.changes if item.lead and item.reason.code.value == "staging"]
    assert all(item.lead.order_by is None for item in staged)


def test_what_shrinks_goes_or_needs_nothing_has_no_lead():
    fallen = loaded(people(after(WORLD, plan_of(WORLD)), horizons=LEADS), RECIPE, 0.3)
    for change in plan_of(fallen).changes:
        grows = change.operation in (Operation.CREATE, Operation.REPLACE) or change.usd_per_hour > 0
        assert grows or change.lead is None, change.key
    assert SeriesKey(SeriesKind.CPU, "fra") in {key for key, _ in fallen.forecast.values}


def test_of_savings_alike_what_takes_long_to_come_waits_last():
    """Alike is to the cent: a swap of 30 h that saves a little less is ordered before one that is there at once."""
    change = next(item for item in FIRST.changes if item.lead)
    long, short, dear = (
        Saving(changes=(change,), saves_usd_per_hour=usd, lead_hours=hours)
        for usd, hours in ((0.051, 30), (0.052, 0), (0.08, 0))
    )
    assert sorted((dear, long, short), key=worth) == [short, long, dear]


def test_what_only_saves_is_never_too_late():
    """Circuits that serve got dearer: others take their place, and all that is asked is live until then."""
    world = people(after(WORLD, plan_of(WORLD)), horizons=LEADS)
    used = {(item.resource.place, item.resource.spec.tier) for item in serving_circuits(world.earlier)}
    offers = tuple(
        item.model_copy(update={"usd_per_hour": item.usd_per_hour * 5}) if (item.place, item.item) in used else item
        for item in world.capacity.offers
    )
    plan = plan_of(replace(world, capacity=world.capacity.model_copy(update={"offers": offers})))
    swapped = {item.resource.key for item in serving_circuits(plan)} - world.live().keys()
    timed = [change.lead for change in plan.changes if change.key in swapped]
    assert timed and all(lead.hours == CIRCUITS and lead.order_by is None for lead in timed)


def serving_circuits(plan):
    alike = ResourceKind.CIRCUIT, Purpose.SERVING
    return [item for item in plan.resources if (item.resource.kind, item.resource.purpose) == alike]
