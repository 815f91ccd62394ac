"""The file in which a forecast leaves what it said in held-back windows, read window by window.

    prestage/forecast-windows 1;  each window, one after the other;  the index;  8 bytes: its length

Every part is closed by itself (`Seal`), so that only those windows that are asked for are read; one that does not open
is not there, and is said again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.files import written_whole
from forecaster.errors import SealRefused

if TYPE_CHECKING:
    from forecaster.history.sealing import Seal
    from forecaster.state_windows import Kept

HEAD = b"prestage/forecast-windows 1\n"
LENGTH = 8
INDEX = "index"


class _Entry(BaseModel):
    """Where a window lies in the file, and the form of its array."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin: int
    length: int
    dtype: str
    shape: tuple[int, ...]


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: str
    code: str
    windows: dict[str, _Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlace:
    """Which file, and what binds it.

    Attributes:
        file: its path.
        environment: whose windows.
        code: a digest of the code that said them; what other code said is not used.
        seal: closes and opens them.
    """

    file: Path
    environment: str
    code: str
    seal: "Seal"

    def name(self, part: str) -> str:
        """What a part of the file is closed under."""
        return f"{self.environment}.windows/{part}"


class WindowFile:
    """What an earlier forecast left; nothing where that is missing, damaged, of other code or of another environment.

    Attributes:
        unusable: why nothing of it is used, in words; empty where it is used or there is none.
        damaged: how many windows did not open.
    """

    def __init__(self, place: WindowPlace) -> None:
        self._place = place
        self._entries: dict[str, _Entry] = {}
        self.unusable = ""
        self.damaged = 0
        try:
            self._entries = self._read()
        except FileNotFoundError:
            pass
        except SealRefused as error:
            self.unusable = f"{place.file.name} is not used: {error.what}"
        except OSError as error:
            self.unusable = f"{place.file.name} cannot be read: {error.strerror}"

    def found(self, key: str) -> "Kept | None":
        """A window by its key."""
        import numpy as np

        entry = self._entries.get(key)
        if entry is None:
            return None
        try:
            payload = self._place.seal.opened(self._stored(key), self._place.name(key))
            kept: Kept = np.frombuffer(payload, dtype=np.dtype(entry.dtype)).reshape(entry.shape)
        except (SealRefused, OSError, ValueError, TypeError):
            self.damaged += 1
            del self._entries[key]
            return None
        return kept

    def keep(self, windows: "Mapping[str, Kept]") -> str:
        """Leaves windows for the next forecast; those that lie here already are taken over as they are.

        Returns:
            Why they cannot be kept, in words, which costs the next forecast time and nothing else.
        """
        if windows.keys() == self._entries.keys():
            return ""
        place = self._place
        try:
            with written_whole(place.file) as unfinished, unfinished.open("wb") as file:
                self._write(file, windows)
        except OSError as error:
            return f"{place.file.name} cannot be written: {error.strerror}"
        return ""

    def told(self) -> str:
        """What was wrong with it, in words; empty where nothing was."""
        lost = f"{self.damaged} windows of {self._place.file.name} did not open and were said again"
        return self.unusable or (lost if self.damaged else "")

    def _write(self, file: BinaryIO, windows: "Mapping[str, Kept]") -> None:
        place, entries = self._place, {}
        file.write(HEAD)
        for key, said in windows.items():
            old = key in self._entries
            closed = self._stored(key) if old else place.seal.closed(said.tobytes(), place.name(key))
            entries[key] = _Entry(begin=file.tell(), length=len(closed), dtype=said.dtype.name, shape=said.shape)
            file.write(closed)
        index = _Index(environment=place.environment, code=place.code, windows=entries)
        closed = place.seal.closed(index.model_dump_json().encode(), place.name(INDEX))
        file.write(closed)
        file.write(len(closed).to_bytes(LENGTH, "big"))

    def _read(self) -> dict[str, _Entry]:
        """The index.

        Raises:
            OSError: it cannot be read.
            SealRefused: it is not what was written, or not of this environment and code.
        """
        place = self._place
        with place.file.open("rb") as file:
            head, size = file.read(len(HEAD)), file.seek(0, 2)
            file.seek(max(size - LENGTH, 0))
            length = int.from_bytes(file.read(LENGTH), "big")
            if head != HEAD or length > size - LENGTH - len(HEAD):
                raise SealRefused("is nothing that a forecast kept, or cut off", where=str(place.file))
            file.seek(size - LENGTH - length)
            closed = file.read(length)
        try:
            index = _Index.model_validate_json(place.seal.opened(closed, place.name(INDEX)))
        except ValidationError as error:
            raise SealRefused("is of another version", where=str(place.file)) from error
        if index.environment != place.environment:
            raise SealRefused(f"is of the environment {index.environment!r}", where=str(place.file))
        if index.code != place.code:
            raise SealRefused("is of another version", where=str(place.file))
        return dict(index.windows)

    def _stored(self, key: str) -> bytes:
        """A window as it lies on the disk."""
        entry = self._entries[key]
        with self._place.file.open("rb") as file:
            file.seek(entry.begin)
            return file.read(entry.length)
