"""Pins of what is not there: a key that no resource could have is refused, any other is told in the plan.

What was pinned and is gone stops no plan: the pin keeps nothing, and each plan says so until somebody takes it out. A
key whose place, kind or item does not exist can only be a mistake; it is refused with the nearest key that is there,
because what it was meant for would change.
"""

from collections.abc import Iterable
from itertools import combinations

from contracts.names import link_name
from contracts.resources import Purpose, ResourceKind
from contracts.spelling import likely
from planner.errors import InputsDisagree
from planner.market import Market
from planner.question import Question

OF_PLACE = {ResourceKind.NETWORK: 2, ResourceKind.LINK: 2, ResourceKind.FAILOVER: 3, ResourceKind.ALERT: 3}
"""Parts of a key that names no purpose (`planner.keys`)."""

LEAST_PARTS = 4
"""Parts of any other key: place, kind, purpose, item."""


def missing_pins(question: Question, market: Market) -> tuple[str, ...]:
    """What is pinned and not there, each in words.

    Raises:
        InputsDisagree: a key is pinned that no resource was known by, or could have.
    """
    live = question.live()
    known = live.keys() | question.wanted_earlier().keys() | question.unit_states().keys()
    missing = sorted(set(question.environment.pins) - live.keys())
    for key in missing:
        if key not in known and (why := _impossible(question, market, key)):
            raise InputsDisagree(
                f"{key} is pinned, and there can be no such resource: {why}",
                where="pins",
                expected=likely(key, sorted(live)) or "keys of what exists, as prestage plan tells them",
                next_step="correct it in `pins`, or take it out",
            )
    return tuple(_told(key, live) for key in missing)


def _told(key: str, live: Iterable[str]) -> str:
    near = likely(key, sorted(live))
    return f"{key} is pinned, and is not there{f' ({near})' if near else ''}: the pin keeps nothing"


def _impossible(question: Question, market: Market, key: str) -> str:
    """Why no resource could have a key; empty where one could."""
    place, *parts = key.split("/")
    regions = {region.name for region in question.environment.regions}
    if place not in regions.union(link_name(*ends) for ends in combinations(regions, 2)):
        return f"{place} is no region or link of {question.environment.name}"
    if not parts or parts[0] not in frozenset(ResourceKind):
        return f"kinds are {', '.join(ResourceKind)}"
    kind = ResourceKind(parts[0])
    if kind in OF_PLACE:
        return "" if len(parts) + 1 == OF_PLACE[kind] else f"keys of {kind} have {OF_PLACE[kind]} parts"
    if len(parts) + 1 < LEAST_PARTS or parts[1] not in frozenset(Purpose):
        return f"keys of {kind} are place/{kind}/purpose/item; purposes are {', '.join(Purpose)}"
    items = {
        ResourceKind.COMPUTE: market.shapes,
        ResourceKind.STORAGE: market.storage_classes,
        ResourceKind.CIRCUIT: market.tiers,
    }.get(kind)
    unknown = items is not None and parts[2] not in items
    return f"the catalog has no {parts[2]!r} of {kind}" if unknown else ""
