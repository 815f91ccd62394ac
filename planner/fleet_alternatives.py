"""What was not chosen in a region of a fleet, and what it would cost.

What it would have if nothing were live, where it has something else because that is there; and of each change the next
best: what it would have if that change were not made (`planner.fleet.otherwise`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from contracts.plan import RefusalCode, RefusedAlternative
from contracts.resources import Purchase
from planner.alternatives import USD
from planner.fleet import FleetSolution
from planner.fleet.again import region_usd
from planner.fleet.otherwise import dearest_changes, otherwise
from planner.fleets import Fleet
from planner.requirements import rounded

NAMED = 4
"""Shapes of an alternative that are named, those with most vCPUs first."""

MOST_CHANGES = 64
"""Changes of which the next best is looked for, those of most USD first: a few milliseconds each."""

Counts = Mapping[Purchase, Iterable[tuple[int, int]]]
"""Of each type, how many; by how it is paid for."""

ALIKE = 1e-6
"""USD per hour by which two ways differ at least."""


def next_best(fleet: Fleet) -> Mapping[tuple[int, int, Purchase], RefusedAlternative]:
    """By region, type and purchase that changes, what the region would have without that change.

    Of a first plan, what it would have without that type bought so.
    """
    problem, chosen = fleet.problem, fleet.solution
    before = fleet.found.before or _nothing(chosen)
    which = dearest_changes(problem, before, chosen, MOST_CHANGES)
    which = which[which[:, 1] < len(fleet.shapes)]  # what is beyond is given
    found, here = otherwise(problem, before, chosen, which), region_usd(problem, chosen) / problem.hours
    told = {}
    for row, (region, kind, way) in enumerate(which.tolist()):
        usd = float(here[region]), float(found.usd[row]) / problem.hours
        if found.holds[row] and abs(usd[1] - usd[0]) > ALIKE:
            peaks = zip(_PURCHASES, found.peaks(row), strict=True)
            counts = {name: zip(found.types[row].tolist(), each.tolist(), strict=True) for name, each in peaks}
            told[region, kind, _PURCHASES[way]] = _refused(_told(fleet, counts), usd)
    return told


def _nothing(like: FleetSolution) -> FleetSolution:
    """A fleet of no instance."""
    names = ("committed", "on_demand", "spot")
    return replace(like, **{name: np.zeros_like(getattr(like, name)) for name in names})


def fleet_alternatives(fleet: Fleet) -> tuple[tuple[RefusedAlternative, ...], ...]:
    """By region, what the cheapest fleet that was found has there, where that is not what is planned."""
    chosen, other, hours = fleet.solution, fleet.found.cheapest, fleet.problem.hours
    if other is None or other is chosen:
        return tuple(() for _ in fleet.regions)
    here, there = (region_usd(fleet.problem, solution) / hours for solution in (chosen, other))
    return tuple(
        ()
        if _same(chosen, other, at)
        else (_refused(_told(fleet, _peaks(other, at)), (float(here[at]), float(there[at]))),)
        for at in range(len(fleet.regions))
    )


def _same(one: FleetSolution, other: FleetSolution, at: int) -> bool:
    names = ("committed", "on_demand", "spot")
    return all(np.array_equal(getattr(one, name)[at], getattr(other, name)[at]) for name in names)


def _refused(candidate: str, usd: tuple[float, float]) -> RefusedAlternative:
    """Not taken as moving is not worth it, or as it is dearer there."""
    here, there = usd
    code = RefusalCode.MOVES if there <= here else RefusalCode.DEARER
    return RefusedAlternative(candidate=candidate, code=code, limit=rounded(here), value=rounded(there), unit=USD)


def _peaks(solution: FleetSolution, at: int) -> Counts:
    """What a region has at the hour that has most, by type."""
    by_type = solution.committed[at], solution.on_demand[at].max(1), solution.spot[at].max(1)
    return {purchase: enumerate(each.tolist()) for purchase, each in zip(_PURCHASES, by_type, strict=True)}


def _told(fleet: Fleet, counts: Counts) -> str:
    """`3 x m16 committed + 2 x m8 spot`: those with most vCPUs first."""
    found = [
        (-count * fleet.shapes[kind].vcpu, fleet.shapes[kind].name, purchase, count)
        for purchase, by_type in counts.items()
        for kind, count in by_type
        if count and kind < len(fleet.shapes)
    ]
    words = [f"{count} x {name}{_BOUGHT[purchase]}" for _, name, purchase, count in sorted(found)]
    more = f" and {len(words) - NAMED} more shapes" if len(words) > NAMED else ""
    return (" + ".join(words[:NAMED]) or "nothing") + more


_PURCHASES = (Purchase.COMMITTED, Purchase.ON_DEMAND, Purchase.SPOT)
"""In the order of `planner.fleet.otherwise.WAYS`."""

_BOUGHT = {Purchase.COMMITTED: " committed", Purchase.ON_DEMAND: "", Purchase.SPOT: " spot"}
