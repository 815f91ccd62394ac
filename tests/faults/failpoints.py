"""Failpoints: a process that dies at one of the points that it passes, simulated in this one.

A kill runs no `finally` and no `except`. Here they do run, so that after its death every durable step of the dead
process dies again before it has done anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from contracts.run import RootRun, RunStatus
from coordinator.ledger import Ledger
from coordinator.ledger.store import Transaction
from stacks.journal import Intent, Journal, Run

Point = Callable[[str], None]
"""Is told the name of each point that is passed."""


class Killed(BaseException):
    """The process is dead."""


@dataclass(slots=True)
class Failpoints:
    """Counts the points that a process passes and dies at the `due`-th; 0: never.

    Attributes:
        on_death: what its death does to the world: what was not yet durable is gone.
        names: of all points that were passed.
    """

    due: int = 0
    on_death: Callable[[], None] = lambda: None
    names: list[str] = field(default_factory=list)
    dead: bool = False

    def __call__(self, name: str) -> None:
        if self.dead:
            raise Killed(name)
        self.names.append(name)
        if len(self.names) == self.due:
            self.dead = True
            self.on_death()
            raise Killed(name)

    def dies_next(self) -> bool:
        return not self.dead and len(self.names) + 1 == self.due


class PointedJournal(Journal):
    """Passes a point before each transaction, before its commit and after it."""

    at: Point = Failpoints()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self.at("before a journal write")
        with super()._writing() as database:
            yield database
            self.at("during a journal write")
        self.at("after a journal write")


class ForgetfulJournal(PointedJournal):
    """A journal without intent: it has a run once it is over. For the campaign that has to find losses."""

    _intent: Intent | None = None

    def begin(self, intent: Intent, now: datetime) -> Run:
        self._intent = intent
        roots = tuple(RootRun(root=root, status=RunStatus.NOT_STARTED) for root in intent.roots)
        return Run(
            id="run-next",
            plan=intent.plan,
            small=intent.small,
            engine=intent.engine,
            started_at=now,
            attempts=1,
            finished_at=None,
            status=None,
            roots=roots,
        )

    def finish(self, run: str, status: RunStatus, outcomes: tuple[RootRun, ...], now: datetime) -> None:
        if status in (RunStatus.DONE, RunStatus.CLEAN):
            begun = run if self._intent is None else super().begin(self._intent, now).id
            super().finish(begun, status, outcomes, now)


class PointedLedger(Ledger):
    """Passes a point before each transaction, before its commit and after it."""

    at: Point = Failpoints()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self.at("before a ledger write")
        with super().write() as tx:
            yield tx
            self.at("during a ledger write")
        self.at("after a ledger write")
