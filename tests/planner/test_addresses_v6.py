"""IPv6 pools are planned as IPv4 ones are: the same places, the same blocks ready, moved, reserved and waited for."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network

from hypothesis import given
from hypothesis import strategies as st

from contracts.capacity import CapacityKind, Pool
from contracts.environment import Horizons
from contracts.forecast import BlockShare
from contracts.plan import Operation
from contracts.resources import BlockSpec, Purpose, Resource, ResourceKind
from contracts.staging import AddressSettings, Advised
from planner.addresses import AddressSpace
from tests.planner.simulate import after, registered, standing
from tests.planner.test_staging import staging_world
from tests.planner.worlds import people, plan_of, specs

POOL4, POOL6 = IPv4Network("10.0.0.0/20"), IPv6Network("2001:db8::/44")
"""/20s to /32s of the one are /44s to /56s of the other."""


def at(network):
    """Where a prefix lies in its pool, and how long it is there."""
    pool = POOL4 if network.version == 4 else POOL6
    below = network.max_prefixlen - pool.prefixlen - 12
    return (int(network.network_address) - int(pool.network_address)) >> below, network.prefixlen - pool.prefixlen


def space(pool):
    return AddressSpace((Pool(region="fra", cidr=str(pool)),), {}, {pool.version: pool.prefixlen + 2})


@given(st.lists(st.tuples(st.integers(2, 12), st.integers(1, 900)), min_size=1, max_size=25))
def test_blocks_lie_where_those_of_ipv4_would(asked):
    four, six = space(POOL4), space(POOL6)
    for longer, hours in asked:
        one = four.carve(POOL4.prefixlen + longer, hours=hours, version=4)
        other = six.carve(POOL6.prefixlen + longer, hours=hours, version=6)
        assert (one is None) == (other is None)
        if one and other:
            assert at(ip_network(one.prefix)) == at(ip_network(other.prefix))


def world_of(*lengths, lead=0, **addresses):
    """Two requests a day for IPv6 blocks, one length as often as the other, out of a pool of them."""
    world = people(
        staging_world(replenish_hours=24),
        addresses=AddressSettings(**addresses),
        horizons=Horizons(lead_hours={CapacityKind.ADDRESSES: lead} if lead else {}),
    )
    blocks = tuple(
        BlockShare(prefix_length=length, version=6, share=1 / len(lengths), duration_hours=30) for length in lengths
    )
    document = world.forecast.document
    profile = document.request_profiles[0].model_copy(update={"blocks": blocks})
    forecast = replace(world.forecast, document=document.model_copy(update={"request_profiles": (profile,)}))
    pools = (*world.capacity.pools, Pool(region="fra", cidr=str(POOL6)))
    return replace(world, forecast=forecast, capacity=world.capacity.model_copy(update={"pools": pools}))


def staged(plan):
    return sorted(ip_network(spec.prefix) for spec in specs(plan, ResourceKind.BLOCK, Purpose.STAGED).values())


def test_the_lengths_that_are_asked_for_stand_ready_and_stay():
    world = world_of(48, 64)
    plan = plan_of(world)
    assert sorted(block.prefixlen for block in staged(plan)) == [48, 48, 64, 64]
    assert all(block.subnet_of(POOL6) for block in staged(plan))
    needs = {item.id for item in plan.requirements}
    assert needs >= {"fra/addresses/staged/48", "fra/addresses/staged/64"}
    assert not [change for change in plan_of(after(world, plan)).changes if "/block/" in change.key]


def test_a_reserve_is_kept_of_the_largest():
    rare = plan_of(world_of(48, *[64] * 49, reserve=3))
    assert [block.prefixlen for block in staged(rare)].count(48) == 3


def test_what_nobody_has_is_moved_where_it_breaks_a_larger_one():
    world = world_of(56, 64, advice=Advised.PLAN)
    world = after(world, plan_of(world))
    stray = BlockSpec(prefix="2001:db8:8::/64", pool=str(POOL6))
    live = world.live()
    taken = max(
        key for key, item in live.items() if isinstance(item.spec, BlockSpec) and item.spec.prefix.endswith("/64")
    )
    key = "fra/block/staged/2001-db8-8---64"
    resources = [
        Resource(key=key, place="fra", root="fra", purpose=Purpose.STAGED, spec=stray),
        *(item for name, item in live.items() if name != taken),
    ]
    plan = plan_of(replace(standing(world, resources), ledger=registered(world.ledger, resources)))
    assert key in {item.key for item in plan.changes if item.operation is Operation.DELETE}
    assert not any(block.overlaps(IPv6Network("2001:db8:8::/48")) for block in staged(plan))


def test_what_is_ordered_late_is_waited_for():
    plan = plan_of(world_of(56, lead=24))
    blocks = [item for item in plan.resources if "/block/staged/" in item.resource.key]
    assert len(blocks) == 4  # the requests of two days
    assert {item.ready_at for item in blocks} == {plan.made_at + timedelta(hours=24)}
