"""Traffic over more paths than one: what a link has no room for goes over others that join the same regions.

A link's traffic takes the link itself as far as its quota and its circuits on offer go. What is more takes the path of
least latency among those whose every link has room to spare, then the next, until all is carried; where that is not
enough, nothing is moved, and the link's shortfall says so. Paths are found anew in each plan: the same question gives
the same paths. (Successive shortest paths: R. K. Ahuja, T. L. Magnanti, J. B. Orlin, *Network Flows*, 1993.)
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contracts.capacity import CapacityKind, CircuitTier
from contracts.names import is_link, link_ends
from contracts.plan import ReasonCode, Requirement
from contracts.resources import CircuitSpec, Purpose, ResourceKind
from planner.circuits import most_gbps
from planner.curves import joined
from planner.given import Given
from planner.keys import item_key
from planner.market import Market
from planner.question import Question
from planner.requirements import ELSEWHERE, OF_ANOTHER, own_quantity, rounded, total
from planner.routes import Link, Routes, link_of

SLACK = 1e-6
"""Gbps that are too few to be moved: what documents round."""

Moved = dict[tuple[str, str], float]
"""Gbps by the link that carries them and the link that they come from."""


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
    def of(cls, market: Market, given: Given, link: str) -> "Way":
        """Of one link."""
        here = (item.spec for item in given.of(link, ResourceKind.CIRCUIT, Purpose.SERVING))
        offers = (
            (tier, usd)
            for tier in market.tiers.values()
            if (usd := market.price(link, tier.name)) is not None
            and item_key(link, ResourceKind.CIRCUIT, Purpose.SERVING, tier.name) not in given.resources
        )
        return cls(
            offers=tuple(offers),
            given_gbps=float(sum(spec.gbps * spec.count for spec in here if isinstance(spec, CircuitSpec))),
            room_gbps=_room(market, given, link),
        )

    @property
    def most_gbps(self) -> float:
        """What all circuits together can carry."""
        return self.given_gbps + most_gbps(self.room_gbps, self.offers)


def over_more_paths(
    question: Question, market: Market, needs: tuple[Requirement, ...], given: Given
) -> tuple[Requirement, ...]:
    """What must be met, with what links have no room for asked of other links.

    Args:
        question: which links are left as they are.
        market: links, their circuits and quotas.
        needs: what must be met.
        given: circuits that are there whatever is asked.
    """
    largest = max((tier.gbps for tier in market.tiers.values()), default=0)
    crowded = (
        need for need in needs if is_link(need.place) and need.quantity + largest > _room(market, given, need.place)
    )
    short = [need for need in crowded if need.quantity > _most(market, given, need.place) + SLACK]
    if not short:
        return needs
    own = joined(question, market)
    free = {name: link for name, link in market.links.items() if link in own and not question.is_frozen(name)}
    asked = {need.place: need.quantity for need in needs if is_link(need.place)}
    spare = {name: _most(market, given, name) - asked.get(name, 0.0) for name in free}
    moved: Moved = {}
    for need in sorted(short, key=lambda item: (spare.get(item.place, 0.0), item.place)):
        if need.place in free:
            found = _paths(free, spare, need.place, need.quantity - _most(market, given, need.place))
            for name, gbps in found.items():
                spare[name] -= gbps
                moved[name, need.place] = gbps
    return tuple(_asked_anew(needs, moved))


def detoured(needs: Iterable[Requirement]) -> Mapping[str, float]:
    """By link, the Gbps of its own traffic that others carry, less what it carries of others."""
    found = {}
    for need in needs:
        if gbps := own_quantity(need) - need.quantity:
            found[need.place] = gbps
    return found


def _room(market: Market, given: Given, link: str) -> float:
    what = link, CapacityKind.GBPS
    return max(0.0, market.available.get(what, 0.0) - given.use.get(what, 0.0))


def _most(market: Market, given: Given, link: str) -> float:
    return Way.of(market, given, link).most_gbps


def _paths(links: Mapping[str, Link], spare: Mapping[str, float], full: str, gbps: float) -> dict[str, float]:
    """Gbps by link of paths that carry so much beside a full link; nothing where they do not carry all of it."""
    left, taken = dict(spare), dict[str, float]()
    source, destination = link_ends(full)
    while gbps > SLACK:
        free = [facts for name, facts in links.items() if name != full and left[name] > SLACK]
        route = Routes(free).between(source, destination)
        if route is None:
            return {}
        hops = [link_of(hop) for hop in route.hops]
        most = min(gbps, *(left[name] for name in hops))
        for name in hops:
            left[name] -= most
            taken[name] = taken.get(name, 0.0) + most
        gbps -= most
    return taken


def _asked_anew(needs: tuple[Requirement, ...], moved: Moved) -> Iterator[Requirement]:
    """The requirements with what is moved taken off where it comes from, and asked for where it goes."""
    gone = {of: 0.0 for _, of in sorted(moved)}
    for (carrier, of), gbps in sorted(moved.items()):
        gone[of] += gbps if link_ends(of)[0] in link_ends(carrier) else 0.0  # every path leaves from there once
    for need in needs:
        parts = dict(need.parts)
        if need.place in gone:
            parts[ELSEWHERE] = -rounded(gone[need.place])
        parts |= {
            OF_ANOTHER + of: rounded(gbps) for (carrier, of), gbps in sorted(moved.items()) if carrier == need.place
        }
        changed = need.model_copy(update={"parts": parts, "quantity": rounded(math.fsum(parts.values()))})
        yield changed if parts != need.parts else need
    known = {need.place for need in needs}
    for carrier in sorted({carrier for carrier, _ in moved} - known):
        parts = {OF_ANOTHER + of: rounded(gbps) for (at, of), gbps in sorted(moved.items()) if at == carrier}
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
