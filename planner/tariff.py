"""Prices by the GB: what a hop (`fra->ams`) asks for it, and what it comes to with circuits and latency counted.

A hop costs what its pair states, else what the region states that it leaves, else nothing. Whose prices none are stated
of, none of this is read: traffic takes the quickest path then (`planner.routes`).
"""

from collections.abc import Iterable

from contracts.capacity import EGRESS_ITEM, GB_PER_GBPS_HOUR, CapacityKind
from contracts.names import link_name, pair_name
from planner.market import Market
from planner.question import Question
from planner.routes import Link, Routes, Tolls

UNSOLD_USD = 1e6
"""Toll of a link that sells no circuit: taken where there is no other way."""


def joined(question: Question, market: Market) -> tuple[Link, ...]:
    """Links between regions of the environment: no others' networks are planned, so that no path leads through them."""
    regions = {region.name for region in question.environment.regions}
    return tuple(link for link in market.links.values() if regions.issuperset((link.a, link.b)))


def routes_of(question: Question, market: Market) -> Routes:
    """The paths that traffic takes between regions of the environment."""
    links = joined(question, market)
    return Routes(links, tolls(question, market, links))


def egress_price(market: Market, hop: str) -> tuple[str, float] | None:
    """USD for a GB on a hop, and the place that states it; nothing where none does."""
    for place in (hop, hop.partition("->")[0]):
        if (usd := market.price(place, EGRESS_ITEM)) is not None:
            return place, usd
    return None


def tolls(question: Question, market: Market, links: Iterable[Link]) -> Tolls:
    """USD of a GB on each hop: price, circuits as if full and latency; and its price alone. None without a price."""
    if not (market.prices.offers.texts("item").places([EGRESS_ITEM]) >= 0).any():
        return {}
    worth, stated, found = question.environment.costs.latency_usd_per_gb_ms, False, {}
    for link in links:
        circuits = market.unit_price(link_name(link.a, link.b), CapacityKind.GBPS)
        alike = link.latency_ms * worth + (UNSOLD_USD if circuits is None else circuits / GB_PER_GBPS_HOUR)
        for hop in (pair_name(link.a, link.b), pair_name(link.b, link.a)):
            price = egress_price(market, hop)
            stated, usd = stated or price is not None, price[1] if price else 0.0
            found[hop] = alike + usd, usd
    return found if stated else {}
