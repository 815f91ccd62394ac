"""What requests ask for: sizes high, duration in the middle."""

from datetime import timedelta

import pandas as pd

from forecaster.profiles import request_profiles
from tests.forecaster.estates import BEGIN, requests


def test_sizes_are_upper_and_durations_are_medians():
    asked = [
        requests(
            ("fra", "ams"), [BEGIN + timedelta(hours=n)], vcpu=float(n), addresses=float(n), duration_hours=float(n)
        )
        for n in range(1, 12)
    ]
    profile = request_profiles(pd.concat([*asked, requests(("ams", "fra"), [BEGIN])]))[1]
    assert (profile.source, profile.destination, profile.requests_seen) == ("fra", "ams", 11)
    assert (profile.vcpu, profile.addresses, profile.duration_hours) == (9.0, 9, 6.0)


def test_blocks_by_the_smallest_length_that_holds_the_addresses():
    """One of four asks for none; 16 addresses are a /28, 17 a /27."""
    asked = [
        requests(("fra", "ams"), [BEGIN + timedelta(hours=n)], addresses=float(count), duration_hours=float(n))
        for n, count in enumerate((16, 17, 10, 0), 1)
    ]
    blocks = request_profiles(pd.concat(asked))[0].blocks
    assert [(item.version, item.prefix_length, item.share, item.duration_hours) for item in blocks] == [
        (4, 27, 0.25, 2.0),
        (4, 28, 0.5, 2.0),
    ]
