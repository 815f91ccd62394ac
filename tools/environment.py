"""Makes `.venv` in the checkout out of a hashed lock file, once.

Where it stands: `run.py` asks `ensure_environment` for a Python before every verb that needs one. Standard library
only. The fastest installer at hand does the work: `uv` on PATH, else `uv` fetched once by pip into the user's cache,
else plain `venv` and pip. A stamp names what was installed; it is written last, so that an interrupted set-up has none
and is made again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.cache import cache_dir, locked, say

ROOT = Path(__file__).resolve().parent.parent


class Level(StrEnum):
    """How much is installed; the developer's environment holds the runtime's."""

    RUNTIME = "requirements.lock"
    DEVELOPER = "requirements-dev.lock"


class SetupError(Exception):
    """The environment could not be made: the message says which step, why, and what to type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout and the environment in it."""

    root: Path = ROOT

    @property
    def environment(self) -> Path:
        """The folder of the environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.environment / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Names what was installed: the interpreter's line, then a digest per level."""
        return self.environment / "prestage-stamp.txt"

    def interpreter_line(self) -> str:
        """What an environment cannot outlive: the Python it was made by, and its own place."""
        return f"{platform.python_implementation()} {platform.python_version()} {self.environment}"

    def digest(self, level: Level) -> str:
        """Identifies what `level` installs here."""
        content = hashlib.sha256(self.interpreter_line().encode())
        for name in (level.value, "pyproject.toml"):
            content.update((self.root / name).read_bytes())
        return content.hexdigest()

    def stamped(self) -> list[str]:
        """The stamp's lines; none when nothing was ever finished here."""
        return self.stamp.read_text(encoding="utf-8").splitlines() if self.stamp.exists() else []


def ensure_environment(level: Level, checkout: Checkout | None = None) -> Path:
    """The interpreter of an environment that holds `level`, made or refreshed only if it is not there.

    Raises:
        SetupError: no installer, or one that failed.
    """
    checkout = checkout or Checkout()
    if checkout.digest(level) not in checkout.stamped():
        with locked(checkout.root / ".venv.lock", doing="setting up .venv"):
            if checkout.digest(level) not in checkout.stamped():
                _make(checkout, level)
    return checkout.python


def _make(checkout: Checkout, level: Level) -> None:
    started = time.monotonic()
    before = checkout.stamped()
    reusable = before[:1] == [checkout.interpreter_line()]
    if reusable and len(before) > len(Level):  # a developer's: it stays one
        level = Level.DEVELOPER
    checkout.stamp.unlink(missing_ok=True)
    if not reusable:
        _remove(checkout.environment)
    say(f"{'refreshing' if reusable else 'making'} .venv from {level.value}")
    uv = _find_uv()
    if uv is None:
        _install_by_pip(checkout, level, reusable)
    else:
        _install_by_uv(uv, checkout, level, reusable)
    held = [level] if level is Level.RUNTIME else list(Level)
    lines = [checkout.interpreter_line(), *(checkout.digest(one) for one in held)]
    checkout.stamp.write_text("\n".join(lines) + "\n", encoding="utf-8")
    say(f".venv is ready after {time.monotonic() - started:.0f} s")


def _remove(environment: Path) -> None:
    """Clears the way for a new environment, and only for that: a folder that is none stays."""
    if not environment.exists():
        return
    if not (environment / "pyvenv.cfg").exists() and any(environment.iterdir()):
        raise SetupError(f"{environment} is in the way and is no Python environment: move it, then run this again.")
    shutil.rmtree(environment)


def _find_uv() -> str | None:
    """Finds uv on PATH, else from the user's cache, fetched there by its hashes; None where pip has none to give."""
    on_path = shutil.which("uv")
    if on_path is not None:
        return on_path
    pinned = ROOT / "tools" / "uv.lock"
    version = pinned.read_text(encoding="utf-8").split("==", 1)[1].split()[0]
    kept = cache_dir() / f"uv-{version}"
    with locked(cache_dir() / ".uv.lock", doing="fetching uv"):
        if not (kept / "bin" / "uv").exists():
            scratch = kept.with_name(f".{kept.name}")
            shutil.rmtree(scratch, ignore_errors=True)
            options = ["--quiet", "--root-user-action=ignore", "--require-hashes", "--target", str(scratch)]
            fetch = [sys.executable, "-m", "pip", "install", *options, "-r", str(pinned)]
            if subprocess.run(fetch, stdout=sys.stderr, check=False).returncode:
                say("uv is not to be had: going on with venv and pip, which takes longer")
                return None
            scratch.rename(kept)
    return str(kept / "bin" / "uv")


def _install_by_uv(uv: str, checkout: Checkout, level: Level, reusable: bool) -> None:
    if not reusable:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(checkout.environment)])
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    target = ["--python", str(checkout.python)]
    lock = str(checkout.root / level.value)
    _run([uv, "pip", "sync", *quiet, *target, "--require-hashes", lock])
    options = ["--quiet", "--no-deps", "--no-build-isolation"]
    _run([uv, "pip", "install", *options, *target, "--editable", str(checkout.root)])


def _install_by_pip(checkout: Checkout, level: Level, reusable: bool) -> None:
    if not reusable:
        _run([sys.executable, "-m", "venv", str(checkout.environment)])
    pip = [str(checkout.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(checkout.root / level.value)])
    _run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(checkout.root)])


def _run(command: Sequence[str]) -> None:
    """Runs one step of an installer; its words go to stderr, for stdout belongs to what was asked for."""
    done = subprocess.run(
        command,
        env={"UV_SYSTEM_CERTS": "1", **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        close_fds=False,  # it holds the lock as long as it runs
        check=False,
    )
    if done.returncode:
        raise SetupError(
            f"`{' '.join(command)}` failed (exit {done.returncode}); what it said is above.\n"
            "Nothing is kept of a half-made environment. Run the same command again, with uv "
            "(`python3 -m pip install --user uv`) or the system's `python3-venv` installed if they are missing."
        )
