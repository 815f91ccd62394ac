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
from contracts.environment import Environment, Level, RegionSettings, Rules
from contracts.files import write_document
from contracts.plan import Change, Cost, Inputs, Operation, Plan, PlannedResource, Reason, ReasonCode
from contracts.resources import ComputeSpec, NetworkSpec, Purpose, Resource, StorageSpec
from coordinator.ledger import Ledger
from coordinator.paths import Paths
from coordinator.project import Project
from coordinator.review import make_review
from policies.bundle import PolicyBundle
from policies.registry import RULES
from stacks import existing as looking
from stacks.engines.engine import Adoption, AppliedResource, Job
from stacks.estate.inventory import Inventory
from stacks.existing import Finder
from stacks.journal import Journal
from stacks.targets.estate import declare, undeclare
from tests.coordinator.factory import NOON
from tests.faults.failpoints import Failpoints, ForgetfulJournal, PointedJournal, PointedLedger
from tests.faults.sim_cloud import SimClock, SimCloud, Thing
from tests.faults.sim_engine import Held, SimEngine, SimState
from tests.stacks.every_kind import every_kind, facts, resource

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
REASON = Reason(code=ReasonCode.DEMAND)
FREE = Cost(before_usd_per_hour=0, after_usd_per_hour=0, optimised_usd_per_hour=0, lower_bound_usd_per_hour=0, gap=0)
SITUATIONS = ("first", "changes", "strays")
ON_DEMAND = "fra/compute/granted/m8-r1"


def staged(number: int, region: str = "fra") -> Resource:
    key = f"{region}/compute/staged/m8/{number:04d}"
    return resource(key, ComputeSpec(shape="m8", count=1)).model_copy(update={"purpose": Purpose.STAGED})


def volume(number: int) -> Resource:
    spec = StorageSpec(storage_class="standard", gib=50)
    return resource(f"ams/storage/staged/standard/{number:04d}", spec).model_copy(update={"purpose": Purpose.STAGED})


def first_resources() -> list[Resource]:
    return [*every_kind(), staged(1), staged(2), volume(1)]


def plan_of(before: Mapping[str, Resource], wanted: list[Resource], previous: str | None) -> Plan:
    """A plan from what is live to what is wanted, as the planner would write it down."""
    after = {item.key: item for item in wanted}
    changes = [_change(before.get(key), item) for key, item in after.items() if before.get(key) != item]
    changes += [_change(item, None) for key, item in before.items() if key not in after]
    inputs = Inputs(forecast="f", capacity="c", catalog="k", environment="e", rules="r", ledger="l")
    return Plan(
        environment="dev",
        engine=ENVIRONMENT.engine,
        made_at=NOON,
        expires_at=NOON + timedelta(days=1),
        inputs=inputs.model_copy(update={"previous_plan": previous}),
        requirements=(),
        resources=tuple(PlannedResource(resource=item, usd_per_hour=0, reason=REASON) for item in wanted),
        changes=tuple(changes),
        cost=FREE,
    )


def _change(before: Resource | None, after: Resource | None) -> Change:
    item = after or before
    assert item is not None
    moved = before is not None and after is not None and before.root != after.root
    replaced = getattr(getattr(before, "spec", None), "shape", "") != getattr(getattr(after, "spec", None), "shape", "")
    if before is None or after is None:
        operation = Operation.CREATE if before is None else Operation.DELETE
    else:
        operation = Operation.ADOPT if moved else Operation.REPLACE if replaced else Operation.UPDATE
    return Change(
        operation=operation,
        key=item.key,
        place=item.place,
        before=before,
        after=after,
        reason=REASON,
        usd_per_hour=0,
        from_root=before.root if moved and before else None,
    )


class SimInventory:
    """What the coordinator asks an inventory for: which keys stand, and where states are mirrored."""

    def __init__(self, state: SimState) -> None:
        self._state = state
        self.states: dict[str, tuple[str, str | None]] = {}

    def listing(self, environment: str | None = None) -> tuple[SimpleNamespace, ...]:
        return tuple(SimpleNamespace(key=key) for key in self._state.now)

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
    """One situation: what exists, what the engine knows, the books, and the plan that is about to be applied."""

    name: str
    folder: Path
    cloud: SimCloud
    state: SimState
    plan: Plan
    known: Mapping[str, Resource]
    base: CapacitySnapshot
    kept: Mapping[str, str] = field(default_factory=dict)  # key -> id of what may neither be lost nor made anew

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
        cloud = replace(copy.copy(self.cloud), clock=SimClock(), things=things)
        cloud.made = self.cloud.made.copy()
        state = SimState(now=dict(self.state.now))
        state.flush()
        return replace(self, folder=folder, cloud=cloud, state=state)

    def open(self, at: Failpoints, chance: random.Random, *, intent: bool = True) -> SimProject:
        """The project, as a new process opens it."""
        paths = Paths(folder=self.folder, environment="dev", state=self.folder / "state")
        ledger = PointedLedger(paths.ledger, "dev", self.clock)
        journal = (PointedJournal if intent else ForgetfulJournal)(paths.journal)
        ledger.at = journal.at = at
        return SimProject(
            paths=paths,
            environment=ENVIRONMENT,
            catalog=CATALOG,
            bundle=PolicyBundle(ENVIRONMENT.rules),
            inventory=SimInventory(self.state),  # type: ignore[arg-type]
            ledger=ledger,
            journal=journal,
            clock=self.clock,
            given_engine=SimEngine(cloud=self.cloud, state=self.state, at=at, chance=chance),
            cloud=self.cloud,
            base=self.base,
            known=self.known,
        )


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


def prepare(folder: Path) -> dict[str, World]:
    """All situations."""
    base = _snapshot(folder)
    first = first_resources()
    wanted = {item.key: item for item in first}
    empty = World(
        name="first",
        folder=folder / "first",
        cloud=SimCloud(clock=SimClock()),
        state=SimState(),
        plan=plan_of({}, first, None),
        known=wanted,
        base=base,
    )
    _write(empty)
    applied = _applied(empty, folder / "applied")
    return {world.name: world for world in (empty, _changes(applied, folder), _strays(applied, folder))}


def _snapshot(folder: Path) -> CapacitySnapshot:
    paths = Paths(folder=folder, environment="dev", state=folder / "facts")
    inventory = Inventory(paths.estate)
    inventory.load_facts(facts(), CATALOG)
    ledger = Ledger(paths.ledger, "dev", SimClock())
    with Project(
        paths=paths,
        environment=ENVIRONMENT,
        catalog=CATALOG,
        bundle=PolicyBundle(ENVIRONMENT.rules),
        inventory=inventory,
        ledger=ledger,
        journal=Journal(paths.journal),
        clock=SimClock(),
    ) as project:
        return project.estate()


def _write(world: World) -> None:
    """The plan and its review."""
    write_document(world.plan_path, world.plan)
    with world.open(Failpoints(), random.Random(0)) as project:
        assert not make_review(project, world.plan_path).denied


def _applied(world: World, folder: Path) -> World:
    """The situation after its plan was applied."""
    from contracts.ports import Silent
    from coordinator.apply import apply_reviewed

    after = world.copy(folder)
    with looking_in(lambda: after.cloud), after.open(Failpoints(), random.Random(0)) as project:
        assert apply_reviewed(project, after.plan_path, Silent(), confirmed=0).complete
    after.state.flush()
    return after


def _changes(applied: World, folder: Path) -> World:
    """Every kind of change at once; a root made on demand is adopted."""
    world = applied.copy(folder / "changes")
    before = {item.key: item for item in first_resources()}
    made = resource(ON_DEMAND, ComputeSpec(shape="m8", count=1), root="ondemand-r1")
    _put(world, made)
    before[made.key] = made
    wanted = {**before, made.key: made.model_copy(update={"root": "fra"})}
    for key in (staged(2).key, "ams--fra/circuit/serving/10g", "fra/alert/vcpu"):
        del wanted[key]
    wanted |= {item.key: item for item in (staged(3), staged(4), volume(2), staged(1, "ams"))}
    key = "fra/compute/serving/m8"
    wanted[key] = resource(key, ComputeSpec(shape="m16", count=2))
    wanted["fra/network"] = resource("fra/network", NetworkSpec(asn=64999))
    return _next(world, "changes", before, list(wanted.values()))


def _strays(applied: World, folder: Path) -> World:
    """A state that lost what the plan destroys, and some of what it keeps."""
    world = applied.copy(folder / "strays")
    before = {item.key: item for item in first_resources()}
    wanted = {key: item for key, item in before.items() if key not in (staged(1).key, volume(1).key)}
    wanted[staged(5).key] = staged(5)
    for key in (staged(1).key, volume(1).key, "fra/compute/serving/m8", "ams/network"):
        del world.state.now[key]
    world.state.flush()
    return _next(world, "strays", before, list(wanted.values()))


def _next(world: World, name: str, before: Mapping[str, Resource], wanted: list[Resource]) -> World:
    plan = plan_of(before, wanted, world.plan.digest())
    known = {**before, **{item.key: item for item in wanted}}
    changed = {change.key for change in plan.changes if change.operation in (Operation.DELETE, Operation.REPLACE)}
    kept = {item.key: item.id for item in world.cloud.things.values() if item.key not in changed}
    following = replace(world, name=name, plan=plan, known=known, kept=kept)
    _write(following)
    return following


def _put(world: World, item: Resource) -> None:
    """Something that exists and that the engine knows."""
    declared = declare([item], ENVIRONMENT)[0]
    arguments = dict(declared.resolved(lambda ref: f"dev/{getattr(ref, 'key', '')}"))
    id = world.cloud.create(declared.type, item.key, arguments)
    world.state.now[item.key] = Held(root=item.root, type=declared.type, key=item.key, id=id, arguments=arguments)
    world.state.flush()


__all__ = ["SITUATIONS", "SimProject", "World", "looking_in", "prepare"]
