"""As little as possible is put into, or taken from, what stands at each hour of a region.

What stands stays; what is lacking comes in by the move that costs least, some instances more or in the place of one;
what no longer serves anything goes, the dearest first; and an instance gives way to cheaper ones only where that saves
more than the price of a move.
"""

import numpy as np
from numpy.typing import NDArray

from planner.fleet.cells import BEYOND, Cells
from planner.fleet.problem import Floats, Ints

MOST_MOVES = 400
"""Moves of one cell: more are not needed by anything that can be met."""

PAYS = 1e-9
"""USD that an exchange must save beyond the price of a move."""

MIXED = 1.15
"""One kind of instance may cost so much more than a mix is expected to, which leaves something lacking first."""

AT_ONCE = 256
"""Cells whose exchanges are compared at once: a few MB."""


def settle(
    cells: Cells, committed: Floats, counts: Floats, *, exchanges: bool = True
) -> tuple[Floats, NDArray[np.bool_]]:
    """Counts that meet every hour, near those that stand; and regions, (n,), where none were found.

    Args:
        cells: what is needed and what can be had.
        committed: (n, m); they stay.
        counts: (n, H, 2m) that stand.
        exchanges: whether cheaper instances are looked for where nothing is lacking.
    """
    half = committed.shape[1]
    counts = counts.copy()
    free = np.maximum(cells.stock - committed, 0.0)
    _within(cells, counts, free)
    base = np.einsum("nm,nmk->nk", committed, cells.gives[:, :half])
    have = np.einsum("nhm,nmk->nhk", counts, cells.gives) + base[:, None]
    _make_room(cells, counts, have)
    failed = _cover(cells, counts, have, free)
    _drop(cells, counts, have)
    if exchanges:
        _exchange(cells, counts, have, free)
        _drop(cells, counts, have)
    return counts, failed


def _within(cells: Cells, counts: Floats, free: Floats) -> None:
    """Takes away what is no longer offered, or beyond the stock."""
    half = free.shape[1]
    counts *= cells.offered[:, None]
    counts[:, :, :half] = np.minimum(counts[:, :, :half], free[:, None])
    counts[:, :, half:] = np.minimum(counts[:, :, half:], free[:, None] - counts[:, :, :half])


def _make_room(cells: Cells, counts: Floats, have: Floats) -> None:
    """Takes away what there is no longer room for, as little as will do: spot, or what is beyond a quota."""
    first = cells.rooms
    for _ in range(MOST_MOVES):
        over = np.maximum((cells.need - cells.slack - have)[:, :, first:], 0.0)
        region, hour = np.nonzero((over > 0).any(2))
        if not len(region):
            return
        which = np.argmax(over[region, hour], axis=1)
        much = over[region, hour, which][:, None]
        takes = -np.take_along_axis(cells.gives[region, :, first:], which[:, None, None], 2)[..., 0]
        there = (takes > 0) & (counts[region, hour] > 0)
        rank = np.where(takes >= much, takes, BEYOND - takes)  # the smallest that will do, else the largest
        rank = np.where(there, rank, np.inf)
        pick = np.argmin(rank, axis=1)
        rows = np.arange(len(pick))
        some = np.isfinite(rank[rows, pick])
        if not some.any():
            return  # what is committed alone is beyond it
        region, hour, pick, rows = region[some], hour[some], pick[some], rows[some]
        many = np.ceil(much[rows, 0] / takes[rows, pick]) - 1  # of the largest, until one of some type will do
        gone = np.clip(many, 1, counts[region, hour, pick])
        counts[region, hour, pick] -= gone
        have[region, hour] -= gone[:, None] * cells.gives[region, pick]


def _cover(cells: Cells, counts: Floats, have: Floats, free: Floats) -> NDArray[np.bool_]:
    """Brings in what is lacking; regions where that cannot be done."""
    failed = np.zeros(len(counts), dtype=bool)
    slack = cells.slack
    for _ in range(MOST_MOVES):
        lacking = np.maximum(cells.need - slack - have, 0.0)
        region, hour = np.nonzero((lacking > 0).any(2) & ~failed[:, None])
        if not len(region):
            break
        for start in range(0, len(region), AT_ONCE):
            where = region[start : start + AT_ONCE], hour[start : start + AT_ONCE]
            failed[_bring_in(cells, (counts, have, free), where, lacking[where])] = True
    return np.asarray(failed | (cells.need - slack - have > 0).any((1, 2)))


def _bring_in(cells: Cells, standing: tuple[Floats, Floats, Floats], where: tuple[Ints, Ints], lacking: Floats) -> Ints:
    """One move for each cell: the cheapest that leaves nothing lacking, else what covers most for its price.

    Returns the regions where there is neither.
    """
    counts, have, free = standing
    region, hour = where
    rows = np.arange(len(region))
    gives, usd = cells.gives[region], cells.usd[region]
    left = _left(cells, counts[where], free[region], region)
    spare = have[where] - cells.need[where] + cells.slack[where]
    out, which = _in_use(counts[where])
    leaving = np.where(which[..., None], np.take_along_axis(gives, out[..., None], 1), 0.0)
    back = np.where(which, (1 - cells.move) * np.take_along_axis(usd, out, 1), 0.0)
    number = _enough(cells, gives, leaving, spare, left)
    number = np.where((which | _is_last(which))[..., None], number, np.inf)
    with np.errstate(invalid="ignore"):  # none to be had, of what is given for nothing
        price = np.where(np.isfinite(number), number * usd[:, None] - back[..., None], np.inf).reshape(len(region), -1)
    best = np.argmin(price, axis=1)
    from_, into = np.divmod(best, gives.shape[1])
    other, few, about = _by_ratio(cells, (gives, usd, cells.weights[where]), (left, spare), lacking)
    whole = np.isfinite(price[rows, best]) & (price[rows, best] <= MIXED * about)
    into = np.where(whole, into, other)
    come = np.where(whole, number[rows, from_, into], few)
    gone = out[rows, from_]
    takes = whole & which[rows, from_]
    alive = whole | (few > 0)
    come = np.where(alive, come, 0.0)
    counts[region, hour, into] += come
    have[region, hour] += come[:, None] * gives[rows, into]
    counts[region[takes], hour[takes], gone[takes]] -= 1
    have[region[takes], hour[takes]] -= gives[rows, gone][takes]
    return np.unique(region[~alive])


def _by_ratio(
    cells: Cells, offers: tuple[Floats, Floats, Floats], room: tuple[Floats, Floats], lacking: Floats
) -> tuple[Ints, Floats, Floats]:
    """What covers most of what is lacking for its price: which type, how many, and about what all of it would cost.

    So many come until one of what is lacking is there, within stock and limits; none where nothing covers any of it.
    """
    gives, usd, weights = offers
    left, spare = room
    rows = np.arange(len(lacking))
    gain = (np.minimum(gives, lacking[:, None]) * weights[:, None]).sum(2)
    fits = (left >= 1) & (gain > 0) & (gives[..., cells.rooms :] + spare[:, None, cells.rooms :] >= 0).all(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(fits, usd / gain, np.inf)
        pick = np.argmin(ratio, axis=1)
        given = gives[rows, pick]
        fills = np.where((given > 0) & (lacking > 0), np.floor(lacking / given), np.inf).min(1)
        limit = np.where(given < 0, np.floor(spare / -given), np.inf)[:, cells.rooms :].min(1, initial=np.inf)
    found = np.isfinite(ratio[rows, pick])
    number = np.clip(np.minimum(fills, np.minimum(left[rows, pick], limit)), 1.0, BEYOND)
    bulk = np.where(found & (fills >= 1), ratio[rows, pick], 0.0)
    about = np.where(bulk > 0, bulk * (lacking * weights).sum(1), np.inf)
    return pick, np.where(found, number, 0.0), about


def _in_use(counts: Floats) -> tuple[Ints, NDArray[np.bool_]]:
    """(c, u) positions of what is there, and whether something is; one more column, where nothing is, stands last."""
    most = int((counts > 0).sum(1).max(initial=0)) + 1
    order = np.argsort(counts <= 0, axis=1, kind="stable")[:, :most]
    return order, np.take_along_axis(counts, order, 1) > 0


def _is_last(which: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The column that stands for taking nothing away."""
    found = np.zeros(which.shape, dtype=bool)
    found[:, -1] = True
    return found & ~which


def _left(cells: Cells, counts: Floats, free: Floats, region: Ints) -> Floats:
    """(c, 2m) how many more can be had."""
    half = free.shape[1]
    left = np.maximum(free - counts[:, :half] - counts[:, half:], 0.0)
    return np.where(cells.offered[region], np.concatenate([left, left], 1), 0.0)


def _enough(cells: Cells, gives: Floats, leaving: Floats, spare: Floats, left: Floats) -> Floats:
    """(c, out, into) how many must come when one goes, so that nothing is lacking; infinite where none will do."""
    found = np.ones((*leaving.shape[:2], gives.shape[1]))
    most = np.broadcast_to(left[:, None], found.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for kind in range(gives.shape[2]):
            rest, each = (spare[:, None, kind] - leaving[..., kind])[..., None], gives[:, None, :, kind]
            if kind < cells.rooms:
                found = np.maximum(found, np.where(rest < 0, np.ceil(-rest / each), 1.0))
            else:
                most = np.minimum(most, np.where(each < 0, np.floor(rest / -each), np.where(rest < 0, 0.0, np.inf)))
    return np.where(found <= most, found, np.inf)


def _drop(cells: Cells, counts: Floats, have: Floats) -> None:
    """Takes away what serves nothing, the dearest first, as many as go."""
    spare = have - cells.need + cells.slack
    region, hour = np.nonzero(spare[:, :, : cells.rooms].min(2) >= 0)
    for _ in range(MOST_MOVES):
        gives, there = cells.gives[region], counts[region, hour]
        left = (have[region, hour] - cells.need[region, hour] + cells.slack[region, hour])[:, None]
        can = there > 0
        for kind in range(cells.rooms):
            can &= gives[..., kind] <= left[..., kind]
        price = np.where(can, cells.usd[region], 0.0)
        pick = np.argmax(price, axis=1)
        rows = np.arange(len(pick))
        some = price[rows, pick] > 0
        region, hour, pick, rows = region[some], hour[some], pick[some], rows[some]
        if not len(region):
            return
        given = gives[rows, pick]
        with np.errstate(divide="ignore", invalid="ignore"):
            most = np.where(given > 0, np.floor(left[rows, 0] / given), np.inf)[:, : cells.rooms].min(1)
        gone = np.clip(most, 1.0, there[rows, pick])
        counts[region, hour, pick] -= gone
        have[region, hour] -= gone[:, None] * given


def _exchange(cells: Cells, counts: Floats, have: Floats, free: Floats) -> None:
    """Puts a cheaper instance in the place of one where that saves more than the price of a move."""
    regions, hours = counts.shape[:2]
    region, hour = (part.ravel() for part in np.indices((regions, hours)))
    for _ in range(MOST_MOVES):
        moved = []
        for start in range(0, len(region), AT_ONCE):
            where = region[start : start + AT_ONCE], hour[start : start + AT_ONCE]
            moved.append(_better(cells, (counts, have, free), where))
        still = np.concatenate(moved) if moved else np.zeros(0, dtype=bool)
        if not still.any():
            return
        region, hour = region[still], hour[still]


def _better(cells: Cells, standing: tuple[Floats, Floats, Floats], where: tuple[Ints, Ints]) -> NDArray[np.bool_]:
    """Makes the exchange that saves most in each cell; whether there was one."""
    counts, have, free = standing
    region, hour = where
    gives, usd = cells.gives[region], cells.usd[region]
    out, which = _in_use(counts[where])
    leaving = np.take_along_axis(gives, out[..., None], 1)
    back = np.where(which, (1 - cells.move) * np.take_along_axis(usd, out, 1), 0.0)
    spare = have[where] - cells.need[where] + cells.slack[where]
    number = _enough(cells, gives, leaving, spare, _left(cells, counts[where], free[region], region))
    with np.errstate(invalid="ignore"):
        worth = np.where(np.isfinite(number), back[..., None] - number * usd[:, None], 0.0).reshape(len(region), -1)
    best = np.argmax(worth, axis=1)
    rows = np.arange(len(region))
    found = worth[rows, best] > PAYS
    from_, into = np.divmod(best, gives.shape[1])
    gone, come = out[rows, from_][found], number[rows, from_, into][found]
    region, hour, into = region[found], hour[found], into[found]
    counts[region, hour, gone] -= 1
    counts[region, hour, into] += come
    have[region, hour] += come[:, None] * cells.gives[region, into] - cells.gives[region, gone]
    return np.asarray(found)
