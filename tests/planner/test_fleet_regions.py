"""Regions' programmes asked again and again: types that come and go, the same question, whole commitments."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from planner.fleet import Effort, solve_fleet
from planner.fleet.check import checked_fleet
from planner.fleet.problem import FleetProblem, Ints
from planner.fleet.region import RegionProgram
from planner.fleet.relaxed import Relaxation
from planner.fleet.rows import start_program
from planner.fleet.warm import carry_over
from tests.planner import fleet_world
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe

PROBLEM = problem_of(fleet_world.fleet(Recipe(regions=4, types=24, hours=8, level=400, accelerated=3, seed=5)))
EVERY = np.arange(24)


def limited(problem: FleetProblem) -> FleetProblem:
    """Every third type in stock of a few, and quotas that do not matter: rows that come and go with types."""
    stock = np.where(np.arange(24) % 3 == 0, 40.0, np.inf)
    return replace(problem, stock=np.broadcast_to(stock, problem.stock.shape), quota=np.full((4, 4), 1e7))


def used(problem: FleetProblem) -> Ints:
    """Types that region 0 buys of all there are, and one that it does not."""
    bought = RegionProgram(problem, 0, EVERY).solve(problem.critical[0]).bought.any(0)
    return np.sort(np.append(np.flatnonzero(bought), np.flatnonzero(~bought)[:1]))


@pytest.mark.parametrize("problem", [PROBLEM, limited(PROBLEM)], ids=["unlimited", "stock and quotas"])
@pytest.mark.parametrize("way", [1, -1], ids=["come", "go"])
def test_types_that_are_of_no_use_come_and_go_without_a_pivot(problem: FleetProblem, way: int) -> None:
    before, now = (used(problem), EVERY)[::way]
    old, on, fresh = (start_program(problem, 0, types) for types in (before, now, now))
    old.run()
    carry_over(old, on, problem, 0, (before, now))
    for program in (on, fresh):
        program.run()
    assert on.getObjectiveValue() == pytest.approx(fresh.getObjectiveValue(), rel=1e-9)
    assert on.getInfo().simplex_iteration_count == 0 < fresh.getInfo().simplex_iteration_count


def test_the_same_question_is_answered_once_and_adds_no_cut() -> None:
    relaxation, even = Relaxation.start(PROBLEM), np.full(2 * len(PROBLEM.pairs), 1 / 3)
    with ThreadPoolExecutor(1) as pool:
        first = relaxation.ask(even, pool)
        cuts = len(relaxation.shares.cuts)
        again = relaxation.ask(even, pool)
        assert all(one is other for one, other in zip(first, again, strict=True))
        assert len(relaxation.shares.cuts) == cuts == PROBLEM.regions
        relaxation.ask(even / 2, pool)
        assert len(relaxation.shares.cuts) > cuts


def alike(regions: int, tight: int) -> FleetProblem:
    """Regions that need the same; some have room for less than half of what another might bring."""
    demand = np.tile(np.array([64.0, 128.0, 0.0, 0.0])[:, None], (regions, 1, 1))
    price = np.tile([1.0, 2.0, 4.0], (regions, 1))
    pairs = np.array(list(combinations(range(regions), 2)))
    quota = np.full((regions, 4), np.inf)
    quota[:tight, 0] = 64 + 28
    return FleetProblem(
        gives=np.array([[8.0, 32.0, 0.0, 10.0], [16.0, 64.0, 0.0, 10.0], [32.0, 128.0, 0.0, 10.0]]),
        on_demand_usd=price,
        spot_usd=0.4 * price,
        committed_usd=0.6 * price,
        loss=np.full(3, 0.2),
        demand=demand,
        critical=demand,
        stock=np.full((regions, 3), np.inf),
        pairs=pairs,
        pair_links=np.arange(len(pairs)),
        gbps=np.zeros(len(pairs)),
        replication_gbps=np.zeros(regions),
        tier_gbps=np.array([1.0, 10.0]),
        tier_usd=np.tile([0.1, 0.8], (len(pairs), 1)),
        spot_share=np.full(regions, 0.3),
        quota=quota,
    )


def test_as_much_for_another_loss_is_a_cut_of_its_own() -> None:
    problem = alike(4, 1)
    relaxation = Relaxation.start(problem)
    into = relaxation.arcs.into[0]
    with ThreadPoolExecutor(1) as pool:
        for arc in into:
            shares = np.zeros(2 * len(problem.pairs))
            shares[arc] = 0.5
            relaxation.ask(shares, pool, regions=[0])
    slopes = np.stack([cut.slopes for cut in relaxation.shares.cuts])
    assert np.array_equal(slopes > 0, np.eye(len(into), dtype=bool))


@pytest.mark.parametrize("regions", [6, 8])
def test_regions_that_are_alike_and_have_little_room_are_backed_up(regions: int) -> None:
    problem = alike(regions, 3)
    checked_fleet(problem, solve_fleet(problem, Effort(exact=False)))


def test_what_is_committed_is_whole_and_the_programme_as_before_where_it_is_asked_again() -> None:
    program, held = RegionProgram(PROBLEM, 0, EVERY), 1.2 * PROBLEM.critical[0]
    relaxed = program.solve(held).usd
    whole = program.commit(held)
    assert np.allclose(whole.committed, np.round(whole.committed), atol=1e-5)
    assert whole.committed.any() and whole.usd >= relaxed - 1e-6
    assert program.solve(1.001 * held).usd == pytest.approx(RegionProgram(PROBLEM, 0, EVERY).solve(1.001 * held).usd)
