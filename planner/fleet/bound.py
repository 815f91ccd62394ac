"""A lower bound on every fleet's cost, proved from prices alone: nothing that a solver says has to be believed.

Take any prices that are not negative, of what is served, held firm and kept off spot, any split of the firm price of
an hour over the losses that may come in it, and any convex combination of hulls below each pair's circuits. Every
fleet that keeps the constraints costs at least what it would if keeping them were paid for at these prices instead
(Lagrange; Geoffrion 1974). Then every instance and every share decides alone, and the least of each is plain:

- an instance type is bought not at all, or up to its stock or the most that could be of use (`unbought`);
- a region is backed up by the two partners where a share costs least, half each.

The linear relaxation's duals make it largest; others only make it smaller, never wrong. So the prices of one problem
prove a bound for another, too (`planner.fleet_again`).
"""

from dataclasses import dataclass, replace

import numpy as np

from planner.fleet.hulls import Hulls
from planner.fleet.offers import Prices, unbought
from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats
from planner.fleet.shares import Cut, Weights, base_circuits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """Prices that prove a bound, none negative.

    Attributes:
        prices: by region.
        claims: (2P, H, K) what of its carrier's firm price each arc's load is charged; by carrier at most that price,
            arcs of one loss counted once: all of them are charged the same.
        steps: (P, 2) USD per share and hour: an affine function below the extra cost of a pair's circuits.
        floors: (P,) its value where no share is; it holds for the problem that it was made for.
    """

    prices: Prices
    claims: Floats
    steps: Floats
    floors: Floats


def certified_usd(problem: FleetProblem, arcs: Arcs, certificate: Certificate, useful: Floats) -> float:
    """USD over the horizon that no fleet can be cheaper than, by these prices."""
    alone = alone_usd(problem, certificate.prices, useful)
    circuits = float(certificate.floors.sum()) + base_circuits(problem)
    return float(alone.sum() + backed_usd(problem, arcs, certificate).sum() + problem.hours * circuits)


def certificate_of(problem: FleetProblem, arcs: Arcs, known: tuple[list[Cut], Hulls], weights: Weights) -> Certificate:
    """The prices that cuts and hulls come to when they are averaged by their weights."""
    cuts, hulls = known
    prices, claims = _averaged(problem, arcs, cuts, weights.cuts)
    hours, pairs = problem.hours, len(problem.pairs)
    total = np.bincount(hulls.pair, weights.hulls, pairs)
    part = weights.hulls / np.maximum(total[hulls.pair], float(hours))  # a pair's duals sum to the hours, or to less
    steps, floors = np.zeros((pairs, 2)), np.zeros(pairs)
    np.add.at(steps, hulls.pair, part[:, None] * hulls.slopes)
    np.add.at(floors, hulls.pair, part * hulls.constants)
    paid = np.where(np.isfinite(problem.pair_room), weights.quotas / hours, 0.0)  # of each Gbps within its quota
    steps += paid[:, None] * problem.replication_gbps[problem.pairs]
    floors -= paid * np.where(paid > 0, problem.pair_room, 0.0)
    return Certificate(prices=prices, claims=claims, steps=steps, floors=floors)


def alone_usd(problem: FleetProblem, prices: Prices, useful: Floats) -> Floats:
    """(R,) USD over the horizon that each region's instances cost at least, whatever it holds for others."""
    kinds_last = (0, 2, 1)
    alone = (prices.served * problem.demand.transpose(kinds_last)).sum((1, 2))
    alone += (prices.firm * problem.critical.transpose(kinds_last)).sum((1, 2))
    alone -= (problem.spot_share[:, None] * prices.spot * problem.demand[:, 0]).sum(1)
    if prices.quota.size:  # a quota that is there no more has no price
        limited = np.isfinite(problem.quotas)
        prices = replace(prices, quota=np.where(limited[:, None], prices.quota, 0.0))
        quotas = np.where(limited, problem.quotas, 0.0)
        alone -= (prices.quota * quotas[:, None]).sum((1, 2))
    alone += unbought(problem, prices, useful).sum(1)
    return np.asarray(alone)


def backed_usd(problem: FleetProblem, arcs: Arcs, certificate: Certificate) -> Floats:
    """(R,) USD over the horizon that backing each region up costs at least, beyond what circuits cost anyway."""
    steps, found = problem.hours * certificate.steps.reshape(-1), []
    for region, out in enumerate(arcs.out):
        slopes = (certificate.claims[out] * problem.critical[region].T).sum((1, 2)) + steps[out]
        found.append(MOST_SHARE * float(np.sort(slopes)[:2].sum()))
    return np.array(found)


def _averaged(problem: FleetProblem, arcs: Arcs, cuts: list[Cut], weights: Floats) -> tuple[Prices, Floats]:
    """Prices by region, and what of them arcs are charged, both averaged over a region's cuts."""
    regions, kinds, hours = problem.demand.shape
    sums = np.zeros(regions)
    for cut, weight in zip(cuts, weights, strict=True):
        sums[cut.region] += weight
    served, firm = np.zeros((regions, hours, kinds)), np.zeros((regions, hours, kinds))
    spot, claims = np.zeros((regions, hours)), np.zeros((len(arcs.lost), hours, kinds))
    quota = np.zeros((regions, hours, kinds)) if problem.quota.size else np.zeros((0, 0, 0))
    every = tuple(np.indices((hours, kinds)))
    for cut, weight in zip(cuts, weights, strict=True):
        if weight > 0:
            part, into = weight / sums[cut.region], arcs.into[cut.region]
            served[cut.region] += part * cut.served
            firm[cut.region] += part * cut.firm
            spot[cut.region] += part * cut.spot
            if quota.size:
                quota[cut.region] += part * cut.quota
            if cut.largest.size and not arcs.losses:
                claims[into[cut.largest], every[0], every[1]] += part * cut.firm
            elif cut.largest.size:  # every region of a loss is charged the price of what is held for it
                claims[into] += part * cut.firm * (cut.largest == arcs.losses[cut.region][:, None, None])
    return Prices(served=served, firm=firm, spot=spot, quota=quota), claims
