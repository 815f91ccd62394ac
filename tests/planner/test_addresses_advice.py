"""What is advised for blocks that will be over- or under-used: tables, and laws over random regions."""

from dataclasses import replace
from ipaddress import IPv4Network, ip_network
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.block_advice import BlockAction
from contracts.capacity import Pool
from contracts.forecast import BlockOutlook
from planner.address_stock.advice import advise_blocks
from prestage.views.plan import _block_advice
from tests.planner.worlds import WORLD, plan_of

PER_ADDRESS = 0.01


def outlook(block, share, *, per_address=PER_ADDRESS):
    """A block whose busiest hour is a share of what it can carry; over from 0.9 on, under below 0.1."""
    capacity = ip_network(block).num_addresses * per_address
    return BlockOutlook(
        block=block, hours=24, capacity_gbps=capacity, peak_gbps=share * capacity, under_share=0.1, over_share=0.9,
        under=0.95 if share < 0.1 else 0.0, over=0.95 if share > 0.9 else 0.0,
    )  # fmt: skip


def advise(shares, *, pool="10.0.0.0/24", taken=(), staged=()):
    pools = {"fra": (Pool(region="fra", cidr=pool),)}
    blocks = [outlook(block, share) for block, share in shares.items()]
    return advise_blocks(blocks, pools, (*shares, *taken, *staged), staged)


FULL = ("10.0.0.32/27", "10.0.0.64/26", "10.0.0.128/25")


@pytest.mark.parametrize(
    ("shares", "rest", "action", "into", "gives_way", "moves", "frees"),
    [
        ({"10.0.0.0/27": 1.2}, {}, "expand", ("10.0.0.0/26",), (), 0, -32),
        ({"10.0.0.0/27": 3.0}, {}, "expand", ("10.0.0.0/25",), (), 0, -96),
        ({"10.0.0.0/27": 1.2}, {"staged": ("10.0.0.32/28",)}, "expand", ("10.0.0.0/26",), ("10.0.0.32/28",), 0, -16),
        ({"10.0.0.0/27": 1.2, "10.0.0.32/27": 0.05}, {}, "merge", ("10.0.0.0/26",), ("10.0.0.32/27",), 0, 0),
        ({"10.0.0.0/27": 1.2}, {"taken": ("10.0.0.32/27",)}, "move", ("10.0.0.64/26",), (), 1, -32),
        ({"10.0.0.0/27": 1.2, "10.0.0.32/27": 0.5}, {}, "move", ("10.0.0.64/26",), (), 1, -32),
        (
            {"10.0.0.0/27": 1.2},
            {"taken": ("10.0.0.32/27", "10.0.0.64/27", "10.0.0.128/25")},
            "split",
            ("10.0.0.0/27", "10.0.0.96/27"),
            (),
            1,
            -32,
        ),
        ({"10.0.0.0/27": 1.2}, {"taken": FULL}, "enlarge_pool", ("10.0.0.0/27",), (), 0, 0),
        ({"10.0.0.0/24": 1.2}, {}, "enlarge_pool", ("10.0.0.0/24",), (), 0, 0),
    ],
)
def test_over_used(shares, rest, action, into, gives_way, moves, frees):
    found = advise(shares, **rest)[0]
    assert (found.action, found.into, found.gives_way) == (BlockAction(action), into, gives_way)
    assert (found.moves, found.frees, found.over, found.place, found.probability) == (moves, frees, True, "fra", 0.95)


@pytest.mark.parametrize(
    ("shares", "rest", "expected"),
    [
        ({"10.0.0.0/27": 0.05}, {}, [("10.0.0.0/27", "split", ("10.0.0.0/28",), 1, 16)]),
        ({"10.0.0.7/32": 0.05}, {}, []),
        ({"10.0.0.0/27": 0.05}, {"staged": ("10.0.0.0/27",)}, [("10.0.0.0/27", "reclaim", (), 0, 32)]),
        (
            {"10.0.0.0/27": 0.05, "10.0.0.64/26": 0.05},
            {},
            [("10.0.0.0/27", "merge", ("10.0.0.64/26",), 1, 32)],
        ),
        ({"10.0.0.0/27": 0.5}, {}, []),
        ({"192.0.2.0/27": 0.05}, {}, []),  # in no pool of ours
    ],
)
def test_under_used(shares, rest, expected):
    found = advise(shares, **rest)
    assert [(item.block, item.action, item.into, item.moves, item.frees) for item in found] == expected
    assert not any(item.over for item in found)


def test_ipv6():
    found = advise({"2001:db8::/64": 1.5}, pool="2001:db8::/56")
    assert (found[0].action, found[0].into) == ("expand", ("2001:db8::/63",))


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.tuples(st.integers(0, 15), st.sampled_from([28, 27, 26])), st.floats(0, 4), max_size=10),
    st.sets(st.integers(0, 15), max_size=4),
)
def test_no_address_is_counted_on_twice(blocks, staged):
    """Whatever is advised: afterwards no two blocks overlap, all lie in the pool, and addresses add up."""
    shares = {}
    apart: list[IPv4Network] = []
    for (at, length), share in blocks.items():
        network = IPv4Network((int(IPv4Network("10.0.0.0/24").network_address) + 16 * at, 32), strict=False)
        network = network.supernet(new_prefix=length)
        if not any(network.overlaps(other) for other in apart):
            apart.append(network)
            shares[str(network)] = share
    ready = tuple(
        prefix for prefix in (f"10.0.0.{16 * at}/28" for at in staged)
        if not any(ip_network(prefix).overlaps(other) for other in apart)
    )  # fmt: skip
    found = advise(shares, staged=ready)
    after = {*shares, *ready}
    for item in found:
        after -= {item.block, *item.gives_way}
    kept = [prefix for item in found for prefix in item.into]
    after |= set(kept)
    networks = sorted(map(IPv4Network, after))
    assert all(not one.overlaps(other) for one, other in pairwise(networks))
    assert all(network.subnet_of(IPv4Network("10.0.0.0/24")) for network in networks)
    used = sum(ip_network(prefix).num_addresses for prefix in (*shares, *ready))
    assert used - sum(network.num_addresses for network in networks) == sum(item.frees for item in found)


def test_a_plan_tells_it_and_does_nothing_of_it():
    """The block lies in the region's pool; the plan's resources are those of a plan without the outlook."""
    silent = plan_of(WORLD)
    document = WORLD.forecast.document.model_copy(update={"blocks": (outlook("10.0.9.64/27", 1.4),)})
    told = plan_of(replace(WORLD, forecast=replace(WORLD.forecast, document=document)))
    assert (silent.block_advice, len(told.block_advice)) == ((), 1)
    assert told.block_advice[0].place == "fra" and told.block_advice[0].over
    assert told.resources == silent.resources
    assert "10.0.9.64/27" in "\n".join(_block_advice(told))
