"""The peers that fleet plans are measured against are sound: their plans hold, their bounds are bounds."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from benchmarks.plan_baselines import costs, judged, padded, ratios
from benchmarks.plan_circuits import Circuits
from benchmarks.plan_first_fit import Uncoverable, first_fit
from benchmarks.plan_partners import NoPartners, Partners
from benchmarks.plan_region_lp import NoValue, least, region_of
from benchmarks.plan_variants import machines, matched, no_failover
from tests.planner import fleet_world as world
from tests.planner.fleet_arrays import Fleet, Solution
from tests.planner.fleet_checker import each_lost, judge
from tests.planner.fleet_oracle import optimum, relaxation
from tests.planner.fleet_world import Recipe

SMALL = [
    Recipe(regions=3, types=4, hours=2, level=30, seed=0),
    Recipe(regions=4, types=6, hours=2, level=30, seed=1),
    Recipe(regions=3, types=8, hours=1, level=100, seed=2),
    Recipe(regions=3, types=2, hours=1, level=100, seed=2),
    Recipe(regions=3, types=4, hours=1, level=10_000, seed=1, accelerated=0, reserved_gbps=3000),
]


@pytest.mark.parametrize("recipe", SMALL, ids=str)
def test_first_fit_holds_and_is_not_below_the_cheapest(recipe: Recipe) -> None:
    fleet = world.fleet(recipe)
    solution = Solution.read(first_fit(fleet.arrays()))
    verdict = judge(fleet, solution)
    assert verdict.violations == ()
    assert each_lost(fleet, solution) == []
    assert optimum(fleet).usd <= verdict.usd * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_first_fit_is_a_decent_peer(seed: int) -> None:
    """Within a third of the relaxation where whole machines and circuits matter little."""
    fleet = world.fleet(Recipe(regions=12, types=24, hours=8, level=2000, seed=seed, reserved_gbps=200))
    verdict = judge(fleet, Solution.read(first_fit(fleet.arrays())))
    assert verdict.violations == ()
    assert relaxation(fleet) <= verdict.usd <= 1.33 * relaxation(fleet)


@pytest.mark.parametrize("odd", world.ODD, ids=lambda odd: odd.__name__)
def test_first_fit_holds_in_odd_worlds(odd: Callable[[Fleet], Fleet]) -> None:
    fleet = odd(world.fleet(Recipe(regions=5, types=9, hours=4, seed=3)))
    solution = Solution.read(first_fit(fleet.arrays()))
    assert judge(fleet, solution).violations == ()
    assert each_lost(fleet, solution) == []


@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_first_fit_holds_whatever_the_scale(factor: float) -> None:
    fleet = world.scaled(world.fleet(Recipe(regions=5, types=9, hours=4, seed=3)), factor)
    assert judge(fleet, Solution.read(first_fit(fleet.arrays()))).violations == ()


def test_same_problem_same_plan() -> None:
    fleet = world.fleet(Recipe(regions=6, types=12, hours=4, seed=8))
    one, again = first_fit(fleet.arrays()), first_fit(fleet.arrays())
    assert all(np.array_equal(one[name], again[name]) for name in one)


def test_what_cannot_be_planned_is_said() -> None:
    fleet = world.fleet(Recipe(regions=4, types=6, hours=2, seed=1))
    with pytest.raises(NoPartners, match="region 2 has 1 possible partners"):
        first_fit(world.with_one_partner(fleet, 2).arrays())
    with pytest.raises(Uncoverable, match="region 3"):
        first_fit(world.sold_out(fleet, 3).arrays())
    empty = world.sold_out(fleet, 3)
    with pytest.raises(NoValue):
        least(region_of(empty.arrays(), 3, empty.critical[3]))


@pytest.mark.parametrize("usd", [(0.5, 2.6, 14.0), (0.5, 6.0, 14.0), (0.5, 2.6, 40.0), (1.0, 10.0, 100.0)])
def test_circuits_are_the_cheapest_of_all(usd: tuple[float, float, float]) -> None:
    """Against every combination, with prices where larger circuits do not pay, too."""
    wanted = np.array([0.0, 0.2, 1.0, 4.5, 5.3, 9.1, 10.0, 14.9, 55.2, 99.01, 100.0, 104.0, 199.5, 250.0])
    fleet = world.fleet(Recipe(regions=3, types=2, hours=3))
    fleet = replace(
        fleet,
        pairs=np.array([[at, at + 1] for at in range(len(wanted))]),
        reserved_gbps=wanted,
        tier_usd=np.tile(np.array(usd), (len(wanted), 1)),
    )
    links = Circuits(fleet.arrays())
    counts = np.array(list(product(range(260), range(27), range(4))))
    brought, cost = counts @ np.array([1.0, 10.0, 100.0]), counts @ np.array(usd)
    best = np.array([cost[brought >= gbps - 1e-9].min() for gbps in wanted])
    chosen = links.cheapest(wanted)
    assert (chosen @ fleet.tier_gbps >= wanted - 1e-6).all()
    assert chosen @ np.array(usd) == pytest.approx(best)
    assert [links.usd(row, gbps) for row, gbps in enumerate(wanted)] == pytest.approx(3 * best)


@pytest.mark.parametrize("seed", range(3))
def test_regions_relaxations_add_up_to_the_whole(seed: int) -> None:
    """Of three regions each has two partners, for halves: the oracle in one piece has no choice of shares either."""
    fleet = world.fleet(Recipe(regions=3, types=40, hours=4, seed=seed, level=400))
    fleet = replace(world.without_bandwidth(fleet), replication_gbps=np.zeros(3))
    partners = Partners(fleet.arrays())
    assert machines(fleet.arrays(), partners.firm(partners.evenly(2))).sum() == pytest.approx(relaxation(fleet))


def test_no_failover_is_below_every_plan() -> None:
    fleet = world.fleet(Recipe(regions=4, types=6, hours=2, level=30, seed=1))
    bound = no_failover(fleet.arrays())
    assert bound.machines_usd + bound.circuits_usd <= optimum(fleet).usd


def test_what_is_not_offered_is_left_out_of_the_bound() -> None:
    fleet = world.with_gaps_in_the_offer(world.fleet(Recipe(regions=3, types=40, hours=4, seed=0, level=400)))
    fleet = replace(world.without_bandwidth(fleet), replication_gbps=np.zeros(3))
    partners = Partners(fleet.arrays())
    assert machines(fleet.arrays(), partners.firm(partners.evenly(2))).sum() == pytest.approx(relaxation(fleet))


def test_pairs_are_matched_one_to_one() -> None:
    fleet = world.fleet(Recipe(regions=9, types=6, hours=2, seed=4))
    partners = Partners(fleet.arrays())
    share = matched(partners)
    given = np.bincount(partners.lost, weights=share, minlength=9)
    assert (given == 1).all()
    assert set(np.unique(share)) == {0.0, 1.0}
    mutual = share[: len(share) // 2] * share[len(share) // 2 :]
    assert mutual.sum() == 4  # nine regions: four pairs, one left over


def test_ratios_are_of_what_was_asked() -> None:
    fleet = world.fleet(Recipe(regions=4, types=6, hours=2, level=30, seed=1))
    found, plan = costs(fleet.arrays(), ("first_fit", "padded", "no_failover", "one_to_one"))
    exact = optimum(fleet)
    ours = replace(exact.solution, bound=exact.bound)
    found["ours"] = judged(fleet.arrays(), ours.arrays())
    said = ratios(found)
    assert said["ours_below_first_fit"] == pytest.approx(1 - exact.usd / found["first_fit"].usd)
    assert said["ours_below_padded"] > said["ours_below_first_fit"]
    assert said["ours_over_no_failover"] > 0
    assert found["first_fit"].usd == pytest.approx(judge(fleet, Solution.read(plan)).usd)
    assert not any(cost.violations or cost.uncarried for cost in found.values())
    assert padded(fleet.arrays())["D"] == pytest.approx(1.3 * fleet.demand)
