"""Worlds that nobody means to have: each ends in a plan that holds, or in what cannot be met. Never in a traceback."""

from dataclasses import replace

import pytest

from contracts.capacity import CapacityKind, Catalog, Shape
from contracts.environment import Costs, Horizons, RegionSettings
from contracts.failover import FailoverSettings
from contracts.names import is_link
from contracts.plan import Infeasible, Plan
from contracts.resources import Purpose
from contracts.staging import StagingSettings
from planner.build import build_plan
from planner.solve import solve
from tests.laws.environments import CATALOG, Recipe, bundle, question
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people, plan_of

EMPTY = Catalog(shapes=(), storage_classes=(), circuit_tiers=())
BIG = CATALOG.model_copy(update={"shapes": (Shape(name="s4", vcpu=10**9, memory_gib=10**9),)})
SNAPSHOT = WORLD.capacity
ALONE = FailoverSettings(critical_share=0)
STANDING = after(WORLD, plan_of(WORLD))


def seen(world=WORLD, **update):
    """The world with another snapshot."""
    return replace(world, capacity=world.capacity.model_copy(update=update))


def each(items, **update):
    return tuple(item.model_copy(update=update) for item in items)


def everywhere(world=WORLD, **settings):
    return people(
        world, regions=tuple(RegionSettings(name=item.name, **settings) for item in world.environment.regions)
    )


def unlinked():
    offers = tuple(offer for offer in SNAPSHOT.offers if not is_link(offer.place))
    return people(seen(links=(), offers=offers), failover=ALONE)


PLANNED = {
    "one region that nobody backs": question(Recipe(regions=1, critical_share=0.0)),
    "two regions": question(Recipe(regions=2)),
    "everything for nothing": seen(offers=each(SNAPSHOT.offers, usd_per_hour=0)),
    "next to no demand": question(Recipe(load=1e-9)),
    "no demand": question(Recipe(load=0.0)),
    "no forecast": replace(WORLD, forecast=bundle({}, ())),
    "no regions": people(WORLD, regions=()),
    "all paused, nothing live": everywhere(paused=True),
    "all paused": everywhere(STANDING, paused=True),
    "nothing readable": seen(STANDING, regions=each(SNAPSHOT.regions, readable=False)),
    "one region left the environment": people(STANDING, regions=STANDING.environment.regions[1:]),
    "pools gone under live blocks": seen(STANDING, pools=()),
    "costs nobody stated": people(WORLD, costs=Costs(shortage_usd_per_unit_hour={}, missed_staging_usd=0)),
    "maximum of nothing": everywhere(maximum=dict.fromkeys(CapacityKind, 0.0)),
    "blocks as large as the pool": people(WORLD, staging=StagingSettings(block_length=16, max_units_per_place=10000)),
    "blocks of one address": people(WORLD, staging=StagingSettings(block_length=32)),
    "valid for longer than the forecast": people(WORLD, horizons=Horizons(validity_hours=336)),
    "a pin of what is not there": people(WORLD, pins=("fra/compute/serving/l32",)),
    "everything pinned": people(STANDING, pins=tuple(STANDING.live())),
}

ALL = {CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.STORAGE_GIB, CapacityKind.GBPS}
"""Told together: what links and storage lack, too."""

LACKING = {
    "one region": (question(Recipe(regions=1)), {CapacityKind.VCPU}),
    "no links": (unlinked(), {CapacityKind.GBPS}),
    "partners too far": (people(WORLD, failover=FailoverSettings(max_latency_ms=1e-9)), {CapacityKind.VCPU}),
    "one fault domain": (seen(regions=each(SNAPSHOT.regions, fault_domain="one")), {CapacityKind.VCPU}),
    "huge demand": (question(Recipe(load=1e12)), ALL),
    "a minimum beyond all": (everywhere(minimum={CapacityKind.VCPU: 1e9}), {CapacityKind.VCPU}),
    "nothing offered": (seen(offers=()), ALL),
    "nothing offered any more": (seen(STANDING, offers=()), ALL),
    "an empty catalog": (replace(WORLD, catalog=EMPTY), ALL),
    "shapes that fit nowhere": (replace(WORLD, catalog=BIG), {CapacityKind.VCPU, CapacityKind.MEMORY_GIB}),
    "no quotas": (seen(quotas=()), ALL),
    "pools exhausted": (
        seen(pools=tuple(pool.model_copy(update={"taken": (pool.cidr,)}) for pool in SNAPSHOT.pools)),
        {CapacityKind.ADDRESSES},
    ),
    "no pools": (seen(pools=()), {CapacityKind.ADDRESSES}),
}


@pytest.mark.parametrize("name", PLANNED)
def test_an_odd_world_has_a_plan_that_a_second_does_not_change(name):
    plan = plan_of(PLANNED[name])
    assert Plan.unseal(plan.sealed(), where="plan") == plan
    assert plan_of(after(PLANNED[name], plan)).changes == ()


@pytest.mark.parametrize("name", LACKING)
def test_an_impossible_world_says_what_it_lacks(name):
    world, kinds = LACKING[name]
    found = build_plan(world, solve)
    assert isinstance(found, Infeasible)
    assert {item.kind for item in found.shortfalls} == kinds
    assert all(item.available < item.wanted and item.nearest for item in found.shortfalls)


@pytest.mark.parametrize("name", ["all paused", "nothing readable", "everything pinned"])
def test_what_may_not_move_does_not(name):
    assert plan_of(PLANNED[name]).changes == ()


def test_a_pinned_free_unit_counts_as_one_that_stands_ready():
    earlier = STANDING.earlier
    assert earlier is not None
    unit = next(item.resource for item in earlier.resources if item.resource.purpose is Purpose.STAGED)
    assert plan_of(people(STANDING, pins=(unit.key,))).changes == ()
