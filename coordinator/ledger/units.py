"""Units: what is handed out. Each change of state is a compare-and-set on the unit's version."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network

from contracts.ledger import UnitState, UnitView
from contracts.resources import ResourceKind
from coordinator.errors import UnitTaken
from coordinator.ledger import audit
from coordinator.ledger.store import Transaction, moment, stamp


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Size:
    """What one unit gives. A block gives 2 ** (32 - prefix_length) addresses; `prefix_length` 0: it is no block."""

    vcpu: int = 0
    memory_gib: int = 0
    gib: int = 0
    gbps: int = 0
    prefix_length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit as the ledger has it; `prefix` is a block's CIDR, else empty."""

    key: str
    kind: ResourceKind
    place: str
    root: str
    size: Size
    prefix: str = ""
    state: UnitState = UnitState.STAGED
    holder: str | None = None
    grant: str | None = None
    priority: int = 0
    until: datetime | None = None
    version: int = 1

    def view(self) -> UnitView:
        """What other rooms read of it."""
        return UnitView(
            key=self.key,
            kind=self.kind,
            place=self.place,
            root=self.root,
            state=self.state,
            holder=self.holder,
            grant=self.grant,
            until=self.until,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """Who has a unit from now on: its next state, the holder and grant where it has one, and until when."""

    state: UnitState
    holder: str | None = None
    grant: str | None = None
    priority: int = 0
    until: datetime | None = None


def by_key(tx: Transaction, key: str) -> Unit | None:
    """The unit, if the ledger knows it."""
    row = tx.row("SELECT * FROM units WHERE key = ?", key)
    return None if row is None else _unit(row)


def listing(tx: Transaction) -> tuple[Unit, ...]:
    """All units, by key."""
    return tuple(_unit(row) for row in tx.rows("SELECT * FROM units ORDER BY key"))


def of_grant(tx: Transaction, grant: str) -> tuple[Unit, ...]:
    """The units of a grant or a hold, by key."""
    return tuple(_unit(row) for row in tx.rows("SELECT * FROM units WHERE grant_id = ? ORDER BY key", grant))


def add(tx: Transaction, unit: Unit) -> None:
    """A new unit.

    Raises:
        BlockOverlap: (from the database) its block overlaps another of the place.
    """
    size = unit.size
    tx.run(
        "INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(unit.key, unit.kind, unit.place, unit.root, size.vcpu, size.memory_gib, size.gib, size.gbps),
        *(unit.prefix, size.prefix_length, unit.state, unit.holder, unit.grant, unit.priority),
        *(None if unit.until is None else stamp(unit.until), unit.version),
    )
    if unit.state is not UnitState.FREE:
        _claim_range(tx, unit)


def move(tx: Transaction, unit: Unit, custody: Custody) -> None:
    """Gives a unit to its next custody, if it is still exactly what was read.

    Raises:
        UnitTaken: somebody changed it since.
    """
    until = None if custody.until is None else stamp(custody.until)
    changed = tx.run(
        "UPDATE units SET state = ?, holder = ?, grant_id = ?, priority = ?, until = ?, version = version + 1"
        " WHERE key = ? AND version = ? AND state = ?",
        *(custody.state, custody.holder, custody.grant, custody.priority, until, unit.key, unit.version, unit.state),
    )
    if changed != 1:
        raise UnitTaken(f"is no longer {unit.state} (version {unit.version})", where=unit.key, next_step="try again")
    if custody.state is UnitState.FREE:
        tx.run("DELETE FROM blocks WHERE key = ?", unit.key)
    elif unit.state is UnitState.FREE:
        _claim_range(tx, unit)


def drop(tx: Transaction, unit: Unit) -> None:
    """Forgets a unit that no longer exists.

    Raises:
        UnitTaken: it changed since it was read.
    """
    if tx.run("DELETE FROM units WHERE key = ? AND version = ?", unit.key, unit.version) != 1:
        raise UnitTaken(f"is no longer version {unit.version}", where=unit.key, next_step="try again")


def take_root(tx: Transaction, key: str, root: str) -> None:
    """Records that a unit's resource lives in another root (adoption)."""
    tx.run("UPDATE units SET root = ?, version = version + 1 WHERE key = ? AND root <> ?", root, key, root)


def lapse(tx: Transaction, quarantine_until: datetime) -> int:
    """Ends what ran out: holds and quarantines are staged again, grants go into quarantine. Returns how many."""
    due = [
        _unit(row)
        for row in tx.rows("SELECT * FROM units WHERE until IS NOT NULL AND until <= ? ORDER BY until, key", tx.at)
    ]
    for unit in due:
        if unit.state is UnitState.ACTIVE:
            move(tx, unit, Custody(state=UnitState.QUARANTINED, until=quarantine_until))
        else:
            move(tx, unit, Custody(state=UnitState.STAGED))
        tx.run("UPDATE grants SET ended_at = ? WHERE id = ? AND ended_at IS NULL", tx.at, unit.grant)
        audit.append(tx, audit.Event.LAPSED, unit.key, {"from": unit.state, "grant": unit.grant})
    return len(due)


def pending(tx: Transaction, limit: int = 500) -> tuple[Unit, ...]:
    """Units whose state the inventory does not know yet."""
    rows = tx.rows("SELECT units.* FROM outbox JOIN units USING (key) ORDER BY outbox.rowid LIMIT ?", limit)
    return tuple(_unit(row) for row in rows)


def followed(tx: Transaction, units: Iterable[Unit]) -> None:
    """The inventory knows these units as they were read; what changed since stays in the outbox."""
    tx.connection.executemany(
        "DELETE FROM outbox WHERE key = ? AND version = ?", [(unit.key, unit.version) for unit in units]
    )


def follow_again(tx: Transaction, keys: Iterable[str]) -> None:
    """Puts units in the outbox though they did not change: their resources were made anew."""
    tx.connection.executemany(
        "INSERT OR REPLACE INTO outbox SELECT key, version FROM units WHERE key = ?", [(key,) for key in keys]
    )


def counts(tx: Transaction) -> dict[tuple[str, str], int]:
    """How many units there are, by (kind, state)."""
    rows = tx.rows("SELECT kind, state, COUNT(*) AS n FROM units GROUP BY kind, state ORDER BY kind, state")
    return {(row["kind"], row["state"]): row["n"] for row in rows}


def stock(tx: Transaction, place: str, states: Sequence[UnitState]) -> list[sqlite3.Row]:
    """Units at a place, counted by kind, size, state and holder: a few rows, however many units there are."""
    return tx.rows(
        "SELECT kind, state, holder, priority, vcpu, memory_gib, gib, gbps, prefix_length, COUNT(*) AS n FROM units"
        f" WHERE place = ? AND state IN ({', '.join('?' * len(states))})"
        " GROUP BY kind, state, holder, priority, vcpu, memory_gib, gib, gbps, prefix_length",
        place,
        *states,
    )


def first_of(tx: Transaction, place: str, pattern: Unit, count: int) -> tuple[Unit, ...]:
    """The first `count` units at a place that are like `pattern` in kind, size, state, holder and priority, by key."""
    size = pattern.size
    rows = tx.rows(
        "SELECT * FROM units WHERE place = ? AND kind = ? AND state = ? AND vcpu = ? AND memory_gib = ? AND gib = ?"
        " AND gbps = ? AND prefix_length = ? AND holder IS ? AND priority = ? ORDER BY key LIMIT ?",
        *(place, pattern.kind, pattern.state, size.vcpu, size.memory_gib, size.gib, size.gbps, size.prefix_length),
        *(pattern.holder, pattern.priority, count),
    )
    return tuple(_unit(row) for row in rows)


def _claim_range(tx: Transaction, unit: Unit) -> None:
    if unit.prefix:
        block = IPv4Network(unit.prefix)
        first, last = int(block.network_address), int(block.broadcast_address)
        tx.run("INSERT INTO blocks VALUES (?, ?, ?, ?)", unit.key, unit.place, first, last)


def _unit(row: sqlite3.Row) -> Unit:
    return Unit(
        key=row["key"],
        kind=ResourceKind(row["kind"]),
        place=row["place"],
        root=row["root"],
        size=_size(row),
        prefix=row["prefix"],
        state=UnitState(row["state"]),
        holder=row["holder"],
        grant=row["grant_id"],
        priority=row["priority"],
        until=moment(row["until"]),
        version=row["version"],
    )


def _size(row: sqlite3.Row) -> Size:
    return Size(
        vcpu=row["vcpu"],
        memory_gib=row["memory_gib"],
        gib=row["gib"],
        gbps=row["gbps"],
        prefix_length=row["prefix_length"],
    )
