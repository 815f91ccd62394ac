"""What the crash campaign is played with: situations in a simulated cloud, and a project over it.

The code that applies is the real one (`coordinator.apply`, the gate and review, `stacks.apply`, journal, lock, ledger);
the engine and the cloud are simulated, and so is time.
"""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from contracts.capacity import CapacitySnapshot, Catalog, CircuitTier, LiveResource, Shape, StorageClass
from contracts.environment import Environment, RegionSettings
from contracts.limits import Level, Rules
from contracts.plan import Plan
from contracts.resources import Resource
from coordinator.paths import Paths
from coordinator.project import Project
from policies.bundle import PolicyBundle
from policies.registry import RULES
from stacks import existing as looking
from stacks.engines.engine import Adoption, AppliedResource, Engine, Job
from stacks.existing import Finder
from stacks.targets.estate import undeclare
from tests.faults.failpoints import Failpoints, ForgetfulJournal, Point, PointedJournal, PointedLedger
from tests.faults.sim_cloud import SimClock, SimCloud, Thing
from tests.faults.sim_engine import SimEngine, SimState

ENVIRONMENT = Environment(
    name="dev",
    regions=(RegionSettings(name="ams"), RegionSettings(name="fra")),
    rules=Rules(levels={rule.code: Level.ADVISORY for rule in RULES}),
)
CATALOG = Catalog(
    shapes=(Shape(name="m8", vcpu=8, memory_gib=32), Shape(name="m16", vcpu=16, memory_gib=64)),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10)),
)


class SimInventory:
    """What the coordinator asks an inventory for: which keys stand, and where states are mirrored."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.states: dict[str, tuple[str, str | None]] = {}

    def listing(self, environment: str | None = None) -> tuple[SimpleNamespace, ...]:
        return tuple(SimpleNamespace(key=key) for key in self._engine.applied())

    def set_states(self, states: Mapping[str, tuple[str, str | None]], *, environment: str | None = None) -> None:
        self.states.update(states)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, kw_only=True)
class SimProject(Project):
    """A project whose resources live in a simulated cloud."""

    cloud: SimCloud
    base: CapacitySnapshot
    known: Mapping[str, Resource]

    def estate(self, *, young: timedelta = timedelta(0)) -> CapacitySnapshot:
        found = {item.key: LiveResource(resource=self._resource(item), state="ready") for item in self.cloud.shown()}
        return self.base.model_copy(update={"resources": tuple(found.values())})

    def live_keys(self) -> frozenset[str]:
        return frozenset(item.key for item in self.cloud.shown())

    def _resource(self, item: Thing) -> Resource:
        return self.known[item.key].model_copy(update={"spec": undeclare(item.type, item.key, item.arguments)})


@dataclass(frozen=True, kw_only=True)
class World:
    """One situation: what exists, what the engine knows, the books, and the plan that is about to be applied.

    Attributes:
        chance: decides what the engine leaves to it.
        intent: the journal has a run before it begins.
        deletes_last: in which order the engine goes: `SimEngine`.
    """

    name: str
    folder: Path
    cloud: SimCloud
    state: SimState
    plan: Plan
    known: Mapping[str, Resource]
    base: CapacitySnapshot
    environment: Environment = ENVIRONMENT
    kept: Mapping[str, str] = field(default_factory=dict)  # key -> id of what may neither be lost nor made anew
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    intent: bool = True
    deletes_last: bool = False

    @property
    def plan_path(self) -> Path:
        return self.folder / "plans" / "dev.json"

    @property
    def clock(self) -> SimClock:
        return self.cloud.clock

    def copy(self, folder: Path) -> World:
        """The same, to be played with: books in a folder of its own."""
        shutil.copytree(self.folder, folder)
        things = {id: replace(item, shows_s=0.0) for id, item in self.cloud.things.items()}
        cloud = replace(copy.copy(self.cloud), clock=SimClock(), things=things, met=[])
        cloud.made = self.cloud.made.copy()
        state = SimState(now=dict(self.state.now))
        state.flush()
        return replace(self, folder=folder, cloud=cloud, state=state)

    def open(self, at: Point, engine: Engine | None = None) -> SimProject:
        """The project, as a new process opens it; with the simulated engine, where no other is given."""
        paths = Paths(folder=self.folder, environment="dev", state=self.folder / "state")
        ledger = PointedLedger(paths.ledger, "dev", self.clock)
        journal = (PointedJournal if self.intent else ForgetfulJournal)(paths.journal)
        ledger.at = journal.at = at
        engine = engine or self._engine(at)
        return SimProject(
            paths=paths,
            environment=self.environment,
            catalog=CATALOG,
            bundle=PolicyBundle(self.environment.rules),
            inventory=SimInventory(engine),  # type: ignore[arg-type] # it has what an apply asks of one
            ledger=ledger,
            journal=journal,
            clock=self.clock,
            given_engine=engine,
            cloud=self.cloud,
            base=self.base,
            known=self.known,
        )

    def _engine(self, at: Point) -> SimEngine:
        assert isinstance(at, Failpoints)
        return SimEngine(cloud=self.cloud, state=self.state, at=at, chance=self.chance, deletes_last=self.deletes_last)


@contextmanager
def looking_in(cloud: Callable[[], SimCloud]) -> Iterator[None]:
    """Makes the real search for what exists look in a simulated cloud, without real waiting."""

    def find(job: Job, applied: Mapping[str, AppliedResource], stopped: bool) -> tuple[Adoption, ...]:
        there = cloud()
        patience = looking.AFTER_A_STOP if stopped else looking.AT_ONCE
        roots = {root: tuple(replace(item, provider="sim") for item in items) for root, items in job.roots.items()}
        patiently = replace(patience, sleep=there.clock.sleep)
        return looking.existing(replace(job, roots=roots), applied, {"sim": there}, patiently)

    def finder_of(environment: Environment) -> Finder:
        return find

    with patch("stacks.apply.finder_of", finder_of):
        yield
