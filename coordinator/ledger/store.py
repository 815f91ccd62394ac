"""The ledger's file: connections, transactions, and what SQLite's errors mean.

One writer at a time. A writer waits with very short sleeps of its own: SQLite's busy handler sleeps up to 100 ms,
which is where a 99th percentile goes. Every commit is on the disk before it returns (WAL, synchronous=FULL).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from contracts.ports import Clock
from coordinator.errors import BlockOverlap, Busy, CoordinatorError, LedgerFull, LedgerUnusable
from coordinator.ledger.schema import SCHEMA, VERSION
from stacks.fence import guard

WAIT_S = 30.0
"""How long a writer waits for its turn. A transaction takes about a millisecond, so this many means that something
is stuck (a stopped process, a backup that holds the file)."""

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction: what the tables are read and written through, and the one time that it happens at."""

    connection: sqlite3.Connection
    now: datetime

    @property
    def at(self) -> str:
        return stamp(self.now)

    def rows(self, sql: str, *values: str | int | float | None) -> list[sqlite3.Row]:
        return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: str | int | float | None) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        return found

    def run(self, sql: str, *values: str | int | float | None) -> int:
        """Executes and returns how many rows were changed."""
        return self.connection.execute(sql, values).rowcount


class Store:
    """Opens the file, making it when it is not there.

    Raises:
        LedgerUnusable: not a ledger, damaged, of a later version or of another environment.
        Busy: another process has held it for `WAIT_S`.
    """

    def __init__(self, path: Path, environment: str, clock: Clock) -> None:
        self.path = path
        self.environment = environment
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._translated():
            self._connection = sqlite3.connect(path, timeout=0.0, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=2000"):
                self._patiently(f"PRAGMA {pragma}")
        self._prepare()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is wholly on the disk when the block ends, or leaves no trace when it raises.

        Raises:
            Fenced: this process was stalled, and another has the environment's lock now.
        """
        with self._translated():
            self._patiently("BEGIN IMMEDIATE")
            try:
                guard(self._connection, self.path)
                yield Transaction(connection=self._connection, now=self._clock())
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view of everything; never waits for writers."""
        with self._translated():
            self._connection.execute("BEGIN")
            try:
                yield Transaction(connection=self._connection, now=self._clock())
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def _patiently(self, sql: str) -> None:
        retrying = Retrying(
            retry=retry_if_exception(_is_locked),
            wait=wait_random(0.0001, 0.0008),
            stop=stop_after_delay(WAIT_S),
            reraise=True,
        )
        retrying(self._connection.execute, sql)

    def _prepare(self) -> None:
        """Makes the tables once, whoever comes first; then checks whose ledger this is."""
        if self._version() == 0:
            with self.write() as tx:
                if self._version() == 0:
                    for statement in _statements(SCHEMA):
                        tx.run(statement)
                    tx.run("INSERT INTO meta VALUES ('environment', ?)", self.environment)
                    tx.run(f"PRAGMA user_version = {VERSION}")
        if (version := self._version()) > VERSION:
            raise LedgerUnusable(
                f"is version {version}",
                where=str(self.path),
                expected=f"version {VERSION} or earlier",
                next_step="install a later Prestage",
            )
        with self.read() as tx:
            owner = tx.row("SELECT value FROM meta WHERE name = 'environment'")
        if owner is None or owner["value"] != self.environment:
            found = "none" if owner is None else repr(owner["value"])
            raise LedgerUnusable(
                f"belongs to environment {found}", where=str(self.path), expected=repr(self.environment)
            )

    def _version(self) -> int:
        with self._translated():
            return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self.path) from error


def stamp(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, microseconds, so that text compares as time does."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def moment(text: str | None) -> datetime | None:
    """The moment that `stamp` wrote."""
    return None if text is None else datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _LOCKED


def _translate(error: sqlite3.Error, path: Path) -> CoordinatorError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary of an extended code, such as IOERR_SHMSIZE
    where = str(path)
    if _is_locked(error):
        return Busy(f"another process has been writing for more than {WAIT_S:g} s", where=where, next_step="try again")
    if code in _FULL:
        return LedgerFull(
            f"{error}: the disk is full; nothing was written", where=where, next_step="make room, then run it again"
        )
    if str(error) == "blocks overlap":
        return BlockOverlap("an address block overlaps one that is in use", where=where)
    damaged = code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
    mend = "restore the file from a backup" if damaged else "see that the file and its folder can be written"
    return LedgerUnusable(f"the ledger cannot be used: {error}", where=where, next_step=mend)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, whole: a trigger has semicolons of its own."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
