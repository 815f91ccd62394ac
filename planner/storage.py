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
from contracts.risk import Scarce
from planner.alternatives import USD, class_alternatives
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.market import Market
from planner.pieces import Held, Made, Place, gib_of, in_class, too_large, usd_of
from planner.replicas import Copies, Rooms, replica_of
from planner.requirements import rounded, total
from planner.scarce_units import LEAST_USD
from planner.shortfalls import outgrown_storage, shortfall, unmet_storage
from planner.stored import Piece, Stored, fitting, piece_of, shared_out, stored_volumes
from planner.turned import Option, best_of, turned_options
from planner.volumes import Volume, spec_of, volume_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """A volume that is wanted, what for, and what else it could have been."""

    requirement: Requirement
    made: Made
    alternatives: tuple[RefusedAlternative, ...]


def want_storage(desired: Desired, demand: Demand) -> tuple[Shortfall, ...]:
    """Volumes for every region and part, replicated to failover partners that have the room."""
    chosen: list[_Chosen] = []
    short = []
    stored = stored_volumes(demand)
    needs = {region: total(demand.needs, region, CapacityKind.STORAGE_GIB) for region in demand.regions}
    copies = Copies.before(desired, needs.values())
    for region in (region for region, need in needs.items() if need is None):
        _keep(desired, region, stored.get(region, ()))  # before others take the room that it, or its replica, has
    for region, need in needs.items():
        if need is None:
            continue
        found = _of_region(desired, demand, (need, copies), stored.get(region, ()))
        if isinstance(found, Shortfall):
            short.append(found)
        else:
            chosen += found
    rooms = Rooms.left(desired, ((item.requirement.place, item.made) for item in chosen))
    for item in chosen:
        _want(desired, item, *replica_of(desired.market, demand, rooms, item.made))
    desired.scarce += [_limited(demand, lack) for lack in copies.lacks]
    return tuple(short)


def _limited(demand: Demand, lack: Scarce) -> Scarce:
    """What is lacked, by what people want at most where that is less than what there is."""
    settings = demand.question.environment.region(lack.place)
    most = settings.maximum.get(lack.kind, math.inf) if settings else math.inf
    return lack.model_copy(update={"limit": min(lack.limit, most)})


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
    desired: Desired, demand: Demand, asked: tuple[Requirement, Copies], stored: tuple[Stored, ...]
) -> tuple[_Chosen, ...] | Shortfall:
    """All volumes of a region; none where people ask for none."""
    need, copies = asked
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
        chosen = _of_part(copies, need, one, place)
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


def _of_part(copies: Copies, need: Requirement, held: Held, place: Place) -> tuple[_Chosen, ...] | Shortfall:
    """The volumes of one part: those that serve, and what is missing, all of that in one class.

    It is the class that the part is in where that takes no more volumes than there are, else the cheapest with its
    replica, of those that can have one where any can. What is too large for the place is taken only where nothing else
    would do, and falls short then.
    """
    market = copies.market
    names = tuple(market.storage_classes) if held.missing else ("",)
    found = {name: in_class(market, held, name, place) for name in names}
    if held.missing and all(market.price(need.place, name) is None for name in names):
        return shortfall(need, float(held.gib), sold=False)
    options = [(name, made) for name, made in found.items() if isinstance(made, tuple)]
    options += turned_options(market, held, place, options)
    if not options:
        refused = [item for item in found.values() if isinstance(item, RefusedAlternative)]
        return unmet_storage(need, held.piece.need, refused)
    fit = [option for option in options if gib_of(option[1]) <= place.room]
    name, made = best_of(fit or options, copies.told)
    name = name or (made[0].volume.storage_class if made else "")
    usd = usd_of(made) + copies.told(made)[1]
    alternatives = _alternatives(copies, held.piece, (name, usd), place.room)
    if fit:
        copies.lacks.extend(_too_dear(copies, need.place, (usd, place.room), options))
    copies.take(made)
    return tuple(_Chosen(requirement=need, made=item, alternatives=alternatives) for item in made)


def _too_dear(copies: Copies, place: str, chosen: tuple[float, float], options: Sequence[Option]) -> list[Scarce]:
    """What room for the cheapest class that is too large would save, where it costs less than what was chosen."""
    usd, room = chosen
    larger = [
        (usd_of(made) + copies.told(made)[1], gib_of(made), name) for name, made in options if gib_of(made) > room
    ]
    less, gib, name = min(larger, default=(usd, 0, ""))
    if usd - less <= LEAST_USD:
        return []
    limit, saves = copies.market.room(place, CapacityKind.STORAGE_GIB), rounded(usd - less)
    kind, units = CapacityKind.STORAGE_GIB, gib - room
    return [Scarce(place=place, kind=kind, limit=limit, item=name, units=units, saves_usd_per_hour=saves)]


def _alternatives(
    copies: Copies, piece: Piece, chosen: tuple[str, float], room: float
) -> tuple[RefusedAlternative, ...]:
    """All of a part in each other class, replicas included: what that would cost, or why it would not do."""
    market, usd = copies.market, dict((chosen,))
    refused = []
    for name in market.storage_classes:
        volumes = [volume_of(market, piece.region, name, need) for need in piece.needs]
        fit = [volume for volume in volumes if isinstance(volume, Volume)]
        alone = sum(volume.usd_per_hour for volume in fit)
        if len(fit) < len(volumes):
            refused.append(next(item for item in volumes if isinstance(item, RefusedAlternative)))
        elif (gib := sum(volume.gib for volume in fit)) > room:
            refused.append(too_large(name, gib, room))
        elif name != chosen[0] and (copied := copies.usd(piece, fit)) is None:
            code = RefusalCode.NO_REPLICA
            refused.append(RefusedAlternative(candidate=name, code=code, value=rounded(alone), unit=USD))
        elif name != chosen[0]:
            usd[name] = alone + (copied or 0.0)
    return class_alternatives(market, usd, refused, chosen[0])
