"""The manifest of a history: which files count, and the keys that open them. Known to this room only.

Version 1 named a file a month and knew no keys; it is still read.
"""

from pathlib import Path
from typing import ClassVar, NamedTuple

from pydantic import Field

from contracts.document import Document, Model, unsaid
from contracts.errors import DocumentError, NewerDocument
from contracts.files import read_text
from forecaster.errors import HistoryDamaged
from forecaster.history.keyring import Wrapped

MANIFEST = "manifest.json"
_FILE = r"^[a-z0-9_]+/[A-Za-z0-9][A-Za-z0-9._-]*$"  # a name below the history's folder, never a way out of it


class Span(NamedTuple):
    """What one file holds: a kind (or `requests`), from one month to another, both `2026-03` and both included."""

    kind: str
    first: str
    last: str

    @property
    def months(self) -> str:
        """As the file's name begins."""
        return self.first if self.first == self.last else f"{self.first}_{self.last}"


class Part(Model):
    """One file.

    Attributes:
        file: its name below the history's folder.
        digest: of its bytes, as they lie there.
        key: the file's own key, wrapped by the history's; empty where it is not encrypted.
    """

    kind: str
    first: str
    last: str
    file: str = Field(pattern=_FILE)
    rows: int
    digest: str
    key: str = ""

    @property
    def span(self) -> Span:
        return Span(self.kind, self.first, self.last)


class Manifest(Document):
    """All files that count, sorted by kind and month.

    Attributes:
        history: the id of an encrypted history.
        counter: how often an encrypted history was changed.
        forgot: how often rows were forgotten; what was learned of the history before the last time is out of date.
        key: the history's key, wrapped by the master key; none where it is not encrypted.
        signature: of all else, made with the history's key.
    """

    FORMAT: ClassVar[str] = "prestage/history"
    VERSION: ClassVar[int] = 2
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"signature"})

    history: str = ""
    counter: int = 0
    forgot: int = Field(default=0, exclude_if=unsaid)
    key: Wrapped | None = None
    signature: str = ""
    parts: tuple[Part, ...] = ()


class _FirstPart(Model):
    kind: str
    month: str
    file: str = Field(pattern=_FILE)
    rows: int
    digest: str


class _FirstManifest(Document):
    """As version 1 had it."""

    FORMAT: ClassVar[str] = "prestage/history"

    parts: tuple[_FirstPart, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; without one, a history that holds nothing. Its signature is not looked at.

    Raises:
        HistoryDamaged: it was altered or cut off.
        NewerDocument: a later version wrote it.
    """
    path = folder / MANIFEST
    if not path.exists():
        return Manifest()
    try:
        return _unsealed(read_text(path), str(path))
    except NewerDocument:
        raise
    except DocumentError as error:
        raise HistoryDamaged(
            error.what, where=str(path), expected=error.expected, next_step=error.next_step or "restore it"
        ) from error


def _unsealed(text: str, where: str) -> Manifest:
    try:
        first = _FirstManifest.unseal(text, where=where)
    except NewerDocument:
        return Manifest.unseal(text, where=where)
    parts = (Part(**part.model_dump(exclude={"month"}), first=part.month, last=part.month) for part in first.parts)
    return Manifest(parts=tuple(parts))
