"""The fleet's parts, each against what is plain: circuits by trying all, hulls by drawing points, and the bound by
breaking its proof; the same bytes however it runs."""

import inspect
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import product
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.fleet import Effort, FleetProblem, FleetSolution, bound, solve_fleet
from planner.fleet.circuits import circuits_for, circuits_usd
from planner.fleet.hulls import hulls_of
from planner.fleet.problem import NOT_OFFERED, Floats
from planner.fleet.relaxed import Relaxation, relax
from planner.fleet.shares import Cut
from tests.planner import fleet_world
from tests.planner.fleet_arrays import Fleet
from tests.planner.fleet_oracle import optimum
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe

PRICES = st.one_of(st.sampled_from([0.0, 1.0, 2.5, 10.0, 40.0]), st.floats(0.01, 100))


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Sizes that divide one another, and any prices: of larger ones lower, dearer, or not offered."""
    gbps = [float(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(0, 2))):
        gbps.append(gbps[-1] * draw(st.integers(2, 5)))
    usd = [draw(st.one_of(PRICES, st.just(NOT_OFFERED))) for _ in gbps]
    return np.array(gbps), np.array(usd)


@settings(max_examples=150, deadline=None)
@given(tiers(), st.floats(0, 60))
def test_circuits_are_the_cheapest_of_all_that_carry_it(sold: tuple[Floats, Floats], gbps: float) -> None:
    sizes, usd = sold
    counts = circuits_for(np.array(gbps), sizes, usd)
    assert (counts >= 0).all() and counts @ sizes >= gbps - 1e-6
    enough = [range(int(np.ceil(gbps / size)) + 1) for size in sizes]
    tried = np.array(list(product(*enough)))
    least = (tried[tried @ sizes >= gbps - 1e-9] @ usd).min()
    assert counts @ usd <= least * (1 + 1e-9) + 1e-9


def test_nothing_is_carried_by_no_circuit_though_circuits_be_free() -> None:
    sizes, usd = np.array([1.0, 10.0, 100.0]), np.zeros(3)
    assert not circuits_for(np.array([0.0, -3.0]), sizes, usd).any()


@settings(max_examples=60, deadline=None)
@given(
    tiers(),
    st.floats(0, 30),
    st.tuples(st.floats(0, 25), st.floats(0, 25)),
    st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=20),
)
@example((np.array([1.0]), np.array([1.0])), 0.0, (1e-6, 0.0), [(0.1, 0.0)])  # less than what is let pass
def test_hulls_lie_below_what_circuits_cost(
    sold: tuple[Floats, Floats], reserved: float, each: tuple[float, float], shares: list[tuple[float, float]]
) -> None:
    sizes, usd = sold
    problem = replace(
        fleet(),
        gbps=np.array([reserved]),
        replication_gbps=np.array(each),
        pairs=np.array([[0, 1]]),
        pair_links=np.array([0]),
        tier_gbps=sizes,
        tier_usd=usd[None],
    )
    grid = [(x, y) for x in (0.0, 0.1, 0.5) for y in (0.0, 0.25, 0.5)]
    hulls = hulls_of(problem)
    for here, there in (*shares, *grid):
        carried = np.array([reserved + here * each[0] + there * each[1], reserved])
        with_it, without = circuits_usd(carried, sizes, np.stack([usd, usd]))
        below = hulls.highest(np.array([here, there]), 1)
        assert below[0] <= with_it - without + 1e-9 * (1 + with_it)


@cache
def fleet() -> FleetProblem:
    return problem_of(fleet_world.with_gaps_in_the_offer(fleet_world.fleet(Recipe(regions=3, hours=2, level=30))))


# The bound: it holds at any prices, and each part of its proof, left out or done wrong, lifts it above the cheapest
# fleet of one of these problems at least.

MANY = Recipe(regions=3, types=4, hours=1, level=10_000, accelerated=0, reserved_gbps=3000)
FOUR = Recipe(regions=4, types=3, hours=1, level=5_000, accelerated=0, reserved_gbps=3000)
HOURS = Recipe(regions=4, types=4, hours=2, level=3_000, accelerated=0, reserved_gbps=0.5, seed=1)
PROBLEMS = [(recipe, dear) for recipe in (MANY, FOUR, HOURS) for dear in (False, True)]
FACTORS = ((1.0, 1.0), (1.5, 1.0), (1.0, 10.0))
"""All prices by the first, weights of cuts and hulls by the second: the bound may fall by it, and must hold."""

BROKEN = {
    "what types would earn": ("alone += unbought(problem, prices, useful).sum(1)", "pass"),
    "how many are of use": ("unbought(problem, prices, useful)", "unbought(problem, prices, 0.1 * useful)"),
    "what spot may not exceed": ("alone -= (problem.spot_share", "alone += 0 * (problem.spot_share"),
    "critical load": ("(prices.firm * problem.critical", "(2 * prices.firm * problem.critical"),
    "what a share costs": ("slopes = (certificate.claims", "slopes = (2 * certificate.claims"),
    "weights of hulls sum to one": (
        "weights.hulls / np.maximum(total[hulls.pair], float(hours))",
        "weights.hulls / float(hours)",
    ),
    "constants of hulls": ("np.add.at(floors, hulls.pair, part * hulls.constants)", "pass"),
    "the cheapest two partners": ("[:2].sum()", "[-2:].sum()"),
    "half of a region each": ("MOST_SHARE * float", "2 * MOST_SHARE * float"),
    "circuits are paid once an hour": ("+ problem.hours * circuits", "+ 2 * problem.hours * circuits"),
}


@cache
def small(recipe: Recipe, dear: bool) -> Fleet:
    """A problem of the oracle's size; a dear one is all about circuits for replication."""
    found = fleet_world.fleet(recipe)
    more = replace(found, replication_gbps=found.replication_gbps * 3, tier_usd=found.tier_usd * 20)
    return more if dear else found


@cache
def relaxed(recipe: Recipe, dear: bool) -> Relaxation:
    relaxation = Relaxation.start(problem_of(small(recipe, dear)))
    with ThreadPoolExecutor(1) as pool:
        relax(relaxation, 12, pool)
    relaxation.shares.solve()
    return relaxation


@cache
def least_usd(recipe: Recipe, dear: bool) -> float:
    return optimum(small(recipe, dear)).usd


def bound_by(source: str) -> ModuleType:
    """The bound's module with another source."""
    module = ModuleType("bound_of_this_source")
    exec(compile(source, "bound.py", "exec"), module.__dict__)
    return module


def highest(module: ModuleType) -> float:
    """The most that a bound reaches at any problem and prices, as a part of the cheapest fleet's cost."""
    found = [0.0]
    for which in PROBLEMS:
        relaxation = relaxed(*which)
        known, weights = relaxation.shares, relaxation.shares.weights()
        for prices, more in FACTORS:
            cuts = [times(cut, prices) for cut in known.cuts]
            heavier = replace(weights, cuts=more * weights.cuts, hulls=more * weights.hulls)
            problem, arcs = relaxation.problem, relaxation.arcs
            certificate = module.certificate_of(problem, arcs, (cuts, known.hulls), heavier)
            usd = module.certified_usd(problem, arcs, certificate, relaxation.useful)
            found.append(usd / least_usd(*which))
    return max(found)


def times(cut: Cut, factor: float) -> Cut:
    return replace(
        cut,
        slopes=factor * cut.slopes,
        served=factor * cut.served,
        firm=factor * cut.firm,
        spot=factor * cut.spot,
    )


def test_the_bound_holds_at_any_prices() -> None:
    assert 0.97 < highest(bound) <= 1 + 1e-7


@pytest.mark.parametrize("part", BROKEN)
def test_a_broken_part_of_the_proof_is_noticed(part: str) -> None:
    right, wrong = BROKEN[part]
    source = inspect.getsource(bound)
    assert source.count(right) == 1
    assert highest(bound_by(source.replace(right, wrong))) > 1 + 1e-4


# The same bytes, however it runs.


@cache
def solved() -> FleetSolution:
    return solve_fleet(fleet())


def test_threads_are_no_part_of_the_answer() -> None:
    problem = problem_of(fleet_world.fleet(Recipe(regions=4, types=5, hours=2, level=200, seed=6)))
    assert solve_fleet(problem, Effort(threads=1)).to_bytes() == solve_fleet(problem, Effort(threads=2)).to_bytes()


@pytest.mark.parametrize("seed", ["1", "77"])
def test_another_process_says_the_same(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "planner.fleet"]
    child = subprocess.run(command, input=fleet().to_bytes(), capture_output=True, env=environment, check=True)
    assert child.stdout == solved().to_bytes()
