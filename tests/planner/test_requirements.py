"""What must serve: quantiles, bounds, calm, links."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.environment import Costs, Horizons
from contracts.limits import Rules
from contracts.plan import ReasonCode
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.curves import region_curves
from planner.requirements import quantile_level
from planner.scale_in import calm
from tests.laws.environments import HOURS, NAMES, bundle, wave
from tests.planner.worlds import WORLD, needs, people, region

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("shortage", "idle", "floor", "level"),
    [
        (0.9, 0.1, 0.5, 0.9),
        (1.0, 0.0, 0.5, 0.99),  # nothing is lost by idling
        (0.1, 0.9, 0.5, 0.5),  # never below the median
        (0.1, 0.9, 0.8, 0.8),  # nor below the headroom rule
        (0.6, None, 0.5, 0.99),  # nothing is offered
        (0.0, 0.0, 0.5, 0.99),
    ],
)
def test_the_newsvendor_ratio(shortage, idle, floor, level):
    kind = CapacityKind.VCPU
    made = WORLD.environment.model_copy(
        update={"costs": Costs(shortage_usd_per_unit_hour={kind: shortage}), "rules": Rules(headroom_quantile=floor)}
    )
    assert quantile_level(made, kind, idle) == pytest.approx(level)


def test_a_requirement_is_the_peak_of_its_quantile_over_the_validity():
    need = needs(WORLD)["fra/vcpu/serving"]
    key = SeriesKey(SeriesKind.CPU, "fra")
    assert need.forecast is not None
    table = WORLD.forecast.values[key, Granularity.HOURLY][: WORLD.environment.horizons.validity_hours]
    column = np.array([np.interp(need.forecast.level, WORLD.forecast.document.levels, row) for row in table])
    assert need.quantity == pytest.approx(column.max())
    assert need.forecast.at == WORLD.forecast.document.origin + int(column.argmax()) * (
        WORLD.forecast.document.origin.resolution * 3_600_000_000
    )


def test_what_stands_in_all_hours_is_sized_by_all_of_them():
    """A volume that one hour in 24 would fill is not bought for that hour, unless that hour was promised."""
    key = SeriesKey(SeriesKind.STORAGE, "fra")
    table = wave(100, HOURS)
    table[7] *= 3
    values = {**WORLD.forecast.values, (key, Granularity.HOURLY): table}
    world = replace(WORLD, forecast=bundle(values, NAMES))
    promised = needs(people(world, rules=Rules(headroom_quantile=0.9)))["fra/storage_gib/serving"]
    free = needs(people(world, rules=Rules(headroom_quantile=0.5)))["fra/storage_gib/serving"]
    assert promised.forecast is not None and free.forecast is not None
    assert promised.forecast.level == 0.9 and promised.forecast.at == WORLD.forecast.document.origin + 7 * HOUR
    assert free.forecast.level == 0.5 and free.quantity < promised.quantity


def test_what_takes_long_to_come_is_sized_for_longer():
    key = SeriesKey(SeriesKind.TRAFFIC, "ams->fra")
    table = wave(3, HOURS)
    table[30] *= 2  # after the validity of a day
    world = replace(WORLD, forecast=bundle({(key, Granularity.HOURLY): table}, ("ams", "fra")))
    at_once = needs(world)["ams--fra/gbps/serving"]
    late = people(world, horizons=Horizons(lead_hours={CapacityKind.GBPS: 12}))
    ordered = needs(late)["ams--fra/gbps/serving"]
    assert at_once.forecast is not None and at_once.forecast.at < WORLD.forecast.document.origin + 24 * HOUR
    assert ordered.forecast is not None and ordered.forecast.at == WORLD.forecast.document.origin + 30 * HOUR
    assert ordered.quantity > at_once.quantity


@pytest.mark.parametrize(("lead_hours", "days"), [(24, 2), (72, 4), (1000, 6)])
def test_beyond_its_hours_a_forecast_grows_as_its_days_do(lead_hours, days):
    key = SeriesKey(SeriesKind.CPU, "fra")
    daily = np.array([1.1**day for day in range(6)])[:, None] * wave(40, 1)
    values = {**WORLD.forecast.values, (key, Granularity.HOURLY): wave(40, 24), (key, Granularity.DAILY): daily}
    world = people(
        replace(WORLD, forecast=bundle(values, NAMES)), horizons=Horizons(lead_hours={CapacityKind.VCPU: lead_hours})
    )
    curves = region_curves(world, "fra", CapacityKind.VCPU)
    assert curves is not None and curves.tables.shape[1] == days * 24
    assert curves.tables[0, -24:] == pytest.approx(wave(40, 24) * 1.1 ** (days - 1))


def test_people_bound_what_serves():
    free = needs(WORLD)["fra/vcpu/serving"].quantity
    raised = needs(region(WORLD, minimum={CapacityKind.VCPU: free + 7}))["fra/vcpu/serving"]
    capped = needs(region(WORLD, maximum={CapacityKind.VCPU: free - 7}))["fra/vcpu/serving"]
    assert (raised.quantity, raised.code, raised.parts["minimum"]) == (
        pytest.approx(free + 7),
        ReasonCode.MINIMUM,
        pytest.approx(7),
    )
    assert (capped.quantity, capped.parts["maximum"]) == (pytest.approx(free - 7), pytest.approx(-7))


@pytest.mark.parametrize(
    ("wanted", "before", "kept"), [(95, 100, 100), (90, 100, 100), (89, 100, 89), (101, 100, 101), (5, 0, 5)]
)
def test_calm(wanted, before, kept):
    assert calm(wanted, before) == kept


def test_the_larger_direction_of_a_link_counts_alone():
    one, other = SeriesKey(SeriesKind.TRAFFIC, "ams->fra"), SeriesKey(SeriesKind.TRAFFIC, "fra->ams")
    values = {(one, Granularity.HOURLY): wave(3, HOURS), (other, Granularity.HOURLY): wave(8, HOURS)}
    need = needs(replace(WORLD, forecast=bundle(values, ("ams", "fra"))))["ams--fra/gbps/serving"]
    assert need.forecast is not None and need.forecast.series == "traffic:fra->ams"
    assert need.quantity == pytest.approx(need.forecast.value)


def test_traffic_without_a_link_of_its_own_loads_every_link_of_its_way():
    links = tuple(link for link in WORLD.capacity.links if {link.a, link.b} in ({"fra", "ams"}, {"ams", "lon"}))
    key = SeriesKey(SeriesKind.TRAFFIC, "fra->lon")
    world = replace(
        WORLD,
        capacity=WORLD.capacity.model_copy(update={"links": links}),
        forecast=bundle({(key, Granularity.HOURLY): wave(3, HOURS)}, ("fra", "lon")),
    )
    found = needs(world)
    assert found.keys() == {"ams--fra/gbps/serving", "ams--lon/gbps/serving"}


def test_a_link_of_its_own_is_taken_however_slow_it_is():
    slow = tuple(
        link.model_copy(update={"latency_ms": 500.0}) if {link.a, link.b} == {"fra", "lon"} else link
        for link in WORLD.capacity.links
    )
    key = SeriesKey(SeriesKind.TRAFFIC, "fra->lon")
    world = replace(
        WORLD,
        capacity=WORLD.capacity.model_copy(update={"links": slow}),
        forecast=bundle({(key, Granularity.HOURLY): wave(3, HOURS)}, ("fra", "lon")),
    )
    assert needs(world).keys() == {"fra--lon/gbps/serving"}
