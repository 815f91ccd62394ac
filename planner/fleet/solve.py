"""From a problem to a whole fleet with its bound: relaxation, shares for whole circuits, whole instances.

Work is bounded by counts, never by time, and threads only share it out: the same problem gives the same fleet on any
number of cores.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter

import numpy as np

from planner.errors import FleetImpossible, FleetTooFar
from planner.fleet.again import fleet_usd, moved, whole_fleet
from planner.fleet.bound import Certificate, certificate_of, certified_usd
from planner.fleet.choice import Chosen, improve, loads, sloped, whole_circuits_usd
from planner.fleet.circuits import circuits_within
from planner.fleet.exact import Counts, is_small, solve_exactly
from planner.fleet.just_fit import fitted
from planner.fleet.moves import Calm
from planner.fleet.offers import Prices
from planner.fleet.partners import few_partners, too_many
from planner.fleet.problem import Arcs, FleetProblem, FleetSolution, Floats
from planner.fleet.proof import packed
from planner.fleet.region import RegionAnswer
from planner.fleet.relaxed import Relaxation, prices_of, relax
from planner.fleet.rungs import Rung
from planner.fleet.shares import overfull
from planner.fleet.shift import Spare, gathered
from planner.fleet.tight import is_short, until_held, without_lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work is done.

    Attributes:
        passes: of the relaxation; each brings bound and shares nearer to one another.
        turns: of the search for shares.
        exact: whether a small fleet is solved as one programme as well.
        threads: that regions are shared out over; no part of the result.
    """

    passes: int = 14
    turns: int = 3
    exact: bool = True
    threads: int = 2


ROUNDING_ALONE = Effort(passes=2, turns=0, exact=False)
"""The rung below the decomposition (`planner.fleet.rungs`): no search for shares, no programme of whole numbers."""


def solve_fleet(problem: FleetProblem, effort: Effort = Effort()) -> FleetSolution:
    """The cheapest whole fleet that is found, and a bound that no fleet lies below.

    Raises:
        FleetImpossible: a region has too few partners, or cannot meet its demand within its stock.
        SolverCrashed: HiGHS gave no answer.
    """
    try:
        found, certificate = solve_proven(problem, effort)
        return replace(_gathered(problem, found), proof=packed(problem, certificate))
    except FleetImpossible as refused:
        if effort.exact and is_small(problem):
            return _programme_alone(problem, refused, effort)
        raise


def solve_proven(problem: FleetProblem, effort: Effort = Effort()) -> tuple[FleetSolution, Certificate]:
    """The same, with the prices that prove its bound: for planning it again (`planner.fleet.again`)."""
    found, certificate, prices = _decomposed(problem, effort)
    found = _polished(problem, found)
    try:
        exact = solve_exactly(problem) if effort.exact and is_small(problem) else None
    except FleetImpossible:  # by its tolerance; there is one by ours
        exact = None
    if exact is None:
        return found, certificate
    if len(too_many(problem, exact[0][3])):  # by what its programme lets pass: what it proves holds all the same
        return replace(found, bound=min(found.usd, max(found.bound, exact[1]))), certificate
    counts, proven = exact
    better = _solution(problem, counts, max(found.bound, proven), prices)
    found = better if better.usd < found.usd else replace(found, bound=min(found.usd, max(found.bound, proven)))
    return found, certificate


def _decomposed(problem: FleetProblem, effort: Effort) -> tuple[FleetSolution, Certificate, Prices]:
    """A whole fleet by decomposition, what proves its bound, and its prices; all programmes are let go again."""
    with ThreadPoolExecutor(effort.threads) as pool:
        relaxation = Relaxation.start(problem)
        shares = relax(relaxation, effort.passes, pool)
        certificate, bound = _bound(relaxation)
        shares, answers = _choose(relaxation, shares, (effort.turns, pool))
        if len(too_many(problem, shares)):
            shares, closed = few_partners(problem, relaxation.arcs, shares)
            relaxation.shares.close(closed)
            turns = 0 if len(overfull(problem, shares)) else max(2, effort.turns)
            shares, answers = _choose(relaxation, shares, (turns, pool))
        shares, answers, more = until_held(relaxation, (shares, answers), pool)
        if more:
            again = _choose(relaxation, shares, (effort.turns, pool))  # its circuits were not looked at yet
            worse = any(map(is_short, again[1])) or len(too_many(problem, again[0])) or len(overfull(problem, again[0]))
            shares, answers = (shares, answers) if worse else again
            certificate, bound = max(_bound(relaxation), (certificate, bound), key=itemgetter(1))
        shares, answers, counts = fitted(relaxation, (shares, answers), pool)
    prices = prices_of(answers)
    return _solution(problem, (*counts, shares), bound, prices), certificate, prices


def _programme_alone(problem: FleetProblem, refused: FleetImpossible, effort: Effort) -> FleetSolution:
    """A small fleet whose limits are too tight for anything but whole numbers, at the prices of its relaxation.

    Raises:
        FleetImpossible: there is none, as was said before.
    """
    try:
        exact = solve_exactly(problem)
    except FleetImpossible as error:
        raise refused from error
    if exact is None:
        raise refused
    counts, proven = exact
    with ThreadPoolExecutor(effort.threads) as pool:
        relaxation = Relaxation.start(problem)
        relax(relaxation, effort.passes, pool)
        certificate, bound = _bound(relaxation)
        prices = prices_of(relaxation.ask(counts[3], pool))
    found = _solution(problem, counts, max(0.0, bound, proven), prices)
    rungs = (f"{Rung.DECOMPOSITION}: {refused.what}", Rung.PROGRAMME)
    return replace(_gathered(problem, found), proof=packed(problem, certificate), rungs=rungs)


def _solution(problem: FleetProblem, counts: Counts, bound: float, prices: Prices) -> FleetSolution:
    committed, on_demand, spot, shares = counts
    carried = loads(problem, shares)
    circuits = circuits_within(carried, problem.tier_gbps, problem.tier_usd, problem.link_quotas)
    found = FleetSolution(
        committed=committed,
        on_demand=on_demand,
        spot=spot,
        circuits=circuits,
        shares=shares.reshape(-1, 2),
        usd=0.0,
        bound=bound,
        worth=prices.served.transpose(0, 2, 1),
        worth_critical=prices.firm.transpose(0, 2, 1),
    )
    usd = fleet_usd(problem, found)
    return replace(found, usd=usd, bound=min(bound, usd))


def _polished(problem: FleetProblem, found: FleetSolution) -> FleetSolution:
    """The fleet after all small moves that pay, as if it stood and moving were free."""
    try:
        work = moved(problem, found, Arcs.of(problem), np.arange(problem.regions), Calm(move_share=0.0))
    except FleetTooFar:  # types that moves do not look at
        return found
    better = whole_fleet(work, np.arange(len(problem.gbps)))
    usd = fleet_usd(problem, better)
    return replace(better, usd=usd, bound=min(found.bound, usd)) if usd < found.usd else found


def _gathered(problem: FleetProblem, found: FleetSolution) -> FleetSolution:
    """The same instances with as few partners for each region as they will do for; circuits may be fewer."""
    arcs, shares = Arcs.of(problem), found.shares.reshape(-1)
    firm = np.einsum("tk,rth->rkh", problem.gives, found.committed[:, :, None] + found.on_demand) - problem.critical
    spare = Spare(
        problem=problem,
        arcs=arcs,
        firm=firm,
        gbps=found.circuits @ problem.tier_gbps - problem.gbps,
        lumpy=np.zeros(firm.shape[:2], dtype=bool),
        worth=found.worth_critical,
    )
    for region in range(problem.regions):
        if arcs.losses:  # what others of its domain bring comes with it
            beside = np.flatnonzero((problem.domain[arcs.lost] == problem.domain[region]) & (arcs.lost != region))
            left = firm.copy()
            np.subtract.at(left, arcs.carrier[beside], shares[beside, None, None] * problem.critical[arcs.lost[beside]])
            spare = replace(spare, firm=left)
        shares = gathered(spare, shares, region)
    circuits = circuits_within(loads(problem, shares), problem.tier_gbps, problem.tier_usd, problem.link_quotas)
    better = replace(found, shares=shares.reshape(-1, 2), circuits=circuits)
    usd = fleet_usd(problem, better)
    return replace(better, usd=usd, bound=min(found.bound, usd))


def _bound(relaxation: Relaxation) -> tuple[Certificate, float]:
    known, problem, arcs = relaxation.shares, relaxation.problem, relaxation.arcs
    known.solve()
    weights = known.weights()
    tried = [weights]
    if any(program.elastic for program in relaxation.regions):
        tried.append(replace(weights, cuts=without_lacking(problem, known.cuts, weights.cuts)))
    found = [certificate_of(problem, arcs, (known.cuts, known.hulls), each) for each in tried]
    best = [(certified_usd(problem, arcs, certificate, relaxation.useful), certificate) for certificate in found]
    usd, certificate = max(best, key=itemgetter(0))
    return certificate, usd


def _choose(
    relaxation: Relaxation, shares: Floats, work: tuple[int, ThreadPoolExecutor]
) -> tuple[Floats, list[RegionAnswer]]:
    """The best shares, at first or after any turn, by what regions and whole circuits really cost; and the answers."""
    turns, pool = work
    chosen = Chosen(shares, relaxation.ask(shares, pool))
    found = [chosen, *(sloped(relaxation, chosen, pool) if turns else ())]
    best = min(found, key=partial(_usd, relaxation))
    chosen = best
    for turn in range(turns):
        chosen = improve(relaxation, chosen, pool, turn)
        best = min(best, chosen, key=partial(_usd, relaxation))
    return best.shares, best.answers


def _usd(relaxation: Relaxation, chosen: Chosen) -> float:
    problem = relaxation.problem
    return sum(answer.usd for answer in chosen.answers) + problem.hours * whole_circuits_usd(problem, chosen.shares)
