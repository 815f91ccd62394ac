"""What a region is given for nothing (pins): it is planned with, and its price of 0 leads nobody astray."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from planner.fleet import Effort, FleetProblem, FleetSolution, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from planner.fleet.plain import plain_prices
from planner.fleet.problem import NOT_OFFERED
from planner.fleet.rows import lacking_usd
from tests.planner import fleet_world
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe

WORLD = fleet_world.fleet(Recipe(regions=5, types=4, hours=1, level=400, accelerated=0, seed=0))
WAYS: dict[str, Callable[[FleetProblem], FleetSolution]] = {
    "decomposition": partial(solve_fleet, effort=Effort(exact=False, threads=1)),
    "greedy": greedy_fleet,
}
PRICES = ("committed_usd", "on_demand_usd", "spot_usd")


def given(problem: FleetProblem, purchase: str) -> FleetProblem:
    """One more type, like the first: region 0 alone has two of it, for nothing."""
    nowhere, stock = np.full((problem.regions, 1), NOT_OFFERED), np.zeros((problem.regions, 1))
    here = nowhere.copy()
    here[0], stock[0] = 0.0, 2.0
    columns = {name: here if name == purchase else nowhere for name in PRICES}
    return replace(
        problem,
        gives=np.concatenate([problem.gives, problem.gives[:1]]),
        loss=np.concatenate([problem.loss, problem.loss[:1]]),
        stock=np.concatenate([problem.stock, stock], 1),
        **{name: np.concatenate([getattr(problem, name), column], 1) for name, column in columns.items()},
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("purchase", ["committed_usd", "spot_usd"])
def test_each_way_finds_a_fleet_beside_what_is_given(way: str, purchase: str) -> None:
    problem = given(problem_of(WORLD), purchase)
    found = checked_fleet(problem, WAYS[way](problem))
    assert 0 < found.bound <= found.usd <= WAYS[way](problem_of(WORLD)).usd * 1.01


@pytest.mark.parametrize("kinds", [slice(0, 1), slice(None)], ids=["one type", "all types"])
def test_what_is_sold_for_nothing_is_planned(kinds: slice) -> None:
    plain = problem_of(WORLD)
    free = {name: getattr(plain, name).copy() for name in PRICES}
    for usd in free.values():
        usd[:, kinds] = 0.0
    for way in WAYS.values():
        problem = replace(plain, **free)
        found = checked_fleet(problem, way(problem))
        assert found.usd <= way(plain).usd * 0.9


@pytest.mark.parametrize("seed", [4, 6])
def test_shares_are_whole_where_circuits_cost_and_instances_do_not(seed: int) -> None:
    plain = problem_of(fleet_world.fleet(Recipe(regions=4, types=4, hours=1, level=400, accelerated=0, seed=seed)))
    free = {name: np.zeros_like(getattr(plain, name)) for name in PRICES}
    problem = replace(plain, tier_usd=20 * plain.tier_usd, **free)
    assert checked_fleet(problem, WAYS["decomposition"](problem)).usd > 0


def test_what_is_lacking_is_never_free() -> None:
    plain = problem_of(WORLD)
    problem = given(plain, "committed_usd")
    assert np.array_equal(lacking_usd(problem, 0), lacking_usd(plain, 0))
    assert lacking_usd(problem, 0)[:2].min() > 0
    assert np.array_equal(plain_prices(problem).alone, plain_prices(plain).alone)


@pytest.mark.parametrize("purchase", ["committed_usd", "spot_usd"])
def test_what_is_given_takes_no_more_off_a_plain_bound_than_it_is_worth(purchase: str) -> None:
    plain = problem_of(WORLD)
    assert greedy_fleet(given(plain, purchase)).bound > 0.95 * greedy_fleet(plain).bound
