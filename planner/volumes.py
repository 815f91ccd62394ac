"""The cheapest volume of a class that has what is asked for, and the cheapest class of a place.

A class may have to be bought larger than the data is (where IOPS come with GiB), faster than it is by itself (where
they are provisioned), or in several volumes (where one is limited). With as few volumes as will do, the cost is
piecewise linear in the GiB, and it can only turn upwards where the data fits, or where GiB alone give enough: so that
the best of these few sizes is the best of all.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from contracts.environment import Environment
from contracts.plan import RefusalCode, RefusedAlternative
from contracts.resources import StorageSpec
from contracts.storage import StorageAsk, StorageClass, StorageNeed, iops_item, mibps_item
from planner.market import Market
from planner.requirements import rounded

STEP_GIB, STEP_IOPS, STEP_MIBPS = 10, 100, 5
"""Volumes grow in steps, so that a forecast that moves by a few GiB changes nothing."""

MOST_VOLUMES = 64
"""One resource is not spread over more, to be faster; nor at all where nothing is said of the largest volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume that will do: what `StorageSpec` says of it, and USD per hour where it serves.

    Attributes:
        iops, throughput_mibps: 0 where the class does by itself.
        volumes: 0 where they are as few as can be, and nothing is provisioned that has to be divided.
    """

    storage_class: str
    gib: int
    volumes: int = 0
    iops: int = 0
    throughput_mibps: int = 0
    usd_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prices:
    """USD per hour of one, at a place; None for what cannot be provisioned."""

    gib: float
    iops: float | None
    mibps: float | None


def need_of(ask: StorageAsk, gib: float) -> StorageNeed:
    """What a part of so many GiB must have, in whole steps."""
    size = stepped(gib, STEP_GIB)
    iops, mibps = ask.wanted(size)
    return StorageNeed(
        part=ask.name,
        gib=size,
        iops=stepped(iops, STEP_IOPS),
        throughput_mibps=stepped(mibps, STEP_MIBPS),
        least_durability=ask.least_durability,
    )


def share_of(need: StorageNeed, gib: int, total: int) -> StorageNeed:
    """What so many GiB of a total must have: every GiB is as fast as the others."""
    return need.model_copy(
        update={
            "gib": gib,
            "iops": stepped(need.iops * gib / total, STEP_IOPS),
            "throughput_mibps": stepped(need.throughput_mibps * gib / total, STEP_MIBPS),
        }
    )


def volume_of(
    market: Market, place: str, name: str, need: StorageNeed, live: StorageSpec | None = None
) -> Volume | RefusedAlternative:
    """The cheapest volume of one class at a place, or why there is none.

    None of the volumes that are live goes or becomes smaller: it would take its content along, and clouds refuse it, or
    make another one. What cannot be bought any more stays as it is, as long as that will do.
    """
    storage, usd = market.storage_class(name), market.price(place, name)
    if storage.durability < need.least_durability:
        durability = storage.durability or None  # nobody says
        return RefusedAlternative(
            candidate=name, code=RefusalCode.LESS_DURABLE, limit=need.least_durability, value=durability
        )
    need = need.model_copy(update={"gib": max(need.gib, live.gib)}) if live else need
    found = _cheapest(market, (place, usd), storage, need, live) if usd is not None else None
    if found is None and live is not None and stands(storage, need, live):
        return as_it_is(live, (usd or 0.0) * live.gib)
    if usd is None:
        return RefusedAlternative(candidate=name, code=RefusalCode.NOT_OFFERED)
    return found or _too_slow(storage, need)


def stands(storage: StorageClass, need: StorageNeed, live: StorageSpec) -> bool:
    """Whether what is live has all that is asked of it as it is."""
    iops, mibps = speeds(storage, live)
    enough = live.gib >= need.gib and storage.durability >= need.least_durability
    return enough and iops >= need.iops - 1e-9 and mibps >= need.throughput_mibps - 1e-9


def speeds(storage: StorageClass, of: StorageSpec | Volume) -> tuple[float, float]:
    """IOPS and MiB per second that it has, bought or not."""
    iops, mibps = storage.given(of.gib, storage.volumes(of.gib, of.volumes))
    return of.iops or iops, of.throughput_mibps or mibps


def _cheapest(
    market: Market, at: tuple[str, float], storage: StorageClass, need: StorageNeed, live: StorageSpec | None
) -> Volume | None:
    """The cheapest size of as few volumes as will do."""
    (place, usd), name = at, storage.name
    prices = _Prices(gib=usd, iops=market.price(place, iops_item(name)), mibps=market.price(place, mibps_item(name)))
    before = storage.sizes(live.gib, live.volumes) if live else ()
    least = max(storage.volumes(need.gib), len(before))
    fewest = max(
        least if storage.largest_gib else 1,
        math.ceil(need.iops / storage.most_iops) if storage.most_iops else 1,
        math.ceil(need.throughput_mibps / storage.most_mibps) if storage.most_mibps else 1,
    )
    for volumes in range(fewest, (max(MOST_VOLUMES, least) if storage.largest_gib else 1) + 1):
        sizes = {*_sizes(storage, need, volumes), max(need.gib, stepped(volumes * max(before, default=0), STEP_GIB))}
        made = (_priced(storage, prices, need, gib, volumes) for gib in sorted(sizes))
        stated = volumes if live and live.volumes else 0  # volumes that are alike stay alike
        same = (replace(volume, volumes=stated or volume.volumes) for volume in made if volume)
        found = [volume for volume in same if _holds(storage, before, volume)]
        if found:
            return min(found, key=lambda volume: (volume.usd_per_hour, volume.gib))
    return None


def _holds(storage: StorageClass, before: tuple[int, ...], volume: Volume) -> bool:
    """Whether each volume that was there is at least as large as it was."""
    after = storage.sizes(volume.gib, volume.volumes)
    return len(after) >= len(before) and all(old <= new for old, new in zip(before, after, strict=False))


def as_it_is(live: StorageSpec, usd_per_hour: float) -> Volume:
    """What is live, unchanged."""
    return Volume(
        storage_class=live.storage_class,
        gib=live.gib,
        volumes=live.volumes,
        iops=live.iops,
        throughput_mibps=live.throughput_mibps,
        usd_per_hour=usd_per_hour,
    )


def cheapest_volume(market: Market, place: str, need: StorageNeed) -> Volume | None:
    """The cheapest volume of any class; of equal ones the first by name."""
    found = (volume_of(market, place, name, need) for name in market.storage_classes)
    fit = [volume for volume in found if isinstance(volume, Volume)]
    return min(fit, key=lambda volume: (volume.usd_per_hour, volume.storage_class), default=None)


def unit_volume(market: Market, environment: Environment, place: str, gib: int) -> Volume | None:
    """The cheapest volume for a request, staged or made for it.

    It is as durable as the first part of the place's storage, and as fast as that by the GiB.
    """
    return cheapest_volume(market, place, _unit_need(environment, place, gib))


def unit_refusals(market: Market, environment: Environment, place: str, gib: int) -> tuple[RefusedAlternative, ...]:
    """Why a class cannot be the volume for a request; the nearest to it first. None where one can."""
    need = _unit_need(environment, place, gib)
    found = [volume_of(market, place, name, need) for name in market.storage_classes]
    refused = [item for item in found if isinstance(item, RefusedAlternative)]
    return tuple(sorted(refused, key=_far)) if len(refused) == len(found) else ()


def _far(item: RefusedAlternative) -> float:
    """How far a class is from what is asked of it: first those that lack speed, then durability, then an offer."""
    share = (item.value or 0.0) / item.limit if item.limit else 0.0
    return (RefusalCode.TOO_SLOW, RefusalCode.LESS_DURABLE, RefusalCode.NOT_OFFERED).index(item.code) - share


def _unit_need(environment: Environment, place: str, gib: int) -> StorageNeed:
    ask = environment.storage_of(place)[0]
    return StorageNeed(
        gib=gib,
        iops=stepped(ask.iops_per_gib * gib, STEP_IOPS),
        throughput_mibps=stepped(ask.mibps_per_gib * gib, STEP_MIBPS),
        least_durability=ask.least_durability,
    )


def spec_of(volume: Volume, replica: str | None = None) -> StorageSpec:
    """What is declared of a volume."""
    return StorageSpec(
        storage_class=volume.storage_class,
        gib=volume.gib,
        replica_region=replica,
        iops=volume.iops,
        throughput_mibps=volume.throughput_mibps,
        volumes=volume.volumes,
    )


def stepped(amount: float, step: int) -> int:
    """An amount in whole steps, upwards."""
    return math.ceil(amount / step - 1e-9) * step


def _sizes(storage: StorageClass, need: StorageNeed, volumes: int) -> Iterator[int]:
    """GiB at which the cost may be least: where what comes with them does, a step less, and all that fits."""
    most_iops = max(need.iops, stepped(storage.iops_per_mibps * need.throughput_mibps, STEP_IOPS))
    ratios = {
        (iops, each) for iops in (need.iops, most_iops) for each in (storage.iops_per_gib, storage.most_iops_per_gib)
    }
    ratios.add((need.throughput_mibps, storage.mibps_per_gib))
    found = {need.gib, max(need.gib, volumes * storage.largest_gib // STEP_GIB * STEP_GIB)}
    for amount, each in ratios:
        if each:
            enough = stepped(amount / each, STEP_GIB)
            found |= {max(need.gib, enough), max(need.gib, enough - STEP_GIB)}
    yield from sorted(found)


def _priced(storage: StorageClass, prices: _Prices, need: StorageNeed, gib: int, volumes: int) -> Volume | None:
    """So many GiB in so many volumes, with what has to be provisioned; nothing where that cannot be had."""
    if storage.largest_gib and gib > volumes * storage.largest_gib:
        return None
    iops, mibps = storage.given(gib, volumes)
    throughput = need.throughput_mibps if need.throughput_mibps > mibps + 1e-9 else 0
    wanted = max(need.iops, stepped(storage.iops_per_mibps * throughput, STEP_IOPS))
    provisioned = wanted if wanted > iops + 1e-9 else 0
    beyond = storage.most_iops_per_gib and provisioned > storage.most_iops_per_gib * gib + 1e-9
    slow = storage.most_iops and wanted > volumes * storage.most_iops + 1e-9
    slow = slow or (storage.most_mibps and need.throughput_mibps > volumes * storage.most_mibps + 1e-9)
    unsold = (provisioned and prices.iops is None) or (throughput and prices.mibps is None)
    if beyond or slow or unsold:
        return None
    usd = prices.gib * gib
    usd += (prices.iops or 0.0) * max(0.0, provisioned - iops) if provisioned else 0.0
    usd += (prices.mibps or 0.0) * max(0.0, throughput - mibps) if throughput else 0.0
    return Volume(
        storage_class=storage.name,
        gib=gib,
        volumes=volumes if volumes > 1 and (provisioned or throughput or volumes > storage.volumes(gib)) else 0,
        iops=provisioned,
        throughput_mibps=throughput,
        usd_per_hour=usd,
    )


def _too_slow(storage: StorageClass, need: StorageNeed) -> RefusedAlternative:
    """What lacks most, at the size of the data: IOPS or throughput."""
    iops, mibps = storage.given(need.gib, storage.volumes(need.gib))
    slower = need.throughput_mibps * max(iops, 1e-9) > need.iops * max(mibps, 1e-9)
    limit, value, unit = (need.throughput_mibps, mibps, "MiB/s") if slower else (need.iops, iops, "IOPS")
    return RefusedAlternative(
        candidate=storage.name, code=RefusalCode.TOO_SLOW, limit=float(limit), value=rounded(value), unit=unit
    )
