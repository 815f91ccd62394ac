"""Where stock and quotas are tight: shares at which no region lacks anything.

Not needed where there is room, and nothing here changes what is planned there. Work is bounded by counts. Whole
instances that just fit are those of `planner.fleet.just_fit`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from planner.errors import FleetImpossible
from planner.fleet.partners import Rechosen, too_many
from planner.fleet.problem import MOST_SHARE, RESOURCES, FleetProblem, Floats, Ints
from planner.fleet.region import RegionAnswer
from planner.fleet.relaxed import Relaxation
from planner.fleet.rows import lacking_usd
from planner.fleet.shares import Cut, no_shares, overfull

DEAR, EVERY = 0.1, 1e-6
"""Part of the price of what is lacking from which on a price counts as that; and the least weight of other cuts."""

MORE_PASSES = 30
"""Passes of the relaxation that are made where a region lacks something: each tells of one more way to lack less."""

LEAST_LACKING = 1e-6
"""Of any resource: less is what arithmetic left."""


def _check_held(problem: FleetProblem, answers: Sequence[RegionAnswer]) -> None:
    """Raises FleetImpossible where regions lack what the best shares ask of them."""
    short = [(float(answer.lacking.max()), at) for at, answer in enumerate(answers) if is_short(answer)]
    if not short:
        return
    most, region = max(short)
    lacking, name = answers[region].lacking, problem.name(region)
    hour, kind = (int(at) for at in np.unravel_index(int(lacking.argmax()), lacking.shape))
    more = f"; {len(short) - 1} more regions are short" if len(short) > 1 else ""
    raise FleetImpossible(
        f"region {name} lacks {most:.6g} {RESOURCES[kind]} at hour {hour} of what it would hold for others{more}",
        where=f"region {name}",
        expected="quotas and stock for the demand and for what is held for others",
        next_step="raise the quotas there or near it, offer more types, or let more regions back each other up",
    )


def until_held(
    relaxation: Relaxation, found: tuple[Floats, list[RegionAnswer]], pool: ThreadPoolExecutor
) -> tuple[Floats, list[RegionAnswer], int]:
    """Shares by arc and answers at which no region lacks anything, and how many more passes were needed for them.

    They keep to the limit of partners: where it is gone beyond, or who may carry is too few, partners are chosen anew.

    Raises:
        FleetImpossible: some region still lacks something.
    """
    shares, answers = found
    rechosen, limited = Rechosen(), bool(relaxation.problem.partners.size)
    for passes in range(MORE_PASSES):
        short = np.flatnonzero([is_short(answer) for answer in answers])
        full = overfull(relaxation.problem, shares)
        if limited and (len(short) or len(full) or len(too_many(relaxation.problem, shares))):
            for alone, carriers in rechosen.trials(relaxation.arcs, short):
                relaxation.ask(_at_most(alone, len(shares)), pool, regions=carriers)
            shares = rechosen.shares(relaxation.shares, shares, short, full)
        elif len(short) or len(full):
            shares = relaxation.shares.solve()
        else:
            return shares, answers, passes
        answers = relaxation.ask(shares, pool)
    _check_held(relaxation.problem, answers)
    if len(overfull(relaxation.problem, shares)):
        raise no_shares(relaxation.problem)
    return shares, answers, MORE_PASSES


def _at_most(arcs: Ints, count: int) -> Floats:
    """(2P,) shares where these arcs carry all they may, and none of the others anything."""
    shares = np.zeros(count)
    shares[arcs] = MOST_SHARE
    return shares


def without_lacking(problem: FleetProblem, cuts: Sequence[Cut], weights: Floats) -> Floats:
    """Weights of cuts without those that were found where something lacked: their prices are that of lacking it."""
    dear = [bool((cut.firm > DEAR * lacking_usd(problem, cut.region)).any()) for cut in cuts]
    return np.where(dear, 0.0, weights + EVERY)


def is_short(answer: RegionAnswer) -> bool:
    """Whether a region cannot hold what it should."""
    return bool(answer.lacking.size and answer.lacking.max() > LEAST_LACKING)
