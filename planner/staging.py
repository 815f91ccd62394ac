"""How many units stand ready for requests that have not come yet.

Requests to arrive at a destination until staging is replenished, lead times included: mean and variance of each pair's
forecast, added up, at the quantile 1 - idle / (idle + missed), where idle is what one request's units cost until then
and missed what a request costs that staging could not meet (newsvendor). What is short of room is staged less, never
refused: staging is a convenience, serving is not.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.capacity import ADDRESS_ITEM, CapacityKind
from contracts.environment import Environment
from contracts.forecast import BlockShare, RequestProfile
from contracts.names import link_name, pair_ends
from contracts.plan import ForecastLink, ReasonCode, Requirement
from contracts.resources import CircuitSpec, ComputeSpec, ResourceKind, StorageSpec
from contracts.series import SeriesKey, SeriesKind
from contracts.staging import StagingSettings
from planner.address_stock.lengths import (
    LengthRequests,
    PairRequests,
    Prices,
    ReadyBlocks,
    Within,
    hours_looked_at,
    ready_blocks,
)
from planner.addresses import HOUR, smallest_length
from planner.arrivals import Arrivals, expected_arrivals, requests_at, within
from planner.market import Market
from planner.on_the_way import on_the_way
from planner.question import Question
from planner.requirements import HIGHEST_LEVEL, LOWEST_LEVEL, rounded
from planner.scarce_units import Odds
from planner.volumes import spec_of, unit_volume

STAGED_VOLUME_GIB = 100
"""One staged volume: a request takes as many as it needs."""

UnitSpec = ComputeSpec | StorageSpec | CircuitSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Of blocks that are there only some hours after they are ordered.

    Attributes:
        ready_at: when those that are ordered now are there.
        coming: when those are that an earlier plan ordered, by key.
        stays: of the others, so many stay while no more are ordered.
        hours: within which they are needed; 0 where none are.
        forecast: the requests of these hours, and the quantile of them that what stays meets.
    """

    ready_at: datetime
    coming: Mapping[str, datetime]
    stays: int
    hours: float
    forecast: ForecastLink


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedUnits:
    """How many units of one kind a place should have free. A block has no spec before it is carved: `spec` is nothing.

    Attributes:
        size: what one unit is of the requirement's kind (vCPUs, GiB, gbps, addresses).
        odds: of requests for them.
        blocks: of blocks, which are asked for.
        wait: what is known of those that are not there at once.
    """

    place: str
    kind: ResourceKind
    spec: UnitSpec | None
    count: int
    size: float
    requirement: Requirement
    odds: Odds
    blocks: LengthRequests | None = None
    wait: Wait | None = None


def staged_units(question: Question, market: Market) -> tuple[StagedUnits, ...]:
    """Every kind of unit at every destination and link that requests are forecast for, but where all stays as it is."""
    arrivals = tuple(expected_arrivals(question, market))
    found: list[StagedUnits] = []
    regions = {pair_ends(item.pair)[1] for item in arrivals}
    for region in sorted(region for region in regions if not question.is_frozen(region)):
        there = tuple(item for item in arrivals if pair_ends(item.pair)[1] == region)
        found += _at_place(question, market, region, tuple(item for item in there if item.joins))
        found += _blocks_at(question, market, region, there)
    links = {link_name(*pair_ends(item.pair)) for item in arrivals if item.joins}
    for link in sorted(link for link in links if not question.is_frozen(link)):
        across = tuple(item for item in arrivals if link_name(*pair_ends(item.pair)) == link)
        found += _at_place(question, market, link, across)
    return tuple(item for item in found if item.count or (item.wait and (item.wait.stays or item.wait.coming)))


def _at_place(question: Question, market: Market, place: str, arrivals: tuple[Arrivals, ...]) -> Iterator[StagedUnits]:
    """Units of each kind: what the arrivals at the quantile take, in whole units, no more than the cap."""
    staging, missed = question.environment.staging, question.environment.costs.missed_staging_usd
    for kind, capacity, spec, size, usd in _unit_kinds(question.environment, market, place):
        hours = staging.replenish_hours + question.environment.horizons.lead_hours.get(capacity, 0)
        arrivals = tuple(within(question, item, hours) for item in arrivals)
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
            odds=Odds(mean=mean, variance=variance, each=each, hours=hours, idle_usd=usd, missed_usd=missed),
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
    question: Question, market: Market, region: str, arrivals: tuple[Arrivals, ...]
) -> Iterator[StagedUnits]:
    """Free blocks of each length that is worth having ready at a region, the largest first: they find room worst."""
    staging, usd = question.environment.staging, market.price(region, ADDRESS_ITEM)
    if usd is None:  # not sold there, as shapes and circuits without a price are not
        return
    lead = question.environment.horizons.lead_hours.get(CapacityKind.ADDRESSES, 0)
    prices = Prices(
        usd_per_address_hour=usd,
        missed_usd=question.environment.costs.missed_staging_usd,
        hours=staging.replenish_hours,
        most=staging.max_units_per_place,
        reserve=question.environment.addresses.reserve,
    )
    coming = on_the_way(question, region)
    hours = {length: [(at - question.now) / HOUR for at in each.values()] for length, each in coming.items()}
    pairs = tuple(_pair_requests(question, item, lead) for item in arrivals)
    for ready in reversed(ready_blocks(pairs, prices, hours)):
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
            odds=Odds(
                mean=requests.mean,
                variance=requests.variance,
                each=1,
                hours=staging.replenish_hours + lead,
                idle_usd=usd * size,
                missed_usd=prices.missed_usd,
            ),
            wait=_wait(question, ready, coming.get(requests.key, {})) if lead else None,
            requirement=Requirement(
                id=f"{region}/{CapacityKind.ADDRESSES}/staged/{requests.length}",
                place=region,
                kind=CapacityKind.ADDRESSES,
                quantity=float(ready.count * size),
                code=ReasonCode.STAGING,
                forecast=_length_link(question, requests, _level(question, ready, usd, lead)),
                parts=parts,
            ),
        )


def _pair_requests(question: Question, arrivals: Arrivals, lead: int) -> PairRequests:
    """A pair's requests until blocks that are ordered now are there, until the next would be, and for what is there."""
    staging = question.environment.staging
    last = within(question, arrivals, staging.replenish_hours + lead)
    return PairRequests(
        pair=arrivals.pair,
        mean=last.mean,
        variance=last.variance,
        blocks=_asked_blocks(arrivals.profile, staging),
        before=within(question, arrivals, lead).mean if lead else 0.0,
        lulls=tuple(
            Within(hours, found.mean, found.variance)
            for hours in hours_looked_at(staging.replenish_hours, lead)
            for found in (within(question, arrivals, hours),)
        ),
    )


def _asked_blocks(profile: RequestProfile, staging: StagingSettings) -> tuple[BlockShare, ...]:
    """What a pair asks for; where history knows no lengths, one block that holds what it asks for."""
    if profile.blocks or not profile.addresses:
        return profile.blocks
    length = min(staging.block_length, smallest_length(profile.addresses))
    return (BlockShare(prefix_length=length, share=1.0, duration_hours=profile.duration_hours),)


def _level(question: Question, ready: ReadyBlocks, usd: float, lead: int) -> float:
    """The quantile of requests that the blocks wanted meet; where they are there at once, that which prices ask for."""
    if lead:
        return ready.requests.chance_of(ready.wanted)
    missed = question.environment.costs.missed_staging_usd
    idle = usd * ready.requests.addresses * question.environment.staging.replenish_hours
    return missed / (idle + missed) if idle + missed else LOWEST_LEVEL


def _wait(question: Question, ready: ReadyBlocks, coming: Mapping[str, datetime]) -> Wait:
    """What is known of blocks that are there only some hours after they are ordered."""
    requests, soon = ready.requests, ready.needed_within
    asked = replace(requests, mean=soon.mean, variance=soon.variance) if soon else requests
    return Wait(
        ready_at=question.now + HOUR * question.environment.horizons.lead_hours[CapacityKind.ADDRESSES],
        coming=coming,
        stays=ready.stays,
        hours=soon.hours if soon else 0.0,
        forecast=_length_link(question, asked, requests.chance_of(ready.stays, soon)),
    )


def _length_link(question: Question, requests: LengthRequests, level: float) -> ForecastLink:
    """The pair that asks most for a length, and how many ask for it in all at a quantile."""
    level = round(min(HIGHEST_LEVEL, max(LOWEST_LEVEL, level)), 4)
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


def _link(question: Question, arrivals: Arrivals, level: float) -> ForecastLink:
    """The pair with most requests: how many of it are expected at the level."""
    return ForecastLink(
        series=str(SeriesKey(SeriesKind.PEERING_REQUESTS, arrivals.pair)),
        level=level,
        value=float(requests_at(arrivals.mean, arrivals.variance, level)),
        at=question.forecast.origin,
    )


def _difference(name: str, amount: float) -> dict[str, float]:
    return {name: rounded(amount)} if abs(amount) > 1e-6 else {}
