"""What a peering request of each pair asks for, as history says (pure)."""

import numpy as np
import pandas as pd

from contracts.forecast import BlockShare, RequestProfile

IPV4_BITS = 32
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
                blocks=_block_shares(rows),
            )
        )
    return tuple(profiles)


def _block_shares(rows: pd.DataFrame) -> tuple[BlockShare, ...]:
    """By the prefix length of the smallest IPv4 block that holds the addresses of each request."""
    asking = rows[rows["addresses"] > 0]
    lengths = IPV4_BITS - np.ceil(np.log2(np.maximum(1.0, asking["addresses"].to_numpy(dtype=float))))
    return tuple(
        BlockShare(
            prefix_length=int(length),
            share=round(len(of_length) / len(rows), 6),
            duration_hours=round(float(of_length["duration_hours"].mean()), 6),
        )
        for length, of_length in asking.groupby(np.clip(lengths, 0, IPV4_BITS))
        if round(len(of_length) / len(rows), 6) > 0
    )
