"""No more partners for a region than people want.

The search for shares knows no such limit at first. Where a region then has more, those that carry most are kept, the
others closed, and the search goes on from there (`planner.fleet.solve`). The bound is that of fleets without the limit:
it holds for those with it.
"""

import numpy as np

from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats, Ints
from planner.fleet.shift import LEAST, spread

COUNTS = 1e-6
"""Smaller shares are no partner."""


def too_many(problem: FleetProblem, shares: Floats) -> Ints:
    """Regions that have more partners than they may, at shares by arc or by pair."""
    if not problem.partners.size:
        return np.zeros(0, dtype=np.int64)
    lost = problem.pairs.reshape(-1)[shares.reshape(-1) > COUNTS]
    return np.flatnonzero(np.bincount(lost, minlength=problem.regions) > problem.partners)


def few_partners(problem: FleetProblem, arcs: Arcs, shares: Floats) -> tuple[Floats, Ints]:
    """Shares by arc within the limit, those that carry most carrying all, and the arcs that are closed from then on."""
    shares, closed = shares.copy(), []
    for region, out in enumerate(arcs.out):
        caps = np.zeros(len(out))
        caps[np.argsort(-shares[out], kind="stable")[: int(problem.partners[region])]] = MOST_SHARE
        closed.append(out[caps == 0])
        if (shares[out][caps == 0] > 0).any():
            found = spread(np.where(caps > 0, shares[out], 0.0), caps, np.zeros(len(out)))
            shares[out] = np.where(found > LEAST, found, 0.0)
    return shares, np.concatenate(closed)
