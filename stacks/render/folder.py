"""Where a rendering is written: a folder that is replaced as a whole, and only where all in it is a rendering's.

A folder that holds anything else (a state, a plan, what somebody changed) is left as it is.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from contracts.document import text_digest
from stacks.errors import FolderTaken
from stacks.render.plan import Rendering

MANIFEST = ".prestage-render.json"


def write_rendering(folder: Path, rendering: Rendering) -> bool:
    """Makes a folder hold just the files of a rendering, all of them or none. Returns whether anything differed.

    Raises:
        FolderTaken: it is a file, or holds what no rendering wrote.
        OSError: the disk is full, or the folder above cannot be written; nothing was changed.
    """
    folder = folder.resolve()
    _refuse_taken(folder)
    files = {**rendering.written.files, MANIFEST: _manifest(rendering)}
    if _texts(folder) == files:
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        fresh = beside / "new"
        write_tree(fresh, files)
        _swap(folder, fresh, beside / "old")
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


def write_tree(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files below a folder that is not there yet."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _swap(folder: Path, fresh: Path, aside: Path) -> None:
    """Puts a new folder in the place of the old one; back again where that fails."""
    there = folder.exists()
    if there:
        folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        if there:
            aside.rename(folder)
        raise


def _refuse_taken(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise FolderTaken("is a file", where=str(folder), next_step="name a folder: --out DIR")
    foreign = sorted(_foreign(folder))
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise FolderTaken(
            f"holds what no rendering wrote, or what was changed since: {', '.join(foreign[:3])}{more}",
            where=str(folder),
            expected="an empty folder, or one that `prestage render` wrote and nobody changed",
            next_step="name another one: --out DIR",
        )


def _foreign(folder: Path) -> Iterator[str]:
    known = _known(folder)
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name != MANIFEST and known.get(name) != text_digest(path.read_text(encoding="utf-8", errors="replace")):
            yield name


def _known(folder: Path) -> Mapping[str, str]:
    """Digests of the files that the last rendering wrote."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _manifest(rendering: Rendering) -> str:
    content = {
        "environment": rendering.environment,
        "engine": rendering.engine,
        "plan": rendering.plan,
        "files": {name: text_digest(text) for name, text in sorted(rendering.written.files.items())},
    }
    return json.dumps(content, indent=2) + "\n"


def _texts(folder: Path) -> Mapping[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    """All that is in a folder and is no folder, links included."""
    for above, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(above) / name).is_symlink()]
        yield from (Path(above) / name for name in (*names, *links))
