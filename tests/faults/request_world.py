"""What the campaign over requests is played with: seeded requests, and processes that die at points."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from contracts.requests import AddressRequest, Decision, PeeringRequest, Requirements
from coordinator.addresses import answer_addresses
from coordinator.hold import HoldRequest, hold, release
from coordinator.ledger import Ledger
from coordinator.ledger.store import Transaction
from coordinator.peering import answer_peering
from coordinator.project import Project
from stacks.estate.inventory import Inventory
from tests.coordinator.factory import Hands
from tests.coordinator.world import REGIONS, open_project

RELEASED = 0.2  # share of grants that are given back at once
CUSTOMERS = ("acme", "bolt", "corp")
SIZES = (
    Requirements(vcpu=4, memory_gib=16),
    Requirements(vcpu=4, gbps=1),
    Requirements(storage_gib=60, prefix_length=28),
    Requirements(vcpu=3, memory_gib=8, storage_gib=20, gbps=1, prefix_length=28),
    Requirements(vcpu=24, gbps=2),  # mostly more than is staged: on demand
    Requirements(prefix_length=26),  # too large for a staged block: on demand
    Requirements(vcpu=100_000),  # more than there is: refused
)

Point = Callable[[str], None]


Asked = PeeringRequest | AddressRequest | HoldRequest


def requests_of(seed: int, worker: int, count: int = 9) -> list[Asked]:
    """What one process is asked, in order."""
    rng = random.Random(f"{seed}/{worker}")
    return [_request(rng, f"r{worker}-{number}") for number in range(count)]


def _request(rng: random.Random, identity: str) -> Asked:
    destination, source = rng.sample(REGIONS, 2)
    customer, hours = rng.choice(CUSTOMERS), rng.randint(1, 48)
    if rng.random() < 0.15:
        return HoldRequest(
            id=identity, customer=customer, region=destination, requirements=Requirements(vcpu=4), hours=hours
        )
    if rng.random() < 0.2:
        return AddressRequest(
            id=identity,
            customer=customer,
            region=destination,
            prefix_length=rng.choice((28, 28, 25)),
            bid_usd_per_hour=rng.choice((0.0, 0.02)),
            duration_hours=hours,
        )
    return PeeringRequest(
        id=identity,
        customer=customer,
        source=source,
        destination=destination,
        requirements=rng.choice(SIZES),
        duration_hours=hours,
    )


def act(project: Project, asked: Asked) -> tuple[Decision | None, tuple[str, ...]]:
    """Answers a request, or holds; some grants are released at once. Also the units whose state that changed."""
    if isinstance(asked, HoldRequest):
        return None, hold(project, asked).units
    decision = _decide(project, asked)
    if decision.grant and random.Random(asked.id).random() < RELEASED:
        release(project, decision.grant)
    return decision, decision.units


def _decide(project: Project, request: PeeringRequest | AddressRequest) -> Decision:
    if isinstance(request, PeeringRequest):
        return answer_peering(project, request)
    return answer_addresses(project, request)


@dataclass(slots=True)
class Death:
    """Kills this process, for good, at the `due`-th point that it passes; `due` 0: never."""

    due: int
    passed: int = 0

    def __call__(self, _point: str) -> None:
        self.passed += 1
        if self.passed == self.due:
            os.kill(os.getpid(), signal.SIGKILL)


class PointedLedger(Ledger):
    """Passes a point before a transaction, before its commit, and after it."""

    at: Point

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self.at("before the transaction")
        with super().write() as tx:
            yield tx
            self.at("before the commit")
        self.at("after the commit")


class PointedInventory(Inventory):
    """Passes a point before and after states are mirrored."""

    at: Point

    def set_states(self, states: Mapping[str, tuple[str, str | None]], *, environment: str | None = None) -> None:
        self.at("before the inventory follows")
        super().set_states(states, environment=environment)
        self.at("after the inventory followed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a seed is played.

    Attributes:
        folder: the project.
        naive: without outbox and intents; what follows a commit is done as naive code would.
        real: with the environment's own engine, in place of the one that needs no program.
    """

    folder: Path
    naive: bool = False
    real: bool = False

    def open(self) -> Project:
        """The project, as whoever looks at it afterwards."""
        return Project.open(self.folder, "dev", clock=Hands()) if self.real else open_project(self.folder)

    def told(self, worker: int) -> Path:
        """What the clients of a process were told, a line a decision."""
        return self.folder / f"told-{worker}.jsonl"


def open_pointed(folder: Path, at: Point, *, real: bool = False) -> Project:
    """The project, passing points wherever something becomes durable."""
    project = Project.open(folder, "dev", clock=Hands()) if real else open_project(folder, Hands(), at)
    ledger = PointedLedger(project.paths.ledger, "dev", project.clock, timedelta(hours=1))
    inventory = PointedInventory(project.paths.estate)
    ledger.at = inventory.at = at
    return replace(project, ledger=ledger, inventory=inventory)


def serve(stage: Stage, worker: int, requests: list[Asked], due: int) -> None:
    """Answers requests and writes each answer down as a client that received it, until done or dead."""
    project = open_pointed(stage.folder, Death(due), real=stage.real)
    with stage.told(worker).open("a") as file:
        for request in requests:
            decision, touched = act(project, request)
            if stage.naive:
                _push(project, touched)
            if decision is not None:
                file.write(decision.model_dump_json() + "\n")
                file.flush()


def read_acknowledged(path: Path) -> list[Decision]:
    """Whole lines only: a client that dies half way through one has received nothing."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [Decision.model_validate(json.loads(line)) for line in lines if line.endswith("\n")]


def take_intent_out(path: Path) -> None:
    """A ledger without outbox and without intents, as naive code would have it."""
    ledger = Ledger(path, "dev", Hands())
    with ledger.write() as tx:
        for trigger in ("outbox_new", "outbox_change"):
            tx.run(f"DROP TRIGGER {trigger}")
        for table in ("steps", "outbox"):
            tx.run(f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    ledger.close()


def _push(project: Project, touched: tuple[str, ...]) -> None:
    """What naive code does in the outbox's place: tells the inventory after the commit."""
    states = {unit.key: (str(unit.state), unit.holder) for unit in project.ledger.units() if unit.key in touched}
    project.inventory.set_states(states, environment="dev")
