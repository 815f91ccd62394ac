"""Circuits against an oracle that tries every combination."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.capacity import CircuitTier
from planner.circuits import cheapest_circuits, most_gbps

TIERS = (CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10), CircuitTier(name="100g", gbps=100))
PRICES = (0.25, 1.5, 9.0)
OFFERS = tuple(zip(TIERS, PRICES, strict=True))


def oracle(demand, room, offers):
    """The least cost over all counts that could matter, or nothing."""
    ranges = [range(int(max(demand, 0)) // tier.gbps + 2) for tier, _ in offers]
    costs = []
    for counts in product(*ranges):
        gbps = sum(count * tier.gbps for count, (tier, _) in zip(counts, offers, strict=True))
        if demand <= gbps <= room:
            costs.append(sum(count * usd for count, (_, usd) in zip(counts, offers, strict=True)))
    return min(costs, default=None)


@pytest.mark.parametrize(
    ("demand", "room", "counts"),
    [
        (0.0, 100, {}),
        (0.4, 100, {"1g": 1}),
        (5.2, 100, {"10g": 1}),  # six of 1g cost as much as one of 10g, which carries more
        (5.0, 100, {"1g": 5}),
        (12.0, 100, {"1g": 2, "10g": 1}),
        (17.0, 19, {"1g": 7, "10g": 1}),  # two of 10g do not fit
        (61.0, 400, {"100g": 1}),
        (61.0, 99, {"1g": 1, "10g": 6}),
    ],
)
def test_counts(demand, room, counts):
    found = cheapest_circuits(demand, room, OFFERS)
    assert found is not None
    assert dict(found.counts) == counts


@pytest.mark.parametrize(("demand", "room", "offers"), [(5.0, 4.9, OFFERS), (1.0, 10.0, ()), (5.0, 9.0, OFFERS[1:])])
def test_what_cannot_be_carried(demand, room, offers):
    assert cheapest_circuits(demand, room, offers) is None


@given(
    st.floats(0.01, 40),
    st.integers(0, 60),
    st.lists(
        st.tuples(st.sampled_from(TIERS[:2]), st.floats(0.05, 5)),
        min_size=1,
        max_size=2,
        unique_by=lambda offer: offer[0],
    ),
)
def test_no_combination_is_cheaper(demand, room, offers):
    found, least = cheapest_circuits(demand, room, offers), oracle(demand, room, offers)
    assert (found is None) == (least is None)
    if found is not None and least is not None:
        assert found.usd_per_hour == pytest.approx(least)
        assert demand - 1e-6 <= found.gbps <= room


def test_the_most_that_fits():
    assert most_gbps(37.5, OFFERS) == 37
    assert most_gbps(37.5, OFFERS[1:]) == 30
    assert most_gbps(37.5, ()) == 0
