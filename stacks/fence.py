"""Fencing: a holder of the apply lock that lost its turn writes nothing more, however late it wakes up.

Each time the lock is taken, its holder gets a token, one higher than any before (`stacks.lock`). While it holds the
lock, every write transaction of this process on the journal, the ledger and the inventory of that environment shows
the token (`guard`, inside the transaction). A file remembers the highest token that it has seen and refuses lower
ones. Whoever takes the lock over from a stalled holder raises all three first. Writes outside of the lock, such as a
grant of what is staged, show no token: they are compare-and-set by themselves.

M. Kleppmann, "How to do distributed locking" (2016), has the argument; fencing tokens are older (Gray and Cheriton's
leases, 1989; Chubby's sequencers, 2006).
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from stacks.errors import EstateBusy, Fenced

FENCED = ("journal.db", "ledger.db", "estate.db")
"""What lies beside the lock and refuses writes of who lost it."""
BUSY_WAIT_S = 2.0  # a write takes milliseconds
TABLE = "CREATE TABLE IF NOT EXISTS fence (one INTEGER PRIMARY KEY CHECK (one = 1), token INTEGER NOT NULL) STRICT"

_held: dict[str, int] = {}  # of this process, by folder: a lock is a process's, as flock is


def hold(folder: Path, token: int) -> None:
    """From now on this process's writes in a folder show a token."""
    _held[_name(folder)] = token


def let_go(folder: Path) -> None:
    """From now on they show none."""
    _held.pop(_name(folder), None)


def guard(connection: sqlite3.Connection, path: Path) -> None:
    """Lets a write transaction pass, inside it, unless another has taken the lock since.

    Raises:
        Fenced: this process held the lock and lost it; nothing was written.
    """
    token = _held.get(_name(path.parent))
    if token is not None:
        _show(connection, path, token)


def raise_all(folder: Path, token: int) -> None:
    """Makes every file of a folder refuse lower tokens, whatever their holders are about to write.

    Raises:
        EstateBusy: somebody is inside a write of one of them, and does not come out.
    """
    for path in _files(folder):
        with closing(sqlite3.connect(path, timeout=BUSY_WAIT_S, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise EstateBusy(
                    f"a process has been writing for {BUSY_WAIT_S:g} s",
                    where=str(path),
                    next_step="see whether it is stopped, then run the command again",
                ) from error
            _show(connection, path, token)
            connection.execute("COMMIT")


def highest(folder: Path) -> int:
    """The highest token that any file of a folder has seen; 0 where none has."""
    return max((_seen(path) for path in _files(folder)), default=0)


def _show(connection: sqlite3.Connection, path: Path, token: int) -> None:
    connection.execute(TABLE)
    row = connection.execute("SELECT token FROM fence").fetchone()
    if row is None or row[0] < token:
        connection.execute("INSERT OR REPLACE INTO fence VALUES (1, ?)", (token,))
    elif row[0] > token:
        raise Fenced(
            f"the environment's lock was lost: it was stalled for too long, and another took it over"
            f" (turn {row[0]}, this one was {token})",
            where=str(path),
            expected="nothing was written after that",
            next_step="prestage status shows what is open; then run the same command again",
        )


def _seen(path: Path) -> int:
    with closing(sqlite3.connect(path, timeout=BUSY_WAIT_S)) as connection, suppress(sqlite3.DatabaseError):
        row = connection.execute("SELECT token FROM fence").fetchone()
        return int(row[0]) if row else 0
    return 0


def _files(folder: Path) -> list[Path]:
    return [path for name in FENCED if (path := folder / name).exists()]


def _name(folder: Path) -> str:
    return str(folder.absolute())
