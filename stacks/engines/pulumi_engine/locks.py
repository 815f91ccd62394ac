"""Locks that a killed `pulumi` left behind, told from those of a living one."""

import json
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path

from stacks.engines.pulumi_engine.failures import holder_of
from stacks.errors import ApplyBusy

DYING_S = 2.0  # a killed process is there until the kernel has cleared it away


def stale_locks(locks: Iterable[Path]) -> tuple[Path, ...]:
    """Locks whose process on this host is gone.

    Raises:
        ApplyBusy: a process that still runs, or one of another host, has a lock: who, and since when.
    """
    return tuple(lock for lock in locks if _is_stale(lock))


def is_gone(told: str) -> bool:
    """Whether a lock that the engine tells of is that of a process on this host that is gone."""
    holder = holder_of(told)
    return holder is not None and holder[0] == platform.node() and _ends(holder[1])


def _is_stale(lock: Path) -> bool:
    try:
        holder = json.loads(lock.read_text())
    except FileNotFoundError:  # given back just now
        return False
    if holder["hostname"] == platform.node() and _ends(holder["pid"]):
        return lock.exists()
    raise ApplyBusy(
        f"locked by {holder['username']} on {holder['hostname']} (process {holder['pid']}), since "
        f"{holder['timestamp'][:19]}",
        where=f"pulumi stack {lock.parent.name}",
        next_step="wait for it to end; if it is dead: pulumi cancel",
    )


def _ends(pid: int) -> bool:
    """Whether a process is gone, or goes within the time that dying takes."""
    end = time.monotonic() + DYING_S
    while _runs(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _runs(pid: int) -> bool:
    """Whether a process runs; one that died and waits for its parent to notice does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
