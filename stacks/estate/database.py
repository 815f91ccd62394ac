"""The inventory's file: one connection, explicit transactions, errors of SQLite in the room's words.

synchronous=FULL: an engine that was told "created" writes that to its state, so the inventory must not forget it in a
power cut. NORMAL was measured and gains nothing that shows: engines wait for one another, not for the disk.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from stacks.errors import EstateBusy, StacksError
from stacks.fence import guard

BUSY_TIMEOUT_S = 15.0  # one write takes milliseconds: who waits longer waits for something that hangs


class Database:
    """A connection that threads share; one of them uses it at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.RLock()
        with self._translated():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._prepare()

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA foreign_keys = ON")
        execute("PRAGMA synchronous = FULL")
        if execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            execute("PRAGMA journal_mode = WAL")
        if not execute("SELECT 1 FROM sqlite_master WHERE name = 'block_moves'").fetchone():
            schema = files("stacks.estate").joinpath("schema.sql").read_text()
            self._connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that may write: all of it is kept, or nothing.

        Raises:
            EstateBusy: another process held the inventory too long.
            Fenced: this process was stalled, and another has the environment's lock now.
        """
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                guard(self._connection, self.path)
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view, however many queries it takes."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            where = str(self.path)
            if "locked" in str(error):
                raise EstateBusy(
                    f"the inventory was held by another process for {BUSY_TIMEOUT_S:g} s",
                    where=where,
                    next_step="wait until it is done, then run the command again",
                ) from error
            raise StacksError(
                f"the inventory cannot be used: {error}",
                where=where,
                next_step="see that the disk has room and the file can be written, then run the command again",
            ) from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise StacksError(
                f"the inventory is damaged: {error}",
                where=str(self.path),
                next_step="restore the file from a backup",
            ) from error
