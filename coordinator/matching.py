"""Which staged units meet a request, or what is missing, in numbers. Pure.

It works on lots (how many units of one size there are), so that its work does not grow with the number of units: the
PreAllocationTable of disclosure 11582298, with who has what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from contracts.capacity import CapacityKind
from contracts.ledger import UnitState
from contracts.requests import Missing, Requirements
from contracts.resources import ResourceKind
from coordinator.ledger.units import Size

MAX_SPARE_BITS = 4
"""A block handed out is at most 2 ** 4 times as large as asked for: a smaller request is carved from the pool."""


class Tier(IntEnum):
    """In which order lots are used up."""

    OWN_HOLD = 0
    STAGED = 1
    OTHERS_HOLD = 2  # of a lower priority, where the environment allows it


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """`count` units of one kind, size and custody at one place."""

    kind: ResourceKind
    place: str
    size: Size
    tier: Tier
    count: int
    state: UnitState = UnitState.STAGED
    holder: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Take `count` units of a lot."""

    lot: Lot
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What meets a request: picks, and what is missing (either may be empty, never both unless nothing is asked)."""

    picks: tuple[Pick, ...]
    missing: tuple[Missing, ...]


def match(needs: Requirements, region: str, link: str, lots: Iterable[Lot]) -> Match:
    """Covers compute, storage and addresses at the region and bandwidth on the link.

    Deterministic: the same lots in any order give the same picks. Within a tier the smallest unit that covers what
    remains is taken, else the one that covers most of it, so that no staged unit is taken that could be spared.
    """
    stock = sorted(lots, key=lambda lot: (lot.tier, lot.size, lot.holder or "", lot.priority))
    compute = _of(stock, ResourceKind.COMPUTE, region)
    volumes = _of(stock, ResourceKind.STORAGE, region)
    circuits = _of(stock, ResourceKind.CIRCUIT, link)
    parts = (
        _cover_compute(needs, region, compute),
        _cover_amount(CapacityKind.STORAGE_GIB, region, needs.storage_gib, volumes),
        _cover_amount(CapacityKind.GBPS, link, needs.gbps, circuits),
        _fit_block(needs.prefix_length, region, _of(stock, ResourceKind.BLOCK, region)),
    )
    picks = tuple(pick for part in parts for pick in part.picks)
    return Match(picks=picks, missing=tuple(item for part in parts for item in part.missing))


def _of(stock: Iterable[Lot], kind: ResourceKind, place: str) -> list[Lot]:
    return [lot for lot in stock if lot.kind is kind and lot.place == place]


def _cover_compute(needs: Requirements, region: str, lots: Sequence[Lot]) -> Match:
    have_vcpu = float(sum(lot.size.vcpu * lot.count for lot in lots))
    have_memory = float(sum(lot.size.memory_gib * lot.count for lot in lots))
    missing = [
        Missing(kind=kind, place=region, wanted=wanted, available=have, why=f"{_units(lots)} staged or held")
        for kind, wanted, have in (
            (CapacityKind.VCPU, needs.vcpu, have_vcpu),
            (CapacityKind.MEMORY_GIB, needs.memory_gib, have_memory),
        )
        if have < wanted
    ]
    if missing:
        return Match(picks=(), missing=tuple(missing))
    return Match(picks=_cover((needs.vcpu, needs.memory_gib), lots), missing=())


def _cover_amount(kind: CapacityKind, place: str, wanted: float, lots: Sequence[Lot]) -> Match:
    have = float(sum(_gives(lot.size)[0] * lot.count for lot in lots))
    if have < wanted:
        why = f"{_units(lots)} staged or held"
        return Match(picks=(), missing=(Missing(kind=kind, place=place, wanted=wanted, available=have, why=why),))
    return Match(picks=_cover((wanted, 0.0), lots), missing=())


def _cover(wanted: tuple[float, float], lots: Sequence[Lot]) -> tuple[Pick, ...]:
    """Units whose sum covers both amounts; `lots` are known to be enough."""
    taken: dict[int, int] = {}
    left = wanted
    while left[0] > 0 or left[1] > 0:
        index = _best(left, [replace(lot, count=lot.count - taken.get(at, 0)) for at, lot in enumerate(lots)])
        taken[index] = taken.get(index, 0) + 1
        gives = _gives(lots[index].size)
        left = (left[0] - gives[0], left[1] - gives[1])
    return tuple(
        Pick(lot=lots[index], count=count) for index, count in sorted(_spared(taken, left, lots).items()) if count
    )


def _spared(taken: dict[int, int], left: tuple[float, float], lots: Sequence[Lot]) -> dict[int, int]:
    """Gives back units that turned out not to be needed, least preferred first; what the customer holds is kept."""
    kept = dict(taken)
    for index in sorted(taken, reverse=True):
        gives = _gives(lots[index].size)
        while (
            kept[index]
            and lots[index].tier is not Tier.OWN_HOLD
            and all(rest + give <= 0 for rest, give in zip(left, gives, strict=True))
        ):
            kept[index] -= 1
            left = (left[0] + gives[0], left[1] + gives[1])
    return kept


def _best(left: tuple[float, float], lots: Sequence[Lot]) -> int:
    """The lot to take the next unit of: of the first tier that helps, the smallest that covers all, else the best."""

    def preference(index: int) -> tuple[bool, float, Size, int]:
        gives = _gives(lots[index].size)
        covers = gives[0] >= left[0] and gives[1] >= left[1]
        return (not covers, 0.0 if covers else -_share(gives, left), lots[index].size, index)

    helpful = [index for index, lot in enumerate(lots) if lot.count > 0 and _share(_gives(lot.size), left) > 0]
    tier = min(lots[index].tier for index in helpful)
    return min((index for index in helpful if lots[index].tier is tier), key=preference)


def _share(gives: tuple[float, float], left: tuple[float, float]) -> float:
    return sum(min(give, want) / want for give, want in zip(gives, left, strict=True) if want > 0)


def _gives(size: Size) -> tuple[float, float]:
    """What a unit covers: vCPU and memory, or GiB, or gbps."""
    if size.vcpu:
        return float(size.vcpu), float(size.memory_gib)
    return float(size.gib or size.gbps), 0.0


def _fit_block(prefix_length: int, region: str, lots: Sequence[Lot]) -> Match:
    """The smallest block that is large enough and not wastefully large, own holds first."""
    if not prefix_length:
        return Match(picks=(), missing=())
    fitting = [
        lot for lot in lots if prefix_length - MAX_SPARE_BITS <= lot.size.prefix_length <= prefix_length and lot.count
    ]
    if fitting:
        best = min(fitting, key=lambda lot: (lot.tier, -lot.size.prefix_length, lot.holder or "", lot.priority))
        return Match(picks=(Pick(lot=best, count=1),), missing=())
    largest = max((2 ** (32 - lot.size.prefix_length) for lot in lots if lot.count), default=0)
    return Match(
        picks=(),
        missing=(
            Missing(
                kind=CapacityKind.ADDRESSES,
                place=region,
                wanted=float(2 ** (32 - prefix_length)),
                available=float(largest),
                why=f"no staged block between /{prefix_length - MAX_SPARE_BITS} and /{prefix_length}",
            ),
        ),
    )


def _units(lots: Sequence[Lot]) -> str:
    count = sum(lot.count for lot in lots)
    return f"{count} unit" if count == 1 else f"{count} units"
