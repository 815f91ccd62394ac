"""What buys a fleet's compute where it is held for others: the loss that it is held for, and what demand costs then."""

from dataclasses import replace

import pytest

from contracts.capacity import CapacityKind
from contracts.plan import Plan, ReasonCode, Requirement
from contracts.resources import ComputeSpec, FailoverSpec, Purchase
from planner.build import build_plan
from planner.explain import explain
from planner.fleet import Effort, FleetProblem, solve_fleet
from planner.fleet_reasons import fleet_prices
from planner.fleets import Fleet, Found
from planner.solve import solve
from tests.planner import fleet_world
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe
from tests.planner.test_fleets import people, world

MUST = world().environment.failover.model_copy(update={"critical_share": 0.95})
QUICK = Effort(passes=5, turns=1, exact=False, threads=1)
THOROUGH = Effort(passes=40, turns=0, exact=False, threads=1)


def test_what_serves_says_whose_loss_it_is_held_firm_for():
    plan = build_plan(people(world(), failover=MUST), solve, lambda asked: solve_fleet(asked, QUICK))
    assert isinstance(plan, Plan)
    sent = {item.resource.place for item in plan.resources if isinstance(item.resource.spec, FailoverSpec)}
    told = {}
    for item in plan.resources:
        if isinstance(spec := item.resource.spec, ComputeSpec):
            told[item.resource.key] = (spec.purchase, item.reason.scenario)
    losses = {loss for _, loss in told.values() if loss}
    assert losses and {name for loss in losses for name in loss.split(" and ")} <= sent
    assert not [key for key, (purchase, loss) in told.items() if purchase is Purchase.SPOT and loss]
    key, loss = next((key, loss) for key, (_, loss) in told.items() if loss)
    assert f"serves, and is held firm for the loss of {loss}" in "\n".join(explain(plan, key).lines())


def grown(problem: FleetProblem, region: int, times: float) -> FleetProblem:
    """All of a region's demand so many times, its critical part with it."""
    demand, critical = problem.demand.copy(), problem.critical.copy()
    demand[region] *= times
    critical[region] *= times
    return replace(problem, demand=demand, critical=critical)


@pytest.mark.parametrize("region", range(3))
def test_the_price_of_demand_lies_between_what_less_of_it_saves_and_what_more_of_it_costs(region):
    """The bound is convex in demand: the price is its slope, what partners hold included."""
    problem = problem_of(fleet_world.fleet(Recipe(regions=4, types=6, hours=4, level=300, seed=3)))
    solution = solve_fleet(problem, THOROUGH)
    names = tuple(f"r{at}" for at in range(problem.regions))
    fleet = Fleet(regions=names, shapes=(), links=(), problem=problem, found=Found(solution=solution, told=""))
    kinds = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS, CapacityKind.GBPS)
    needs = tuple(
        Requirement(id=f"{names[region]}/{kind}", place=names[region], kind=kind, quantity=1, code=ReasonCode.DEMAND)
        for kind in kinds
    )
    prices, peaks = fleet_prices(fleet, needs), problem.demand[region].max(1)
    slope = sum(prices.get(need.id, 0.0) * peak for need, peak in zip(needs, peaks, strict=True)) * problem.hours
    less, more = (solve_fleet(grown(problem, region, times), THOROUGH).bound for times in (0.98, 1.02))
    near = 0.05 * 0.02 * slope + 1e-4 * solution.bound
    assert solution.bound - less - near <= 0.02 * slope <= more - solution.bound + near
    alone = float((solution.worth[region] * problem.demand[region]).sum())
    assert slope > 1.02 * alone  # what is held for it is a part of the price
