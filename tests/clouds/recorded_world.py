"""What stands in for two clouds behind Pulumi: every resource that was made, what changed it, and what shall go wrong.

One SQLite file a folder, so that providers in several processes share it. `received.jsonl` beside it has one line for
each create, update and delete, in the order in which they came; `tests/clouds/recording_provider.py` says its form.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
RECEIVED = "received.jsonl"
SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, token TEXT, name TEXT, inputs TEXT, outputs TEXT);
CREATE TABLE IF NOT EXISTS faults (name TEXT PRIMARY KEY, message TEXT, after INTEGER);
CREATE TABLE IF NOT EXISTS pace (delay_s REAL);
"""


class Failed(Exception):
    """The cloud refuses: what a provider tells the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource as it is. `inputs` and `outputs` bear Pulumi's names."""

    seq: int
    id: str
    token: str
    name: str
    inputs: Mapping[str, Json]
    outputs: Mapping[str, Json]


class RecordedWorld:
    """The resources behind the recording provider.

    Args:
        folder: where it is kept; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        with self._open() as database:
            database.executescript(SCHEMA)

    def create(self, token: str, urn: str, inputs: Mapping[str, Json], outputs: Mapping[str, Json]) -> Row:
        """Makes a resource; another one of the same name if there is one, as a cloud would.

        Raises:
            Failed: `fail` said so.
        """
        name = urn.split("::", 3)[3]
        time.sleep(self._delay())
        fault = self._fault(name)
        if fault and not fault[1]:
            raise Failed(fault[0])
        with self._open() as database:
            seq = int(database.execute("SELECT coalesce(max(seq), 0) + 1 FROM resources").fetchone()[0])
            id = made_id(token, name, seq)
            database.execute(
                "INSERT INTO resources (seq, id, token, name, inputs, outputs) VALUES (?, ?, ?, ?, ?, ?)",
                (seq, id, token, name, json.dumps(inputs), json.dumps(outputs)),
            )
        row = Row(seq=seq, id=id, token=token, name=name, inputs=inputs, outputs=outputs)
        self._received("create", urn, row)
        if fault:
            raise Failed(fault[0])
        return row

    def read(self, id: str) -> Row | None:
        with self._open() as database:
            found = database.execute("SELECT * FROM resources WHERE id = ?", (id,)).fetchone()
        return _row(found) if found else None

    def update(self, id: str, urn: str, inputs: Mapping[str, Json], outputs: Mapping[str, Json]) -> Row:
        """Changes a resource in place.

        Raises:
            Failed: it is gone, or `fail` said so.
        """
        if fault := self._fault(urn.split("::", 3)[3]):
            raise Failed(fault[0])
        with self._open() as database:
            changed = database.execute(
                "UPDATE resources SET inputs = ?, outputs = ? WHERE id = ?",
                (json.dumps(inputs), json.dumps(outputs), id),
            )
        row = self.read(id)
        if changed.rowcount == 0 or row is None:
            raise Failed(f"{id} does not exist")
        self._received("update", urn, row)
        return row

    def delete(self, id: str, urn: str = "") -> None:
        """Ends a resource; one that is gone already is no error. Without an URN it is somebody else's doing."""
        row = self.read(id)
        with self._open() as database:
            database.execute("DELETE FROM resources WHERE id = ?", (id,))
        if row and urn:
            self._received("delete", urn, row)

    def rows(self) -> tuple[Row, ...]:
        """All that there is, in the order in which it was made."""
        with self._open() as database:
            return tuple(_row(found) for found in database.execute("SELECT * FROM resources ORDER BY seq"))

    def named(self, name: str) -> Row:
        """The one resource of a name."""
        (row,) = [row for row in self.rows() if row.name == name]
        return row

    def change(self, name: str, **properties: Json) -> None:
        """Somebody changes a resource behind the engine's back. Names are Pulumi's."""
        row = self.named(name)
        with self._open() as database:
            database.execute(
                "UPDATE resources SET outputs = ? WHERE id = ?", (json.dumps({**row.outputs, **properties}), row.id)
            )

    def fail(self, name: str, message: str, *, after: bool = False) -> None:
        """From now on what makes or changes this resource fails; `after` it was made all the same."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO faults VALUES (?, ?, ?)", (name, message, after))

    def mend(self) -> None:
        """Nothing fails any more."""
        with self._open() as database:
            database.execute("DELETE FROM faults")

    def slow_down(self, delay_s: float) -> None:
        """From now on each creation takes so long: time for a test to act in."""
        with self._open() as database:
            database.execute("INSERT INTO pace VALUES (?)", (delay_s,))

    def received(self) -> tuple[Mapping[str, Json], ...]:
        """The lines of `received.jsonl`."""
        path = self.folder / RECEIVED
        return tuple(json.loads(line) for line in path.read_text().splitlines()) if path.exists() else ()

    def _received(self, action: str, urn: str, row: Row) -> None:
        line = {
            "action": action,
            "type": row.token,
            "urn": urn,
            "name": row.name,
            "inputs": dict(row.inputs),
            "outputs": dict(row.outputs),
            "dependencies": None,
            "provider": None,
            "id": row.id,
        }
        with (self.folder / RECEIVED).open("a") as file:
            file.write(json.dumps(line, sort_keys=True) + "\n")

    def _fault(self, name: str) -> tuple[str, bool] | None:
        with self._open() as database:
            found = database.execute("SELECT message, after FROM faults WHERE name = ?", (name,)).fetchone()
        return (str(found[0]), bool(found[1])) if found else None

    def _delay(self) -> float:
        with self._open() as database:
            return float(database.execute("SELECT coalesce(max(delay_s), 0) FROM pace").fetchone()[0])

    def _open(self) -> "_Transaction":
        return _Transaction(self.folder / "world.db")


class _Transaction:
    """One transaction on a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        self._connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK" if kind else "COMMIT")
        self._connection.close()


def made_id(token: str, name: str, seq: int) -> str:
    """An id that no other resource has, and that says nothing: `vpc-0c1f...`."""
    word = token.rpartition(":")[2].lower()
    return f"{word}-{hashlib.sha256(f'{token} {name} {seq}'.encode()).hexdigest()[:17]}"


def _row(found: Sequence[str]) -> Row:
    seq, id, token, name, inputs, outputs = found
    return Row(seq=int(seq), id=id, token=token, name=name, inputs=json.loads(inputs), outputs=json.loads(outputs))
