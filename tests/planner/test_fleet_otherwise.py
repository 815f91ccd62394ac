"""What a region would have if a change were not made: it holds, costs what is told, and leaves the change out."""

from dataclasses import replace

import numpy as np

from contracts.failover import FailoverSettings, Reserve
from contracts.resources import Purpose, ResourceKind
from planner.explain import explain, next_best
from planner.fleet.again import fleet_usd, region_usd
from planner.fleet.check import checked_fleet
from planner.fleet.otherwise import WAYS, Otherwise, dearest_changes, otherwise
from planner.fleet.problem import FleetProblem, FleetSolution, Ints
from tests.planner.fleet_planned import problem_of
from tests.planner.test_fleet_again import each_region, standing, times, world
from tests.planner.worlds import WORLD, people, plan_of


def nothing(problem: FleetProblem) -> FleetSolution:
    """What stands where nothing does."""
    found = standing().solution
    return replace(found, **{name: np.zeros_like(getattr(found, name)) for name in WAYS})


def with_that(after: FleetSolution, found: Otherwise, row: int, region: int) -> FleetSolution:
    """The fleet with what one of its regions would have instead."""
    types, half = found.types[row], found.types.shape[1]
    parts = {name: getattr(after, name).copy() for name in WAYS}
    by_hour = found.by_hour[row].T
    for name, counts in zip(WAYS, (found.committed[row], by_hour[:half], by_hour[half:]), strict=True):
        parts[name][region] = 0
        parts[name][region, types] = counts
    return replace(after, **parts)


def check(problem: FleetProblem, before: FleetSolution, after: FleetSolution) -> Ints:
    """Every one that is told holds, costs so much, and has as many of what it leaves as there were."""
    which = dearest_changes(problem, before, after, 40)
    found = otherwise(problem, before, after, which)
    for row, (region, kind, way) in enumerate(which.tolist()):
        old, new = (getattr(one, WAYS[way])[region, kind] for one in (before, after))
        assert not np.array_equal(old, new) and new.any()
        if found.holds[row]:
            other = with_that(after, found, row, region)
            assert np.array_equal(getattr(other, WAYS[way])[region, kind], old)
            usd = fleet_usd(problem, other)
            checked_fleet(problem, replace(other, usd=usd, bound=0.0))
            assert abs(region_usd(problem, other)[region] - found.usd[row]) < 1e-6
    return which[found.holds]


def test_what_is_told_instead_of_a_change_holds_and_leaves_it_out() -> None:
    problem = problem_of(times(each_region(world()), 1.05))
    held = check(problem, standing().solution, standing().near(problem))
    assert len(held) >= 30 and len(np.unique(held[:, 2])) == 3


def test_where_nothing_stood_it_is_what_else_there_is() -> None:
    problem = standing().problem
    held = check(problem, nothing(problem), standing().solution)
    assert len(held) >= 30 and 0 in held[:, 2]


def test_the_dearest_changes_come_first_and_the_same_ones_always() -> None:
    problem = problem_of(each_region(world()))
    after = standing().near(problem)
    every = dearest_changes(problem, standing().solution, after, 1000)
    assert len(np.unique(every, axis=0)) == len(every) > 20
    assert np.array_equal(dearest_changes(problem, standing().solution, after, 7), every[:7])
    assert not len(dearest_changes(problem, after, after, 7))


def test_nothing_is_told_where_nothing_else_would_do() -> None:
    problem, after = standing().problem, standing().solution
    used = (after.committed[:, :, None] + after.on_demand + after.spot).max(2).astype(float)
    held = check(replace(problem, stock=used), nothing(problem), after)  # nothing more is to be had of any type
    assert len(held) < 40


def test_a_first_plan_tells_the_next_best_of_its_instances_and_of_its_circuits() -> None:
    shared = FailoverSettings(reserve=Reserve.SHARED, max_latency_ms=200, critical_share=0.0)
    plan = plan_of(people(WORLD, failover=shared))
    kinds = (ResourceKind.COMPUTE, ResourceKind.CIRCUIT)
    served = [item for item in plan.resources if item.resource.purpose is Purpose.SERVING]
    for kind in kinds:
        found = [next_best(item.reason) for item in served if item.resource.kind is kind]
        assert sum(best is not None for best in found) > len(found) / 2, kind
    key = "ams--mad/circuit/serving/1g"  # four of 1 Gbps for 3.4
    assert "  next best: 1 x 10g, 1.5 USD/h, +0.5 against what was chosen" in explain(plan, key).lines()
