"""What the campaign over applies is played with: projects whose plan is reviewed and not applied, and a mortal child.

Three situations: a first plan; one that grows and adopts what was made on demand; one that shrinks. In the latter two
the estate was changed behind the engine's back: something is gone, something is foreign.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from contracts.engines import EngineName
from contracts.environment import Environment
from contracts.errors import PrestageError
from contracts.exits import ExitCode
from contracts.files import read_document
from contracts.plan import Plan
from contracts.requests import Outcome, PeeringRequest, Requirements
from contracts.yaml_files import read_yaml_document
from coordinator.apply import apply_reviewed
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.review import make_review
from prestage.failures import INTERRUPTED
from prestage.scaffold import project_files, write_project
from stacks.apply import incomplete
from stacks.declaration import Value
from stacks.errors import KeyTaken
from stacks.estate.inventory import Inventory, Row
from tests.coordinator.factory import NOON, Hands
from tests.coordinator.world import apply_confirmed, changes_of, write_load
from tests.faults.failpoints import Failpoints, PointedJournal, PointedLedger

REGIONS = ("fra", "ams", "lon", "mad", "nyc", "chi")
FOREIGN = "fra/compute/staged/s4/0777"
LATER = MappingProxyType({"grows": 1.5, "shrinks": 0.3})
"""Situations after the first one, by what demand has become."""

EDITS = {  # of the environment that `prestage init` writes
    "  - {name: dfw, asn: 64518}\n": "",
    "rules:\n": "staging: {max_units_per_place: 1}\nrules:\n  change_ceiling_share: 9\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A project that is ready to be applied: the changes by operation, and how long it takes when nobody dies."""

    name: str
    folder: Path
    operations: Mapping[str, int]
    seconds: float

    @property
    def changes(self) -> int:
        return sum(self.operations.values())


def open_project(folder: Path) -> Project:
    return Project.open(folder, "dev", clock=Hands())


def prepare_first(folder: Path, engine: EngineName) -> Situation:
    """The first plan alone: the others begin where it was applied."""
    _write_project(folder / "first", engine)
    return _measure(folder / "first", folder / "applied")


def prepare(folder: Path, engine: EngineName, later: Mapping[str, float] = LATER) -> tuple[Situation, ...]:
    """The first plan and those of `later` loads, each in a folder of its own."""
    applied = folder / "applied"
    situations = [prepare_first(folder, engine)]
    with open_project(applied) as project:
        _make_on_demand(project)
        _meddle(project)
    for name, load in later.items():
        shutil.copytree(applied, folder / name)
        write_load(folder / name, load, REGIONS)
        situations.append(_measure(folder / name, folder / f"{name}-applied"))
    return tuple(situations)


def _write_project(folder: Path, engine: EngineName) -> None:
    files = project_files("campaign", now=NOON)
    path = "environments/dev.yaml"
    for old, new in {**EDITS, "engine: terraform": f"layout: region\nengine: {engine}"}.items():
        files[path] = files[path].replace(old, new)
    write_project(folder, files)
    write_load(folder, 1.0, REGIONS)
    if engine is EngineName.PULUMI:
        from stacks.engines.pulumi_engine.prepare import prepare_project

        prepare_project(folder, read_yaml_document(Environment, folder / path))


def _make_on_demand(project: Project) -> None:
    request = PeeringRequest(
        id="r1", customer="acme", source="ams", destination="fra", requirements=Requirements(vcpu=60), duration_hours=9
    )
    assert answer_peering(project, request).outcome is Outcome.ON_DEMAND


def _meddle(project: Project) -> None:
    """Somebody deletes an alert and makes machines of their own under our tags."""
    project.inventory.delete("dev", "fra/alert/vcpu")
    arguments: dict[str, Value] = {"environment": "dev", "key": FOREIGN, "owner": "somebody", "region": "fra"}
    machines: dict[str, Value] = {"shape": "s4", "instances": 1, "purchase": "on_demand"}
    project.inventory.create("dev", "estate_compute", FOREIGN, arguments | machines)


def _measure(folder: Path, applied: Path) -> Situation:
    """Plans and reviews; applies a copy, to know how long that takes."""
    with open_project(folder) as project:
        outcome = make_plan(project)
        operations = Counter(change.operation.value for change in changes_of(outcome))
        assert not make_review(project, outcome.path).denied
    shutil.copytree(folder, applied)
    with open_project(applied) as project:
        started = time.monotonic()
        report = apply_confirmed(project, project.paths.plan)
        seconds = time.monotonic() - started
        assert report.complete, [root.message for root in report.roots if root.message]
    return Situation(name=folder.name, folder=folder, operations=operations, seconds=seconds)


class Mortal:
    """A `Progress` that kills this process, for good, at the `due`-th thing it hears; 0: never."""

    def __init__(self, due: int, delay_s: float) -> None:
        self._due, self._delay_s, self._heard = due, delay_s, 0

    def start(self, step: str, total: int | None = None) -> None:
        self._hear()

    def advance(self, step: str, done: int, detail: str = "") -> None:
        self._hear()

    def finish(self, step: str, detail: str = "") -> None:
        self._hear()

    def _hear(self) -> None:
        self._heard += 1
        if self._heard == self._due:
            time.sleep(self._delay_s)
            os.kill(os.getpid(), signal.SIGKILL)


def apply_as_child(folder: Path, due: int, seed: int, *, adoption: bool, book: int = 0) -> int:
    """What the child does: says that it begins, applies the plan that is there, and returns what the command would.

    Args:
        folder: the project.
        due: at which thing that the engine tells it dies; 0: never.
        seed: of the delay.
        adoption: whether the estate takes in what exists.
        book: at which point of journal and ledger it dies; 0: never.
    """
    if not adoption:
        _take_adoption_out()
    delay_s = random.Random(f"delay of {seed}").uniform(0, 0.03)
    try:
        with _with_points(open_project(folder), Failpoints(book, on_death=_die)) as project:
            print("begin", flush=True)
            plan, progress = project.paths.plan, Mortal(due, delay_s)
            report = apply_reviewed(project, plan, progress, confirmed=_destroyed(project))
    except PrestageError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except (OSError, KeyboardInterrupt) as error:  # the command line has its words for these
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.ERROR
    if unfinished := incomplete(report, resume="prestage apply"):
        print(unfinished.render(), file=sys.stderr)
    return ExitCode.CLEAN if report.complete else ExitCode.PARTIAL


def _with_points(project: Project, at: Failpoints) -> Project:
    """The project with books that pass points."""
    project.ledger.close()
    ledger = PointedLedger(project.paths.ledger, "dev", project.clock, project.ledger.quarantine)
    journal = PointedJournal(project.paths.journal)
    ledger.at = journal.at = at
    return dataclasses.replace(project, ledger=ledger, journal=journal)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _destroyed(project: Project) -> int:
    return read_document(Plan, project.paths.plan).destroyed


def _take_adoption_out() -> None:
    """An estate that refuses to create what exists, as most do. What nobody killed left is spared: the foreign one."""
    create = Inventory.create

    def refusing(self: Inventory, environment: str, type: str, key: str, arguments: Mapping[str, Value]) -> Row:
        if key != FOREIGN and self.read(environment, key) is not None:
            raise KeyTaken("exists already", where=key)
        return create(self, environment, type, key, arguments)

    setattr(Inventory, "create", refusing)  # noqa: B010 - mypy lets no method be assigned
