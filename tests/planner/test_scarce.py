"""What limits cost: against plans of the same world with that much more room."""

from dataclasses import replace

import pytest

from contracts.capacity import CapacityKind
from contracts.plan import Plan
from planner.build import build_plan
from planner.clash import remembered
from planner.errors import SolverStalled
from planner.explain import explain
from planner.model import SolveStatus
from planner.solve import solve
from prestage.views.plan import plan_text
from tests.planner.worlds import WORLD

VCPU, MEMORY, GBPS = CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.GBPS


def appraised(world, solver=solve):
    plan = build_plan(world, solver, appraise=True)
    assert isinstance(plan, Plan), plan
    return plan


def limited(world, place, **free):
    """The world with so much free of each kind at a place."""
    quotas = tuple(
        item.model_copy(update={"total": item.used + free[item.kind.value]})
        if item.place == place and item.kind.value in free
        else item
        for item in world.capacity.quotas
    )
    return replace(world, capacity=world.capacity.model_copy(update={"quotas": quotas}))


def test_room_for_one_more_instance_saves_what_a_plan_with_it_costs_less():
    tight = limited(WORLD, "fra", vcpu=96.0)
    plan = appraised(tight)
    (item,) = plan.scarce
    shape = next(shape for shape in WORLD.catalog.shapes if shape.name == item.item)
    assert (item.place, item.kind, item.limit, item.units) == ("fra", VCPU, 96.0, shape.vcpu)
    room = {quota.kind: quota.available for quota in WORLD.capacity.quotas if quota.place == "fra"}
    wider = appraised(limited(WORLD, "fra", vcpu=96.0 + shape.vcpu, memory_gib=room[MEMORY] + shape.memory_gib))
    saved = plan.cost.optimised_usd_per_hour - wider.cost.optimised_usd_per_hour
    assert item.saves_usd_per_hour == pytest.approx(saved, abs=2e-4 * plan.cost.optimised_usd_per_hour) and saved > 0.1
    assert f"fra: {item.told()}" in plan_text(plan)
    key = next(one.resource.key for one in plan.resources if one.resource.key.startswith("fra/compute/serving/"))
    assert any(item.told() in line for line in explain(plan, key).lines())
    assert plan.model_copy(update={"scarce": ()}).sealed() == build_plan(tight, solve).sealed()


def test_room_for_one_more_circuit_saves_what_a_plan_with_it_costs_less():
    """Nine circuits of the smallest tier cost more than one of the next, for which there is no room."""
    plan = appraised(limited(WORLD, "ams--fra", gbps=9.0))
    (item,) = [one for one in plan.scarce if one.kind is GBPS]
    wider = appraised(limited(WORLD, "ams--fra", gbps=9.0 + item.units))
    saved = plan.cost.optimised_usd_per_hour - wider.cost.optimised_usd_per_hour
    assert item.place == "ams--fra" and item.saves_usd_per_hour == pytest.approx(saved, abs=1e-5) and saved > 0.1


def test_nothing_is_scarce_where_there_is_plenty_and_nothing_is_placed_again():
    asked = []

    def counted(model):
        asked.append(model)
        return solve(model)

    assert appraised(WORLD, counted).scarce == ()
    once = len(asked)
    build_plan(WORLD, counted)
    assert len(asked) == 2 * once


def test_what_a_solver_does_not_prove_is_not_told():
    """Stopped at its node limit, what it found may cost more than what a second search finds: that saves nothing."""

    def stopped(model):
        found = solve(model)
        return replace(found, status=SolveStatus.BOUNDED, bound=0.9 * found.objective)

    tight = limited(WORLD, "fra", vcpu=96.0)
    assert [item.kind for item in appraised(tight).scarce] == [VCPU]
    assert appraised(tight, stopped).scarce == ()


def test_a_solver_that_stalls_is_waited_for_once():
    waited = []

    def stalls(model):
        waited.append(model)
        raise SolverStalled("gave no answer", where="solver")

    plan = appraised(limited(WORLD, "fra", vcpu=96.0), remembered(stalls))
    assert "gave no answer" in plan.solver and len(waited) == 1
