"""The solver's child process: what it answers, and what becomes of one that crashes, stalls or lies."""

import os
import signal
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from coordinator.solver_process import solve_fleet_in_child, solve_in_child
from planner.errors import FleetImpossible, SolverCrashed, SolverError, SolverLied, SolverStalled
from planner.fleet import FleetProblem, FleetSolution, solve_fleet
from planner.model import ModelBuilder, Solution, SolveStatus
from planner.solve import solve
from tests.planner import fleet_world
from tests.planner.fleet_world import Recipe


def model():
    builder = ModelBuilder()
    builder.row([(builder.column(1.0, upper=9), 2.0)], lower=5)
    return builder.build()


@cache
def fleet() -> FleetProblem:
    arrays = fleet_world.fleet(Recipe(regions=3, types=4, hours=1, level=30)).arrays()
    return FleetProblem.of_arrays({name: np.asarray(array, dtype=float) for name, array in arrays.items()})


@cache
def solved() -> FleetSolution:
    return solve_fleet(fleet())


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


@pytest.mark.parametrize(
    "ask",
    [lambda **options: solve_in_child(model(), **options), lambda **options: solve_fleet_in_child(fleet(), **options)],
    ids=["model", "fleet"],
)
def test_a_stalled_child_is_killed_with_all_that_it_started(tmp_path, ask):
    pids = tmp_path / "pids"
    script = (
        "import subprocess, sys, os, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}')\n"
        "time.sleep(600)"
    )
    with pytest.raises(SolverStalled, match="within 2 s"):
        ask(timeout_s=2, command=child(script))
    for pid in map(int, pids.read_text().split()):
        assert gone(pid), f"{pid} lives on"


def telling(payload: bytes) -> tuple[str, ...]:
    """A child that reads the question and says this, whatever it was asked."""
    return child(f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({payload!r})")


def test_a_fleet_comes_back_as_this_process_solves_it():
    assert solve_fleet_in_child(fleet()).to_bytes() == solved().to_bytes()


@pytest.mark.parametrize("code", ["import os; os.abort()", "import time; time.sleep(9)", "print('noise')"])
def test_whatever_fails_says_what_to_do_next(code: str):
    with pytest.raises(SolverError) as told:
        solve_fleet_in_child(fleet(), command=child(code), timeout_s=0.5)
    assert told.value.next_step.startswith("plan again")


def test_an_impossible_fleet_is_told_as_the_planner_tells_it():
    one_partner = replace(fleet(), pairs=fleet().pairs[1:], pair_links=fleet().pair_links[1:])
    with pytest.raises(FleetImpossible) as here:
        solve_fleet(one_partner)
    with pytest.raises(FleetImpossible) as there:
        solve_fleet_in_child(one_partner)
    assert there.value.render() == here.value.render()


def test_an_impossible_fleet_without_a_message_is_a_crash():
    with pytest.raises(SolverCrashed, match="ended with 7: no time"):
        solve_fleet_in_child(fleet(), command=child("import sys; print('no time', file=sys.stderr); sys.exit(7)"))


def test_a_crash_over_a_fleet_is_told():
    with pytest.raises(SolverCrashed, match="ended with -11: it said nothing"):
        solve_fleet_in_child(fleet(), command=child("import os; os.kill(os.getpid(), 11)"))


@pytest.mark.parametrize("payload", [b"", b"lol", b"PK\x03\x04 and no more"], ids=["nothing", "noise", "cut off"])
def test_what_is_no_fleet_is_a_crash(payload):
    with pytest.raises(SolverCrashed, match=f"{len(payload)} bytes"):
        solve_fleet_in_child(fleet(), command=telling(payload))


def test_a_fleet_cut_off_on_its_way_is_a_crash():
    whole = solved().to_bytes()
    with pytest.raises(SolverCrashed, match="is not a solution"):
        solve_fleet_in_child(fleet(), command=telling(whole[: len(whole) // 2]))


def test_counts_that_are_no_integers_are_a_crash():
    halves = replace(solved(), on_demand=np.asarray(solved().on_demand + 0.5))
    with pytest.raises(SolverCrashed, match="is not a solution"):
        solve_fleet_in_child(fleet(), command=telling(halves.to_bytes()))


def test_the_fleet_of_another_problem_is_a_lie():
    arrays = fleet_world.fleet(Recipe(regions=4, types=5, hours=2, level=30)).arrays()
    other = FleetProblem.of_arrays({name: np.asarray(array, dtype=float) for name, array in arrays.items()})
    with pytest.raises(SolverLied, match="fleet"):
        solve_fleet_in_child(fleet(), command=telling(solve_fleet(other).to_bytes()))


def test_a_fleet_that_claims_too_little_is_a_lie():
    nothing = replace(solved(), on_demand=solved().on_demand * 0, committed=solved().committed * 0)
    with pytest.raises(SolverLied, match="demand"):
        solve_fleet_in_child(fleet(), command=telling(nothing.to_bytes()))


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
