"""Runs the planner's solver in a child process: a crash or a stall of HiGHS ends the child, never the caller.

The model goes to the child's standard input and the solution comes back on its standard output, both as npz. The
child has a session of its own, so that Ctrl-C reaches the caller alone and a kill reaches everything below the child.
The plan stays a function of its inputs: the hard stop never shortens a solve. It refuses a plan, or, for a fleet, has
the next rung of a ladder taken, which the plan names (`coordinator.solver_ladder`).
"""

import contextlib
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import TypeVar

from planner.errors import FleetImpossible, SolverCrashed, SolverStalled
from planner.fleet.__main__ import IMPOSSIBLE
from planner.fleet.check import checked_fleet
from planner.fleet.problem import FleetProblem, FleetSolution
from planner.model import LinearModel, Solution, checked

Answer = TypeVar("Answer")

HARD_STOP_S = 120.0
"""Work is bounded by counted nodes (seconds, at 23 regions): whoever takes this long has hung."""

_COMMAND = (sys.executable, "-P", "-m", "planner.solve")  # -P: a folder of the user's own may be called planner
_FLEET_COMMAND = (sys.executable, "-P", "-m", "planner.fleet")


def solve_in_child(
    model: LinearModel, *, timeout_s: float = HARD_STOP_S, command: tuple[str, ...] = _COMMAND
) -> Solution:
    """The solution of a model, checked against the model that it was asked for.

    Raises:
        SolverStalled: killed after `timeout_s`.
        SolverCrashed: ended without a readable solution.
        SolverLied: the solution does not keep the model.
    """
    return checked(model, _read(Solution.from_bytes, _answer(command, model.to_bytes(), timeout_s)))


def solve_fleet_in_child(
    problem: FleetProblem, *, timeout_s: float = HARD_STOP_S, command: tuple[str, ...] = _FLEET_COMMAND
) -> FleetSolution:
    """The fleet of a problem, checked against the problem that it was asked for.

    Raises:
        FleetImpossible: no fleet keeps the limits.
        SolverStalled, SolverCrashed, SolverLied: as for a model.
    """
    return checked_fleet(problem, _read(FleetSolution.from_bytes, _answer(command, problem.to_bytes(), timeout_s)))


def _answer(command: tuple[str, ...], question: bytes, timeout_s: float) -> bytes:
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        answer, complaint = child.communicate(question, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise SolverStalled(
            f"gave no answer within {timeout_s:g} s and was stopped",
            where="solver",
        ) from error
    finally:
        _end(child)
    if child.returncode == IMPOSSIBLE:
        parts = complaint.decode(errors="replace").split("\x1f")
        if len(parts) == 4:
            raise FleetImpossible(parts[0], where=parts[1], expected=parts[2], next_step=parts[3])
    if child.returncode != 0:
        raise SolverCrashed(f"ended with {child.returncode}: {_last_line(complaint)}", where="solver")
    return answer


def _read(read: Callable[[bytes], Answer], answer: bytes) -> Answer:
    try:
        return read(answer)
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise SolverCrashed(f"its answer of {len(answer)} bytes is not a solution", where="solver") from error


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Leaves nothing of the child behind, whichever way the caller goes on."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def _last_line(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
