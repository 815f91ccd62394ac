"""Prices of resources in closed form: at them no instance is worth more than it costs, so that they prove a bound.

What a fleet without a solver is measured by (`planner.fleet.greedy`), where no programme's duals are to be had.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from planner.fleet.offers import Prices, ever_useful, unbought
from planner.fleet.problem import NOT_OFFERED, Arcs, FleetProblem, Floats
from planner.fleet.shares import base_circuits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlainPrices:
    """USD per hour of one more unit: (R, K), at least 0.

    Attributes:
        served: of one more that is served; firm: what one more that is firm costs beyond that.
        alone: of one more that is firm where nothing else is wanted; no part of a bound.
    """

    served: Floats
    firm: Floats
    alone: Floats


def plain_prices(problem: FleetProblem) -> PlainPrices:
    """The dearest prices among some mixes of resources at which no type is worth more than it costs, by region.

    A mix weighs some of the resources alike, each by its mean demand; it is raised until the first type pays for
    itself, any way of buying it: what is served may be met by spot, what is firm may not.
    """
    wanted, gives = problem.demand.mean(2), problem.gives
    firm_usd, spot_usd = np.minimum(problem.on_demand_usd, problem.committed_usd), problem.spot_cost
    given = np.isfinite(problem.stock) & (np.minimum(firm_usd, spot_usd) <= 0)  # its worth is taken off the bound
    firm_usd, spot_usd = np.where(given, NOT_OFFERED, firm_usd), np.where(given, NOT_OFFERED, spot_usd)
    soft_usd = np.minimum(firm_usd, spot_usd / np.maximum(1 - problem.loss, 1e-9))
    served, firm, most = np.zeros_like(wanted), np.zeros_like(wanted), np.zeros(len(wanted))
    for mix in product((0.0, 1.0), repeat=wanted.shape[1]):
        price = np.where(wanted > 0, np.array(mix) / np.maximum(wanted, 1e-12), 0.0)
        rates = [_rate(usd, price @ gives.T) for usd in (soft_usd, firm_usd)]
        soft, hard = rates[0][:, None] * price, (rates[1] - rates[0])[:, None] * price
        value = (soft * problem.demand.sum(2)).sum(1) + (hard * problem.critical.sum(2)).sum(1)
        better = value > most
        most = np.where(better, value, most)
        served, firm = np.where(better[:, None], soft, served), np.where(better[:, None], hard, firm)
    return PlainPrices(served=served, firm=firm, alone=_alone(firm_usd, gives))


def plain_bound(problem: FleetProblem, plain: PlainPrices) -> float:
    """USD over the horizon that no fleet can be cheaper than, by plain prices.

    Shares, the limit of spot and quotas cost nothing at them; the proof is that of `planner.fleet.bound`.
    """
    hours = problem.hours
    served, firm = (np.repeat(price[:, None], hours, axis=1) for price in (plain.served, plain.firm))
    prices = Prices(served=served, firm=firm, spot=np.zeros((problem.regions, hours)))
    usd = (plain.served * problem.demand.sum(2)).sum() + (plain.firm * problem.critical.sum(2)).sum()
    usd += unbought(problem, prices, ever_useful(problem, Arcs.of(problem), np.arange(problem.regions))).sum()
    return float(usd) + hours * base_circuits(problem)


def _alone(usd: Floats, gives: Floats) -> Floats:
    """(R, K) the least that one unit of each resource alone costs; 0 of what nothing gives."""
    usd = np.where(usd > 0, usd, np.inf)  # what is given for nothing is no price of more
    with np.errstate(divide="ignore"):
        each = np.stack([(usd / gives[:, kind]).min(1) for kind in range(gives.shape[1])], axis=1)
    return np.asarray(np.where(np.isfinite(each), each, 0.0))


def _rate(usd: Floats, worth: Floats) -> Floats:
    """(R,) by how much prices may be raised until a type is worth what it costs; 0 where none is worth anything."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(worth > 0, usd / worth, np.inf).min(1)
    return np.asarray(np.where(np.isfinite(rate), rate, 0.0))
