"""The folder in which forecasts leave what they said in held-back windows: parts, each written once and whole.

A forecast adds a part with the windows that are new, and removes parts of which nothing can be asked again; only when
more of them is out of date than not, or one did not open, are they written as one. A part:

    prestage/forecast-windows 2;  each window, one after the other;  the index;  8 bytes: its length

Every window and index is closed by itself (`Seal`), so that only those windows that are asked for are read; one that
does not open is not there, and is said again. A part takes its name once it is on the disk.
"""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.files import ENCRYPTED, written_whole
from forecaster.errors import SealRefused
from prestage.forecast_numbers import numbers_from_bytes, numbers_to_bytes

if TYPE_CHECKING:
    from forecaster.history.sealing import Seal
    from forecaster.state_windows import Kept

HEAD = b"prestage/forecast-windows 2\n"
LENGTH = 8
INDEX = "index"
MOST_PARTS = 32


class _Entry(BaseModel):
    """Where a window lies in a part, and the form of its array."""

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
    """Which folder, and what binds it.

    Attributes:
        folder: its path.
        environment: whose windows.
        code: a digest of the code that said them; what other code said is not used.
        seal: closes and opens them.
    """

    folder: Path
    environment: str
    code: str
    seal: "Seal"

    def name(self, part: str) -> str:
        """What a window or an index is closed under."""
        return f"{self.environment}.windows/{part}"


class WindowFolder:
    """What earlier forecasts left; nothing where that is missing, damaged, of other code or of another environment.

    Attributes:
        unusable: why each part is not used that is not, in words.
        damaged: how many windows did not open.
    """

    def __init__(self, place: WindowPlace) -> None:
        self._place = place
        self._parts: dict[Path, dict[str, _Entry]] = {}
        self.unusable: tuple[str, ...] = ()
        self.damaged = 0
        self._look()

    def found(self, key: str) -> "Kept | None":
        """A window by its key."""
        file = self._part_of(key)
        if file is None:
            return None
        entry = self._parts[file][key]
        try:
            payload = self._place.seal.opened(_stored(file, entry), self._place.name(key))
            return numbers_from_bytes(payload, entry.dtype, entry.shape)
        except FileNotFoundError:  # another forecast put it together with others, or removed it
            del self._parts[file]
            return None
        except (SealRefused, OSError, ValueError, TypeError):
            self.damaged += 1
            del self._parts[file][key]
            return None

    def keep(self, windows: "Mapping[str, Kept]") -> str:
        """Leaves windows for the next forecast: writes those that are new, forgets those that are not among them.

        Whoever calls is the only one that writes (the history's lock); another forecast may have written since.

        Returns:
            Why they cannot be kept, in words, which costs the next forecast time and nothing else.
        """
        self._look()
        alive = self._alive(windows)
        gone = [file for file in self._files() if not alive.get(file)]
        new = windows.keys() - {key for keys in alive.values() for key in keys}
        stay = [file for file, keys in alive.items() if keys]
        try:
            if stay and (self.damaged or self._scattered(alive)):
                self._put(windows)
                gone += stay
            elif new:
                self._put({key: windows[key] for key in windows if key in new})
            for file in gone:
                file.unlink(missing_ok=True)
        except OSError as error:
            return f"{self._place.folder.name} cannot be written: {error.strerror}"
        return ""

    def told(self) -> str:
        """What was wrong with it, in words; empty where nothing was."""
        name, told = self._place.folder.name, []
        if self.unusable:
            whole = f"{len(self.unusable)} of {len(self.unusable) + len(self._parts)} parts of {name} are not used"
            told.append(f"{whole if self._parts else f'{name} is not used'}: {self.unusable[0]}")
        if self.damaged:
            told.append(f"{self.damaged} windows of {name} did not open and were said again")
        return "; ".join(told)

    def _look(self) -> None:
        """Takes up parts that have come, and lets go those that are gone."""
        there, refused = sorted(self._place.folder.glob("[!.]*")), []
        self._parts = {file: entries for file, entries in self._parts.items() if file in there}
        for file in there:
            try:
                if file not in self._parts:
                    self._parts[file] = self._read(file)
            except FileNotFoundError:
                continue  # removed since
            except SealRefused as error:
                refused.append(error.what)
            except OSError as error:
                refused.append(f"it cannot be read ({error.strerror})")
        self.unusable = tuple(refused)

    def _alive(self, windows: "Mapping[str, Kept]") -> dict[Path, set[str]]:
        """What can be asked for again of each part; a window that is in two counts in one."""
        alive: dict[Path, set[str]] = {}
        found: set[str] = set()
        for file, entries in self._parts.items():
            alive[file] = (entries.keys() & windows.keys()) - found
            found |= alive[file]
        return alive

    def _files(self) -> Iterator[Path]:
        """All that lies there, what was never finished included."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            yield from sorted(self._place.folder.iterdir())

    def _scattered(self, alive: "Mapping[Path, set[str]]") -> bool:
        """Whether more lies in the parts that stay than can be asked for, twice over, or they are too many."""
        stay = {file: keys for file, keys in alive.items() if keys}
        whole = sum(entry.length for file in stay for entry in self._parts[file].values())
        asked = sum(self._parts[file][key].length for file, keys in stay.items() for key in keys)
        return whole > 2 * asked or len(stay) >= MOST_PARTS

    def _part_of(self, key: str) -> Path | None:
        return next((file for file, entries in self._parts.items() if key in entries), None)

    def _put(self, windows: "Mapping[str, Kept]") -> None:
        """Writes a part."""
        with written_whole(self._place.folder / secrets.token_hex(8)) as unfinished, unfinished.open("wb") as file:
            self._write(file, windows)

    def _write(self, file: BinaryIO, windows: "Mapping[str, Kept]") -> None:
        place, entries = self._place, {}
        file.write(HEAD)
        for key, said in windows.items():
            old = self._part_of(key)
            if old is not None:
                closed = _stored(old, self._parts[old][key])
            else:
                closed = place.seal.closed(numbers_to_bytes(said), place.name(key))
            entries[key] = _Entry(begin=file.tell(), length=len(closed), dtype=said.dtype.name, shape=said.shape)
            file.write(closed)
        index = _Index(environment=place.environment, code=place.code, windows=entries)
        closed = place.seal.closed(index.model_dump_json().encode(), place.name(INDEX))
        file.write(closed)
        file.write(len(closed).to_bytes(LENGTH, "big"))

    def _read(self, path: Path) -> dict[str, _Entry]:
        """The index of a part.

        Raises:
            OSError: it cannot be read.
            SealRefused: it is not what was written, or not of this environment and code.
        """
        place = self._place
        with path.open("rb") as file:
            head, size = file.read(len(HEAD)), file.seek(0, 2)
            file.seek(max(size - LENGTH, 0))
            length = int.from_bytes(file.read(LENGTH), "big")
            if head != HEAD or length > size - LENGTH - len(HEAD):
                raise SealRefused("is nothing that a forecast kept, or cut off", where=str(path))
            file.seek(size - LENGTH - length)
            closed = file.read(length)
        try:
            index = _Index.model_validate_json(place.seal.opened(closed, place.name(INDEX)))
        except ValidationError as error:
            raise SealRefused("is of another version", where=str(path)) from error
        if index.environment != place.environment:
            raise SealRefused(f"is of the environment {index.environment!r}", where=str(path))
        if index.code != place.code:
            raise SealRefused("is of another version", where=str(path))
        return dict(index.windows)


def holds_plain(folder: Path) -> bool:
    """Whether a part lies there that is not encrypted, be it half written."""
    parts = folder.iterdir() if folder.is_dir() else ()
    return any(not part.read_bytes().removeprefix(HEAD).startswith(ENCRYPTED) for part in parts)


def _stored(file: Path, entry: _Entry) -> bytes:
    """A window as it lies on the disk."""
    with file.open("rb") as opened:
        opened.seek(entry.begin)
        return opened.read(entry.length)
