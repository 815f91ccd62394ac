"""The linear relaxation by Benders' decomposition: shares in one programme, every region's instances in its own.

Given shares, each region is solved alone; its duals say what one more share of each neighbour's load would cost it.
These cuts meet in the programme of the shares (Benders 1962, one cut a region and pass: Birge and Louveaux 1988). The
next shares lie half way between its optimum and the best so far (in-out separation: Ben-Ameur and Neto 2007).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from planner.fleet.offers import Prices, ever_useful, first_types, unbought
from planner.fleet.problem import Arcs, FleetProblem, Floats, Ints
from planner.fleet.region import RegionAnswer, RegionProgram
from planner.fleet.shares import Cut, ShareProgram, overfull

INWARD = 0.5
"""How far from the best shares towards the newest ones the next pass looks."""

PRICED = (0, 1, 2, 6, 10)
"""Passes after which types that are worth more than they cost are taken in: most come at once, few late."""

SETTLING = 3
"""Passes after which the cheapest shares so far count as the best: before, regions lack types."""

NEWCOMERS = 6
"""Types taken in at once by a region."""


LEFT_TYPES = 16
"""Types that a region goes on with at most, or more if it used more, once the relaxation is solved: later solves take
half as long."""


@dataclass(slots=True)
class Relaxation:
    """The regions' programmes and the shares' one, with all cuts found so far.

    Attributes:
        useful: (R, T) instances of a type beyond which more are of no use.
        told: by region, the answer that the last of its cuts was made of, and which losses it charges for.
    """

    problem: FleetProblem
    arcs: Arcs
    regions: tuple[RegionProgram, ...]
    shares: ShareProgram
    useful: Floats
    told: dict[int, tuple[RegionAnswer, Ints]] = field(default_factory=dict)

    @classmethod
    def start(cls, problem: FleetProblem) -> "Relaxation":
        arcs = Arcs.of(problem)
        regions = tuple(RegionProgram(problem, region, types) for region, types in enumerate(first_types(problem)))
        useful = ever_useful(problem, arcs, np.arange(problem.regions))
        return cls(problem, arcs, regions, ShareProgram(problem, arcs), useful)

    def ask(
        self, shares: Floats, pool: ThreadPoolExecutor, *, priced: bool = False, regions: Sequence[int] | None = None
    ) -> list[RegionAnswer]:
        """Solves every region at shares by arc, (2P,), and adds a cut each.

        Args:
            shares: by arc.
            pool: that regions are shared out over.
            priced: whether types that regions have not are priced: cuts then hold for all types, and regions take in
                what is worth more than it costs. Of all regions alone.
            regions: to ask none but these.
        """
        asked = range(self.problem.regions) if regions is None else regions
        loads = [self._load(region, shares) for region in asked]
        held = [self._firm(region, load) for region, load in zip(asked, loads, strict=True)]
        answers = list(pool.map(lambda region, firm: self.regions[region].solve(firm), asked, held))
        missed = self._price(answers, pool) if priced else np.zeros(len(answers))
        cuts = []
        for answer, region, load, miss in zip(answers, asked, loads, missed.tolist(), strict=True):
            cut, was = self._cut(answer, region, load), self.told.get(region)
            if was is None or was[0] is not answer or not np.array_equal(was[1], cut.largest):  # else it is there
                cuts.append(replace(cut, usd=cut.usd + miss))
                self.told[region] = answer, cut.largest
        self.shares.add(cuts, shares)
        return answers

    def held(self, shares: Floats) -> Floats:
        """(R, K, H) what each region must hold firm: its own critical load, and the largest that may come to it."""
        return np.stack([self._firm(region, self._load(region, shares)) for region in range(self.problem.regions)])

    def _firm(self, region: int, load: Floats) -> Floats:
        return np.asarray(self.problem.critical[region] + self.arcs.together(region, load).max(0, initial=0.0))

    def _load(self, region: int, shares: Floats) -> Floats:
        """(arcs into it, K, H) what each region that may be lost would bring."""
        arcs = self.arcs.into[region]
        return np.asarray(shares[arcs, None, None] * self.problem.critical[self.arcs.lost[arcs]])

    def _price(self, answers: Sequence[RegionAnswer], pool: ThreadPoolExecutor) -> Floats:
        """Takes new types in; by region, how much less it could cost at most with all types, USD, at most 0."""
        gains = unbought(self.problem, prices_of(answers), self.useful, pool)
        for program, row, answer in zip(self.regions, gains, answers, strict=True):
            row[program.types] = 0
            best = np.argsort(row, kind="stable")[:NEWCOMERS]
            best = best[row[best] < -1e-6 * max(1.0, answer.usd)]
            if len(best):
                program.grow(best)
        return np.asarray(gains.sum(1))

    def _cut(self, answer: RegionAnswer, region: int, loads: Floats) -> Cut:
        """What the duals promise of a region's cost, whatever the shares; only the largest loss of an hour counts."""
        arcs = self.arcs.into[region]
        losses = self.arcs.together(region, loads)
        largest = losses.argmax(0) if len(arcs) else np.zeros(answer.firm.T.shape, dtype=np.int64)
        critical = self.problem.critical[self.arcs.lost[arcs]]
        which = self.arcs.losses[region] if self.arcs.losses else np.arange(len(arcs))
        charged = np.where(largest == which[:, None, None], critical, 0.0)
        return Cut(
            region=region,
            usd=answer.usd,
            slopes=charged.reshape(len(arcs), answer.firm.size) @ answer.firm.T.ravel(),
            served=answer.served,
            firm=answer.firm,
            spot=answer.spot_price,
            quota=answer.quota_price,
            largest=largest.T if len(arcs) else np.zeros((0, 0), dtype=np.int64),
        )


def relax(relaxation: Relaxation, passes: int, pool: ThreadPoolExecutor) -> Floats:
    """Shares by arc near the relaxation's optimum, after so many passes."""
    arcs, horizon = relaxation.arcs, relaxation.problem.hours
    even = np.minimum(1.0 / np.array([len(out) for out in arcs.out])[arcs.lost], relaxation.shares.most)
    best = shares = relaxation.shares.solve() if len(overfull(relaxation.problem, even)) else even
    least = np.inf
    for at in range(passes):
        answers = relaxation.ask(shares, pool, priced=at in PRICED)
        usd = sum(answer.usd for answer in answers) + horizon * relaxation.shares.circuits_below(shares)
        if usd < least or at <= SETTLING:
            least, best = usd, shares
        shares = INWARD * relaxation.shares.solve() + (1 - INWARD) * best
    for program in relaxation.regions:
        program.settle_on(LEFT_TYPES)
    return best


def prices_of(answers: Sequence[RegionAnswer]) -> Prices:
    """The duals of all regions."""
    return Prices(
        served=np.stack([answer.served for answer in answers]),
        firm=np.stack([answer.firm for answer in answers]),
        spot=np.stack([answer.spot_price for answer in answers]),
        quota=np.stack([answer.quota_price for answer in answers]),
    )
