"""Fleets within quotas: plans that keep them, optima between bound and cost, and a proof that charges for them."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from planner.errors import FleetImpossible, SolverLied
from planner.fleet import FleetProblem, FleetSolution, bound, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from planner.fleet.problem import NOT_OFFERED
from planner.fleet.rows import lacking_usd
from planner.fleet.solve import ROUNDING_ALONE, Effort
from tests.planner import fleet_world as world
from tests.planner.fleet_arrays import Fleet
from tests.planner.fleet_checker import Limit, judge
from tests.planner.fleet_oracle import Exact, NoPlan, optimum
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe
from tests.planner.test_fleet_again import Stood
from tests.planner.test_fleet_bound import EXACT, sound

RECIPES = tuple(Recipe(regions=5, types=4, hours=1, level=400, accelerated=0, seed=seed) for seed in (0, 3, 5))
NO_PROGRAMME = Effort(exact=False, threads=1)

PLANNERS: dict[str, Callable[[FleetProblem], FleetSolution]] = {
    "decomposition": partial(solve_fleet, effort=NO_PROGRAMME),
    "exact": partial(solve_fleet, effort=Effort(passes=2, turns=0, threads=1)),
    "rounding": partial(solve_fleet, effort=ROUNDING_ALONE),
    "greedy": greedy_fleet,
}
MOST_REFUSED = {"decomposition": 1, "exact": 0, "rounding": 1, "greedy": 1}
"""Problems whose quotas are so tight that a rung may find nothing: then the next one is asked."""


@cache
def limited(recipe: Recipe) -> Fleet:
    return world.with_quotas(world.fleet(recipe))


@cache
def best(recipe: Recipe) -> Exact:
    return optimum(limited(recipe))


@pytest.mark.parametrize("planner", PLANNERS)
def test_the_optimum_within_quotas_is_between_bound_and_cost(planner: str) -> None:
    refused = 0
    for recipe in RECIPES:
        fleet = limited(recipe)
        try:
            found = PLANNERS[planner](problem_of(fleet))
        except FleetImpossible:
            refused += 1
            continue
        cost = sound(fleet, solution_of(found))
        assert checked_fleet(problem_of(fleet), found) is found
        assert found.bound <= best(recipe).usd * (1 + EXACT)
        assert best(recipe).bound <= cost * (1 + EXACT)
        assert found.bound > 0.4 * best(recipe).usd  # what is lacking on the way makes no price of a bound
    assert refused <= MOST_REFUSED[planner]


@pytest.mark.parametrize("seed", [504, 510, 513, 516])
def test_others_carry_what_whole_instances_of_a_region_do_not_hold(seed: int) -> None:
    fleet = limited(Recipe(regions=8, types=6, hours=1, level=300, choices=6, accelerated=0, seed=seed))
    found = solve_fleet(problem_of(fleet), Effort(passes=3, turns=1, threads=1, exact=False))
    assert checked_fleet(problem_of(fleet), found) is found
    assert judge(fleet, solution_of(found)).violations == ()
    assert found.usd < greedy_fleet(problem_of(fleet)).usd


def test_nothing_that_is_sold_is_dearer_than_lacking_it() -> None:
    problem = problem_of(limited(RECIPES[0]))
    usd = problem.on_demand_usd * np.where(
        np.arange(len(problem.gives)) == 1, 1e4, 1.0
    )  # the only one left may be dear
    dear = replace(problem, on_demand_usd=usd, committed_usd=np.full_like(usd, NOT_OFFERED))
    for region in range(problem.regions):
        with np.errstate(divide="ignore"):
            each = usd[region, :, None] / problem.gives
        assert (lacking_usd(dear, region) >= np.where(np.isfinite(each), each, 0.0).max(0)).all()


def test_quotas_bind() -> None:
    """Without them the cheapest fleets would be others, which the checkers notice; else these tests could not fail."""
    dearer = 0
    for recipe in RECIPES:
        free = optimum(world.fleet(recipe))
        dearer += best(recipe).usd > free.usd * 1.01
        if best(recipe).usd > free.usd * (1 + EXACT):
            assert judge(limited(recipe), free.solution).broken() == {Limit.QUOTA}
            freely = PLANNERS["exact"](problem_of(world.fleet(recipe)))
            with pytest.raises(SolverLied, match="given: quotas"):
                checked_fleet(problem_of(limited(recipe)), freely)
    assert dearer == 2


def test_a_bound_that_does_not_charge_for_quotas_is_noticed() -> None:
    source = inspect.getsource(bound.alone_usd)
    assert source.count("(prices.quota * quotas[:, None])") == 1
    exec(compile(source.replace("(prices.quota *", "0 * (prices.quota *"), "bound.py", "exec"), vars(bound))
    try:
        found = solve_fleet(problem_of(limited(RECIPES[0])), NO_PROGRAMME)
    finally:
        exec(compile(source, "bound.py", "exec"), vars(bound))
    assert found.bound == found.usd > best(RECIPES[0]).usd  # it is cut off at the cost


@pytest.mark.parametrize("planner", PLANNERS)
def test_a_quota_of_zero_is_told(planner: str) -> None:
    fleet = limited(RECIPES[0])
    quota = np.full_like(fleet.quota, np.inf)
    quota[2] = 0.0
    none = replace(fleet, quota=quota)
    with pytest.raises(NoPlan):
        optimum(none)
    with pytest.raises(FleetImpossible, match="region 2"):
        PLANNERS[planner](problem_of(none))


def test_quotas_that_nothing_reaches_change_nothing() -> None:
    plain = world.fleet(RECIPES[1])
    found = solve_fleet(problem_of(plain), NO_PROGRAMME)
    wide = replace(plain, quota=np.full(plain.demand.shape[:2], np.inf))
    same = solve_fleet(problem_of(wide), NO_PROGRAMME)
    assert replace(same, proof="").to_bytes() == replace(found, proof="").to_bytes()
    roomy = replace(plain, quota=np.full(plain.demand.shape[:2], 1e9))
    assert solve_fleet(problem_of(roomy), NO_PROGRAMME).usd <= found.usd * 1.01


def test_quotas_that_are_lifted_leave_no_price_in_the_next_bound() -> None:
    problem = problem_of(limited(RECIPES[0]))
    standing = Stood.of(problem, NO_PROGRAMME)
    assert standing.certificate.prices.quota.any()
    for quota in (np.zeros((0, 0)), np.full_like(problem.quota, np.inf)):
        lifted = replace(problem, quota=quota)
        assert standing.bound(lifted) <= optimum(world.fleet(RECIPES[0])).usd * (1 + EXACT)
