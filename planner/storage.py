"""Wanted volumes: of each part of a region's storage the cheapest class that has what is asked for, and its replicas.

A part is one volume, replicated to the first failover partner that has the room; or one for each partner, as large as
the share that it carries, where people ask for that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.capacity import CapacityKind
from contracts.plan import RefusalCode, RefusedAlternative, Requirement, Shortfall
from contracts.resources import Purpose, ResourceKind, StorageSpec
from contracts.storage import Replicas, StorageAsk, StorageNeed
from planner.alternatives import class_alternatives
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.keys import item_key, unit_key
from planner.requirements import calm, rounded, total
from planner.shortfalls import shortfall, unmet_storage
from planner.volumes import Volume, need_of, spec_of, volume_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One volume that is wanted: how it is keyed, who may have its replica, the first that may coming first.

    Attributes:
        toward: the partner whose share it is; empty where it is all of a part.
    """

    need: StorageNeed
    toward: str
    partners: tuple[str, ...]

    def key(self, region: str, storage_class: str) -> str:
        item = f"{storage_class}-{self.need.part}" if self.need.part else storage_class
        stem = item_key(region, ResourceKind.STORAGE, Purpose.SERVING, item)
        return unit_key(stem, self.toward) if self.toward else stem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """A piece, the volume that it becomes, and what else it could have been."""

    requirement: Requirement
    piece: _Piece
    volume: Volume
    alternatives: tuple[RefusedAlternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What is asked of a part, of how many GiB, and how many the place has left."""

    ask: StorageAsk
    gib: float
    room: float


def want_storage(desired: Desired, demand: Demand) -> tuple[Shortfall, ...]:
    """A volume a region and part, replicated to failover partners that have the room."""
    chosen: list[_Chosen] = []
    short = []
    for region in demand.regions:
        need = total(demand.needs, region, CapacityKind.STORAGE_GIB)
        found = _of_region(desired, demand, need) if need else ()
        if isinstance(found, Shortfall):
            short.append(found)
        else:
            chosen += found
    rooms = {region: desired.room(region, CapacityKind.STORAGE_GIB) for region in desired.market.regions}
    for item in chosen:
        rooms[item.requirement.place] -= item.volume.gib
    for item in chosen:
        replica, refused = _replica(desired, demand, rooms, item)
        if replica is not None:
            rooms[replica] -= item.volume.gib
        _want(desired, item, replica, refused)
    return tuple(short)


def _want(desired: Desired, item: _Chosen, replica: str | None, refused: tuple[RefusedAlternative, ...]) -> None:
    volume, region = item.volume, item.requirement.place
    desired.want(
        Wish(
            key=item.piece.key(region, volume.storage_class),
            place=region,
            purpose=Purpose.SERVING,
            spec=spec_of(volume, replica),
            code=item.requirement.code,
            requirements=(item.requirement.id,),
            alternatives=(*item.alternatives, *refused),
            storage=None if item.piece.need.plain else item.piece.need,
        )
    )


def _of_region(desired: Desired, demand: Demand, need: Requirement) -> tuple[_Chosen, ...] | Shortfall:
    """All volumes of a region; none when what is given suffices."""
    given = list(demand.given.of(need.place, ResourceKind.STORAGE, Purpose.SERVING))
    missing = need.quantity - sum(item.spec.gib for item in given if isinstance(item.spec, StorageSpec))
    found: list[_Chosen] = []
    if missing <= 0:
        return ()
    room = desired.room(need.place, CapacityKind.STORAGE_GIB)
    for ask in demand.question.environment.storage_of(need.place):
        left = room - sum(item.volume.gib for item in found)
        chosen = _of_part(desired, demand, need, _Part(ask=ask, gib=missing * ask.share, room=left))
        if isinstance(chosen, Shortfall):
            return chosen
        found += chosen
    return shortfall(need, room) if sum(item.volume.gib for item in found) > room else tuple(found)


def _of_part(desired: Desired, demand: Demand, need: Requirement, part: _Part) -> tuple[_Chosen, ...] | Shortfall:
    """The volumes of one part, all of one class: that which it is in as long as that will do, else the cheapest.

    Another class is another volume, and its content would have to move. What is too large for the place is taken only
    where nothing else would do, and falls short then.
    """
    market = desired.market
    if not any(market.price(need.place, name) is not None for name in market.storage_classes):
        return shortfall(need, 0.0)
    whole = need_of(part.ask, part.gib)
    best: dict[str, tuple[tuple[_Piece, Volume], ...]] = {}
    refused: list[RefusedAlternative] = []
    for name in market.storage_classes:
        pieces = tuple(_pieces(demand, need.place, part.ask, whole, name))
        live = [_live(demand, piece.key(need.place, name)) for piece in pieces]
        volumes = [
            volume_of(market, need.place, name, _kept(piece.need, one, part.room), one)
            for piece, one in zip(pieces, live, strict=True)
        ]
        fit = [volume for volume in volumes if isinstance(volume, Volume)]
        if len(fit) == len(volumes):
            best[name] = tuple(zip(pieces, fit, strict=True))
        else:
            refused.append(next(item for item in volumes if isinstance(item, RefusedAlternative)))
    usd = {name: sum(volume.usd_per_hour for _, volume in pairs) for name, pairs in best.items()}
    if not best:
        return unmet_storage(need, whole, refused)
    small = {name: pairs for name, pairs in best.items() if _gib(pairs) <= part.room}
    refused += [_too_large(name, _gib(best[name]), part.room) for name in best if small and name not in small]
    best = small or best
    standing = [name for name in best if _stands(demand, need.place, [piece for piece, _ in best[name]], name)]
    name = standing[0] if standing else min(best, key=lambda item: (usd[item], item))
    alternatives = class_alternatives(market, usd, refused, name)
    return tuple(
        _Chosen(requirement=need, piece=piece, volume=volume, alternatives=alternatives) for piece, volume in best[name]
    )


def _kept(need: StorageNeed, live: StorageSpec | None, room: float) -> StorageNeed:
    """What a volume must have when it never shrinks: clouds refuse that, or make another one without the content."""
    if live is None or not need.gib < live.gib <= room:
        return need
    return need.model_copy(update={"gib": live.gib})


def _live(demand: Demand, key: str) -> StorageSpec | None:
    """What is live under a volume's key."""
    found = demand.question.live().get(key)
    return found.spec if found is not None and isinstance(found.spec, StorageSpec) else None


def _gib(pairs: tuple[tuple[_Piece, Volume], ...]) -> int:
    return sum(volume.gib for _, volume in pairs)


def _too_large(candidate: str, gib: int, room: float) -> RefusedAlternative:
    return RefusedAlternative(
        candidate=candidate,
        code=RefusalCode.NO_CAPACITY,
        limit=rounded(max(0.0, room)),
        value=gib,
        unit=CapacityKind.STORAGE_GIB.value,
    )


def _stands(demand: Demand, region: str, pieces: list[_Piece], name: str) -> bool:
    """Whether something of a part is live in a class, and may be moved at all."""
    live, given = demand.question.live(), demand.given.resources
    return any((key := piece.key(region, name)) in live and key not in given for piece in pieces)


def _pieces(demand: Demand, region: str, ask: StorageAsk, need: StorageNeed, name: str) -> Iterator[_Piece]:
    """The part in one piece; or one by partner, each as large as its share, and calm."""
    partners = tuple(other for other in demand.placement.partners(region) if _alike(demand, region, other))
    shares = {other: demand.placement.shares[region, other] for other in partners}
    if ask.replicas is Replicas.WHOLE or not partners:
        yield _Piece(need=need, toward="", partners=partners)
        return
    for partner in partners:
        share = shares[partner] / sum(shares.values())
        others = (partner, *(other for other in partners if other != partner))
        piece = _Piece(need=_share_of(need, share, need.gib * share), toward=partner, partners=others)
        live = _live(demand, piece.key(region, name))
        kept = calm(piece.need.gib, live.gib if live else 0)
        yield (
            piece
            if kept == piece.need.gib
            else _Piece(need=_share_of(need, share, kept), toward=partner, partners=others)
        )


def _share_of(need: StorageNeed, share: float, gib: float) -> StorageNeed:
    ask = StorageAsk(
        name=need.part,
        iops=need.iops * share,
        throughput_mibps=need.throughput_mibps * share,
        least_durability=need.least_durability,
    )
    return need_of(ask, gib)


def _replica(
    desired: Desired, demand: Demand, rooms: dict[str, float], item: _Chosen
) -> tuple[str | None, tuple[RefusedAlternative, ...]]:
    """The region where a volume is replicated: where it is already, else the first partner with room."""
    region, volume, partners = item.requirement.place, item.volume, item.piece.partners
    live = _live(demand, item.piece.key(region, volume.storage_class))
    standing = live.replica_region if live else None
    if standing in demand.question.unreadable():
        return standing, ()
    if standing in partners and not item.piece.toward:
        partners = (standing, *(other for other in partners if other != standing))
    refused = []
    for partner in partners:
        if desired.market.price(partner, volume.storage_class) is None:
            refused.append(RefusedAlternative(candidate=f"replica in {partner}", code=RefusalCode.NOT_OFFERED))
        elif rooms[partner] < volume.gib:
            refused.append(_too_large(f"replica in {partner}", volume.gib, rooms[partner]))
        else:
            return partner, tuple(refused)
    return None, tuple(refused)


def _alike(demand: Demand, region: str, other: str) -> bool:
    """Whether both regions lie on one target: no cloud copies its volumes to another, whatever a class is called."""
    environment = demand.question.environment
    return environment.target_of(region) is environment.target_of(other)
