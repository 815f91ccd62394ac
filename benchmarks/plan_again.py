"""A plan of hundreds of regions made again after a change, from the plan applied last, against one solved in full.

`python -m benchmarks.plan_again --problem FILE.npz [--regions 3] [--change 0.1] [--seed 1] [--json]`: reads a problem
as docs/planning-model.md names its arrays, plans it by the planner's own path (documents in, plan out, solver in a
child process), has all of it live, changes the demand of some regions (log-normal; the change is its standard
deviation), and plans that twice: as `prestage plan` does, and as `prestage plan --anew` does. Seconds are from
documents to plan; `cpu` counts the solver's process, too. Kilobytes are those of the plan's file.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.plan_documents import model_usd, question, solution
from benchmarks.plan_problem import Problem, real
from contracts.capacity import LiveResource
from contracts.ledger import UnitState
from contracts.plan import Plan
from coordinator.solver_process import solve_fleet_in_child, solve_in_child
from planner.build import build_plan
from planner.question import Question

Arrays = Mapping[str, NDArray[np.generic]]


def main(arguments: list[str]) -> int:
    """Prints seconds, gaps, costs and what changes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--regions", type=int, default=3, help="how many regions ask for something else")
    parser.add_argument("--change", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with np.load(given.problem) as arrays:
        problem = dict(arrays)
    first, told = _timed(question(problem))
    report: dict[str, object] = {
        "first": {**told, "kb": _kb(first), "kb without": _kb(first.model_copy(update={"standing": None}))}
    }
    factor = np.ones(len(problem["D"]))
    random = np.random.default_rng(given.seed)
    some = random.permutation(len(factor))[: given.regions]
    factor[some] = np.exp(given.change * random.normal(size=len(some)))
    later = {**problem, "D": problem["D"] * factor[:, None, None], "C": problem["C"] * factor[:, None, None]}
    asked = applied(question(later), first)
    for name, one in (("again", asked), ("anew", replace(asked, anew=True))):
        plan, told = _timed(one)
        found = dict(solution(later, plan))
        told |= {"changes": len(plan.changes), "usd": model_usd(later, found), "kb": _kb(plan)}
        report[name] = told | {"replaced": _replaced(problem, solution(problem, first), found)}
    print(json.dumps(report, indent=None if given.json else 2))
    return 0


def applied(asked: Question, plan: Plan) -> Question:
    """The question when a plan was applied whole."""
    live = tuple(LiveResource(resource=item.resource, state=UnitState.STAGED) for item in plan.resources)
    capacity = asked.capacity.model_copy(update={"resources": live})
    return replace(asked, capacity=capacity, earlier=plan, previous_plan=plan.digest())


def _timed(asked: Question) -> tuple[Plan, dict[str, object]]:
    began, busy = time.perf_counter(), _cpu_s()
    plan = build_plan(asked, solve_in_child, solve_fleet_in_child)
    assert isinstance(plan, Plan), plan
    seconds = {"seconds": round(time.perf_counter() - began, 2), "cpu": round(_cpu_s() - busy, 2)}
    return plan, {**seconds, "gap": plan.cost.gap, "solver": plan.solver}


def _cpu_s() -> float:
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in each)


def _kb(plan: Plan) -> int:
    return len(plan.sealed()) // 1000


def _replaced(problem: Problem, before: Arrays, after: Arrays) -> float:
    """The share of the vCPUs that stood that gave way to something else, as `planner.fleet.churn` has it."""
    vcpu, hours = real(problem, "A")[:, 0], real(problem, "D").shape[2]
    up, down, stood = (np.zeros((len(real(problem, "D")), hours)) for _ in range(3))
    for name in ("committed", "on_demand", "spot"):
        old, new = (np.asarray(one[name], dtype=np.float64) for one in (before, after))
        if old.ndim == 2:
            old, new = (np.repeat(one[..., None], hours, 2) for one in (old, new))
        up += np.einsum("t,rth->rh", vcpu, np.maximum(new - old, 0))
        down += np.einsum("t,rth->rh", vcpu, np.maximum(old - new, 0))
        stood += np.einsum("t,rth->rh", vcpu, old)
    return float(np.minimum(up, down).sum() / stood.sum())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
