"""Fleets that survive the loss of a whole fault domain: between bound and optimum, and judged from outside."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from planner.errors import SolverLied
from planner.fleet import Effort, solve, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from tests.planner import fleet_world as world
from tests.planner.fleet_arrays import Fleet
from tests.planner.fleet_checker import Limit, each_lost, judge, lost
from tests.planner.fleet_oracle import Exact, optimum
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe
from tests.planner.test_fleet_bound import EXACT, named, sound

QUICK = Effort(threads=1)
SMALL = (
    Recipe(regions=5, types=4, hours=1, level=100, reserved_gbps=5, seed=1),
    Recipe(regions=6, types=4, hours=1, level=60, reserved_gbps=10, seed=3),
    Recipe(regions=5, types=3, hours=1, level=5000, accelerated=0, reserved_gbps=3000, seed=5),
)


@cache
def made(recipe: Recipe) -> Fleet:
    """A problem with three domains of two regions or so, all of one lost at once; partners wherever they may be.

    Nearly all load is critical, so that what is held for others decides what is bought.
    """
    fleet = world.fleet(recipe)
    domain = np.arange(fleet.regions) % 3
    pairs = [(a, b) for a in range(fleet.regions) for b in range(a + 1, fleet.regions)]
    random = np.random.default_rng(recipe.seed)
    known = {tuple(sorted(pair)): row for row, pair in enumerate(fleet.pairs.tolist())}
    rows = [known.get(pair, int(random.integers(len(fleet.pairs)))) for pair in pairs]
    return replace(
        fleet,
        domain=domain,
        fall=domain,
        critical=0.9 * fleet.demand,
        partners=np.array([pair for pair in pairs if domain[pair[0]] != domain[pair[1]]]),
        pairs=np.array(pairs),
        reserved_gbps=fleet.reserved_gbps[rows],
        tier_usd=fleet.tier_usd[rows],
    )


@cache
def best(recipe: Recipe) -> Exact:
    return optimum(made(recipe), seconds=120)


@pytest.mark.parametrize("recipe", SMALL, ids=named)
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "decomposed"])
def test_the_optimum_is_between_bound_and_cost(recipe: Recipe, exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not exact:
        monkeypatch.setattr(solve, "is_small", lambda problem: False)
    problem = problem_of(made(recipe))
    found = solution_of(checked_fleet(problem, solve_fleet(problem, QUICK)))
    cost = sound(made(recipe), found)
    assert found.bound is not None
    assert found.bound <= best(recipe).usd * (1 + EXACT)
    assert best(recipe).bound <= cost * (1 + EXACT)
    assert found.bound >= 0.75 * cost  # a bound that knew nothing of losses would be far below


def test_a_greedy_fleet_survives_a_domain_too() -> None:
    problem = problem_of(made(SMALL[1]))
    sound(made(SMALL[1]), solution_of(checked_fleet(problem, greedy_fleet(problem))))


def test_what_survives_single_regions_alone_is_cheaper_and_found_out() -> None:
    fleet = made(SMALL[2])
    alone = replace(fleet, fall=np.zeros(0, dtype=np.int64))
    found = solve_fleet(problem_of(alone), QUICK)
    solution = solution_of(found)
    assert sound(alone, solution) < best(SMALL[2]).bound
    assert Limit.FAILOVER in judge(fleet, solution).broken()
    assert each_lost(fleet, solution) and any(lost(fleet, solution, loss) for loss in fleet.losses())
    with pytest.raises(SolverLied, match="the loss of a fault domain"):
        checked_fleet(problem_of(fleet), found)


def test_regions_that_fall_alone_are_planned_as_before() -> None:
    fleet = made(SMALL[0])
    alone = replace(fleet, fall=np.zeros(0, dtype=np.int64))
    each = replace(fleet, fall=np.arange(fleet.regions))
    plans = [solve_fleet(problem_of(problem), QUICK) for problem in (alone, each)]
    assert plans[0].usd == pytest.approx(plans[1].usd, rel=1e-9)
    assert plans[0].bound == pytest.approx(plans[1].bound, rel=1e-9)


@pytest.mark.parametrize(
    ("recipe", "links", "most"),
    [
        (Recipe(regions=5, types=4, hours=1, level=400, accelerated=0, seed=20247), True, 0),
        (Recipe(regions=5, types=4, hours=1, level=400, accelerated=0, seed=20247), True, 2),
        (Recipe(regions=6, types=4, hours=1, level=60, reserved_gbps=10, seed=20217), True, 0),
        (Recipe(regions=6, types=4, hours=1, level=60, reserved_gbps=10, seed=20270), False, 0),
    ],
    ids=["one region sends more", "to two partners", "nearly all fits", "offers have gaps"],
)
def test_what_whole_instances_hold_of_a_domain_is_shared_as_its_regions_need_it(
    recipe: Recipe, links: bool, most: int
) -> None:
    fleet = world.with_quotas(world.fleet(recipe))
    fleet = world.with_link_quotas(fleet) if links else world.with_gaps_in_the_offer(fleet)
    fleet = replace(fleet, fall=fleet.domain)
    problem = problem_of(fleet)
    if most:
        problem = replace(problem, partners=np.full(fleet.regions, most))
    found = solve_fleet(problem, Effort(passes=5, turns=1, threads=1, exact=False))
    assert checked_fleet(problem, found) is found
    assert judge(fleet, solution_of(found)).violations == ()
