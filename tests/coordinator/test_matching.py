"""Matching: tables for what is picked and what is missing, and laws over random stock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.requests import Requirements
from contracts.resources import ResourceKind
from coordinator.ledger.units import Size
from coordinator.matching import MAX_SPARE_BITS, Lot, Match, Tier, match

LINK = "ams--fra"


def lot(kind: ResourceKind, count: int, tier: Tier = Tier.STAGED, place: str = "fra", **size: int) -> Lot:
    return Lot(kind=kind, place=place, size=Size(**size), tier=tier, count=count)


def small(count: int, tier: Tier = Tier.STAGED) -> Lot:
    return lot(ResourceKind.COMPUTE, count, tier, vcpu=4, memory_gib=16)


def large(count: int, tier: Tier = Tier.STAGED) -> Lot:
    return lot(ResourceKind.COMPUTE, count, tier, vcpu=16, memory_gib=64)


def block(length: int, tier: Tier = Tier.STAGED) -> Lot:
    return lot(ResourceKind.BLOCK, 1, tier, prefix_length=length)


def circuits(count: int, place: str = LINK) -> Lot:
    return lot(ResourceKind.CIRCUIT, count, place=place, gbps=1)


def found(needs: Requirements, *lots: Lot) -> Match:
    return match(needs, "fra", LINK, lots)


PICKED = [
    ("one unit covers both", {"vcpu": 4, "memory_gib": 16}, [small(3), large(1)], [("s", 1)]),
    ("memory decides", {"vcpu": 1, "memory_gib": 33}, [small(3)], [("s", 3)]),
    ("the smallest that covers", {"vcpu": 5}, [small(1), large(1)], [("l", 1)]),
    ("largest first, then the smallest for the rest", {"vcpu": 18}, [small(5), large(2)], [("s", 1), ("l", 1)]),
    ("own hold first, though it is larger", {"vcpu": 4}, [small(1), large(1, Tier.OWN_HOLD)], [("l", 1)]),
    ("own hold first, the rest from staging", {"vcpu": 20}, [small(9), large(1, Tier.OWN_HOLD)], [("l", 1), ("s", 1)]),
    ("others' holds last", {"vcpu": 8}, [small(1), small(1, Tier.OTHERS_HOLD)], [("s", 1), ("s", 1)]),
    ("nothing asked, nothing taken", {}, [small(3)], []),
]


@pytest.mark.parametrize(("needs", "lots", "expected"), [case[1:] for case in PICKED], ids=[case[0] for case in PICKED])
def test_compute_is_picked(needs, lots, expected):
    result = found(Requirements(**needs), *lots)
    assert result.missing == ()
    assert [("s" if pick.lot.size.vcpu == 4 else "l", pick.count) for pick in result.picks] == expected


@pytest.mark.parametrize(
    ("wanted", "lots", "expected"),
    [
        (28, [block(24), block(26), block(28)], 28),
        (28, [block(24), block(26)], 26),
        (28, [block(28), block(24, Tier.OWN_HOLD)], 24),
        (28, [block(23)], None),
        (24, [block(28)], None),
    ],
)
def test_the_smallest_block_that_is_not_wasteful(wanted, lots, expected):
    result = found(Requirements(prefix_length=wanted), *lots)
    assert [pick.lot.size.prefix_length for pick in result.picks] == ([] if expected is None else [expected])
    assert (result.missing == ()) is (expected is not None)


def test_what_is_missing_is_named_in_numbers():
    needs = Requirements(vcpu=10, memory_gib=40, storage_gib=10, gbps=2, prefix_length=28)
    result = found(needs, small(2), circuits(1), circuits(9, "fra--lon"), block(30))
    assert {(item.kind, item.place, item.wanted, item.available) for item in result.missing} == {
        ("vcpu", "fra", 10, 8),
        ("memory_gib", "fra", 40, 32),
        ("storage_gib", "fra", 10, 0),
        ("gbps", LINK, 2, 1),
        ("addresses", "fra", 16, 4),
    }


LOTS = st.lists(
    st.builds(
        lambda vcpu, ratio, count, tier: lot(ResourceKind.COMPUTE, count, tier, vcpu=vcpu, memory_gib=vcpu * ratio),
        st.sampled_from([2, 4, 8, 16, 64]),
        st.sampled_from([2, 4, 8]),
        st.integers(0, 6),
        st.sampled_from(Tier),
    ),
    max_size=6,
    unique_by=lambda item: (item.size, item.tier),
)


@given(LOTS, st.integers(0, 200), st.integers(0, 600), st.randoms(use_true_random=False))
def test_a_match_covers_within_stock_and_spares_no_unit_in_vain(lots, vcpu, memory_gib, rng: random.Random):
    result = found(Requirements(vcpu=vcpu, memory_gib=memory_gib), *lots)
    have = sum(item.size.vcpu * item.count for item in lots), sum(item.size.memory_gib * item.count for item in lots)
    assert (result.missing == ()) is (have[0] >= vcpu and have[1] >= memory_gib)
    if result.missing:
        return
    given_vcpu = sum(pick.lot.size.vcpu * pick.count for pick in result.picks)
    given_memory = sum(pick.lot.size.memory_gib * pick.count for pick in result.picks)
    assert given_vcpu >= vcpu
    assert given_memory >= memory_gib
    assert all(0 < pick.count <= pick.lot.count for pick in result.picks)
    for size in (pick.lot.size for pick in result.picks if pick.lot.tier is not Tier.OWN_HOLD):
        assert given_vcpu - size.vcpu < vcpu or given_memory - size.memory_gib < memory_gib
    shuffled = rng.sample(lots, len(lots))
    assert found(Requirements(vcpu=vcpu, memory_gib=memory_gib), *shuffled) == result


@given(st.sets(st.integers(8, 32)), st.integers(8, 32))
def test_no_smaller_block_would_do(lengths, wanted):
    result = found(Requirements(prefix_length=wanted), *(block(length) for length in lengths))
    fitting = [length for length in lengths if wanted - MAX_SPARE_BITS <= length <= wanted]
    assert [pick.lot.size.prefix_length for pick in result.picks] == ([max(fitting)] if fitting else [])
