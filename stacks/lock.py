"""One apply at a time an environment: a lock file that the kernel releases, whatever happens to its holder.

The file's text says who holds the lock, for the message to whoever comes second. It may be stale: only `flock` counts,
and that ends with the process, kill -9 included. Child processes that are exec'ed do not inherit it.
"""

import fcntl
import getpass
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from contracts.ports import Clock
from stacks.errors import ApplyBusy


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock: process, host, user, what they run, and since when (ISO 8601, UTC)."""

    pid: int
    host: str
    user: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"`{self.command}` by {self.user} on {self.host} (process {self.pid}), since {self.since}"


class ApplyLock:
    """Held from `with` to its end.

    Args:
        path: the lock file, `.prestage/<environment>/apply.lock`.
        command: what is run, for the message to others.
        clock: tells since when.

    Raises:
        ApplyBusy: another process, or another place of this one, holds it.
    """

    def __init__(self, path: Path, command: str, clock: Clock) -> None:
        self._path, self._command, self._clock = path, command, clock
        self._handle: int | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign(handle)
        except BlockingIOError as error:
            os.close(handle)
            raise self._busy() from error
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def _sign(self, handle: int) -> None:
        since = self._clock().isoformat(timespec="seconds")
        holder = Holder(pid=os.getpid(), host=platform.node(), user=_user(), command=self._command, since=since)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(holder)).encode(), 0)

    def _busy(self) -> ApplyBusy:
        found = read_holder(self._path)
        who = str(found) if found else "another process, which has not yet said who it is"
        return ApplyBusy(
            f"the environment is locked: {who}",
            where=str(self._path),
            next_step="wait for it to end, then run the same command again",
        )


def read_holder(path: Path) -> Holder | None:
    """Who signed the lock file last; None when nobody did. Says nothing about whether the lock is still held."""
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def lock_is_held(path: Path) -> bool:
    """Whether some process holds the lock now."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"user {os.getuid()}"
