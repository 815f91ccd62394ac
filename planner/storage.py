"""Wanted volumes: of each part of a region's storage the cheapest class that has what is asked for, and its replicas.

A part is one volume, replicated to the first failover partner that has the room; or one for each partner, as large as
the share that it carries, where people ask for that. What serves already is part of it (`planner.stored`): only what
is missing is bought, in place where that can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.capacity import CapacityKind
from contracts.in_place import joins_replica
from contracts.plan import Reason, ReasonCode, RefusalCode, RefusedAlternative, Requirement, Shortfall
from contracts.resources import Purpose
from planner.alternatives import class_alternatives
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.market import Market
from planner.pieces import Held, Made, Place, gib_of, in_class, too_large, usd_of
from planner.requirements import total
from planner.shortfalls import outgrown_storage, shortfall, unmet_storage
from planner.stored import Piece, Stored, fitting, piece_of, shared_out, stored_volumes
from planner.turned import best_of, turned_options
from planner.volumes import Volume, spec_of, volume_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """A volume that is wanted, what for, and what else it could have been."""

    requirement: Requirement
    made: Made
    alternatives: tuple[RefusedAlternative, ...]


@dataclass(frozen=True, slots=True)
class _Rooms:
    """GiB that places have left beside what serves and is replicated there, and where more serves than before."""

    left_gib: dict[str, float]
    grow: frozenset[str]

    @classmethod
    def left(cls, desired: Desired, chosen: Sequence[_Chosen]) -> "_Rooms":
        rooms = {region: desired.room(region, CapacityKind.STORAGE_GIB) for region in desired.market.regions}
        more = dict.fromkeys(rooms, 0)
        for item in chosen:
            live, place = item.made.live, item.requirement.place
            rooms[place] -= item.made.volume.gib
            more[place] += item.made.volume.gib - (live.gib if live else 0)
            if live and live.replica_region in rooms:
                rooms[live.replica_region] -= live.gib
        return cls(rooms, frozenset(place for place, gib in more.items() if gib > 0))


def want_storage(desired: Desired, demand: Demand) -> tuple[Shortfall, ...]:
    """Volumes for every region and part, replicated to failover partners that have the room."""
    chosen: list[_Chosen] = []
    short = []
    stored = stored_volumes(demand)
    needs = {region: total(demand.needs, region, CapacityKind.STORAGE_GIB) for region in demand.regions}
    for region in (region for region, need in needs.items() if need is None):
        _keep(desired, region, stored.get(region, ()))  # before others take the room that it, or its replica, has
    for region, need in needs.items():
        if need is None:
            continue
        found = _of_region(desired, demand, need, stored.get(region, ()))
        if isinstance(found, Shortfall):
            short.append(found)
        else:
            chosen += found
    rooms = _Rooms.left(desired, chosen)
    for item in chosen:
        _want(desired, item, *_replica(desired, demand, rooms, item))
    return tuple(short)


def _keep(desired: Desired, region: str, stored: Sequence[Stored]) -> None:
    """What is stored where nothing is asked for any more: a forecast that is missing is no reason to lose it."""
    for item in stored:
        code, purpose = ReasonCode.CONTENT, Purpose.SERVING
        desired.want(Wish(key=item.key, place=region, purpose=purpose, spec=item.spec, code=code))


def _want(desired: Desired, item: _Chosen, replica: str | None, refused: tuple[RefusedAlternative, ...]) -> None:
    live = item.made.live
    later = live is not None and replica is not None and (live.copied or live.replica_region != replica)
    copied = later and joins_replica(item.made.piece.target, item.made.volume.storage_class)
    desired.want(
        Wish(
            key=item.made.key,
            place=item.requirement.place,
            purpose=Purpose.SERVING,
            spec=spec_of(item.made.volume, replica).model_copy(update={"copied": copied}),
            code=item.requirement.code,
            requirements=(item.requirement.id,),
            alternatives=(*item.alternatives, *refused),
            storage=None if item.made.need.plain else item.made.need,
        )
    )


def _of_region(
    desired: Desired, demand: Demand, need: Requirement, stored: tuple[Stored, ...]
) -> tuple[_Chosen, ...] | Shortfall:
    """All volumes of a region; none where people ask for none."""
    if need.quantity <= 0:
        return ()
    ours = sum(item.spec.gib for item in stored if not item.given)
    settings = demand.question.environment.region(need.place)
    most = settings.maximum.get(CapacityKind.STORAGE_GIB, math.inf) if settings else math.inf
    most -= sum(item.spec.gib for item in stored if item.given)
    room = max(min(desired.room(need.place, CapacityKind.STORAGE_GIB), most), ours)  # what stands has its room
    asks = demand.question.environment.storage_of(need.place)
    pieces = tuple(piece_of(demand, need.place, ask, need.quantity * ask.share) for ask in asks)
    held = tuple(map(Held, pieces, shared_out(desired.market, pieces, stored)))
    desired.unfit |= _unfit(desired.market, held, stored)
    found: list[_Chosen] = []
    taken = {item.key for item in stored}
    for one in held:
        place = Place(room=room - gib_of([item.made for item in found]), taken=taken)
        chosen = _of_part(desired.market, need, one, place)
        if isinstance(chosen, Shortfall):
            return chosen
        found += chosen
        taken |= {item.made.key for item in chosen}
    if (gib := gib_of([item.made for item in found])) > room:
        given = sum(item.spec.gib for item in stored if item.given)
        return outgrown_storage(need, gib + given, room + given)
    return tuple(found)


def _unfit(market: Market, held: Sequence[Held], stored: Sequence[Stored]) -> dict[str, Reason]:
    """Why volumes are part of nothing that is asked: what their class lacks of the part that they were for."""
    taken = {item.key for one in held for item in one.stored}
    found = {}
    for volume in stored:
        if volume.given or volume.key in taken:
            continue
        piece = max((one.piece for one in held), key=lambda it: (it.owns(volume), it.need.part == volume.part))
        refused = fitting(market, piece, volume.spec)
        why = (refused,) if isinstance(refused, RefusedAlternative) else ()
        found[volume.key] = Reason(code=ReasonCode.UNFIT, alternatives=why, storage=piece.need)
    return found


def _of_part(market: Market, need: Requirement, held: Held, place: Place) -> tuple[_Chosen, ...] | Shortfall:
    """The volumes of one part: those that serve, and what is missing, all of that in one class.

    It is the class that the part is in where that takes no more volumes than there are, else the cheapest. What is too
    large for the place is taken only where nothing else would do, and falls short then.
    """
    names = tuple(market.storage_classes) if held.missing else ("",)
    found = {name: in_class(market, held, name, place) for name in names}
    if held.missing and all(market.price(need.place, name) is None for name in names):
        return shortfall(need, float(held.gib), sold=False)
    options = [(name, made) for name, made in found.items() if isinstance(made, tuple)]
    options += turned_options(market, held, place, options)
    if not options:
        refused = [item for item in found.values() if isinstance(item, RefusedAlternative)]
        return unmet_storage(need, held.piece.need, refused)
    name, made = best_of([option for option in options if gib_of(option[1]) <= place.room] or options)
    name = name or (made[0].volume.storage_class if made else "")
    alternatives = _alternatives(market, held.piece, (name, usd_of(made)), place.room)
    return tuple(_Chosen(requirement=need, made=item, alternatives=alternatives) for item in made)


def _alternatives(
    market: Market, piece: Piece, chosen: tuple[str, float], room: float
) -> tuple[RefusedAlternative, ...]:
    """All of a part in each other class: what that would cost, or why it would not do."""
    usd = dict((chosen,))
    refused = []
    for name in market.storage_classes:
        volumes = [volume_of(market, piece.region, name, need) for need in piece.needs]
        fit = [volume for volume in volumes if isinstance(volume, Volume)]
        if len(fit) < len(volumes):
            refused.append(next(item for item in volumes if isinstance(item, RefusedAlternative)))
        elif (gib := sum(volume.gib for volume in fit)) > room:
            refused.append(too_large(name, gib, room))
        elif name != chosen[0]:
            usd[name] = sum(volume.usd_per_hour for volume in fit)
    return class_alternatives(market, usd, refused, chosen[0])


def _replica(
    desired: Desired, demand: Demand, rooms: _Rooms, item: _Chosen
) -> tuple[str | None, tuple[RefusedAlternative, ...]]:
    """The region where a volume is replicated: where it is already, else the first partner with room.

    What is replicated somewhere needs no offer to stay, nor room, though a quota fell: unless what serves there grows.
    """
    volume, live, piece = item.made.volume, item.made.live, item.made.piece
    partners, standing = piece.partners, live.replica_region if live else None
    if standing in demand.question.frozen_regions():  # it serves on, and nothing is known against it
        return standing, ()
    first = standing if live else item.made.toward
    if first in partners:
        partners = (first, *(other for other in partners if other != first))
    left = rooms.left_gib
    if live and standing in left:
        left[standing] += live.gib
    refused = []
    for partner in partners:
        there = live.gib if live and partner == standing else 0
        if desired.market.price(partner, volume.storage_class) is None and volume.gib > there:
            refused.append(RefusedAlternative(candidate=f"replica in {partner}", code=RefusalCode.NOT_OFFERED))
        elif volume.gib > max(left[partner], 0 if partner in rooms.grow else there):
            refused.append(too_large(f"replica in {partner}", volume.gib, left[partner]))
        else:
            left[partner] -= volume.gib
            return partner, tuple(refused)
    return None, tuple(refused)
