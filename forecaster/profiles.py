"""What a peering request of each pair asks for, as history says: how large and how long, as distributions (pure).

A pair's own requests and those of all pairs are mixed, F = Z F_own + (1 - Z) F_all, with the credibility of Buehlmann
(1967; Buehlmann and Straub 1970), for each measure by itself:

    Z = n / (n + k),   k = variance within pairs / variance between pairs   of log(1 + x)
    n = sum of 0.5^(age / 56 days) over the pair's requests, which is also what each counts in F

Where pairs ask alike, a pair with few requests is told what all ask for; where each keeps to its own size, a few say
it. Quantiles are the smallest value that was asked for whose cumulative weight reaches the level: sizes come from
catalogues, and nobody asks for what lies between two of them. Requests for nothing but addresses of a region (both
ends the same) are a pool of their own.
"""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pandas as pd

from contracts.asked import AskedMeasure, AskedQuantiles
from contracts.forecast import BlockShare, Evidence, RequestProfile
from contracts.series import LEVELS
from forecaster.panel import Matrix, Steps

IPV4_BITS = 32
UPPER, MIDDLE = LEVELS.index(0.8), LEVELS.index(0.5)  # sizes are taken high: what is too small serves nobody
HALF_LIFE_DAYS = 56.0
MOST_NEEDED = 100.0  # requests of its own say half of it at the latest, however alike pairs are
ENOUGH_REQUESTS = 20.0  # by weight: one of them lies above the 0.95 quantile


def request_profiles(requests: pd.DataFrame, origin: datetime | None = None) -> tuple[RequestProfile, ...]:
    """One profile for each ordered pair that asked, sorted: distributions, their upper sizes and median duration.

    Args:
        requests: `REQUEST_COLUMNS`.
        origin: the moment that ages count from; the last request's by default.
    """
    if not len(requests):
        return ()
    alone = (requests["source"] == requests["destination"]).to_numpy()
    last = requests["time"].max() if origin is None else pd.Timestamp(origin)
    found = [one for pool in (requests[~alone], requests[alone]) if len(pool) for one in _profiles(pool, last)]
    return tuple(sorted(found, key=lambda one: (one.source, one.destination)))


def _profiles(requests: pd.DataFrame, origin: pd.Timestamp) -> Iterator[RequestProfile]:
    """Of the pairs of one pool."""
    days = ((origin - requests["time"]).dt.total_seconds() / 86_400).to_numpy(dtype=np.float64)
    weights = 0.5 ** (np.maximum(days, 0.0) / HALF_LIFE_DAYS)
    pairs = requests.groupby(["source", "destination"], sort=True)
    number = pairs.ngroup().to_numpy().astype(np.int64)
    known = np.bincount(number, weights)
    asked = {measure: _Asked(requests[measure.value], weights, number) for measure in AskedMeasure}
    for pair, ((source, destination), rows) in enumerate(pairs):
        said = {measure: one.of(pair) for measure, one in asked.items()}
        sizes = {measure.value: one.quantiles[UPPER] for measure, one in said.items()}
        yield RequestProfile(
            source=str(source),
            destination=str(destination),
            requests_seen=len(rows),
            vcpu=sizes["vcpu"],
            memory_gib=sizes["memory_gib"],
            storage_gib=sizes["storage_gib"],
            gbps=sizes["gbps"],
            addresses=-int(-sizes["addresses"] // 1),
            duration_hours=said[AskedMeasure.DURATION_HOURS].quantiles[MIDDLE],
            blocks=_block_shares(rows),
            asked=tuple(one for one in said.values() if one.quantiles[-1] > 0),
            evidence=Evidence.ENOUGH if known[pair] >= ENOUGH_REQUESTS else Evidence.THIN,
        )


class _Asked:
    """One measure of all requests of a pool: (requests,) values, weights and numbers of their pairs."""

    def __init__(self, column: pd.Series, weights: Matrix, number: Steps) -> None:
        self._measure = AskedMeasure(str(column.name))
        self._distinct, self._at = np.unique(np.round(column.to_numpy(dtype=np.float64), 6), return_inverse=True)
        self._weights, self._number = weights, number
        self._everyone = self._distribution(slice(None))
        self._needed = needed_requests(np.log1p(column.to_numpy(dtype=np.float64)), number)

    def of(self, pair: int) -> AskedQuantiles:
        """The distribution of one pair."""
        mine = np.flatnonzero(self._number == pair)
        known = float(self._weights[mine].sum())
        own = known / (known + self._needed) if known > 0 else 0.0
        share = own * self._distribution(mine) + (1 - own) * self._everyone
        reached = np.searchsorted(np.cumsum(share), np.array(LEVELS) - 1e-9)
        values = self._distinct[np.minimum(reached, len(self._distinct) - 1)]
        quantiles = tuple(float(value) for value in values)
        return AskedQuantiles(measure=self._measure, quantiles=quantiles, own=round(own, 4))

    def _distribution(self, rows: Steps | slice) -> Matrix:
        """The weight of each distinct value among some requests, summing to 1; nothing where all weigh nothing."""
        weight = np.bincount(self._at[rows], self._weights[rows], minlength=len(self._distinct))
        total = float(weight.sum())
        share: Matrix = weight / total if total > 0 else np.full(len(weight), 1 / len(weight))
        return share


def needed_requests(values: Matrix, number: Steps) -> float:
    """k: of how many requests of its own half of a pair's mixture is; 0 of one pair, or where each keeps to one size.

    Moments of the one-way layout, the groups being pairs (Buehlmann and Straub 1970).
    """
    count = np.bincount(number).astype(np.float64)
    if len(count) < 2:
        return 0.0
    mean = np.bincount(number, values) / count
    free = max(1.0, len(values) - len(count))
    within = float(np.square(values - mean[number]).sum()) / free
    apart = float((count * np.square(mean - values.mean())).sum()) - (len(count) - 1) * within
    between = apart / max(1e-12, len(values) - float(np.square(count).sum()) / len(values))
    if within <= 1e-12:
        return 0.0
    return min(MOST_NEEDED, within / between) if between > 0 else MOST_NEEDED


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
