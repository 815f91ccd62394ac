"""What a piece of storage becomes: what is stored of it stays; what is missing makes that grow, or comes beside it.

Where a piece is several volumes, they have together what is asked of it, each what it can give. Only one of them takes
what is lacking, and what they have counts, not how large they are: so that planned again, nothing changes. Where each
partner gets a share of a piece, what is live counts first, whosever it is, and each gets of what is missing.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain, count

from contracts.capacity import CapacityKind
from contracts.plan import RefusalCode, RefusedAlternative
from contracts.resources import StorageSpec
from contracts.storage import StorageClass, StorageNeed
from planner.keys import unit_key
from planner.market import Market
from planner.requirements import rounded
from planner.stored import Piece, Stored, fitting
from planner.volumes import STEP_GIB, STEP_IOPS, STEP_MIBPS, Volume, share_of, spec_of, speeds, stepped, volume_of

SLIGHT = 1e-6
"""IOPS, or MiB per second, that are lost in adding up."""


@dataclass(frozen=True, slots=True)
class Held:
    """A piece, and what is stored of it."""

    piece: Piece
    stored: tuple[Stored, ...]

    @property
    def gib(self) -> int:
        """What is stored."""
        return sum(item.spec.gib for item in self.stored)

    @property
    def missing(self) -> int:
        """GiB that have to come."""
        return max(0, self.piece.need.gib - self.gib)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A volume that is wanted, and what it was.

    Attributes:
        need: what is asked of it.
        live: what is there of it; None where nothing is.
        toward: the partner whose share it is; empty where it is nobody's.
        in_place: whether it adds no volume to what is there.
    """

    key: str
    piece: Piece
    volume: Volume
    need: StorageNeed
    live: StorageSpec | None = None
    toward: str = ""
    in_place: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How many GiB a place has left, what is stored included, and which keys are taken."""

    room: float
    taken: Set[str]


@dataclass(frozen=True, slots=True)
class _Amounts:
    """GiB, IOPS and MiB per second, bought or not; what is lacking is below zero where there is more than enough."""

    gib: float
    iops: float
    mibps: float

    @classmethod
    def of(cls, storage: StorageClass, what: StorageSpec | Volume) -> "_Amounts":
        return cls(what.gib, *speeds(storage, what))

    def plus(self, other: "_Amounts") -> "_Amounts":
        return _Amounts(self.gib + other.gib, self.iops + other.iops, self.mibps + other.mibps)

    def less(self, other: "_Amounts") -> "_Amounts":
        return _Amounts(self.gib - other.gib, self.iops - other.iops, self.mibps - other.mibps)

    def at_most(self, other: "_Amounts") -> "_Amounts":
        """No more than another, which counts as nothing where it is below zero."""
        most = (max(0.0, other.gib), max(0.0, other.iops), max(0.0, other.mibps))
        return _Amounts(min(self.gib, most[0]), min(self.iops, most[1]), min(self.mibps, most[2]))

    def asked(self, need: StorageNeed, has: "_Amounts | None" = None) -> StorageNeed:
        """As much of a need, in whole steps; but no more speed than it has, where it has enough."""
        iops, mibps = stepped(self.iops, STEP_IOPS), stepped(self.mibps, STEP_MIBPS)
        return need.model_copy(
            update={
                "gib": max(0, int(self.gib)),
                "iops": max(0, int(min(iops, has.iops) if has and self.iops <= has.iops + SLIGHT else iops)),
                "throughput_mibps": max(
                    0, int(min(mibps, has.mibps) if has and self.mibps <= has.mibps + SLIGHT else mibps)
                ),
            }
        )


Ways = tuple[Made, ...] | RefusedAlternative
"""What a piece becomes, or why it cannot."""


def in_class(market: Market, held: Held, name: str, place: Place) -> Ways:
    """A piece, what is missing of it being of one class; or why that is not to be had."""
    if not held.missing:
        return kept(market, held, held.piece.need)
    whole = held.piece.need
    made: tuple[Made, ...] = ()
    for toward, gib in held.piece.portions(stepped(held.missing, STEP_GIB), held.stored):
        need = share_of(whole, min(whole.gib, held.gib + gib), whole.gib)
        found = (
            _with_more(market, held, need, name, (toward, place)) if need.gib > held.gib else kept(market, held, need)
        )
        if isinstance(found, RefusedAlternative):
            return found
        made = found
        held = replace(held, stored=(*(item for item in held.stored if item.given), *map(_planned, made)))
    return made


def kept(market: Market, held: Held, need: StorageNeed) -> Ways:
    """What is stored of a piece, having all that is needed together: each a share where none takes what is lacking."""
    free = [item for item in held.stored if not item.given]
    grown = _grown(market, held, need) if free else ()
    return _settled(market, held, need, free[0], evenly=True) if isinstance(grown, RefusedAlternative) else grown


def _planned(made: Made) -> Stored:
    """A volume as if it were there already."""
    replica = made.toward or (made.live.replica_region if made.live else None)
    return Stored(key=made.key, spec=spec_of(made.volume, replica), was=made.live, part=made.need.part)


def _with_more(market: Market, held: Held, need: StorageNeed, name: str, at: tuple[str, Place]) -> Ways:
    """What is missing in place, where it can be; else the cheaper of more volumes and of another one beside."""
    grown, added = _grown(market, held, need, (name, at[0])), _added(market, held, need, name, at)
    if isinstance(grown, RefusedAlternative) or isinstance(added, RefusedAlternative):
        return added if isinstance(grown, RefusedAlternative) else grown
    return added if usd_of(added) < usd_of(grown) and not _in_place(grown) else grown


def _grown(market: Market, held: Held, need: StorageNeed, of: tuple[str, str] | None = None) -> Ways:
    """What is stored of a piece; one volume takes what is lacking: in place, else the cheapest way.

    Args:
        market: prices, and what classes are.
        held: the piece.
        need: what is asked of all of it.
        of: the class of that volume, and the partner whose it is; none: of any.
    """
    name, toward = of or ("", "")
    free = [
        item
        for item in held.stored
        if not item.given and name in ("", item.spec.storage_class) and toward in ("", item.spec.replica_region)
    ]
    found = [_settled(market, held, need, item) for item in free]
    ways = [made for made in found if isinstance(made, tuple)]
    refused = [item for item in found if isinstance(item, RefusedAlternative)]
    if not ways:
        return refused[0] if refused else RefusedAlternative(candidate=name or "", code=RefusalCode.NOT_OFFERED)
    return min(ways, key=lambda made: (not _in_place(made), usd_of(made)))


def _settled(market: Market, held: Held, need: StorageNeed, first: Stored, *, evenly: bool = False) -> Ways:
    """What is stored of a piece; the first volume takes what is lacking, the others give up what is not needed.

    Evenly: each takes of it no more than its share, by the GiB, of all that is needed.
    """
    lack = _lacking(market, need, [item.spec for item in held.stored])
    made = []
    for item in (first, *(other for other in held.stored if other is not first and not other.given)):
        storage = market.storage_class(item.spec.storage_class)
        has = _Amounts.of(storage, item.spec)
        takes = lack.at_most(_share(need, item.spec.gib).less(has)) if evenly else lack
        asked = need if len(held.stored) == 1 else has.plus(takes).asked(need, has)
        volume = volume_of(market, held.piece.region, storage.name, asked, item.spec)
        if isinstance(volume, RefusedAlternative):
            return volume
        if isinstance(refused := fitting(market, held.piece, spec_of(volume)), RefusedAlternative):
            return refused
        lack = lack.plus(has).less(_Amounts.of(storage, volume))
        after = storage.sizes(volume.gib, volume.volumes)
        in_place = item.was is not None and len(_live_sizes(market, item.was)) == len(after)
        toward = "" if item.was else item.spec.replica_region or ""
        made.append(
            Made(
                key=item.key,
                piece=held.piece,
                volume=volume,
                need=asked,
                live=item.was,
                toward=toward,
                in_place=in_place,
            )
        )
    return tuple(made)


def _added(market: Market, held: Held, need: StorageNeed, name: str, at: tuple[str, Place]) -> Ways:
    """A piece with another volume for what is missing, of one class, beside what is stored: every GiB as fast."""
    piece, (toward, place) = held.piece, at
    stored = kept(market, held, share_of(need, held.gib, need.gib))
    if isinstance(stored, RefusedAlternative):
        return stored
    there: list[StorageSpec | Volume] = [
        *(item.spec for item in held.stored if item.given),
        *(item.volume for item in stored),
    ]
    lack = _lacking(market, need, there)
    if stored and max(lack.gib, lack.iops, lack.mibps) <= 0:
        return stored  # as GiB were bought for their speed
    more = replace(lack, gib=stepped(need.gib - held.gib, STEP_GIB)).asked(need)
    volume = volume_of(market, piece.region, name, more)
    if isinstance(volume, RefusedAlternative):
        return volume
    if isinstance(refused := fitting(market, piece, spec_of(volume)), RefusedAlternative):
        return refused
    rest = _lacking(market, need, [volume])  # as it may bring more than was asked of it
    stored = kept(market, held, replace(rest, gib=held.gib).asked(need))
    if isinstance(stored, RefusedAlternative):
        return stored
    first = piece.key(name, toward)
    numbered = (unit_key(first, str(number)) for number in count(2))  # no region's name is a number
    key = next(found for found in chain((first,), numbered) if found not in place.taken)
    return (*stored, Made(key=key, piece=piece, volume=volume, need=more, toward=toward, in_place=False))


def _live_sizes(market: Market, live: StorageSpec) -> tuple[int, ...]:
    return market.storage_class(live.storage_class).sizes(live.gib, live.volumes)


def _share(need: StorageNeed, gib: int) -> _Amounts:
    """What so many GiB of a need must have."""
    share = share_of(need, gib, max(gib, need.gib))
    return _Amounts(share.gib, share.iops, share.throughput_mibps)


def _lacking(market: Market, need: StorageNeed, there: Sequence[StorageSpec | Volume]) -> _Amounts:
    """What is asked for beyond what is there."""
    lack = _Amounts(need.gib, need.iops, need.throughput_mibps)
    for item in there:
        lack = lack.less(_Amounts.of(market.storage_class(item.storage_class), item))
    return lack


def _in_place(made: Sequence[Made]) -> bool:
    return all(item.in_place for item in made)


def stays(made: Sequence[Made]) -> bool:
    """Whether what is there becomes what is asked, in place, and no volume comes."""
    return bool(made) and _in_place(made)


def gib_of(made: Sequence[Made]) -> int:
    """All volumes together."""
    return sum(item.volume.gib for item in made)


def usd_of(made: Sequence[Made]) -> float:
    """USD per hour of all, where they serve."""
    return sum(item.volume.usd_per_hour for item in made)


def too_large(candidate: str, gib: int, room: float) -> RefusedAlternative:
    """Why something is not taken: the place has not so many GiB left."""
    return RefusedAlternative(
        candidate=candidate,
        code=RefusalCode.NO_CAPACITY,
        limit=rounded(max(0.0, room)),
        value=gib,
        unit=CapacityKind.STORAGE_GIB.value,
    )
