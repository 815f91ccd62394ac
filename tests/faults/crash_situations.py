"""The situations of the crash campaign: what exists, what the engine knows, and the plan that is about to be applied.

Nothing is there yet; every kind of change at once; a state that lost some of what exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from contracts.capacity import CapacitySnapshot
from contracts.environment import Environment
from contracts.files import write_document
from contracts.plan import Change, Cost, Inputs, Operation, Plan, PlannedResource, Reason, ReasonCode
from contracts.resources import ComputeSpec, NetworkSpec, Purpose, Resource, StorageSpec
from coordinator.ledger import Ledger
from coordinator.paths import Paths
from coordinator.project import Project
from coordinator.review import make_review
from policies.bundle import PolicyBundle
from stacks.estate.inventory import Inventory
from stacks.journal import Journal
from stacks.targets.estate import declare
from tests.coordinator.factory import NOON
from tests.faults.crash_world import CATALOG, ENVIRONMENT, World, looking_in
from tests.faults.failpoints import Failpoints
from tests.faults.sim_cloud import SimClock, SimCloud
from tests.faults.sim_engine import Held, SimState
from tests.stacks.every_kind import every_kind, facts, resource

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


def plan_of(
    before: Mapping[str, Resource], wanted: list[Resource], previous: str | None, environment: Environment
) -> Plan:
    """A plan from what is live to what is wanted, as the planner would write it down."""
    after = {item.key: item for item in wanted}
    changes = [_change(before.get(key), item) for key, item in after.items() if before.get(key) != item]
    changes += [_change(item, None) for key, item in before.items() if key not in after]
    inputs = Inputs(forecast="f", capacity="c", catalog="k", environment="e", rules="r", ledger="l")
    return Plan(
        environment="dev",
        engine=environment.engine,
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


def prepare(folder: Path, environment: Environment = ENVIRONMENT) -> dict[str, World]:
    """All situations."""
    base = _snapshot(folder)
    first = first_resources()
    wanted = {item.key: item for item in first}
    empty = World(
        name="first",
        folder=folder / "first",
        cloud=SimCloud(clock=SimClock()),
        state=SimState(),
        plan=plan_of({}, first, None, environment),
        known=wanted,
        base=base,
        environment=environment,
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
    with world.open(Failpoints()) as project:
        assert not make_review(project, world.plan_path).denied


def _applied(world: World, folder: Path) -> World:
    """The situation after its plan was applied."""
    from contracts.ports import Silent
    from coordinator.apply import apply_reviewed

    after = world.copy(folder)
    with looking_in(lambda: after.cloud), after.open(Failpoints()) as project:
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
    plan = plan_of(before, wanted, world.plan.digest(), world.environment)
    known = {**before, **{item.key: item for item in wanted}}
    changed = {change.key for change in plan.changes if change.operation in (Operation.DELETE, Operation.REPLACE)}
    kept = {item.key: item.id for item in world.cloud.things.values() if item.key not in changed}
    following = replace(world, name=name, plan=plan, known=known, kept=kept)
    _write(following)
    return following


def _put(world: World, item: Resource) -> None:
    """Something that exists and that the engine knows."""
    declared = declare([item], world.environment)[0]
    arguments = dict(declared.resolved(lambda ref: f"dev/{getattr(ref, 'key', '')}"))
    id = world.cloud.create(declared.type, item.key, arguments)
    world.state.now[item.key] = Held(root=item.root, type=declared.type, key=item.key, id=id, arguments=arguments)
    world.state.flush()
