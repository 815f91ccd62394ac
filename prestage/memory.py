"""How much memory this process has needed at most."""

import sys
from pathlib import Path

KIB = 1024.0


def peak_mib() -> float:
    """The most memory that this process ever held, in MiB.

    Linux says so in /proc (proc_pid_status(5), VmHWM); `getrusage` there counts what the process was forked from, too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        found = next((line for line in lines if line.startswith("VmHWM:")), None)
        if found is not None:
            return int(found.split()[1]) / KIB
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / KIB / (KIB if sys.platform == "darwin" else 1.0)
