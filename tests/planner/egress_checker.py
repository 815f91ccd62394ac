"""Judges what a plan says of traffic that is paid for by the GB, out of contracts alone.

Prices from the snapshot's offers; what is expected from the forecast's own tables; each pair's traffic followed from
its source to its destination; the path of each held against the cheapest (Bellman 1958). GB are 10^9 bytes.
"""

from collections import defaultdict
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from contracts.names import link_name, pair_ends
from contracts.plan import Plan
from contracts.resources import Purchase
from contracts.series import Granularity, SeriesKind
from tests.planner.plan_breach import SLIGHT, Breach, Rule
from tests.planner.plan_facts import Asked, shares_of

Hop = tuple[str, str]

SECONDS, BITS = 3600, 8
DRAWN = [(at + 0.5) / 200 for at in range(200)]


def egress_prices(asked: Asked) -> dict[Hop, float]:
    """USD by the GB of every hop between regions of the environment: of the pair, else of the region; 0 without."""
    said = {
        offer.place: offer.usd_per_hour
        for offer in asked.capacity.offers
        if offer.item == "egress_gb" and offer.purchase is Purchase.ON_DEMAND
    }
    mine, hops = {region.name for region in asked.environment.regions}, []
    for link in asked.capacity.links:
        hops += [(link.a, link.b), (link.b, link.a)] if mine.issuperset((link.a, link.b)) else []
    found = {(a, b): said.get(f"{a}->{b}", said.get(a)) for a, b in hops}
    stated = any(price is not None for price in found.values())
    return {hop: price or 0.0 for hop, price in found.items()} if stated else {}


def tolls(asked: Asked) -> dict[Hop, float]:
    """USD that a GB comes to on every hop: its price, the cheapest circuit as if full, and what its time is worth."""
    gbps = {tier.name: tier.gbps for tier in asked.catalog.circuit_tiers}
    ms = {link_name(link.a, link.b): link.latency_ms for link in asked.capacity.links}
    found = {}
    for (a, b), price in egress_prices(asked).items():
        sold = [
            offer.usd_per_hour / gbps[offer.item] / (1e9 / BITS * SECONDS / 1e9)
            for offer in asked.capacity.offers
            if offer.place == link_name(a, b) and offer.item in gbps
        ]
        found[a, b] = (
            price + ms[link_name(a, b)] * asked.environment.costs.latency_usd_per_gb_ms + min(sold, default=1e6)
        )
    return found


def cheapest(known: dict[Hop, float], source: str) -> dict[str, tuple[float, tuple[Hop, ...]]]:
    """The least that a GB comes to from one region to every other, and on which way."""
    found: dict[str, tuple[float, tuple[Hop, ...]]] = {source: (0.0, ())}
    for _ in known:
        for (a, b), toll in sorted(known.items()):
            if a in found and found[a][0] + toll < found.get(b, (np.inf, ()))[0] - 1e-12:
                found[b] = found[a][0] + toll, (*found[a][1], (a, b))
    return found


def way(asked: Asked, source: str, destination: str) -> tuple[Hop, ...]:
    """The hops of a pair where prices are stated: its own link, or the cheapest way if that asks less by the GB."""
    prices, known = egress_prices(asked), tolls(asked)
    own, best = (source, destination), cheapest(known, source).get(destination)
    if best is None:
        return (own,)
    less = best[0] < known.get(own, np.inf) - 1e-12 and sum(prices[hop] for hop in best[1]) < prices.get(own, np.inf)
    return best[1] if less else (own,)


def expected(asked: Asked) -> dict[str, float]:
    """Gbps of every pair: the mean of what is forecast over the hours that a plan holds."""
    scores = [NormalDist().inv_cdf(level) for level in asked.forecast.document.levels]
    drawn = [NormalDist().inv_cdf(level) for level in DRAWN]
    found = {}
    for (key, granularity), table in asked.forecast.values.items():
        if key.kind is SeriesKind.TRAFFIC and granularity is Granularity.HOURLY:
            hours = table[: asked.environment.horizons.validity_hours]
            found[key.subject] = float(np.mean([np.interp(drawn, scores, row) for row in hours]))
    return found


def egress_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """Each hop's price and cost, all of them together, and every pair's traffic on its way."""
    prices = egress_prices(asked)
    for row in plan.egress:
        usd = prices.get(pair_ends(row.hop), 0.0)
        paid = row.gbps * 1e9 / BITS * SECONDS / 1e9 * usd
        if abs(usd - row.usd_per_gb) > SLIGHT or abs(paid - row.usd_per_hour) > 1e-3:
            said = f"USD {row.usd_per_hour:g} an hour at {row.usd_per_gb:g}, {row.gbps:g} gbps at {usd:g} are {paid:g}"
            yield Breach(rule=Rule.EGRESS, where=row.hop, what=said)
        if abs(sum(row.parts.values()) - row.gbps) > 1e-4:
            yield Breach(rule=Rule.EGRESS, where=row.hop, what=f"{row.gbps:g} gbps are stated, parts are {row.parts}")
    total = sum(row.usd_per_hour for row in plan.egress)
    if abs(total - plan.cost.egress_usd_per_hour) > 1e-3:
        said = f"USD {plan.cost.egress_usd_per_hour:g} an hour are stated, hops add up to {total:g}"
        yield Breach(rule=Rule.EGRESS, where="plan", what=said)
    if prices or plan.egress:
        yield from _ways(asked, plan)


def _ways(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """What leaves each region less what comes there, of every pair and of every region's copies; and their ways."""
    mine = {region.name for region in asked.environment.regions}
    wanted = {pair: gbps for pair, gbps in expected(asked).items() if mine.issuperset(pair_ends(pair))}
    for region, shares in shares_of(plan).items():
        each = asked.environment.replication_gbps_of(region)
        wanted |= {f"replication {region}->{partner}": each * share for partner, share in shares.items() if each}
    carried: dict[str, dict[Hop, float]] = defaultdict(dict)
    for row in plan.egress:
        for what, gbps in row.parts.items():
            carried[what][pair_ends(row.hop)] = gbps
    full = {need.place for need in plan.requirements if need.parts.get("over other paths")}
    for what, gbps in sorted(wanted.items()):
        ends = pair_ends(what.removeprefix("replication "))
        left: dict[str, float] = defaultdict(float)
        for (a, b), amount in carried[what].items():
            left[a] += amount
            left[b] -= amount
        left[ends[0]] -= gbps
        left[ends[1]] += gbps
        if any(abs(amount) > 1e-4 + 1e-5 * gbps for amount in left.values()):
            said = f"{gbps:g} gbps from {ends[0]} to {ends[1]}: hops carry {dict(carried[what])}"
            yield Breach(rule=Rule.EGRESS, where=what, what=said)
        hops = way(asked, *ends)
        if carried[what] and not any(link_name(*hop) in full for hop in hops) and set(hops) != set(carried[what]):
            yield Breach(rule=Rule.EGRESS, where=what, what=f"goes over {sorted(carried[what])}, {hops} cost less")
