"""A fleet that stands, planned again: after a change everywhere, against solving anew; and after one region's change.

`python -m benchmarks.replan --problem FILE.npz [--change 0.03] [--kind regions|hours|up|down] [--seed 1 2] [--json]`:
reads a problem as docs/planning-model.md names its arrays, plans it by the planner's own path (documents in, plan out,
solver in a child process) and has all of it live; changes every region's demand, its critical part with it; solves that
anew, and plans it again as `prestage plan` does. Then changes one region after the other, each from the fleet that
stands, by 10 % (standard deviation). All fleets are checked.

The milliseconds are those of `planner.fleet_again.planned_again`: documents and the problem's arrays are in memory; in
them lie what is live as arrays, comparing it and what is asked with the plan applied last, the moves, a look at every
constraint, and the bound. What is too far for it is told, as it would be solved in full. Documents to documents:
`python -m benchmarks.plan_again`.

- regions: each region's demand by a factor of its own, log-normal; the change is its standard deviation;
- hours: each region, resource and hour by a factor of its own; up, down: all by the same.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.plan_again import applied
from benchmarks.plan_documents import question
from contracts.plan import Plan
from coordinator.solver_process import solve_fleet_in_child, solve_in_child
from planner.build import build_plan
from planner.errors import FleetTooFar
from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.check import checked_fleet
from planner.fleet.churn import churn
from planner.fleet.problem import Floats
from planner.fleet.solve import solve_proven
from planner.fleet_again import Asked, gap_of, planned_again
from planner.fleet_arrays import Axes
from planner.market import Market

KINDS = ("regions", "hours", "up", "down")


def main(arguments: list[str]) -> int:
    """Prints churn, costs, bounds and milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--change", type=float, default=0.03)
    parser.add_argument("--kind", choices=KINDS, nargs="*", default=["regions"])
    parser.add_argument("--seed", type=int, nargs="*", default=[1], help="draws of a change everywhere")
    parser.add_argument("--regions", type=int, default=40, help="how many regions are changed alone")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    stood = _first(given.problem)
    told: dict[str, object] = {"regions": stood.asked.problem.regions, "gap": gap_of(stood.solution)}
    for kind in given.kind:
        for seed in given.seed if kind in KINDS[:2] else given.seed[:1]:
            told[f"{kind} {seed}"] = _everywhere(stood, changed(stood.asked.problem, kind, given.change, seed))
    if given.regions:
        told["one region"] = _alone(stood, given)
    print(json.dumps(told) if given.json else "\n".join(_lines(told)))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stood:
    """A fleet that is live: what was asked, with the plan that was applied, and what was found."""

    asked: Asked
    solution: FleetSolution

    def again(self, problem: FleetProblem) -> FleetSolution:
        """Planned again where something else is asked."""
        live = tuple(self.asked.question.live().values())
        return planned_again(replace(self.asked, problem=problem), live, lambda found: found).solution


def _first(path: Path) -> Stood:
    with np.load(path) as arrays:
        asked = question(dict(arrays))
    seen: list[tuple[FleetProblem, FleetSolution]] = []

    def solve(problem: FleetProblem) -> FleetSolution:
        seen.append((problem, solve_fleet_in_child(problem)))
        return seen[0][1]

    plan = build_plan(asked, solve_in_child, solve)
    assert isinstance(plan, Plan), plan
    asked = applied(asked, Plan.unseal(plan.sealed(), where="plan"))
    market = Market.read(asked.catalog, asked.capacity)
    axes = Axes.of(asked, market)
    return Stood(asked=Asked(question=asked, market=market, axes=axes, problem=seen[0][0]), solution=seen[0][1])


def changed(problem: FleetProblem, kind: str, share: float, seed: int) -> FleetProblem:
    """The problem with other demand everywhere."""
    random = np.random.default_rng(seed)
    if kind == "regions":
        return _times(problem, np.exp(share * random.normal(size=(problem.regions, 1, 1))))
    if kind == "hours":
        return _times(problem, np.exp(share * random.normal(size=problem.demand.shape)))
    return _times(problem, np.full((1, 1, 1), 1 + share if kind == "up" else 1 - share))


def _everywhere(stood: Stood, problem: FleetProblem) -> dict[str, object]:
    """What planning again moves and costs, against solving anew."""
    began = time.perf_counter()
    anew = solve_proven(problem)[0]
    solved = time.perf_counter()
    try:
        again = stood.again(problem)
    except FleetTooFar as far:
        return {"in full": far.what}
    ended = time.perf_counter()
    checked_fleet(problem, again)
    moved, naive = (churn(problem, stood.solution, fleet) for fleet in (again, anew))
    return {
        "churn": moved.replaced,
        "churn_anew": naive.replaced,
        "churn_ratio": moved.replaced / naive.replaced,
        "usd_ratio": again.usd / anew.usd,
        "gap": gap_of(again),
        "gap_anew": gap_of(anew),
        "seconds": round(ended - solved, 3),
        "seconds_anew": round(solved - began, 2),
        "came_went": asdict(moved),
        "came_went_anew": asdict(naive),
    }


def _alone(stood: Stood, given: argparse.Namespace) -> dict[str, object]:
    """Milliseconds, of the wall's clock and of the processor's, when one region's demand changes."""
    random = np.random.default_rng(given.seed[0])
    wall, used, gaps, full = [], [], [], 0
    for problem in _one_by_one(stood.asked.problem, random, given.regions):
        began, busy = time.perf_counter(), time.process_time()
        try:
            again = stood.again(problem)
        except FleetTooFar:
            full += 1
            continue
        wall.append(1e3 * (time.perf_counter() - began))
        used.append(1e3 * (time.process_time() - busy))
        checked_fleet(problem, again)
        gaps.append(gap_of(again) - gap_of(stood.solution))
    return {
        "ms_median": round(float(np.median(wall)), 1),
        "ms_p90": round(float(np.quantile(wall, 0.9)), 1),
        "ms_most": round(max(wall), 1),
        "cpu_ms_median": round(float(np.median(used)), 1),
        "cpu_ms_p90": round(float(np.quantile(used, 0.9)), 1),
        "gap_grows_by_at_most": max(gaps),
        "in_full": full,
    }


def _one_by_one(problem: FleetProblem, random: np.random.Generator, count: int) -> Iterator[FleetProblem]:
    for region in random.permutation(problem.regions)[:count].tolist():
        factor = np.ones((problem.regions, 1, 1))
        factor[region] = np.exp(0.1 * random.normal())
        yield _times(problem, factor)


def _times(problem: FleetProblem, factor: Floats) -> FleetProblem:
    return replace(problem, demand=problem.demand * factor, critical=problem.critical * factor)


def _lines(told: dict[str, object], indent: str = "") -> Iterator[str]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name:>24}  {f'{value:.5g}' if isinstance(value, float) else value}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
