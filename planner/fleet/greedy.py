"""A fleet without a solver: what is taken when no programme gives an answer that can be trusted.

Every region is backed up by its nearest partners in even shares, by as many as circuits and plain prices say. Instances
are bought by `planner.fleet.basket`. Where a region cannot hold what others would send it, it is left out as a partner.
Work is bounded by counts, and the same problem gives the same fleet.
"""

import numpy as np
from numpy.typing import NDArray

from planner.errors import FleetImpossible
from planner.fleet.basket import Bought, buy
from planner.fleet.choice import loads
from planner.fleet.circuits import circuits_usd, circuits_within
from planner.fleet.offers import first_types
from planner.fleet.plain import PlainPrices, plain_bound, plain_prices
from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, FleetSolution, Floats, Ints
from planner.fleet.rungs import Rung
from planner.fleet.shares import no_shares, overfull

SPREADS = (2, 3, 4, 6)
"""Numbers of partners that are tried for a region: more of them hold less each, over more circuits."""

ROUNDS = 2
"""Times that every region's partners are chosen anew beside everyone else's."""

REPAIRS = 6
"""Times that regions which cannot hold what they should are left out as partners."""

TYPES = 16
"""Types that a region looks at first; all of them where these do not do."""


def greedy_fleet(problem: FleetProblem, *, at_any_cost: bool = False) -> FleetSolution:
    """A whole fleet that keeps every constraint, with a bound in closed form; no price at the margin is known.

    Args:
        problem: what is asked.
        at_any_cost: whether nothing is improved: to see whether there is one, in a third of the time.

    Raises:
        FleetImpossible: a region has too few partners, or none was found to hold what must be held.
    """
    arcs, prices, types = Arcs.of(problem), plain_prices(problem), first_types(problem, TYPES)
    full: frozenset[int] = frozenset()
    for _ in range(REPAIRS):
        shares = _shares(problem, arcs, prices, full)
        held = _held(problem, arcs, shares)
        bought = [
            buy(problem, region, types[region], held[region], at_any_cost=at_any_cost)
            for region in range(problem.regions)
        ]
        lacking = frozenset(region for region, found in enumerate(bought) if found is None)
        if not lacking and len(overfull(problem, shares)):
            raise no_shares(problem)
        if not lacking:
            whole = [found for found in bought if found is not None]
            return _solution(problem, shares, whole, plain_bound(problem, prices))
        if lacking <= full:
            break
        full |= lacking
    raise _impossible(problem, sorted(lacking), types)


def _shares(problem: FleetProblem, arcs: Arcs, prices: PlainPrices, full: frozenset[int]) -> Floats:
    """Shares by arc: each region's nearest partners in even parts, as many as come cheapest beside all others."""
    usd = problem.tier_usd[problem.pair_links[arcs.pair]].min(1)  # circuits cost by distance
    is_full = np.isin(arcs.carrier, sorted(full)) | _narrow(problem, arcs)
    near = [out[np.lexsort((arcs.carrier[out], usd[out], is_full[out]))] for out in arcs.out]
    shares = np.zeros(len(arcs.lost))
    most = problem.partners if problem.partners.size else np.full(problem.regions, len(shares))
    for region, order in enumerate(near):
        _spread(shares, order, min(SPREADS[1], int(most[region])))
    for _ in range(ROUNDS):
        for region, order in enumerate(near):
            open_partners = min(max(2, int((~is_full[order]).sum())), int(most[region]))
            spreads = sorted({min(count, open_partners) for count in SPREADS})
            tried = []
            for count in spreads:
                _spread(shares, order, count)
                tried.append(_usd_about(problem, arcs, prices, shares, region))
            _spread(shares, order, spreads[int(np.argmin(tried))])
    return shares


def _narrow(problem: FleetProblem, arcs: Arcs) -> NDArray[np.bool_]:
    """(2P,) arcs of pairs whose circuits may not carry half of both regions' replication."""
    return np.isin(arcs.pair, problem.narrow_pairs)


def _spread(shares: Floats, order: Ints, count: int) -> None:
    """Puts even shares on the first arcs of an order, and none on the others."""
    shares[order] = 0.0
    shares[order[:count]] = min(MOST_SHARE, 1 / min(count, len(order)))


def _usd_about(problem: FleetProblem, arcs: Arcs, prices: PlainPrices, shares: Floats, region: int) -> float:
    """USD over the horizon, by plain prices, of what a region's partners hold, and of its circuits to them."""
    usd = 0.0
    for carrier in arcs.carrier[arcs.out[region]].tolist():
        claims = arcs.claims(carrier, shares, problem.critical)
        price = np.maximum(prices.served[carrier] + prices.firm[carrier], prices.alone[carrier] / 2)
        usd += float((price[:, None] * claims.max(0, initial=0.0)).sum())
    pairs = arcs.pair[arcs.out[region]]
    links = problem.pair_links[pairs]
    both = (shares.reshape(-1, 2)[pairs] * problem.replication_gbps[problem.pairs[pairs]]).sum(1)
    circuits = circuits_usd(problem.gbps[links] + both, problem.tier_gbps, problem.tier_usd[links])
    return usd + problem.hours * float(circuits.sum())


def _held(problem: FleetProblem, arcs: Arcs, shares: Floats) -> Floats:
    """(R, K, H) what each region must hold firm: its own critical load, and the largest that may come to it."""
    claims = [arcs.claims(region, shares, problem.critical) for region in range(problem.regions)]
    return np.asarray(problem.critical + np.stack([claim.max(0, initial=0.0) for claim in claims]))


def _solution(problem: FleetProblem, shares: Floats, bought: list[Bought], bound: float) -> FleetSolution:
    carried = loads(problem, shares)
    circuits = circuits_within(carried, problem.tier_gbps, problem.tier_usd, problem.link_quotas)
    usd = sum(found.usd for found in bought) + problem.hours * float((problem.tier_usd * circuits).sum())
    return FleetSolution(
        committed=np.stack([found.committed for found in bought]),
        on_demand=np.stack([found.on_demand for found in bought]),
        spot=np.stack([found.spot for found in bought]),
        circuits=circuits,
        shares=shares.reshape(-1, 2),
        usd=usd,
        bound=max(0.0, min(bound, usd)),
        worth=np.zeros_like(problem.demand),
        worth_critical=np.zeros_like(problem.demand),
        rungs=(Rung.GREEDY,),
    )


def _impossible(problem: FleetProblem, lacking: list[int], types: tuple[Ints, ...]) -> FleetImpossible:
    """Whether regions cannot meet their own demand, or not what they would hold for others."""
    alone = [at for at in lacking if buy(problem, at, types[at], problem.critical[at]) is None]
    names = ", ".join(problem.name(at) for at in (alone or lacking)[:5])
    what = "meet their demand" if alone else "hold what they would carry for others"
    return FleetImpossible(
        f"no instances were found with which regions {names} {what} within stock and quotas",
        where=f"region {problem.name((alone or lacking)[0])}",
        expected="stock and quotas for the demand and for what is held for others",
        next_step="raise the quotas, offer more types, or lower the demand they may take",
    )
