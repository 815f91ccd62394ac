"""From a command's scope to the things it works on: the project, its history, its clock."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prestage.scope import NoProject, Scope

if TYPE_CHECKING:
    from contracts.environment import Environment
    from coordinator.project import Project
    from forecaster.history.store import History


def open_project(scope: Scope) -> "Project":
    """Opens the project: its files, its inventory, its ledger, its journal, its engine."""
    from coordinator.project import Project
    from prestage.demo.folder import clock_of

    folder = scope.folder
    return Project.open(folder, scope.environment, clock=clock_of(folder))


def read_environment(scope: Scope) -> "Environment":
    """Reads the environment file alone.

    Raises:
        NoProject: there is none of this name; suggests the likely one.
        DocumentError: it is malformed or of a later version.
    """
    from contracts.environment import Environment
    from contracts.spelling import likely
    from contracts.yaml_files import read_yaml_document

    path = scope.folder / "environments" / f"{scope.environment}.yaml"
    if not path.exists():
        known = sorted(found.stem for found in path.parent.glob("*.yaml"))
        hint = likely(scope.environment, known) or f"there are {', '.join(known)}"
        raise NoProject(f"there is no environment {scope.environment!r}", where=str(path.parent), next_step=hint)
    return read_yaml_document(Environment, path)


def open_history(scope: Scope) -> "History":
    """The environment's history."""
    from forecaster.history.store import History

    return History(scope.folder / read_environment(scope).state_dir / "history")


def now() -> datetime:
    """The real clock, UTC."""
    return datetime.now(UTC)
