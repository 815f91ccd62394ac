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
