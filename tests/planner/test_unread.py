"""A plan over a snapshot that lacks a region: it is left as it was, and said to be; the others are planned."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.capacity import CapacityKind, Reading
from contracts.limits import CapacitySettings
from contracts.names import link_ends
from contracts.plan import Infeasible, UnreadRegion
from contracts.resources import FailoverSpec, StorageSpec
from planner.build import build_plan
from planner.market import Market
from planner.solve import solve
from tests.laws.environments import Recipe, question
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people, plan_of

FIRST = plan_of(WORLD)
STANDING = after(WORLD, FIRST)
LOST, OTHER = (item.name for item in WORLD.environment.regions[:2])


def blind(world, region=LOST, *, known=False):
    """The world as it is seen when a region does not answer: nothing of it, or what its last reading had."""
    seen = world.capacity
    here = {region, *(f"{a.a}--{a.b}" for a in seen.links if region in (a.a, a.b))}
    update = {
        "regions": tuple(facts.model_copy(update={"readable": facts.region != region}) for facts in seen.regions),
        "readings": (Reading(region=region, failed="no answer"),),
    }
    if not known:
        update |= {
            "quotas": tuple(item for item in seen.quotas if item.place != region),
            "offers": tuple(item for item in seen.offers if item.place != region),
            "resources": tuple(item for item in seen.resources if item.resource.place not in here),
        }
    return replace(world, capacity=seen.model_copy(update=update))


def touches(place, region=LOST):
    return region in (link_ends(place) if "--" in place else (place,))


def test_nothing_changes_where_nothing_is_known_and_the_plan_says_so():
    plan = plan_of(blind(STANDING))
    assert plan.unread == (UnreadRegion(region=LOST, why="no answer"),)
    assert not [change.key for change in plan.changes if touches(change.place)]
    kept = {item.resource.key: item.resource for item in plan.resources if touches(item.resource.place)}
    assert kept == {item.resource.key: item.resource for item in FIRST.resources if touches(item.resource.place)}
    assert not [item.what for item in plan.relied_on if touches(item.what.split()[1])]


def test_what_leans_on_the_lost_region_is_no_reason_to_move():
    """A call that fails for a minute shall not send failover and copies of volumes elsewhere."""
    leaning = {
        item.resource.key: item.resource.spec
        for item in FIRST.resources
        if (isinstance(item.resource.spec, FailoverSpec) and item.resource.spec.partner == LOST)
        or (isinstance(item.resource.spec, StorageSpec) and item.resource.spec.replica_region == LOST)
    }
    assert {type(spec) for spec in leaning.values()} == {FailoverSpec, StorageSpec}  # else this shows nothing
    plan = plan_of(blind(STANDING))
    planned = {item.resource.key: item.resource.spec for item in plan.resources}
    assert {key: planned[key] for key in leaning} == leaning


def test_an_unread_region_costs_what_it_cost():
    there = sum(item.usd_per_hour for item in FIRST.resources if touches(item.resource.place))
    plan = plan_of(blind(STANDING))
    assert there > 0
    assert round(sum(item.usd_per_hour for item in plan.resources if touches(item.resource.place)), 3) == round(
        there, 3
    )
    assert plan.cost.before_usd_per_hour >= there


def test_the_other_regions_are_planned():
    grown = question(Recipe(regions=4, load=1.6))
    world = replace(blind(STANDING), forecast=grown.forecast)
    plan = plan_of(world)
    assert plan.changes and not [change.key for change in plan.changes if touches(change.place)]


def test_what_a_last_reading_had_is_kept_as_well():
    plan = plan_of(blind(STANDING, known=True))
    assert not [change.key for change in plan.changes if touches(change.place)]
    assert Market.read(WORLD.catalog, STANDING.capacity).offered_shapes(LOST)


def test_a_first_plan_over_a_lost_region_leaves_it_out():
    plan = plan_of(blind(WORLD))
    assert plan.changes and not [item.resource.key for item in plan.resources if touches(item.resource.place)]
    assert [item.region for item in plan.unread] == [LOST]


def test_a_region_that_was_read_too_long_ago_is_left_as_it_is_and_its_age_is_told():
    read_at = STANDING.now - timedelta(hours=25)
    readings = (Reading(region=LOST, read_at=read_at), Reading(region=OTHER, read_at=STANDING.now))
    grown = question(Recipe(regions=4, load=1.6)).forecast
    world = replace(STANDING, capacity=STANDING.capacity.model_copy(update={"readings": readings}), forecast=grown)
    plan = plan_of(world)
    why = "was read 25 h ago; at most 24 h are allowed (capacity.max_age_minutes)"
    assert plan.unread == (UnreadRegion(region=LOST, why=why),)
    assert not [change.key for change in plan.changes if touches(change.place)]
    assert [change.key for change in plan.changes if touches(change.place, OTHER)]
    patient = people(world, capacity=CapacitySettings(max_age_minutes=25 * 60))
    assert plan_of(patient).unread == () and [item for item in plan_of(patient).changes if touches(item.place)]


@pytest.mark.parametrize("kind", [CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.STORAGE_GIB])
def test_a_quota_that_is_not_stated_is_told_as_such(kind):
    quotas = tuple(item for item in WORLD.capacity.quotas if (item.place, item.kind) != (LOST, kind))
    found = build_plan(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"quotas": quotas})), solve)
    assert isinstance(found, Infeasible) and {item.place for item in found.shortfalls} == {LOST}
    told = f"the capacity snapshot states no quota of {kind} at {LOST}, which counts as none there; "
    assert all(item.nearest.startswith(told) for item in found.shortfalls)
