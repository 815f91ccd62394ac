"""Wanted volumes: one a region, replicated to the first failover partner that has the room."""

import math

from contracts.capacity import CapacityKind
from contracts.plan import RefusalCode, RefusedAlternative, Requirement, Shortfall
from contracts.resources import Purpose, ResourceKind, StorageSpec
from planner.alternatives import class_alternatives
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.keys import item_key
from planner.requirements import rounded, total
from planner.shortfalls import shortfall

STORAGE_STEP_GIB = 10
"""Volumes grow in steps, so that a forecast that moves by a few GiB changes nothing."""


def want_storage(desired: Desired, demand: Demand) -> tuple[Shortfall, ...]:
    """A volume a region, replicated to its first failover partner that has the room."""
    volumes: dict[str, tuple[Requirement, str, int]] = {}
    short = []
    for region in demand.regions:
        need = total(demand.needs, region, CapacityKind.STORAGE_GIB)
        volume = _volume(desired, demand, need) if need else None
        if need is None or volume is None:
            continue
        storage_class, gib = volume
        if gib > (room := desired.room(region, CapacityKind.STORAGE_GIB)) or not storage_class:
            short.append(shortfall(need, room if storage_class else 0.0))
        else:
            volumes[region] = (need, storage_class, gib)
    rooms = {
        region: desired.room(region, CapacityKind.STORAGE_GIB) - (volumes[region][2] if region in volumes else 0)
        for region in desired.market.regions
    }
    for region, (need, storage_class, gib) in volumes.items():
        replica, refused = _replica(desired, demand, rooms, (region, storage_class, gib))
        if replica is not None:
            rooms[replica] -= gib
        desired.want(
            Wish(
                key=item_key(region, ResourceKind.STORAGE, Purpose.SERVING, storage_class),
                place=region,
                purpose=Purpose.SERVING,
                spec=StorageSpec(storage_class=storage_class, gib=gib, replica_region=replica),
                code=need.code,
                requirements=(need.id,),
                alternatives=(*class_alternatives(desired.market, region, gib, storage_class), *refused),
            )
        )
    return tuple(short)


def _volume(desired: Desired, demand: Demand, need: Requirement) -> tuple[str, int] | None:
    """Class and GiB of a region's volume; nothing when what is given suffices; no class when none is offered.

    A volume stays in the class that it is in as long as that is offered: another class is another volume, and its
    content would have to move.
    """
    given = list(demand.given.of(need.place, ResourceKind.STORAGE, Purpose.SERVING))
    missing = need.quantity - sum(item.spec.gib for item in given if isinstance(item.spec, StorageSpec))
    if missing <= 0:
        return None
    gib = math.ceil(missing / STORAGE_STEP_GIB - 1e-9) * STORAGE_STEP_GIB
    movable = demand.question.live().keys() - demand.given.resources.keys()
    for name in desired.market.storage_classes:
        key = item_key(need.place, ResourceKind.STORAGE, Purpose.SERVING, name)
        if key in movable and desired.market.price(need.place, name) is not None:
            return name, gib
    cheapest = desired.market.cheapest_class(need.place)
    return (cheapest[0].name if cheapest else ""), gib


def _replica(
    desired: Desired, demand: Demand, rooms: dict[str, float], volume: tuple[str, str, int]
) -> tuple[str | None, tuple[RefusedAlternative, ...]]:
    """The region where a volume is replicated: where it is already, else the first partner with room."""
    region, storage_class, gib = volume
    unread = demand.question.unreadable()
    partners = tuple(other for other in demand.placement.partners(region) if _alike(demand, region, other))
    live = demand.question.live().get(item_key(region, ResourceKind.STORAGE, Purpose.SERVING, storage_class))
    if live is not None and isinstance(live.spec, StorageSpec) and live.spec.replica_region in unread:
        return live.spec.replica_region, ()
    if live is not None and isinstance(live.spec, StorageSpec) and live.spec.replica_region in partners:
        partners = (live.spec.replica_region, *(item for item in partners if item != live.spec.replica_region))
    refused = []
    for partner in partners:
        if desired.market.price(partner, storage_class) is None:
            refused.append(RefusedAlternative(candidate=f"replica in {partner}", code=RefusalCode.NOT_OFFERED))
        elif rooms[partner] < gib:
            limit, unit = rounded(max(0.0, rooms[partner])), CapacityKind.STORAGE_GIB.value
            refused.append(
                RefusedAlternative(
                    candidate=f"replica in {partner}", code=RefusalCode.NO_CAPACITY, limit=limit, value=gib, unit=unit
                )
            )
        else:
            return partner, tuple(refused)
    return None, tuple(refused)


def _alike(demand: Demand, region: str, other: str) -> bool:
    """Whether both regions lie on one target: no cloud copies its volumes to another, whatever a class is called."""
    environment = demand.question.environment
    return environment.target_of(region) is environment.target_of(other)
