"""How many units stand ready for requests that have not come yet.

Requests to arrive at a destination until staging is replenished, lead times included: mean and variance of each pair's
forecast, added up, at the quantile 1 - idle / (idle + missed), where idle is what one request's units cost until then
and missed what a request costs that staging could not meet (newsvendor). What is short of room is staged less, never
refused: staging is a convenience, serving is not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import ADDRESS_ITEM, CapacityKind
from contracts.environment import Environment
from contracts.forecast import BlockShare, ForecastBundle, RequestProfile
from contracts.names import link_name, pair_ends
from contracts.plan import ForecastLink, ReasonCode, Requirement
from contracts.resources import CircuitSpec, ComputeSpec, ResourceKind, StorageSpec
from contracts.series import Granularity, SeriesKey, SeriesKind
from contracts.staging import StagingSettings
from planner.address_stock.lengths import LengthRequests, PairRequests, Prices, ready_blocks
from planner.addresses import smallest_length
from planner.market import Market
from planner.question import Question
from planner.requirements import HIGHEST_LEVEL, LOWEST_LEVEL, rounded
from planner.volumes import spec_of, unit_volume

STAGED_VOLUME_GIB = 100
"""One staged volume: a request takes as many as it needs."""

UnitSpec = ComputeSpec | StorageSpec | CircuitSpec
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedUnits:
    """How many units of one kind a place should have free. A block has no spec before it is carved: `spec` is nothing.

    Attributes:
        size: what one unit is of the requirement's kind (vCPUs, GiB, gbps, addresses).
        blocks: of blocks, which are asked for.
    """

    place: str
    kind: ResourceKind
    spec: UnitSpec | None
    count: int
    size: float
    requirement: Requirement
    blocks: LengthRequests | None = None


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """Requests of one pair until staging is replenished, and what each takes, in units by kind."""

    pair: str
    mean: float
    variance: float
    profile: RequestProfile

    @property
    def joins(self) -> bool:
        """Whether they ask for a peering; else for nothing but addresses of one region."""
        source, destination = pair_ends(self.pair)
        return source != destination


def staged_units(question: Question, market: Market) -> tuple[StagedUnits, ...]:
    """Every kind of unit at every destination and link that requests are forecast for."""
    arrivals = tuple(_arrivals(question, market))
    found: list[StagedUnits] = []
    for region in sorted({pair_ends(item.pair)[1] for item in arrivals}):
        there = tuple(item for item in arrivals if pair_ends(item.pair)[1] == region)
        found += _at_place(question, market, region, tuple(item for item in there if item.joins))
        found += _blocks_at(question, market, region, there)
    for link in sorted({link_name(*pair_ends(item.pair)) for item in arrivals if item.joins}):
        across = tuple(item for item in arrivals if link_name(*pair_ends(item.pair)) == link)
        found += _at_place(question, market, link, across)
    return tuple(item for item in found if item.count > 0)


def expected_requests(forecast: ForecastBundle, pair: str, hours: int) -> tuple[float, float] | None:
    """Mean and variance of a pair's requests within so many hours: of days where days are forecast, else of hours.

    Steps count as independent of one another. Of a day that is needed in part, the requests of its first hours are the
    share of its requests that the hours of the forecast say, or of its hours where none are forecast: each request of
    the day comes in these hours with that probability, so that a share s of a mean m and a variance v has mean s m and
    variance s^2 (v - m) + s m.
    """
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, pair)
    for granularity, length in ((Granularity.DAILY, HOURS_A_DAY), (Granularity.HOURLY, 1)):
        if forecast.has(key, granularity):
            steps = forecast.values[key, granularity][: math.ceil(hours / length)]
            parts = np.minimum(1.0, hours / length - np.arange(len(steps)))
            weights = _level_weights(forecast.document.levels)
            means = steps @ weights
            variances = np.maximum(0.0, (steps**2) @ weights - means**2)
            if len(parts) and parts[-1] < 1:
                parts[-1] = _share_of_day(forecast, key, len(parts) - 1, parts[-1])
            return float(parts @ means), float(parts**2 @ variances + (parts - parts**2) @ means)
    return None


def _share_of_day(forecast: ForecastBundle, key: SeriesKey, day: int, share: float) -> float:
    """Which share of a day's requests comes in a share of it from its beginning on."""
    if not forecast.has(key, Granularity.HOURLY):
        return share
    weights = _level_weights(forecast.document.levels)
    hours = forecast.values[key, Granularity.HOURLY][day * HOURS_A_DAY : (day + 1) * HOURS_A_DAY] @ weights
    if len(hours) < HOURS_A_DAY or hours.sum() <= 0:
        return share
    return float(hours[: round(share * HOURS_A_DAY)].sum() / hours.sum())


def requests_at(mean: float, variance: float, level: float) -> int:
    """The quantile of a count by its normal approximation with continuity correction."""
    return max(0, math.ceil(mean + NormalDist().inv_cdf(level) * math.sqrt(variance) - 0.5 - 1e-9))


def _arrivals(question: Question, market: Market) -> Iterator[_Arrivals]:
    profiles = {(item.source, item.destination): item for item in question.forecast.document.request_profiles}
    regions = {region.name for region in question.environment.regions}
    for pair in question.forecast.subjects(SeriesKind.PEERING_REQUESTS):
        source, destination = pair_ends(pair)
        link, profile = link_name(source, destination), profiles.get((source, destination))
        joined = source == destination or link in market.links
        if profile is None or not joined or not regions.issuperset((source, destination)):
            continue
        if question.is_frozen(link):
            continue
        expected = expected_requests(question.forecast, pair, question.environment.staging.replenish_hours)
        if expected is not None and expected[0] > 0:
            yield _Arrivals(pair, *expected, profile)


def _within(question: Question, arrivals: _Arrivals, hours: int) -> _Arrivals:
    """A pair's requests of so many hours: until more of what takes them is staged, and there."""
    expected = expected_requests(question.forecast, arrivals.pair, hours)
    mean, variance = expected or (0.0, 0.0)
    return replace(arrivals, mean=mean, variance=variance)


def _at_place(question: Question, market: Market, place: str, arrivals: tuple[_Arrivals, ...]) -> Iterator[StagedUnits]:
    """Units of each kind: what the arrivals at the quantile take, in whole units, no more than the cap."""
    staging, missed = question.environment.staging, question.environment.costs.missed_staging_usd
    for kind, capacity, spec, size, usd in _unit_kinds(question.environment, market, place):
        hours = staging.replenish_hours + question.environment.horizons.lead_hours.get(capacity, 0)
        arrivals = tuple(_within(question, item, hours) for item in arrivals)
        mean, variance = sum(item.mean for item in arrivals), sum(item.variance for item in arrivals)
        if mean <= 0:
            continue
        takes = {item.pair: _units_each(item.profile, kind, size) for item in arrivals}
        each = sum(takes[item.pair] * item.mean for item in arrivals) / mean
        if each == 0:
            continue
        idle = usd * each * hours
        level = round(min(HIGHEST_LEVEL, max(LOWEST_LEVEL, 1 - idle / (idle + missed) if idle + missed else 0.5)), 4)
        requests = requests_at(mean, variance, level)
        if requests == 0:
            continue
        parts = {item.pair: rounded(requests * item.mean / mean * takes[item.pair] * size) for item in arrivals}
        parts = {pair: amount for pair, amount in parts.items() if amount > 0}
        count = math.ceil(sum(parts.values()) / size - 1e-6)
        parts |= _difference("whole units", count * size - sum(parts.values()))
        capped = min(count, staging.max_units_per_place)
        parts |= _difference("max_units_per_place", (capped - count) * size)
        largest = max(arrivals, key=lambda item: (item.mean, item.pair))
        yield StagedUnits(
            place=place,
            kind=kind,
            spec=spec,
            count=capped,
            size=size,
            requirement=Requirement(
                id=f"{place}/{capacity}/staged",
                place=place,
                kind=capacity,
                quantity=rounded(capped * size),
                code=ReasonCode.STAGING,
                forecast=_link(question, largest, level),
                parts=parts,
            ),
        )


def _unit_kinds(
    environment: Environment, market: Market, place: str
) -> Iterator[tuple[ResourceKind, CapacityKind, UnitSpec, float, float]]:
    """What one unit of each kind is at a place: spec, size, and USD per hour."""
    if place in market.links:
        if tier := market.smallest_tier(place):
            circuit = CircuitSpec(tier=tier[0].name, gbps=tier[0].gbps, count=1)
            yield ResourceKind.CIRCUIT, CapacityKind.GBPS, circuit, float(tier[0].gbps), tier[1]
        return
    if shape := market.smallest_shape(place):
        compute = ComputeSpec(shape=shape[0].name, count=1)
        yield ResourceKind.COMPUTE, CapacityKind.VCPU, compute, float(shape[0].vcpu), shape[1]
    if volume := unit_volume(market, environment, place, STAGED_VOLUME_GIB):
        usd = volume.usd_per_hour
        yield ResourceKind.STORAGE, CapacityKind.STORAGE_GIB, spec_of(volume), float(volume.gib), usd


def _blocks_at(
    question: Question, market: Market, region: str, arrivals: tuple[_Arrivals, ...]
) -> Iterator[StagedUnits]:
    """Free blocks of each length that is worth having ready at a region, the largest first: they find room worst."""
    staging, usd = question.environment.staging, market.price(region, ADDRESS_ITEM) or 0.0
    missed = question.environment.costs.missed_staging_usd
    hours = staging.replenish_hours + question.environment.horizons.lead_hours.get(CapacityKind.ADDRESSES, 0)
    arrivals = tuple(_within(question, item, hours) for item in arrivals)
    pairs = tuple(
        PairRequests(
            pair=item.pair, mean=item.mean, variance=item.variance, blocks=_asked_blocks(item.profile, staging)
        )
        for item in arrivals
    )
    prices = Prices(
        usd_per_address_hour=usd,
        missed_usd=missed,
        hours=hours,
        most=staging.max_units_per_place,
        reserve=question.environment.addresses.reserve,
    )
    for ready in reversed(ready_blocks(pairs, prices)):
        requests, size = ready.requests, ready.requests.addresses
        parts = {
            pair: rounded(ready.wanted * mean / requests.mean * size) for pair, mean in sorted(requests.by_pair.items())
        }
        parts = {pair: amount for pair, amount in parts.items() if amount > 0}
        parts |= _difference("max_units_per_place", (ready.count - ready.wanted) * size)
        yield StagedUnits(
            place=region,
            kind=ResourceKind.BLOCK,
            spec=None,
            count=ready.count,
            size=float(size),
            blocks=requests,
            requirement=Requirement(
                id=f"{region}/{CapacityKind.ADDRESSES}/staged/{requests.length}",
                place=region,
                kind=CapacityKind.ADDRESSES,
                quantity=float(ready.count * size),
                code=ReasonCode.STAGING,
                forecast=_length_link(question, requests, usd * size * hours),
                parts=parts,
            ),
        )


def _asked_blocks(profile: RequestProfile, staging: StagingSettings) -> tuple[BlockShare, ...]:
    """What a pair asks for; where history knows no lengths, one block that holds what it asks for."""
    if profile.blocks or not profile.addresses:
        return profile.blocks
    length = min(staging.block_length, smallest_length(profile.addresses))
    return (BlockShare(prefix_length=length, share=1.0, duration_hours=profile.duration_hours),)


def _length_link(question: Question, requests: LengthRequests, idle_usd: float) -> ForecastLink:
    """The pair that asks most for a length, at the quantile that a miss and an idle block ask for together."""
    missed = question.environment.costs.missed_staging_usd
    ratio = missed / (idle_usd + missed) if idle_usd + missed else LOWEST_LEVEL
    level = round(min(HIGHEST_LEVEL, max(LOWEST_LEVEL, ratio)), 4)
    pair = max(requests.by_pair, key=lambda name: (requests.by_pair[name], name))
    return ForecastLink(
        series=str(SeriesKey(SeriesKind.PEERING_REQUESTS, pair)),
        level=level,
        value=float(requests_at(requests.mean, max(0.0, requests.variance), level)),
        at=question.forecast.origin,
    )


def _units_each(profile: RequestProfile, kind: ResourceKind, size: float) -> int:
    """How many units one request of a pair takes. Compute counts by vCPUs: shapes of one size carry alike memory."""
    wanted = {
        ResourceKind.COMPUTE: profile.vcpu,
        ResourceKind.STORAGE: profile.storage_gib,
        ResourceKind.CIRCUIT: profile.gbps,
    }[kind]
    return math.ceil(wanted / size - 1e-9)


def _link(question: Question, arrivals: _Arrivals, level: float) -> ForecastLink:
    """The pair with most requests: how many of it are expected at the level."""
    return ForecastLink(
        series=str(SeriesKey(SeriesKind.PEERING_REQUESTS, arrivals.pair)),
        level=level,
        value=float(requests_at(arrivals.mean, arrivals.variance, level)),
        at=question.forecast.origin,
    )


def _difference(name: str, amount: float) -> dict[str, float]:
    return {name: rounded(amount)} if abs(amount) > 1e-6 else {}


def _level_weights(levels: tuple[float, ...]) -> NDArray[np.float64]:
    """How much of the probability each quantile level stands for: half way to its neighbours, and to 0 and 1."""
    edges = np.concatenate([[0.0], (np.array(levels[:-1]) + np.array(levels[1:])) / 2, [1.0]])
    weights: NDArray[np.float64] = np.diff(edges)
    return weights
