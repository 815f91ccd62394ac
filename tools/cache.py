"""The user's cache folder, which all checkouts share, and what the builders in it have in common.

Where it stands: below `engines` and `environment`, which both build something once, aside, under a lock.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """`prestage` in `$XDG_CACHE_HOME`, by default `~/.cache`; not made here."""
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "prestage"


@contextmanager
def locked(path: Path, *, doing: str) -> Iterator[None]:
    """Holds the lock file at `path`; says what it waits for when another process holds it.

    The kernel drops the lock when the last process that has the file open is gone. Builders hand it down to what they
    start (`close_fds=False`), so that an installer which outlives a killed builder is waited for, and nobody else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is {doing}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """One line of progress, on stderr: stdout belongs to what was asked for."""
    print(line, file=sys.stderr, flush=True)
