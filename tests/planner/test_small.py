"""Small plans: one request that staging could not meet."""

from dataclasses import replace

import pytest

from contracts.capacity import CapacityKind
from contracts.environment import RegionSettings
from contracts.plan import Operation, Plan
from contracts.requests import Missing, PeeringRequest, Requirements
from contracts.resources import BlockSpec, ComputeSpec, Purpose, ResourceKind
from planner.question import Question
from planner.small import SmallQuestion, build_small_plan
from tests.laws.environments import NOW, Recipe, question
from tests.planner.simulate import standing

WORLD = question(Recipe(regions=4))


def asked(identity="r1", source="fra", destination="ams", **requirements):
    wanted = requirements or {"vcpu": 10, "memory_gib": 30, "storage_gib": 250, "gbps": 3.5, "prefix_length": 27}
    return PeeringRequest(
        id=identity,
        customer="acme",
        source=source,
        destination=destination,
        requirements=Requirements(**wanted),
        duration_hours=12,
    )


def small(request: PeeringRequest, world: Question = WORLD) -> Plan | tuple[Missing, ...]:
    return build_small_plan(
        SmallQuestion(
            environment=world.environment,
            request=request,
            capacity=world.capacity,
            catalog=world.catalog,
            ledger=world.ledger,
            rules=world.rules,
            now=NOW,
        )
    )


def test_a_small_plan_makes_all_that_a_request_needs_in_a_root_of_its_own():
    plan = small(asked())
    assert isinstance(plan, Plan)
    assert plan.small and plan.inputs.previous_plan is None
    assert {item.resource.root for item in plan.resources} == {"ondemand-r1"}
    by_kind = {item.resource.kind: item.resource for item in plan.resources if item.resource.purpose is Purpose.GRANTED}
    compute, block = by_kind[ResourceKind.COMPUTE].spec, by_kind[ResourceKind.BLOCK].spec
    assert isinstance(compute, ComputeSpec) and isinstance(block, BlockSpec)
    sizes = {shape.name: shape for shape in WORLD.catalog.shapes}
    assert compute.count * sizes[compute.shape].vcpu >= 10
    assert block.prefix.endswith("/27")
    assert all(resource.key.endswith("/r1") for resource in by_kind.values())
    assert {change.operation for change in plan.changes} == {Operation.CREATE}
    assert plan.count(Operation.CREATE) == len(plan.resources)
    assert plan.cost.lower_bound_usd_per_hour <= plan.cost.optimised_usd_per_hour


def test_compute_is_the_cheapest_shape_that_fits():
    plan = small(asked(vcpu=10))
    assert isinstance(plan, Plan)
    chosen = next(item for item in plan.resources if item.resource.kind is ResourceKind.COMPUTE)
    prices = {
        offer.item: offer.usd_per_hour
        for offer in WORLD.capacity.offers
        if offer.place == "ams" and offer.purchase == "on_demand"
    }
    alone = [prices[shape.name] * -(-10 // shape.vcpu) for shape in WORLD.catalog.shapes]
    assert chosen.usd_per_hour == pytest.approx(min(alone))


def test_asked_again_with_everything_made_it_wants_the_same_and_changes_nothing():
    first = small(asked())
    assert isinstance(first, Plan)
    again = small(asked(), standing(WORLD, [item.resource for item in first.resources]))
    assert isinstance(again, Plan)
    assert [item.resource for item in again.resources] == [item.resource for item in first.resources]
    assert again.changes == ()


def test_asked_again_with_half_made_it_makes_the_rest():
    first = small(asked())
    assert isinstance(first, Plan)
    made = [item.resource for item in first.resources][:4]
    again = small(asked(), standing(WORLD, made))
    assert isinstance(again, Plan)
    assert {change.key for change in again.changes} == {item.resource.key for item in first.resources[4:]}


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ({"vcpu": 1e5}, {CapacityKind.VCPU}),
        ({"vcpu": 1e5, "memory_gib": 1e6}, {CapacityKind.VCPU, CapacityKind.MEMORY_GIB}),
        ({"memory_gib": 1e6}, {CapacityKind.MEMORY_GIB}),
        ({"storage_gib": 1e6}, {CapacityKind.STORAGE_GIB}),
        ({"gbps": 1e4}, {CapacityKind.GBPS}),
        ({"prefix_length": 12}, {CapacityKind.ADDRESSES}),
        ({"vcpu": 1e5, "gbps": 1e4}, {CapacityKind.VCPU, CapacityKind.GBPS}),
    ],
)
def test_what_cannot_be_had_is_named_in_numbers(wanted, kinds):
    missing = small(asked(**wanted))
    assert isinstance(missing, tuple)
    assert {item.kind for item in missing} == set(kinds)
    assert all(item.available < item.wanted for item in missing)


def room_for(vcpu: float, gib: float = 1e6) -> Question:
    """The world with other totals for ams; others there use 7 of each."""
    totals = {CapacityKind.VCPU: vcpu + 7, CapacityKind.STORAGE_GIB: gib + 7}
    quotas = tuple(
        quota.model_copy(update={"total": totals.get(quota.kind, quota.total)}) if quota.place == "ams" else quota
        for quota in WORLD.capacity.quotas
    )
    return replace(WORLD, capacity=WORLD.capacity.model_copy(update={"quotas": quotas}))


@pytest.mark.parametrize(
    ("world", "wanted", "told"),
    [
        (room_for(vcpu=11), {"vcpu": 10}, "11 of 12 vcpu are left at ams"),  # three of the smallest shape
        (room_for(vcpu=500, gib=99.5), {"storage_gib": 99.2}, "99.5 of 100 storage_gib are left at ams"),
    ],
)
def test_what_whole_units_lack_is_told_where_the_request_alone_lacks_nothing(world, wanted, told):
    missing = small(asked(**wanted), world)
    assert isinstance(missing, tuple)
    assert [item.why for item in missing] == [told]
    assert all(item.available < item.wanted for item in missing)


def test_where_nothing_is_offered_nothing_is_left():
    none = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"offers": ()}))
    missing = small(asked(vcpu=3, storage_gib=5, gbps=1), none)
    assert isinstance(missing, tuple)
    assert {item.kind: (item.wanted, item.available) for item in missing} == {
        CapacityKind.VCPU: (3, 0),
        CapacityKind.STORAGE_GIB: (5, 0),
        CapacityKind.GBPS: (1, 0),
    }


def test_a_paused_destination_and_an_unknown_one_and_one_without_a_link():
    ams = RegionSettings(name="ams", paused=True)
    others = tuple(region for region in WORLD.environment.regions if region.name != "ams")
    paused = replace(WORLD, environment=WORLD.environment.model_copy(update={"regions": (*others, ams)}))
    unlinked = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"links": ()}))
    cases = [(paused, "ams", "policy"), (WORLD, "xxx", "link"), (unlinked, "ams", "link")]
    for world, destination, kind in cases:
        missing = small(asked(destination=destination), world)
        assert isinstance(missing, tuple)
        assert [item.kind for item in missing] == [kind]


def test_a_block_alone_needs_no_link():
    plan = small(asked(source="ams", destination="ams", prefix_length=26))
    assert isinstance(plan, Plan)
    assert {item.resource.kind for item in plan.resources} == {ResourceKind.BLOCK, ResourceKind.NETWORK}


def test_addresses_without_a_price_or_beyond_the_quota_are_refused():
    """No silent 0: what a block costs is known, or it is not handed out."""
    capacity = WORLD.capacity
    offers = tuple(offer for offer in capacity.offers if (offer.place, offer.item) != ("ams", "address"))
    unpriced = replace(WORLD, capacity=capacity.model_copy(update={"offers": offers}))
    quotas = tuple(
        item.model_copy(update={"total": 39.0}) if item.kind is CapacityKind.ADDRESSES else item
        for item in capacity.quotas
    )
    for world, left, why in (
        (unpriced, 0, "no price of `address` is known at ams"),
        (replace(WORLD, capacity=capacity.model_copy(update={"quotas": quotas})), 32, ""),
    ):
        missing = small(asked(prefix_length=26), world)
        assert isinstance(missing, tuple)
        (told,) = missing
        assert (told.kind, told.place, told.wanted, told.available) == ("addresses", "ams", 64, left)
        assert why in told.why
