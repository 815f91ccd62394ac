"""What serves is made smaller by no forecast alone: no further than what was measured, nor where nothing was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.capacity import CapacityKind
from contracts.environment import Horizons
from contracts.failover import FailoverSettings, Reserve
from contracts.resources import ComputeSpec
from contracts.series import SeriesKey, SeriesKind
from contracts.what_if import WhatIf
from planner.explain import explain
from planner.scale_in import Settled
from planner.what_if import changed
from prestage.views.plan import plan_text
from tests.laws.environments import NOW, loaded
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import Rule, breaches
from tests.planner.simulate import after
from tests.planner.worlds import RECIPE, WORLD, needs, people, plan_of, region

KEY, OTHER = SeriesKey(SeriesKind.TRAFFIC, "ams->fra"), SeriesKey(SeriesKind.TRAFFIC, "ams->lon")
DAY = timedelta(days=1)
STANDING = after(WORLD, plan_of(WORLD))
FALLEN = loaded(STANDING, RECIPE, 0.3)


def settled(days=1, before=100.0, **peaks):
    named = {KEY: peaks.get("one", ()), OTHER: peaks.get("other", ())}
    return Settled(before={"it": before}, peaks=named, origin=NOW, days=days)


def measured(world, peaks, kind=None):
    """The world whose series of a kind, or all, were measured so."""
    document = world.forecast.document
    series = tuple(
        item.model_copy(update={"recent_peaks": peaks}) if kind in (None, item.kind) else item
        for item in document.series
    )
    return replace(world, forecast=replace(world.forecast, document=document.model_copy(update={"series": series})))


@pytest.mark.parametrize(
    ("own", "peaks", "kept", "until"),
    [
        (120.0, (500.0,), 120.0, None),  # grows
        (93.0, (0.0,), 100.0, None),  # within a tenth: calm alone
        (50.0, (0.0,), 50.0, None),  # as little was measured
        (50.0, (40.0,), 50.0, None),
        (50.0, (70.0,), 70.0, 1),  # no further than to what was measured
        (50.0, (95.0,), 100.0, 1),  # a twentieth is not worth a move
        (50.0, (300.0,), 100.0, 1),  # never above what it was
        (0.0, (60.0,), 60.0, 1),
    ],
)
def test_what_is_kept_of_what_was_asked_before(own, peaks, kept, until):
    found, held = settled(one=peaks).kept("it", own, (KEY,))
    assert found == kept and (held.until if held else None) == (until and NOW + until * DAY)


def test_what_was_not_measured_lowers_nothing():
    for peaks in ((), (None,)):
        kept, held = settled(one=peaks).kept("it", 50.0, (KEY,))
        assert kept == 100.0 and held.measured is None and "prestage forecast" in held.told()
    assert settled().kept("it", 0.0, ())[0] == 100.0  # nothing is forecast any more
    assert settled().kept("never asked", 5.0, ())[0] == 5.0


def test_more_days_are_looked_at_where_people_say_so_and_none_where_they_do():
    peaks = (20.0, 90.0, 70.0)
    assert settled(days=1, one=peaks).kept("it", 10.0, (KEY,))[0] == 20.0
    kept, held = settled(days=3, before=140.0, one=peaks).kept("it", 10.0, (KEY,))
    assert kept == 90.0 and held.until == NOW + 2 * DAY
    kept, held = settled(days=3, before=60.0, one=peaks).kept("it", 10.0, (KEY,))
    assert kept == 60.0 and held.until == NOW + 2 * DAY  # as much as is kept was measured the day before last
    assert settled(days=0, one=peaks).kept("it", 10.0, (KEY,)) == (10.0, None)


def test_series_that_add_up_are_measured_together_by_the_day():
    found = settled(days=2, one=(30.0, 10.0), other=(5.0, 40.0))
    assert found.kept("it", 1.0, (KEY, OTHER))[0] == 50.0
    assert settled(days=2, one=(30.0, 10.0), other=(5.0,)).kept("it", 1.0, (KEY, OTHER))[0] == 100.0


def test_a_plan_holds_what_was_measured_and_says_until_when():
    before = needs(WORLD)["fra/vcpu/serving"].quantity
    world = measured(FALLEN, (round(before * 0.8, 6),), SeriesKind.CPU)
    plan, free = plan_of(world), plan_of(FALLEN)
    asked = {item.id: item for item in plan.requirements}
    need = asked["fra/vcpu/serving"]
    assert need.quantity == pytest.approx(before * 0.8) and need.parts["held as measured"] > 0
    assert need.quantity > {item.id: item for item in free.requirements}[need.id].quantity * 2
    told = f"held: {before * 0.8:g} was measured; until 2026-11-03 00:00 UTC, unless as much is measured again"
    key = next(item.resource.key for item in plan.resources if need.id in item.reason.requirements)
    assert f"  {told}" in explain(plan, key).lines()
    assert "held: " in plan_text(plan) and "more requirements are held so" in plan_text(plan)
    assert "held: " not in plan_text(free) and plan.cost.after_usd_per_hour > free.cost.after_usd_per_hour


def test_the_checker_from_outside_holds_what_was_measured_too():
    """It finds nothing in a plan that holds it, and notices one that scales in by the forecast alone."""
    world = measured(FALLEN, (60.0,), SeriesKind.CPU)
    assert [str(item) for item in breaches(asked_of(world), plan_of(world))] == []
    alone = plan_of(people(world, horizons=Horizons(scale_in_days=0)))
    assert {item.rule for item in breaches(asked_of(world), alone)} >= {Rule.DEMAND}


def test_what_is_held_goes_once_less_was_measured():
    half = measured(FALLEN, (1e6,))
    world = after(half, plan_of(half))
    assert needs(world)["fra/vcpu/serving"].quantity == needs(WORLD)["fra/vcpu/serving"].quantity
    assert needs(measured(world, (0.0,)))["fra/vcpu/serving"] == needs(FALLEN)["fra/vcpu/serving"]


def test_a_what_if_of_less_demand_had_measured_less_as_well():
    asked = measured(STANDING, tuple([needs(WORLD)["fra/vcpu/serving"].quantity] * 7), SeriesKind.CPU)
    less = changed(asked, WhatIf(demand=0.5), ())
    assert needs(less)["fra/vcpu/serving"].quantity == pytest.approx(needs(asked)["fra/vcpu/serving"].quantity / 2)


def test_a_minimum_beside_it_does_not_end_what_is_held():
    """What stands above the minimum was asked for without it: the next plan holds as much."""
    need = needs(WORLD)["fra/vcpu/serving"]
    asked = measured(region(FALLEN, minimum={CapacityKind.VCPU: 0.6 * need.quantity}), (0.95 * need.quantity,))
    found = needs(asked)[need.id]
    assert {"minimum", "held as measured"} < found.parts.keys() and found.quantity == need.quantity
    others = (item for item in asked.earlier.requirements if item.id != need.id)
    earlier = asked.earlier.model_copy(update={"requirements": (*others, found)})
    assert needs(replace(asked, earlier=earlier))[need.id] == found
    gone = needs(replace(measured(asked, (1.0,)), earlier=earlier))[need.id]
    assert gone.quantity == pytest.approx(0.6 * need.quantity) and gone.held is None


def test_a_region_that_a_plan_leaves_as_it_is_holds_what_was_asked_before():
    """Paused, or not read: once it is planned again, no forecast alone lowers what serves there, or on its links."""
    fallen = measured(FALLEN, (1e6,))
    paused = plan_of(region(fallen, paused=True))
    left = after(fallen, paused)
    assert "fra/vcpu/serving" not in {item.id for item in paused.requirements}
    before, found = needs(WORLD), needs(measured(left, (1e6,)))
    for name in ("fra/vcpu/serving", "fra--lon/gbps/serving", "ams/vcpu/serving"):
        assert found[name].quantity == before[name].quantity and found[name].held
    again = after(left, plan_of(region(left, paused=True)))
    assert needs(again) == needs(left)


def test_of_a_link_the_direction_counts_that_more_was_measured_of():
    found = settled(days=2, one=(1.0, 30.0), other=(70.0, 5.0))
    assert found.kept("it", 10.0, (KEY,), (OTHER,))[0] == 70.0
    one_way = loaded(STANDING, RECIPE, 0.3)
    need = needs(measured(one_way, (0.0,)))["ams--fra/gbps/serving"]
    document = one_way.forecast.document
    other = SeriesKey(SeriesKind.TRAFFIC, "ams->fra")
    assert need.forecast.series != str(other)  # the direction that the forecast says is larger
    series = tuple(
        item.model_copy(update={"recent_peaks": (9.0,) if item.key == other else (0.0,)}) for item in document.series
    )
    forecast = replace(one_way.forecast, document=document.model_copy(update={"series": series}))
    held = needs(replace(one_way, forecast=forecast))[need.id]
    assert held.quantity == 9.0 and held.held.measured == 9.0


def test_without_the_setting_the_forecast_alone_scales_in():
    world = people(measured(FALLEN, (1e6,)), horizons=Horizons(scale_in_days=0))
    assert needs(world) == needs(FALLEN)


def test_fleets_hold_it_too():
    shared = people(WORLD, failover=FailoverSettings(reserve=Reserve.SHARED, max_latency_ms=200, critical_share=0.3))
    world = loaded(after(shared, plan_of(shared)), RECIPE, 0.3)
    held, free = plan_of(measured(world, (1e6,), SeriesKind.CPU)), plan_of(world)
    assert vcpus(held) == pytest.approx(vcpus(plan_of(shared)), rel=0.1) and vcpus(free) < vcpus(held) / 2
    assert {item.kind for item in held.requirements if item.held} == {CapacityKind.VCPU}


def vcpus(plan):
    specs = (item.resource.spec for item in plan.resources if item.resource.purpose.value == "serving")
    return sum(spec.count * int(spec.shape[1:]) for spec in specs if isinstance(spec, ComputeSpec))
