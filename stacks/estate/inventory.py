"""The estate's inventory: one set of create, read, update and delete functions that both providers stand on.

Creating what exists under the same environment and key updates it and returns it (adoption), and deleting what is
gone succeeds: that is what makes a rerun after a crash do nothing twice. Capacity, uniqueness and address overlap are
decided inside one write transaction; overlap is a constraint of the database besides.

The state of a resource (ready, staged, held, active, quarantined) mirrors the coordinator's ledger and is never
declared.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stacks.declaration import Value
from stacks.errors import InUse, KeyTaken, UnknownPlace
from stacks.estate.admission import take_capacity, take_range
from stacks.estate.checks import check_arguments, check_in_place, kind_of
from stacks.estate.database import Database

if TYPE_CHECKING:  # pydantic takes a third of a provider's start
    from contracts.capacity import Catalog
    from contracts.inventory import InventoryFacts
    from stacks.estate.physical import FactChange

READY = "ready"
KEPT_STATES = frozenset({"held", "active"})  # somebody has it: never deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource of the inventory.

    Attributes:
        arguments: as declared, the tags environment, key and owner among them.
        state: computed; `ready` until the coordinator says otherwise.
        holder: who holds or uses it.
        version: from 1, one more at each change of the arguments.
        seq: the order of creation; a resource that was made anew has another one.
    """

    environment: str
    key: str
    type: str
    arguments: Mapping[str, Value]
    state: str
    holder: str | None
    version: int
    seq: int

    @property
    def id(self) -> str:
        return resource_id(self.environment, self.key)

    def attributes(self) -> dict[str, Value]:
        """Everything that a provider reports: arguments and computed fields."""
        return {**self.arguments, "id": self.id, "state": self.state}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What one resource takes of a capacity kind at a place."""

    environment: str
    key: str
    place: str
    kind: str
    amount: float


def resource_id(environment: str, key: str) -> str:
    """The id of a resource, known before it exists: `dev/fra/network`."""
    return f"{environment}/{key}"


def split_id(id: str) -> tuple[str, str]:
    """Environment and key of an id."""
    environment, _, key = id.partition("/")
    return environment, key


class Inventory:
    """The inventory in one SQLite file; safe to share between threads, and the file between processes.

    Raises (everywhere):
        EstateBusy: another process held the file too long.
        EstateRefused: a subclass says why; nothing was changed.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.path = path

    def close(self) -> None:
        self._database.close()

    def load_facts(self, facts: "InventoryFacts", catalog: "Catalog") -> "tuple[FactChange, ...]":
        """Replaces what physically exists; tells each total and price that changed (none on the first load)."""
        from stacks.estate.physical import replace_facts

        with self._database.writing() as connection:
            return replace_facts(connection, facts, catalog)

    def facts(self) -> "tuple[InventoryFacts, Catalog]":
        """What physically exists, as it was loaded last."""
        from stacks.estate.physical import read_facts

        with self._database.reading() as connection:
            return read_facts(connection)

    def create(self, environment: str, type: str, key: str, arguments: Mapping[str, Value]) -> Row:
        """Creates a resource, or adopts the one that is there, brought to these arguments."""
        wanted = _checked(type, key, environment, arguments)
        with self._database.writing() as connection:
            if there := _find(connection, environment, key):
                return _change(connection, there, type, wanted)
            cursor = connection.execute(
                "INSERT INTO resource (environment, key, type, arguments) VALUES (?, ?, ?, ?)",
                (environment, key, type, _dump(wanted)),
            )
            assert cursor.lastrowid is not None
            take_capacity(connection, cursor.lastrowid, type, wanted)
            if type == "estate_block":
                take_range(connection, cursor.lastrowid, wanted)
            return _found(connection, environment, key)

    def read(self, environment: str, key: str) -> Row | None:
        """A resource, or None where there is none."""
        with self._database.reading() as connection:
            return _find(connection, environment, key)

    def update(self, environment: str, type: str, key: str, arguments: Mapping[str, Value]) -> Row:
        """Brings a resource to these arguments, in place.

        Raises:
            UnknownPlace: there is none under this key.
            NotInPlace: a changed field needs a replacement.
        """
        wanted = _checked(type, key, environment, arguments)
        with self._database.writing() as connection:
            return _change(connection, _found(connection, environment, key), type, wanted)

    def delete(self, environment: str, key: str) -> None:
        """Deletes a resource; one that is gone already is no error.

        Raises:
            InUse: it is held or active; names the holder.
        """
        with self._database.writing() as connection:
            there = _find(connection, environment, key)
            if there is None:
                return
            if there.state in KEPT_STATES:
                raise InUse(
                    f"is {there.state} for {there.holder or 'an unnamed holder'}",
                    where=key,
                    expected="a resource that nobody has",
                    next_step="prestage release it first, or plan anew: a plan keeps what is held",
                )
            connection.execute("DELETE FROM resource WHERE seq = ?", (there.seq,))

    def listing(self, environment: str | None = None) -> tuple[Row, ...]:
        """All resources, or those of one environment, in the order of their keys."""
        where, values = ("WHERE environment = ?", (environment,)) if environment else ("", ())
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT * FROM resource {where} ORDER BY environment, key", values)
            return tuple(_row(row) for row in rows)

    def set_state(self, key: str, state: str, holder: str | None = None, *, environment: str | None = None) -> None:
        """Mirrors a unit's state; a key that is not there is no error (it may be deleted between two mirrors)."""
        self.set_states({key: (state, holder)}, environment=environment)

    def set_states(self, states: Mapping[str, tuple[str, str | None]], *, environment: str | None = None) -> None:
        """Mirrors many units in one transaction: key -> state and holder.

        `environment` is needed only where several environments share an estate.
        """
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE resource SET state = ?, holder = ? WHERE key = ? AND environment = coalesce(?, environment)",
                [(state, holder, key, environment) for key, (state, holder) in states.items()],
            )

    def live(self) -> tuple[tuple[Row, ...], tuple[UsageRow, ...]]:
        """Every resource of every environment and what it takes, at one moment."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM resource ORDER BY environment, key").fetchall()
            usages = connection.execute(
                "SELECT environment, key, place, kind, amount FROM usage JOIN resource USING (seq) ORDER BY seq"
            ).fetchall()
        return tuple(_row(row) for row in rows), tuple(UsageRow(**dict(usage)) for usage in usages)


def _checked(type: str, key: str, environment: str, arguments: Mapping[str, Value]) -> dict[str, Value]:
    wanted = {**arguments, "environment": environment, "key": key}
    check_arguments(kind_of(type), key, wanted)
    return wanted


def _change(connection: sqlite3.Connection, there: Row, type: str, wanted: Mapping[str, Value]) -> Row:
    if there.type != type:
        raise KeyTaken(f"is an {there.type}, not an {type}", where=there.key)
    if there.arguments == wanted:
        return there
    check_in_place(kind_of(type), there.key, there.arguments, wanted)
    take_capacity(connection, there.seq, type, wanted)
    connection.execute(
        "UPDATE resource SET arguments = ?, version = version + 1 WHERE seq = ?", (_dump(wanted), there.seq)
    )
    return _found(connection, there.environment, there.key)


def _find(connection: sqlite3.Connection, environment: str, key: str) -> Row | None:
    query = "SELECT * FROM resource WHERE environment = ? AND key = ?"
    row = connection.execute(query, (environment, key)).fetchone()
    return _row(row) if row else None


def _found(connection: sqlite3.Connection, environment: str, key: str) -> Row:
    if row := _find(connection, environment, key):
        return row
    raise UnknownPlace(f"environment {environment!r} has no such resource", where=key)


def _row(row: sqlite3.Row) -> Row:
    return Row(**{**dict(row), "arguments": json.loads(row["arguments"])})


def _dump(arguments: Mapping[str, Value]) -> str:
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"))
