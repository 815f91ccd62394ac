"""Fleets: the exact model of compute, failover and circuits at hundreds of regions, decomposed by region.

`solve_fleet(FleetProblem) -> FleetSolution`, with a lower bound that is proved. The model: docs/planning-model.md.
"""

from planner.fleet.problem import FleetProblem, FleetSolution
from planner.fleet.solve import Effort, solve_fleet

__all__ = ["Effort", "FleetProblem", "FleetSolution", "solve_fleet"]
