"""Moves of a fleet that stands: what is lacking, and shares where a lump is at stake.

Each is weighed by what it really costs: the hours it touches are settled anew (`planner.fleet.cells`), and what was
there and is replaced is charged a share of its price. Commitments: `planner.fleet.committing`.
"""

from dataclasses import dataclass

import numpy as np

from planner.errors import FleetTooFar
from planner.fleet.cells import Cells
from planner.fleet.choice import loads
from planner.fleet.circuits import circuits_for, circuits_within
from planner.fleet.partners import too_many
from planner.fleet.problem import NOT_OFFERED, Arcs, FleetProblem, FleetSolution, Floats, Ints
from planner.fleet.settle import settle
from planner.fleet.shift import Spare, lumpy, shifted

MOVE_SHARE = 0.5
"""Price of a move: a change of demand of 3 % in every region then moves a tenth of what solving anew moves, or less."""

MOST_TYPES = 24
"""Types that a region is looked at with: those that it has, the cheapest at its prices, the smallest."""

SMALL_TYPES = 4
"""Of these, the smallest: they fill what is missing with little too much."""

PAYS = 1e-6
"""USD that a move must save beyond its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """What moving is worth.

    Attributes:
        move_share: replacing an instance or a circuit costs this share of its price: what comes must save more.
        keeps_committed: whether what is committed stays, however little it is needed.
        keeps_shares: whether shares stay as they are.
        keeps: a region that has all that it needs stays as it is, unless that costs this share more than what is found.
    """

    move_share: float = MOVE_SHARE
    keeps_committed: bool = False
    keeps_shares: bool = False
    keeps: float = 0.0


@dataclass(slots=True)
class Work:
    """Regions that are looked at again, as rows of arrays.

    Attributes:
        problem: what is asked; before: what stands.
        regions: (n,) in rising order.
        cells: their hours, with what they hold firm.
        first: what stood: (n, m) committed, and (n, H, 2m) counts.
        committed, counts: what is found so far; usd: (n,) what it costs, with the price of moves.
        shares: (2P,).
    """

    problem: FleetProblem
    before: FleetSolution
    arcs: Arcs
    calm: Calm
    regions: Ints
    cells: Cells
    first: tuple[Floats, Floats]
    committed: Floats
    counts: Floats
    usd: Floats
    shares: Floats

    @classmethod
    def start(cls, problem: FleetProblem, before: FleetSolution, arcs: Arcs, changed: Ints, calm: Calm) -> "Work":
        """Regions that changed and all that may carry for them, as they stand."""
        near = [arcs.carrier[arcs.out[region]] for region in changed.tolist()]
        regions = np.unique(np.concatenate([changed, *near]))
        shares = before.shares.reshape(-1)
        types = types_of(problem, before, regions)
        worth = before.worth[regions], before.worth_critical[regions]
        held = claims(problem, arcs, shares, regions)
        cells = Cells.of(problem, (regions, types), held, worth, calm.move_share)
        at = regions[:, None], types
        committed = before.committed[at].astype(np.float64)
        by_hour = np.concatenate([before.on_demand[at], before.spot[at]], 1)
        counts = by_hour.transpose(0, 2, 1).astype(np.float64)
        offered = problem.committed_usd[at] < NOT_OFFERED
        kept = np.minimum(committed, np.where(offered, cells.stock, 0.0))
        usd = np.full(len(regions), np.inf)
        return cls(problem, before, arcs, calm, regions, cells, (committed, counts), kept, counts, usd, shares)

    @property
    def origin(self) -> Floats:
        """(n, H, 2m) counts that hours are settled from when something else changes.

        Where moves have a price, those that stood: what an earlier move brought in then need not stay, and what it
        took away comes back. Where they have none, what is found so far, which is nearer.
        """
        return self.first[1] if self.calm.move_share > 0 else self.counts

    def rows(self, regions: Ints) -> Ints:
        """Which rows some regions are."""
        return np.searchsorted(self.regions, regions)

    def price(self, rows: Ints, committed: Floats, counts: Floats) -> Floats:
        """(n,) USD over the horizon of what is found for some rows, with the price of what is replaced.

        What goes without anything in its place is no move, nor is what comes beside it: of both, hour by hour, that
        which costs less is charged.
        """
        usd, fixed = np.minimum(self.cells.usd[rows], NOT_OFFERED), np.minimum(self.committed_usd(rows), NOT_OFFERED)
        paid = self.problem.hours * (fixed * committed).sum(1) + (usd * counts.sum(1)).sum(1)
        usd, fixed = np.where(usd < NOT_OFFERED, usd, 0.0), np.where(fixed < NOT_OFFERED, fixed, 0.0)
        change, more = counts - self.first[1][rows], committed - self.first[0][rows]
        sides = []
        for side in (1.0, -1.0):
            by_hour = (np.maximum(side * change, 0.0) @ usd[:, :, None])[:, :, 0]
            sides.append(by_hour + (fixed * np.maximum(side * more, 0.0)).sum(1)[:, None])
        return np.asarray(paid + self.calm.move_share * np.minimum(sides[0], sides[1]).sum(1))

    def committed_usd(self, rows: Ints) -> Floats:
        """(n, m) USD per hour of what is committed."""
        return np.asarray(self.problem.committed_usd[self.regions[rows][:, None], self.cells.types[rows]])


def claims(problem: FleetProblem, arcs: Arcs, shares: Floats, regions: Ints) -> Floats:
    """(n, K, H) what some regions hold firm: their own critical load, and the most that one loss brings them."""
    found = problem.critical[regions]
    for row, region in enumerate(regions.tolist()):
        found[row] += arcs.claims(region, shares, problem.critical).max(0, initial=0.0)
    return found


def hold(work: Work) -> None:
    """What stands is made to meet what is asked, shares as they are."""
    work.counts, failed = settle(work.cells, work.committed, work.first[1], exchanges=False)
    if failed.any():
        lacking = work.problem.name(int(work.regions[np.argmax(failed)]))
        raise FleetTooFar(f"region {lacking} lacks what small moves cannot bring", where=f"region {lacking}")
    every = np.arange(len(work.regions))
    work.usd = work.price(every, work.committed, work.counts)


def shift(work: Work, regions: Ints) -> None:
    """Moves shares of some regions from partners that would need another lump to others, where that pays."""
    firm = np.einsum("nmk,nm->nk", work.problem.gives[work.cells.types], work.committed)[:, :, None]
    half = work.committed.shape[1]
    firm = firm + np.einsum("nmk,nhm->nkh", work.problem.gives[work.cells.types], work.first[1][:, :, :half])
    left = np.full(work.problem.critical.shape, np.inf)
    left[work.regions] = firm - work.problem.critical[work.regions]
    lumps = np.zeros(left.shape[:2], dtype=bool)
    lumps[work.regions] = lumpy(work.problem, work.regions)
    spare = Spare(
        problem=work.problem,
        arcs=work.arcs,
        firm=left,
        gbps=work.before.circuits @ work.problem.tier_gbps - work.problem.gbps,
        lumpy=lumps,
        worth=work.before.worth_critical,
    )
    for region in regions.tolist():
        for shares in shifted(spare, work.shares, region):
            if _try_shares(work, shares, region):
                break


def _try_shares(work: Work, shares: Floats, region: int) -> bool:
    """Takes these shares if they cost less than those so far."""
    if region in too_many(work.problem, shares):
        return False
    out = work.arcs.out[region]
    moved = out[np.abs(shares[out] - work.shares[out]) > 0]
    rows = np.unique(work.rows(work.arcs.carrier[moved]))
    cells = work.cells.only(rows).holding(claims(work.problem, work.arcs, shares, work.regions[rows]))
    counts, failed = settle(cells, work.committed[rows], work.first[1][rows], exchanges=False)
    if failed.any():
        return False
    usd = work.price(rows, work.committed[rows], counts)
    links = np.unique(work.problem.pair_links[work.arcs.pair[moved]])
    more = circuits_usd_of(work, shares, links) - circuits_usd_of(work, work.shares, links)
    if usd.sum() + more >= work.usd[rows].sum() - PAYS:
        return False
    work.shares = shares
    work.counts[rows], work.usd[rows] = counts, usd
    work.cells.need[rows] = cells.need
    return True


def circuits_usd_of(work: Work, shares: Floats, links: Ints) -> float:
    """USD over the horizon of the circuits of some links at these shares, with the price of those that go."""
    circuits, tier_usd = kept_circuits(work, shares, links), work.problem.tier_usd[links]
    gone = np.maximum(work.before.circuits[links] - circuits, 0)
    return work.problem.hours * float((tier_usd * (circuits + work.calm.move_share * gone)).sum())


def kept_circuits(work: Work, shares: Floats, links: Ints) -> Ints:
    """(n, tiers) what stands of some links, and what it lacks, unless others save more than the price of what goes."""
    problem, before = work.problem, work.before.circuits[links]
    carried, tier_usd = loads(problem, shares)[links], problem.tier_usd[links]
    sold = np.where(tier_usd < NOT_OFFERED, before, 0)
    best = circuits_within(carried, problem.tier_gbps, tier_usd, problem.link_quotas[links])
    more = sold + circuits_for(carried - sold @ problem.tier_gbps, problem.tier_gbps, tier_usd)
    more = np.where((more @ problem.tier_gbps > problem.link_quotas[links])[:, None], best, more)
    gone = (tier_usd * np.maximum(sold - best, 0)).sum(1)
    saved = (tier_usd * (more - best)).sum(1)
    return np.where((saved <= work.calm.move_share * gone + PAYS)[:, None], more, best)


def polish(work: Work, regions: Ints) -> None:
    """Exchanges in regions that changed or that something came to, where they pay."""
    touched = (work.counts != work.first[1]).any((1, 2)) | (work.committed != work.first[0]).any(1)
    touched[work.rows(regions)] = True
    rows = np.flatnonzero(touched)
    counts, failed = settle(work.cells.only(rows), work.committed[rows], work.origin[rows])
    usd = work.price(rows, work.committed[rows], counts)
    better = ~failed & (usd < work.usd[rows] - PAYS)
    work.counts[rows[better]], work.usd[rows[better]] = counts[better], usd[better]


def leave(work: Work) -> None:
    """Regions that have all that they need as they stand are left so, where that costs little more."""
    every = np.arange(len(work.regions))
    committed, counts = work.first
    half = committed.shape[1]
    have = np.einsum("nhm,nml->nhl", counts, work.cells.gives)
    have = have + np.einsum("nm,nml->nl", committed, work.cells.gives[:, :half])[:, None]
    free = work.cells.stock - committed
    enough = (have >= work.cells.need - work.cells.slack).all((1, 2))
    enough &= (free[:, None] >= counts[:, :, :half] + counts[:, :, half:]).all((1, 2))
    enough &= ((counts == 0) | work.cells.offered[:, None]).all((1, 2))
    enough &= ((committed == 0) | (work.committed_usd(every) < NOT_OFFERED)).all(1)
    stays = enough & (work.price(every, committed, counts) <= (1 + work.calm.keeps) * work.usd + PAYS)
    work.committed[stays], work.counts[stays] = committed[stays], counts[stays]
    work.usd[stays] = work.price(every, committed, counts)[stays]


def types_of(problem: FleetProblem, before: FleetSolution, regions: Ints) -> Ints:
    """(n, m) types by region: those in use, the smallest, then those that give most for their price."""
    used = (before.committed[regions] > 0) | before.on_demand[regions].any(2) | before.spot[regions].any(2)
    worth = (before.worth[regions] + before.worth_critical[regions]).mean(2) @ problem.gives.T
    usd = np.minimum(problem.on_demand_usd[regions], problem.committed_usd[regions])
    with np.errstate(divide="ignore", invalid="ignore"):
        rank = np.minimum(usd, problem.spot_cost[regions]) / np.maximum(worth, 1e-12)
    small = np.argsort(problem.on_demand_usd[regions], axis=1, kind="stable")[:, :SMALL_TYPES]
    np.put_along_axis(rank, small, -1.0, 1)
    rank[used] = -2.0
    most = min(rank.shape[1], max(MOST_TYPES, int(used.sum(1).max(initial=0)) + SMALL_TYPES))
    return np.asarray(np.sort(np.argsort(rank, axis=1, kind="stable")[:, :most], axis=1))
