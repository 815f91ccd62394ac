"""From a command's scope to the things it works on: the project, its history, its clock."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from prestage.scope import NoProject, Scope

if TYPE_CHECKING:
    from contracts.environment import Environment
    from coordinator.project import Project
    from forecaster.history.open_keys import KeyPlaces
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
    return history_of(scope.folder, read_environment(scope))


def history_of(folder: Path, environment: "Environment") -> "History":
    """The history of an environment of the project in `folder`, with the key that it names. Nothing is read yet.

    Raises:
        KeyUnavailable: it names none in a form that is known.
    """
    from forecaster.history.open_keys import open_keyring
    from forecaster.history.store import History

    return History(
        folder / environment.state_dir / "history",
        open_keyring(environment.history.key, places_of(folder, environment)),
    )


def places_of(folder: Path, environment: "Environment") -> "KeyPlaces":
    """Where an environment's keys may lie."""
    from forecaster.history.open_keys import KeyPlaces

    return KeyPlaces(project=folder, state=folder / environment.state_dir)


def now() -> datetime:
    """The real clock, UTC."""
    return datetime.now(UTC)
