"""A fleet that stands, planned again: after a change everywhere, against solving anew; and after one region's change.

`python -m benchmarks.replan --problem FILE.npz [--change 0.03] [--kind regions|hours|up|down] [--seed 1] [--json]`:
reads a problem as docs/planning-model.md names its arrays and solves it; changes every region's demand, its critical
part with it; solves that anew, and plans it again from the fleet that stands. Then changes one region after the other,
each from the fleet that stands, by 10 % (standard deviation). All fleets are checked.

The milliseconds are those of `planner.fleet.again.replan` alone: both problems' arrays and the fleet that stands are in
memory; in them lie comparing the problems, the moves, the new fleet's arrays, its cost and its bound. Documents and a
child process are not in them: `python -m benchmarks.plan` measures those.

- regions: each region's demand by a factor of its own, log-normal; the change is its standard deviation;
- hours: each region, resource and hour by a factor of its own; up, down: all by the same.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from planner.fleet import FleetProblem, FleetSolution
from planner.fleet.again import Standing, replan, stand
from planner.fleet.check import checked_fleet
from planner.fleet.churn import churn
from planner.fleet.moves import Calm
from planner.fleet.problem import Floats
from planner.fleet.solve import solve_proven

KINDS = ("regions", "hours", "up", "down")


def main(arguments: list[str]) -> int:
    """Prints churn, costs, bounds and milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--change", type=float, default=0.03)
    parser.add_argument("--kind", choices=KINDS, nargs="*", default=["regions"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--regions", type=int, default=40, help="how many regions are changed alone")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    problem = _read(given.problem)
    began = time.perf_counter()
    standing = stand(problem, *solve_proven(problem))
    told: dict[str, object] = {"regions": problem.regions, "solve_s": round(time.perf_counter() - began, 2)}
    for kind in given.kind:
        told[kind] = _everywhere(standing, changed(problem, kind, given.change, given.seed))
    told["one region"] = _alone(standing, given)
    print(json.dumps(told) if given.json else "\n".join(_lines(told)))
    return 0


def changed(problem: FleetProblem, kind: str, share: float, seed: int) -> FleetProblem:
    """The problem with other demand everywhere."""
    random = np.random.default_rng(seed)
    if kind == "regions":
        return _times(problem, np.exp(share * random.normal(size=(problem.regions, 1, 1))))
    if kind == "hours":
        return _times(problem, np.exp(share * random.normal(size=problem.demand.shape)))
    return _times(problem, np.full((1, 1, 1), 1 + share if kind == "up" else 1 - share))


def _everywhere(standing: Standing, problem: FleetProblem) -> dict[str, object]:
    """What planning again moves and costs, against solving anew."""
    began = time.perf_counter()
    anew = solve_proven(problem)[0]
    solved = time.perf_counter()
    again = replan(standing, problem, Calm()).solution
    ended = time.perf_counter()
    checked_fleet(problem, again)
    moved, naive = (churn(problem, standing.solution, fleet) for fleet in (again, anew))
    return {
        "churn": moved.replaced,
        "churn_anew": naive.replaced,
        "churn_ratio": moved.replaced / naive.replaced,
        "usd_ratio": again.usd / anew.usd,
        "gap": _gap(again),
        "gap_anew": _gap(anew),
        "seconds": round(ended - solved, 3),
        "seconds_anew": round(solved - began, 2),
        "came_went": asdict(moved),
        "came_went_anew": asdict(naive),
    }


def _alone(standing: Standing, given: argparse.Namespace) -> dict[str, object]:
    """Milliseconds, of the wall's clock and of the processor's, when one region's demand changes."""
    random = np.random.default_rng(given.seed)
    wall, used, gaps = [], [], []
    for problem in _one_by_one(standing.problem, random, given.regions):
        began, busy = time.perf_counter(), time.process_time()
        again = replan(standing, problem, Calm()).solution
        wall.append(1e3 * (time.perf_counter() - began))
        used.append(1e3 * (time.process_time() - busy))
        checked_fleet(problem, again)
        gaps.append(_gap(again) - _gap(standing.solution))
    return {
        "ms_median": round(float(np.median(wall)), 1),
        "ms_p90": round(float(np.quantile(wall, 0.9)), 1),
        "ms_most": round(max(wall), 1),
        "cpu_ms_median": round(float(np.median(used)), 1),
        "cpu_ms_p90": round(float(np.quantile(used, 0.9)), 1),
        "gap_grows_by_at_most": max(gaps),
    }


def _one_by_one(problem: FleetProblem, random: np.random.Generator, count: int) -> Iterator[FleetProblem]:
    for region in random.permutation(problem.regions)[:count].tolist():
        factor = np.ones((problem.regions, 1, 1))
        factor[region] = np.exp(0.1 * random.normal())
        yield _times(problem, factor)


def _times(problem: FleetProblem, factor: Floats) -> FleetProblem:
    return replace(problem, demand=problem.demand * factor, critical=problem.critical * factor)


def _gap(solution: FleetSolution) -> float:
    return 1 - solution.bound / solution.usd


def _read(path: Path) -> FleetProblem:
    with np.load(path) as arrays:
        return FleetProblem.of_arrays({name: np.asarray(arrays[name], dtype=np.float64) for name in arrays.files})


def _lines(told: dict[str, object], indent: str = "") -> Iterator[str]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name:>24}  {f'{value:.5g}' if isinstance(value, float) else value}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
