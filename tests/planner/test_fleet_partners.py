"""No more partners for a region than people want: in fleets, in fleets planned again, in plans."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.clash import LimitKind
from contracts.failover import FailoverSettings, Reserve
from contracts.plan import Plan
from contracts.resources import FailoverSpec
from planner.errors import InputsDisagree, SolverLied
from planner.fleet import Effort, FleetProblem, FleetSolution
from planner.fleet.check import checked_fleet
from planner.fleet.solve import solve_fleet, solve_proven
from planner.lifting import held
from planner.limits import limits_of
from planner.question import Question
from tests.planner import fleet_world
from tests.planner.fleet_arrays import Fleet
from tests.planner.fleet_checker import judge
from tests.planner.fleet_oracle import optimum
from tests.planner.fleet_planned import problem_of, solution_of
from tests.planner.fleet_world import Recipe
from tests.planner.simulate import after
from tests.planner.test_fleet_again import Stood, each_region
from tests.planner.test_fleets import people, planned, world, wrong

RECIPE = Recipe(regions=8, types=8, hours=3, level=300, choices=6, seed=5)
QUICK = Effort(passes=5, turns=2, threads=1, exact=False)


def limited(fleet: Fleet, most: int) -> FleetProblem:
    return replace(problem_of(fleet), partners=np.full(fleet.regions, most))


def partners(problem: FleetProblem, solution: FleetSolution) -> int:
    lost = problem.pairs.reshape(-1)[solution.shares.reshape(-1) > 1e-6]
    return int(np.bincount(lost).max())


@pytest.mark.parametrize("most", [2, 3])
def test_a_fleet_keeps_to_the_limit_and_so_does_the_next(most: int) -> None:
    fleet = fleet_world.fleet(RECIPE)
    free = solve_fleet(problem_of(fleet), QUICK)
    assert partners(problem_of(fleet), free) > most
    problem = limited(fleet, most)
    found, certificate = solve_proven(problem, QUICK)
    assert partners(problem, found) <= most
    assert checked_fleet(problem, found) is found and judge(fleet, solution_of(found)).violations == ()
    with pytest.raises(SolverLied, match="partners"):
        checked_fleet(problem, free)
    changed = each_region(fleet)
    again = Stood(problem=problem, solution=found, certificate=certificate).near(limited(changed, most))
    assert partners(problem, again) <= most
    assert judge(changed, solution_of(again)).violations == ()


@pytest.mark.parametrize("together", [False, True], ids=["regions lost", "domains lost"])
def test_partners_that_others_have_room_for_are_left_out_at_no_cost(together: bool) -> None:
    fleet = fleet_world.fleet(replace(RECIPE, seed=3))
    fleet = replace(fleet, replication_gbps=0 * fleet.replication_gbps, fall=fleet.domain if together else fleet.fall)
    problem = problem_of(fleet)
    spread, found = solve_proven(problem, QUICK)[0], solve_fleet(problem, QUICK)
    assert np.count_nonzero(found.shares) <= np.count_nonzero(spread.shares) - 4
    assert found.usd == spread.usd and found.bound == spread.bound
    assert judge(fleet, solution_of(found)).violations == ()


@pytest.mark.parametrize("seed", range(2))
def test_none_is_left_out_where_circuits_to_others_are_full(seed: int) -> None:
    fleet = fleet_world.fleet(replace(RECIPE, seed=seed))
    fleet = replace(fleet, replication_gbps=3 * fleet.replication_gbps, tier_gbps=fleet.tier_gbps[:1])
    fleet = replace(fleet, tier_usd=fleet.tier_usd[:, :1])
    spread, found = solve_proven(problem_of(fleet), QUICK)[0], solve_fleet(problem_of(fleet), QUICK)
    assert np.count_nonzero(found.shares) <= np.count_nonzero(spread.shares) and found.usd <= spread.usd
    assert judge(fleet, solution_of(found)).violations == ()


@pytest.mark.parametrize(("seed", "most"), [(109, 4), (112, 5), (137, 4), (149, 4)])
def test_it_is_kept_where_quotas_send_load_elsewhere(seed: int, most: int) -> None:
    recipe = Recipe(regions=8, types=6, hours=1, level=300, choices=6, accelerated=0, seed=seed)
    problem = limited(fleet_world.with_quotas(fleet_world.fleet(recipe)), most)
    found = solve_fleet(problem, Effort(passes=3, turns=1, threads=1, exact=False))
    assert checked_fleet(problem, found) is found and partners(problem, found) <= most


@pytest.mark.parametrize("seed", [102, 110, 119, 120])
def test_partners_that_carry_most_are_given_up_where_they_cannot_carry_half(seed: int) -> None:
    recipe = Recipe(regions=8, types=6, hours=1, level=300, choices=6, accelerated=0, seed=seed)
    fleet = fleet_world.with_quotas(fleet_world.fleet(recipe))
    problem = limited(fleet, 2)
    found = solve_fleet(problem, Effort(passes=3, turns=1, threads=1, exact=False))
    assert checked_fleet(problem, found) is found and partners(problem, found) == 2
    assert judge(fleet, solution_of(found)).violations == ()


def test_small_fleets_keep_to_it_and_their_bound_holds() -> None:
    fleet = fleet_world.fleet(Recipe(regions=4, types=4, hours=1, level=100, reserved_gbps=5, seed=1))
    found = solve_fleet(limited(fleet, 2), Effort(threads=1))
    assert partners(limited(fleet, 2), found) == 2
    least = optimum(fleet).usd
    assert found.bound <= least * (1 + 1e-7) <= found.usd * (1 + 2e-6)


def with_partners(asked: Question, most: int) -> Question:
    return people(asked, failover=asked.environment.failover.model_copy(update={"max_partners": most}))


def by_region(plan: Plan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in plan.resources:
        if isinstance(item.resource.spec, FailoverSpec):
            found.setdefault(item.resource.place, set()).add(item.resource.spec.partner)
    return found


def test_plans_keep_to_what_is_stated_whatever_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.fleet.solve.is_small", lambda problem: False)
    plan = planned(world())
    assert max(map(len, by_region(plan).values())) == 3
    asked = with_partners(after(world(), plan), 2)
    two = planned(asked)
    assert wrong(asked, two) == []
    assert set(map(len, by_region(two).values())) == {2}


def test_one_partner_is_refused() -> None:
    with pytest.raises(InputsDisagree, match="max_partners is 1") as told:
        planned(with_partners(world(), 1))
    assert "dedicated" in told.value.next_step


def test_what_is_not_stated_is_no_limit_of_shared_reserves() -> None:
    shared = FailoverSettings(reserve=Reserve.SHARED)
    assert shared.shared_partners is None
    assert FailoverSettings(reserve=Reserve.SHARED, max_partners=2).shared_partners == 2
    asked = people(world(), failover=shared)
    kinds = {limit.kind for limit in limits_of(asked)}
    assert LimitKind.PARTNERS not in kinds and LimitKind.LATENCY in kinds
    latency = next(limit for limit in limits_of(asked) if limit.kind is LimitKind.LATENCY)
    assert held(asked, latency, 300).environment.failover.shared_partners is None
