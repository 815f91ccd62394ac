"""What is stored already: volumes that serve keep key and size, and become part of what is asked, however it is asked.

Nothing here moves content. So a live volume goes to the piece of storage whose key it bears, else to one that it was
wanted for last, else to where most is missing; as long as its class can be what is asked of the piece. What fits no
piece is not wanted any more: policies deny its deletion until people have copied what it holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.plan import RefusedAlternative
from contracts.resources import Purpose, ResourceKind, StorageSpec
from contracts.storage import Replicas, StorageAsk, StorageNeed
from planner.demand import Demand
from planner.keys import item_key, unit_key
from planner.market import Market
from planner.volumes import Volume, need_of, share_of, spec_of, stands, volume_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Storage that lies, and is replicated, in one piece: a part of a region's, or a partner's share of one.

    Attributes:
        toward: the partner whose share it is; empty where it is all of a part.
        partners: who may have its replica, the first that may coming first.
    """

    region: str
    need: StorageNeed
    toward: str
    partners: tuple[str, ...]

    def key(self, storage_class: str) -> str:
        """Of the volume that is made for it."""
        item = f"{storage_class}-{self.need.part}" if self.need.part else storage_class
        stem = item_key(self.region, ResourceKind.STORAGE, Purpose.SERVING, item)
        return unit_key(stem, self.toward) if self.toward else stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A volume that serves already.

    Attributes:
        given: it stays exactly as it is.
        part: what the last plan wanted it for; None where no plan did.
    """

    key: str
    spec: StorageSpec
    given: bool
    part: str | None


def stored_volumes(demand: Demand) -> dict[str, tuple[Stored, ...]]:
    """The volumes that serve in each region, the largest first."""
    question, given = demand.question, demand.given.resources
    earlier = question.earlier.resources if question.earlier else ()
    parts = {item.resource.key: item.reason.storage.part if item.reason.storage else "" for item in earlier}
    found: dict[str, list[Stored]] = {}
    for key, item in {**question.live(), **{key: planned.resource for key, planned in given.items()}}.items():
        if isinstance(item.spec, StorageSpec) and key.startswith(_stem(item.place)):
            stored = Stored(key=key, spec=item.spec, given=key in given, part=parts.get(key))
            found.setdefault(item.place, []).append(stored)
    return {region: tuple(sorted(some, key=lambda one: (-one.spec.gib, one.key))) for region, some in found.items()}


def pieces_of(demand: Demand, region: str, ask: StorageAsk, gib: float) -> Iterator[Piece]:
    """A part of so many GiB in one piece; or one by partner, each as large as its share."""
    need = need_of(ask, gib)
    partners = tuple(other for other in demand.placement.partners(region) if _alike(demand, region, other))
    shares = {other: demand.placement.shares[region, other] for other in partners}
    if ask.replicas is Replicas.WHOLE or not partners:
        yield Piece(region=region, need=need, toward="", partners=partners)
        return
    for partner in partners:
        share = shares[partner] / sum(shares.values())
        part = need_of(
            StorageAsk(
                name=need.part,
                iops=need.iops * share,
                throughput_mibps=need.throughput_mibps * share,
                least_durability=need.least_durability,
            ),
            need.gib * share,
        )
        others = (partner, *(other for other in partners if other != partner))
        yield Piece(region=region, need=part, toward=partner, partners=others)


def shared_out(market: Market, pieces: tuple[Piece, ...], stored: tuple[Stored, ...]) -> tuple[tuple[Stored, ...], ...]:
    """The volumes that each piece is made of already; those that fit none are left out.

    Args:
        market: what classes are.
        pieces: of one region.
        stored: what serves there, the largest first.
    """
    found: list[list[Stored]] = [[] for _ in pieces]
    others: list[tuple[Stored, list[int]]] = []
    for volume in stored:
        fit = [at for at, piece in enumerate(pieces) if _fits(market, piece, volume)]
        own = [at for at in fit if pieces[at].key(volume.spec.storage_class) == volume.key]
        if own:
            found[own[0]].append(volume)
        elif fit:
            others.append((volume, fit))
    for volume, fit in sorted(others, key=lambda item: len(item[1])):  # stable: the largest first
        found[max(fit, key=lambda at: _suits(pieces[at], found[at], volume))].append(volume)
    return tuple(tuple(volumes) for volumes in found)


def _suits(piece: Piece, volumes: list[Stored], volume: Stored) -> tuple[bool, bool, int]:
    """How well a volume goes to a piece: what it was wanted for, where its replica is, what is missing."""
    missing = piece.need.gib - sum(item.spec.gib for item in volumes)
    return piece.need.part == volume.part, piece.toward == (volume.spec.replica_region or ""), max(0, missing)


def fitting(market: Market, piece: Piece, spec: StorageSpec) -> Volume | RefusedAlternative:
    """What a volume has to be for a piece that it is part of, or why it cannot be.

    It is as fast, by the GiB, as all of the piece; or can have alone what is asked of all of it. Otherwise what is made
    larger for its speed would be no part of the piece any more when that is planned again.
    """
    storage, need = market.storage_class(spec.storage_class), piece.need
    found = volume_of(market, piece.region, storage.name, share_of(need, spec.gib, max(spec.gib, need.gib)), spec)
    if isinstance(found, RefusedAlternative):
        return found
    if stands(storage, share_of(need, found.gib, max(found.gib, need.gib)), spec_of(found)):
        return found
    alone = volume_of(market, piece.region, storage.name, need, spec)
    return found if isinstance(alone, Volume) else alone


def _fits(market: Market, piece: Piece, volume: Stored) -> bool:
    """Whether a volume can be part of a piece: changed in place, or as it is where it may not change."""
    spec, need = volume.spec, piece.need
    if volume.given:
        storage = market.storage_class(spec.storage_class)
        return stands(storage, share_of(need, spec.gib, max(spec.gib, need.gib)), spec)
    return isinstance(fitting(market, piece, spec), Volume)


def _stem(region: str) -> str:
    return item_key(region, ResourceKind.STORAGE, Purpose.SERVING, "")


def _alike(demand: Demand, region: str, other: str) -> bool:
    """Whether both regions lie on one target: no cloud copies its volumes to another, whatever a class is called."""
    environment = demand.question.environment
    return environment.target_of(region) is environment.target_of(other)
