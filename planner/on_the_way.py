"""Blocks that earlier plans ordered and that cannot be handed out yet, as `horizons.lead_hours` says.

A plan writes down when each of them will be there, and the next one takes that on; so no more is known of them than the
plan that was applied last says. What is live and not in it is there.
"""

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_network

from contracts.resources import BlockSpec
from planner.address_stock.lengths import Length
from planner.question import TAKEN, Question


def on_the_way(question: Question, region: str) -> dict[Length, dict[str, datetime]]:
    """When live blocks of a region that nobody has will be there, by length and key; those that are there left out."""
    found: dict[Length, dict[str, datetime]] = {}
    for key, spec, ready_at in sorted(_ordered(question, region)):
        network = ip_network(spec)
        found.setdefault((network.version, network.prefixlen), {})[key] = ready_at
    return found


def _ordered(question: Question, region: str) -> Iterator[tuple[str, str, datetime]]:
    """Key, prefix, and when it is there."""
    live, states = question.live(), question.unit_states()
    for item in question.earlier.resources if question.earlier else ():
        key, spec, ready_at = item.resource.key, item.resource.spec, item.ready_at
        if item.resource.place != region or not isinstance(spec, BlockSpec) or ready_at is None:
            continue
        if ready_at > question.now and key in live and states.get(key) not in TAKEN:
            yield key, spec.prefix, ready_at
