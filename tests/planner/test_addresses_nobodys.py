"""Staged blocks that nobody has: what their place costs, where they are moved, and that nothing else is."""

from dataclasses import replace
from ipaddress import IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.block_advice import BlockAction
from contracts.environment import RegionSettings
from contracts.ledger import UnitState
from contracts.plan import Operation
from contracts.resources import BlockSpec, Purpose, Resource
from contracts.staging import AddressSettings, Advised
from planner.address_stock.buddies import DISTRUST, OVERDUE_HOURS, SCARCITY, Buddies
from prestage.views.plan import _block_advice
from tests.planner.simulate import after, granted, registered, standing
from tests.planner.test_staging import asked_by_length, staging_world
from tests.planner.worlds import people, plan_of

ORDER = 6

blocks = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400)), min_size=1, max_size=14)


def filled(asked):
    """A pool, and what lies in it: first unit and order, and the end."""
    pool = Buddies(ORDER, 5)
    found = {(start, order): float(end) for order, end in asked if (start := pool.take(order, float(end))) is not None}
    return pool, found


def price_by_definition(found, mine, until):
    """Each larger prefix around a place: dearly where it is whole without it, else by how much later it comes free."""
    cost = 0.0
    for level in range(mine[1] + 1, 6):
        inside = [end for (start, _), end in found.items() if (start >> level) == (mine[0] >> level)]
        scarce = SCARCITY ** (level - 5)
        if not inside:
            cost += DISTRUST * scarce * until
        elif max(inside) >= until:
            break
        else:
            cost += scarce * max(0.0, until - max(*inside, OVERDUE_HOURS))
    return cost


@given(blocks, st.integers(0, 13), st.integers(1, 400))
def test_a_place_has_the_price_of_its_definition_and_asking_changes_nothing(asked, which, until):
    pool, found = filled(asked)
    mine = sorted(found)[which % len(found)]
    others = {block: end for block, end in found.items() if block != mine}
    before = (pool.holes(), pool.latest_end())
    assert pool.price(*mine, float(until)) == pytest.approx(price_by_definition(others, mine, float(until)))
    assert (pool.holes(), pool.latest_end()) == before
    for block in found:
        pool.release(*block)
    assert pool.holes() == (0,) * ORDER + (1,)


@given(blocks, st.integers(0, 13), st.integers(1, 400))
def test_a_better_place_is_free_and_costs_less(asked, which, until):
    pool, found = filled(asked)
    mine = sorted(found)[which % len(found)]
    price, free = pool.price(*mine, float(until)), pool.free_units
    better = pool.better(*mine, float(until))
    if better is None:
        assert pool.free_units == free
        return
    units = {unit for start, order in found for unit in range(start, start + (1 << order))}
    assert units.isdisjoint(range(better, better + (1 << mine[1])))
    assert pool.free_units == free - (1 << mine[1])  # both are taken, until what is old goes
    pool.release(*mine)  # what makes it better must not be its own old place
    assert pool.price(better, mine[1], float(until)) < price


def test_of_two_whole_blocks_the_smaller_is_broken_though_it_ends_later():
    """A hole beside what ends at 100 in a block of 8, and one in a block of 32 that is whole but for that."""
    pool = Buddies(6, 5)
    assert pool.take_at(0, 5, until=900) and pool.take_at(32, 3, until=100) and pool.take_at(48, 4, until=500)
    assert pool.take(0, until=90) == 40  # breaks the last free 8 of the 32 that ends latest of those that are in use


def world_with_a_stray(advice, **settings):
    """Staged blocks as a plan puts them, but for one /28 that lies alone in the middle of a free /17."""
    world = asked_by_length(staging_world(), (28, 0.5), (26, 0.5))
    world = people(after(world, plan_of(world)), addresses=AddressSettings(advice=advice), **settings)
    live = world.live()
    taken = max(key for key in live if key.startswith("fra/block/staged/") and key.endswith("-28"))
    spec = BlockSpec(prefix="10.0.128.0/28", pool="10.0.0.0/16")
    stray = Resource(key="fra/block/staged/10.0.128.0-28", place="fra", root="fra", purpose=Purpose.STAGED, spec=spec)
    resources = [stray, *(item for key, item in live.items() if key != taken)]
    return replace(standing(world, resources), ledger=registered(world.ledger, resources))


def block_changes(plan):
    return {(item.operation, item.key) for item in plan.changes if "/block/" in item.key}


BESIDE = "10.0.0.192/28"
"""The other /28 that is staged: it breaks a /26 as the stray does, the largest that is asked for; one would do."""


def test_by_default_it_stays_and_is_told():
    plan = plan_of(world_with_a_stray(Advised.SHOW))
    assert block_changes(plan) == set()
    (told,) = [item for item in plan.block_advice if item.staged]
    assert (told.block, told.action, told.moves, told.place) == (BESIDE, BlockAction.MOVE, 0, "fra")
    assert IPv4Network(told.into[0]).subnet_of(IPv4Network("10.0.128.0/26"))
    assert "nobody has it" in "\n".join(_block_advice(plan))


def test_where_plans_may_it_is_moved_once_and_nothing_else_is():
    world = world_with_a_stray(Advised.PLAN)
    plan = plan_of(world)
    made, gone = sorted(block_changes(plan))
    assert gone == (Operation.DELETE, "fra/block/staged/10.0.0.192-28") and made[0] is Operation.CREATE
    new = ip_network(made[1].removeprefix("fra/block/staged/").replace("-", "/"))
    live = [item.spec.prefix for item in world.live().values() if isinstance(item.spec, BlockSpec)]
    assert not any(new.overlaps(ip_network(prefix)) for prefix in live)
    assert not [item for item in plan.block_advice if item.staged]
    assert block_changes(plan_of(after(world, plan))) == set()


@pytest.mark.parametrize("strays", [("10.0.128.0/28", BESIDE), (BESIDE,)])
@pytest.mark.parametrize("state", [UnitState.HELD, UnitState.ACTIVE, UnitState.QUARANTINED])
def test_what_somebody_has_is_not_moved(state, strays):
    had = ["fra/block/staged/" + prefix.replace("/", "-") for prefix in strays]
    changes = block_changes(plan_of(granted(world_with_a_stray(Advised.PLAN), had, state)))
    assert changes and not [key for _, key in changes if key in had]


@pytest.mark.parametrize("pinned", [True, False])
def test_what_people_pinned_or_paused_is_not_moved(pinned):
    world = world_with_a_stray(Advised.PLAN)
    paused = tuple(
        RegionSettings(name=region.name, asn=region.asn, paused=region.name == "fra")
        for region in world.environment.regions
    )
    said = {"pins": ("fra/block/staged/10.0.0.192-28",)} if pinned else {"regions": paused}
    changes = block_changes(plan_of(people(world, **said)))
    assert not [key for _, key in changes if "10.0.0.192" in key]
    assert bool(changes) == pinned  # then the other one goes beside it
