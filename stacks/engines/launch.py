"""How an engine's command begins: as a process that cannot outlive us, in a session of its own.

A little Python becomes the program that it is given, after it asked the kernel for a SIGKILL when the thread that
started it is gone: PR_SET_PDEATHSIG is 1 (linux/prctl.h). A `preexec_fn` would do the same, but must not run beside
gRPC's threads. It imports next to nothing, because every command waits for it: 14 ms of processor time, not 25.
"""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

from stacks.declaration import ESTATE_PROVIDER
from stacks.engines.turns import ROOTS_AT_ONCE

_BECOME = (
    "import ctypes, os, sys\n"
    "os.getsid(0) == os.getpid() or os.setsid()\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "os.getppid() == int(sys.argv[1]) or os._exit(137)\n"  # it was gone before we had asked
    "end = 3 + int(sys.argv[2])\n"
    "more = dict(said.split('=', 1) for said in sys.argv[3:end])\n"
    "os.execve(sys.argv[end], sys.argv[end:], {**os.environ, **more})"
)
NONE: Mapping[str, str] = MappingProxyType({})


def launched(program: tuple[str, ...], variables: Mapping[str, str] = NONE) -> tuple[str, ...]:
    """The words that start a program so.

    Args:
        program: its path, and the words that follow it.
        variables: put over those of this process.
    """
    said = [f"{name}={value}" for name, value in variables.items()]
    return (sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), str(len(said)), *said, *program)


def lean() -> Mapping[str, str]:
    """Variables of Go's runtime for a root or stack of the estate alone, where a person has not set them.

    Such a run lives for a second and holds little: it collects its garbage seldom, up to a gibibyte, and shares the
    cores with the other roots that go at once. That is a quarter of OpenTofu's processor time (docs/figures.md). Roots
    with clouds go without, because their providers, which hold far more, inherit what the engine is given.
    """
    cores = max(1, (os.cpu_count() or 1) // ROOTS_AT_ONCE[ESTATE_PROVIDER])
    chosen = {"GOGC": "800", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": str(cores)}
    return {name: value for name, value in chosen.items() if name not in os.environ}
