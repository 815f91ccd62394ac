"""What it costs that a whole fault domain may be lost, beside one region: `python -m benchmarks.plan_domains`.

Plans one problem twice, judges both from outside (`tests.planner.fleet_checker`), and takes every domain away from
either plan: whose critical load finds no machine.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from planner.fleet import Effort, FleetProblem, solve_fleet
from planner.fleet.check import checked_fleet
from tests.planner.fleet_arrays import Fleet, Solution
from tests.planner.fleet_checker import judge, lost


def planned(fleet: Fleet) -> tuple[Solution, float]:
    """The planner's own fleet, and USD over the horizon as the checker counts them.

    Raises:
        SystemExit: the checker finds something wrong.
    """
    arrays = {name: np.asarray(array, dtype=np.float64) for name, array in fleet.arrays().items()}
    problem = FleetProblem.of_arrays(arrays)
    found = checked_fleet(problem, solve_fleet(problem, Effort(threads=1)))
    solution = Solution(
        committed=found.committed.astype(np.float64),
        on_demand=found.on_demand.astype(np.float64),
        spot=found.spot.astype(np.float64),
        circuits=found.circuits.astype(np.float64),
        share=found.shares,
        bound=found.bound,
    )
    verdict = judge(fleet, solution)
    if verdict.violations:
        raise SystemExit("; ".join(str(violation) for violation in verdict.violations))
    return solution, verdict.usd


def uncarried(fleet: Fleet, solution: Solution) -> int:
    """How many domains may not be lost whole."""
    domains = [np.flatnonzero(fleet.domain == name).tolist() for name in sorted(set(fleet.domain.tolist()))]
    return sum(bool(lost(fleet, solution, gone)) for gone in domains)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True, help="an .npz as docs/planning-model.md describes it")
    fleet = Fleet.read(dict(np.load(parser.parse_args().problem)))
    alone, usd = planned(fleet)
    together, more = planned(replace(fleet, fall=fleet.domain))
    told = {
        "usd_region": round(usd, 2),
        "usd_domain": round(more, 2),
        "dearer": round(more / usd - 1, 4),
        "domains": len(set(fleet.domain.tolist())),
        "uncarried_region": uncarried(fleet, alone),
        "uncarried_domain": uncarried(fleet, together),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
