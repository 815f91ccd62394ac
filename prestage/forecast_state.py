"""The fits that a forecast leaves for the next one: where they lie, and what is never trusted."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import DocumentError
from contracts.files import read_state, write_state

if TYPE_CHECKING:
    from contracts.forecast_state import StateBundle

FITTERS = ("numpy", "xgboost", "xgboost-cpu", "jax")  # whose other versions may fit otherwise
ROOMS = ("sources", "history")  # of the forecaster, that bring history and fit nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class StateShelf:
    """Where an environment's state lies.

    Attributes:
        file: the document; its fits lie beside it.
        environment: its name.
    """

    file: Path
    environment: str

    def take(self) -> "tuple[StateBundle | None, str]":
        """The state, or none and why not: a state that is damaged, newer or not of this is never trusted."""
        if not self.file.exists():
            return None, "nothing was kept"
        try:
            found = read_state(self.file)
        except DocumentError as error:
            return None, f"{self.file.name} is not used: {error.what}"
        except OSError as error:
            return None, f"{self.file.name} cannot be read: {error.strerror}"
        if found.document.environment != self.environment:
            return None, f"{self.file.name} is of the environment {found.document.environment!r}"
        if found.document.code != code_digest():
            return None, "what was kept is of another version"
        return found, ""

    def put(self, state: "StateBundle") -> str:
        """Keeps a state; says why it cannot be kept, which costs the next forecast time and nothing else."""
        try:
            write_state(self.file, state)
        except OSError as error:
            return f"{self.file.name} cannot be written: {error.strerror}"
        return ""


@cache
def code_digest() -> str:
    """Of all that decides how models are fitted: the forecaster's own code, and the packages that it fits with."""
    import contracts.series
    import forecaster

    hasher = hashlib.sha256()
    folder = Path(forecaster.__file__).parent
    files = [path for path in folder.rglob("*.py") if path.relative_to(folder).parts[0] not in ROOMS]
    for path in (*sorted(files), Path(contracts.series.__file__)):
        hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for name in FITTERS:
        hasher.update(f"{name} {_version(name)}\n".encode())
    return f"sha256:{hasher.hexdigest()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
