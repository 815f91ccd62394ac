"""What limits cost: what room for one more of something would save, where a quota is in the way of it.

Of links, circuits are chosen anew with room for one more of each tier, detours included. Of regions, compute is placed
anew with room for one more instance of the largest shape that is sold there, all regions together. What limits fleets
is in `planner.scarce_fleets`, staged units in `planner.scarce_units`, classes of storage in `planner.storage`.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from contracts.capacity import CapacityKind, Shape
from contracts.names import is_link
from contracts.plan import Requirement
from contracts.risk import Scarce
from planner.circuits import cheapest_circuits
from planner.demand import Demand
from planner.detours import Way, over_more_paths
from planner.errors import SolverError
from planner.market import Market
from planner.model import Solver
from planner.placement import cheapest_usd
from planner.requirements import rounded
from planner.sites import Amount, Site

MOST_TRIED = 4
"""Regions that are placed anew: those that have least room left. Each takes as long as a placement."""

LEAST_USD = 1e-4
"""USD per hour that is worth telling."""


def scarce(market: Market, demand: Demand, asked: tuple[Requirement, ...], solve: Solver) -> tuple[Scarce, ...]:
    """Limits that cost something, the dearest first.

    Args:
        market: prices and quotas.
        demand: what is met, and what is given.
        asked: the same before what links have no room for goes over others.
        solve: places compute.
    """
    found = (*scarce_hosts(market, demand, solve), *scarce_links(market, demand, asked))
    return tuple(sorted(found, key=lambda item: (-item.saves_usd_per_hour, item.place, item.kind)))


def scarce_hosts(market: Market, demand: Demand, solve: Solver) -> Iterator[Scarce]:
    """Regions where room for one more instance of the largest shape is proven to save something."""
    settings = demand.question.environment.failover
    tight = sorted(_tight(demand), key=lambda item: (item[0], item[1].region))[:MOST_TRIED]
    try:
        _, least_usd = cheapest_usd(demand.sites, settings, solve) if tight else (0.0, 0.0)
        for _, site, shape, kind in tight:
            wider = replace(site, room=site.room.plus(Amount.of(shape, 1)))
            sites = tuple(wider if one is site else one for one in demand.sites)
            usd, _ = cheapest_usd(sites, settings, solve)
            if np.isfinite(least_usd) and (saves := least_usd - usd) > LEAST_USD:
                yield Scarce(
                    place=site.region,
                    kind=kind,
                    limit=market.available.get((site.region, kind), 0.0),
                    item=shape.name,
                    units=float(shape.vcpu if kind is CapacityKind.VCPU else shape.memory_gib),
                    saves_usd_per_hour=rounded(saves),
                )
    except SolverError:
        return  # the plan stands without it


def scarce_links(market: Market, demand: Demand, asked: tuple[Requirement, ...]) -> Iterator[Scarce]:
    """Links where room for one more circuit would save something, with the tier that saves most by the Gbps.

    Args:
        market: prices and quotas.
        demand: what is given.
        asked: of links before what they have no room for goes over others.
    """
    links = tuple(need for need in asked if is_link(need.place))
    usd = _circuits_usd(market, demand, links)
    for need in links:
        way = Way.of(market, demand.given, need.place)
        largest = max((tier.gbps for tier, _ in way.offers), default=0)
        what = need.place, CapacityKind.GBPS
        if way.room_gbps >= need.quantity + largest or what not in market.available:
            continue
        found = []
        for tier, _ in way.offers:
            wider = replace(market, available={**market.available, what: market.available[what] + tier.gbps})
            found.append((usd - _circuits_usd(wider, demand, links), tier))
        if not found:
            continue
        saves, tier = max(found, key=lambda item: (item[0] / item[1].gbps, -item[1].gbps))
        if saves > LEAST_USD:
            yield Scarce(
                place=need.place,
                kind=CapacityKind.GBPS,
                limit=market.available[what],
                item=tier.name,
                units=float(tier.gbps),
                saves_usd_per_hour=rounded(saves),
            )


def _tight(demand: Demand) -> Iterator[tuple[float, Site, Shape, CapacityKind]]:
    """Regions without room for one more of their largest shape: the part of it that fits, and the kind that lacks."""
    placement = demand.placement
    for site in demand.sites:
        shapes = {shape.name: shape for shape, _ in (*site.serving_shapes, *site.failover_shapes)}
        if not shapes:
            continue
        taken = Amount()
        for chosen in (placement.serving, placement.failover):
            for (region, name), count in chosen.items():
                taken = taken.plus(Amount.of(shapes[name], count)) if region == site.region else taken
        largest = max(shapes.values(), key=lambda shape: (shape.vcpu, shape.memory_gib, shape.name))
        left = site.room.less(taken)
        parts = {
            CapacityKind.VCPU: left.vcpu / largest.vcpu,
            CapacityKind.MEMORY_GIB: left.memory_gib / largest.memory_gib,
        }
        kind = min(parts, key=lambda one: (parts[one], one))
        if parts[kind] < 1:
            yield parts[kind], site, largest, kind


def _circuits_usd(market: Market, demand: Demand, links: tuple[Requirement, ...]) -> float:
    """USD per hour of the cheapest circuits of all links; infinite where they do not carry what is asked."""
    total = 0.0
    for need in over_more_paths(demand.question, market, links, demand.given)[0]:
        way = Way.of(market, demand.given, need.place)
        found = cheapest_circuits(need.quantity - way.given_gbps, way.room_gbps, way.offers)
        total += found.usd_per_hour if found else np.inf
    return total
