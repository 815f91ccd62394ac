"""What `prestage init` writes: a project of one's own that runs at once.

The listing (path to text) is pure; `write_project` writes it whole or not at all, and never over what is there.
Folders of the user's own may have any name: nothing here is called `policies` or `stacks`.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path, PurePosixPath

from contracts.accounts import TargetName
from contracts.engines import EngineName
from contracts.errors import PrestageError
from contracts.exits import ExitCode
from prestage.sample_history import SampleHistory

ENVIRONMENT = "dev"
"""The one environment of a new project."""

_TEMPLATES = {
    f"environments/{ENVIRONMENT}.yaml": "environment.yaml",
    "estate/inventory.yaml": "inventory.yaml",
    "estate/catalog.yaml": "catalog.yaml",
    "exemptions.yaml": "exemptions.yaml",
    "Pulumi.yaml": "pulumi.yaml",
    "program/__main__.py": "program.txt",
    ".github/workflows/prestage.yml": "pipeline.yml",
    ".gitignore": "gitignore",
    "README.md": "readme.md",
}
"""Path in the project to the template in `prestage/templates`."""

_OF_TARGET: Mapping[TargetName, Mapping[str, str]] = {
    TargetName.ESTATE: {},
    TargetName.AWS: {
        f"environments/{ENVIRONMENT}.yaml": "environment-aws.yaml",
        "estate/inventory.yaml": "inventory-cloud.yaml",
        "estate/catalog.yaml": "catalog-aws.yaml",
    },
    TargetName.GCP: {
        f"environments/{ENVIRONMENT}.yaml": "environment-gcp.yaml",
        "estate/inventory.yaml": "inventory-cloud.yaml",
        "estate/catalog.yaml": "catalog-gcp.yaml",
    },
}
"""What takes the place of the estate's sample in a cloud."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # as Pulumi has it for projects


class CannotStart(PrestageError):
    """A project cannot be made under this name or in this folder. Nothing was written."""

    exit_code = ExitCode.USAGE


class WouldOverwrite(PrestageError):
    """Files that a new project has are there already, with another content. Nothing was written."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that was made: where, and which files were written."""

    folder: Path
    written: tuple[str, ...]


def project_files(
    name: str,
    *,
    now: datetime,
    engine: EngineName = EngineName.TERRAFORM,
    target: TargetName = TargetName.ESTATE,
) -> dict[str, str]:
    """Every file of a new project, by its path.

    Args:
        name: the project's name.
        now: where the sample history ends.
        engine: which engine is in charge.
        target: where its regions lie.

    Raises:
        CannotStart: the name is none that Pulumi takes.
    """
    if not _NAME.fullmatch(name):
        raise CannotStart(
            f"{name!r} cannot be the name of a project",
            expected="letters, digits, dots, hyphens and underscores, at most 100",
            next_step="prestage init my-network",
        )
    words = {"@NAME@": name, "@ENGINE@": str(engine)}
    sources = {**_TEMPLATES, **_OF_TARGET[target]}
    files = {path: _filled(template(source), words) for path, source in sources.items()}
    return files | {f"history/{file}": text for file, text in SampleHistory(now).files().items()}


def _filled(text: str, words: Mapping[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def template(name: str) -> str:
    """The text of a template."""
    return (resources.files("prestage") / "templates" / name).read_text(encoding="utf-8")


def write_project(folder: Path, files: Mapping[str, str]) -> NewProject:
    """Writes all files, or none: they are written aside and moved; what fails half way is taken back.

    Files that are there with the same content are left alone, so that a run that was killed can be made again.

    Raises:
        CannotStart: the folder is a file.
        WouldOverwrite: naming every file that is there with another content.
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    if folder.exists() and not folder.is_dir():
        raise CannotStart("is not a folder", where=str(folder), next_step="choose another name")
    _refuse_to_overwrite(folder, files)
    missing = tuple(sorted(path for path in files if not (folder / path).exists()))
    made = _missing_folders(folder, missing)
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".prestage-init-", dir=folder))
    moved: list[Path] = []
    try:
        for path in missing:
            _write(aside / path, files[path])
        for path in missing:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            moved.append((aside / path).rename(folder / path))
    except BaseException:
        _take_back(moved, aside, made)
        raise
    shutil.rmtree(aside)
    return NewProject(folder, missing)


def _refuse_to_overwrite(folder: Path, files: Mapping[str, str]) -> None:
    there = [path for path, text in sorted(files.items()) if _differs(folder / path, text)]
    if there:
        raise WouldOverwrite(
            f"{len(there)} file(s) of a new project are there already: {', '.join(there)}",
            where=str(folder),
            expected="a folder without them; other files do not matter",
            next_step="choose another folder, or move them away",
        )


def _differs(path: Path, text: str) -> bool:
    return path.exists() and not (path.is_file() and path.read_bytes() == text.encode())


def _missing_folders(folder: Path, paths: tuple[str, ...]) -> list[Path]:
    """Folders that will be made, the deepest first: they are taken back when something fails."""
    wanted = {folder / parent for path in paths for parent in PurePosixPath(path).parents} | {folder, *folder.parents}
    return sorted((path for path in wanted if not path.exists()), key=lambda path: -len(path.parts))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def _take_back(moved: list[Path], aside: Path, made: list[Path]) -> None:
    for path in moved:
        path.unlink()
    shutil.rmtree(aside, ignore_errors=True)
    for folder in made:
        if folder.is_dir():
            folder.rmdir()
