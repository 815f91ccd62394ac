"""The solver's child process: what it answers, and what becomes of one that crashes, stalls or lies."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from coordinator.solver_process import solve_in_child
from planner.errors import SolverCrashed, SolverLied, SolverStalled
from planner.model import ModelBuilder, Solution, SolveStatus
from planner.solve import solve


def model():
    builder = ModelBuilder()
    builder.row([(builder.column(1.0, upper=9), 2.0)], lower=5)
    return builder.build()


def child(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def test_the_child_answers_as_this_process_does():
    here, there = solve(model()), solve_in_child(model())
    assert np.array_equal(here.values, there.values)
    assert here.objective == there.objective == 3


def test_a_crash_is_told_with_its_last_words():
    with pytest.raises(SolverCrashed, match="ended with 3: out of luck"):
        solve_in_child(model(), command=child("import sys; print('out of luck', file=sys.stderr); sys.exit(3)"))


def test_an_answer_that_is_none_is_a_crash():
    with pytest.raises(SolverCrashed, match="4 bytes"):
        solve_in_child(model(), command=child("print('lol')"))


def test_a_lie_is_found():
    lie = Solution(status=SolveStatus.OPTIMAL, values=np.zeros(1), objective=0.0, bound=0.0, program="liar")
    script = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({lie.to_bytes()!r})"
    with pytest.raises(SolverLied):
        solve_in_child(model(), command=child(script))


def test_a_stalled_child_is_killed_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"
    script = (
        "import subprocess, sys, os, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}')\n"
        "time.sleep(600)"
    )
    with pytest.raises(SolverStalled, match="within 2 s"):
        solve_in_child(model(), timeout_s=2, command=child(script))
    for pid in map(int, pids.read_text().split()):
        assert gone(pid), f"{pid} lives on"


def gone(pid: int) -> bool:
    """Whether a process has ended, or is about to: a killed orphan takes a moment to be reaped."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False
