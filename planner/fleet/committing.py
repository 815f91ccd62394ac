"""What of a fleet that stands is committed anew, given up, or in the place of something else, where that pays.

Commitments hold for all hours, so that each change of them is weighed by settling all hours of its region. Tried is
what prices promise most of, what is on demand at enough hours, and what no hour needs.
"""

import numpy as np

from planner.fleet.moves import PAYS, Work
from planner.fleet.problem import NOT_OFFERED, Floats, Ints
from planner.fleet.settle import settle

TRIALS = 4
"""Changes of what is committed that are tried in a region at once, of those that prices promise most of."""

EXCHANGED = 2
"""Trials of a region, those that cost least, of which what is left over gives way to less before they are compared."""

STEPS = (0.02, 0.005, 0.0, 0.0)
"""Rounds of such trials: what is committed or given up at once, as a share of what a region needs; one at least."""

AT_ONCE = 32
"""Regions whose trials are settled side by side: some ten MB, where all at once take more than the whole solver."""


def commit(work: Work, regions: Ints) -> None:
    """Commits one instance more, one less, or one in the place of another, where that pays by more than its price."""
    rows = work.rows(regions)
    for start in range(0, len(rows), AT_ONCE):
        _commit_some(work, rows[start : start + AT_ONCE])


def _commit_some(work: Work, rows: Ints) -> None:
    exchanges = work.calm.move_share > 0  # polishing a whole fleet has no time for that
    for step in STEPS:
        ways = (_likely(work, rows, step), _steady(work, rows), _needless(work, rows))
        which, deltas = (np.concatenate(parts) for parts in zip(*ways, strict=True))
        if not len(which):
            return
        committed = work.committed[which] + deltas
        cells = work.cells.only(which)
        counts, failed = settle(cells, committed, work.origin[which], exchanges=False)
        usd = np.where(failed, np.inf, work.price(which, committed, counts))
        if exchanges:
            some = _cheapest(which, usd)
            counts[some] = settle(cells.only(some), committed[some], counts[some])[0]
            usd[some] = work.price(which[some], committed[some], counts[some])
        better = []
        for row in np.unique(which).tolist():
            tried = np.flatnonzero(which == row)
            best = tried[np.argmin(usd[tried])]
            if usd[best] < work.usd[row] - PAYS:
                work.committed[row], work.counts[row], work.usd[row] = committed[best], counts[best], usd[best]
                better.append(row)
        if not better and not step:
            return


def _cheapest(which: Ints, usd: Floats) -> Ints:
    """The trials of each row that cost least so far, `EXCHANGED` of them at most."""
    order = np.lexsort((usd, which))
    place = np.arange(len(order)) - np.searchsorted(which[order], which[order])
    return np.asarray(np.sort(order[(place < EXCHANGED) & np.isfinite(usd[order])]))


def _likely(work: Work, rows: Ints, step: float) -> tuple[Ints, Floats]:
    """Changes of what is committed that prices promise most of: which row, and (trials, m) what is added."""
    cells, committed = work.cells.only(rows), work.committed[rows]
    count = committed.shape[1]
    usd = work.problem.hours * work.committed_usd(rows)
    number = _steps(work, rows, step)
    worth = np.einsum("nhl,nml->nm", cells.weights[:, :, : cells.rooms], cells.gives[:, :count, : cells.rooms])
    surplus = np.where(usd < NOT_OFFERED, usd, np.inf) - worth
    kept = work.first[0][rows] if work.calm.keeps_committed else 0.0
    may_go = committed - number >= kept
    may_come = (committed + number <= cells.stock) & np.isfinite(surplus)
    none = np.zeros((len(rows), 1))
    saved = (1 - work.calm.move_share) * usd - worth
    comes = np.concatenate([np.where(may_come, number * surplus, np.inf), none], 1)
    goes = np.concatenate([np.where(may_go, number * saved, -np.inf), none], 1)
    change = comes[:, None] - goes[:, :, None]  # (n, out, into)
    same = np.arange(count + 1)
    change[:, same, same] = np.inf
    order = np.argsort(change.reshape(len(rows), -1), axis=1, kind="stable")[:, :TRIALS]
    good = np.isfinite(np.take_along_axis(change.reshape(len(rows), -1), order, 1))
    out, into = np.divmod(order, count + 1)
    one = np.concatenate([np.eye(count), np.zeros((1, count))])
    deltas = (one[into] - one[out]) * number[:, None]
    return np.repeat(rows, order.shape[1])[good.ravel()], deltas[good]


def _steady(work: Work, rows: Ints) -> tuple[Ints, Floats]:
    """What is on demand at so many hours that committing it costs less: which row, and (trials, m) what is added."""
    half = work.committed.shape[1]
    counts, usd = work.counts[rows][:, :, :half], work.cells.usd[rows, :half]
    fixed = work.problem.hours * work.committed_usd(rows)
    never = np.full(usd.shape, np.inf)  # in the place of what costs nothing
    hours = np.floor(np.divide(fixed, usd, out=never, where=usd > 0)) + 1  # at so many it pays
    ranked = -np.sort(-counts, axis=1)
    at = np.clip(hours, 1, work.problem.hours).astype(np.int64) - 1
    often = np.take_along_axis(ranked, at[:, None], 1)[:, 0]
    room = work.cells.stock[rows] - work.committed[rows]
    often = np.where((hours <= work.problem.hours) & (fixed < NOT_OFFERED), np.minimum(often, room), 0.0)
    every = np.flatnonzero((often > 0).any(1))
    best = np.argmax(often * usd, axis=1)
    alone = np.where(np.arange(half) == best[:, None], often, 0.0)
    return np.concatenate([rows[every], rows[every]]), np.concatenate([often[every], alone[every]])


def _needless(work: Work, rows: Ints) -> tuple[Ints, Floats]:
    """What is committed and no hour needs, the dearest of it: which row, and (trials, m) what goes."""
    if work.calm.keeps_committed:
        return np.zeros(0, dtype=np.int64), np.zeros((0, work.committed.shape[1]))
    cells, committed, kinds = work.cells.only(rows), work.committed[rows], work.cells.rooms
    half = committed.shape[1]
    have = np.einsum("nm,nml->nl", committed, cells.gives[:, :half])
    soft = np.einsum("nhm,nml->nhl", work.counts[rows][:, :, half:], cells.gives[:, half:])
    spare = (have[:, None] + soft - cells.need + cells.slack)[:, :, :kinds].min(1)  # without what is on demand
    gives = cells.gives[:, :half, :kinds]
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(gives > 0, np.floor(spare[:, None] / gives), np.inf).min(2)
    gone = np.clip(most, 0.0, committed)
    dearest = np.argmax(gone * np.where(gone > 0, work.committed_usd(rows), 0.0), axis=1)
    some = np.flatnonzero(gone.any(1))
    return rows[some], -np.where(np.arange(half) == dearest[:, None], gone, 0.0)[some]


def _steps(work: Work, rows: Ints, step: float) -> Floats:
    """(n, m) instances that give this share of what a region needs most of at the hour that needs most, or one."""
    need = work.cells.need[rows].max(1)[:, : work.cells.rooms]
    half = work.committed.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (work.cells.gives[rows, :half, : work.cells.rooms] / np.maximum(need, 1e-9)[:, None]).max(2)
        return np.asarray(np.maximum(1.0, np.floor(step / np.maximum(share, 1e-12))))
