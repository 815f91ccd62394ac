"""The cost of being wrong: against drawn demands, and laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind
from contracts.environment import Costs, Horizons, RegionSettings
from contracts.plan import PlannedResource, Reason, ReasonCode
from contracts.resources import ComputeSpec, Purpose, Resource
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from planner.market import Market
from planner.recourse.distribution import normal_score
from planner.recourse.risk import plan_risk
from tests.laws.environments import NAMES, bundle, wave
from tests.planner.worlds import WORLD, people, plan_of

MARKET = Market.read(WORLD.catalog, WORLD.capacity)
SCORES = np.array([normal_score(level) for level in LEVELS])
SHORTAGE = 0.6
IDLE = MARKET.unit_price("fra", CapacityKind.VCPU) or 0.0


def asked(table, *, shortage=SHORTAGE):
    """A question about nothing but the vCPUs of Frankfurt."""
    values = {(SeriesKey(SeriesKind.CPU, "fra"), Granularity.HOURLY): table}
    world = replace(WORLD, forecast=bundle(values, NAMES[:1]))
    costs = Costs(shortage_usd_per_unit_hour={CapacityKind.VCPU: shortage})
    return people(world, regions=(RegionSettings(name="fra"),), costs=costs, horizons=Horizons())


def serving(count, purpose=Purpose.SERVING, usd=0.4, by_hour=()):
    spec = ComputeSpec(shape="m8", count=count, by_hour=by_hour)
    resource = Resource(key=f"fra/compute/{purpose}/m8", place="fra", root="fra", purpose=purpose, spec=spec)
    return PlannedResource(resource=resource, usd_per_hour=usd * count, reason=Reason(code=ReasonCode.DEMAND))


def risk_of(question, *resources):
    found = plan_risk(question, MARKET, resources, {})
    assert found is not None
    return found


def normal_table(means, spread):
    return np.maximum(0.0, np.array(means)[:, None] + spread * SCORES)


def test_expectations_are_those_of_drawn_demand():
    """The slow way: two hundred thousand demands an hour."""
    means = [60, 70, 82, 90, 75, 66]
    risk = risk_of(people(asked(normal_table(means, 8.0)), horizons=Horizons(validity_hours=6)), serving(10))
    drawn = np.array(means)[:, None] + 8.0 * np.random.default_rng(2).standard_normal((6, 200_000))
    told = np.array(means)[:, None] + 8.0 * normal_score(0.99)  # further up, a forecast says nothing
    missing = np.maximum(0, np.minimum(drawn, told) - 80)
    (vcpu,) = risk.exposures
    assert vcpu.available == 80 and vcpu.at == WORLD.forecast.document.origin.replace(hour=3)
    assert vcpu.short == pytest.approx((drawn[3] > 80).mean(), abs=0.005)
    assert vcpu.expected_units == pytest.approx(missing.mean(), rel=0.01)
    assert vcpu.expected_usd_per_hour == pytest.approx(missing.mean() * SHORTAGE, rel=0.01)
    assert vcpu.next_unit_usd_per_hour == pytest.approx((drawn > 80).mean() * SHORTAGE - IDLE, abs=0.005)
    assert risk.expected_usd_per_hour == vcpu.expected_usd_per_hour and risk.hours == 6


def test_a_case_is_what_the_plan_costs_and_what_is_missing_then():
    table = normal_table([60] * 12 + [90] * 12, 8.0)
    risk = risk_of(asked(table), serving(10))
    high = 90 + 8 * normal_score(0.95) - 80
    cases = {case.level: case for case in risk.cases}
    assert cases[0.5].shortage_usd_per_hour == pytest.approx(10 * 12 / 24 * SHORTAGE)
    assert cases[0.95].shortage_usd_per_hour == pytest.approx(high * 12 / 24 * SHORTAGE, rel=1e-6)
    assert cases[0.95].usd_per_hour == pytest.approx(4.0 + cases[0.95].shortage_usd_per_hour)
    (short,) = cases[0.95].short
    assert (short.place, short.kind, short.hours) == ("fra", CapacityKind.VCPU, 12)
    assert short.units == pytest.approx(high, rel=1e-6)


def test_enough_for_every_case_costs_no_more_than_the_plan():
    risk = risk_of(asked(normal_table([60] * 24, 2.0)), serving(20))
    assert [case.usd_per_hour for case in risk.cases] == [8.0] * 3
    assert not any(case.short for case in risk.cases)
    assert risk.expected_usd_per_hour == 0 and risk.scarce() == ()


def test_what_serves_counts_and_nothing_else():
    question = asked(normal_table([60] * 24, 8.0))
    alone = risk_of(question, serving(8)).exposures
    for purpose in (Purpose.STAGED, Purpose.GRANTED, Purpose.FAILOVER):
        assert risk_of(question, serving(8), serving(5, purpose)).exposures == alone


def test_counts_by_hour_are_held_against_the_hours_that_they_are_for():
    table = normal_table([30] * 12 + [70] * 12, 1e-3)
    follows = risk_of(asked(table), serving(9, by_hour=(4,) * 12 + (9,) * 12))
    against = risk_of(asked(table), serving(9, by_hour=(9,) * 12 + (4,) * 12))
    assert follows.expected_usd_per_hour == 0
    assert against.expected_usd_per_hour == pytest.approx(38 * 12 / 24 * SHORTAGE, rel=1e-3)
    assert against.exposures[0].available == 32 and against.exposures[0].at.hour == 12


def test_nothing_planned_is_short_for_sure_and_the_next_unit_is_worth_the_whole_shortage():
    (vcpu,) = risk_of(asked(normal_table([60] * 24, 2.0))).exposures
    assert (vcpu.available, vcpu.short) == (0, 1)
    assert vcpu.next_unit_usd_per_hour == pytest.approx(SHORTAGE - IDLE, abs=1e-6)


def test_without_a_forecast_or_a_cost_there_is_nothing_to_say():
    assert plan_risk(people(asked(wave(50, 24)), costs=Costs(shortage_usd_per_unit_hour={})), MARKET, (), {}) is None


def test_a_plan_carries_it_and_each_link_once():
    plan = plan_of(WORLD)
    assert plan.risk is not None and plan.risk.hours == WORLD.environment.horizons.validity_hours
    told = [(item.place, item.kind) for item in plan.risk.exposures]
    assert len(told) == len(set(told))
    assert {kind for _, kind in told} == set(CapacityKind) & {*Costs().shortage_usd_per_unit_hour} - {
        CapacityKind.ADDRESSES
    }
    first = plan.risk.cases[0]
    assert first.usd_per_hour == pytest.approx(plan.cost.after_usd_per_hour + first.shortage_usd_per_hour, abs=1e-5)
    assert not first.short  # nobody plans below the median


tables = st.lists(st.floats(0, 500), min_size=24, max_size=24).map(lambda means: normal_table(means, 10.0))


@given(tables, st.integers(1, 80))
@settings(max_examples=30, deadline=None)
def test_one_instance_more_never_costs_more_shortage(table, count):
    few, many = (risk_of(asked(table), serving(number)) for number in (count, count + 1))
    assert many.expected_usd_per_hour <= few.expected_usd_per_hour + 1e-6
    assert many.exposures[0].next_unit_usd_per_hour <= few.exposures[0].next_unit_usd_per_hour + 1e-6
    for less, more in zip(few.cases, many.cases, strict=True):
        assert more.shortage_usd_per_hour <= less.shortage_usd_per_hour + 1e-6


@given(tables, st.integers(1, 80), st.floats(0.01, 50), st.floats(0.01, 50))
@settings(max_examples=30, deadline=None)
def test_a_dearer_shortage_costs_in_proportion(table, count, one, other):
    found = [risk_of(asked(table, shortage=usd), serving(count)) for usd in (one, other)]
    assert found[0].expected_usd_per_hour / one == pytest.approx(found[1].expected_usd_per_hour / other, abs=1e-3)
    levels = [[case.shortage_usd_per_hour for case in risk.cases] for risk in found]
    assert levels[0] == sorted(levels[0]) and levels[1] == sorted(levels[1])
