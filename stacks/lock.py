"""One apply at a time an environment: a lock that dies with its holder, and a lease for a holder that stalls.

Two things make a holder: `flock` on the lock's file, which the kernel gives back whatever happens to the process,
kill -9 included; and a lease that it renews in the file's text. Who comes second is told who holds it. Who comes when
the holder lives but has not renewed its lease for one and a half times its length takes the lock over: it ends what
the stalled holder's engine still does, raises the fence (`stacks.fence`), and puts a file of its own in the place of
the old one. A holder that was stopped inside a write of the books is ended itself: it would block them for good. All
of that happens under `flock` on the folder, so that two of them cannot do it at once.

Each holder gets a token, one higher than any before. Child processes that are exec'ed inherit neither lock nor token.
"""

import fcntl
import getpass
import json
import os
import platform
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from contracts.ports import Clock
from stacks import fence, supervisor
from stacks.errors import ApplyBusy, EstateBusy

LEASE_S = 30.0
"""How long a holder may stall. A machine that swaps or a paused container comes back within it; people wait longer."""
TAKEN_AFTER = 1.5  # leases: the supervisor has ended the engine by then
FIRST_LOOK_S = 0.25  # whoever holds the lock for less needs no supervisor: no engine starts that soon
TURN_S = 5.0  # to take a lock takes milliseconds
DYING_S = 5.0  # from SIGKILL to the end of a session
WIDTH = 1024  # of the text, padded: it is written in one piece and never shorter than before


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock: process, host, user, what they run, and since when (ISO 8601, UTC).

    Attributes:
        token: which turn it is; each is higher than any before.
        until_s: when the lease ends, by the machine's monotonic clock.
        lease_s: how long it lasts each time.
    """

    pid: int
    host: str
    user: str
    command: str
    since: str
    token: int = 0
    until_s: float = 0.0
    lease_s: float = LEASE_S

    def __str__(self) -> str:
        return f"`{self.command}` by {self.user} on {self.host} (process {self.pid}), since {self.since}"

    @property
    def stalled(self) -> bool:
        """Whether it has not renewed its lease for so long that another may take the lock."""
        return time.monotonic() > self.until_s + (TAKEN_AFTER - 1) * self.lease_s


class ApplyLock:
    """Held from `with` to its end.

    Args:
        path: the lock file, `.prestage/<environment>/apply.lock`.
        command: what is run, for the message to others.
        clock: tells since when.
        lease_s: how long this process may stall before it has lost the lock.

    Raises:
        ApplyBusy: another process, or another place of this one, holds it.
    """

    def __init__(self, path: Path, command: str, clock: Clock, lease_s: float = LEASE_S) -> None:
        self._path, self._command, self._clock, self._lease_s = path, command, clock, lease_s
        self._handle: int | None = None
        self._over = threading.Event()
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _turn(self._path.parent):
            handle = self._open()
            try:
                holder = self._holder()
                _write(handle, asdict(holder))
            except BaseException:
                os.close(handle)
                raise
        self._handle = handle
        fence.hold(self._path.parent, holder.token)
        self._keeper = threading.Thread(target=self._keep, args=(handle, holder), daemon=True, name="apply lock")
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is None or self._keeper is None:
            return
        self._over.set()
        self._keeper.join()
        fence.let_go(self._path.parent)
        _write(self._handle, {"token": _read(self._handle).get("token", 0)})
        os.close(self._handle)
        self._handle = None

    def _open(self) -> int:
        """The lock's file, locked: the one that is there, or a new one in the place of a stalled holder's."""
        handle = _flocked(self._path)
        if handle is not None:
            return handle
        found = read_holder(self._path)
        if found is None or not found.stalled or found.pid == os.getpid():
            raise self._busy(found)
        self._end_engine(found)
        fresh = self._path.with_suffix(".new")
        handle = _flocked(fresh)
        assert handle is not None, "only whoever has the turn opens it"
        _write(handle, {"token": found.token})
        self._raise_fence(found)
        fresh.replace(self._path)
        return handle

    def _raise_fence(self, stalled: Holder) -> None:
        """Makes the books refuse the stalled holder. One that was stopped inside a write of theirs is ended.

        Nothing else makes SQLite give a file back, and what it had written of the transaction is undone with it.
        """
        folder = self._path.parent
        token = max(stalled.token, fence.highest(folder)) + 1
        try:
            fence.raise_all(folder, token)
        except EstateBusy:
            with suppress(ProcessLookupError):
                os.kill(stalled.pid, signal.SIGKILL)
            fence.raise_all(folder, token)

    def _holder(self) -> Holder:
        return Holder(
            pid=os.getpid(),
            host=platform.node(),
            user=_user(),
            command=self._command,
            since=self._clock().isoformat(timespec="seconds"),
            token=max(_last_token(self._path), fence.highest(self._path.parent)) + 1,
            until_s=time.monotonic() + self._lease_s,
            lease_s=self._lease_s,
        )

    def _keep(self, handle: int, holder: Holder) -> None:
        """Renews the lease until the lock is given back; once it has lapsed, ends what this process starts instead."""
        watch: subprocess.Popen[bytes] | None = None
        wait_s = min(FIRST_LOOK_S, self._lease_s / 4)
        while not self._over.wait(wait_s):
            if time.monotonic() >= holder.until_s:
                supervisor.end_sessions(os.getpid(), signal.SIGKILL)
                wait_s = supervisor.LOOK_S
                continue
            holder = replace(holder, until_s=time.monotonic() + self._lease_s)
            _write(handle, asdict(holder))
            watch = watch or supervisor.start(self._path, os.getpid())
            wait_s = self._lease_s / 4
        if watch is not None:
            supervisor.stop(watch)

    def _end_engine(self, stalled: Holder) -> None:
        """Ends what a stalled holder's engine still does, and waits for it.

        Raises:
            ApplyBusy: it does not end.
        """
        if stalled.host != platform.node():
            raise self._busy(stalled)
        end = time.monotonic() + DYING_S
        while supervisor.end_sessions(stalled.pid, signal.SIGKILL):
            if time.monotonic() > end:
                raise self._busy(stalled)
            time.sleep(supervisor.LOOK_S)

    def _busy(self, found: Holder | None) -> ApplyBusy:
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
    if not path.exists():
        return False
    handle = _flocked(path)
    if handle is None:
        return True
    os.close(handle)
    return False


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One process at a time takes or takes over a lock.

    Raises:
        ApplyBusy: another has been at it for seconds.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + TURN_S
        while not _try_flock(handle):
            if time.monotonic() > end:
                raise ApplyBusy(
                    f"another process has been taking the lock for {TURN_S:g} s",
                    where=str(folder),
                    next_step="see whether it is stopped, then run the same command again",
                )
            time.sleep(0.005)
        yield
    finally:
        os.close(handle)


def _flocked(path: Path) -> int | None:
    """A file, locked; None where another has the lock."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    if _try_flock(handle):
        return handle
    os.close(handle)
    return None


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(handle: int, content: dict[str, str | int | float]) -> None:
    os.pwrite(handle, json.dumps(content).ljust(WIDTH).encode(), 0)


def _read(handle: int) -> dict[str, int]:
    found: dict[str, int] = {}
    with suppress(ValueError):
        found = json.loads(os.pread(handle, WIDTH, 0))
    return found


def _last_token(path: Path) -> int:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return int(json.loads(path.read_text()).get("token", 0))
    return 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"user {os.getuid()}"
