"""What a region of a fleet would have if nothing were live: told where it has something else, because that is there."""

import numpy as np

from contracts.plan import RefusalCode, RefusedAlternative
from contracts.resources import Purchase
from planner.alternatives import USD
from planner.fleet import FleetSolution
from planner.fleet.again import region_usd
from planner.fleets import Fleet
from planner.requirements import rounded

NAMED = 4
"""Shapes of an alternative that are named, those with most vCPUs first."""


def fleet_alternatives(fleet: Fleet) -> tuple[tuple[RefusedAlternative, ...], ...]:
    """By region, what the cheapest fleet that was found has there, where that is not what is planned."""
    chosen, other, hours = fleet.solution, fleet.found.cheapest, fleet.problem.hours
    if other is None or other is chosen:
        return tuple(() for _ in fleet.regions)
    here, there = (region_usd(fleet.problem, solution) / hours for solution in (chosen, other))
    return tuple(
        () if _same(chosen, other, at) else (_refused(fleet, other, at, (float(here[at]), float(there[at]))),)
        for at in range(len(fleet.regions))
    )


def _same(one: FleetSolution, other: FleetSolution, at: int) -> bool:
    names = ("committed", "on_demand", "spot")
    return all(np.array_equal(getattr(one, name)[at], getattr(other, name)[at]) for name in names)


def _refused(fleet: Fleet, other: FleetSolution, at: int, usd: tuple[float, float]) -> RefusedAlternative:
    """Not taken as moving is not worth it, or as it holds other shares and is dearer here."""
    here, there = usd
    return RefusedAlternative(
        candidate=_told(fleet, other, at),
        code=RefusalCode.MOVES if there <= here else RefusalCode.DEARER,
        limit=rounded(here),
        value=rounded(there),
        unit=USD,
    )


def _told(fleet: Fleet, solution: FleetSolution, at: int) -> str:
    """`3 x m16 committed + 2 x m8 spot`: counts at the hour that has most."""
    counts = {
        Purchase.COMMITTED: solution.committed[at],
        Purchase.ON_DEMAND: solution.on_demand[at].max(1),
        Purchase.SPOT: solution.spot[at].max(1),
    }
    found = [
        (-int(by_type[kind]) * fleet.shapes[kind].vcpu, fleet.shapes[kind].name, purchase, int(by_type[kind]))
        for purchase, by_type in counts.items()
        for kind in np.flatnonzero(by_type[: len(fleet.shapes)]).tolist()
    ]
    words = [f"{count} x {name}{_BOUGHT[purchase]}" for _, name, purchase, count in sorted(found)]
    more = f" and {len(words) - NAMED} more shapes" if len(words) > NAMED else ""
    return (" + ".join(words[:NAMED]) or "nothing") + more


_BOUGHT = {Purchase.COMMITTED: " committed", Purchase.ON_DEMAND: "", Purchase.SPOT: " spot"}
