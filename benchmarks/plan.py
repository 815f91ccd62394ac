"""Plans a fleet of hundreds of regions by the planner's own path: documents in, plan out, solver in a child process.

`python -m benchmarks.plan --problem FILE.npz --out SOLUTION.npz [--json]`: reads a problem as docs/planning-model.md
names its arrays, writes the solution and its bound, prints what it costs, the bound, the gap between them, the seconds
from documents to plan and the memory that planner and solver took at most together: the planner's own peak, or the
solver's on top of what the planner had taken when it asked, whichever is more. (The solver has ended when its answer is
looked at.)
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.plan_documents import model_usd, question, solution
from contracts.plan import Plan
from coordinator.solver_process import solve_fleet_in_child, solve_in_child
from planner.build import build_plan
from planner.fleet import FleetProblem, FleetSolution


def main(arguments: list[str]) -> int:
    """Plans one problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with np.load(given.problem) as arrays:
        problem = dict(arrays)
    began = time.perf_counter()
    asked = question(problem)
    mapped = time.perf_counter()
    together = [0]

    def solve_fleet(fleet: FleetProblem) -> FleetSolution:
        own = _peak_kib(resource.RUSAGE_SELF)
        answer = solve_fleet_in_child(fleet)
        together.append(own + _peak_kib(resource.RUSAGE_CHILDREN))
        return answer

    plan = build_plan(asked, solve_in_child, solve_fleet)
    seconds = time.perf_counter() - mapped
    if not isinstance(plan, Plan):
        print(plan.sealed(), file=sys.stderr)
        return 7
    del asked
    found = dict(solution(problem, plan))
    usd = model_usd(problem, found)
    bound = plan.cost.lower_bound_usd_per_hour * problem["D"].shape[2]
    np.savez_compressed(given.out, **found, bound=np.array(bound))
    kib = max(_peak_kib(resource.RUSAGE_SELF), *together)
    told = {
        "usd": usd,
        "bound": bound,
        "gap": 1 - bound / usd,
        "seconds": round(seconds, 3),
        "peak_mb": round(kib / 1024, 1),
        "planner_mb": round(_peak_kib(resource.RUSAGE_SELF) / 1024, 1),
        "solver_mb": round(_peak_kib(resource.RUSAGE_CHILDREN) / 1024, 1),
        "mapping_seconds": round(mapped - began, 3),
        "solver": plan.solver,
    }
    print(json.dumps(told) if given.json else "\n".join(f"{name:>16}  {value}" for name, value in told.items()))
    return 0


def _peak_kib(who: int) -> int:
    return resource.getrusage(who).ru_maxrss


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
