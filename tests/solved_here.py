"""The solver without its process, which takes a second to start, for tests of what is done with plans.

The answer is the same: tests/coordinator/test_solver_process.py and tests/laws hold both against each other. Tests that
drive engines and those that kill processes plan as people do, in a child.
"""

import pytest

from planner.clash import remembered
from planner.solve import solve

SOLVE = remembered(solve)
"""Most tests of a folder plan the same few worlds."""


@pytest.fixture(scope="module", autouse=True)
def solved_here():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coordinator.plan.solve_in_child", SOLVE)
        patch.setattr("coordinator.what_if.solve_in_child", SOLVE)
        yield
