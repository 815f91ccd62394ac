"""What a region would have if one of a plan's changes were not made: the next best, and what it costs.

Of one type, bought in one way, the region keeps what it had; everything else there is settled anew at no price of
moves (`planner.fleet.settle`), shares and what partners hold as they are.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.fleet.cells import Cells
from planner.fleet.moves import claims, types_of
from planner.fleet.problem import NOT_OFFERED, Arcs, FleetProblem, FleetSolution, Floats, Ints
from planner.fleet.settle import settle

WAYS = ("committed", "on_demand", "spot")
"""How an instance is paid for, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Otherwise:
    """What n regions would have instead.

    Attributes:
        types: (n, m) of each.
        committed: (n, m); by_hour: (n, H, 2m), on demand first, then spot.
        usd: (n,) over the horizon.
        holds: (n,) whether it meets what is asked; nothing is said of those that do not.
    """

    types: Ints
    committed: Ints
    by_hour: Ints
    usd: Floats
    holds: NDArray[np.bool_]

    def peaks(self, row: int) -> Ints:
        """(3, m) at the hour that has most, by way of paying."""
        on_demand, spot = np.split(self.by_hour[row].max(0), 2)
        return np.stack([self.committed[row], on_demand, spot])


def dearest_changes(problem: FleetProblem, before: FleetSolution, after: FleetSolution, most: int) -> Ints:
    """(n, 3) region, type and way of paying of which there is another number than before: those of most USD, n <= most.

    Of those that there are any of afterwards.
    """
    by_way = []
    for way, usd in enumerate((problem.hours * problem.committed_usd, problem.on_demand_usd, problem.spot_cost)):
        old, new = getattr(before, WAYS[way]), getattr(after, WAYS[way])
        change, there = (np.abs(new - old), new) if way == 0 else (np.abs(new - old).sum(2), new.max(2))
        region, kind = np.nonzero((change > 0) & (there > 0))
        by_way.append(
            np.column_stack([region, kind, np.full(len(region), way), change[region, kind] * usd[region, kind]])
        )
    found = np.concatenate(by_way)
    order = np.lexsort((found[:, 2], found[:, 1], found[:, 0], -found[:, 3]))
    return np.asarray(found[order[:most], :3].astype(np.int64))


def otherwise(problem: FleetProblem, before: FleetSolution, after: FleetSolution, which: Ints) -> Otherwise:
    """What regions would have if a type of theirs, bought in one way, were as before.

    Args:
        problem: what is asked.
        before: what there was.
        after: what is planned.
        which: (n, 3) region, type and way of paying, as `dearest_changes` has them.
    """
    region, kind, way = which.T
    types, rows = types_of(problem, after, region), np.arange(len(which))
    at, half = (region[:, None], types), types.shape[1]
    col = np.argmax(types == kind[:, None], axis=1)
    bought = col + half * (way == 2)
    held = claims(problem, Arcs.of(problem), after.shares.reshape(-1), region)
    cells = Cells.of(problem, (region, types), held, (after.worth[region], after.worth_critical[region]), 0.0)
    committed = after.committed[at].astype(np.float64)
    counts = np.concatenate([after.on_demand[at], after.spot[at]], 1).transpose(0, 2, 1).astype(np.float64)
    always, kept = _as_it_was(before, which)
    always = np.where(way == 0, always, committed[rows, col])
    committed[rows, col] = always
    sold = np.where(way == 0, problem.committed_usd[region, kind] < NOT_OFFERED, cells.offered[rows, bought])
    possible = (sold | ((way == 0) & (always == 0)) | ((way > 0) & ~kept.any(1))) & (always <= cells.stock[rows, col])
    counts, failed = settle(_without(cells, rows[way > 0], (col, bought), kept), committed, counts)
    counts[rows, :, bought] += kept
    varies = (np.ptp(after.on_demand[at], axis=2) + np.ptp(after.spot[at], axis=2)).any(1)
    counts = np.where(varies[:, None, None], counts, counts.max(1, keepdims=True))
    usd = problem.hours * (np.minimum(problem.committed_usd[at], NOT_OFFERED) * committed).sum(1)
    return Otherwise(
        types=types,
        committed=np.round(committed).astype(np.int64),
        by_hour=np.round(counts).astype(np.int64),
        usd=usd + (cells.usd * counts.sum(1)).sum(1),
        holds=possible & ~failed,
    )


def _as_it_was(before: FleetSolution, which: Ints) -> tuple[Floats, Floats]:
    """(n,) committed, and (n, H) bought by the hour, none where the other is meant."""
    region, kind, way = which.T
    by_hour = np.where((way == 1)[:, None], before.on_demand[region, kind], before.spot[region, kind])
    return before.committed[region, kind].astype(float), np.where((way > 0)[:, None], by_hour, 0).astype(float)


def _without(cells: Cells, rows: Ints, columns: tuple[Ints, Ints], kept: Floats) -> Cells:
    """Cells where one type is bought in one way as often as it is kept, which serves part of the need."""
    col, bought = columns
    every = np.arange(len(kept))
    stock, offered = cells.stock.copy(), cells.offered.copy()
    stock[every, col] = np.maximum(stock[every, col] - kept.max(1), 0.0)
    offered[rows, bought[rows]] = False
    return replace(
        cells, need=cells.need - kept[:, :, None] * cells.gives[every, bought][:, None], stock=stock, offered=offered
    )
