"""A fleet as the planner is asked for it, and what it finds as the checker reads it."""

import numpy as np

from planner.fleet import FleetProblem, FleetSolution
from tests.planner.fleet_arrays import Fleet, Solution


def problem_of(fleet: Fleet) -> FleetProblem:
    return FleetProblem.of_arrays({name: np.asarray(array, dtype=float) for name, array in fleet.arrays().items()})


def solution_of(found: FleetSolution) -> Solution:
    return Solution(
        committed=found.committed.astype(float),
        on_demand=found.on_demand.astype(float),
        spot=found.spot.astype(float),
        circuits=found.circuits.astype(float),
        share=found.shares,
        bound=found.bound,
    )
