"""What other ways of planning cost on a problem of docs/planning-model.md, and how far below them a plan of ours is.

    python -m benchmarks.plan_baselines --problem FILE.npz [--ours SOLUTION.npz] [--json] [--solution OUT.npz]
        [--padded-problem OUT.npz] [--padded-ours SOLUTION.npz] [--only NAME,...]

`first_fit` is a plan by first-fit-decreasing with local improvement, of machines and of failover shares, under the same
constraints; `first_fit_even` leaves shares even over the nearest partners. `padded` is `first_fit` for 1.3 times the
demand, as sizing by `forecast x 1.3` would; `--padded-problem` writes that problem, so that any planner can plan it,
and `--padded-ours` takes its answer. `no_failover` and `one_to_one` are lower bounds on what these would cost; what is
above them is above the real ones by less. Every solution is recomputed and checked by `tests/planner/fleet_checker.py`,
and lived through by losing each region.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.plan_first_fit import first_fit, first_fit_even
from benchmarks.plan_problem import Floats, Problem, real
from benchmarks.plan_variants import Least, no_failover, one_to_one
from tests.planner.fleet_arrays import Arrays, Fleet, Solution
from tests.planner.fleet_checker import each_lost, judge

PADDING = 1.3
ALL = ("first_fit", "first_fit_even", "padded", "no_failover", "one_to_one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """USD of one way of planning; what the checker and the simulator found wrong; for a bound, nothing to check."""

    usd: float
    machines_usd: float
    circuits_usd: float
    seconds: float = 0.0
    violations: tuple[str, ...] = ()
    uncarried: int = 0
    gap: float | None = None


def padded(problem: Problem) -> dict[str, Floats]:
    """The problem with all demand, and its critical part, 1.3 times as large."""
    return {name: real(problem, name) * (PADDING if name in ("D", "C") else 1) for name in problem}


def judged(problem: Problem, solution: Arrays, seconds: float = 0.0) -> Cost:
    """A solution's cost, recomputed, and all that is wrong with it."""
    fleet, read = Fleet.read(problem), Solution.read(solution)
    verdict = judge(fleet, read)
    said = tuple(str(violation) for violation in verdict.violations)
    uncarried = 0 if np.isnan(verdict.usd) else len(each_lost(fleet, read))
    links = fleet.hours * float(np.sum(fleet.tier_usd * read.circuits))
    return Cost(
        usd=verdict.usd,
        machines_usd=verdict.usd - links,
        circuits_usd=links,
        seconds=seconds,
        violations=said,
        uncarried=uncarried,
        gap=verdict.gap,
    )


def costs(problem: Problem, wanted: tuple[str, ...]) -> tuple[dict[str, Cost], dict[str, Floats]]:
    """Each wanted way of planning, and the arrays of the first-fit plan where it is among them."""
    found: dict[str, Cost] = {}
    plan: dict[str, Floats] = {}
    for name in wanted:
        began = time.perf_counter()
        if name in PLANS:
            asked = padded(problem) if name == "padded" else problem
            solution = PLANS[name](asked)
            found[name] = judged(asked, solution, time.perf_counter() - began)
            plan = solution if name == "first_fit" else plan
        else:
            least, took = BOUNDS[name](problem), time.perf_counter() - began
            usd = least.machines_usd + least.circuits_usd
            found[name] = Cost(usd=usd, seconds=took, **asdict(least))
    return found, plan


PLANS: dict[str, Callable[[Problem], dict[str, Floats]]] = {
    "first_fit": first_fit,
    "first_fit_even": first_fit_even,
    "padded": first_fit,
}
BOUNDS: dict[str, Callable[[Problem], Least]] = {"no_failover": no_failover, "one_to_one": one_to_one}


def ratios(found: dict[str, Cost]) -> dict[str, float]:
    """How far ours is below each plan, and how far each is above no failover, machines alone too."""
    usd = {name: cost.usd for name, cost in found.items()}
    said: dict[str, float] = {}
    if "ours" in usd:
        for name in ("first_fit", "first_fit_even", "padded", "padded_ours"):
            if name in usd:
                said[f"ours_below_{name}"] = 1 - usd["ours"] / usd[name]
    if "no_failover" in usd:
        for name in ("ours", "first_fit", "one_to_one"):
            if name in usd:
                said[f"{name}_over_no_failover"] = usd[name] / usd["no_failover"] - 1
                machines = found[name].machines_usd / found["no_failover"].machines_usd - 1
                said[f"{name}_machines_over_no_failover"] = machines
    return said


def loaded(path: Path) -> dict[str, Floats]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def main() -> int:
    """Prints USD of each, and ratios; exits 1 when a solution is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--solution", type=Path, help="write the first-fit plan here")
    parser.add_argument("--ours", type=Path, help="a planner's solution, to compare")
    parser.add_argument("--padded-problem", type=Path, help="write the problem with 1.3 times the demand here")
    parser.add_argument("--padded-ours", type=Path, help="a planner's solution of that")
    parser.add_argument("--only", default=",".join(ALL), help="of " + ",".join(ALL) + "; empty: none")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    wanted = tuple(name for name in options.only.split(",") if name)
    if not set(wanted) <= set(ALL):
        parser.error(f"--only {options.only}: choose of {', '.join(ALL)}")
    problem = loaded(options.problem)
    if options.padded_problem:
        np.savez_compressed(options.padded_problem, **padded(problem))  # type: ignore[arg-type]  # names are no flag of its
    found, plan = costs(problem, wanted)
    if options.solution and plan:
        np.savez_compressed(options.solution, **plan)  # type: ignore[arg-type]  # names are no flag of its
    if options.ours:
        found["ours"] = judged(problem, loaded(options.ours))
    if options.padded_ours:
        found["padded_ours"] = judged(padded(problem), loaded(options.padded_ours))
    print(text(found, as_json=options.json))
    return int(any(cost.violations or cost.uncarried for cost in found.values()))


def text(found: dict[str, Cost], *, as_json: bool) -> str:
    """One JSON object, or a table."""
    if as_json:
        return json.dumps({name: asdict(cost) for name, cost in found.items()} | {"ratios": ratios(found)})
    lines = [
        f"{name:14} USD {cost.usd:12,.0f}, circuits {cost.circuits_usd:12,.0f}  {cost.seconds:6.1f} s"
        for name, cost in found.items()
    ]
    lines += [f"{name:40} {part:7.2%}" for name, part in ratios(found).items()]
    for name, cost in found.items():
        lines += [f"{name}: {line}" for line in cost.violations]
        lines += [f"{name}: {cost.uncarried} loads not carried when regions are lost"] if cost.uncarried else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
