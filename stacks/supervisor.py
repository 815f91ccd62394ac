"""The supervisor: ends what a holder of the apply lock started, once its lease has lapsed.

A cloud takes no fencing token, so that the last thing a stalled holder can do to it is what its engine is doing. The
lock (`stacks.lock`) starts this file as a process of its own, which reads the lease in the lock's file. When it has
lapsed, or another has the lock, every session that the holder started is asked to end (SIGINT: engines save their
state) and soon after ended (SIGKILL), and so is each that it starts later, for as long as it lives.

    python -I -S stacks/supervisor.py LOCK HOLDER      ends when its standard input does: with the holder

Only the standard library is imported: it has to be there at once. Linux only: processes are read from /proc.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 0.05  # between looks at a holder that lost its lease: shorter than any engine's start
PATIENCE_S = 3.0  # from SIGINT to SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process as /proc has it."""

    pid: int
    parent: int
    session: int


def start(lock: Path, holder: int) -> "subprocess.Popen[bytes]":
    """Starts the supervisor of a lock. Closing its standard input ends it."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(lock), str(holder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(running: "subprocess.Popen[bytes]") -> None:
    """Ends a supervisor whose holder gives the lock back."""
    assert running.stdin is not None
    running.stdin.close()
    try:
        running.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def end_sessions(holder: int, sign: signal.Signals) -> int:
    """Sends a signal to every process of the sessions that a holder's children lead; how many sessions there are.

    Engines' commands lead sessions of their own; what they start (providers, language hosts) stays in them.
    """
    alive = tuple(processes())
    sessions = {item.session for item in alive if item.parent == holder and item.session == item.pid}
    sessions -= {os.getsid(0)} | {session for session in sessions if _supervises(session)}
    for item in alive:
        if item.session in sessions:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(item.pid, sign)
    return len(sessions)


def processes() -> Iterator[Process]:
    """All processes that can be seen; none where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            text = (entry / "stat").read_text()
            state, parent, _, session = text.rpartition(")")[2].split()[:4]  # proc(5): the name may hold anything
            if state != "Z":
                yield Process(pid=int(entry.name), parent=int(parent), session=int(session))


def supervise(lock: Path, holder: int) -> None:
    """Watches one lease until standard input ends. See the module's docstring."""
    asked_at: float | None = None
    while True:
        left = _left_s(lock, holder)
        if left > 0:
            asked_at = None
        elif asked_at is None:
            asked_at = time.monotonic()
            end_sessions(holder, signal.SIGINT)  # once: a second one makes an engine leave without saving its state
        elif time.monotonic() - asked_at > PATIENCE_S:
            end_sessions(holder, signal.SIGKILL)
        if _ended(max(left, LOOK_S)):
            return


def _left_s(lock: Path, holder: int) -> float:
    """How long the holder's lease still lasts; nothing where the lock is another's."""
    try:
        found = json.loads(lock.read_text())
        return float(found["until_s"]) - time.monotonic() if found["pid"] == holder else 0.0
    except (OSError, ValueError, KeyError):  # no longer there, or just being written: look again
        return LOOK_S


def _ended(wait_s: float) -> bool:
    """Waits for standard input to end."""
    readable, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def _supervises(pid: int) -> bool:
    with suppress(OSError):
        return __file__.encode() in (Path("/proc") / str(pid) / "cmdline").read_bytes()
    return False


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), int(sys.argv[2]))
