"""Copies of what regions hold, at the partners that carry their load: what they cost by the GB, what circuits carry.

A region sends `replication_gbps` to all its partners together, to each as its share. They take the path that traffic
takes. What they cost by the GB weighs in the choice of partners; circuits for them are asked of links once partners are
chosen. Where the reserve is shared, both are decided with the fleet (`planner.fleet`).
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from contracts.capacity import GB_PER_GBPS_HOUR, CapacityKind
from contracts.plan import ReasonCode, Requirement
from contracts.resources import FailoverSpec, Purpose, ResourceKind
from planner.given import Given
from planner.market import Market
from planner.question import Question
from planner.requirements import COPIES, rounded
from planner.routes import Routes, link_of
from planner.sites import SHARE_STEPS, Site
from planner.tariff import egress_price, joined, routes_of, tolls

Shares = Mapping[tuple[str, str], int]
"""Twentieths by region and partner of what given entries leave."""


def with_copies(question: Question, market: Market, given: Given, sites: Sequence[Site]) -> tuple[Site, ...]:
    """The sites with what it costs by the GB to send all copies to each partner; the cheapest partners first.

    A partner's place in the order is that of its vCPU, with what copies cost by the vCPU that they are of.
    """
    sends = any(region.replication_gbps for region in question.environment.regions)
    if not sends or not tolls(question, market, joined(question, market)):
        return tuple(sites)
    routes = routes_of(question, market)
    return tuple(_priced(question, market, given, (site, routes)) for site in sites)


def copied(
    question: Question, market: Market, asked: tuple[tuple[Requirement, ...], Given], shares: Shares
) -> tuple[Requirement, ...]:
    """What must be met, with the copies that links must carry to partners; what is left as it is carries what it does.

    Args:
        question: who sends how much.
        market: links.
        asked: what must be met besides, and what is given: failover entries among it.
        shares: who carries what of it.
    """
    needs, given = asked
    parts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    if not any(region.replication_gbps for region in question.environment.regions):
        return needs
    routes = routes_of(question, market)
    for region, partner, gbps in _sent(question, given, shares):
        route = routes.between(region, partner)
        for hop in route.hops if route else ():
            if not question.is_frozen(link_of(hop)):
                parts[link_of(hop)][COPIES + region] += gbps
    known = {need.place for need in needs if need.kind is CapacityKind.GBPS}
    alone = [_of_copies(link, parts[link]) for link in sorted(parts.keys() - known)]
    return (*(_more(need, parts[need.place]) if need.place in parts else need for need in needs), *alone)


def _sent(question: Question, given: Given, shares: Shares) -> Iterator[tuple[str, str, float]]:
    """Gbps from each region to each partner: by entries that are given, and by what is chosen of the rest."""
    for region in sorted(region.name for region in question.environment.regions if region.replication_gbps):
        gbps, fixed = question.environment.replication_gbps_of(region), _fixed(given, region)
        yield from ((region, partner, gbps * share) for partner, share in sorted(fixed.items()))
        left = gbps * (1 - sum(fixed.values())) / SHARE_STEPS
        yield from ((of, partner, left * steps) for (of, partner), steps in sorted(shares.items()) if of == region)


def _fixed(given: Given, region: str) -> dict[str, float]:
    entries = (item.spec for item in given.of(region, ResourceKind.FAILOVER, Purpose.SUPPORT))
    return {spec.partner: spec.share for spec in entries if isinstance(spec, FailoverSpec)}


def _priced(question: Question, market: Market, given: Given, where: tuple[Site, Routes]) -> Site:
    site, routes = where
    gbps = question.environment.replication_gbps_of(site.region) * (1 - sum(_fixed(given, site.region).values()))
    if gbps <= 0:
        return site
    usd = {}
    for partner in site.partners:
        route = routes.between(site.region, partner)
        prices = [egress_price(market, hop) for hop in route.hops] if route else []
        usd[partner] = gbps * GB_PER_GBPS_HOUR * sum(price[1] for price in prices if price)

    def by_vcpu(partner: str) -> tuple[float, str]:
        alone = market.unit_price(partner, CapacityKind.VCPU)
        more = usd[partner] / site.critical.vcpu if site.critical.vcpu else 0.0
        return math.inf if alone is None else alone + more, partner

    return replace(site, copies_usd=usd, partners=tuple(sorted(site.partners, key=by_vcpu)))


def _more(need: Requirement, parts: Mapping[str, float]) -> Requirement:
    if need.kind is not CapacityKind.GBPS:
        return need
    told = need.parts | {name: rounded(gbps) for name, gbps in parts.items()}
    return need.model_copy(
        update={"parts": told, "quantity": rounded(need.quantity + sum(map(rounded, parts.values())))}
    )


def _of_copies(link: str, parts: Mapping[str, float]) -> Requirement:
    """What a link must carry that no traffic takes."""
    return Requirement(
        id=f"{link}/{CapacityKind.GBPS}/serving",
        place=link,
        kind=CapacityKind.GBPS,
        quantity=rounded(sum(map(rounded, parts.values()))),
        code=ReasonCode.FAILOVER,
        parts={name: rounded(gbps) for name, gbps in parts.items()},
    )
