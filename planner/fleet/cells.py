"""Hours of regions that are looked at again, side by side as arrays: what is needed, and what can be had.

A cell is one hour of one region; `planner.fleet.settle` makes each meet its need.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.fleet.problem import NOT_OFFERED, FleetProblem, Floats, Ints

TOLERANCE = 2e-7
"""Share of what is needed that may be missing: what rounding leaves (1e-7), and below whoever checks (1e-6)."""

FLOOR_WEIGHT = 0.03
"""Least weight of a resource, as a share of its price alone: one that has no price at the margin may still be short."""

BEYOND = 1e15
"""Stands for what is not limited."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Hours of n regions over m types each; every type on demand first, then as spot: 2m columns.

    Attributes:
        regions: (n,), types: (n, m).
        gives: (n, 2m, L) what an instance adds to what is served (K), to what is firm (K), and takes, below nothing,
            of the room for spot and of quotas, where there are any.
        usd: (n, 2m) per hour; offered: (n, 2m).
        need: (n, H, L): demand, what is held firm, and minus the rooms.
        weights: (n, H, L) USD per unit, to compare what covers part of a need.
        stock: (n, m).
        rooms: where the limits begin among the L.
        move: share of its price that taking an instance away costs.
    """

    regions: Ints
    types: Ints
    gives: Floats
    usd: Floats
    offered: NDArray[np.bool_]
    need: Floats
    weights: Floats
    stock: Floats
    rooms: int
    move: float

    @classmethod
    def of(
        cls, problem: FleetProblem, rows: tuple[Ints, Ints], held: Floats, worth: tuple[Floats, Floats], move: float
    ) -> "Cells":
        """Cells of some regions.

        Args:
            problem: prices, stock and demand.
            rows: the regions, (n,), and their types, (n, m).
            held: (n, K, H) what they hold firm.
            worth: (n, K, H) USD per unit of demand and of what is firm.
            move: share of its price that taking an instance away costs.
        """
        regions, types = rows
        at = regions[:, None], types
        gives, loss = problem.gives[types], problem.loss[types]
        takes = -gives if problem.quota.size else gives[..., :0]
        firm = np.concatenate([gives, gives, 0 * gives[..., :1], takes], 2)
        soft = np.concatenate([gives * (1 - loss)[..., None], 0 * gives, -gives[..., :1], takes], 2)
        rooms = (problem.spot_share[regions, None] * problem.demand[regions, 0])[:, None]
        if problem.quota.size:
            quota = np.minimum(problem.quota[regions], BEYOND)[..., None]
            rooms = np.concatenate([rooms, np.broadcast_to(quota, (*quota.shape[:2], problem.hours))], 1)
        need = np.concatenate([problem.demand[regions], held, -rooms], 1).transpose(0, 2, 1)
        usd = np.concatenate([problem.on_demand_usd[at], problem.spot_cost[at]], 1)
        bought = np.concatenate([problem.on_demand_usd[at], problem.spot_usd[at]], 1) < NOT_OFFERED
        cheapest = (usd[:, : types.shape[1], None] / np.maximum(gives, 1e-9)).min(1) / gives.shape[2]
        least = FLOOR_WEIGHT * cheapest[:, :, None]
        weights = np.concatenate([worth[0] + least, worth[1] + least, 0 * rooms], 1)
        return cls(
            regions=regions,
            types=types,
            gives=np.concatenate([firm, soft], 1),
            usd=usd,
            offered=bought,
            need=need,
            weights=weights.transpose(0, 2, 1),
            stock=np.floor(np.minimum(problem.stock[at], BEYOND)),
            rooms=2 * gives.shape[2],
            move=move,
        )

    def only(self, rows: Ints) -> "Cells":
        """Some of the regions, or some of them several times."""
        names = ("regions", "types", "gives", "usd", "offered", "need", "weights", "stock")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def holding(self, held: Floats) -> "Cells":
        """The same where `held` (n, K, H) must stay firm."""
        need, kinds = self.need.copy(), held.shape[1]
        need[:, :, kinds : 2 * kinds] = held.transpose(0, 2, 1)
        return replace(self, need=need)

    @property
    def slack(self) -> Floats:
        return np.asarray(TOLERANCE * np.maximum(np.abs(self.need), 1.0))
