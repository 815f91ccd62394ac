"""What circuits cost: whole numbers of nested tiers, in closed form.

Tiers divide one another, and a larger one may stand in for smaller ones. The least cost of carrying w Gbps is then
found from the smallest tier up: so many of it as are left over, or one of the next. (Magazine and Chern 1984 call such
knapsacks divisible; greedy is exact for them.)
"""

import numpy as np

from planner.fleet.problem import Floats, Ints

SLACK = 1e-7
"""Gbps that may be missing to the next whole circuit: below the tolerance of whoever checks (1e-6)."""


def circuits_usd(gbps: Floats, tier_gbps: Floats, tier_usd: Floats) -> Floats:
    """The least USD per hour of circuits that carry `gbps` (any shape), prices with tiers on the last axis."""
    return np.asarray((circuits_for(gbps, tier_gbps, tier_usd) * tier_usd).sum(-1))


def circuits_for(gbps: Floats, tier_gbps: Floats, tier_usd: Floats) -> Ints:
    """How many of each tier carry `gbps` at the least cost; tiers on the last axis."""
    units = np.ceil(np.maximum(gbps - SLACK, 0) / tier_gbps[0]).astype(np.int64)
    sizes = np.round(tier_gbps[1:] / tier_gbps[:-1]).astype(np.int64)
    usd = np.broadcast_to(tier_usd, (*units.shape, len(tier_gbps))).copy()
    for at, size in enumerate(sizes):  # a tier that is dearer than so many of the one below it is bought as those
        usd[..., at + 1] = np.minimum(usd[..., at + 1], size * usd[..., at])
    counts = np.zeros(usd.shape, dtype=np.int64)
    below, left = np.zeros(units.shape), np.zeros(units.shape, dtype=np.bool_)
    for at, size in enumerate(sizes):
        rest = units % size
        below, left = below + rest * usd[..., at], left | (rest > 0)
        whole = left & (below > usd[..., at + 1] - 1e-12)  # one of the next tier costs no more than what is left over
        counts[..., at] = rest
        counts[..., : at + 1] *= ~whole[..., None]
        below, left = np.where(whole, 0.0, below), left & ~whole
        units = units // size + whole
    counts[..., -1] = units
    for at in range(len(sizes) - 1, -1, -1):
        dearer = tier_usd[..., at + 1] > usd[..., at + 1] + 1e-12
        counts[..., at] += np.where(dearer, sizes[at] * counts[..., at + 1], 0)
        counts[..., at + 1] *= ~dearer
    return counts


def circuits_within(gbps: Floats, tier_gbps: Floats, tier_usd: Floats, most: Floats) -> Ints:
    """The same where all circuits of a link may come to no more than `most` Gbps, a multiple of the smallest sold.

    Args:
        gbps: (N,), at most `most`.
        tier_gbps: (tiers,).
        tier_usd: (N, tiers).
        most: (N,), infinite where nothing limits it.
    """
    counts = circuits_for(gbps, tier_gbps, tier_usd)
    for link in np.flatnonzero(counts @ tier_gbps > most + SLACK).tolist():
        counts[link] = _least(max(0.0, gbps[link] - SLACK), tier_gbps, tier_usd[link], most[link])[1]
    return counts


def _least(gbps: float, tiers: Floats, usd: Floats, most: float) -> tuple[float, list[int]]:
    """USD and counts: of the largest tier as many as fit below what is wanted, or one more where there is room."""
    size, price = float(tiers[-1]), float(usd[-1])
    found = []
    below = int(gbps // size)
    for count in (below, below + 1):
        left, room = max(0.0, gbps - count * size), most - count * size
        if room < 0 or (len(tiers) == 1 and left > 0):
            continue
        cost, counts = _least(left, tiers[:-1], usd[:-1], room) if len(tiers) > 1 else (0.0, [])
        found.append((cost + count * price, [*counts, count]))
    return min(found, default=(np.inf, [0] * len(tiers)))


def levels(gbps: Floats, most: Floats, tier_gbps: Floats, tier_usd: Floats) -> tuple[Floats, Floats]:
    """Where the cost of each of n links steps up from `gbps` to `most`, both (n,), at its prices, (n, tiers).

    Returns:
        (n, L) how much each step carries, and its USD per hour, both rising. Steps that a link has not carry as much as
        its last one and cost infinitely much.
    """
    first, last = (np.ceil(each / tier_gbps[0] - SLACK)[:, None] for each in (gbps, most))
    units = np.minimum(first + np.arange(int((last - first).max(initial=0)) + 1), last)
    ends = units * tier_gbps[0]
    usd = circuits_usd(ends, tier_gbps, tier_usd[:, None])
    stepped = np.diff(usd, axis=1, append=np.inf) > 1e-12  # of equal cost, the one that carries most
    steps = stepped.sum(1)
    order = np.argsort(~stepped, axis=1, kind="stable")[:, : int(steps.max(initial=0))]
    lacking = np.arange(order.shape[1]) >= steps[:, None]
    ends, usd = np.take_along_axis(ends, order, 1), np.take_along_axis(usd, order, 1)
    return np.where(lacking, last * tier_gbps[0], ends), np.where(lacking, np.inf, usd)
