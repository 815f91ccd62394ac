"""Shares for whole circuits: in neighbourhoods of regions, whatever lies outside of them held.

Circuits are bought whole, so that the relaxation's shares, spread thin, are dear. Within a neighbourhood, first each
share is charged what its circuits cost per share so far, and shares are chosen anew, again and again: those that pay
for little give way (dynamic slope scaling: Kim and Pardalos 1999). Then each pair has the circuits that it uses, and
one pair at a time comes to the next level of circuits below or above, where the duals promise most; what does not pay
is put back. Costs of instances are the cuts that are known; after each group of neighbourhoods its regions add theirs,
so that what a search believes is never far from what is true. Neighbourhoods that do not touch are searched side by
side: the order, and with it the result, is the same on any number of cores, and work is bounded by counts.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from planner.fleet.circuits import circuits_usd
from planner.fleet.problem import Arcs, FleetProblem, Floats
from planner.fleet.region import RegionAnswer
from planner.fleet.relaxed import Relaxation
from planner.fleet.room import Room, Step

NEIGHBOURS = 16
"""Regions whose shares are chosen together: more make each step dearer, fewer leave more to later turns."""

SLOPED = 2
"""Turns that begin with slopes. The first does nothing else, so that regions soon say what few partners cost."""

SLOPES = 12
"""Rounds of slope scaling: by then shares go round in circles."""

STEPS_EACH = 24

"""Steps of circuits that are tried at most, by region."""


def neighbourhoods(arcs: Arcs, size: int, turn: int) -> tuple[tuple[frozenset[int], ...], ...]:
    """Every region in one neighbourhood, grown along pairs; grouped so that those of a group do not touch.

    Args:
        arcs: of the problem.
        size: regions in a neighbourhood at most.
        turn: where growing begins, so that another turn cuts elsewhere.
    """
    near: list[frozenset[int]] = [frozenset(arcs.carrier[out].tolist()) for out in arcs.out]
    regions = len(near)
    left = frozenset(range(regions))
    found: list[frozenset[int]] = []
    for seed in ((at + turn * (size // 2 + 1)) % regions for at in range(regions)):
        if seed not in left:
            continue
        members, edge = frozenset({seed}), (near[seed] & left) - {seed}
        while edge and len(members) < size:
            closest = max(sorted(edge), key=lambda at: len(near[at] & members))
            members |= {closest}
            edge = ((edge | near[closest]) & left) - members
        left -= members
        found.append(members)
    groups: list[list[frozenset[int]]] = []
    reaches = {members: members.union(*(near[at] for at in members)) for members in found}
    for members in found:
        free = (group for group in groups if all(reaches[members].isdisjoint(reaches[other]) for other in group))
        group = next(free, None)
        if group is None:
            groups.append([members])
        else:
            group.append(members)
    return tuple(tuple(group) for group in groups)


@dataclass(slots=True)
class Chosen:
    """Shares by arc, and what every region answers to them."""

    shares: Floats
    answers: list[RegionAnswer]


def improve(relaxation: Relaxation, chosen: Chosen, pool: ThreadPoolExecutor, turn: int) -> None:
    """Searches every neighbourhood once; regions then say what they really cost, which later searches know."""
    for group in neighbourhoods(relaxation.arcs, NEIGHBOURS, turn):
        rooms = [Room(relaxation.shares, chosen.shares, members) for members in group]
        shares = chosen.shares.copy()
        for room, found in zip(rooms, pool.map(_search, rooms, repeat(turn)), strict=True):
            shares[room.free] = found
        touched = [region for room in rooms for region in room.carriers]
        chosen.shares = shares
        for region, answer in zip(touched, relaxation.ask(shares, pool, regions=touched), strict=True):
            chosen.answers[region] = answer


def whole_circuits_usd(problem: FleetProblem, shares: Floats) -> float:
    """USD per hour of all circuits when these are the shares."""
    return float(circuits_usd(loads(problem, shares), problem.tier_gbps, problem.tier_usd).sum())


def loads(problem: FleetProblem, shares: Floats) -> Floats:
    """(N,) Gbps that each link must carry, replication included."""
    gbps = problem.gbps.copy()
    each = problem.replication_gbps[problem.pairs] * shares.reshape(-1, 2)
    np.add.at(gbps, problem.pair_links, each.sum(1))
    return gbps


def _search(room: Room, turn: int) -> Floats:
    """The best shares of a room; first turns start from slopes, later ones from what there is."""
    shares = room.start
    if turn < SLOPED:
        for _ in range(SLOPES):
            shares = room.scaled(shares)
    room.allow(shares)
    known = room.settle()
    refused: set[Step] = set()
    for _ in range(STEPS_EACH * len(room.members) if turn else 0):
        step = room.promising(refused)
        if step is None:
            break
        before = room.at
        room.step(step)
        found = room.settle(least=known)
        if found < known - 1e-6:
            known, refused = found, set()
        else:
            room.put(before)
            refused.add(step)
    return room.chosen
