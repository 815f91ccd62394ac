"""All of an environment's regions in clouds, read at a time. A region that cannot be read is named so, never zero.

Each region is read by itself: what one account or location refuses, or answers too late, is told of that region, with
the figures of its last reading, and the others go on.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from contracts.accounts import TargetName
from contracts.capacity import Catalog, Reading
from contracts.environment import Environment, RegionSettings
from stacks.capacity.live import Known, live_resources
from stacks.capacity.part import CapacityPart, Figures, Place, Prices
from stacks.capacity.region import facts_of, part_of
from stacks.capacity.remembered import Memory, RegionReading
from stacks.clouds.cloud import CloudResource
from stacks.clouds.open_cloud import open_clouds
from stacks.errors import CloudError, CloudUnreachable

AT_ONCE = 8
"""Regions read at a time; within one of them, calls follow one another."""

PATIENCE_S = 120.0
"""What takes longer counts as unreadable: a plan does not wait for one region for ever."""

Item = TypeVar("Item", Place, RegionSettings)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is read, and what is known beforehand.

    Attributes:
        known: the ledger's and the engine's word on resources.
        memory: where readings are kept.
        now: the time of this reading.
        young: a reading that is no older is taken as it is.
        patience_s: how long all regions together may take.
        tagged: by region, what carries our tags, or why that could not be read; read here where it is None.
    """

    environment: Environment
    catalog: Catalog
    known: Known
    memory: Memory
    now: datetime
    young: timedelta = timedelta(0)
    patience_s: float = PATIENCE_S
    tagged: Mapping[str, tuple[CloudResource, ...] | CloudError] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudsRead:
    """A part a region, and why some of them are not of now."""

    parts: tuple[CapacityPart, ...]
    failures: Mapping[str, CloudError]


def read_clouds(asked: Asked) -> CloudsRead:
    """Reads every region that lies in a cloud; never raises for one of them."""
    places = {place.region: place for place in _places(asked)}
    outcomes = _each(places.values(), lambda place: _read(asked, place), asked.patience_s)
    failures = {region: told for region, told in outcomes.items() if isinstance(told, CloudError)}
    parts = [
        _not_of_now(asked, places[region], told) if isinstance(told, CloudError) else told
        for region, told in outcomes.items()
    ]
    return CloudsRead(parts=tuple(parts), failures=failures)


def tagged_by_region(environment: Environment) -> Mapping[str, tuple[CloudResource, ...] | CloudError]:
    """What carries the environment's tags, region by region; why, where that could not be read."""
    regions = [region for region in environment.regions if region.cloud]
    return _each(regions, lambda region: tagged_in(environment, region), PATIENCE_S)


def tagged_in(environment: Environment, region: RegionSettings) -> tuple[CloudResource, ...]:
    """What carries the environment's tags in one region; a service without regions shows in each of them.

    Raises:
        CloudError: it could not be read.
    """
    alone = environment.model_copy(update={"regions": (region,)})
    return tuple(item for cloud in open_clouds(alone).values() for item in cloud.tagged(environment.name))


def _places(asked: Asked) -> Iterable[Place]:
    for region in asked.environment.regions:
        account = asked.environment.account(region.name)
        if region.cloud and account:
            yield Place(
                region=region.name,
                cloud=region.cloud,
                account=account,
                environment=asked.environment.name,
                catalog=asked.catalog,
            )


def _read(asked: Asked, place: Place) -> CapacityPart:
    """One region, now: what lives there, then its figures; kept for a time when it cannot be read."""
    earlier = asked.memory.recall(place.region, _identity(place))
    if earlier is not None and timedelta(0) <= asked.now - earlier.read_at < asked.young:
        told = Reading(region=place.region, read_at=earlier.read_at, prices=earlier.prices.source)
        return replace(earlier.part(), regions=(facts_of(place),), readings=(told,))
    found = _tagged(asked, place.region)
    place = replace(place, resources=live_resources(found, asked.environment, asked.known))
    figures = _figures(place, earlier.prices if earlier else None, asked.now)
    part = part_of(place, figures)
    asked.memory.keep(_reading(place, part, figures.prices, asked.now))
    told = Reading(region=place.region, read_at=asked.now, prices=figures.prices.source)
    return replace(part, readings=(told,))


def _tagged(asked: Asked, region: str) -> tuple[CloudResource, ...]:
    """What carries our tags in a region: as it is known already, else read now."""
    if asked.tagged is None:
        settings = asked.environment.region(region)
        assert settings
        return tagged_in(asked.environment, settings)
    found = asked.tagged[region]
    if isinstance(found, CloudError):
        raise found
    return found


def _figures(place: Place, earlier: Prices | None, now: datetime) -> Figures:
    """By target, imported when it is needed: each brings a cloud's library along."""
    if place.account.target is TargetName.AWS:
        from stacks.capacity import aws
        from stacks.clouds.aws.session import aws_clients

        return aws.read_figures(place, aws_clients(place.account, place.cloud.location), earlier, now)
    from stacks.capacity import gcp
    from stacks.clouds.gcp.session import gcp_session

    return gcp.read_figures(place, gcp_session(place.account), earlier, now)


def _not_of_now(asked: Asked, place: Place, failure: CloudError) -> CapacityPart:
    """A region that could not be read: named so, with what was known of it last."""
    earlier = asked.memory.recall(place.region, _identity(place))
    told = Reading(
        region=place.region,
        read_at=earlier.read_at if earlier else None,
        prices=earlier.prices.source if earlier else "",
        failed=failure.what.splitlines()[0],
    )
    return replace(
        earlier.part() if earlier else CapacityPart(), regions=(facts_of(place, readable=False),), readings=(told,)
    )


def _reading(place: Place, part: CapacityPart, prices: Prices, now: datetime) -> RegionReading:
    return RegionReading(
        region=place.region,
        place=_identity(place),
        read_at=now,
        quotas=part.quotas,
        offers=part.offers,
        pools=part.pools,
        resources=part.resources,
        prices=prices,
        shapes=part.shapes,
    )


def _identity(place: Place) -> str:
    return f"{place.account.target} {place.account.id} {place.cloud.location}"


def _each(items: Iterable[Item], act: Callable[[Item], Found], patience_s: float) -> dict[str, Found | CloudError]:
    """Acts on all regions, some at a time, and waits no longer than patience lasts; by region, in their order."""
    pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="region")
    try:
        running: dict[str, Future[Found]] = {_name(item): pool.submit(act, item) for item in items}
        wait(running.values(), timeout=patience_s)
        ended: dict[str, Found | CloudError] = {}
        for region, future in running.items():
            failure = _failure(region, future, patience_s)
            ended[region] = future.result() if failure is None else failure
        return ended
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _failure(region: str, future: "Future[Found]", patience_s: float) -> CloudError | None:
    """Why there is no outcome; None where there is one, or an error that is nobody's to explain."""
    if not future.done():
        future.cancel()
        return CloudUnreachable(
            f"it did not answer within {patience_s:g} s", where=region, next_step="run the same command again"
        )
    error = future.exception()
    return error if isinstance(error, CloudError) else None


def _name(item: Place | RegionSettings) -> str:
    return item.region if isinstance(item, Place) else item.name
