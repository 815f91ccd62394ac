"""Address blocks that will be under- or over-used, with the probability of it (pure).

A block is judged by its busiest hour, on whole paths, beside what it can carry: what people say that an address of
IPv4 carries, else what the busiest tenth of all blocks of its family carries an address. Of addresses of IPv6 a block
has so many that nothing is said of one.
"""

from ipaddress import ip_network

import numpy as np

from contracts.environment import BlockUse
from contracts.forecast import BlockOutlook
from contracts.series import SeriesKind
from forecaster.panel import Matrix, Panel
from forecaster.paths import paths_within_memory, sample_paths, seasonal_ranks

BUSY = 0.9  # of all blocks, by what an address of theirs carried at most
MEMORY_WEEKS = 4
PATHS = 500


def block_outlooks(panel: Panel, quantiles: Matrix, rules: BlockUse, seed: int) -> tuple[BlockOutlook, ...]:
    """One for each block of an hourly panel whose size is known, over all steps ahead.

    Args:
        panel: what was seen.
        quantiles: (series, steps, levels) of what follows it.
        rules: when a block counts as under- or over-used.
        seed: of the paths.
    """
    rows = [row for row, key in enumerate(panel.keys) if key.kind is SeriesKind.BLOCK_TRAFFIC and _size(key.subject)]
    hours = quantiles.shape[1]
    if not rows or not hours:
        return ()
    blocks = panel.rows(rows)
    paths = sample_paths(quantiles[rows], seasonal_ranks(blocks), paths_within_memory(PATHS, len(rows), hours), seed)
    peaks, capacity = paths.max(axis=2), _capacity(blocks, rules)
    return tuple(
        BlockOutlook(
            block=key.subject,
            hours=hours,
            capacity_gbps=round(float(capacity[row]), 9),
            peak_gbps=round(float(np.median(peaks[:, row])), 9),
            under_share=rules.under_share,
            over_share=rules.over_share,
            under=float((peaks[:, row] < rules.under_share * capacity[row]).mean()),
            over=float((peaks[:, row] > rules.over_share * capacity[row]).mean()),
        )
        for row, key in enumerate(blocks.keys)
    )


def _capacity(blocks: Panel, rules: BlockUse) -> Matrix:
    """What each block can carry, gbps."""
    networks = [ip_network(key.subject, strict=False) for key in blocks.keys]
    sizes = np.array([float(network.num_addresses) for network in networks])
    lately = np.nan_to_num(blocks.observed[:, -MEMORY_WEEKS * blocks.week :])
    busiest = lately.max(axis=1) / sizes
    each = np.zeros(len(networks))
    for version in (4, 6):
        family = np.array([network.version == version for network in networks])
        used = busiest[family & (busiest > 0)]
        each[family] = float(np.quantile(used, BUSY)) if len(used) else 0.0
        if version == 4 and rules.gbps_per_address is not None:
            each[family] = rules.gbps_per_address
    capacity: Matrix = sizes * each
    return capacity


def _size(block: str) -> int:
    """Addresses of a block; 0 where it is none."""
    try:
        return ip_network(block, strict=False).num_addresses
    except ValueError:
        return 0
