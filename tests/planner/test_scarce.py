"""What limits cost: against plans of the same world with that much more room."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.failover import FailoverSettings, Reserve
from contracts.plan import Plan
from contracts.storage import StorageAsk
from planner.build import build_plan
from planner.clash import remembered
from planner.errors import SolverStalled
from planner.explain import explain
from planner.fleet.choice import loads
from planner.market import Market
from planner.model import SolveStatus
from planner.scarce_units import Odds
from planner.solve import solve
from prestage.views.plan import plan_text
from tests.planner.test_storage import sold, volumes
from tests.planner.worlds import WORLD, people, plan_of, region

LARGE = ("fra", "l32")
VCPU, MEMORY, GBPS = CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.GBPS


def appraised(world, solver=solve):
    plan = build_plan(world, solver, appraise=True)
    assert isinstance(plan, Plan), plan
    return plan


def unstaged(plan):
    """What is scarce but for units that are staged."""
    return [item for item in plan.scarce if not item.item.startswith("staged ")]


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
    (item,) = unstaged(plan)
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
    (item,) = [one for one in unstaged(plan) if one.kind is GBPS]
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
    assert [item.kind for item in unstaged(appraised(tight))] == [VCPU]
    assert unstaged(appraised(tight, stopped)) == []


def test_a_solver_that_stalls_is_waited_for_once():
    waited = []

    def stalls(model):
        waited.append(model)
        raise SolverStalled("gave no answer", where="solver")

    plan = appraised(limited(WORLD, "fra", vcpu=96.0), remembered(stalls))
    assert "gave no answer" in plan.solver and len(waited) == 1


def test_a_unit_that_there_is_no_room_to_stage_is_worth_the_misses_that_it_saves():
    """Of the chance that more requests come than units are there for; all kinds, addresses and storage among them."""
    free = {
        item.kind: item for item in appraised(WORLD).requirements if item.id.startswith("fra/") and "/staged" in item.id
    }
    used = {
        kind: sum(amount for (place, each), amount in held(WORLD).items() if (place, each) == ("fra", kind))
        for kind in free
    }
    for kind, less in ((CapacityKind.ADDRESSES, 40.0), (CapacityKind.STORAGE_GIB, 250.0)):
        plan = appraised(limited(WORLD, "fra", **{kind.value: used[kind] - less}))
        found = [item for item in plan.scarce if (item.place, item.kind) == ("fra", kind)]
        assert len(found) == 1 and found[0].item.startswith("staged ") and found[0].limit == used[kind] - less
        wider = appraised(limited(WORLD, "fra", **{kind.value: used[kind] - less + found[0].units}))
        worth = [item.saves_usd_per_hour for item in wider.scarce if (item.place, item.kind) == ("fra", kind)]
        assert all(usd <= found[0].saves_usd_per_hour for usd in worth)
        assert found[0].told() in plan_text(plan)


def held(world):
    plan = plan_of(world)
    return Market.read(world.catalog, world.capacity).total_use(item.resource for item in plan.resources)


def test_what_one_more_unit_is_worth_follows_the_chance_that_too_few_are_there():
    odds = Odds(mean=10.0, variance=10.0, each=2.0, hours=24.0, idle_usd=0.1, missed_usd=25.0)
    assert odds.next_unit_usd(0) == pytest.approx(25 / 48 - 0.1, abs=1e-3)  # somebody is sure to come
    assert odds.next_unit_usd(20) == pytest.approx(0.4372 * 25 / 48 - 0.1, abs=1e-3)  # of 10.5 and more, normal
    assert odds.next_unit_usd(80) == pytest.approx(-0.1)
    assert odds.next_unit_usd(21) == odds.next_unit_usd(20)  # half a request's units serve nobody


def test_a_class_of_storage_that_would_cost_less_with_more_room_says_what_that_saves():
    """pd has its IOPS by the GiB: with room for as much as that takes it is cheaper than what is provisioned."""
    asks = (StorageAsk(iops=20_000, least_durability=0.99999),)
    plenty = people(sold(WORLD), storage=asks)
    (large,) = volumes(appraised(plenty)).values()
    assert large.storage_class == "pd"
    plan = appraised(limited(plenty, "fra", storage_gib=large.gib - 10.0))
    (item,) = [one for one in unstaged(plan) if one.kind is CapacityKind.STORAGE_GIB]
    assert (item.item, item.place) == ("pd", "fra")
    assert volumes(plan).popitem()[1].storage_class == "io2"
    least = appraised(region(plenty, maximum={CapacityKind.STORAGE_GIB: large.gib - 10.0}))
    assert [(one.item, one.limit) for one in unstaged(least)] == [("pd", large.gib - 10.0)]  # people's, not the quota


@pytest.fixture(scope="module")
def fleet():
    """The world with a shared reserve, of which nothing is critical, and with large instances for little in fra."""
    shared = people(WORLD, failover=FailoverSettings(reserve=Reserve.SHARED, max_latency_ms=200, critical_share=0.0))
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": offer.usd_per_hour * 0.3})
        if (offer.place, offer.item) == LARGE
        else offer
        for offer in shared.capacity.offers
    )
    return replace(shared, capacity=shared.capacity.model_copy(update={"offers": offers}))


def test_fleets_say_what_room_for_one_more_instance_would_save(fleet):
    tight = limited(fleet, "fra", vcpu=84.0)  # three of 32 would cost less than two, and one of 16
    plan = appraised(tight)
    (item,) = [item for item in unstaged(plan) if item.kind is VCPU]
    assert (item.place, item.limit, item.item, item.units) == ("fra", 84.0, "l32", 32.0)
    wider = appraised(limited(fleet, "fra", vcpu=84.0 + 32))
    saved = plan.cost.optimised_usd_per_hour - wider.cost.optimised_usd_per_hour
    assert item.saves_usd_per_hour == pytest.approx(saved, abs=1e-5) and saved > 0.001
    assert plan.model_copy(update={"scarce": ()}).sealed() == build_plan(tight, solve).sealed()


def test_fleets_say_what_room_for_one_more_circuit_would_save(fleet):
    plan = appraised(limited(fleet, "fra--mad", gbps=9.0))  # nine of 1 Gbps cost more than one of 10
    (item,) = [one for one in unstaged(plan) if one.kind is GBPS]
    wider = appraised(limited(fleet, "fra--mad", gbps=9.0 + item.units))
    saved = plan.cost.optimised_usd_per_hour - wider.cost.optimised_usd_per_hour
    assert item.place == "fra--mad" and item.saves_usd_per_hour == pytest.approx(saved, abs=1e-5) and saved > 0.1
    assert unstaged(appraised(fleet)) == []


def test_what_arithmetic_leaves_of_shares_asks_fleets_for_no_circuit_more(fleet, monkeypatch):
    plans = []
    for left in (0.0, 5e-8):
        for module in ("fleet_wishes", "scarce_fleets"):
            whole = partial(lambda left, problem, shares: np.ceil(loads(problem, shares)) + left, left)
            monkeypatch.setattr(f"planner.{module}.loads", whole)
        plans.append(appraised(limited(fleet, "fra--mad", gbps=9.0)))
    assert plans[0] == plans[1] and GBPS in {item.kind for item in plans[0].scarce}
