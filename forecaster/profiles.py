"""What a peering request of each pair asks for, as history says (pure)."""

import pandas as pd

from contracts.forecast import RequestProfile

UPPER = 0.8  # sizes are taken high: a staged unit that is too small serves nobody
_UPPER_OF = ("vcpu", "memory_gib", "storage_gib", "gbps", "addresses")


def request_profiles(requests: pd.DataFrame) -> tuple[RequestProfile, ...]:
    """One profile for each ordered pair that asked, sorted: upper sizes, the median duration."""
    profiles = []
    for (source, destination), rows in requests.groupby(["source", "destination"], sort=True):
        sizes = {column: round(float(rows[column].quantile(UPPER)), 6) for column in _UPPER_OF}
        profiles.append(
            RequestProfile(
                source=str(source),
                destination=str(destination),
                requests_seen=len(rows),
                vcpu=sizes["vcpu"],
                memory_gib=sizes["memory_gib"],
                storage_gib=sizes["storage_gib"],
                gbps=sizes["gbps"],
                addresses=-int(-sizes["addresses"] // 1),
                duration_hours=round(float(rows["duration_hours"].median()), 6),
            )
        )
    return tuple(profiles)
