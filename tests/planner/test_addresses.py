"""Carving blocks out of pools."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.capacity import Pool
from planner.address_stock.buddies import FOREVER
from planner.addresses import AddressSpace, smallest_length


def space(cidr="10.0.0.0/24", taken=(), also=()):
    return AddressSpace((Pool(region="fra", cidr=cidr, taken=tuple(taken)),), dict.fromkeys(also, FOREVER))


@pytest.mark.parametrize(
    ("taken", "length", "prefix"),
    [
        ([], 28, "10.0.0.0/28"),
        (["10.0.0.0/28"], 28, "10.0.0.16/28"),
        (["10.0.0.0/28"], 25, "10.0.0.128/25"),
        (["10.0.0.64/26", "10.0.0.160/27"], 27, "10.0.0.128/27"),  # the smallest gap that fits, not the first
        (["10.0.0.0/8"], 28, None),
        (["10.0.0.0/25"], 24, None),
        (["10.0.0.7/32"], 30, "10.0.0.0/30"),
    ],
)
def test_best_fit(taken, length, prefix):
    block = space(taken=taken).carve(length)
    assert (block.prefix if block else None) == prefix


def test_what_else_is_taken_counts_too_and_carving_takes():
    addresses = space(also=["10.0.0.0/25"])
    first, second, third = addresses.carve(26), addresses.carve(26), addresses.carve(26)
    assert first is not None and second is not None
    assert (first.prefix, second.prefix, third) == ("10.0.0.128/26", "10.0.0.192/26", None)
    assert addresses.free_addresses == 0


@pytest.mark.parametrize(("addresses", "length"), [(1, 32), (2, 31), (3, 30), (16, 28), (17, 27), (256, 24)])
def test_smallest_length(addresses, length):
    assert smallest_length(addresses) == length


@given(
    st.sets(st.tuples(st.integers(0, 255), st.integers(26, 32)), max_size=6),
    st.lists(st.integers(25, 32), min_size=1, max_size=12),
)
def test_blocks_never_overlap_and_nothing_is_lost(taken, lengths):
    prefixes = {str(IPv4Network((f"10.0.0.{at}", length), strict=False)) for at, length in taken}
    addresses = space(taken=prefixes)
    used = {int(address) for prefix in prefixes for address in IPv4Network(prefix)}
    assert addresses.free_addresses == 256 - len(used)
    for length in lengths:
        block = addresses.carve(length)
        if block is None:
            assert not any(  # the oracle: no aligned block of this size is free
                used.isdisjoint(int(address) for address in candidate)
                for candidate in IPv4Network("10.0.0.0/24").subnets(new_prefix=length)
            )
            continue
        inside = {int(address) for address in IPv4Network(block.prefix)}
        assert used.isdisjoint(inside)
        used |= inside
        assert addresses.free_addresses == 256 - len(used)
