"""Where nothing scales by the hour, all hours have one count, and the fleet still keeps every constraint."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from planner.fleet import FleetProblem, FleetSolution, solve_fleet
from planner.fleet.again import fleet_usd
from planner.fleet.check import checked_fleet
from planner.fleet.problem import NOT_OFFERED
from planner.fleet_steady import steady
from tests.planner.fleet_world import Recipe, fleet

HOURS = 4
FIRST = np.array([False, True, True])
"""Of three regions, the first has no schedule."""


@cache
def flat() -> FleetProblem:
    """All hours alike."""
    arrays = fleet(Recipe(regions=3, types=5, hours=1, level=40)).arrays()
    problem = FleetProblem.of_arrays({name: np.asarray(array, dtype=float) for name, array in arrays.items()})
    return replace(
        problem, demand=problem.demand.repeat(HOURS, axis=2), critical=problem.critical.repeat(HOURS, axis=2)
    )


@cache
def following() -> FleetProblem:
    """The first region alone is asked the same in all hours; nothing is committed."""
    by_hour = np.linspace(1.0, 0.2, HOURS) * np.array([[[0.0]], [[1.0]], [[1.0]]]) + np.array(
        [[[1.0]], [[0.0]], [[0.0]]]
    )
    never = np.full_like(flat().committed_usd, NOT_OFFERED)
    demand, critical = flat().demand * by_hour, flat().critical * by_hour
    return replace(flat(), demand=demand, critical=critical, committed_usd=never)


@cache
def solved(flat_hours: bool) -> FleetSolution:
    return solve_fleet(flat() if flat_hours else following())


def with_one_more(hour: int, count: int = 1) -> FleetSolution:
    """One hour of the first region has more of what is sold there."""
    on_demand = solved(True).on_demand.copy()
    on_demand[0, int(np.argmin(flat().on_demand_usd[0])), hour] += count
    found = replace(solved(True), on_demand=on_demand)
    return replace(found, usd=fleet_usd(flat(), found))


@pytest.mark.parametrize("hour", range(HOURS))
def test_the_cheapest_hour_that_holds_is_that_of_all_hours(hour):
    found = steady(flat(), with_one_more(hour), FIRST)
    assert np.array_equal(found.on_demand, solved(True).on_demand) and found.usd == pytest.approx(solved(True).usd)
    assert checked_fleet(flat(), found) is found


def test_an_hour_that_holds_nowhere_else_is_not_taken():
    lacking = with_one_more(2)
    lacking.on_demand[0, :, 0] = lacking.spot[0, :, 0] = 0  # cheapest, and not enough
    found = steady(flat(), lacking, FIRST)
    assert np.ptp(found.on_demand[0], axis=1).max() == 0 and checked_fleet(flat(), found)


def test_what_partners_ask_at_their_hours_is_held_at_all():
    problem, before = following(), solved(False)
    assert np.ptp(before.on_demand[0] + before.spot[0], axis=1).any()  # else there is nothing to do
    found = steady(problem, before, FIRST)
    assert not (np.ptp(found.on_demand[0], axis=1) + np.ptp(found.spot[0], axis=1)).any()
    assert checked_fleet(problem, found).bound <= before.bound + 1e-9
    assert np.array_equal(found.on_demand[1:], before.on_demand[1:])


def test_regions_that_scale_by_the_hour_are_left_alone():
    some = with_one_more(1)
    assert steady(flat(), some, ~FIRST) is some
    everywhere = steady(flat(), some, np.zeros(3, dtype=bool))
    assert steady(flat(), everywhere, np.zeros(3, dtype=bool)) is everywhere
