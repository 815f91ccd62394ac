"""What could keep Prestage from working here, each finding with what to do about it.

Checks read; they change nothing. A check that cannot be made says why, and the others go on.
"""

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from contracts.errors import PrestageError
from contracts.failover import Reserve
from contracts.purchases import Purchases
from prestage.scope import NoProject, Scope
from stacks.errors import EngineMissing

if TYPE_CHECKING:
    from contracts.environment import Environment

PACKAGES = ("pydantic", "numpy", "pandas", "pyarrow", "xgboost-cpu", "highspy", "pulumi", "tf", "python-terraform")


class Health(StrEnum):
    """How a check ended."""

    GOOD = "good"
    NOTE = "note"  # works without, or only some commands need it
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    health: Health
    found: str
    next_step: str = ""


def examine(scope: Scope) -> Iterator[Finding]:
    """All checks in the order in which one builds on another."""
    yield _python()
    yield from _packages()
    yield from _engines()
    try:
        environment = _environment(scope)
    except NoProject as error:
        yield Finding(check="project", health=Health.NOTE, found=error.what, next_step=error.next_step)
        return
    except PrestageError as error:
        yield _bad("environment", error)
        return
    yield Finding(check="environment", health=Health.GOOD, found=_described(environment))
    yield from _unused(environment)
    for name, look in _CHECKS:
        try:
            yield from look(scope, environment)
        except PrestageError as error:
            yield _bad(name, error)


def _python() -> Finding:
    return Finding(check="python", health=Health.GOOD, found=f"{sys.version.split()[0]} at {sys.executable}")


def _packages() -> Iterator[Finding]:
    versions = {name: _version(name) for name in PACKAGES}
    missing = [name for name, version in versions.items() if version is None]
    told = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    yield Finding(check="packages", health=Health.GOOD, found=told)
    for name in missing:
        yield Finding(
            check="packages",
            health=Health.BAD,
            found=f"{name} is not installed",
            next_step="pip install prestage, or python3 run.py env in a checkout",
        )


def _engines() -> Iterator[Finding]:
    """The program behind each engine; an environment needs the one that it names."""
    for name, look in (("terraform", _terraform), ("pulumi", _pulumi)):
        try:
            yield Finding(check=name, health=Health.GOOD, found=look())
        except EngineMissing as error:
            yield Finding(check=name, health=Health.NOTE, found=error.what, next_step=error.next_step)


def _terraform() -> str:
    from stacks.engines.terraform_engine.program import find_program

    program = find_program()
    return f"{program.name} {program.info().version} at {program.command[0]}"


def _pulumi() -> str:
    from stacks.engines.pulumi_engine.command import find_pulumi

    path = find_pulumi()
    done = subprocess.run([path, "version"], capture_output=True, text=True, timeout=20, check=False)
    return f"pulumi {done.stdout.strip() or 'says no version'} at {path}"


def _environment(scope: Scope) -> "Environment":
    from prestage.projects import read_environment

    return read_environment(scope)


def _described(environment: "Environment") -> str:
    return f"{environment.name}: {len(environment.regions)} regions, engine {environment.engine}"


def _unused(environment: "Environment") -> Iterator[Finding]:
    """Settings that say something and that no plan of this environment reads."""
    if environment.failover.reserve is Reserve.SHARED:
        movable = [f"regions[{item.name}].placement" for item in environment.regions if item.placement]
        movable += ["placement"] if environment.placement.movable else []
        if movable:
            told = f"{', '.join(movable)}: no demand is served elsewhere where failover.reserve is shared"
            yield Finding(check="environment", health=Health.NOTE, found=told, next_step="failover.reserve: dedicated")
        return
    said = ["purchases"] if environment.purchases != Purchases() else []
    for region in environment.regions:
        said += [f"regions[{region.name}].purchases"] if region.purchases not in (None, Purchases()) else []
    if said:
        reserve = environment.failover.reserve.value
        told = f"{', '.join(said)} {'are' if len(said) > 1 else 'is'} not read where failover.reserve is {reserve}"
        yield Finding(check="environment", health=Health.NOTE, found=told, next_step="failover.reserve: shared")


def _files(scope: Scope, environment: "Environment") -> Iterator[Finding]:
    """Inventory, catalog and exemptions can be read and fit each other."""
    from contracts.capacity import Catalog
    from contracts.consistency import check_catalog, check_environment, check_inventory, unpriced
    from contracts.inventory import InventoryFacts
    from contracts.review import Exemptions
    from contracts.yaml_files import read_yaml_document

    facts = read_yaml_document(InventoryFacts, scope.folder / environment.inventory)
    check_inventory(facts, environment, where=environment.inventory)
    check_environment(environment, facts, where=f"environments/{environment.name}.yaml")
    catalog = read_yaml_document(Catalog, scope.folder / environment.catalog)
    check_catalog(catalog, facts, environment, where=environment.inventory)
    told = f"{len(facts.regions)} regions, {len(facts.links)} links, {len(catalog.shapes)} shapes"
    if environment.rules.exemptions:
        exemptions = read_yaml_document(Exemptions, scope.folder / environment.rules.exemptions)
        told += f", {len(exemptions.exemptions)} exemptions"
    yield Finding(check="files", health=Health.GOOD, found=told)
    for region, parts in unpriced(catalog, facts, environment).items():
        yield Finding(
            check="prices",
            health=Health.BAD,
            found=f"{region} states no price of any {', of any '.join(parts)}: no plan can buy it there",
            next_step=f"add it to prices of {region} in {environment.inventory}; 0 where it costs nothing",
        )


def _disk(scope: Scope, environment: "Environment") -> Iterator[Finding]:
    """There is room to write state."""
    free = shutil.disk_usage(scope.folder).free / 2**20
    if free < 200:
        yield Finding(check="disk", health=Health.BAD, found=f"{free:.0f} MiB are free", next_step="make room")
    else:
        yield Finding(check="disk", health=Health.GOOD, found=f"{free / 1024:.1f} GiB are free")


def _state(scope: Scope, environment: "Environment") -> Iterator[Finding]:
    """Ledger, journal and lock are in order. What is not there yet is not made."""
    from coordinator.status import read_status
    from prestage.projects import open_project

    folder = scope.folder / environment.state_dir
    if not (folder / "ledger.db").exists():
        yield Finding(check="state", health=Health.NOTE, found="nothing was applied yet", next_step="prestage plan")
        return
    with open_project(scope) as project:
        status = read_status(project)
    yield Finding(check="audit", health=Health.GOOD, found=f"{status.audit_rows} rows, all as they were written")
    for run in status.open_runs:
        what = f"{run.run} of plan {run.plan[:19]} did not end"
        yield Finding(check="run", health=Health.BAD, found=what, next_step="run the same prestage apply again")
    if status.unanswered:
        told = f"begun and not answered: {', '.join(status.unanswered)}"
        yield Finding(check="ledger", health=Health.BAD, found=told, next_step="prestage reconcile settles it")
    if status.not_followed:
        told = f"{status.not_followed} units whose state the inventory does not know yet"
        yield Finding(
            check="ledger", health=Health.NOTE, found=told, next_step="the next request or reconcile tells it"
        )
    if status.locked_by:
        yield Finding(check="lock", health=Health.NOTE, found=f"held by {status.locked_by}", next_step="wait for it")


def _history(scope: Scope, environment: "Environment") -> Iterator[Finding]:
    """What is known opens, and is of the environment's regions."""
    from forecaster.reach import foreign_regions, told_foreign
    from prestage.projects import history_of

    history = history_of(scope.folder, environment)
    if not history.folder.exists():
        return
    view = history.load()
    told = f"{len(view.measurements):,} values, {len(view.requests):,} requests"
    yield Finding(check="history", health=Health.GOOD, found=told)
    foreign = foreign_regions(view.measurements, view.requests, {region.name for region in environment.regions})
    if foreign:
        step = f"add them to environments/{environment.name}.yaml, if they are to be forecast"
        yield Finding(check="history", health=Health.NOTE, found=told_foreign(foreign), next_step=step)


_CHECKS: tuple[tuple[str, "Callable[[Scope, Environment], Iterator[Finding]]"], ...] = (
    ("files", _files),
    ("disk", _disk),
    ("history", _history),
    ("state", _state),
)


def _bad(check: str, error: PrestageError) -> Finding:
    found = f"{error.where}: {error.what}" if error.where else error.what
    return Finding(check=check, health=Health.BAD, found=found, next_step=error.next_step or error.expected)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
