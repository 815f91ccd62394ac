"""The score: a table of parts, and what moves it which way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.environment import Score
from contracts.requests import AddressRequest
from coordinator.score import Outlook, score_request


def request(bid: float = 0.0, gbps: float = 0.0) -> AddressRequest:
    return AddressRequest(
        id="a1", customer="acme", region="fra", prefix_length=28, bid_usd_per_hour=bid, expected_gbps=gbps
    )


def outlook(traffic: float | None = 4.0, carried: float = 10.0, free: float = 0.5) -> Outlook:
    return Outlook(traffic_gbps=traffic, carried_gbps=carried, addresses_free_share=free)


def parts(asked: AddressRequest, expected: Outlook, settings: Score | None = None) -> dict[str, float]:
    return {part.name: part.value for part in score_request(asked, expected, settings or Score()).parts}


@pytest.mark.parametrize(
    ("bid", "value"), [(0.0, 0.0), (0.01, 0.5), (0.02, pytest.approx(2 / 3, abs=1e-6)), (0.99, 0.99)]
)
def test_the_bid_counts_half_at_the_reference(bid, value):
    assert parts(request(bid=bid), outlook())["bid"] == value


@pytest.mark.parametrize(
    ("gbps", "seen", "value"),
    [
        (0, outlook(), 1.0),
        (3, outlook(), 0.5),
        (9, outlook(), 0.0),
        (1, outlook(traffic=12), 0.0),
        (0, outlook(traffic=None), 0.0),
        (0, outlook(carried=0), 0.0),
    ],
)
def test_traffic_counts_by_the_headroom_that_it_leaves(gbps, seen, value):
    assert parts(request(gbps=gbps), seen)["traffic"] == pytest.approx(value)


@pytest.mark.parametrize(
    ("seen", "value"), [(outlook(), 0.55), (outlook(traffic=10, free=0), 0.0), (outlook(traffic=None, free=1), 0.5)]
)
def test_alignment_is_predicted_under_use(seen, value):
    assert parts(request(), seen)["alignment"] == pytest.approx(value)


def test_the_score_is_the_weighted_mean_and_must_be_above_the_threshold():
    settings = Score(bid_weight=1, traffic_weight=0, alignment_weight=1, threshold=0.525)
    scoring = score_request(request(bid=0.01), outlook(), settings)
    assert scoring.total == pytest.approx(0.525)
    assert not scoring.enough
    assert score_request(request(bid=0.011), outlook(), settings).enough


def test_no_weights_no_score():
    assert (
        score_request(request(bid=1), outlook(), Score(bid_weight=0, traffic_weight=0, alignment_weight=0)).total == 0
    )


AMOUNT = st.floats(0, 50, allow_nan=False)


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT, st.floats(0, 1), AMOUNT)
def test_a_higher_bid_never_lowers_and_more_traffic_never_raises(bid, gbps, traffic, carried, free, more):
    seen = outlook(traffic, carried, free)
    base = score_request(request(bid, gbps), seen, Score()).total
    assert 0 <= base <= 1
    assert score_request(request(bid + more, gbps), seen, Score()).total >= base - 1e-6
    assert score_request(request(bid, gbps + more), seen, Score()).total <= base + 1e-6
    assert score_request(request(bid, gbps), outlook(traffic + more, carried, free), Score()).total <= base + 1e-6
