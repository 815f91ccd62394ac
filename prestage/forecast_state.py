"""What a forecast leaves for the next one: where it lies, what closes it, and what is never trusted."""

import hashlib
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from contracts.document import Document
from contracts.errors import DocumentError
from contracts.files import ENCRYPTED, read_document, write_bytes, write_document
from contracts.forecast_state import StateBundle
from forecaster.errors import SealRefused
from prestage.forecast_windows import WindowFolder, WindowPlace, holds_plain

if TYPE_CHECKING:
    from forecaster.history.sealing import Seal

FITTERS = ("numpy", "xgboost", "xgboost-cpu", "jax", "scipy", "statsmodels", "prophet")  # others may fit otherwise
ROOMS = ("sources", "history")  # of the forecaster, that bring history and fit nothing


class StateSeen(Document):
    """The last state that was kept here, beside the keys: so that an older one is found.

    Attributes:
        counter: how many states had been kept.
    """

    FORMAT: ClassVar[str] = "prestage/forecast-state-seen"

    environment: str
    counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateShelf:
    """Where an environment's state lies.

    Attributes:
        folder: of the environment's forecasts.
        environment: its name.
        seal: closes what lies there as the history is closed.
        memory: file that remembers the last state, where the history is encrypted.
    """

    folder: Path
    environment: str
    seal: "Seal"
    memory: Path | None = None

    @property
    def file(self) -> Path:
        """Of the state."""
        return self.folder / f"{self.environment}.state"

    def windows(self) -> WindowFolder:
        """What was said in held-back windows."""
        folder = self.folder / f"{self.environment}.windows"
        return WindowFolder(
            WindowPlace(folder=folder, environment=self.environment, code=code_digest(), seal=self.seal)
        )

    def take(self) -> tuple[StateBundle | None, str]:
        """The state, or none and why not: one that is damaged, newer, older than the last or foreign is never used."""
        name = self.file.name
        if not self.file.exists():
            return None, "nothing was kept"
        try:
            found = StateBundle.from_bytes(self.seal.opened(self.file.read_bytes(), name), where=str(self.file))
            last = self._last()
        except (DocumentError, SealRefused) as error:
            return None, f"{name} is not used: {error.what}"
        except OSError as error:
            return None, f"{name} cannot be read: {error.strerror}"
        if found.document.environment != self.environment:
            return None, f"{name} is of the environment {found.document.environment!r}"
        if found.document.code != code_digest():
            return None, "what was kept is of another version"
        if found.document.counter < last:
            return None, f"{name} was rolled back: it is state {found.document.counter}, and state {last} was kept here"
        return found, ""

    def put(self, state: StateBundle) -> str:
        """Keeps a state; says why it cannot be kept, which costs the next forecast time and nothing else."""
        try:
            counter = self._counted() + 1
            numbered = StateBundle(state.document.model_copy(update={"counter": counter}), state.fits)
            write_bytes(self.file, self.seal.closed(numbered.to_bytes(), self.file.name))
            if self.memory is not None:
                write_document(self.memory, StateSeen(environment=self.environment, counter=counter))
        except OSError as error:
            return f"{self.file.name} cannot be written: {error.strerror}"
        return ""

    def _last(self) -> int:
        """The number of the last state that was kept here.

        Raises:
            DocumentError: that cannot be told.
        """
        if self.memory is None or not self.memory.exists():
            return 0
        return read_document(StateSeen, self.memory).counter

    def _counted(self) -> int:
        """The same; where it cannot be told, it begins anew."""
        try:
            return self._last()
        except DocumentError:
            return 0


def forget_kept(folder: Path, environment: str) -> tuple[str, ...]:
    """Removes what forecasts kept, and names it: what was learned of hours that are forgotten is forgotten, too."""
    gone = list(forget_earlier_form(folder, environment))
    state, windows = folder / f"{environment}.state", folder / f"{environment}.windows"
    if state.exists():
        state.unlink()
        gone.append(state.name)
    if windows.exists():
        shutil.rmtree(windows)
        gone.append(windows.name)
    return tuple(gone)


def forget_plain(folder: Path, environment: str) -> tuple[str, ...]:
    """Removes what forecasts kept while the history was not encrypted, and names it; what is encrypted stays."""
    gone = list(forget_earlier_form(folder, environment))
    state, windows = folder / f"{environment}.state", folder / f"{environment}.windows"
    if state.exists() and not state.read_bytes().startswith(ENCRYPTED):
        state.unlink()
        gone.append(state.name)
    if holds_plain(windows):
        shutil.rmtree(windows)
        gone.append(windows.name)
    return tuple(gone)


def forget_earlier_form(folder: Path, environment: str) -> tuple[str, ...]:
    """Removes files of earlier forms, the oldest of which were never encrypted."""
    former = (f"{environment}.state.json", f"{environment}.fits", f"{environment}.windows")
    names = tuple(name for name in former if (folder / name).is_file())
    for name in names:
        (folder / name).unlink()
    return names


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
