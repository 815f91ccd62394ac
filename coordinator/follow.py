"""The estate's inventory follows the ledger: states of units are pushed after they were decided.

The database puts every change of a unit in the outbox, in the transaction that makes it; here it is taken out. One
process follows at a time (a file lock), and each push is of the unit as the ledger has it then, so that an older state
never overtakes a newer one. A crash in between leaves the rest in the outbox for whoever comes next.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from contracts.ledger import UnitState
from coordinator.ledger import Ledger, units


class States(Protocol):
    """Where states are mirrored; a key that is not there is no error. `stacks.estate.inventory.Inventory` is one."""

    def set_states(self, states: dict[str, tuple[str, str | None]], *, environment: str | None = None) -> None: ...


def follow(ledger: Ledger, inventory: States, lock: Path) -> int:
    """Pushes everything in the outbox; returns how many units. Does nothing while another process does it.

    What comes into the outbox while the lock is given back is not missed: it is looked at once more afterwards.
    """
    pushed = 0
    while _waiting(ledger):
        with _following(lock) as mine:
            if not mine:
                break
            pushed += _drain(ledger, inventory)
    return pushed


def _drain(ledger: Ledger, inventory: States) -> int:
    pushed = 0
    while True:
        with ledger.read() as tx:
            batch = units.pending(tx)
        if not batch:
            return pushed
        inventory.set_states(
            {unit.key: (mirrored(unit.state), unit.holder) for unit in batch}, environment=ledger.environment
        )
        with ledger.write() as tx:
            units.followed(tx, batch)
        pushed += len(batch)


def mirrored(state: UnitState) -> str:
    """The inventory's word for a state: it knows no free units, only resources that nobody waits for."""
    return "ready" if state is UnitState.FREE else str(state)


def _waiting(ledger: Ledger) -> bool:
    with ledger.read() as tx:
        return tx.row("SELECT 1 FROM outbox LIMIT 1") is not None


@contextmanager
def _following(path: Path) -> Iterator[bool]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
