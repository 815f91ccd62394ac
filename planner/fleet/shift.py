"""Shares that move as little as they can: what a partner lacks one more lump for goes to partners that need none.

When demand changes, a partner may lack a little of what it has promised to hold, and little is not for sale: the next
accelerated instance, the next circuit, for a hundredth of a share. Others often have room. So shares are tried that are
cut to what partners hold and circuits carry already; what is missing is given to partners with room, those that a
region has first. What nobody has room for goes where more of it costs least.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, Arcs, FleetProblem, Floats, Ints

LEAST = 1e-9
"""Shares below this are what arithmetic left."""

ALONE = 3
"""Partners that are tried alone."""

LUMP = 0.03
"""What the smallest instance of a resource gives, as a share of the most that a region needs: beyond it, a lump."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spare:
    """What partners have to spare.

    Attributes:
        firm: (R, K, H) what each region holds firm beyond its own critical load.
        gbps: (N,) what circuits carry beyond what is reserved.
        lumpy: (R, K) what is only sold in lumps there.
        worth: (R, K, H) USD that one more unit held firm costs.
    """

    problem: FleetProblem
    arcs: Arcs
    firm: Floats
    gbps: Floats
    lumpy: NDArray[np.bool_]
    worth: Floats


def lumpy(problem: FleetProblem, regions: Ints) -> NDArray[np.bool_]:
    """(n, K) of which resources some regions can only buy a lot at once."""
    sold = np.minimum(problem.on_demand_usd[regions], problem.committed_usd[regions]) < NOT_OFFERED
    sold &= problem.stock[regions] >= 1
    each = np.where(sold[:, :, None] & (problem.gives > 0), problem.gives, np.inf).min(1)
    return np.asarray(each >= LUMP * problem.demand[regions].max(2))


def shifted(spare: Spare, shares: Floats, region: int) -> Iterator[Floats]:
    """Other shares by arc that may cost less: a region's cut to what its partners have room for.

    First only where more is sold in lumps, then everywhere, then at each partner alone. Nothing where they fit as they
    are.

    Args:
        spare: of its partners at least.
        shares: (2P,).
        region: whose shares may move.
    """
    out = spare.arcs.out[region]
    circuits = _by_circuits(spare, shares, out)
    lumps = np.minimum(_by_compute(spare, out, spare.lumpy[spare.arcs.carrier[out]]), circuits)
    compute = np.minimum(_by_compute(spare, out, np.ones((len(out), spare.lumpy.shape[1]), dtype=bool)), circuits)
    price = (spare.worth[spare.arcs.carrier[out]] * spare.problem.critical[region]).sum((1, 2))
    over = np.flatnonzero(shares[out] > compute + LEAST)
    tried = [lumps, compute]
    most = np.where(_open(spare, shares[out], region), _by_quota(spare.problem, shares, out), 0.0)
    for at in over[np.argsort(-price[over], kind="stable")][:ALONE].tolist():
        tried.append(np.where(np.arange(len(out)) == at, compute, np.maximum(shares[out], compute)))
    for caps in tried:
        if (shares[out] > caps + LEAST).any():
            found = shares.copy()
            found[out] = spread(shares[out], np.minimum(caps, most), price, most)
            yield found


def gathered(spare: Spare, shares: Floats, region: int) -> Floats:
    """Shares by arc where a region's lie at the fewest partners that hold and carry them with what they have.

    As they are where that is no fewer.

    Args:
        spare: of its partners at least.
        shares: (2P,).
        region: whose shares may move.
    """
    out = spare.arcs.out[region]
    held = shares[out]
    every = np.ones((len(out), spare.firm.shape[1]), dtype=bool)
    caps = np.minimum(_by_compute(spare, out, every), _by_circuits(spare, shares, out))
    caps = np.maximum(caps, held)
    order = np.lexsort((-held, -caps))
    count = int(np.searchsorted(np.cumsum(caps[order]), 1.0)) + 1
    if count >= np.count_nonzero(held):
        return shares
    caps[order[count:]] = 0.0
    found = shares.copy()
    found[out] = spread(held, caps, np.zeros(len(out)), caps)
    return found


def _open(spare: Spare, shares: Floats, region: int) -> NDArray[np.bool_]:
    """Which arcs of a region may carry: where it has as many partners as it may, those that do."""
    held, limit = shares > LEAST, spare.problem.partners
    return np.ones(len(shares), dtype=bool) if not limit.size or held.sum() < limit[region] else held


def _by_compute(spare: Spare, arcs: Ints, counts: NDArray[np.bool_]) -> Floats:
    """The most of some arcs for which their carriers need no more of the resources that count, (n, K)."""
    load, carrier = spare.problem.critical[spare.arcs.lost[arcs]], spare.arcs.carrier[arcs]
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(load > 0, np.maximum(spare.firm[carrier], 0.0) / load, np.inf).min(2)
    return np.asarray(np.minimum(np.where(counts, most, np.inf).min(1), MOST_SHARE))


def _by_circuits(spare: Spare, shares: Floats, arcs: Ints) -> Floats:
    """The most of some arcs for which no circuit is missing, the other direction as it is."""
    speed = spare.problem.replication_gbps
    back = speed[spare.arcs.carrier[arcs]] * shares[arcs ^ 1]
    left = np.maximum(spare.gbps[spare.problem.pair_links[spare.arcs.pair[arcs]]] - back, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(speed[spare.arcs.lost[arcs]] > 0, left / speed[spare.arcs.lost[arcs]], np.inf)
    return np.asarray(np.minimum(most, MOST_SHARE))


def _by_quota(problem: FleetProblem, shares: Floats, arcs: Ints) -> Floats:
    """The most of some arcs that circuits within quotas carry, the other direction as it is."""
    lost = problem.pairs.reshape(-1)[arcs]
    carrier = problem.pairs[:, ::-1].reshape(-1)[arcs]
    left = np.maximum(problem.pair_room[arcs // 2] - problem.replication_gbps[carrier] * shares[arcs ^ 1], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(problem.replication_gbps[lost] > 0, left / problem.replication_gbps[lost], np.inf)
    return np.asarray(np.minimum(most, MOST_SHARE))


def spread(shares: Floats, caps: Floats, price: Floats, most: Floats | None = None) -> Floats:
    """Shares of one region that sum to one: within the caps as far as they go, then where they cost least.

    Never beyond `most`: half of the load each, where nothing else is said.
    """
    most = np.full(len(caps), MOST_SHARE) if most is None else most
    found = np.minimum(shares, caps)
    found = found / max(1.0, float(found.sum()))
    kept_first = np.lexsort((found - caps, shares <= LEAST))
    cheapest_first = np.argsort(price, kind="stable")
    for order, limit in ((kept_first, caps), (cheapest_first, most)):
        for at in order.tolist():
            missing = 1.0 - float(found.sum())
            if missing <= 0:
                break
            found[at] += min(missing, max(0.0, float(limit[at] - found[at])))
    return found
