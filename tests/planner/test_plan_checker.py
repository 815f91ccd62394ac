"""Whole plans, judged from outside; and the judge, by plans that are broken one way each."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.capacity import CapacityKind, Stock
from contracts.names import is_link
from contracts.plan import Plan, PlannedResource, Requirement
from contracts.resources import (
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    Purchase,
    Purpose,
    Resource,
    ResourceKind,
    StorageSpec,
)
from planner.build import build_plan
from planner.question import Question
from planner.solve import solve
from tests.laws.environments import Recipe, loaded, question
from tests.planner.asked_of import asked_of
from tests.planner.links_checker import carried
from tests.planner.plan_checker import Rule, breaches
from tests.planner.plan_facts import Asked
from tests.planner.simulate import after

WORLDS = (
    Recipe(regions=4),
    Recipe(seed=5, regions=5, sparse=True, odd_prices=True),
    Recipe(seed=9, regions=6, minimum=True, maximum=True, max_partners=3),
    Recipe(seed=3, critical_share=1.0),
    Recipe(seed=4, critical_share=0.0),
    Recipe(seed=8, load=0.2, requests=False),
)


def planned(world: Question) -> Plan:
    plan = build_plan(world, solve)
    assert isinstance(plan, Plan), plan
    return plan


@pytest.mark.parametrize("recipe", WORLDS, ids=str)
def test_plans_hold_at_first_and_after_a_change(recipe: Recipe) -> None:
    world = question(recipe)
    first = planned(world)
    assert [str(breach) for breach in breaches(asked_of(world), first)] == []
    grown = loaded(after(world, first), recipe, recipe.load * 1.1)
    assert [str(breach) for breach in breaches(asked_of(grown), planned(grown))] == []


@pytest.fixture(scope="module")
def world() -> Question:
    return question(Recipe(regions=4))


@pytest.fixture(scope="module")
def plan(world: Question) -> Plan:
    return planned(world)


Break = Callable[[Asked, Plan], tuple[Asked, Plan]]


def first_of(plan: Plan, kind: type, purpose: Purpose = Purpose.SERVING) -> PlannedResource:
    return next(
        item for item in plan.resources if isinstance(item.resource.spec, kind) and item.resource.purpose is purpose
    )


def respecified(plan: Plan, item: PlannedResource, **changes: object) -> Plan:
    """The plan with one resource's spec changed, in its changes too."""
    spec = item.resource.spec.model_copy(update=changes)
    resource = item.resource.model_copy(update={"spec": spec})
    resources = tuple(one.model_copy(update={"resource": resource}) if one is item else one for one in plan.resources)
    changed = tuple(
        change.model_copy(update={"after": resource}) if change.key == resource.key else change
        for change in plan.changes
    )
    return plan.model_copy(update={"resources": resources, "changes": changed})


def dearer_than_priced(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": offer.usd_per_hour * 1.1}) if offer.place == "fra" else offer
        for offer in asked.capacity.offers
    )
    return replace(asked, capacity=asked.capacity.model_copy(update={"offers": offers})), plan


def bound_above_optimised(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    bound = plan.cost.optimised_usd_per_hour + 1
    return asked, plan.model_copy(update={"cost": plan.cost.model_copy(update={"lower_bound_usd_per_hour": bound})})


def cheaper_than_its_parts(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    usd = plan.cost.after_usd_per_hour - 1
    return asked, plan.model_copy(update={"cost": plan.cost.model_copy(update={"after_usd_per_hour": usd})})


def not_sold_there(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    item = first_of(plan, ComputeSpec)
    assert isinstance(item.resource.spec, ComputeSpec)
    gone = (item.resource.place, item.resource.spec.shape)
    offers = tuple(offer for offer in asked.capacity.offers if (offer.place, offer.item) != gone)
    return replace(asked, capacity=asked.capacity.model_copy(update={"offers": offers})), plan


def beyond_the_quota(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    quotas = tuple(quota.model_copy(update={"total": 50.0, "used": 0.0}) for quota in asked.capacity.quotas)
    return replace(asked, capacity=asked.capacity.model_copy(update={"quotas": quotas})), plan


def beyond_the_stock(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    item = first_of(plan, ComputeSpec)
    assert isinstance(item.resource.spec, ComputeSpec)
    stock = (Stock(place=item.resource.place, item=item.resource.spec.shape, count=item.resource.spec.count - 1),)
    return replace(asked, capacity=asked.capacity.model_copy(update={"stock": stock})), plan


def blocks_that_overlap(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    one, other = first_of(plan, BlockSpec), first_of(plan, BlockSpec, Purpose.STAGED)
    assert isinstance(one.resource.spec, BlockSpec)
    return asked, respecified(plan, other, prefix=one.resource.spec.prefix)


def a_block_that_is_taken(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, respecified(plan, first_of(plan, BlockSpec), prefix=asked.capacity.pools[0].taken[0])


def a_block_out_of_its_pool(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, respecified(plan, first_of(plan, BlockSpec), prefix="192.168.0.0/27")


def circuits_without_a_link(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return replace(asked, capacity=asked.capacity.model_copy(update={"links": asked.capacity.links[:1]})), plan


def partner_too_far(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    links = tuple(link.model_copy(update={"latency_ms": 500.0}) for link in asked.capacity.links)
    return replace(asked, capacity=asked.capacity.model_copy(update={"links": links})), plan


def partner_in_the_same_domain(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    facts = tuple(one.model_copy(update={"fault_domain": "one"}) for one in asked.capacity.regions)
    return replace(asked, capacity=asked.capacity.model_copy(update={"regions": facts})), plan


def half_of_it_carried(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    item = next(one for one in plan.resources if isinstance(one.resource.spec, FailoverSpec))
    assert isinstance(item.resource.spec, FailoverSpec)
    return asked, respecified(plan, item, share=item.resource.spec.share / 2)


def nobody_stands_by(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    kept = tuple(item for item in plan.resources if not isinstance(item.resource.spec, FailoverSpec))
    return asked, plan.model_copy(update={"resources": kept})


def standby_too_small(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    failover = asked.environment.failover.model_copy(update={"critical_share": 1.0})
    return replace(asked, environment=asked.environment.model_copy(update={"failover": failover})), plan


def all_of_it_spot(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, respecified(plan, first_of(plan, ComputeSpec), purchase=Purchase.SPOT)


def a_machine_too_few(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    item = max(
        (one for one in plan.resources if isinstance(one.resource.spec, ComputeSpec)),
        key=lambda one: getattr(one.resource.spec, "count", 0),
    )
    return asked, respecified(plan, item, count=1)


def less_at_night(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    item = max(
        (one for one in plan.resources if isinstance(one.resource.spec, ComputeSpec)),
        key=lambda one: getattr(one.resource.spec, "count", 0),
    )
    assert isinstance(item.resource.spec, ComputeSpec)
    return asked, respecified(plan, item, by_hour=(0,) * 23 + (item.resource.spec.count,))


def too_little_storage(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, respecified(plan, first_of(plan, StorageSpec), gib=1)


def too_few_circuits(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, respecified(plan, first_of(plan, CircuitSpec), gbps=0)


def a_forecast_nobody_made(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    needs = tuple(
        need.model_copy(update={"forecast": need.forecast.model_copy(update={"value": need.forecast.value * 0.9})})
        if need.forecast and need.kind is CapacityKind.VCPU
        else need
        for need in plan.requirements
    )
    return asked, plan.model_copy(update={"requirements": needs})


def a_quantile_below_what_is_allowed(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    rules = asked.environment.rules.model_copy(update={"headroom_quantile": 0.985})
    return replace(asked, environment=asked.environment.model_copy(update={"rules": rules})), plan


def a_change_left_out(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, plan.model_copy(update={"changes": plan.changes[1:]})


def without(plan: Plan, gone: Callable[[Resource], bool], unasked: Callable[[Requirement], bool]) -> Plan:
    """The plan without some resources, and as if nobody had asked for them: it agrees with itself."""
    kept = tuple(item for item in plan.resources if not gone(item.resource))
    keys = {item.resource.key for item in kept}
    usd = sum(item.usd_per_hour for item in kept)
    cost = {"after_usd_per_hour": usd, "lower_bound_usd_per_hour": 0.0, "optimised_usd_per_hour": 0.0}
    return plan.model_copy(
        update={
            "resources": kept,
            "requirements": tuple(need for need in plan.requirements if not unasked(need)),
            "changes": tuple(change for change in plan.changes if change.key in keys),
            "cost": plan.cost.model_copy(update=cost),
        }
    )


def no_circuits_asked(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return asked, without(plan, lambda item: item.kind is ResourceKind.CIRCUIT, lambda need: is_link(need.place))


def no_storage_asked(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    of_storage = CapacityKind.STORAGE_GIB
    return asked, without(plan, lambda it: it.kind is ResourceKind.STORAGE, lambda need: need.kind is of_storage)


def no_addresses_asked(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    of_blocks = CapacityKind.ADDRESSES
    return asked, without(plan, lambda it: it.kind is ResourceKind.BLOCK, lambda need: need.kind is of_blocks)


def a_region_that_nobody_asks(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    """Nothing serves in one region, and nothing stands by for it."""

    def of_it(item: Resource) -> bool:
        serves = item.purpose is Purpose.SERVING and item.kind is ResourceKind.COMPUTE
        return item.place == "fra" and (serves or item.kind is ResourceKind.FAILOVER)

    return asked, without(plan, of_it, lambda need: need.place == "fra" and need.id.endswith("/serving"))


def half_of_the_circuits(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    """Half of each link's circuits, for half of its quantity."""
    halved = plan
    for item in plan.resources:
        spec = item.resource.spec
        if isinstance(spec, CircuitSpec) and item.resource.purpose is Purpose.SERVING:
            halved = respecified(
                halved, next(one for one in halved.resources if one == item), count=max(1, spec.count // 2)
            )
    needs = tuple(
        need.model_copy(update={"quantity": need.quantity / 2, "forecast": None}) if is_link(need.place) else need
        for need in plan.requirements
    )
    return asked, halved.model_copy(update={"requirements": needs})


def bounded(asked: Asked, **bounds: dict[CapacityKind, float]) -> Asked:
    regions = tuple(region.model_copy(update=bounds) for region in asked.environment.regions)
    return replace(asked, environment=asked.environment.model_copy(update={"regions": regions}))


def less_than_the_minimum(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return bounded(asked, minimum={CapacityKind.VCPU: 1e5}), plan


def more_than_the_maximum(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return bounded(asked, maximum={CapacityKind.VCPU: 1.0}), plan


def more_addresses_than_the_maximum(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    return bounded(asked, maximum={CapacityKind.ADDRESSES: 8.0}), plan


def less_than_a_maximum_has_room_for(asked: Asked, plan: Plan) -> tuple[Asked, Plan]:
    """A maximum is no excuse for what would fit within it."""
    asked, less = a_machine_too_few(asked, plan)
    return bounded(asked, maximum={CapacityKind.VCPU: 1e6}), less


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (dearer_than_priced, Rule.COST),
        (bound_above_optimised, Rule.COST),
        (cheaper_than_its_parts, Rule.COST),
        (not_sold_there, Rule.OFFER),
        (beyond_the_quota, Rule.QUOTA),
        (beyond_the_stock, Rule.STOCK),
        (blocks_that_overlap, Rule.BLOCK),
        (a_block_that_is_taken, Rule.BLOCK),
        (a_block_out_of_its_pool, Rule.BLOCK),
        (circuits_without_a_link, Rule.LINK),
        (partner_too_far, Rule.PARTNER),
        (partner_in_the_same_domain, Rule.PARTNER),
        (half_of_it_carried, Rule.PARTNER),
        (nobody_stands_by, Rule.FAILOVER),
        (standby_too_small, Rule.FAILOVER),
        (all_of_it_spot, Rule.SPOT),
        (a_machine_too_few, Rule.DEMAND),
        (less_at_night, Rule.DEMAND),
        (too_little_storage, Rule.DEMAND),
        (too_few_circuits, Rule.DEMAND),
        (no_circuits_asked, Rule.DEMAND),
        (half_of_the_circuits, Rule.DEMAND),
        (no_storage_asked, Rule.DEMAND),
        (no_addresses_asked, Rule.ADDRESSES),
        (a_region_that_nobody_asks, Rule.DEMAND),
        (a_region_that_nobody_asks, Rule.FAILOVER),
        (less_than_the_minimum, Rule.BOUNDS),
        (more_than_the_maximum, Rule.BOUNDS),
        (more_addresses_than_the_maximum, Rule.BOUNDS),
        (less_than_a_maximum_has_room_for, Rule.DEMAND),
        (a_forecast_nobody_made, Rule.FORECAST),
        (a_quantile_below_what_is_allowed, Rule.FORECAST),
        (a_change_left_out, Rule.CHANGES),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_what_is_broken_is_noticed(world: Question, plan: Plan, break_it: Break, rule: Rule) -> None:
    asked, broken = break_it(asked_of(world), plan)
    assert rule in {breach.rule for breach in breaches(asked, broken)}


def test_what_goes_another_way_has_to_fit_there() -> None:
    """Of 3 Gbps, 2 go by way of c: as far as its links have room beside their own."""
    ways = {"a--b": 1.0, "a--c": 2.0, "b--c": 2.0}
    assert carried({"a--b": 1.0}, ways) and carried({"a--b": 3.0}, ways)
    assert not carried({"a--b": 3.0}, ways | {"b--c": 1.5})
    assert not carried({"a--b": 3.0, "a--c": 0.5}, ways)
    assert not carried({"a--b": 3.0}, {"a--b": 1.0})
