"""What stands in all hours alike: against a search over sizes, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS
from planner.recourse.distribution import DemandByHour
from planner.recourse.standing import standing_level
from tests.planner.recourse.test_two_stage import SAMPLE, at, normal_demand


def size_of(demand, critical):
    return float(demand.at_level(standing_level(demand, critical)).max())


def cost(demand, size, critical):
    """The slow way: what idles and what is missing of five hundred demands an hour; shortage + idle = 1."""
    missing = [np.maximum(0, at(demand, hour, SAMPLE) - size).mean() for hour in range(demand.hours)]
    idle = [np.maximum(0, size - at(demand, hour, SAMPLE)).mean() for hour in range(demand.hours)]
    return critical * np.mean(missing) + (1 - critical) * np.mean(idle)


@pytest.mark.parametrize("critical", [0.6, 0.8, 0.9, 0.95])
def test_no_size_on_a_grid_costs_less(critical):
    demand = normal_demand([20, 22, 35, 60, 58, 30], [2, 3, 3, 8, 6, 4])
    least = min(cost(demand, size, critical) for size in np.arange(10, 90, 0.5))
    assert cost(demand, size_of(demand, critical), critical) <= least * 1.01


def test_hours_that_are_alike_are_sized_as_one():
    assert standing_level(normal_demand([50] * 24, [5] * 24), 0.9) == 0.9


def test_one_hour_that_towers_is_not_met_for_its_own_sake():
    level = standing_level(normal_demand([50] * 23 + [90], [5] * 23 + [5]), 0.9)
    assert level < 0.01  # 23 of 24 hours are served at 0.9 without it


tables = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 3e3)), min_size=1, max_size=30).map(
    lambda hours: normal_demand([mean for mean, _ in hours], [spread for _, spread in hours])
)
criticals = st.floats(0.5, 0.99)


@given(tables, criticals, criticals)
@settings(max_examples=60, deadline=None)
def test_a_dearer_miss_never_lowers_the_size(demand, one, other):
    before, after = (size_of(demand, critical) for critical in sorted((one, other)))
    assert after >= before - 0.02 * np.ptp(demand.table) - 1e-6


@given(tables, criticals, st.floats(0, 1000))
@settings(max_examples=60, deadline=None)
def test_more_demand_is_never_a_smaller_size(demand, critical, more):
    larger = DemandByHour(LEVELS, demand.table + more)
    assert size_of(larger, critical) >= size_of(demand, critical) - 0.02 * np.ptp(demand.table) - 1e-6


@given(tables, criticals, st.floats(0.01, 1000))
@settings(max_examples=60, deadline=None)
def test_units_change_nothing(demand, critical, unit):
    scaled = DemandByHour(LEVELS, demand.table * unit)
    found = size_of(demand, critical) * unit
    assert size_of(scaled, critical) == pytest.approx(found, rel=1e-3, abs=0.01 * unit * np.ptp(demand.table) + 1e-9)


@given(tables, criticals)
@settings(max_examples=60, deadline=None)
def test_it_is_never_above_what_an_hour_of_its_own_would_have(demand, critical):
    assert 0.0 <= standing_level(demand, critical) <= critical
