"""`Ledger`: the one record of who has what. Every write is one transaction: wholly on the disk, or not at all.

The planner reads its `view`; requests are decided inside its `write` transactions; the estate's inventory follows what
it says, through the outbox.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from contracts.ledger import LedgerView, UnitState
from contracts.ports import Clock
from coordinator.errors import AuditBroken, UnitTaken
from coordinator.ledger import audit, units
from coordinator.ledger.store import Store, Transaction
from coordinator.ledger.units import Custody, Unit


class Ledger:
    """The ledger of one environment.

    Args:
        path: the SQLite file; made when it is not there.
        environment: whose ledger it is; a file of another one is refused.
        clock: the time now.
        quarantine: how long what was released stays aside before it is staged again.

    Raises:
        LedgerUnusable, Busy, LedgerFull: as `Store`.
    """

    def __init__(self, path: Path, environment: str, clock: Clock, quarantine: timedelta = timedelta(hours=24)) -> None:
        self.environment = environment
        self.quarantine = quarantine
        self._store = Store(path, environment, clock)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that begins by ending what ran out, so that nobody decides on an expired hold."""
        with self._store.write() as tx:
            units.lapse(tx, self.quarantine_until(tx))
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view; never waits."""
        with self._store.read() as tx:
            yield tx

    def close(self) -> None:
        self._store.close()

    def quarantine_until(self, tx: Transaction) -> datetime:
        """When what is released now may be staged again."""
        return tx.now + self.quarantine

    def view(self) -> LedgerView:
        """All units at one revision."""
        with self.read() as tx:
            last = tx.row("SELECT MAX(seq) AS revision FROM audit")
            revision = 0 if last is None else last["revision"] or 0
            return LedgerView(
                environment=self.environment,
                revision=revision,
                units=tuple(unit.view() for unit in units.listing(tx)),
            )

    def units(self) -> tuple[Unit, ...]:
        """All units with their sizes, by key."""
        with self.read() as tx:
            return units.listing(tx)

    def register(self, staged: Iterable[Unit], roots: Iterable[tuple[str, str]] = ()) -> int:
        """Makes the ledger know what a plan staged; returns how many units are newly staged.

        A unit that is handed out stays so. A unit that was retired and exists after all is staged again.

        Args:
            staged: units that exist now and that the plan wants for requests.
            roots: (key, root) of all units that the plan keeps: adoption moves them.

        Raises:
            BlockOverlap: two blocks of one place overlap; nothing is registered.
        """
        added: list[str] = []
        with self.write() as tx:
            for unit in staged:
                known = units.by_key(tx, unit.key)
                if known is not None and known.state is UnitState.FREE:
                    units.move(tx, known, Custody(state=UnitState.STAGED))
                elif known is None:
                    units.add(tx, unit)
                else:
                    continue
                added.append(unit.key)
            for key, root in roots:
                units.take_root(tx, key, root)
            if added:
                audit.append(tx, audit.Event.REGISTERED, self.environment, {"units": added})
        return len(added)

    def retire(self, keys: Collection[str]) -> None:
        """Takes staged units out of what can be handed out, all or none, before they are destroyed.

        Raises:
            UnitTaken: one was handed out since the plan was made; none is retired.
        """
        with self.write() as tx:
            found = (units.by_key(tx, key) for key in sorted(keys))
            for unit in (unit for unit in found if unit is not None and unit.state is not UnitState.FREE):
                _must_be_idle(unit)
                units.move(tx, unit, Custody(state=UnitState.FREE))
                audit.append(tx, audit.Event.RETIRED, unit.key, {"from": unit.state})

    def take_back(self, keys: Collection[str], why: str) -> int:
        """Ends the custody of units on a person's word, because they are about to be destroyed; returns how many."""
        taken = 0
        with self.write() as tx:
            for unit in (units.by_key(tx, key) for key in sorted(keys)):
                if unit is not None and unit.state in (UnitState.HELD, UnitState.ACTIVE):
                    units.move(tx, unit, Custody(state=UnitState.FREE))
                    details: audit.Details = {"from": unit.holder, "grant": unit.grant, "why": why}
                    audit.append(tx, audit.Event.TAKEN, unit.key, details)
                    taken += 1
        return taken

    def drop(self, keys: Collection[str], why: str) -> int:
        """Forgets units whose resource no longer exists, unless somebody has them; returns how many."""
        dropped = 0
        with self.write() as tx:
            for unit in (units.by_key(tx, key) for key in sorted(keys)):
                if unit is None or unit.state in (UnitState.HELD, UnitState.ACTIVE):
                    continue
                units.drop(tx, unit)
                audit.append(tx, audit.Event.DROPPED, unit.key, {"from": unit.state, "why": why})
                dropped += 1
        return dropped

    def verify_audit(self) -> audit.Verdict:
        """Walks the audit.

        Raises:
            AuditBroken: naming the first row that is not what was written.
        """
        with self.read() as tx:
            verdict = audit.verify(tx)
        if verdict.broken_row is not None:
            raise AuditBroken(
                f"audit row {verdict.broken_row}: {verdict.why}",
                where=f"ledger of {self.environment}",
                expected=f"a row that follows from row {verdict.broken_row - 1}",
                next_step="restore the ledger from a copy, and find out who changed it",
            )
        return verdict


def _must_be_idle(unit: Unit) -> None:
    if unit.state in (UnitState.HELD, UnitState.ACTIVE):
        raise UnitTaken(
            f"is {unit.state} by {unit.holder} (grant {unit.grant}) and cannot be destroyed",
            where=unit.key,
            expected="a staged unit",
            next_step="make a new plan: it keeps what was handed out",
        )
