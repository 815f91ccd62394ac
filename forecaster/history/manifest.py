"""The manifest of a history: which files count. A sealed document like the others, known to this room only."""

from pathlib import Path
from typing import ClassVar

from contracts.document import Document, Model
from contracts.errors import DocumentError
from contracts.files import read_document
from forecaster.errors import HistoryDamaged

MANIFEST = "manifest.json"


class Part(Model):
    """One file: a kind (or `requests`) and a month, with the digest of its bytes."""

    kind: str
    month: str
    file: str
    rows: int
    digest: str


class Manifest(Document):
    """All files that count, sorted by kind and month."""

    FORMAT: ClassVar[str] = "prestage/history"

    parts: tuple[Part, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; without one, a history that holds nothing.

    Raises:
        HistoryDamaged: it was altered or cut off.
        NewerDocument: a later version wrote it.
    """
    path = folder / MANIFEST
    if not path.exists():
        return Manifest()
    try:
        return read_document(Manifest, path)
    except DocumentError as error:
        raise HistoryDamaged(
            error.what, where=str(path), expected=error.expected, next_step=error.next_step or "restore it"
        ) from error
