"""Failover partners as a careful engineer would choose them: the nearest, evenly, then moved about while that saves.

Nearest is what a small circuit costs least to: that is the only distance that a problem states. A region's machines are
reckoned at a going rate of each resource, circuits at what they cost.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.plan_circuits import Circuits
from benchmarks.plan_problem import Floats, Ints, Problem, finite, real, whole

#: Numbers of partners that are tried for everybody, before single shares are moved.
EVENLY = (2, 3, 4, 6, 8)
#: Parts of a load that are moved from one partner to another at a time; for each, all regions are gone through.
STEPS = (0.2, 0.1, 0.05, 0.1, 0.05, 0.02)
#: How often dropping a partner altogether is tried for all pairs.
SWEEPS = 2
AT_MOST = 0.5
SAVES = -1e-9


class NoPartners(Exception):
    """A region has fewer than two possible partners: at most half of its load can be covered."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """Shares of the directed pairs, and what they come to: USD of each region [R], Gbps of each pair [N]."""

    share: Floats
    usd: Floats
    gbps: Floats


class Partners:
    """Who may carry for whom, and what it would cost.

    `lost[i], helper[i]` are the directed pairs: the first of `cand`'s direction 0, then direction 1, so that `i` and
    `i + P` are the two of one pair. Shares are an array of their length.
    """

    def __init__(self, problem: Problem) -> None:
        cand = whole(problem, "cand").reshape(-1, 2)
        self.lost = np.concatenate([cand[:, 0], cand[:, 1]])
        self.helper = np.concatenate([cand[:, 1], cand[:, 0]])
        self.critical, self.demand = real(problem, "C"), real(problem, "D")
        self.circuits = Circuits(problem)
        self.pair = self.circuits.rows(self.lost, self.helper)
        self.replication = real(problem, "repl")[self.lost]
        self.firm_part = 1 - 0.9 * float(real(problem, "sigma"))
        self.worth = _worth(problem)
        regions = range(len(self.demand))
        self.of = [np.flatnonzero(self.lost == region) for region in regions]
        self.by = [np.flatnonzero(self.helper == region) for region in regions]
        for region in regions:
            if len(self.of[region]) * AT_MOST < 1:
                raise NoPartners(f"region {region} has {len(self.of[region])} possible partners, 2 are wanted")

    def evenly(self, many: int) -> Floats:
        """Each region's load in equal parts on its nearest so many."""
        share = np.zeros(len(self.lost))
        far = self.circuits.usd_of_one[self.pair]
        for mine in self.of:
            near = mine[np.argsort(far[mine], kind="stable")][:many]
            share[near] = 1 / len(near)
        return share

    def firm(self, share: Floats) -> Floats:
        """What each region must hold that cannot be taken away [R, K, H]: its own critical load and one partner's."""
        extra = np.zeros_like(self.critical)
        np.maximum.at(extra, self.helper, share[:, None, None] * self.critical[self.lost])
        return self.critical + extra

    def reckon(self, share: Floats, usd: Floats) -> None:
        """Takes what machines came to for some shares, USD of each region [R], as the going rates from here on."""
        guessed = np.array([self._usd(region, share) for region in range(len(self.of))])
        self.worth *= np.divide(usd, guessed, out=np.ones_like(usd), where=guessed > 0)[:, None]

    def even_shares(self) -> Floats:
        """The best of the even ones [P, 2]."""
        return self._best_even().share.reshape(2, -1).T

    def _best_even(self) -> Reckoned:
        return min((self.reckoned(self.evenly(many)) for many in EVENLY), key=self._total)

    def shares(self) -> Floats:
        """The best of the even ones, moved about [P, 2]."""
        state = self._best_even()
        self._steps(state, STEPS[:3])
        for _ in range(SWEEPS):
            self._drops(state)
        self._steps(state, STEPS[3:])
        return np.clip(state.share.reshape(2, -1).T, 0.0, AT_MOST)

    def reckoned(self, share: Floats) -> Reckoned:
        gbps = self.circuits.reserved.copy()
        np.add.at(gbps, self.pair, share * self.replication)
        usd = np.array([self._usd(region, share) for region in range(len(self.of))])
        return Reckoned(share, usd, gbps)

    def _total(self, state: Reckoned) -> float:
        return float(state.usd.sum() + sum(self.circuits.usd(row, state.gbps[row]) for row in range(len(state.gbps))))

    def _usd(self, region: int, share: Floats) -> float:
        """About what a region's machines cost: what must be firm, and what spot does not do."""
        mine = self.by[region]
        extra = (share[mine, None, None] * self.critical[self.lost[mine]]).max(axis=0) if len(mine) else 0.0
        wanted = np.maximum(self.critical[region] + extra, self.firm_part * self.demand[region])
        return float((self.worth[region] @ wanted).sum())

    def change(self, state: Reckoned, moves: dict[int, float]) -> float:
        """USD that changes of shares change: helpers' machines and pairs' circuits."""
        share, gbps = state.share, dict[int, float]()
        before = {one: float(share[one]) for one in moves}
        for one, by in moves.items():
            row = int(self.pair[one])
            gbps[row] = gbps.get(row, float(state.gbps[row])) + by * float(self.replication[one])
            share[one] += by
        helpers = {int(self.helper[one]) for one in moves}
        found = sum(self._usd(region, share) - float(state.usd[region]) for region in helpers)
        for one, kept in before.items():
            share[one] = kept
        links = (self.circuits.usd(row, new) - self.circuits.usd(row, state.gbps[row]) for row, new in gbps.items())
        return float(found + sum(links))

    def _make(self, state: Reckoned, moves: dict[int, float]) -> None:
        for one, by in moves.items():
            state.share[one] += by
            state.gbps[self.pair[one]] += by * self.replication[one]
        for region in {int(self.helper[one]) for one in moves}:
            state.usd[region] = self._usd(region, state.share)

    def _steps(self, state: Reckoned, steps: tuple[float, ...]) -> None:
        """Of each region, parts from the partner whom less saves most to the one whom more costs least."""
        for step in steps:
            for mine in self.of:
                for _ in range(2 * len(mine)):
                    moves = self._step(state, mine, step)
                    if not moves or self.change(state, moves) >= SAVES:
                        break
                    self._make(state, moves)

    def _step(self, state: Reckoned, mine: Ints, step: float) -> dict[int, float]:
        share = state.share
        less = {int(one): self.change(state, {int(one): -min(step, share[one])}) for one in mine if share[one] > 0}
        more = {
            int(one): self.change(state, {int(one): min(step, AT_MOST - share[one])})
            for one in mine
            if share[one] < AT_MOST
        }
        giver = min(less, key=less.__getitem__)
        takers = [one for one in more if one != giver]
        if not takers:
            return {}
        taker = min(takers, key=more.__getitem__)
        amount = min(step, float(share[giver]), AT_MOST - float(share[taker]))
        return {giver: -amount, taker: amount} if amount > 1e-9 else {}

    def _drops(self, state: Reckoned) -> None:
        """Pairs done without, either direction or both, where the other partners' taking over saves."""
        half = len(self.lost) // 2
        for one in np.argsort(-self.circuits.usd_of_one[self.pair[:half]], kind="stable"):
            for which in ((one, one + half), (one,), (one + half,)):
                moves: dict[int, float] = {}
                for gone in which:
                    moves |= self._handed_over(state.share, int(gone))
                if moves and self.change(state, moves) < SAVES:
                    self._make(state, moves)

    def _handed_over(self, share: Floats, gone: int) -> dict[int, float]:
        """One partner's share, spread over the others that carry already, as far as these may; none: not possible."""
        if share[gone] <= 0:
            return {}
        others = [int(one) for one in self.of[self.lost[gone]] if one != gone and 0 < share[one] < AT_MOST]
        left, moves = float(share[gone]), {gone: -float(share[gone])}
        for rank, one in enumerate(sorted(others, key=lambda one: AT_MOST - share[one])):
            part = min(left / (len(others) - rank), AT_MOST - float(share[one]))
            moves[one] = part
            left -= part
        return moves if left < 1e-12 else {}


def _worth(problem: Problem) -> Floats:
    """USD an hour of a unit of each resource in each region [R, K]: a cheap type's price, split by what it brings."""
    size = real(problem, "A")
    mean = real(problem, "D").mean(axis=(0, 2))
    part = np.divide(size, mean, out=np.zeros_like(size), where=mean > 0)
    usual = np.quantile(
        finite(np.minimum(real(problem, "PC"), real(problem, "PO"))) / np.maximum(part.sum(axis=1), 1e-12), 0.1, axis=1
    )
    worth: Floats = np.divide(usual[:, None], mean, out=np.zeros((len(usual), 4)), where=mean > 0)
    return worth
