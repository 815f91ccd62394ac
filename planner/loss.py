"""The world without some of its regions: what they had and offered is gone, their partners carry what is critical.

What the plan has stand by for a region becomes demand where it stands: `failover.critical_share` of the region's
compute, by the shares of its failover entries; of its storage all that is replicated, where the replica is. Traffic of
the region's pairs ends. The rest of its demand is met by nobody, and is told (`unserved`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import CapacityKind, CapacitySnapshot
from contracts.forecast import ForecastBundle
from contracts.names import pair_ends, place_ends
from contracts.resources import FailoverSpec, Purpose, Resource, Spec, StorageSpec
from contracts.series import Granularity, SeriesKey, SeriesKind
from contracts.spelling import likely
from contracts.what_if import Unserved
from planner.curves import SERIES_OF
from planner.errors import WhatIfRefused
from planner.market import Market
from planner.question import Question
from planner.requirements import quantile_level, rounded

Shares = dict[str, float]
"""Of a lost region's demand, by the region that carries it."""


def lose(question: Question, lost: Iterable[str], standing: tuple[Resource, ...]) -> Question:
    """The question once the regions are gone.

    Raises:
        WhatIfRefused: a region is not the environment's, or none would be left.
    """
    gone = _checked(question, lost)
    environment, ledger = question.environment, question.ledger
    regions = tuple(region for region in environment.regions if region.name not in gone)
    units = tuple(unit for unit in ledger.units if not _touches(unit.place, gone))
    return replace(
        question,
        environment=environment.model_copy(update={"regions": regions}),
        capacity=_without(question.capacity, gone),
        forecast=_carried(question, gone, standing),
        ledger=ledger.model_copy(update={"units": units}),
    )


def unserved(question: Question, lost: Iterable[str], standing: tuple[Resource, ...]) -> Iterator[Unserved]:
    """What each lost region's peak demand is, at the quantile that it is planned for, and who carries what of it."""
    gone, forecast = _checked(question, lost), question.from_now().forecast
    market = Market.read(question.catalog, question.capacity)
    steps = question.environment.horizons.validity_hours
    for region in sorted(gone):
        for kind, series in SERIES_OF.items():
            key = SeriesKey(series, region)
            if not forecast.has(key):
                continue
            level = quantile_level(question.environment, kind, market.unit_price(region, kind))
            shares = _shares(question, region, kind, gone, standing)
            yield _unserved(region, kind, forecast.peak(key, level, steps).value, shares)
        level = quantile_level(question.environment, CapacityKind.GBPS, None)
        if traffic := _traffic(forecast, region, level, steps):
            yield _unserved(region, CapacityKind.GBPS, traffic, {})


def _unserved(region: str, kind: CapacityKind, demand: float, shares: Shares) -> Unserved:
    carried = {other: rounded(demand * share) for other, share in sorted(shares.items())}
    left = rounded(max(0.0, demand * (1 - sum(shares.values()))))
    return Unserved(region=region, kind=kind, demand=rounded(demand), carried=carried, unmet=left)


def _traffic(forecast: ForecastBundle, region: str, level: float, steps: int) -> float:
    """The busiest hour of all pairs of a region together."""
    pairs = [pair for pair in forecast.subjects(SeriesKind.TRAFFIC) if region in pair_ends(pair)]
    keys = [SeriesKey(SeriesKind.TRAFFIC, pair) for pair in pairs]
    curves = [forecast.curve(key, level)[:steps] for key in keys if forecast.has(key)]
    return float(np.max(np.sum(curves, axis=0))) if curves else 0.0


def _checked(question: Question, lost: Iterable[str]) -> frozenset[str]:
    known = [region.name for region in question.environment.regions]
    gone = frozenset(lost)
    for region in sorted(gone.difference(known)):
        raise WhatIfRefused(
            f"there is no region {region!r}; {likely(region, known)}".rstrip("; "),
            where="lost",
            expected=f"some of {', '.join(known)}",
        )
    if gone.issuperset(known):
        raise WhatIfRefused("no region would be left", where="lost", expected=f"not all of {', '.join(known)}")
    return gone


def _touches(place: str, gone: frozenset[str]) -> bool:
    return not gone.isdisjoint(place_ends(place))


def _without(capacity: CapacitySnapshot, gone: frozenset[str]) -> CapacitySnapshot:
    """The snapshot without what the regions have, offer and are joined by. Replicas there are gone as well."""
    return capacity.model_copy(
        update={
            "regions": tuple(item for item in capacity.regions if item.region not in gone),
            "links": tuple(item for item in capacity.links if gone.isdisjoint((item.a, item.b))),
            "quotas": tuple(item for item in capacity.quotas if not _touches(item.place, gone)),
            "offers": tuple(item for item in capacity.offers if not _touches(item.place, gone)),
            "pools": tuple(item for item in capacity.pools if item.region not in gone),
            "readings": tuple(item for item in capacity.readings if item.region not in gone),
            "resources": tuple(item for item in capacity.resources if not _touches(item.resource.place, gone)),
            "stock": tuple(item for item in capacity.stock if not _touches(item.place, gone)),
        }
    )


def _carried(question: Question, gone: frozenset[str], standing: tuple[Resource, ...]) -> ForecastBundle:
    """The forecast in which partners have what they carry, quantile by quantile: demand in both peaks together."""
    before = question.forecast
    values = dict(before.values)
    for region in sorted(gone):
        for kind, series in SERIES_OF.items():
            for partner, share in _shares(question, region, kind, gone, standing).items():
                for granularity in Granularity:
                    load = before.values.get((SeriesKey(series, region), granularity))
                    if load is not None:
                        key = (SeriesKey(series, partner), granularity)
                        values[key] = _added(values.get(key), load * share)
    return replace(before, values=values)


def _added(one: NDArray[np.float64] | None, more: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum over the steps that both have; steps beyond stay as they are."""
    if one is None:
        return more
    total = one.copy()
    steps = min(len(one), len(more))
    total[:steps] += more[:steps]
    return total


def _shares(
    question: Question, region: str, kind: CapacityKind, gone: frozenset[str], standing: tuple[Resource, ...]
) -> Shares:
    """Who carries a lost region's demand of one kind; whoever is lost too carries nothing."""
    here = [item for item in standing if item.place == region]
    found: Shares = {}
    if kind is CapacityKind.STORAGE_GIB:
        found = _replicated([item.spec for item in here if item.purpose is Purpose.SERVING])
    else:
        critical = question.environment.critical_share_of(region)
        for spec in (item.spec for item in here):
            if isinstance(spec, FailoverSpec):
                found[spec.partner] = found.get(spec.partner, 0.0) + critical * spec.share
    return {partner: share for partner, share in sorted(found.items()) if partner not in gone}


def _replicated(specs: Iterable[Spec]) -> Shares:
    """By region, the share of a region's GiB that has a replica there."""
    volumes = [spec for spec in specs if isinstance(spec, StorageSpec)]
    whole = sum(volume.gib for volume in volumes)
    found: Shares = {}
    for volume in volumes:
        if volume.replica_region is not None:
            found[volume.replica_region] = found.get(volume.replica_region, 0.0) + volume.gib / whole
    return found
