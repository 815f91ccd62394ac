"""What buys a fleet's compute: what one more unit of demand costs wherever it is met, and whose loss it is held for.

Read from the duals of the fleet's relaxation. One more unit of a region's demand at its peak, and as much less in hours
when demand is less, is served there (`worth`); the part of it that is critical is held firm there, and by the partners
that carry it, in the hours when no other loss asks more of them (`worth_critical`).
"""

from collections.abc import Iterator

import numpy as np

from contracts.plan import Requirement
from planner.fleet.problem import Arcs, Floats, Ints
from planner.fleet_arrays import KINDS
from planner.fleets import LEAST_SHARE, Fleet
from planner.requirements import rounded, total


def fleet_prices(fleet: Fleet, needs: tuple[Requirement, ...]) -> dict[str, float]:
    """USD per hour of one more unit of each requirement of compute, by requirement; none where nothing priced it."""
    found: dict[str, float] = {}
    problem, solution = fleet.problem, fleet.solution
    if not solution.worth.any() and not solution.worth_critical.any():
        return found
    usd = (solution.worth * problem.demand + solution.worth_critical * problem.critical).sum(2)
    for _, lost, brings in _claims(fleet):
        np.add.at(usd, lost, brings)
    for at, region in enumerate(fleet.regions):
        for kind, name in enumerate(KINDS):
            need, peak = total(needs, region, name), float(problem.demand[at, kind].max())
            if need is not None and peak > 0:
                found[need.id] = rounded(max(0.0, float(usd[at, kind]) / peak / problem.hours))
    return found


def fleet_losses(fleet: Fleet) -> dict[str, str]:
    """By region that holds compute for others at a price: those whose loss at one moment it pays most for."""
    arcs, found = Arcs.of(fleet.problem), {}
    for carrier, lost, brings in _claims(fleet):
        falls = fleet.problem.domain[lost] if arcs.losses else lost
        worth = np.bincount(falls, brings.sum(1))
        if worth.max(initial=0.0) > 0:
            dearest = lost[(falls == int(worth.argmax())) & (brings.sum(1) > 0)]
            found[fleet.regions[carrier]] = " and ".join(sorted(fleet.regions[at] for at in dearest.tolist()))
    return found


def _claims(fleet: Fleet) -> Iterator[tuple[int, Ints, Floats]]:
    """Each region that carries for others: itself, whom it carries for, (n,), and what it is paid for each, (n, K).

    USD over the horizon, in the hours when no other loss asks more.
    """
    problem, solution = fleet.problem, fleet.solution
    arcs, shares = Arcs.of(problem), solution.shares.reshape(-1)
    for carrier, into in enumerate(arcs.into):
        used = np.flatnonzero(shares[into] > LEAST_SHARE)
        if not len(used):
            continue
        own = into[used]
        loads = shares[own, None, None] * problem.critical[arcs.lost[own]]
        which = arcs.losses[carrier][used] if arcs.losses else np.arange(len(own))
        largest = arcs.together(carrier, loads, used).argmax(0)
        paid = loads * (largest == which[:, None, None]) * solution.worth_critical[carrier]
        yield carrier, arcs.lost[own], paid.sum(2)
