"""The linear programme of one neighbourhood.

Its columns are the shares of its regions and what others charge for carrying them; its pairs carry no more than the
circuits that they are allowed.
"""

from typing import TYPE_CHECKING

import numpy as np

from planner.errors import SolverCrashed
from planner.fleet.circuits import SLACK, circuits_usd
from planner.fleet.problem import MOST_SHARE, Floats, Ints
from planner.fleet.quiet import quiet_program
from planner.fleet.shares import ShareProgram

if TYPE_CHECKING:
    import highspy

Step = tuple[int, int]
"""Which of the room's pairs, and whether a step more (1) or less (-1)."""

LIKELY = 16
"""Steps that are looked at, of those that promise most."""


class Room:
    """Shares that are free, and the programme that charges for them.

    Attributes:
        members: regions whose shares are free.
        free: arcs of these shares; start: what they are now.
        caps: Gbps that each of the room's pairs may carry.
        chosen: the best shares found.
    """

    def __init__(self, known: ShareProgram, shares: Floats, members: frozenset[int]) -> None:
        problem, arcs = known.problem, known.arcs
        self.members = members
        self.free: Ints = np.concatenate([arcs.out[region] for region in sorted(members)])
        self.start = self.chosen = shares[self.free]
        self._hours, self._tiers = problem.hours, problem.tier_gbps
        self._pairs = np.unique(arcs.pair[self.free])
        links = problem.pair_links[self._pairs]
        self._usd = problem.tier_usd[links]
        each = problem.replication_gbps[problem.pairs[self._pairs]]
        held = shares.reshape(-1, 2)[self._pairs].copy()
        place = np.searchsorted(self._pairs, arcs.pair[self.free])
        held[place, arcs.side[self.free]] = 0.0
        self._fixed = problem.gbps[links] + (held * each).sum(1)
        self._place, self._speed = place, each[place, arcs.side[self.free]]
        self.caps = self._fixed.copy()
        self._duals = np.zeros(len(self._pairs))
        self._program = self._build(known, shares)

    def scaled(self, shares: Floats) -> Floats:
        """Shares chosen anew when each is charged what its pair's circuits cost per Gbps at `shares`."""
        more = self._used(shares) - self._fixed
        extra = self._hours * (self._price(self._fixed + more) - self._price(self._fixed))
        most = np.bincount(self._place, MOST_SHARE * self._speed, len(self._pairs))
        chord = self._hours * (self._price(self._fixed + most) - self._price(self._fixed)) / np.maximum(most, SLACK)
        rate = np.where(more > 1e-6, extra / np.maximum(more, SLACK), chord)
        columns = np.arange(len(self.free), dtype=np.int32)
        self._program.changeColsCost(len(columns), columns, rate[self._place] * self._speed)
        self._limit(np.full(len(self._pairs), np.inf))
        self._run()
        return self._shares()

    def allow(self, shares: Floats) -> None:
        """Every pair may carry what the circuits for these shares do, and shares cost nothing beyond."""
        columns = np.arange(len(self.free), dtype=np.int32)
        self._program.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        self.caps = self._whole(self._used(shares))
        self._limit(self.caps)

    def settle(self, least: float = np.inf) -> float:
        """USD over the horizon of the best shares within the caps, circuits included; infinite where there are none.

        Where that is less than `least`, the shares are kept, and pairs are left no more than they use.
        """
        if not self._run():
            return np.inf
        shares = self._shares()
        caps = self._whole(self._used(shares))
        usd = float(self._program.getInfo().objective_function_value) + self._hours * float(self._price(caps).sum())
        if usd < least - 1e-6:
            self.chosen, self.caps = shares, caps
            self._duals = np.maximum(-np.array(self._program.getSolution().row_dual)[: len(self._pairs)], 0.0)
            self._limit(caps)
        return usd

    def promising(self, refused: set[Step]) -> Step | None:
        """The step that the duals promise most of, if any does."""
        now = self._price(self.caps)
        less, more = self._stepped(-1), self._stepped(1)
        saved = self._hours * (now - self._price(less)) - self._duals * (self.caps - less)
        saved[self._price(less) >= now - 1e-12] = -np.inf
        gained = self._duals * (more - self.caps) - self._hours * (self._price(more) - now)
        gained[gained <= 0] = -np.inf
        promise = np.concatenate([saved, gained])
        count = len(self._pairs)
        for at in np.argsort(-promise, kind="stable")[:LIKELY].tolist():
            step = (at % count, 1 if at >= count else -1)
            if np.isfinite(promise[at]) and step not in refused:
                return step
        return None

    def step(self, step: Step) -> None:
        """Takes a step of one pair."""
        pair, direction = step
        caps = self.caps.copy()
        caps[pair] = self._stepped(direction)[pair]
        self._limit(caps)

    def put_back(self, caps: Floats) -> None:
        """Caps as they were before a step that did not pay."""
        self.caps = caps
        self._limit(caps)

    def _stepped(self, direction: int) -> Floats:
        unit = self._tiers[0]
        return np.asarray(np.maximum(self.caps + direction * unit, self._whole(self._fixed)))

    def _whole(self, gbps: Floats) -> Floats:
        """What the circuits for so many Gbps carry, in whole ones of the smallest tier."""
        return np.asarray(np.ceil((gbps - SLACK) / self._tiers[0]) * self._tiers[0])

    def _used(self, shares: Floats) -> Floats:
        return np.asarray(self._fixed + np.bincount(self._place, shares * self._speed, len(self._pairs)))

    def _price(self, gbps: Floats) -> Floats:
        return circuits_usd(gbps, self._tiers, self._usd)

    def _limit(self, caps: Floats) -> None:
        rows = np.arange(len(caps), dtype=np.int32)
        room = np.maximum(caps - self._fixed, 0.0)
        self._program.changeRowsBounds(len(rows), rows, np.full(len(rows), -np.inf), room)  # type: ignore[attr-defined]  # not in its stubs

    def _run(self) -> bool:
        import highspy

        self._program.run()
        status = self._program.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            return True
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return False
        raise SolverCrashed(f"ended as {self._program.modelStatusToString(status)!r}", where="failover shares")

    def _shares(self) -> Floats:
        values = np.array(self._program.getSolution().col_value[: len(self.free)])
        return np.asarray(np.clip(values, 0.0, MOST_SHARE))

    def _build(self, known: ShareProgram, shares: Floats) -> "highspy.Highs":
        """Columns: free shares, cost by carrier. Rows: caps by pair, regions backed up whole, cuts."""
        program = quiet_program()
        arcs, count = known.arcs, len(self.free)
        carriers = np.unique(arcs.carrier[self.free])
        column = np.full(len(arcs.lost), -1, dtype=np.int32)
        column[self.free] = np.arange(count)
        upper = np.concatenate([np.full(count, MOST_SHARE), np.full(len(carriers), np.inf)])
        program.addVars(len(upper), np.zeros(len(upper)), upper)
        paid = np.arange(count, len(upper), dtype=np.int32)
        program.changeColsCost(len(paid), paid, np.ones(len(paid)))
        for pair in range(len(self._pairs)):
            own = np.flatnonzero(self._place == pair).astype(np.int32)
            program.addRow(-np.inf, np.inf, len(own), own, self._speed[own])
        for region in sorted(self.members):
            out = arcs.out[region]
            program.addRow(1.0, np.inf, len(out), column[out], np.ones(len(out)))
        for cost, region in zip(paid, carriers.tolist(), strict=True):
            into = arcs.into[region]
            inside = column[into] >= 0
            for cut, constant in known.cuts_of(region, shares):
                lower = constant + float(cut.slopes[~inside] @ shares[into[~inside]])
                columns = np.append(column[into[inside]], cost).astype(np.int32)
                program.addRow(lower, np.inf, len(columns), columns, np.append(-cut.slopes[inside], 1.0))
        return program
