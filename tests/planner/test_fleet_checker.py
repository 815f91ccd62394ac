"""The checker of fleet plans notices what is wrong: each limit is broken in turn, on plans known to be right."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.planner import fleet_world as world
from tests.planner.fleet_arrays import Fleet, Floats, Solution, usd
from tests.planner.fleet_checker import Limit, each_lost, judge, lost
from tests.planner.fleet_oracle import Exact, NoPlan, optimum, relaxation
from tests.planner.fleet_world import Recipe

Broken = Callable[[Fleet, Solution], Solution]


@pytest.fixture(scope="module")
def problem() -> Fleet:
    return world.fleet(Recipe(regions=4, types=6, hours=2, level=30, seed=1))


@pytest.fixture(scope="module")
def best(problem: Fleet) -> Exact:
    return optimum(problem)


def test_the_cheapest_plan_is_found_right(problem: Fleet, best: Exact) -> None:
    verdict = judge(problem, replace(best.solution, bound=best.bound))
    assert verdict.violations == ()
    assert verdict.usd == pytest.approx(best.usd, rel=1e-9)
    assert verdict.gap == pytest.approx(0, abs=1e-6)
    assert each_lost(problem, best.solution) == []
    assert relaxation(problem) < best.usd


def test_a_problem_is_read_back_as_it_was_written(problem: Fleet) -> None:
    again = Fleet.read(problem.arrays())
    assert all(np.array_equal(again.arrays()[name], array) for name, array in problem.arrays().items())
    assert sorted(problem.arrays()) == sorted(
        ["A", "PO", "PS", "PC", "q", "D", "C", "avail", "cand", "E", "bw", "repl", "domain", "tierG", "tierP", "sigma"]
    )


def test_cost_is_the_sum_of_its_parts(problem: Fleet, best: Exact) -> None:
    plan = best.solution
    nothing = replace(
        plan, committed=plan.committed * 0, on_demand=plan.on_demand * 0, spot=plan.spot * 0, circuits=plan.circuits * 0
    )
    assert usd(problem, nothing) == 0
    region, kind, hour = 2, 3, 1
    one = _with(nothing, "committed", (region, kind), 1.0)
    assert usd(problem, one) == pytest.approx(problem.hours * problem.committed_usd[region, kind])
    one = _with(nothing, "on_demand", (region, kind, hour), 1.0)
    assert usd(problem, one) == pytest.approx(problem.on_demand_usd[region, kind])
    one = _with(nothing, "spot", (region, kind, hour), 1.0)
    assert usd(problem, one) == pytest.approx(problem.spot_usd[region, kind] * (1 + problem.loss[kind] / 2))
    one = _with(nothing, "circuits", (4, 1), 1.0)
    assert usd(problem, one) == pytest.approx(problem.hours * problem.tier_usd[4, 1])


def _counts(solution: Solution) -> list[tuple[str, Floats]]:
    return [(name, getattr(solution, name)) for name in ("committed", "on_demand", "spot", "circuits")]


def _with(solution: Solution, name: str, at: tuple[int, ...], more: float) -> Solution:
    array = getattr(solution, name).copy()
    array[at] += more
    return replace(solution, **{name: array})


def _used(array: Floats) -> tuple[int, ...]:
    return tuple(int(part) for part in np.argwhere(array > 0)[0])


def half_a_machine(_: Fleet, plan: Solution) -> Solution:
    return _with(plan, "committed", (0, 0), 0.5)


def fewer_than_none(_: Fleet, plan: Solution) -> Solution:
    return _with(plan, "spot", (0, 1, 0), -1 - plan.spot[0, 1, 0])


def less_than_wanted(_: Fleet, plan: Solution) -> Solution:
    return replace(plan, committed=plan.committed * 0, on_demand=plan.on_demand * 0)


def spot_taken_for_sure(problem: Fleet, _: Solution) -> Solution:
    """As if no spot were ever taken away: too little of it where it is."""
    return optimum(world.with_sure_spot(problem)).solution


def a_machine_too_few(_: Fleet, plan: Solution) -> Solution:
    return _with(plan, "committed", _used(plan.committed), -1)


def all_of_it_spot(_: Fleet, plan: Solution) -> Solution:
    moved = plan.committed[:, :, None] + plan.on_demand
    return replace(plan, committed=plan.committed * 0, on_demand=plan.on_demand * 0, spot=plan.spot + np.ceil(moved))


def others_load_unreckoned(problem: Fleet, plan: Solution) -> Solution:
    """Enough for everyone's own load, nothing beyond it."""
    own = replace(problem, critical=problem.critical * np.array([1.0, 1e-6, 1e-6, 1e-6])[:, None, None])
    kept = optimum(own).solution
    return replace(kept, share=plan.share, circuits=plan.circuits)


def share_above_half(_: Fleet, plan: Solution) -> Solution:
    return replace(plan, share=np.where(plan.share > 0.4, 0.6, plan.share))


def share_below_nothing(_: Fleet, plan: Solution) -> Solution:
    return _with(plan, "share", (0, 0), -0.01 - plan.share[0, 0])


def covered_in_part(_: Fleet, plan: Solution) -> Solution:
    return replace(plan, share=plan.share * 0.999)


def covered_twice(_: Fleet, plan: Solution) -> Solution:
    return replace(plan, share=np.full_like(plan.share, 0.5))


def spot_beyond_its_share(problem: Fleet, plan: Solution) -> Solution:
    return _with(plan, "spot", (0, 0, 0), np.ceil(problem.demand[0, 0, 0] / problem.size[0, 0]))


def more_than_in_stock(problem: Fleet, plan: Solution) -> Solution:
    region, kind = np.argwhere(np.isfinite(problem.stock))[0]
    return _with(plan, "committed", (int(region), int(kind)), float(problem.stock[region, kind]) + 1)


def no_circuit_for_a_pair(problem: Fleet, plan: Solution) -> Solution:
    row = int(np.argmax(problem.reserved_gbps))
    return replace(plan, circuits=np.where(np.arange(len(problem.pairs))[:, None] == row, 0, plan.circuits))


def replication_unreckoned(problem: Fleet, plan: Solution) -> Solution:
    wanted = np.ceil(problem.reserved_gbps)
    return replace(plan, circuits=np.stack([wanted, wanted * 0, wanted * 0], axis=1))


def bound_above_the_cost(problem: Fleet, plan: Solution) -> Solution:
    return replace(plan, bound=usd(problem, plan) * 1.001)


def bound_of_no_number(_: Fleet, plan: Solution) -> Solution:
    return replace(plan, bound=float("nan"))


def of_another_problem(_: Fleet, plan: Solution) -> Solution:
    return replace(plan, share=plan.share[:-1])


def not_finite(_: Fleet, plan: Solution) -> Solution:
    return _with(plan, "on_demand", (0, 0, 0), float("nan"))


@pytest.mark.parametrize(
    ("break_it", "limit"),
    [
        (half_a_machine, Limit.WHOLE),
        (fewer_than_none, Limit.WHOLE),
        (less_than_wanted, Limit.DEMAND),
        (spot_taken_for_sure, Limit.DEMAND),
        (a_machine_too_few, Limit.FAILOVER),
        (all_of_it_spot, Limit.CRITICAL),
        (others_load_unreckoned, Limit.FAILOVER),
        (share_above_half, Limit.SHARE),
        (share_below_nothing, Limit.SHARE),
        (covered_in_part, Limit.COVERED),
        (covered_twice, Limit.COVERED),
        (spot_beyond_its_share, Limit.SPOT),
        (more_than_in_stock, Limit.STOCK),
        (no_circuit_for_a_pair, Limit.CIRCUITS),
        (replication_unreckoned, Limit.CIRCUITS),
        (bound_above_the_cost, Limit.BOUND),
        (bound_of_no_number, Limit.BOUND),
        (of_another_problem, Limit.SHAPE),
        (not_finite, Limit.SHAPE),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_what_is_broken_is_noticed(problem: Fleet, best: Exact, break_it: Broken, limit: Limit) -> None:
    verdict = judge(problem, break_it(problem, best.solution))
    assert limit in verdict.broken(), [str(violation) for violation in verdict.violations]
    assert all(str(violation) for violation in verdict.violations)


def test_a_violation_says_where(problem: Fleet, best: Exact) -> None:
    said = [str(item) for item in judge(problem, more_than_in_stock(problem, best.solution)).violations]
    region, kind = np.argwhere(np.isfinite(problem.stock))[0]
    assert any(line.startswith("stock:") and f"region {region}, type {kind}, hour" in line for line in said)


def test_a_millionth_is_forgiven_and_no_more(problem: Fleet, best: Exact) -> None:
    def asked_for(factor: float) -> set[Limit]:
        own = replace(best.solution, share=best.solution.share * factor)
        return judge(problem, own).broken()

    assert Limit.COVERED not in asked_for(1 - 0.9e-6)
    assert Limit.COVERED in asked_for(1 - 1.1e-6)


def test_the_simulator_sees_a_plan_without_room_for_others(problem: Fleet, best: Exact) -> None:
    misses = each_lost(problem, others_load_unreckoned(problem, best.solution))
    assert misses
    assert all(miss.lost and miss.where.startswith("region") and miss.amount > 0 for miss in misses)


def test_the_simulator_sees_load_sent_to_nobody(problem: Fleet, best: Exact) -> None:
    misses = each_lost(problem, covered_in_part(problem, best.solution))
    assert {miss.where for miss in misses} == {"nobody"}
    assert {miss.lost for miss in misses} == {(region,) for region in range(problem.regions)}


def test_the_simulator_does_not_count_spot(problem: Fleet, best: Exact) -> None:
    assert each_lost(problem, all_of_it_spot(problem, best.solution))


def test_two_losses_at_once_are_more_than_was_paid_for(problem: Fleet, best: Exact) -> None:
    assert any(lost(problem, best.solution, (0, region)) for region in range(1, problem.regions))


def test_no_loss_leaves_everyone_at_home(problem: Fleet, best: Exact) -> None:
    assert lost(problem, best.solution, ()) == []


@pytest.mark.parametrize("impossible", [world.with_one_partner, world.sold_out])
def test_the_oracle_says_that_there_is_no_plan(problem: Fleet, impossible: Callable[[Fleet], Fleet]) -> None:
    with pytest.raises(NoPlan):
        optimum(impossible(problem))
    with pytest.raises(NoPlan):
        relaxation(impossible(problem))


def test_the_oracle_beats_every_plan_that_differs_a_little(problem: Fleet, best: Exact) -> None:
    """Taking any single machine or circuit away breaks something: nothing in the cheapest plan is idle."""
    for name, array in _counts(best.solution):
        for at in np.argwhere(array > 0):
            less = _with(best.solution, name, tuple(int(part) for part in at), -1)
            assert judge(problem, less).violations, (name, at)


def test_the_oracle_agrees_with_trying_everything() -> None:
    """One type, one hour, three regions, halves shared by force: the counts can be tried by hand."""
    base = world.without_bandwidth(world.fleet(Recipe(regions=3, types=2, hours=1, seed=5, choices=2)))
    tiny = world.without_accelerators(
        replace(base, spot_share=0.0, stock=np.where(np.arange(2) == 0, np.inf, 0.0) * np.ones((3, 1)))
    )
    own, critical, size = tiny.demand[:, :, 0], tiny.critical[:, :, 0], tiny.size[0]
    cost = 0.0
    for region in range(3):
        others = [critical[region] + critical[other] / 2 for other in range(3) if other != region]
        wanted = np.max([own[region], *others], axis=0)[[0, 1, 3]]
        cost += np.ceil((wanted / size[[0, 1, 3]]).max() - 1e-9) * tiny.committed_usd[region, 0]
    gbps = tiny.circuits_gbps(np.full_like(tiny.partners, 0.5, dtype=float))
    tier = tiny.tier_gbps
    for wanted_gbps, prices in zip(gbps, tiny.tier_usd, strict=True):
        tries = [(i, j, k) for i in range(11) for j in range(11) for k in range(3)]
        cost += min(np.dot(n, prices) for n in tries if np.dot(n, tier) >= wanted_gbps - 1e-9)
    assert optimum(tiny).usd == pytest.approx(cost, rel=1e-9)


ODD = (*world.ODD, lambda problem: world.scaled(problem, 1e-3))


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
def test_odd_worlds_have_a_cheapest_plan_too(odd: Callable[[Fleet], Fleet]) -> None:
    problem = odd(world.fleet(Recipe(regions=3, types=4, hours=2, level=30, seed=2)))
    exact = optimum(problem)
    assert judge(problem, exact.solution).violations == ()
    assert each_lost(problem, exact.solution) == []
    assert relaxation(problem) <= exact.usd * (1 + 1e-9)


def test_a_world_a_million_times_as_large_can_be_met() -> None:
    problem = world.scaled(world.fleet(Recipe(regions=3, types=4, hours=2, seed=2)), 1e6)
    assert relaxation(problem) > 1e4
