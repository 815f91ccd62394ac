"""No more partners for a region than people want.

The search for shares knows no such limit at first. Where a region then has more, those that carry most are kept, the
others closed, and the search goes on from there (`planner.fleet.solve`). The bound is that of fleets without the limit:
it holds for those with it.

Who carries most may be who cannot carry half. Where a region then lacks something, those that send it their load choose
their partners anew, of all that they may have, in one small programme of whole numbers over what is known of the
carriers' cost; that of one which lacks something is known by trial, for each of its senders alone.
"""

from dataclasses import dataclass, field

import numpy as np

from planner.errors import SolverCrashed
from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats, Ints
from planner.fleet.shares import Limit, ShareProgram
from planner.fleet.shift import LEAST, spread
from planner.model import ModelBuilder, SolveStatus
from planner.solve import solve

COUNTS = 1e-6
"""Smaller shares are no partner."""


def too_many(problem: FleetProblem, shares: Floats) -> Ints:
    """Regions that have more partners than they may, at shares by arc or by pair."""
    if not problem.partners.size:
        return np.zeros(0, dtype=np.int64)
    lost = problem.pairs.reshape(-1)[shares.reshape(-1) > COUNTS]
    return np.flatnonzero(np.bincount(lost, minlength=problem.regions) > problem.partners)


def few_partners(problem: FleetProblem, arcs: Arcs, shares: Floats) -> tuple[Floats, Ints]:
    """Shares by arc within the limit, those that carry most carrying all, and the arcs that are closed from then on."""
    shares, closed = shares.copy(), []
    for region, out in enumerate(arcs.out):
        caps = np.zeros(len(out))
        caps[np.argsort(-shares[out], kind="stable")[: int(problem.partners[region])]] = MOST_SHARE
        closed.append(out[caps == 0])
        if (shares[out][caps == 0] > 0).any():
            found = spread(np.where(caps > 0, shares[out], 0.0), caps, np.zeros(len(out)))
            shares[out] = np.where(found > LEAST, found, 0.0)
    return shares, np.concatenate(closed)


@dataclass(slots=True)
class Rechosen:
    """Regions that choose their partners anew, more of them from pass to pass, and what is known by trial.

    Attributes:
        tried: regions of which every sender was tried alone; choosing: regions whose partners are free.
    """

    tried: set[int] = field(default_factory=set)
    choosing: set[int] = field(default_factory=set)

    def trials(self, arcs: Arcs, short: Ints) -> list[tuple[Ints, list[int]]]:
        """Arcs that carry all they may, one of each region that was not tried yet, and these regions."""
        new = [region for region in short.tolist() if region not in self.tried]
        self.tried.update(new)
        found = []
        for at in range(max((len(arcs.into[region]) for region in new), default=0)):
            regions = [region for region in new if len(arcs.into[region]) > at]
            found.append((np.array([arcs.into[region][at] for region in regions]), regions))
        return found

    def shares(self, known: ShareProgram, shares: Floats, short: Ints, full: Ints) -> Floats:
        """Shares by arc within the limit of partners; arcs that carry nothing for those who chose are closed.

        Args:
            known: what is known of carriers.
            shares: so far.
            short: regions that lack something.
            full: pairs whose circuits may not carry so much.
        """
        arcs, used = known.arcs, shares > COUNTS
        for region in short.tolist():
            self.choosing.update(arcs.lost[arcs.into[region][used[arcs.into[region]]]].tolist())
        self.choosing.update(known.problem.pairs[full].reshape(-1).tolist())
        self.choosing.update(too_many(known.problem, shares).tolist())
        found = _chosen(known, shares, sorted(self.choosing))
        if found is None:
            return shares
        free = np.concatenate([arcs.out[region] for region in sorted(self.choosing)])
        known.open(free[found[free] > 0])
        known.close(free[found[free] <= 0])
        return found


def _chosen(known: ShareProgram, shares: Floats, regions: list[int]) -> Floats | None:
    """The cheapest shares of some regions within their limits by all that is known, the others' as they are."""
    arcs, builder = known.arcs, ModelBuilder()
    free = np.concatenate([arcs.out[region] for region in regions])
    column = np.full(len(arcs.lost), -1)
    column[free] = [builder.column(0.0, upper=MOST_SHARE, integer=False) for _ in free]
    for region in regions:
        _backed(builder, known, region, column)
    paid = {int(region): builder.column(1.0, integer=False) for region in np.unique(arcs.carrier[free])}
    for cut, constant in zip(known.cuts, known.constants, strict=True):
        if cut.region in paid:
            _bounded(builder, (paid[cut.region], column), (arcs.into[cut.region], cut.slopes, constant), shares)
    _within_quotas(builder, known.problem, column, shares)
    for limit in known.limits:
        _within_limit(builder, limit, column, shares)
    hours = float(known.problem.hours)
    pairs = {int(pair): builder.column(hours, integer=False) for pair in np.unique(arcs.pair[free])}
    hulls = known.hulls
    for pair, slopes, constant in zip(hulls.pair.tolist(), hulls.slopes, hulls.constants.tolist(), strict=True):
        if pair in pairs:
            _bounded(builder, (pairs[pair], column), (np.array([2 * pair, 2 * pair + 1]), slopes, constant), shares)
    try:
        solution = solve(builder.build())
    except SolverCrashed:
        return None
    if solution.status is SolveStatus.INFEASIBLE:
        return None
    found = shares.copy()
    values = np.clip(solution.values[: len(free)], 0.0, MOST_SHARE)
    found[free] = np.where(values > COUNTS, values, 0.0)
    return found


def _backed(builder: ModelBuilder, known: ShareProgram, region: int, column: Ints) -> None:
    """A region is backed up whole, by no more partners than it may have: whether one is used is a whole number."""
    out = known.arcs.out[region]
    used = [builder.column(0.0, upper=1.0) for _ in out]
    for arc, whether in zip(out.tolist(), used, strict=True):
        builder.row([(int(column[arc]), 1.0), (whether, -float(known.room[arc]))], upper=0.0)
    builder.row([(whether, 1.0) for whether in used], upper=float(known.problem.partners[region]))
    builder.row([(int(column[arc]), 1.0) for arc in out], lower=1.0, upper=1.0)


def _within_quotas(builder: ModelBuilder, problem: FleetProblem, column: Ints, shares: Floats) -> None:
    """Circuits of a pair carry no more than their quota; of arcs that are not free, what they do."""
    room, speed = problem.pair_room, problem.replication_gbps[problem.pairs]
    for pair in problem.narrow_pairs.tolist():
        both = np.array([2 * pair, 2 * pair + 1])
        free = column[both] >= 0
        left = float(room[pair] - (speed[pair] * np.where(free, 0.0, shares[both])).sum())
        if free.any():
            terms = zip(column[both[free]].tolist(), speed[pair][free].tolist(), strict=True)
            builder.row(terms, upper=max(0.0, left))


def _within_limit(builder: ModelBuilder, limit: Limit, column: Ints, shares: Floats) -> None:
    """Arcs that are lost together carry no more than there is room for; those that are not free, what they do."""
    free = column[limit.arcs] >= 0
    left = np.maximum(limit.most - shares[limit.arcs[~free]] @ limit.loads[~free], 0.0)
    for load, most in zip(limit.loads[free].T, left.tolist(), strict=True):
        builder.row(zip(column[limit.arcs[free]].tolist(), load.tolist(), strict=True), upper=most)


def _bounded(builder: ModelBuilder, at: tuple[int, Ints], below: tuple[Ints, Floats, float], shares: Floats) -> None:
    """A column is at least an affine function of some arcs' shares, those that are not free as they are."""
    paid, column = at
    arcs, slopes, constant = below
    free = column[arcs] >= 0
    terms = [(int(one), -float(slope)) for one, slope in zip(column[arcs[free]], slopes[free], strict=True) if slope]
    builder.row([(paid, 1.0), *terms], lower=constant + float(slopes[~free] @ shares[arcs[~free]]))
