"""A lower bound on every fleet's cost, proved from prices alone: nothing that a solver says has to be believed.

Take any prices that are not negative, of what is served, held firm and kept off spot, any split of the firm price of
an hour over the regions that may be lost in it, and any convex combination of hulls below each pair's circuits. Every
fleet that keeps the constraints costs at least what it would if keeping them were paid for at these prices instead
(Lagrange; Geoffrion 1974). Then every instance and every share decides alone, and the least of each is plain:

- an instance type is bought not at all, or up to its stock or the most that could be of use (`unbought`);
- a region is backed up by the two partners where a share costs least, half each.

The linear relaxation's duals make it largest; others only make it smaller, never wrong.
"""

import numpy as np

from planner.fleet.offers import Prices, unbought
from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats
from planner.fleet.shares import Cut, Hull, Weights, base_circuits


def proven_bound(
    problem: FleetProblem, arcs: Arcs, known: tuple[list[Cut], tuple[Hull, ...]], weights: Weights, useful: Floats
) -> float:
    """USD over the horizon that no fleet can be cheaper than.

    Args:
        problem: what is planned.
        arcs: its arcs.
        known: cuts, of which the duals are averaged by region, and hulls, averaged by pair.
        weights: of both, at least 0; they are brought to a sum of one, hulls to at most one.
        useful: (R, T) instances of a type that can be of use at most.
    """
    cuts, hulls = known
    prices, slopes = _averaged(problem, arcs, cuts, weights.cuts)
    hours = problem.hours
    alone = (prices.served * problem.demand.transpose(0, 2, 1)).sum()
    alone += (prices.firm * problem.critical.transpose(0, 2, 1)).sum()
    alone -= (problem.spot_share[:, None] * prices.spot * problem.demand[:, 0]).sum()
    alone += unbought(problem, prices, useful).sum()
    total = np.zeros(len(problem.pairs))
    for hull, weight in zip(hulls, weights.hulls, strict=True):
        total[hull.pair] += weight
    constant = 0.0
    for hull, weight in zip(hulls, weights.hulls, strict=True):
        weight = weight / max(total[hull.pair], float(hours))  # a pair's duals sum to the hours, or to less
        constant += hours * weight * hull.constant
        slopes[2 * hull.pair] += hours * weight * hull.slopes[0]
        slopes[2 * hull.pair + 1] += hours * weight * hull.slopes[1]
    backed = sum(MOST_SHARE * float(np.sort(slopes[out])[:2].sum()) for out in arcs.out)
    return float(alone + constant + hours * base_circuits(problem) + backed)


def _averaged(problem: FleetProblem, arcs: Arcs, cuts: list[Cut], weights: Floats) -> tuple[Prices, Floats]:
    """Prices by region, and what a share costs by arc, both averaged over a region's cuts."""
    regions, kinds, hours = problem.demand.shape
    sums = np.zeros(regions)
    for cut, weight in zip(cuts, weights, strict=True):
        sums[cut.region] += weight
    served, firm = np.zeros((regions, hours, kinds)), np.zeros((regions, hours, kinds))
    spot, slopes = np.zeros((regions, hours)), np.zeros(len(arcs.lost))
    for cut, weight in zip(cuts, weights, strict=True):
        if weight > 0:
            part = weight / sums[cut.region]
            served[cut.region] += part * cut.served
            firm[cut.region] += part * cut.firm
            spot[cut.region] += part * cut.spot
            slopes[arcs.into[cut.region]] += part * cut.slopes
    return Prices(served=served, firm=firm, spot=spot), slopes
