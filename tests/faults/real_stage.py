"""A scenario's stage with nothing simulated but the cloud's side: processes, engines, providers and states are real.

Where it stands: `real_campaign` has the simulation of a number, and plays the same number here. Each command is a
process of its own, which dies by SIGKILL where the simulated one died (`real_points`); its engine is OpenTofu or
Pulumi, which asks the estate's providers, behind which lies the simulated account, kept in a file (`real_cloud`).
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pulumi

from contracts.engines import EngineName, Layout
from contracts.errors import PrestageError
from contracts.ports import Silent
from coordinator.apply import apply_reviewed
from coordinator.engines import open_engine
from coordinator.paths import Paths
from stacks.declaration import Declaration
from stacks.engines.engine import Adoption, Engine, Job
from stacks.engines.pulumi_engine import resources
from stacks.engines.pulumi_engine.resources import _Program
from stacks.engines.pulumi_engine.session import Session as PulumiSession
from stacks.engines.terraform_engine.session import Session as TerraformSession
from stacks.estate import pulumi_provider, terraform_provider
from stacks.estate.inventory import Inventory, resource_id
from stacks.targets.estate import declare
from tests.faults.apply_campaign import outliving
from tests.faults.crash_play import Passed, Scenario
from tests.faults.crash_situations import prepare
from tests.faults.crash_world import ENVIRONMENT, World, looking_in
from tests.faults.failpoints import Failpoints
from tests.faults.real_cloud import Backing, FatedCloud, id_of, keep_cloud, load_cloud, thing_of
from tests.faults.real_points import PointedEngine, RealPoints, Script, script_of
from tests.faults.real_states import forget
from tests.faults.sim_engine import Held, SimState

FORK = multiprocessing.get_context("fork")
THREADS = 64  # of a provider: what is held until a death must not stand in the way of the rest
COMPLETE, PARTLY = 0, 1
LIMIT_S = 120.0  # for a command, which takes seconds: one that takes longer never ends


@dataclass(kw_only=True)
class RealStage:
    """A copy of a situation on a real engine.

    Attributes:
        scenario: what happens.
        world: what there is, read anew after each command.
        scripts: what each command is to meet.
        died: the points at which commands died.
        elsewhere: of them, those at which the real command died later or for want of it: `held`, `at its end`.
        outlived: processes that were there after a command had died; commands that did not end.
    """

    scenario: Scenario
    world: World
    scripts: Sequence[Script]
    died: tuple[str, ...] = ()
    elsewhere: list[str] = field(default_factory=list)
    outlived: list[str] = field(default_factory=list)

    def apply(self, attempt: int) -> bool:
        folder = self.world.folder
        keep_cloud(cloud_path(folder), self.world.cloud)
        script = self.scripts[attempt - 1] if attempt <= len(self.scripts) else Script()
        (folder / "death").unlink(missing_ok=True)
        code = in_process(lambda: _apply(self.world, script), folder)
        self.outlived += outliving(folder)
        if code < 0:
            self._note_death(script)
        (folder / "late").unlink(missing_ok=True)
        self.world = seen(self.world)
        return code == COMPLETE

    def _note_death(self, script: Script) -> None:
        folder = self.world.folder
        if not (folder / "death").exists():
            self.outlived.append(f"command {len(self.died) + 1}: did not end within {LIMIT_S:g} s")
            return
        self.died = (*self.died, script.due)
        where = (folder / "death").read_text()
        if where != "there":
            self.elsewhere.append(f"{script.due}: {where}")
        seconds = load_cloud(cloud_path(folder)).clock.seconds
        forget(folder, folder / "late", seconds - self.scenario.lag_s)


def stage_of(
    scenario: Scenario, prepared: World, folder: Path, passed: Sequence[Passed], *, adoption: bool = True
) -> RealStage:
    """The stage of a scenario whose simulation passed these points: a copy of its situation."""
    shutil.copytree(prepared.folder, folder)
    world = seen(replace(prepared, folder=folder))
    world.cloud.finds = adoption
    scripts = [script_of(item, remembers=scenario.lag_s > 0) for item in passed]
    return RealStage(scenario=scenario, world=world, scripts=scripts)


def prepare_real(folder: Path, engine: EngineName) -> dict[str, World]:
    """All situations, the same as the simulation's, with what the engine knows in its own states."""
    environment = ENVIRONMENT.model_copy(update={"engine": engine, "layout": Layout.REGION})
    return {name: _made_real(world) for name, world in prepare(folder, environment).items()}


def seen(world: World) -> World:
    """A world as its files have it now: the account, and the engine's states."""
    cloud = load_cloud(cloud_path(world.folder))
    states: dict[str, Held] = {}
    for key, item in _engine_of(world).applied().items():
        thing = thing_of(cloud, item.id)
        id = thing.id if thing else item.id
        states[key] = Held(root=item.root, type=item.type, key=key, id=id, arguments=dict(item.arguments))
    state = SimState(now=states)
    state.flush()
    return replace(world, cloud=cloud, state=state)


def in_process(act: Callable[[], int], folder: Path) -> int:
    """Runs something in a process of its own, which may die; its exit code, negative for a signal."""

    def run() -> None:
        with (folder / "told").open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os._exit(act())

    process = FORK.Process(target=run)
    process.start()
    process.join(LIMIT_S)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def cloud_path(folder: Path) -> Path:
    return folder / "cloud"


def _apply(world: World, script: Script) -> int:
    """One `prestage apply`, in the process that is to die."""
    folder = world.folder
    cloud = load_cloud(cloud_path(folder))
    cloud.fates = {}
    for met in script.met:
        cloud.fates.setdefault((met.call, met.key), []).append(met)
    at = RealPoints(script=script, folder=folder, told=folder / "death", late=folder / "late")
    project = replace(world, cloud=cloud).open(at, PointedEngine(inner=_engine_of(world), at=at))
    code = PARTLY
    with asked_through_providers(cloud, at, folder), looking_in(lambda: cloud), closing(project):
        try:
            report = apply_reviewed(project, world.plan_path, Silent(), confirmed=world.plan.destroyed)
            print([(run.root, str(run.status), run.message) for run in report.roots if run.message], flush=True)
            code = COMPLETE if report.complete else PARTLY
        except PrestageError as error:
            print(error.render(), flush=True)
        at.leave()
    keep_cloud(cloud_path(folder), cloud)
    return code


@contextmanager
def asked_through_providers(cloud: FatedCloud, at: RealPoints, folder: Path) -> Iterator[None]:
    """Puts the account behind the estate's providers, and points around what the engines do by themselves."""
    backing = Backing(cloud_path(folder), cloud, at)

    with ExitStack() as patches:
        for provider in (terraform_provider, pulumi_provider):
            patches.enter_context(patch.object(provider, "Inventory", lambda path: backing))
            patches.enter_context(patch.object(provider, "ThreadPoolExecutor", _many_threads))
        for session in (TerraformSession, PulumiSession):
            patches.enter_context(patch.object(session, "drop", _pointed(session.drop, at)))
        patches.enter_context(patch.object(resources, "resource_id", partial(_id_in, cloud)))
        patches.enter_context(patch.object(_Program, "_options", _as_it_is))
        yield


def _id_in(cloud: FatedCloud, environment: str, key: str) -> str:
    """What an import calls a thing: the inventory's ids follow from keys, those of an account do not."""
    return next((id_of(thing) for thing in cloud.things.values() if thing.key == key), resource_id(environment, key))


_options = _Program._options


def _as_it_is(self: _Program, item: Declaration) -> pulumi.ResourceOptions:
    """Options as in a cloud: what is taken in comes as it is, and is changed by the next run."""
    options = _options(self, item)
    if item.key in self._adopt:
        options.ignore_changes = list(item.arguments)
    return options


def _many_threads(max_workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS)


def _pointed(drop: Callable[..., None], at: RealPoints) -> Callable[..., None]:
    def dropping(self: object, what: object) -> None:
        at.drops("before")
        drop(self, what)
        at.drops("after")

    return dropping


def _engine_of(world: World) -> Engine:
    paths = Paths(folder=world.folder, environment="dev", state=world.folder / "state")
    return open_engine(world.environment, paths)


def _made_real(world: World) -> World:
    """A simulated situation with its account in a file, and what its state knows imported by the real engine."""
    folder = world.folder
    keep_cloud(cloud_path(folder), world.cloud)
    Inventory(folder / "state" / "estate.db").close()
    assert in_process(lambda: _import(world), folder) == COMPLETE, (folder / "told").read_text()
    real = seen(world)
    assert real.state.now == world.state.now, (real.state.now, world.state.now)
    return replace(world, cloud=real.cloud, state=real.state)


def _import(world: World) -> int:
    cloud = load_cloud(cloud_path(world.folder))
    at = RealPoints(script=Script(), folder=world.folder, told=world.folder / "death", late=world.folder / "late")
    with world.open(Failpoints()) as project:
        held = [
            project._resource(cloud.things[item.id]).model_copy(update={"root": item.root})
            for item in world.state.now.values()
        ]
    declared = declare(held, world.environment)
    roots: dict[str, tuple[Declaration, ...]] = {item.root: () for item in declared}
    for item in declared:
        roots[item.root] += (item,)
    adopt = tuple(Adoption(key=item.key, id=id_of(cloud.things[item.id])) for item in world.state.now.values())
    job = Job(environment="dev", roots=roots, adopt=adopt)
    with asked_through_providers(cloud, at, world.folder):
        outcomes = _engine_of(world).apply(job, Silent()) if roots else ()
    print(outcomes, flush=True)
    return PARTLY if any(run.message for run in outcomes) else COMPLETE
