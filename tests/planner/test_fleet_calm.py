"""Fleets planned where something is live: what stays, what is told of it, and what people pinned or paused."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from contracts.plan import Operation, Plan, ReasonCode, RefusalCode
from contracts.resources import CircuitSpec, ComputeSpec, FailoverSpec, Purchase, Purpose
from contracts.series import SeriesKind
from planner import fleets
from planner.build import build_plan
from planner.errors import InputsDisagree
from planner.explain import explain
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.again import fleet_usd
from planner.fleet.problem import NOT_OFFERED
from planner.fleet_arrays import Axes
from planner.fleet_calm import CalmFleet, Kept, calm_fleet
from planner.market import Market
from planner.question import Question
from planner.solve import solve
from tests.planner.simulate import after, standing
from tests.planner.test_fleets import fleet_of, people, planned, world, wrong
from tests.planner.test_scale_in import measured


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.fleet.solve.is_small", lambda problem: False)
        yield


@cache
def first() -> Plan:
    return planned(world())


def settled() -> Question:
    """The question when the first plan was applied."""
    return after(world(), first())


def demanding(asked: Question, factor: float) -> Question:
    values = {key: table * factor for key, table in asked.forecast.values.items()}
    return replace(asked, forecast=replace(asked.forecast, values=values))


def serving(plan: Plan, operation: Operation | None = None) -> list[str]:
    """Keys of compute, circuits and failover entries that change."""
    kinds = (ComputeSpec, CircuitSpec, FailoverSpec)
    return [
        change.key
        for change in plan.changes
        if (resource := change.after or change.before) is not None
        and isinstance(resource.spec, kinds)
        and resource.purpose is not Purpose.STAGED
        and operation in (None, change.operation)
    ]


def anew(asked: Question) -> Plan:
    """The plan that does not look at what is live."""

    def ignored(problem, solution, live, named, level):
        return CalmFleet(solution=solution, kept=Kept.NOTHING)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleets, "calm_fleet", ignored)
        return planned(asked)


@pytest.mark.parametrize("factor", [1.01, 1.03])
def test_a_little_more_demand_changes_little(factor: float) -> None:
    asked = demanding(settled(), factor)
    plan, naive = planned(asked), anew(asked)
    assert wrong(asked, plan) == []
    assert 0 < len(serving(plan)) < len(serving(naive))
    assert not serving(plan, Operation.DELETE)
    assert plan.cost.optimised_usd_per_hour <= naive.cost.optimised_usd_per_hour * 1.01
    assert plan.cost.lower_bound_usd_per_hour <= naive.cost.lower_bound_usd_per_hour + 1e-6
    assert plan.solver == "decomposition by region, near what is live"


def test_a_fall_of_the_forecast_alone_takes_nothing_away() -> None:
    plan = planned(demanding(settled(), 0.95))
    assert serving(plan) == []


def test_what_is_live_and_a_little_too_much_stays() -> None:
    asked = settled()
    live, vcpu = asked.live(), {shape.name: shape.vcpu for shape in asked.catalog.shapes}
    found = [
        (vcpu[item.spec.shape], key, item.spec)
        for key, item in live.items()
        if isinstance(item.spec, ComputeSpec) and item.purpose is Purpose.SERVING and item.spec.by_hour
    ]
    _, key, spec = min(found, key=lambda one: one[:2])
    more = (*spec.by_hour[:-1], spec.by_hour[-1] + 1)
    one_more = spec.model_copy(update={"by_hour": more, "count": max(more)})
    small = {key: live[key].model_copy(update={"spec": one_more})}
    plan = planned(standing(asked, (live | small).values()))
    assert serving(plan) == []
    assert plan.solver == "decomposition by region, what is live stays"


def test_twice_the_demand_is_planned_beside_what_is_committed() -> None:
    asked = demanding(settled(), 2.0)
    plan = planned(asked)
    assert wrong(asked, plan) == []
    assert serving(plan)


def test_what_stays_as_it_is_there_is_told() -> None:
    plan = planned(demanding(settled(), 1.03))
    told = {
        item.resource.key: refused
        for item in plan.resources
        for refused in item.reason.alternatives
        if isinstance(item.resource.spec, ComputeSpec) and refused.code is RefusalCode.MOVES
    }
    assert told
    key, refused = next(iter(told.items()))
    assert refused.limit is not None and refused.value is not None and refused.value <= refused.limit
    lines = explain(plan, key).lines()
    assert any("moving is not worth it" in line and refused.candidate in line for line in lines)


def a_shape(asked: Question) -> str:
    """The key of compute that serves in a region of one's own."""
    return next(
        key
        for key, item in asked.live().items()
        if isinstance(item.spec, ComputeSpec) and item.purpose is Purpose.SERVING and item.place == "lon"
    )


def problem_of(asked: Question) -> tuple[FleetProblem, Axes]:
    """What the solver is asked."""
    seen: list[FleetProblem] = []

    def listening(problem: FleetProblem) -> FleetSolution:
        seen.append(problem)
        return fleet_of(problem)

    assert isinstance(build_plan(asked, solve, listening), Plan)
    return seen[0], Axes.of(asked, Market.read(asked.catalog, asked.capacity))


def test_what_is_pinned_is_a_type_of_its_own_and_not_sold_again() -> None:
    start = settled()
    key = a_shape(start)
    pinned = start.live()[key].spec
    assert isinstance(pinned, ComputeSpec) and pinned.purchase is Purchase.ON_DEMAND
    problem, axes = problem_of(people(start, pins=(key,)))
    free, _ = problem_of(start)
    region, kind = axes.regions.index("lon"), [shape.name for shape in axes.shapes].index(pinned.shape)
    assert problem.on_demand_usd[region, kind] == NOT_OFFERED > free.on_demand_usd[region, kind]
    assert len(problem.gives) == len(axes.shapes) + 1 and np.array_equal(problem.gives[-1], problem.gives[kind])
    assert problem.stock[:, -1].tolist() == [pinned.count if at == region else 0 for at in range(len(axes.regions))]
    assert problem.committed_usd[region, -1] == 0 and (problem.spot_usd[:, -1] == NOT_OFFERED).all()
    np.testing.assert_allclose(problem.quota, free.quota, atol=max(pinned.count, 8))  # what is pinned is in it


def test_a_pinned_circuit_is_taken_off_what_is_reserved() -> None:
    start = settled()
    key, item = next((key, item) for key, item in start.live().items() if isinstance(item.spec, CircuitSpec))
    assert isinstance(item.spec, CircuitSpec)
    problem, axes = problem_of(people(start, pins=(key,)))
    free, _ = problem_of(start)
    link, tier = axes.links.index(item.place), [tier.name for tier in start.catalog.circuit_tiers].index(item.spec.tier)
    assert problem.gbps[link] == max(0.0, free.gbps[link] - item.spec.gbps * item.spec.count) < free.gbps[link]
    assert problem.tier_usd[link, tier] == NOT_OFFERED > free.tier_usd[link, tier]


def test_spot_that_is_pinned_for_some_hours_leaves_less_to_be_bought() -> None:
    start = demanding(people(settled(), pins=("ams/compute/serving/m8-spot",)), 1.04)
    pinned = start.live()["ams/compute/serving/m8-spot"].spec
    assert isinstance(pinned, ComputeSpec) and min(pinned.by_hour) < max(pinned.by_hour)
    anew = people(start, rules=start.environment.rules.model_copy(update={"calm": False}))
    assert wrong(anew, planned(anew)) == []


def test_spot_has_its_share_of_what_is_held_as_measured() -> None:
    asked = measured(demanding(settled(), 0.3), (60.0,), SeriesKind.CPU)
    plan = planned(asked)
    assert wrong(asked, plan) == [] and any(item.held for item in plan.requirements)


@pytest.mark.parametrize("factor", [1.0, 1.3, 0.5])
def test_what_is_pinned_stays_and_counts(factor: float) -> None:
    start = settled()
    key = a_shape(start)
    asked = demanding(people(start, pins=(key,)), factor)
    plan = planned(asked)
    assert wrong(asked, plan) == []
    pinned = next(item for item in plan.resources if item.resource.key == key)
    assert pinned.resource == asked.live()[key] and pinned.reason.code is ReasonCode.PINNED
    assert not [change for change in plan.changes if change.key == key]
    free = planned(demanding(start, factor))
    assert plan.cost.after_usd_per_hour <= free.cost.after_usd_per_hour * (1.03 if factor >= 1 else 1.5)
    again = planned(after(asked, plan))
    assert again.changes == ()


def test_pinned_circuits_carry_what_they_can() -> None:
    start = settled()
    key = next(key for key, item in start.live().items() if isinstance(item.spec, CircuitSpec))
    asked = demanding(people(start, pins=(key,)), 1.2)
    plan = planned(asked)
    assert wrong(asked, plan) == []
    assert {item.resource.key: item.resource for item in plan.resources}[key] == asked.live()[key]


def test_a_pinned_failover_entry_is_refused() -> None:
    start = settled()
    key = next(key for key, item in start.live().items() if isinstance(item.spec, FailoverSpec))
    with pytest.raises(InputsDisagree, match=key) as told:
        planned(people(start, pins=(key,)))
    assert "out of pins" in told.value.next_step


def test_regions_hold_what_a_paused_region_may_send_to_them() -> None:
    start = settled()
    regions = tuple(item.model_copy(update={"paused": item.name == "mad"}) for item in start.environment.regions)
    problem, axes = problem_of(people(start, regions=regions))
    vcpu = {shape.name: shape.vcpu for shape in start.catalog.shapes}
    here = [item for item in start.live().values() if item.place == "mad"]
    load = sum(vcpu[item.spec.shape] * item.spec.count for item in here if isinstance(item.spec, ComputeSpec))
    entries = [item.spec for item in here if isinstance(item.spec, FailoverSpec)]
    assert entries and "mad" not in axes.regions
    for at, region in enumerate(axes.regions):
        share = sum(entry.share for entry in entries if entry.partner == region)
        own = start.environment.critical_share_of(region) * problem.demand[at, 0]
        sent = start.environment.critical_share_of("mad") * share * load
        np.testing.assert_allclose(problem.critical[at, 0], own + sent, rtol=1e-6)


def test_what_levelling_makes_dear_is_not_kept() -> None:
    """At most 1 % more is looked at once all hours are alike where nothing scales by the hour."""
    asked = demanding(settled(), 1.03)
    problem, axes = problem_of(asked)
    cheapest, market = fleet_of(problem), Market.read(asked.catalog, asked.capacity)
    live = tuple(asked.live().values())
    assert calm_fleet(problem, cheapest, live, (market, axes)).kept is Kept.NEAR

    def level(found: FleetSolution) -> FleetSolution:
        more = found.on_demand.copy()
        more[0, int(np.argmin(problem.on_demand_usd[0]))] += 3
        dearer = replace(found, on_demand=more)
        return replace(dearer, usd=fleet_usd(problem, dearer))

    dear = calm_fleet(problem, cheapest, live, (market, axes), level)
    assert dear.kept is Kept.NOTHING and dear.solution is cheapest
