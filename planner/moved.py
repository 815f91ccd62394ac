"""Demand as it is served: a region's own less what other regions serve of it, and what it serves of theirs.

Hour by hour, so that peaks of different time zones add up as they come. Of each region's curve the same share of every
hour, kind and quantile moves, so that what leaves one region is what comes to another. Quantiles of several regions are
added up, which is what comes where all of them peak together: never too little.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from contracts.capacity import CapacityKind
from contracts.preference import ANOTHER_HOUR, CARRIED_FOR, DEMAND_OF, SERVED_IN, Move
from planner.curves import Curves, region_curves
from planner.market import Market
from planner.question import Question
from planner.recourse.distribution import Matrix
from planner.routes import link_of
from planner.tariff import routes_of

MOVABLE = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)
"""Kinds that move: what instances give where reserves are dedicated."""


def served_curves(question: Question, region: str, kind: CapacityKind) -> Curves | None:
    """What a region serves, wherever it is forecast; nothing where neither it nor what it serves has a forecast."""
    own, comes = region_curves(question, region, kind), _coming(question, region, kind)
    if kind not in MOVABLE or (not comes and not leaving(question.moved, region)):
        return own
    like = own or next(iter(comes.values()), (None, 0.0))[0]
    if like is None:
        return None
    hours = min(len(curves.total) for curves in (like, *(each for each, _ in comes.values())))
    total = np.zeros_like(like.total[:hours])
    if own is not None:
        total = total + own.total[:hours] * (1 - leaving(question.moved, region))
    for curves, share in comes.values():
        total = total + curves.total[:hours] * share
    return replace(like, place=region, total=total)


def leaving(moved: Iterable[Move], region: str) -> float:
    """The share of a region's demand that others serve."""
    return sum(move.share for move in moved if move.region == region)


def parts_at(question: Question, region: str, kind: CapacityKind, level: float) -> Mapping[str, float]:
    """What placement makes of a region's own peak, by part: in the hour when all that it serves together needs most."""
    served, own = served_curves(question, region, kind), region_curves(question, region, kind)
    if served is None:
        return {}
    total = served.total_at(level)
    at = int(np.argmax(total))
    here: Matrix = own.total_at(level)[: len(total)] if own else np.zeros(len(total))
    parts = {
        f"{SERVED_IN}{move.host}": -move.share * float(here[at]) for move in question.moved if move.region == region
    }
    for source, (curves, share) in _coming(question, region, kind).items():
        parts[f"{DEMAND_OF}{source}"] = share * float(curves.total_at(level)[at])
    parts[ANOTHER_HOUR] = float(here[at] - here.max())
    return {name: amount for name, amount in parts.items() if amount}


def _coming(question: Question, region: str, kind: CapacityKind) -> Mapping[str, tuple[Curves, float]]:
    """By region whose demand is served here: its curves, and the share of them."""
    found = {}
    for move in question.moved:
        if move.host == region and (curves := region_curves(question, move.region, kind)) is not None:
            found[move.region] = curves, move.share
    return found


def peak_of(question: Question, move: Move, kind: CapacityKind, level: float) -> float:
    """What a move brings of a kind in its own worst hour, at a quantile."""
    curves = region_curves(question, move.region, kind)
    return move.share * float(curves.total_at(level).max()) if curves else 0.0


def paths_of(question: Question, curves: Curves) -> Matrix | None:
    """Paths of what is served, (paths, hours), as its series come together; None where not all of them have any."""
    parts = dict.fromkeys(curves.keys, 1.0 - leaving(question.moved, curves.place))
    if curves.kind not in MOVABLE:
        parts = dict.fromkeys(curves.keys, 1.0)
    elif parts and curves.keys[0].subject != curves.place:  # nothing of its own is forecast
        parts = {}
    for come, share in _coming(question, curves.place, curves.kind).values() if curves.kind in MOVABLE else ():
        parts[come.keys[0]] = share
    if not all(key in question.forecast.paths for key in parts):
        return None
    each = [question.forecast.paths[key].astype(np.float64) * share for key, share in parts.items()]
    total: Matrix = np.sum([paths[:, : min(one.shape[1] for one in each)] for paths in each], axis=0)
    return total


def expected_gbps(question: Question, move: Move) -> float:
    """Gbps that a move brings over each direction of its way, in the mean of the median over the plan's validity."""
    curves = region_curves(question, move.region, CapacityKind.VCPU)
    if curves is None:
        return 0.0
    mean = float(curves.total_at(0.5)[: question.environment.horizons.validity_hours].mean())
    return question.environment.placement.gbps_per_vcpu * move.share * mean


def stored_with(question: Question, region: str, vcpu: Callable[[Move], float]) -> Mapping[str, float]:
    """GiB that demand of other regions needs where it is served, by part."""
    each = question.environment.placement.storage_gib_per_vcpu
    here = (move for move in question.moved if move.host == region) if each else ()
    return {f"{CARRIED_FOR}{move.region}": each * vcpu(move) for move in here}


def carried_over(
    question: Question, market: Market, vcpu: Callable[[Move], float]
) -> Mapping[str, Mapping[str, float]]:
    """Gbps that moves bring over links, by link and part: over the own link of both regions, else the quickest way."""
    each = question.environment.placement.gbps_per_vcpu
    routes, found = routes_of(question, market), defaultdict[str, dict[str, float]](dict)
    for move in question.moved if each else ():
        route = routes.between(move.region, move.host)
        for hop in route.hops if route else ():
            parts, name = found[link_of(hop)], f"{CARRIED_FOR}{move.region} in {move.host}"
            parts[name] = parts.get(name, 0.0) + each * vcpu(move)
    return found
