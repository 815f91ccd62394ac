"""Copies of what regions hold, at the partners that carry their load: what they cost by the GB, what circuits carry.

A region sends `replication_gbps` to all its partners together, to each as its share. They take the path that traffic
takes. What they cost by the GB weighs in the choice of partners; circuits for them are asked of links once partners are
chosen, and of partners that links have no room to copy to, others are taken where there are any. Where the reserve is
shared, all is decided with the fleet (`planner.fleet`).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from contracts.capacity import GB_PER_GBPS_HOUR, CapacityKind
from contracts.names import is_link, link_ends
from contracts.plan import ReasonCode, RefusalCode, RefusedAlternative, Requirement
from contracts.resources import FailoverSpec, Purpose, ResourceKind
from planner.detours import SLACK, Moved, Way, over_more_paths
from planner.given import Given
from planner.market import Market
from planner.placement import Lacking, Placement
from planner.question import Question
from planner.requirements import COPIES, rounded
from planner.routes import Routes, link_of
from planner.sites import SHARE_STEPS, Site
from planner.tariff import egress_price, routes_of

Shares = Mapping[tuple[str, str], int]
"""Twentieths by region and partner of what given entries leave."""

TRIES = 8
"""Placements that are made, each without the partners that links had no room to copy to."""


class Copied(NamedTuple):
    """A placement, and what links are asked with the copies that go with it: before detours, with them, and those."""

    placement: Placement
    sites: tuple[Site, ...]
    asked: tuple[Requirement, ...]
    needs: tuple[Requirement, ...]
    moved: Moved


def place_with_copies(
    question: Question,
    market: Market,
    known: tuple[tuple[Requirement, ...], Given],
    sites: tuple[Site, ...],
    place: Callable[[tuple[Site, ...]], Placement | Lacking],
) -> Copied | Lacking:
    """A placement whose copies links have room for, or where none is found, the one that is best without looking.

    Args:
        question: who sends how much.
        market: links, their circuits and quotas.
        known: what must be met besides, and what is given.
        sites: regions.
        place: places compute.
    """
    first: Copied | None = None
    for _ in range(TRIES):
        placement = place(sites)
        if isinstance(placement, Lacking):
            return first or placement
        asked = copied(question, market, known, placement.shares)
        found = Copied(placement, sites, asked, *over_more_paths(question, market, asked, known[1]))
        first, barred = first or found, _barred(question, market, found, known[1])
        if barred is None:
            return found
        sites = tuple(_without(site, barred.get(site.region, {})) for site in sites)
        if sites == found.sites:
            return first
    assert first is not None  # it was tried
    return first


def _barred(
    question: Question, market: Market, found: Copied, given: Given
) -> dict[str, dict[str, RefusedAlternative]] | None:
    """By region, partners that links have no room to copy to, the most Gbps first; None where there is room for all."""
    barred: dict[str, dict[str, RefusedAlternative]] = {}
    links = [need for need in found.needs if is_link(need.place)]
    if not any(name.startswith(COPIES) for need in links for name in need.parts):
        return None
    most = {need.place: Way.of(market, given, need.place).most_gbps for need in links}
    short, routes = [need for need in links if need.quantity > most[need.place] + SLACK], routes_of(question, market)
    left = {site.region: len(site.partners) - 1 for site in found.sites}
    for need in short:
        lacks = need.quantity - most[need.place]
        for gbps, region, partner in _over(question, (routes, need.place), found.placement.shares, given):
            if lacks > SLACK and left.get(region, 0) > 0 and partner not in barred.get(region, {}):
                lacks, left[region] = lacks - gbps, left[region] - 1
                barred.setdefault(region, {})[partner] = RefusedAlternative(
                    candidate=partner,
                    code=RefusalCode.NO_CAPACITY,
                    limit=rounded(most[need.place]),
                    value=need.quantity,
                    unit=f"{CapacityKind.GBPS} on {need.place}",
                )
    return barred if short else None


def _over(question: Question, where: tuple[Routes, str], shares: Shares, given: Given) -> list[tuple[float, str, str]]:
    """What was chosen to be copied over a link, else beside it, where detours begin: Gbps, from, to; the most first."""
    routes, link = where
    over, beside = [], []
    for region, partner, gbps in _sent(question, given, shares):
        route = routes.between(region, partner)
        links = {link_of(hop) for hop in route.hops} if route and gbps > 0 and (region, partner) in shares else set()
        if link in links:
            over.append((gbps, region, partner))
        elif any(not set(link_ends(link)).isdisjoint(link_ends(other)) for other in links):
            beside.append((gbps, region, partner))
    return sorted(over or beside, key=lambda item: (-item[0], *item[1:]))


def _without(site: Site, barred: Mapping[str, RefusedAlternative]) -> Site:
    if not barred:
        return site
    left = tuple(partner for partner in site.partners if partner not in barred)
    return replace(site, partners=left, barred={**site.barred, **barred})


def with_copies(question: Question, market: Market, given: Given, sites: Sequence[Site]) -> tuple[Site, ...]:
    """The sites with what it costs by the GB to send all copies to each partner; the cheapest partners first.

    A partner's place in the order is that of its vCPU, with what copies cost by the vCPU that they are of.
    """
    sends = any(region.replication_gbps for region in question.environment.regions)
    if not sends or not (routes := routes_of(question, market)).priced:
        return tuple(sites)
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
