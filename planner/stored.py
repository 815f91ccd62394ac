"""What is stored already: volumes that serve keep key and size, and become part of what is asked, however it is asked.

Nothing here moves content. So a live volume goes to the piece of storage whose key it bears, else to one that it was
wanted for last, else to where most is missing; as long as its class can be what is asked of the piece, or the target
makes another of it in place that can. What fits no piece is not wanted any more: policies deny its deletion until
people have copied what it holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.accounts import TargetName
from contracts.in_place import in_class
from contracts.plan import RefusedAlternative
from contracts.resources import Purpose, ResourceKind, StorageSpec
from contracts.storage import Replicas, StorageAsk, StorageNeed
from planner.demand import Demand
from planner.keys import item_key, unit_key
from planner.market import Market
from planner.volumes import STEP_GIB, Volume, need_of, share_of, spec_of, stands, stepped, volume_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a region's storage, with what is asked of all of it.

    Attributes:
        target: where it is made.
        partners: who may have its replicas, the first that may coming first.
        shares: what each partner carries of it, where each gets that and no more; none: one has all of it.
    """

    region: str
    need: StorageNeed
    target: TargetName
    partners: tuple[str, ...]
    shares: tuple[tuple[str, float], ...] = ()

    def key(self, storage_class: str, toward: str = "") -> str:
        """Of the volume that is made for it, or for what a partner gets of it."""
        item = f"{storage_class}-{self.need.part}" if self.need.part else storage_class
        stem = item_key(self.region, ResourceKind.STORAGE, Purpose.SERVING, item)
        return unit_key(stem, toward) if toward else stem

    def owns(self, volume: "Stored") -> bool:
        """Whether a volume was made for it, as its key says."""
        toward = ("", *(partner for partner, _ in self.shares))
        return volume.key in {self.key(volume.spec.storage_class, partner) for partner in toward}

    def portions(self, gib: int, there: Sequence["Stored"]) -> tuple[tuple[str, int], ...]:
        """So many GiB that are missing, by the partner who gets them: the less it has of its share, the more."""
        if not self.shares:
            return (("", gib),)
        whole = gib + sum(item.spec.gib for item in there)
        has = {name: sum(item.spec.gib for item in there if item.spec.replica_region == name) for name in self.partners}
        lack = {name: max(0.0, share * whole - has[name]) for name, share in self.shares}
        found, given, upto = [], 0, 0.0
        for name, amount in lack.items():
            upto += amount
            size = stepped(gib * upto / sum(lack.values()), STEP_GIB) - given
            found.append((name, size))
            given += size
        return tuple((name, size) for name, size in found if size > 0)

    @property
    def needs(self) -> tuple[StorageNeed, ...]:
        """What each of its volumes must have, were it made anew."""
        return tuple(share_of(self.need, gib, self.need.gib) for _, gib in self.portions(self.need.gib, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A volume that serves already, or that is to be.

    Attributes:
        spec: what it is; of one that changes its class in place, what it is then, before anything is bought.
        was: what is live of it; None where nothing is.
        given: it stays exactly as it is.
        part: what the last plan wanted it for; None where no plan did.
    """

    key: str
    spec: StorageSpec
    was: StorageSpec | None
    given: bool = False
    part: str | None = None


def stored_volumes(demand: Demand) -> dict[str, tuple[Stored, ...]]:
    """The volumes that serve in each region, the largest first."""
    question, given = demand.question, demand.given.resources
    earlier = question.earlier.resources if question.earlier else ()
    parts = {item.resource.key: item.reason.storage.part if item.reason.storage else "" for item in earlier}
    found: dict[str, list[Stored]] = {}
    for key, item in {**question.live(), **{key: planned.resource for key, planned in given.items()}}.items():
        if isinstance(item.spec, StorageSpec) and key.startswith(_stem(item.place)):
            stored = Stored(key=key, spec=item.spec, was=item.spec, given=key in given, part=parts.get(key))
            found.setdefault(item.place, []).append(stored)
    return {region: tuple(sorted(some, key=lambda one: (-one.spec.gib, one.key))) for region, some in found.items()}


def piece_of(demand: Demand, region: str, ask: StorageAsk, gib: float) -> Piece:
    """A part of so many GiB, and who has its replicas."""
    partners = tuple(other for other in demand.placement.partners(region) if _alike(demand, region, other))
    carried = {other: demand.placement.shares[region, other] for other in partners}
    shared = carried if ask.replicas is Replicas.SHARES else {}
    return Piece(
        region=region,
        need=need_of(ask, gib),
        target=demand.question.environment.target_of(region),
        partners=partners,
        shares=tuple((other, share / sum(shared.values())) for other, share in shared.items()),
    )


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
        fit = _fit(market, pieces, volume)
        own = [at for at in fit if pieces[at].owns(volume)]
        if own:
            found[own[0]].append(volume)
        elif fit:
            others.append((volume, fit))
    for volume, fit in sorted(others, key=lambda item: len(item[1])):  # stable: the largest first
        found[max(fit, key=lambda at: _suits(pieces[at], found[at], volume))].append(volume)
    return tuple(tuple(volumes) for volumes in found)


def _fit(market: Market, pieces: tuple[Piece, ...], volume: Stored) -> list[int]:
    """The pieces that a volume can be part of: in its class; in another, if it was for the piece, or fits none."""
    plain = [at for at, piece in enumerate(pieces) if fits(market, piece, volume)]
    turned = [at for at, piece in enumerate(pieces) if at not in plain and _fits_turned(market, piece, volume)]
    theirs = [at for at in turned if pieces[at].owns(volume) or pieces[at].need.part == volume.part]
    return sorted([*plain, *theirs]) if plain else turned


def _suits(piece: Piece, volumes: list[Stored], volume: Stored) -> tuple[bool, int]:
    """How well a volume goes to a piece: what it was wanted for, what is missing."""
    missing = piece.need.gib - sum(item.spec.gib for item in volumes)
    return piece.need.part == volume.part, max(0, missing)


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


def turned(market: Market, piece: Piece, volume: Stored, name: str) -> Stored | None:
    """A volume in another class, where it is sold and the target makes it so in place."""
    if volume.given or name == volume.spec.storage_class or market.price(piece.region, name) is None:
        return None
    spec = in_class(piece.target, volume.spec, name)
    return replace(volume, spec=spec) if spec else None


def _fits_turned(market: Market, piece: Piece, volume: Stored) -> bool:
    found = (turned(market, piece, volume, name) for name in market.storage_classes)
    return any(other is not None and fits(market, piece, other) for other in found)


def fits(market: Market, piece: Piece, volume: Stored) -> bool:
    """Whether a volume can be part of a piece: changed in its class, or as it is where it may not change."""
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
