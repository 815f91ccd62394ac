"""What a fleet would cost at least without failover, and with one-to-one pairs: to see what spread failover costs.

Both are sums of the regions' relaxations (`plan_region_lp`) and of whole circuits, which are exact for given shares. No
failover: a lower bound on every plan that gives up all partners. One-to-one: the same for the pairs that a matching
chooses, the cheapest by the regions' going rates; a region that cannot be paired has its load on its cheapest partner.
"""

from dataclasses import dataclass

import highspy
import numpy as np

from benchmarks.plan_circuits import Circuits
from benchmarks.plan_partners import Partners
from benchmarks.plan_problem import Floats, Ints, Problem, real
from benchmarks.plan_region_lp import least, region_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """USD at least, of machines and of circuits."""

    machines_usd: float
    circuits_usd: float


def no_failover(problem: Problem) -> Least:
    """When only each region's own demand and critical load are to be met and nothing is replicated."""
    return _least(problem, real(problem, "C"), Circuits(problem).reserved)


def machines(problem: Problem, firm: Floats) -> Floats:
    """USD of each region at least [R], for what must be firm [R, K, H]."""
    return np.array([least(region_of(problem, at, firm[at])).usd for at in range(len(firm))])


def one_to_one(problem: Problem) -> Least:
    """When each region's whole load is on one partner, and the other's on it."""
    partners = Partners(problem)
    partners.reckon(np.zeros(len(partners.lost)), machines(problem, real(problem, "C")))
    share = matched(partners)
    return _least(problem, partners.firm(share), Circuits(problem).wanted(problem, share.reshape(2, -1).T))


def _least(problem: Problem, firm: Floats, gbps: Floats) -> Least:
    links = Circuits(problem)
    usd = links.hours * float(np.sum(links.cheapest(gbps) * links.hourly_usd))
    return Least(machines_usd=float(machines(problem, firm).sum()), circuits_usd=usd)


def matched(partners: Partners) -> Floats:
    """Shares of the directed pairs, each 0 or 1: of the largest matchings the cheapest, as a whole-number program."""
    half, regions = len(partners.lost) // 2, len(partners.of)
    alone = partners.reckoned(np.zeros(2 * half))
    usd = np.array([partners.change(alone, {one: 1.0}) for one in range(2 * half)])
    first = np.array([mine[usd[mine].argmin()] for mine in partners.of])
    both = np.array([partners.change(alone, {one: 1.0, one + half: 1.0}) for one in range(half)])
    beyond = 1e3 * float(np.abs(both).max())
    chosen = _matching((partners.lost[:half], partners.helper[:half]), both, usd[first] + beyond)
    share = np.zeros(2 * half)
    for one in np.flatnonzero(chosen[:half]):
        share[[one, one + half]] = 1.0
    share[first[chosen[half:] > 0]] = 1.0
    assert len(chosen) == half + regions
    return share


def _matching(ends: tuple[Ints, Ints], usd: Floats, usd_alone: Floats) -> Floats:
    """Which pairs [P], then which regions are left over [R]."""
    half, regions = len(usd), len(usd_alone)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = half + regions, regions
    lp.col_cost_ = np.concatenate([usd, usd_alone])
    lp.col_lower_, lp.col_upper_ = np.zeros(half + regions), np.ones(half + regions)
    lp.row_lower_ = lp.row_upper_ = np.ones(regions)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * (half + regions)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([2 * np.arange(half), 2 * half + np.arange(regions + 1)])
    lp.a_matrix_.index_ = np.concatenate([np.stack(ends, axis=1).ravel(), np.arange(regions)])
    lp.a_matrix_.value_ = np.ones(2 * half + regions)
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"the matching: {solver.modelStatusToString(solver.getModelStatus())}")
    return np.round(np.array(solver.getSolution().col_value))
