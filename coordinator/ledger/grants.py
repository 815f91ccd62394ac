"""Grants and holds: who was given what, from when until when."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.document import Model
from contracts.ledger import UnitState
from coordinator.ledger import audit, units
from coordinator.ledger.store import Transaction, moment, stamp
from coordinator.ledger.units import Custody, Unit


class GrantKind(StrEnum):
    """What a row is: resources in use, or resources reserved for later."""

    GRANT = "grant"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant or hold."""

    id: str
    kind: GrantKind
    customer: str
    priority: int
    until: datetime
    made_at: datetime | None = None
    ended_at: datetime | None = None


def give(tx: Transaction, grant: Grant, content: Model, taken: Iterable[Unit]) -> None:
    """Records a grant or a hold and moves every unit into its custody.

    Raises:
        UnitTaken: a unit changed since it was read.
    """
    state = UnitState.ACTIVE if grant.kind is GrantKind.GRANT else UnitState.HELD
    custody = Custody(state=state, holder=grant.customer, grant=grant.id, priority=grant.priority, until=grant.until)
    keys = []
    for unit in taken:
        if unit.state is UnitState.HELD and unit.holder != grant.customer:
            audit.append(tx, audit.Event.TAKEN, unit.key, {"from": unit.holder, "hold": unit.grant, "by": grant.id})
        units.move(tx, unit, custody)
        keys.append(unit.key)
    record(tx, grant, content, keys)


def record(tx: Transaction, grant: Grant, content: Model, keys: list[str]) -> None:
    """Records a grant or a hold whose units are in its custody already."""
    tx.run(
        "INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
        *(grant.id, grant.kind, grant.customer, grant.priority, tx.at, stamp(grant.until), canonical(content)),
    )
    event = audit.Event.GRANTED if grant.kind is GrantKind.GRANT else audit.Event.HELD
    details: audit.Details = {"customer": grant.customer, "units": keys, "until": stamp(grant.until)}
    audit.append(tx, event, grant.id, details)


def by_id(tx: Transaction, grant: str) -> Grant | None:
    """A grant or a hold, ended or not."""
    row = tx.row("SELECT * FROM grants WHERE id = ?", grant)
    if row is None:
        return None
    until = moment(row["until"])
    assert until is not None, "every grant is made with an end"
    return Grant(
        id=row["id"],
        kind=GrantKind(row["kind"]),
        customer=row["customer"],
        priority=row["priority"],
        until=until,
        made_at=moment(row["made_at"]),
        ended_at=moment(row["ended_at"]),
    )


def content_of(tx: Transaction, grant: str) -> str:
    """What the grant was made for, as `canonical` writes it; empty where there is no such grant."""
    row = tx.row("SELECT content FROM grants WHERE id = ?", grant)
    return "" if row is None else str(row["content"])


def canonical(content: Model) -> str:
    """What a grant was made for, as the ledger keeps it."""
    return json.dumps(content.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def open_holds(tx: Transaction) -> tuple[Grant, ...]:
    """Holds that have neither ended nor been used up, by id."""
    rows = tx.rows(
        "SELECT id FROM grants WHERE kind = 'hold' AND ended_at IS NULL"
        " AND EXISTS (SELECT 1 FROM units WHERE grant_id = grants.id) ORDER BY id"
    )
    found = (by_id(tx, row["id"]) for row in rows)
    return tuple(grant for grant in found if grant is not None)


def end(tx: Transaction, grant: Grant, quarantine_until: datetime) -> tuple[str, ...]:
    """Ends a grant or a hold: what was active goes into quarantine, what was only held is staged again."""
    released = units.of_grant(tx, grant.id)
    for unit in released:
        if unit.state is UnitState.ACTIVE:
            units.move(tx, unit, Custody(state=UnitState.QUARANTINED, until=quarantine_until))
        else:
            units.move(tx, unit, Custody(state=UnitState.STAGED))
    tx.run("UPDATE grants SET ended_at = ? WHERE id = ? AND ended_at IS NULL", tx.at, grant.id)
    keys = tuple(unit.key for unit in released)
    audit.append(tx, audit.Event.RELEASED, grant.id, {"customer": grant.customer, "units": list(keys)})
    return keys
