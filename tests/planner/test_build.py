"""Whole plans from small worlds: what is given, kinds of change, what cannot be met, reasons, the golden document."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from contracts.capacity import CapacityKind, Offer
from contracts.ledger import UnitState
from contracts.plan import Infeasible, Operation, Plan, ReasonCode
from contracts.resources import BlockSpec, CircuitSpec, ComputeSpec, Purpose, ResourceKind
from planner.build import build_plan
from planner.errors import InputsDisagree, UnknownResource
from planner.explain import explain
from planner.solve import solve
from tests.laws.environments import Recipe, bundle, question
from tests.planner.simulate import after, granted, standing
from tests.planner.worlds import RECIPE, WORLD, people, plan_of, region, specs

GOLDEN = Path(__file__).parent.parent / "golden" / "plan_four_regions.json"
GOLDEN_RECIPE = Recipe(regions=4, requests=False, sparse=True, minimum=True)


# --- when


def test_plans_of_one_period_are_sized_alike_and_end_with_it():
    morning = plan_of(WORLD)
    evening = plan_of(replace(WORLD, now=WORLD.now + timedelta(hours=23)))
    assert [need.forecast for need in evening.requirements] == [need.forecast for need in morning.requirements]
    assert evening.expires_at == morning.expires_at == WORLD.forecast.origin + timedelta(hours=24)


def test_the_next_period_is_sized_by_its_own_hours():
    over = WORLD.forecast.origin + timedelta(hours=24)
    now = over + timedelta(hours=2)
    tomorrow = plan_of(replace(WORLD, now=now, capacity=WORLD.capacity.model_copy(update={"read_at": now})))
    peaks = [need.forecast.at for need in tomorrow.requirements if need.forecast and "/serving" in need.id]
    assert peaks and all(over <= at < over + timedelta(hours=24) for at in peaks)
    assert tomorrow.expires_at == over + timedelta(hours=24)


# --- what is given


def test_what_is_handed_out_stays_and_is_made_up_for():
    first = plan_of(WORLD)
    world = after(WORLD, first)
    chosen = next(key for key in specs(first, ResourceKind.COMPUTE, Purpose.STAGED))
    second = plan_of(granted(world, [chosen]))
    by_key = {item.resource.key: item for item in second.resources}
    assert (by_key[chosen].resource.purpose, by_key[chosen].reason.code) == (Purpose.GRANTED, ReasonCode.GRANT)
    assert len(specs(second, ResourceKind.COMPUTE, Purpose.STAGED)) == len(
        specs(first, ResourceKind.COMPUTE, Purpose.STAGED)
    )
    assert [change.operation for change in second.changes] == [Operation.CREATE]


@pytest.mark.parametrize("state", [UnitState.HELD, UnitState.ACTIVE, UnitState.QUARANTINED])
def test_no_demand_takes_away_what_somebody_has(state):
    world = after(WORLD, plan_of(WORLD))
    staged = [key for key in world.live() if "/staged/" in key]
    silent = replace(granted(world, staged, state), forecast=bundle({}, ()))
    kept = {item.resource.key for item in plan_of(silent).resources}
    assert set(staged) <= kept


def test_a_surplus_goes_but_only_what_is_free():
    world = after(WORLD, plan_of(WORLD))
    staged = sorted(key for key in world.live() if "/staged/" in key)
    silent = replace(granted(world, staged[:1]), forecast=bundle({}, ()))
    gone = {change.key for change in plan_of(silent).changes if change.operation is Operation.DELETE}
    assert gone >= set(staged[1:]) and staged[0] not in gone


def test_a_unit_that_vanished_is_made_again_as_it_was():
    plan = plan_of(WORLD)
    world = after(WORLD, plan)
    chosen = next(key for key in specs(plan, ResourceKind.STORAGE, Purpose.STAGED))
    world = granted(world, [chosen])
    world = standing(world, [item for key, item in world.live().items() if key != chosen])
    (change,) = [change for change in plan_of(world).changes if change.key == chosen]
    assert (change.operation, change.reason.code) == (Operation.CREATE, ReasonCode.REPAIR)


def test_what_is_not_whole_is_mended_though_it_looks_as_planned():
    world = after(WORLD, plan_of(WORLD))
    assert plan_of(world).changes == ()
    first = world.environment.regions[0].name
    key = next(key for key in specs(plan_of(world), ResourceKind.COMPUTE) if key.startswith(first))
    hurt = replace(world, damaged=frozenset({key, "fra/nothing/that/exists"}))
    (change,) = plan_of(hurt).changes
    assert (change.key, change.operation, change.reason.code) == (key, Operation.UPDATE, ReasonCode.REPAIR)
    assert change.before == change.after and change.usd_per_hour == 0
    assert key not in {change.key for change in plan_of(region(hurt, paused=True)).changes}


def test_a_pin_and_a_pause_leave_things_as_they_are():
    plan = plan_of(WORLD)
    world = after(WORLD, plan)
    key = next(iter(specs(plan, ResourceKind.CIRCUIT, Purpose.SERVING)))
    live = world.live()
    spec = live[key].spec
    assert isinstance(spec, CircuitSpec)
    live[key] = live[key].model_copy(update={"spec": spec.model_copy(update={"count": spec.count + 1})})
    changed = standing(world, live.values())
    assert [change.key for change in plan_of(changed).changes] == [key]
    assert key not in {change.key for change in plan_of(people(changed, pins=(key,))).changes}
    paused = region(replace(world, forecast=bundle({}, ())), paused=True)
    assert not [change for change in plan_of(paused).changes if change.place == "fra"]


def test_a_region_that_cannot_be_read_is_left_as_it_was_planned():
    plan = plan_of(WORLD)
    world = after(WORLD, plan)
    facts = tuple(item.model_copy(update={"readable": item.region != "fra"}) for item in world.capacity.regions)
    seen = [item for item in world.live().values() if "fra" not in item.place.split("--")]
    blind = standing(replace(world, capacity=world.capacity.model_copy(update={"regions": facts})), seen)
    second = plan_of(blind)
    wanted = {item.resource.key: item.resource for item in second.resources}
    for item in plan.resources:
        if item.resource.place == "fra":
            assert wanted[item.resource.key] == item.resource


# --- kinds of change


def test_serving_blocks_stay_and_grow_by_another():
    plan = plan_of(WORLD)
    world = after(WORLD, plan)
    grown = plan_of(region(world, minimum={CapacityKind.ADDRESSES: 400}))
    blocks = [specs(one, ResourceKind.BLOCK, Purpose.SERVING).keys() for one in (plan, grown)]
    before, now = ({key for key in keys if key.startswith("fra/")} for keys in blocks)
    assert before < now
    assert not [change for change in grown.changes if change.operation is Operation.REPLACE]


def test_another_tier_is_made_anew_and_another_count_in_place():
    world = after(WORLD, plan_of(WORLD))
    live = world.live()
    circuit = next(key for key, item in live.items() if isinstance(item.spec, CircuitSpec) and "/serving/1g" in key)
    compute = next(key for key, item in live.items() if isinstance(item.spec, ComputeSpec) and "/serving/" in key)
    live[circuit] = live[circuit].model_copy(update={"spec": CircuitSpec(tier="10g", gbps=10, count=1)})
    live[compute] = live[compute].model_copy(update={"spec": live[compute].spec.model_copy(update={"count": 99})})
    changes = {change.key: change for change in plan_of(standing(world, live.values())).changes}
    assert {key: change.operation for key, change in changes.items()} == {
        circuit: Operation.REPLACE,
        compute: Operation.UPDATE,
    }
    assert {change.reason.code for change in changes.values()} == {ReasonCode.REPAIR}
    assert changes[compute].usd_per_hour < 0


def test_what_nobody_wants_is_deleted_after_what_leans_on_it():
    world = after(WORLD, plan_of(WORLD))
    few = people(replace(world, forecast=bundle({}, ())), regions=world.environment.regions[:2])
    gone = [change for change in plan_of(few).changes if change.operation is Operation.DELETE]
    networks = [change for change in gone if change.key.endswith("/network")]
    assert {change.place for change in networks} == {"lon", "mad"}
    assert all(change.depends_on for change in networks)
    assert gone[-2:] == networks


# --- what cannot be met


def test_a_demand_that_cannot_be_met_is_named():
    world = question(replace(RECIPE, load=30.0))
    refused = build_plan(world, solve)
    assert isinstance(refused, Infeasible)
    vcpu = next(short for short in refused.shortfalls if short.kind is CapacityKind.VCPU)
    quota = {item.place: item.available for item in world.capacity.quotas if item.kind is CapacityKind.VCPU}
    assert vcpu.available < vcpu.wanted
    assert vcpu.available <= quota[vcpu.place]
    assert vcpu.at is not None and vcpu.series is not None
    assert "can be had" in vcpu.nearest or "can carry" in vcpu.nearest


def test_the_nearest_feasible_demand_is_feasible():
    """What the shortfall says can be had, can be had: as the region's maximum it gives a plan."""
    alone = WORLD.environment.failover.model_copy(update={"critical_share": 0.0})
    world = people(question(replace(RECIPE, load=9.0)), failover=alone)
    for _ in range(12):
        refused = build_plan(world, solve)
        if isinstance(refused, Plan):
            return
        short = [item for item in refused.shortfalls if "--" not in item.place]
        if not short:
            assert {item.kind for item in refused.shortfalls} == {CapacityKind.GBPS}
            return
        bounds = {item.name: dict(item.maximum) for item in world.environment.regions}
        for item in short:
            assert item.available < bounds[item.place].get(item.kind, np.inf)
            bounds[item.place][item.kind] = item.available
        regions = tuple(item.model_copy(update={"maximum": bounds[item.name]}) for item in world.environment.regions)
        world = people(world, regions=regions)
    raise AssertionError("no end of shortfalls")


def test_a_region_without_a_partner_is_named():
    same = tuple(facts.model_copy(update={"fault_domain": "one"}) for facts in WORLD.capacity.regions)
    refused = build_plan(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"regions": same})), solve)
    assert isinstance(refused, Infeasible)
    assert all("all regions stand in one fault domain" in short.nearest for short in refused.shortfalls)


def test_documents_of_different_environments_are_refused():
    with pytest.raises(InputsDisagree, match="ledger: is of environment 'other'"):
        build_plan(replace(WORLD, ledger=WORLD.ledger.model_copy(update={"environment": "other"})), solve)
    missing = WORLD.capacity.model_copy(update={"regions": WORLD.capacity.regions[1:]})
    with pytest.raises(InputsDisagree, match="regions fra are not in the capacity"):
        build_plan(replace(WORLD, capacity=missing), solve)


# --- reasons


def test_an_explanation_goes_from_forecast_to_resource():
    plan = plan_of(WORLD)
    key = next(iter(specs(plan, ResourceKind.COMPUTE, Purpose.SERVING)))
    text = "\n".join(explain(plan, key).lines())
    place = key.split("/")[0]
    assert text.startswith(f"{key}: create, ")
    for words in (f"forecast cpu:{place}: ", "at quantile 0.9", f"requirement {place}/vcpu/serving: ", "  not "):
        assert words in text


def test_a_deleted_resource_is_explained_and_an_unknown_one_is_not():
    world = after(WORLD, plan_of(WORLD))
    plan = plan_of(replace(world, forecast=bundle({}, ())))
    gone = next(change for change in plan.changes if change.operation is Operation.DELETE)
    assert "surplus" in explain(plan, gone.key).lines()[0]
    with pytest.raises(UnknownResource, match="perhaps fra/network"):
        explain(plan, "fra/netwrok")
    with pytest.raises(UnknownResource, match="perhaps fra/"):
        explain(plan, "fra")


def test_staying_is_told_where_another_shape_would_be_no_dearer():
    world = after(WORLD, plan_of(WORLD))
    computes = [item.resource for item in plan_of(WORLD).resources if "fra/compute/serving" in item.resource.key]
    assert computes
    shape = computes[0].spec.shape
    offers = tuple(
        Offer(place="fra", item=offer.item, purchase=offer.purchase, usd_per_hour=offer.usd_per_hour * 1.005)
        if (offer.place, offer.item) == ("fra", shape)
        else offer
        for offer in world.capacity.offers
    )
    moved = plan_of(replace(world, capacity=world.capacity.model_copy(update={"offers": offers})))
    assert moved.changes == ()


def test_blocks_say_their_pool():
    for spec in specs(plan_of(WORLD), ResourceKind.BLOCK).values():
        assert isinstance(spec, BlockSpec) and spec.pool.startswith("10.")


def test_the_golden_plan():
    """Changes on purpose only. To renew it: `python -m tests.planner.test_build`, and read the difference."""
    assert plan_of(question(GOLDEN_RECIPE)).sealed() == GOLDEN.read_text(encoding="utf-8")


if __name__ == "__main__":
    GOLDEN.write_text(plan_of(question(GOLDEN_RECIPE)).sealed(), encoding="utf-8")
