"""The ladder of ways to a fleet: the next is taken, and named, where one stalls, crashes, lies or says there is none.

Decomposition and rounding run in child processes with a hard stop each; greedy runs here, without any solver. Each
answer is looked at anew, so that a fleet from further down costs more but keeps the same constraints. The last rung,
the plan applied last, is the planner's (`planner.fleet_last`), which knows it.
"""

import sys
from dataclasses import dataclass, replace

from coordinator.solver_process import HARD_STOP_S, solve_fleet_in_child
from planner.errors import FleetImpossible, SolverError
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from planner.fleet.problem import FleetProblem, FleetSolution
from planner.fleet.rungs import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rung that runs in a child process.

    Attributes:
        command: reads a problem, writes a fleet.
        timeout_s: when it is stopped: an answer that comes later is none.
    """

    rung: Rung
    command: tuple[str, ...]
    timeout_s: float


_CHILD = (sys.executable, "-P", "-m", "planner.fleet")  # -P: a folder of the user's own may be called planner

STEPS = (
    Step(rung=Rung.DECOMPOSITION, command=_CHILD, timeout_s=HARD_STOP_S),
    Step(rung=Rung.ROUNDING, command=(*_CHILD, "--rounding"), timeout_s=HARD_STOP_S / 2),
)
"""Two passes of the relaxation take a fifth of the work: whoever needs half of the time has hung."""


def solve_fleet_quickly(problem: FleetProblem) -> FleetSolution:
    """Any fleet that holds, without a solver where one is found so: to see whether there is one.

    Raises:
        FleetImpossible, SolverError: as `solve_fleet_by_ladder`.
    """
    try:
        return checked_fleet(problem, greedy_fleet(problem, at_any_cost=True))
    except (SolverError, FleetImpossible):
        return solve_fleet_by_ladder(problem)


def solve_fleet_by_ladder(problem: FleetProblem, *, steps: tuple[Step, ...] = STEPS) -> FleetSolution:
    """The fleet of the first rung that gives one that holds; its `rungs` say which, and what became of those above.

    A rung that says that there is no fleet is believed when greedy finds none either.

    Raises:
        FleetImpossible: no fleet keeps the limits.
        SolverError: no rung gave a fleet that can be trusted; what became of each.
    """
    failed: list[str] = []
    impossible: FleetImpossible | None = None
    for step in steps:
        try:
            found = solve_fleet_in_child(problem, timeout_s=step.timeout_s, command=step.command)
            return replace(found, rungs=(*failed, *(found.rungs or (step.rung,)))) if failed else found
        except SolverError as error:
            failed.append(f"{step.rung}: {error.what}")
        except FleetImpossible as error:
            failed.append(f"{step.rung}: {error.what}")
            impossible = error
            break
    try:
        return replace(checked_fleet(problem, greedy_fleet(problem)), rungs=(*failed, Rung.GREEDY))
    except (SolverError, FleetImpossible) as error:
        if impossible:
            raise impossible from error
        raise SolverError("; ".join([*failed, f"{Rung.GREEDY}: {error.what}"]), where="fleet") from error
