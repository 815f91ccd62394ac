"""How long a plan takes, solver in a child process: first, again with nothing to do, and after 5 % more demand.

`python -m benchmarks.plan_small`: the demo's size (7 regions), 12, and that of GEANT (23). Budgets: 1.5 s and 10 s.
"""

import sys
import time
from dataclasses import replace

from contracts.plan import Plan
from coordinator.solver_process import solve_in_child
from planner.build import build_plan
from planner.question import Question
from tests.laws import environments
from tests.laws.environments import Recipe, loaded, question
from tests.planner.simulate import after

SIZES = (7, 12, 23)
SEEDS = (3, 4)


def timed(asked: Question) -> tuple[Plan, float]:
    """A plan and the seconds that it took."""
    began = time.perf_counter()
    plan = build_plan(asked, solve_in_child)
    assert isinstance(plan, Plan), plan
    return plan, time.perf_counter() - began


def main() -> int:
    """Prints one line a world."""
    environments.NAMES = (*environments.NAMES, *(f"r{at}" for at in range(10, max(SIZES))))
    print("regions  resources  first s  again s  changes  5 % more s  changes  gap")
    for regions in SIZES:
        for seed in SEEDS:
            recipe = Recipe(regions=regions, seed=seed)
            world = question(recipe)
            first, first_s = timed(world)
            settled = after(world, first)
            again, again_s = timed(settled)
            more, more_s = timed(loaded(settled, replace(recipe), 1.05))
            print(
                f"{regions:7d}  {len(first.resources):9d}  {first_s:7.2f}  {again_s:7.2f}  {len(again.changes):7d}"
                f"  {more_s:10.2f}  {len(more.changes):7d}  {first.cost.gap:.4%}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
