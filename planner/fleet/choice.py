"""Shares for whole circuits: by slopes everywhere, then in neighbourhoods, whatever lies outside of them held.

Circuits are bought whole, so that the relaxation's shares, spread thin, are dear. First, everywhere at once, each share
is charged what its pair's circuits cost per Gbps so far, and shares are chosen anew, again and again: those that pay
for little give way (dynamic slope scaling: Kim and Pardalos 1999). Then, within a neighbourhood, each pair has the
circuits that it uses, and one pair at a time comes to the next level of circuits below or above, where the duals
promise most; what does not pay is put back. Costs of instances are the cuts that are known; regions add theirs after
each round of slopes and after each group of neighbourhoods, so that what a search believes is never far from what is
true. Neighbourhoods that do not touch are searched side by side: the order, and with it the result, is the same on any
number of cores, and work is bounded by counts.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from planner.fleet.circuits import SLACK, circuits_usd
from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats, Ints
from planner.fleet.region import RegionAnswer
from planner.fleet.relaxed import Relaxation
from planner.fleet.room import Room, Step
from planner.fleet.shares import ShareProgram, replicated

NEIGHBOURS = 16
"""Regions whose shares are chosen together: more make each step dearer, fewer leave more to later turns."""

SLOPES = 6
"""Rounds of slope scaling: later ones save less than turns in neighbourhoods do."""

KEPT_RATE = 0.5
"""How much of what a Gbps was charged in the last round counts in the next: with none, shares go round in circles."""

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


@dataclass(frozen=True, slots=True)
class Chosen:
    """Shares by arc, and what every region answers to them."""

    shares: Floats
    answers: list[RegionAnswer]


def sloped(relaxation: Relaxation, chosen: Chosen, pool: ThreadPoolExecutor) -> Iterator[Chosen]:
    """What shares come to, round by round, when each is charged what its circuits cost per Gbps in the round before.

    Where a pair is not used, its last charge stays, so that it does not come back as cheap as if it were used in full.
    """
    problem, known = relaxation.problem, relaxation.shares
    speed = problem.replication_gbps[problem.pairs]
    fixed, usd = problem.gbps[problem.pair_links], problem.tier_usd[problem.pair_links]
    start = circuits_usd(fixed, problem.tier_gbps, usd)
    rate: Floats | None = None
    for _ in range(SLOPES):
        gbps = replicated(problem, chosen.shares)
        used = gbps > SLACK
        gbps = np.where(used, gbps, MOST_SHARE * speed.sum(1))
        extra = (circuits_usd(fixed + gbps, problem.tier_gbps, usd) - start) / np.maximum(gbps, SLACK)
        rate = extra if rate is None else np.where(used, KEPT_RATE * rate + (1 - KEPT_RATE) * extra, rate)
        shares = known.charged(problem.hours * (rate[:, None] * speed).ravel())
        chosen = Chosen(shares, relaxation.ask(shares, pool))
        yield chosen


def improve(relaxation: Relaxation, chosen: Chosen, pool: ThreadPoolExecutor, turn: int) -> Chosen:
    """Searches every neighbourhood once; regions then say what they really cost, which later searches know."""
    shares, answers = chosen.shares, list(chosen.answers)
    for group in neighbourhoods(relaxation.arcs, NEIGHBOURS, turn):
        found = list(pool.map(partial(_search, relaxation.shares, shares), group))
        shares = shares.copy()
        touched: list[int] = []
        for free, best, carriers in found:
            shares[free] = best
            touched.extend(carriers)
        for region, answer in zip(touched, relaxation.ask(shares, pool, regions=touched), strict=True):
            answers[region] = answer
    return Chosen(shares, answers)


def whole_circuits_usd(problem: FleetProblem, shares: Floats) -> float:
    """USD per hour of all circuits when these are the shares."""
    return float(circuits_usd(loads(problem, shares), problem.tier_gbps, problem.tier_usd).sum())


def loads(problem: FleetProblem, shares: Floats) -> Floats:
    """(N,) Gbps that each link must carry, replication included."""
    gbps = problem.gbps.copy()
    np.add.at(gbps, problem.pair_links, replicated(problem, shares))
    return gbps


def _search(program: ShareProgram, shares: Floats, members: frozenset[int]) -> tuple[Ints, Floats, tuple[int, ...]]:
    """The best shares of a neighbourhood, from those that there are: which arcs, their shares, and who carries them.

    Where a step pays, those that were refused before are tried again: at once where they are beside it, others when no
    step is left.
    """
    room = Room(program, shares, members)
    room.allow(room.start)
    known, refused, before_last = room.settle(), set[Step](), set[Step]()
    for _ in range(STEPS_EACH * len(room.members)):
        step = room.promising(refused | before_last)
        if step is None and not before_last:
            break
        if step is None:
            before_last = set()
            continue
        before = room.at
        room.step(step)
        found = room.settle(least=known)
        if found < known - 1e-6:
            known, before_last, refused = found, room.elsewhere(refused | before_last, before), set()
        else:
            room.put(before)
            refused.add(step)
    return room.free, room.chosen, room.carriers
