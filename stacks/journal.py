"""The journal of engine runs: intent before, outcome after, so that a run that was killed is known and resumed.

Where it stands: `stacks.apply` opens a run here before it calls an engine and closes it afterwards. A run that has no
outcome was killed; beginning the same plan again resumes it, and a root that it had finished must still be declared
with the same words. `last_applied` is the plan that the next one has to start from.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from contracts.run import RootRun, RunStatus
from stacks.errors import EstateBusy, JournalAltered, StacksError
from stacks.fence import guard

BUSY_WAIT_S = 10.0  # a writer holds the journal for milliseconds; longer means that something is wrong

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  number INTEGER PRIMARY KEY,
  run TEXT NOT NULL UNIQUE,
  plan TEXT NOT NULL,
  small INTEGER NOT NULL CHECK (small IN (0, 1)),
  engine TEXT NOT NULL,
  started_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1,
  finished_at TEXT,
  status TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS roots (
  run TEXT NOT NULL REFERENCES runs (run),
  root TEXT NOT NULL,
  declared TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL DEFAULT 0,
  updated INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (run, root)
) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a run is about to do.

    Attributes:
        plan: digest of the plan.
        small: a plan of its own roots, which no later plan has to start from.
        engine: name of the engine in charge.
        roots: per root, the digest of what is declared in it.
    """

    plan: str
    small: bool
    engine: str
    roots: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the journal knows it. `status` is None while it has no outcome."""

    id: str
    plan: str
    small: bool
    engine: str
    started_at: datetime
    attempts: int
    finished_at: datetime | None
    status: RunStatus | None
    roots: tuple[RootRun, ...]

    @property
    def resumed(self) -> bool:
        return self.attempts > 1


class Journal:
    """The journal of one environment, a SQLite file. Every method is one transaction, on the disk when it returns.

    Raises:
        StacksError: the disk is full, or the file is not a journal; nothing half written.
        EstateBusy: another process has held the file for ten seconds.
        Fenced: this process was stalled, and another has the environment's lock now; nothing was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._reading() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(SCHEMA)

    def begin(self, intent: Intent, now: datetime) -> Run:
        """Writes the intent, or resumes the open run of the same plan.

        An open run of another plan is closed as interrupted when this run declares one of its roots again: whatever it
        left undone is this run's to put right.

        Raises:
            JournalAltered: a root that the open run finished is declared in other words than then.
        """
        with self._writing() as database:
            row = database.execute(
                "SELECT run FROM runs WHERE status IS NULL AND plan = ? ORDER BY number DESC", (intent.plan,)
            ).fetchone()
            if row:
                run = str(row[0])
                self._refuse_altered(_roots_declared(database, run), intent)
                database.execute("UPDATE runs SET attempts = attempts + 1 WHERE run = ?", (run,))
            else:
                run = _next_id(database)
                database.execute(
                    "INSERT INTO runs (run, plan, small, engine, started_at) VALUES (?, ?, ?, ?, ?)",
                    (run, intent.plan, intent.small, intent.engine, now.isoformat()),
                )
            _close_overtaken(database, run, intent, now)
            for root, declared in sorted(intent.roots.items()):
                database.execute(
                    "INSERT INTO roots (run, root, declared, status) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                    "SET declared = excluded.declared",
                    (run, root, declared, RunStatus.NOT_STARTED),
                )
            return _read_run(database, run)

    def record(self, run: str, outcomes: tuple[RootRun, ...]) -> None:
        """Writes the outcome of some roots of a run."""
        with self._writing() as database:
            _write_outcomes(database, run, outcomes)

    def finish(self, run: str, status: RunStatus, outcomes: tuple[RootRun, ...], now: datetime) -> None:
        """Closes a run: the outcome of its roots and its own, at once.

        A run that is only partly done stays open (its roots' outcomes are kept), so that the same plan resumes it.
        """
        done = status in (RunStatus.DONE, RunStatus.CLEAN)
        with self._writing() as database:
            _write_outcomes(database, run, outcomes)
            if done:
                database.execute(
                    "UPDATE runs SET status = ?, finished_at = ? WHERE run = ?", (status, now.isoformat(), run)
                )

    def abandon(self, run: str, now: datetime) -> None:
        """Closes an open run that will not be resumed."""
        with self._writing() as database:
            database.execute(
                "UPDATE runs SET status = ?, finished_at = ? WHERE run = ? AND status IS NULL",
                (RunStatus.INTERRUPTED, now.isoformat(), run),
            )

    def open_runs(self) -> tuple[Run, ...]:
        """Runs without an outcome, oldest first."""
        return self._select("status IS NULL ORDER BY number")

    def runs(self, limit: int = 20) -> tuple[Run, ...]:
        """The latest runs, latest first."""
        return self._select("1 ORDER BY number DESC LIMIT ?", limit)

    def last_applied(self) -> str | None:
        """Digest of the plan that was applied last, small plans aside; None before the first."""
        found = self._select("small = 0 AND status IN ('done', 'clean') ORDER BY number DESC LIMIT 1")
        return found[0].plan if found else None

    def _select(self, condition: str, *values: int) -> tuple[Run, ...]:
        with self._reading() as database:
            rows = database.execute(f"SELECT run FROM runs WHERE {condition}", values).fetchall()
            return tuple(_read_run(database, str(row[0])) for row in rows)

    def _refuse_altered(self, before: Mapping[str, tuple[str, RunStatus]], intent: Intent) -> None:
        for root, (declared, status) in sorted(before.items()):
            finished = status in (RunStatus.DONE, RunStatus.CLEAN)
            if finished and intent.roots.get(root) != declared:
                raise JournalAltered(
                    f"root {root} of plan {intent.plan[:19]} was finished as {declared[:19]} "
                    f"and is now declared as {(intent.roots.get(root) or 'nothing')[:19]}",
                    where=str(self._path),
                    expected="the same plan declares the same resources when it is resumed",
                    next_step="make a new plan from what is live: prestage plan",
                )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._translated(), closing(self._connect()) as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._translated(), closing(self._connect()) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                guard(database, self._path)
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=BUSY_WAIT_S, isolation_level=None)
        database.execute("PRAGMA synchronous=FULL")
        return database

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self._raise(error)

    def _raise(self, error: sqlite3.Error) -> NoReturn:
        where = str(self._path)
        if "locked" in str(error):
            raise EstateBusy(
                f"another process has held the journal for {BUSY_WAIT_S:.0f} s", where=where, next_step="try again"
            ) from error
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        mend = "restore the file from a backup" if damaged else "free space on the disk, then run it again"
        raise StacksError(f"the journal cannot be used: {error}", where=where, next_step=mend) from error


def _next_id(database: sqlite3.Connection) -> str:
    row = database.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()
    return f"run-{row[0]:05d}"


def _roots_declared(database: sqlite3.Connection, run: str) -> dict[str, tuple[str, RunStatus]]:
    rows = database.execute("SELECT root, declared, status FROM roots WHERE run = ?", (run,))
    return {root: (declared, RunStatus(status)) for root, declared, status in rows}


def _close_overtaken(database: sqlite3.Connection, run: str, intent: Intent, now: datetime) -> None:
    for (other,) in database.execute("SELECT run FROM runs WHERE status IS NULL AND run <> ?", (run,)).fetchall():
        if _roots_declared(database, other).keys() & intent.roots.keys():
            database.execute(
                "UPDATE runs SET status = ?, finished_at = ? WHERE run = ?",
                (RunStatus.INTERRUPTED, now.isoformat(), other),
            )


def _write_outcomes(database: sqlite3.Connection, run: str, outcomes: tuple[RootRun, ...]) -> None:
    database.executemany(
        "UPDATE roots SET status = ?, created = ?, updated = ?, deleted = ?, seconds = ?, message = ? "
        "WHERE run = ? AND root = ?",
        [
            (item.status, item.created, item.updated, item.deleted, item.seconds, item.message, run, item.root)
            for item in outcomes
        ],
    )


def _read_run(database: sqlite3.Connection, run: str) -> Run:
    plan, small, engine, started, attempts, finished, status = database.execute(
        "SELECT plan, small, engine, started_at, attempts, finished_at, status FROM runs WHERE run = ?", (run,)
    ).fetchone()
    roots = database.execute(
        "SELECT root, status, created, updated, deleted, seconds, message FROM roots WHERE run = ? ORDER BY root",
        (run,),
    ).fetchall()
    names = ("root", "status", "created", "updated", "deleted", "seconds", "message")
    return Run(
        id=run,
        plan=plan,
        small=bool(small),
        engine=engine,
        started_at=datetime.fromisoformat(started),
        attempts=attempts,
        finished_at=datetime.fromisoformat(finished) if finished else None,
        status=RunStatus(status) if status else None,
        roots=tuple(RootRun.model_validate(dict(zip(names, row, strict=True))) for row in roots),
    )
