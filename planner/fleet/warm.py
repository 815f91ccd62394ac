"""Where a region's programme goes on after its types changed: at the basis that it had, new types left out.

Starting anew takes a hundred pivots, most of which only find again what was known.
"""

from typing import TYPE_CHECKING

import numpy as np

from planner.fleet.problem import FleetProblem, Ints

if TYPE_CHECKING:
    import highspy


def carry_over(
    old: "highspy.Highs", program: "highspy.Highs", problem: FleetProblem, region: int, types: tuple[Ints, Ints]
) -> None:
    """Gives a fresh programme the basis of another one of the same region.

    Args:
        old: solved at least once.
        program: of the other types.
        problem: of both.
        region: of both.
        types: before and now.
    """
    import highspy

    basis = old.getBasis()
    if not basis.valid:
        return
    before, now = types
    blocks, kept = 1 + 2 * problem.hours, np.isin(before, now)
    place = np.searchsorted(now, before[kept])
    columns = np.array(basis.col_status, dtype=object)
    rows = np.array(basis.row_status, dtype=object)
    bought = np.full((blocks, len(now)), highspy.HighsBasisStatus.kLower, dtype=object)
    bought[:, place] = columns[: blocks * len(before)].reshape(blocks, -1)[:, kept]
    brought = columns[blocks * len(before) :]
    limited = [own[np.isfinite(problem.stock[region, own])] for own in types]
    fixed = problem.hours * (2 * problem.gives.shape[1] + 1)
    stock = np.full((problem.hours, len(limited[1])), highspy.HighsBasisStatus.kBasic, dtype=object)
    stayed = np.isin(limited[0], limited[1])
    ended = fixed + problem.hours * len(limited[0])
    stock[:, np.searchsorted(limited[1], limited[0][stayed])] = rows[fixed:ended].reshape(problem.hours, -1)[:, stayed]
    found = highspy.HighsBasis()
    found.col_status = [*bought.ravel().tolist(), *brought.tolist()]
    found.row_status = [*rows[:fixed].tolist(), *stock.ravel().tolist(), *rows[ended:].tolist()]
    found.valid, found.alien = True, True
    program.setBasis(found)
