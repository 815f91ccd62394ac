"""Who has the replica of a volume: the first partner that sells its class and has the room.

A class and its replica are chosen together (`Copies`): what no partner could have is taken only where no class could
be copied at all. Who gets it in the end is settled once all that serves is known (`replica_of`): that has room first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contracts.capacity import CapacityKind
from contracts.plan import RefusalCode, RefusedAlternative, Requirement
from contracts.risk import Scarce
from planner.demand import Demand
from planner.desired import Desired
from planner.market import Market
from planner.pieces import Made, too_large
from planner.stored import Piece
from planner.volumes import Volume

Refused = tuple[RefusedAlternative, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """What replicas would cost, while classes are chosen, and GiB that places have left for them by then.

    Attributes:
        lacks: of room that classes that would cost less do not have.
    """

    market: Market
    left_gib: dict[str, float]
    lacks: list[Scarce] = field(default_factory=list)

    @classmethod
    def before(cls, desired: Desired, needs: Iterable[Requirement | None]) -> "Copies":
        """With room for all that is asked to serve left out, whatever of it stands."""
        rooms = {region: desired.room(region, CapacityKind.STORAGE_GIB) for region in desired.market.regions}
        for need in needs:
            if need is not None and need.place in rooms:
                rooms[need.place] -= need.quantity
        return cls(desired.market, rooms)

    def usd(self, piece: Piece, volumes: Sequence[Volume]) -> float | None:
        """USD per hour of the replicas of a piece made anew; None where there are partners and a volume finds none."""
        total = 0.0
        for (toward, _), volume in zip(piece.portions(piece.need.gib, ()), volumes, strict=True):
            partner = self._partner(_first(toward, piece.partners), volume)
            if partner is None and piece.partners:
                return None
            total += self._price(partner, volume)
        return total

    def told(self, made: Iterable[Made]) -> tuple[int, float]:
        """Of what a part becomes: how many new volumes would have no replica, and USD per hour of all replicas."""
        without, total = 0, 0.0
        for item in made:
            partner = item.live.replica_region if item.live else self._partner(ordered(item), item.volume)
            without += item.live is None and partner is None and bool(item.piece.partners)
            total += self._price(partner, item.volume)
        return without, total

    def take(self, made: Iterable[Made]) -> None:
        """Takes the room that replicas of what is chosen will need."""
        for item in made:
            if item.live is None and (partner := self._partner(ordered(item), item.volume)):
                self.left_gib[partner] -= item.volume.gib

    def _price(self, partner: str | None, volume: Volume) -> float:
        return (self.market.price(partner, volume.storage_class) or 0.0) * volume.gib if partner else 0.0

    def _partner(self, partners: Sequence[str], volume: Volume) -> str | None:
        sell = (one for one in partners if self.market.price(one, volume.storage_class) is not None)
        return next((one for one in sell if volume.gib <= self.left_gib.get(one, 0.0)), None)


def ordered(item: Made) -> tuple[str, ...]:
    """Partners of a volume: first the one that has its replica, or whose share it is."""
    return _first(item.live.replica_region if item.live else item.toward, item.piece.partners)


def _first(one: str | None, partners: tuple[str, ...]) -> tuple[str, ...]:
    return (one, *(other for other in partners if other != one)) if one and one in partners else partners


@dataclass(frozen=True, slots=True)
class Rooms:
    """GiB that places have left beside what serves and is replicated there, and where more serves than before."""

    left_gib: dict[str, float]
    grow: frozenset[str]

    @classmethod
    def left(cls, desired: Desired, chosen: Iterable[tuple[str, Made]]) -> "Rooms":
        """Beside what was chosen, each with the place where it serves."""
        rooms = {region: desired.room(region, CapacityKind.STORAGE_GIB) for region in desired.market.regions}
        more = dict.fromkeys(rooms, 0)
        for place, made in chosen:
            live = made.live
            rooms[place] -= made.volume.gib
            more[place] += made.volume.gib - (live.gib if live else 0)
            if live and live.replica_region in rooms:
                rooms[live.replica_region] -= live.gib
        return cls(rooms, frozenset(place for place, gib in more.items() if gib > 0))


def replica_of(market: Market, demand: Demand, rooms: Rooms, made: Made) -> tuple[str | None, Refused]:
    """The region where a volume is replicated: where it is already, else the first partner with room.

    What is replicated somewhere needs no offer to stay, nor room, though a quota fell: unless what serves there grows.
    """
    volume, live = made.volume, made.live
    standing = live.replica_region if live else None
    if standing in demand.question.frozen_regions():  # it serves on, and nothing is known against it
        return standing, ()
    left = rooms.left_gib
    if live and standing in left:
        left[standing] += live.gib
    refused = []
    for partner in ordered(made):
        there = live.gib if live and partner == standing else 0
        if market.price(partner, volume.storage_class) is None and volume.gib > there:
            refused.append(RefusedAlternative(candidate=f"replica in {partner}", code=RefusalCode.NOT_OFFERED))
        elif volume.gib > max(left[partner], 0 if partner in rooms.grow else there):
            refused.append(too_large(f"replica in {partner}", volume.gib, left[partner]))
        else:
            left[partner] -= volume.gib
            return partner, tuple(refused)
    return None, tuple(refused)
