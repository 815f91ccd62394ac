"""Which instance types a region's linear programme begins with, and what types left out would still be worth.

A region buys few of hundreds of types. Types are taken that are cheapest at some of many mixes of resource prices;
later ones come by their reduced costs (Gilmore and Gomory 1961: column generation).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats, Ints

MIXES = 48
"""Mixes of resource prices that first types are sought at: more of them find no better ones."""

FIRST_TYPES = 14
"""Types a region begins with: fewer need more rounds of pricing, more make each solve dearer."""


def first_types(problem: FleetProblem, most: int = FIRST_TYPES) -> tuple[Ints, ...]:
    """Types by region, those cheapest at most mixes first."""
    wanted = _wanted(problem)
    gives, found = problem.gives, np.zeros((problem.regions, len(problem.gives)))
    for weights in _mixes(wanted.shape[1]):
        price = np.where(wanted > 0, weights / np.maximum(wanted, 1e-12), 0.0)  # of one unit, (R, K)
        worth = np.maximum(price @ gives.T, 1e-200)
        for usd in (
            problem.on_demand_usd,
            problem.committed_usd,
            problem.spot_cost / np.maximum(1 - problem.loss, 1e-9),
        ):
            best = np.argmin(usd / worth, axis=1)
            found[np.arange(len(found)), best] += 1.0
    for kind in range(gives.shape[1]):  # of each resource, the cheapest that nothing limits
        usd = np.full(found.shape, np.inf)
        unlimited = np.isinf(problem.stock) & (gives[:, kind] > 0)
        np.divide(problem.on_demand_usd, gives[:, kind], out=usd, where=unlimited)
        found[np.arange(len(found)), np.argmin(usd, axis=1)] += MIXES
    dearest = np.maximum(problem.on_demand_usd.max(1, keepdims=True), 1e-200)
    smallest = problem.on_demand_usd / dearest  # of those at no mix: the smallest
    order = np.argsort(-found + 1e-3 * smallest, axis=1, kind="stable")[:, :most]
    return tuple(np.sort(row) for row in order)


def filling_types(problem: FleetProblem, region: int) -> Ints:
    """Types that fill what is missing with little too much: the smallest, and the smallest of what few types give.

    Of a resource that some types do not give at all (accelerators), a fraction of the cheapest by the unit may be what
    a relaxation takes, and a whole one many times what is missing.
    """
    usd, spot = problem.on_demand_usd[region], problem.spot_cost[region]
    found = [np.argsort(usd, kind="stable")[:SMALL_TYPES]]
    for gives in problem.gives.T:
        least = gives[gives > 0].min(initial=np.inf)
        if (gives > 0).all() or not np.isfinite(least):
            continue
        for size in (least, 2 * least, 4 * least):
            found.append(np.array([np.argmin(np.where(gives >= size, price, np.inf)) for price in (usd, spot)]))
    return np.unique(np.concatenate(found))


def _wanted(problem: FleetProblem) -> Floats:
    """(R, K) the mean of what a region serves, or may have to carry for another."""
    wanted = problem.demand.mean(2)
    critical = problem.critical.mean(2)
    for here, there in problem.pairs:
        wanted[here] = np.maximum(wanted[here], 0.3 * critical[there])
        wanted[there] = np.maximum(wanted[there], 0.3 * critical[here])
    return np.asarray(wanted)


def _mixes(resources: int) -> Floats:
    """(mixes, K) weights that sum to one: corners, and a low-discrepancy sequence between them (Roberts 2018)."""
    root = 2.0
    for _ in range(32):
        root = (1 + root) ** (1 / (resources + 1))
    steps = (1 / root) ** np.arange(1, resources + 1)
    points = (0.5 + np.arange(1, MIXES + 1)[:, None] * steps) % 1.0
    weights = (-np.log(np.maximum(points, 1e-9))) ** 1.5
    return np.concatenate([np.eye(resources), weights / weights.sum(1, keepdims=True)])


SMALL_TYPES = 4
"""Cheapest types per instance, whatever they give, that rounding may use beside those that the relaxation uses."""

TOGETHER = 10
"""Regions whose types are priced at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Duals: USD of one more unit served, of one more held firm, of one more vCPU on spot, and of a quota's last unit.

    Attributes:
        served, firm: (R, H, K), at least 0.
        spot: (R, H), at least 0.
        quota: (R, H, K), at least 0, and 0 where no quota is; empty where the problem has none.
    """

    served: Floats
    firm: Floats
    spot: Floats
    quota: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)))


def unbought(problem: FleetProblem, prices: Prices, most: Floats, pool: ThreadPoolExecutor | None = None) -> Floats:
    """(R, T) the least that each type's instances add to a region's Lagrangian, at most 0.

    With prices for what they give, instances decide alone: none where they cost more than they give is worth, else as
    many as there are, or as could ever be of use (`most`, (R, T)). Summed, this is what a relaxed region lacks to be a
    lower bound for all types.
    """
    parts = [slice(first, first + TOGETHER) for first in range(0, len(most), TOGETHER)]  # of all it is a hundred MB
    each = pool.map if pool else map
    return np.concatenate([most[:0], *each(lambda some: _unbought(problem, prices, most[some], some), parts)])


def _unbought(problem: FleetProblem, prices: Prices, most: Floats, some: slice) -> Floats:
    """The same of some regions."""
    served, firm, stock = prices.served[some], prices.firm[some], problem.stock[some]
    worth = (served + firm) @ problem.gives.T  # (n, H, T)
    soft = (served @ problem.gives.T) * (1 - problem.loss)
    soft -= prices.spot[some, :, None] * problem.gives[:, 0]
    if prices.quota.size:
        charged = prices.quota[some] @ problem.gives.T  # what an instance takes of quotas, however it is bought
        worth, soft = worth - charged, soft - charged
    on_demand = np.minimum(problem.on_demand_usd[some, None] - worth, 0)
    spot = np.minimum(problem.spot_cost[some, None] - soft, 0)
    committed = np.minimum(problem.hours * problem.committed_usd[some] - worth.sum(1), 0)
    had = np.where(np.isfinite(stock), stock, 0)
    shared = np.minimum(committed, np.minimum(on_demand, spot).sum(1)) * had
    lossy = most / np.maximum(1 - problem.loss, 1e-9)
    alone = most * (committed + on_demand.sum(1)) + lossy * spot.sum(1)
    return np.asarray(np.where(np.isfinite(stock), np.maximum(shared, alone), alone))


def claimed_at_most(problem: FleetProblem, lost: Ints) -> Floats:
    """(K,) the most that comes at one loss to a region that may carry for some regions."""
    peaks = MOST_SHARE * problem.critical[lost].max(2)
    if not problem.domain.size or not len(lost):
        return np.asarray(peaks.max(0, initial=0.0))
    which = np.unique(problem.domain[lost], return_inverse=True)[1]
    sums = np.zeros((int(which.max()) + 1, peaks.shape[1]))
    np.add.at(sums, which, peaks)
    return np.asarray(sums.max(0))


def ever_useful(problem: FleetProblem, arcs: Arcs, regions: Ints) -> Floats:
    """(n, T) instances that cover alone whatever some regions may have to meet: more of a type are never of use."""
    need = problem.demand[regions].max(2)
    for row, region in enumerate(regions.tolist()):
        claimed = claimed_at_most(problem, arcs.lost[arcs.into[region]])
        need[row] = np.maximum(need[row], problem.critical[region].max(1) + claimed)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(problem.gives > 0, need[:, None] / problem.gives, 0.0)
    return np.asarray(np.ceil(each.max(2)))
