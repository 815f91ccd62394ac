"""What every command has: a project's folder, an environment, and the choice between people and JSON.

`@scoped(Options)` adds the shared options to a Click command, parses its own ones into the frozen dataclass
`Options`, and calls the function with both.
"""

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar  # Any: the values that Click hands over, before they are parsed

import click

from contracts.errors import PrestageError
from contracts.exits import ExitCode

if TYPE_CHECKING:
    from contracts.document import Document
    from contracts.ports import Progress

O = TypeVar("O")  # noqa: E741 - options

JsonObject = Mapping[str, object]


class NoProject(PrestageError):
    """There is no project here, or it is not clear which environment is meant."""

    exit_code = ExitCode.USAGE


class NoSuchPlan(PrestageError):
    """The plan file that was named is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """For commands that have none of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a command works and how it answers."""

    asked_folder: Path | None
    asked_environment: str | None
    as_json: bool

    @property
    def folder(self) -> Path:
        """The project's folder: the one asked for, else the nearest that holds `environments/`.

        Raises:
            NoProject: there is none.
        """
        if self.asked_folder is not None:
            return _checked(self.asked_folder)
        here = Path.cwd()
        found = next((folder for folder in (here, *here.parents) if (folder / "environments").is_dir()), None)
        if found is None:
            raise NoProject(
                "is not in a project: neither it nor a folder above it holds environments/",
                where=str(here),
                next_step="prestage init my-network, or name the folder: --project DIR",
            )
        return found

    @property
    def environment(self) -> str:
        """The environment asked for, else the only one.

        Raises:
            NoProject: there is none, or more than one.
        """
        if self.asked_environment is not None:
            return self.asked_environment
        folder = self.folder / "environments"
        names = sorted(path.stem for path in folder.glob("*.yaml"))
        if len(names) == 1:
            return names[0]
        raise NoProject(
            f"holds {len(names)} environments: {', '.join(names)}" if names else "holds no environment",
            where=str(folder),
            next_step=f"say which: --env {names[0]}" if names else "add environments/dev.yaml, or run prestage init",
        )

    @property
    def progress(self) -> "Progress":
        """Live lines on a terminal, a line a step elsewhere; always on stderr."""
        from prestage.progress import progress_on

        return progress_on(sys.stderr)

    @property
    def interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.as_json

    def answer(self, document: "Document | JsonObject", text: Callable[[], str]) -> None:
        """Writes a result to stdout: one JSON document, or the text for people."""
        if not self.as_json:
            click.echo(text())
        elif isinstance(document, Mapping):
            click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        else:
            click.echo(document.sealed(), nl=False)

    def existing(self, path: Path) -> Path:
        """A plan file as typed, or, where there is none, as it lies in the project's folder.

        Raises:
            NoSuchPlan: it is in neither place.
        """
        found = next((place for place in (path, self.folder / path) if place.exists()), None)
        if found is None:
            raise NoSuchPlan("no such file", where=str(path), next_step=f"prestage plan --out {path}")
        return found.resolve()

    def shown(self, path: Path) -> str:
        """A path as people would type it: relative to where they are when it is below."""
        relative = os.path.relpath(path)
        return str(path) if relative.startswith("..") else relative


Handler = Callable[[Scope, O], int]


def scoped(options: type[O]) -> Callable[[Handler[O]], Callable[..., int]]:
    """Adds `--project`, `--env` and `--json` to a command whose other options are the fields of `options`."""

    def decorate(function: Handler[O]) -> Callable[..., int]:
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
        @click.option("--env", "environment", metavar="NAME", help="Environment; not needed where there is only one.")
        @click.option(
            "--project",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="The project's folder; the nearest one with environments/ by default.",
        )
        @functools.wraps(function)
        def wrapper(project: Path | None, environment: str | None, as_json: bool, **values: Any) -> int:
            folder = project or click.get_current_context().find_root().obj
            scope = Scope(asked_folder=folder, asked_environment=environment, as_json=as_json)
            return function(scope, options(**values))

        return wrapper

    return decorate


def examples(*lines: str) -> str:
    """The epilog of a command's help: lines to copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def _checked(folder: Path) -> Path:
    if not (folder / "environments").is_dir():
        raise NoProject(
            "is not a project: it holds no environments/", where=str(folder), next_step=f"prestage init {folder}"
        )
    return folder.resolve()
