"""Quotas of links, and partners that may carry one way alone: plans that keep them, between bound and optimum."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from planner.errors import FleetImpossible, SolverLied
from planner.fleet import Effort, bound, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.circuits import circuits_for, circuits_within
from planner.fleet.exact import solve_exactly
from tests.planner import fleet_world as world
from tests.planner.fleet_arrays import Fleet
from tests.planner.fleet_checker import Limit, judge
from tests.planner.fleet_oracle import Exact, optimum
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe
from tests.planner.test_fleet_bound import EXACT, sound
from tests.planner.test_fleet_quotas import NO_PROGRAMME, PLANNERS

RECIPES = tuple(Recipe(regions=5, types=4, hours=1, level=400, accelerated=0, seed=seed) for seed in (3,))
LIMITS: dict[str, Callable[[Fleet], Fleet]] = {"links": world.with_link_quotas, "one way": world.one_way}
BROKEN = {"links": (Limit.LINK_QUOTA, "quotas of links"), "one way": (Limit.SHARE, "who may carry")}


@cache
def limited(limit: str, recipe: Recipe) -> Fleet:
    return LIMITS[limit](world.fleet(recipe))


@cache
def best(limit: str, recipe: Recipe) -> Exact:
    return optimum(limited(limit, recipe))


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("planner", PLANNERS)
def test_the_optimum_is_between_bound_and_cost(planner: str, limit: str) -> None:
    for recipe in RECIPES:
        fleet = limited(limit, recipe)
        found = PLANNERS[planner](problem_of(fleet))
        assert checked_fleet(problem_of(fleet), found) is found
        cost = sound(fleet, solution_of(found))
        assert found.bound <= best(limit, recipe).usd * (1 + EXACT)
        assert best(limit, recipe).bound <= cost * (1 + EXACT)


@pytest.mark.parametrize("limit", LIMITS)
def test_they_bind(limit: str) -> None:
    """Without them the fleets would be others, which both checkers notice; else these tests could not fail."""
    broken, told = BROKEN[limit]
    for recipe in RECIPES:
        free = PLANNERS["decomposition"](problem_of(world.fleet(recipe)))
        assert judge(limited(limit, recipe), solution_of(free)).broken() == {broken}
        with pytest.raises(SolverLied, match=told):
            checked_fleet(problem_of(limited(limit, recipe)), free)


@pytest.mark.parametrize("most", [0, 2])
def test_larger_fleets_keep_them_too(most: int) -> None:
    fleet = world.one_way(
        world.with_link_quotas(world.fleet(Recipe(regions=12, types=8, level=300, choices=6, seed=4)))
    )
    problem = problem_of(fleet)
    if most:
        problem = replace(problem, partners=np.full(fleet.regions, most))
    found = solve_fleet(problem, Effort(passes=5, turns=2, threads=1, exact=False))
    assert checked_fleet(problem, found) is found
    assert judge(fleet, solution_of(found)).violations == ()


@pytest.mark.parametrize(("right", "wrong"), [("floors -= ", "floors += 0 * "), ("steps += paid", "steps += 2 * paid")])
def test_a_bound_that_pays_wrongly_for_quotas_of_links_is_noticed(
    right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, names = inspect.getsource(bound.certificate_of), dict(vars(bound))
    assert source.count(right) == 1
    exec(compile(source.replace(right, wrong), "bound.py", "exec"), names)
    monkeypatch.setattr("planner.fleet.solve.certificate_of", names["certificate_of"])
    found = solve_fleet(problem_of(limited("links", RECIPES[0])), NO_PROGRAMME)
    assert found.bound > best("links", RECIPES[0]).usd * (1 + EXACT)


def test_links_that_have_no_room_are_named() -> None:
    fleet = world.fleet(RECIPES[0])
    touching = (fleet.pairs == 2).any(1)
    none = replace(
        fleet,
        link_quota=np.where(touching, np.ceil(fleet.reserved_gbps), np.inf),
        reserved_gbps=np.ceil(fleet.reserved_gbps),
    )
    for planner in PLANNERS.values():
        with pytest.raises(FleetImpossible, match=r"quotas of links leave less than half .* 2"):
            planner(problem_of(none))


def test_circuits_within_a_quota_are_the_cheapest_that_are() -> None:
    tiers, usd = np.array([1.0, 10.0, 100.0]), np.array([[0.5, 2.6, 14.0]])
    for gbps, most in ((9.0, 9.0), (8.2, 9.0), (9.5, 10.0), (57.0, 60.0), (57.0, 59.0), (95.0, 99.0), (0.0, 0.0)):
        found = circuits_within(np.array([gbps]), tiers, usd, np.array([most]))[0]
        units = range(int(np.ceil(gbps)), int(most) + 1)
        ways = [(a, b, unit - a * 100 - b * 10) for unit in units for a in range(2) for b in range(11)]
        ways = [way for way in ways if way[2] >= 0]
        cheapest = min(float(usd[0] @ np.array(way[::-1])) for way in ways)
        assert gbps <= found @ tiers <= most
        assert usd[0] @ found == pytest.approx(cheapest)
    free = circuits_within(np.array([9.0]), tiers, usd, np.array([np.inf]))
    assert (free == circuits_for(np.array([9.0]), tiers, usd)).all()


def test_shares_sum_to_one_where_more_would_cost_nothing() -> None:
    fleet = world.without_demand(world.fleet(Recipe(regions=6, types=4, hours=2, choices=5, seed=1003)))
    found = solve_exactly(problem_of(fleet))
    assert found is not None
    assert np.bincount(fleet.partners.ravel(), found[0][3], fleet.regions) == pytest.approx(np.ones(fleet.regions))
