"""Bounds and costs of fleet plans around the true optimum: forty small problems, solved to the end by the oracle.

For each planner: its bound is not above the cheapest plan's cost and its own cost not below; every plan passes the
checker and carries every loss. A third of the problems leaves less than 2 % between the linear relaxation and the
optimum, so that a bound that is slightly too high is noticed.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.plan_first_fit import Uncoverable, first_fit
from benchmarks.plan_partners import NoPartners
from planner.errors import FleetImpossible
from planner.fleet import Effort, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from tests.planner import fleet_world as world
from tests.planner.fleet_arrays import Fleet, Solution
from tests.planner.fleet_checker import each_lost, judge
from tests.planner.fleet_oracle import Exact, optimum, relaxation
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe

#: What the oracle's own arithmetic may be off by, as part of the cost. It allows constraints 1e-9, and a plan 1e-6 of
#: each right-hand side; counts are whole, so that neither moves the cost but by chance.
EXACT = 1e-7

Planner = Callable[[Fleet], Solution]


def recipes() -> list[Recipe]:
    """Forty: few machines and many odd ends first, then many machines and few types, where bounds are tight."""
    found = [Recipe(regions=3, types=4, hours=2, level=30, seed=seed) for seed in range(6)]
    found += [Recipe(regions=3, types=5, hours=3, level=40, seed=seed) for seed in (0, 2, 4, 5, 8)]
    found += [Recipe(regions=4, types=6, hours=2, level=30, seed=seed) for seed in (0, 1, 3, 4, 6, 8)]
    found += [Recipe(regions=3, types=8, hours=1, level=100, reserved_gbps=20, seed=seed) for seed in (0, 2, 3)]
    found += [Recipe(regions=5, types=4, hours=1, level=100, reserved_gbps=5, seed=seed) for seed in (1, 2, 5, 6)]
    found += [Recipe(regions=6, types=4, hours=1, level=60, reserved_gbps=10, seed=seed) for seed in (1, 3, 5)]
    return found + tight()


def tight() -> list[Recipe]:
    """Thirteen where the relaxation is within 2 % of the optimum."""
    many = Recipe(regions=3, types=4, hours=1, level=10_000, accelerated=0, reserved_gbps=3000)
    four = Recipe(regions=4, types=3, hours=1, level=5_000, accelerated=0, reserved_gbps=3000)
    return [seeded(many, seed) for seed in range(8)] + [seeded(four, seed) for seed in (0, 1, 3, 5, 6)]


def seeded(recipe: Recipe, seed: int) -> Recipe:
    return Recipe(
        regions=recipe.regions,
        types=recipe.types,
        hours=recipe.hours,
        level=recipe.level,
        accelerated=recipe.accelerated,
        reserved_gbps=recipe.reserved_gbps,
        seed=seed,
    )


@cache
def made(recipe: Recipe) -> Fleet:
    return world.fleet(recipe)


@cache
def exact(recipe: Recipe) -> Exact:
    return optimum(made(recipe), seconds=300)


def by_first_fit(fleet: Fleet) -> Solution:
    """The peer's plan, with the relaxation as its bound."""
    return Solution.read(first_fit(fleet.arrays()) | {"bound": np.array(relaxation(fleet))})


def by_fleet(fleet: Fleet) -> Solution:
    """The planner's own plan."""
    return solution_of(solve_fleet(problem_of(fleet), ONE_THREAD))


def by_greedy(fleet: Fleet) -> Solution:
    """What is planned where no solver answers, with a bound in closed form."""
    problem = problem_of(fleet)
    return solution_of(checked_fleet(problem, greedy_fleet(problem)))


ONE_THREAD = Effort(threads=1)
PLANNERS: dict[str, Planner] = {"first_fit": by_first_fit, "fleet": by_fleet, "greedy": by_greedy}

IMPOSSIBLE: dict[str, tuple[type[Exception], ...]] = {
    "first_fit": (NoPartners, Uncoverable),
    "fleet": (FleetImpossible,),
    "greedy": (FleetImpossible,),
}


def named(part: object) -> str:
    if isinstance(part, Recipe):
        return f"{part.regions}x{part.types}x{part.hours}-{part.level:g}-{part.seed}"
    return getattr(part, "__name__", str(part))


def sound(fleet: Fleet, solution: Solution) -> float:
    """USD of a plan that must be right."""
    verdict = judge(fleet, solution)
    assert verdict.violations == (), [str(violation) for violation in verdict.violations]
    assert each_lost(fleet, solution) == []
    return verdict.usd


@pytest.mark.parametrize("recipe", recipes(), ids=named)
@pytest.mark.parametrize("planner", PLANNERS)
def test_the_optimum_is_between_bound_and_cost(planner: str, recipe: Recipe) -> None:
    fleet, best = made(recipe), exact(recipe)
    solution = PLANNERS[planner](fleet)
    cost = sound(fleet, solution)
    assert solution.bound is not None
    assert solution.bound <= best.usd * (1 + EXACT)
    assert best.bound <= cost * (1 + EXACT)
    assert best.usd - best.bound <= EXACT * best.usd


def test_there_are_forty_problems_and_none_twice() -> None:
    assert len(set(recipes())) == 40


@pytest.mark.parametrize("recipe", tight(), ids=named)
def test_a_bound_two_percent_too_high_would_be_noticed(recipe: Recipe) -> None:
    assert relaxation(made(recipe)) * 1.021 > exact(recipe).usd * (1 + EXACT)


@pytest.mark.parametrize("odd", world.ODD, ids=named)
@pytest.mark.parametrize("planner", PLANNERS)
def test_odd_problems_are_planned_between_bound_and_cost(planner: str, odd: Callable[[Fleet], Fleet]) -> None:
    fleet = odd(made(Recipe(regions=3, types=4, hours=2, level=30, seed=2)))
    solution, best = PLANNERS[planner](fleet), optimum(fleet)
    cost = sound(fleet, solution)
    assert solution.bound is not None
    assert solution.bound <= best.usd * (1 + EXACT) + EXACT
    assert best.bound <= cost * (1 + EXACT) + EXACT


@pytest.mark.parametrize("factor", [1e-3, 1e5, pytest.param(1e6, marks=pytest.mark.long)])
@pytest.mark.parametrize("planner", PLANNERS)
def test_any_scale_of_demand_is_planned(planner: str, factor: float) -> None:
    fleet = world.scaled(made(Recipe(regions=4, types=6, hours=3, seed=3)), factor)
    solution = PLANNERS[planner](fleet)
    cost = sound(fleet, solution)
    assert solution.bound is not None
    assert relaxation(fleet) * (1 - EXACT) <= cost
    assert solution.bound <= cost


@pytest.mark.parametrize("impossible", [world.with_one_partner, world.sold_out], ids=named)
@pytest.mark.parametrize("planner", PLANNERS)
def test_what_cannot_be_planned_is_said(planner: str, impossible: Callable[[Fleet, int], Fleet]) -> None:
    fleet = impossible(made(Recipe(regions=4, types=6, hours=2, level=30, seed=1)), 2)
    with pytest.raises(IMPOSSIBLE[planner], match=r"region 2"):
        PLANNERS[planner](fleet)


@pytest.mark.parametrize("planner", PLANNERS)
@pytest.mark.parametrize("seed", range(2))
def test_larger_problems_hold(planner: str, seed: int) -> None:
    """Beyond the oracle's reach: the relaxation is the bound to beat, the checker and the simulator judge."""
    fleet = made(Recipe(regions=14, types=30, hours=6, level=800, seed=seed, reserved_gbps=50))
    solution = PLANNERS[planner](fleet)
    cost = sound(fleet, solution)
    assert solution.bound is not None
    assert solution.bound <= cost
    assert relaxation(fleet) <= cost * (1 + EXACT)


def test_the_number_of_threads_changes_nothing() -> None:
    """The programme of a small fleet is solved after what threads share out, and by one alone: it is left out."""
    problem = problem_of(made(Recipe(regions=6, types=12, hours=4, level=200, seed=6)))
    efforts = (Effort(threads=threads, exact=False) for threads in (1, 2))
    one, two = (solution_of(solve_fleet(problem, effort)).arrays() for effort in efforts)
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ("regions", "types", "exact"), [(6, 12, False), (4, 6, True)], ids=["by decomposition", "as one programme"]
)
def test_the_planner_states_the_cost_that_the_checker_finds(regions: int, types: int, exact: bool) -> None:
    fleet = made(Recipe(regions=regions, types=types, hours=4, level=200, seed=6))
    found = solve_fleet(problem_of(fleet), replace(ONE_THREAD, exact=exact))
    assert found.usd == pytest.approx(sound(fleet, solution_of(found)), rel=1e-9)
