"""Traffic over more paths than one: what a link has no room for goes over others that join the same regions.

A link's traffic takes the link itself as far as its quota and its circuits on offer go. What is more takes the path of
least latency among those whose every link has room to spare, then the next, until all is carried; where that is not
enough, nothing is moved, and the link's shortfall says so. Where prices by the GB are stated, it is the path of least
toll (`planner.tariff`), both ways together. Paths are found anew in each plan: the same question gives
the same paths. (Successive shortest paths, with arcs that send back what earlier ones took: R. K. Ahuja, T. L.
Magnanti, J. B. Orlin, *Network Flows*, 1993.)
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from contracts.capacity import CapacityKind, CircuitTier
from contracts.failover import Reserve
from contracts.names import is_link, link_ends, link_name, pair_name
from contracts.plan import ReasonCode, Requirement
from contracts.resources import CircuitSpec, Purpose, ResourceKind
from planner.circuits import most_gbps
from planner.given import Given
from planner.keys import item_key
from planner.market import Market
from planner.question import Question
from planner.requirements import ELSEWHERE, OF_ANOTHER, own_quantity, rounded, total
from planner.routes import Link
from planner.tariff import joined, tolls

SLACK = 1e-6
"""Gbps that are too few to be moved: what documents round."""

Moved = dict[tuple[str, str], float]
"""Gbps by the link that carries them and the link that they come from: positive where what goes from a to b of the
latter goes from a to b of the former."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What can be had on a link.

    Attributes:
        offers: circuit tiers with their USD per hour; none of those that are given.
        given_gbps: what circuits that are given carry.
        room_gbps: beside them, within the quota.
    """

    offers: tuple[tuple[CircuitTier, float], ...]
    given_gbps: float
    room_gbps: float

    @classmethod
    def of(cls, market: Market, given: Given, link: str, unstated: float = 0.0) -> "Way":
        """Of one link; `unstated` Gbps where its quota is not stated."""
        here = (item.spec for item in given.of(link, ResourceKind.CIRCUIT, Purpose.SERVING))
        return cls(
            offers=_offers(market, given, link),
            given_gbps=float(sum(spec.gbps * spec.count for spec in here if isinstance(spec, CircuitSpec))),
            room_gbps=_room(market, given, link, unstated),
        )

    @property
    def most_gbps(self) -> float:
        """What all circuits together can carry."""
        unlimited = self.offers and math.isinf(self.room_gbps)
        return self.given_gbps + (math.inf if unlimited else most_gbps(self.room_gbps, self.offers))


def over_more_paths(
    question: Question, market: Market, needs: tuple[Requirement, ...], given: Given
) -> tuple[tuple[Requirement, ...], Moved]:
    """What must be met, with what links have no room for asked of other links; and what goes over those, and how.

    Args:
        question: which links are left as they are.
        market: links, their circuits and quotas.
        needs: what must be met.
        given: circuits that are there whatever is asked.
    """
    shared = question.environment.failover.reserve is Reserve.SHARED  # there a quota that is not stated is none

    @cache
    def most(link: str) -> float:
        return Way.of(market, given, link, math.inf if shared else 0.0).most_gbps

    links = tuple(need for need in needs if is_link(need.place))
    short = [need for need in links if not _plenty(market, given, need) and need.quantity > most(need.place) + SLACK]
    if shared:  # a fleet chooses circuits for partners, too: a link that sells none is told
        short = [need for need in short if _offers(market, given, need.place)]
    if not short:
        return needs, {}
    free = carriers(question, market)
    asked = {need.place: need.quantity for need in links}
    spare = {name: most(name) - asked.get(name, 0.0) for name in free}
    moved: Moved = {}
    for need in sorted(short, key=lambda item: (spare.get(item.place, 0.0), item.place)):
        if need.place in free:
            found = paths_beside(free, spare, need.place, need.quantity - most(need.place))
            for name, gbps in found.items():
                spare[name] -= abs(gbps)
                moved[name, need.place] = gbps
    return tuple(_asked_anew(needs, moved, most)), moved


def carriers(question: Question, market: Market) -> Mapping[str, Link]:
    """Links that may carry for others; where prices by the GB are stated, as long as both directions' tolls come to."""
    links = [link for link in joined(question, market) if not question.is_frozen(link_name(link.a, link.b))]
    ways = tolls(question, market, links)
    if ways:
        both = {link: ways[pair_name(link.a, link.b)][0] + ways[pair_name(link.b, link.a)][0] for link in links}
        links = [replace(link, latency_ms=both[link]) for link in links]
    return {link_name(link.a, link.b): link for link in links}


def detoured(needs: Iterable[Requirement]) -> Mapping[str, float]:
    """By link, the Gbps of its own traffic that others carry, less what it carries of others."""
    found = {}
    for need in needs:
        if gbps := own_quantity(need) - need.quantity:
            found[need.place] = gbps
    return found


def _room(market: Market, given: Given, link: str, unstated: float = 0.0) -> float:
    what = link, CapacityKind.GBPS
    return max(0.0, market.available.get(what, unstated) - given.use.get(what, 0.0))


def _offers(market: Market, given: Given, link: str) -> tuple[tuple[CircuitTier, float], ...]:
    """Circuits that are sold on a link, with their USD per hour; none of those that are given."""
    return tuple(
        (tier, usd)
        for tier in market.tiers.values()
        if (usd := market.price(link, tier.name)) is not None
        and item_key(link, ResourceKind.CIRCUIT, Purpose.SERVING, tier.name) not in given.resources
    )


def _plenty(market: Market, given: Given, need: Requirement) -> bool:
    """Whether a link has room for what it must carry and the largest circuit more, of the smallest that are sold."""
    tiers = tuple(market.tiers.values())
    if not tiers or market.price(need.place, tiers[0].name) is None:
        return False
    is_given = item_key(need.place, ResourceKind.CIRCUIT, Purpose.SERVING, tiers[0].name) in given.resources
    return not is_given and need.quantity + tiers[-1].gbps <= _room(market, given, need.place)


def paths_beside(links: Mapping[str, Link], spare: Mapping[str, float], full: str, gbps: float) -> dict[str, float]:
    """Gbps by link of paths that carry so much beside a full link; nothing where they do not carry all of it.

    From a to b of each where it is positive. A later path may send back what an earlier one took of a link: what flows
    through each is the difference.
    """
    others = {name: link for name, link in sorted(links.items()) if name != full and spare[name] > SLACK}
    flows = dict.fromkeys(others, 0.0)  # from a to b
    source, destination = link_ends(full)
    while gbps > SLACK:
        path = _nearest(others, flows, spare, (source, destination))
        if path is None:
            return {}
        most = min(gbps, *(_open(flows[name], spare[name], way) for name, way in path))
        for name, way in path:
            flows[name] += way * most
        gbps -= most
    return {name: flow for name, flow in flows.items() if abs(flow) > SLACK}


def _open(flow: float, spare: float, way: int) -> float:
    """What may still go along a link, `way` 1 from a to b and -1 back: first what comes the other way is sent back."""
    against = -way * flow
    return against if against > SLACK else spare + against


def _nearest(
    links: Mapping[str, Link], flows: Mapping[str, float], spare: Mapping[str, float], ends: tuple[str, str]
) -> tuple[tuple[str, int], ...] | None:
    """Links of the path of least latency that has room, each with its way (Bellman and Ford: sending back saves)."""
    best: dict[str, tuple[float, tuple[tuple[str, int], ...]]] = {ends[0]: (0.0, ())}
    for _ in range(2 * len(links)):
        changed = False
        for name, link in links.items():
            for way, here, there in ((1, link.a, link.b), (-1, link.b, link.a)):
                if here not in best or _open(flows[name], spare[name], way) <= SLACK:
                    continue
                latency = -link.latency_ms if -way * flows[name] > SLACK else link.latency_ms
                ms, path = best[here]
                if ms + latency < best.get(there, (math.inf, ()))[0] - 1e-9:
                    best[there], changed = (ms + latency, (*path, (name, way))), True
        if not changed:
            break
    return best[ends[1]][1] if ends[1] in best else None


def _asked_anew(needs: tuple[Requirement, ...], moved: Moved, most: Callable[[str], float]) -> Iterator[Requirement]:
    """The requirements with what is moved taken off where it comes from, and asked for where it goes."""
    relieved = {of for _, of in moved}
    for need in needs:
        parts = dict(need.parts)
        if need.place in relieved and need.kind is CapacityKind.GBPS:
            parts[ELSEWHERE] = -rounded(need.quantity - most(need.place))
        parts |= {
            OF_ANOTHER + of: rounded(abs(gbps))
            for (carrier, of), gbps in sorted(moved.items())
            if carrier == need.place
        }
        changed = need.model_copy(update={"parts": parts, "quantity": rounded(math.fsum(parts.values()))})
        yield changed if parts != need.parts else need
    known = {need.place for need in needs}
    for carrier in sorted({carrier for carrier, _ in moved} - known):
        parts = {OF_ANOTHER + of: rounded(abs(gbps)) for (at, of), gbps in sorted(moved.items()) if at == carrier}
        first = total(needs, min(of for at, of in moved if at == carrier), CapacityKind.GBPS)
        yield Requirement(
            id=f"{carrier}/{CapacityKind.GBPS}/serving",
            place=carrier,
            kind=CapacityKind.GBPS,
            quantity=rounded(math.fsum(parts.values())),
            code=ReasonCode.DEMAND,
            forecast=first.forecast if first else None,
            parts=parts,
        )
