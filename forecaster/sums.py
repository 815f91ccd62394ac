"""Sums of pairs that are told beside regions' traffic, read off the same paths (pure).

What leaves a region (the row sum of its pairs), what reaches it (the column sum), and of each service what a region and
all of them carry. No model forecasts them: pairs' paths, raked to what regions say by themselves, say them, and so they
agree with pairs, services and regions on every path. A region's traffic is what leaves it and what reaches it, less
what stays within it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.derive import summed
from forecaster.panel import Matrix, Panel
from forecaster.paths import Paths, quantiles_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Totals:
    """Sums that are read off paths.

    Attributes:
        members: of each, the rows of the panel that it is the sum of.
        observed: (sums, past steps).
        quantiles: (sums, steps, levels).
    """

    members: Mapping[SeriesKey, tuple[int, ...]]
    observed: Matrix
    quantiles: Matrix


def totals(panel: Panel, keys: Sequence[SeriesKey], paths: Paths) -> Totals:
    """Every sum of pairs and services that a panel has but for regions' traffic, sorted by key.

    Args:
        panel: with a row for each region whose traffic is told.
        keys: of the series that have paths; members have.
        paths: (paths, those series, steps).
    """
    members, place = members_of(panel.keys), {key: at for at, key in enumerate(keys)}
    quantiles = np.zeros((len(members), paths.shape[2], len(LEVELS)))
    for number, rows in enumerate(members.values()):
        of = [place[panel.keys[row]] for row in rows]
        quantiles[number] = quantiles_of(paths[:, of].sum(axis=1, dtype=np.float64))
    return Totals(members=members, observed=observed_sums(panel, members), quantiles=quantiles)


def members_of(keys: Sequence[SeriesKey]) -> dict[SeriesKey, tuple[int, ...]]:
    """Rows of pairs and of their services by the sums that they are part of."""
    told = {key.subject for key in keys if key.kind is SeriesKind.REGION_TRAFFIC}
    found: dict[SeriesKey, list[int]] = {}
    for row, key in enumerate(keys):
        for total in _sums_of(key, told):
            found.setdefault(total, []).append(row)
    return {total: tuple(found[total]) for total in sorted(found)}


def observed_sums(panel: Panel, members: Mapping[SeriesKey, Sequence[int]]) -> Matrix:
    """What the sums were, (sums, past steps)."""
    return np.array([summed(panel, list(rows)) for rows in members.values()]).reshape(len(members), panel.steps)


def _sums_of(key: SeriesKey, told: set[str]) -> list[SeriesKey]:
    """The sums that a series is part of, of regions that are told."""
    if key.kind is SeriesKind.TRAFFIC:
        source, destination = key.regions
        ends = ((SeriesKind.REGION_OUT, source), (SeriesKind.REGION_IN, destination))
        return [SeriesKey(kind, region) for kind, region in ends if region in told]
    if key.kind is SeriesKind.SERVICE_TRAFFIC:
        here = [
            SeriesKey(SeriesKind.REGION_SERVICE, f"{key.service}@{region}")
            for region in sorted(set(key.regions) & told)
        ]
        return [*here, SeriesKey(SeriesKind.SERVICE_TOTAL, key.service)]
    return []
