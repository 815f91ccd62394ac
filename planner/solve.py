"""Runs HiGHS on a model: `solve` in this process, or `python -m planner.solve`, a model in and a solution out as npz.

Same model, same answer: one thread, one seed, and work bounded by counted nodes, never by time. HiGHS may ignore a
time limit anyway (HiGHS issue 2226), so whoever needs a hard stop runs this as a child and kills it
(`coordinator.solver_process`).
"""

import sys
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import SolverCrashed
from planner.model import LinearModel, Solution, SolveStatus

if TYPE_CHECKING:
    import highspy

RELATIVE_GAP = 1e-4
"""A plan within 0.01 % of the proven bound counts as optimal: less than prices are known to."""

NODE_LIMIT = 1000
"""Branch-and-bound nodes before the best found so far is taken, with the gap that is proven by then."""


def solve(model: LinearModel) -> Solution:
    """Solves a model with HiGHS in this process.

    Raises:
        SolverCrashed: HiGHS ended with neither a solution nor the proof that there is none.
    """
    import highspy

    program = highspy.Highs()
    for option, value in _OPTIONS.items():
        program.setOptionValue(option, value)
    program.passModel(_linear_program(model))
    program.run()
    status, about = program.getModelStatus(), program.getInfo()
    name = f"highs {program.version()}"
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return Solution(status=SolveStatus.INFEASIBLE, values=np.zeros(0), objective=0.0, bound=0.0, program=name)
    values = np.array(program.getSolution().col_value, dtype=np.float64)
    ended = {
        highspy.HighsModelStatus.kOptimal: SolveStatus.OPTIMAL,
        highspy.HighsModelStatus.kModelEmpty: SolveStatus.OPTIMAL,
        highspy.HighsModelStatus.kSolutionLimit: SolveStatus.BOUNDED,
    }.get(status)
    found = about.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible or not len(model.cost)
    if ended is None or not found or len(values) != len(model.cost):
        raise SolverCrashed(f"ended as {program.modelStatusToString(status)!r} without a solution", where=name)
    values[model.integer] = np.round(values[model.integer])
    objective = float(model.cost @ values)
    bound = about.mip_dual_bound if model.integer.any() else objective
    return Solution(status=ended, values=values, objective=objective, bound=min(bound, objective), program=name)


_OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "mip_rel_gap": RELATIVE_GAP,
    "mip_max_nodes": NODE_LIMIT,
}


def _linear_program(model: LinearModel) -> "highspy.HighsLp":
    import highspy

    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(model.cost), len(model.row_lower)
    program.col_cost_, program.col_lower_, program.col_upper_ = model.cost, model.lower, model.upper
    program.row_lower_, program.row_upper_ = model.row_lower, model.row_upper
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_, program.a_matrix_.index_ = model.starts, model.indices
    program.a_matrix_.value_ = model.values
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    program.integrality_ = [kinds[int(whole)] for whole in model.integer]
    return program


def main() -> int:
    """Reads a model from standard input, writes its solution to standard output."""
    model = LinearModel.from_bytes(sys.stdin.buffer.read())
    sys.stdout.buffer.write(solve(model).to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
