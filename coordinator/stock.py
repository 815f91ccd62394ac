"""From the ledger's counts to lots that can be matched, and from picks back to units."""

from collections.abc import Iterable
from sqlite3 import Row

from contracts.ledger import UnitState
from contracts.resources import ResourceKind
from coordinator.ledger import units
from coordinator.ledger.store import Transaction
from coordinator.ledger.units import Size, Unit
from coordinator.matching import Lot, Pick, Tier

_GRANTABLE = (UnitState.STAGED, UnitState.HELD)


def lots_for(
    tx: Transaction, customer: str, places: tuple[str, ...], *, priority: int, may_take_held: bool
) -> tuple[Lot, ...]:
    """What a customer can be given at some places.

    Each place's lots come apart, so that a circuit of one link is never mistaken for another's.

    Args:
        tx: of the ledger.
        customer: whose own holds come first.
        places: regions and links.
        priority: the request's; holds of a lower one may be taken.
        may_take_held: whether the environment allows that.
    """
    found = []
    for place in places:
        for row in units.stock(tx, place, _GRANTABLE):
            tier = _tier(row, customer, priority if may_take_held else 0)
            if tier is not None:
                found.append(_lot(row, place, tier))
    return tuple(found)


def units_of(tx: Transaction, picks: Iterable[Pick]) -> tuple[Unit, ...]:
    """The very units of some picks: the first by key of each lot."""
    taken: list[Unit] = []
    for pick in picks:
        lot = pick.lot
        pattern = Unit(
            key="",
            kind=lot.kind,
            place=lot.place,
            root="",
            size=lot.size,
            state=lot.state,
            holder=lot.holder,
            priority=lot.priority,
        )
        taken.extend(units.first_of(tx, lot.place, pattern, pick.count))
    return tuple(taken)


def _tier(row: Row, customer: str, taking_below: int) -> Tier | None:
    if row["state"] == UnitState.STAGED:
        return Tier.STAGED
    if row["holder"] == customer:
        return Tier.OWN_HOLD
    return Tier.OTHERS_HOLD if row["priority"] < taking_below else None


def _lot(row: Row, place: str, tier: Tier) -> Lot:
    size = Size(
        vcpu=row["vcpu"],
        memory_gib=row["memory_gib"],
        gib=row["gib"],
        gbps=row["gbps"],
        prefix_length=row["prefix_length"],
    )
    return Lot(
        kind=ResourceKind(row["kind"]),
        place=place,
        size=size,
        tier=tier,
        count=row["n"],
        state=UnitState(row["state"]),
        holder=row["holder"],
        priority=row["priority"],
    )
