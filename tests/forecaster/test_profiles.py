"""What requests ask for: distributions of sizes and durations, own ones and everybody's; blocks."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.asked import AskedMeasure
from contracts.forecast import Evidence, RequestProfile
from contracts.series import LEVELS
from forecaster.profiles import HALF_LIFE_DAYS, needed_requests, request_profiles
from tests.forecaster.estates import BEGIN, requests

FRA_AMS, AMS_FRA = ("fra", "ams"), ("ams", "fra")


def asked(pair: tuple[str, str], sizes, *, days_ago: float = 0.0, hours: float = 24.0) -> pd.DataFrame:
    """A request a size, an hour after the other, so many days before the first of January's."""
    at = [BEGIN - timedelta(days=days_ago) + timedelta(minutes=minute) for minute in range(len(sizes))]
    frame = requests(pair, at, duration_hours=hours)
    return frame.assign(vcpu=np.asarray(sizes, dtype=np.float64))


def profiles(*frames: pd.DataFrame, **options) -> dict[tuple[str, str], RequestProfile]:
    return {(one.source, one.destination): one for one in request_profiles(pd.concat(frames), **options)}


def quantiles(profile: RequestProfile, measure: AskedMeasure = AskedMeasure.VCPU) -> dict[float, float]:
    (found,) = [one for one in profile.asked if one.measure is measure]
    return dict(zip(LEVELS, found.quantiles, strict=True))


def test_sizes_are_upper_and_durations_are_medians_of_their_distributions():
    alone = [
        requests(FRA_AMS, [BEGIN], vcpu=float(n), addresses=float(n), duration_hours=float(n)).assign(ordinal=n)
        for n in range(1, 12)
    ]
    (profile,) = profiles(*alone).values()
    assert (profile.source, profile.destination, profile.requests_seen) == ("fra", "ams", 11)
    assert (profile.vcpu, profile.addresses, profile.duration_hours) == (9.0, 9, 6.0)
    assert quantiles(profile)[0.8] == 9.0 and quantiles(profile)[0.1] == 2.0 and quantiles(profile)[0.99] == 11.0
    assert quantiles(profile, AskedMeasure.DURATION_HOURS)[0.5] == 6.0
    assert profile.evidence is Evidence.THIN
    assert {one.measure for one in profile.asked} == set(AskedMeasure)


def test_a_pair_that_hardly_asked_is_told_what_all_ask_for_where_pairs_ask_alike():
    chance = np.random.default_rng(3)
    sizes = chance.choice([2.0, 4.0, 8.0, 16.0], (5, 60))
    others = [asked((f"r{n}", "ams"), row) for n, row in enumerate(sizes)]
    found = profiles(*others, asked(FRA_AMS, [2.0]))
    assert quantiles(found[FRA_AMS])[0.9] == 16.0 and found[FRA_AMS].evidence is Evidence.THIN
    assert found["r0", "ams"].evidence is Evidence.ENOUGH


def test_a_few_requests_say_it_where_every_pair_keeps_to_its_size():
    others = [asked((f"r{n}", "ams"), np.full(30, 2.0**n)) for n in range(1, 6)]
    found = profiles(*others, asked(FRA_AMS, [64.0, 64.0]))
    assert set(quantiles(found[FRA_AMS]).values()) == {64.0} and set(quantiles(found["r1", "ams"]).values()) == {2.0}


def test_what_was_asked_long_ago_counts_less():
    (profile,) = profiles(
        asked(FRA_AMS, np.full(30, 2.0), days_ago=3 * HALF_LIFE_DAYS), asked(FRA_AMS, [8.0] * 10)
    ).values()
    assert quantiles(profile)[0.2] == 2.0 and quantiles(profile)[0.3] == 8.0  # 30 / 8 beside 10
    assert profile.evidence is Evidence.THIN  # 13.75 of the 20 that are enough
    later = profiles(asked(FRA_AMS, [2.0] * 30), asked(AMS_FRA, [4.0] * 30), origin=BEGIN + timedelta(days=400))
    assert later[FRA_AMS].evidence is Evidence.THIN


def test_requests_for_addresses_alone_are_no_measure_of_peerings():
    found = profiles(asked(FRA_AMS, [8.0] * 5), asked(("fra", "fra"), [0.0] * 500))
    assert found[FRA_AMS].vcpu == 8.0
    assert AskedMeasure.VCPU not in {one.measure for one in found["fra", "fra"].asked}


@pytest.mark.parametrize(
    ("groups", "low", "high"),
    [([[0, 1, 0, 1], [5, 6, 5, 6]], 0.0, 0.05), ([[0, 5, 0, 5], [0, 5, 5, 0]], 100, 100), ([[1, 2, 3]], 0, 0)],
)
def test_how_many_of_its_own_say_half(groups, low, high):
    number = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    assert low <= needed_requests(np.concatenate(groups).astype(float), number) <= high


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10**9)), min_size=1, max_size=30))
def test_any_requests_give_lawful_distributions(found):
    """Of every pair that asked: ordered, each a value that somebody of its pool asked for."""
    pairs = (FRA_AMS, AMS_FRA, ("fra", "fra"))
    ends = [pairs[pair] for pair, _ in found]
    frame = asked(FRA_AMS, [size for _, size in found])
    frame = frame.assign(source=[source for source, _ in ends], destination=[there for _, there in ends])
    told = profiles(frame)
    assert set(told) == set(ends)
    for pair, profile in told.items():
        pool = {float(size) for at, size in found if (at == 2) == (pair == pairs[2])}
        for one in profile.asked:
            assert len(one.quantiles) == len(LEVELS) and list(one.quantiles) == sorted(one.quantiles)
            assert one.measure is not AskedMeasure.VCPU or set(one.quantiles) <= pool


def test_blocks_by_the_smallest_length_that_holds_the_addresses():
    """One of four asks for none; 16 addresses are a /28, 17 a /27."""
    wanted = [
        requests(FRA_AMS, [BEGIN + timedelta(hours=n)], addresses=float(count), duration_hours=float(n))
        for n, count in enumerate((16, 17, 10, 0), 1)
    ]
    blocks = request_profiles(pd.concat(wanted))[0].blocks
    assert [(item.version, item.prefix_length, item.share, item.duration_hours) for item in blocks] == [
        (4, 27, 0.25, 2.0),
        (4, 28, 0.5, 2.0),
    ]
