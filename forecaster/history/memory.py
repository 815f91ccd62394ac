"""What was last seen of an encrypted history, kept outside of its folder: so an older one is found."""

from pathlib import Path
from typing import ClassVar

from contracts.document import Document
from contracts.errors import DocumentError
from contracts.files import read_document, write_document
from forecaster.errors import HistoryDamaged, HistoryRolledBack
from forecaster.history.manifest import Manifest

ACCEPT = "prestage history verify --accept, if it was restored on purpose"
AFRESH = "restore it; if it was removed on purpose: prestage history verify --accept, then prestage history import"
GONE = "is gone"


class Seen(Document):
    """The last state that was read or written here.

    Attributes:
        history: the history's id.
        counter: the manifest's.
        manifest: the manifest's digest.
    """

    FORMAT: ClassVar[str] = "prestage/history-seen"

    history: str
    counter: int
    manifest: str


def recall(path: Path) -> Seen | None:
    """What was last seen; None where nothing was yet.

    Raises:
        HistoryDamaged: the file was altered: whether the history was rolled back cannot be told.
    """
    if not path.exists():
        return None
    try:
        return read_document(Seen, path)
    except DocumentError as error:
        raise HistoryDamaged(
            f"{error.what}: whether the history was rolled back cannot be told", where=str(path), next_step=ACCEPT
        ) from error


def remember(path: Path, manifest: Manifest) -> None:
    """Writes down a state as the last one seen; the folder is made for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_document(path, Seen(history=manifest.history, counter=manifest.counter, manifest=manifest.digest()))


def check(seen: Seen | None, manifest: Manifest, where: str) -> None:
    """Holds a manifest against what was last seen.

    Raises:
        HistoryRolledBack: older, another, no longer encrypted, or gone.
    """
    if seen is None:
        return
    last = f"history {seen.history} at change {seen.counter} or later"
    if manifest.key is None:
        what = "holds files that are not encrypted" if manifest.parts else GONE
    elif manifest.history != seen.history:
        what = f"is another history ({manifest.history})"
    elif manifest.counter < seen.counter:
        what = f"was rolled back: it is at change {manifest.counter}, and change {seen.counter} was seen here"
    elif manifest.counter == seen.counter and manifest.digest() != seen.manifest:
        what = f"is another change {seen.counter} than the one that was seen here"
    else:
        return
    raise HistoryRolledBack(what, where=where, expected=last, next_step=AFRESH if what == GONE else ACCEPT)
