"""The linear programme of one neighbourhood.

Its columns are the shares of its regions and what others charge for carrying them; its pairs carry no more than the
circuits that they are allowed. Circuits come in levels: the most that each sum of money carries.
"""

from typing import TYPE_CHECKING

import numpy as np

from planner.errors import SolverCrashed
from planner.fleet.circuits import SLACK, levels
from planner.fleet.problem import MOST_SHARE, Floats, Ints
from planner.fleet.quiet import quiet_program
from planner.fleet.shares import ShareProgram, add_rows

if TYPE_CHECKING:
    import highspy

Step = tuple[int, int]
"""Which of the room's pairs, and the level that it comes to."""

LIKELY = 36
"""Steps that are looked at, of those that promise most."""

UNCOVERED = 1e3
"""What a share that nobody carries costs, in the dearest region's cost: a step may be tried, and is never kept."""


class Room:
    """Shares that are free, and the programme that charges for them.

    Attributes:
        members: regions whose shares are free.
        free: arcs of these shares; start: what they are now.
        at: the level of circuits that each of the room's pairs is allowed.
        chosen: the best shares found.
    """

    def __init__(self, known: ShareProgram, shares: Floats, members: frozenset[int]) -> None:
        problem, arcs = known.problem, known.arcs
        self.members = members
        self.free: Ints = np.concatenate([arcs.out[region] for region in sorted(members)])
        self.start = self.chosen = shares[self.free]
        self.carriers: tuple[int, ...] = tuple(np.unique(arcs.carrier[self.free]).tolist())
        self._pairs = np.unique(arcs.pair[self.free])
        self._between: Ints = problem.pairs[self._pairs]
        links = problem.pair_links[self._pairs]
        each = problem.replication_gbps[problem.pairs[self._pairs]]
        held = shares.reshape(-1, 2)[self._pairs].copy()
        place = np.searchsorted(self._pairs, arcs.pair[self.free])
        held[place, arcs.side[self.free]] = 0.0
        self._fixed = problem.gbps[links] + (held * each).sum(1)
        self._place, self._speed = place, each[place, arcs.side[self.free]]
        self._quota = problem.link_quotas[links]
        self._most = np.bincount(place, MOST_SHARE * self._speed, len(self._pairs))
        self._most = np.minimum(self._most, np.maximum(self._quota - self._fixed, 0.0))
        usd = problem.hours * problem.tier_usd[links]
        self._ends, self._usd = levels(self._fixed, self._fixed + self._most, problem.tier_gbps, usd)
        self.at: Ints = np.zeros(len(self._pairs), dtype=np.int64)
        self._rows = np.arange(len(self._pairs), dtype=np.int32)
        self._duals = np.zeros(len(self._pairs))
        self._program = self._build(known, shares)

    def allow(self, shares: Floats) -> None:
        """Every pair may carry what the circuits for these shares do."""
        self.put(self._level(self._used(shares)))

    def settle(self, least: float = np.inf) -> float:
        """USD over the horizon of the best shares within the levels, circuits included.

        Infinite where nobody has room for some. Where it is less than `least`, the shares are kept, and pairs are left
        no more than they use.
        """
        self._run()
        shares, bare = self._shares()
        if bare > SLACK:
            return np.inf
        at = self._level(self._used(shares))
        usd = float(self._program.getInfo().objective_function_value) + float(self._price(at).sum())
        if usd < least - 1e-6:
            self.chosen = shares
            self._duals = np.maximum(-np.array(self._program.getSolution().row_dual)[: len(self._pairs)], 0.0)
            self.put(at)
        return usd

    def promising(self, refused: set[Step]) -> Step | None:
        """The step of one pair that the duals promise most of, if any does: to the level below or above."""
        steps = np.stack([self.at - 1, self.at + 1])
        promise = self._promise(np.clip(steps, 0, self._ends.shape[1] - 1))
        for flat in np.argsort(-promise, axis=None, kind="stable")[:LIKELY].tolist():
            step = (flat % len(self._pairs), int(steps.flat[flat]))
            if np.isfinite(promise.flat[flat]) and step not in refused:
                return step
        return None

    def step(self, step: Step) -> None:
        """Brings one pair to another level."""
        at = self.at.copy()
        at[step[0]] = step[1]
        self.put(at)

    def put(self, at: Ints) -> None:
        """Allows each pair a level."""
        self.at = at
        self._limit(self._held())

    def elsewhere(self, steps: set[Step], before: Ints) -> set[Step]:
        """Those steps whose pairs share no region with one that came to another level."""
        beside = np.isin(self._between, self._between[self.at != before])
        return {step for step in steps if not beside[step[0]].any()}

    def _promise(self, to: Ints) -> Floats:
        """(n, pairs) USD that levels `to` save as the last kept duals tell it; -inf where there is no such step."""
        rows = self._rows
        saved = self._usd[rows, self.at] - self._usd[rows, to] + self._duals * (self._ends[rows, to] - self._held())
        useless = (to == self.at) | ~np.isfinite(self._usd[rows, to]) | ((to > self.at) & (saved <= 0))
        return np.where(useless, -np.inf, saved)

    def _held(self) -> Floats:
        """Gbps that each pair may carry."""
        return self._ends[self._rows, self.at]

    def _level(self, gbps: Floats) -> Ints:
        """The first level that carries so much."""
        return np.asarray((self._ends < gbps[:, None] - SLACK).sum(1))

    def _used(self, shares: Floats) -> Floats:
        return np.asarray(self._fixed + np.bincount(self._place, shares * self._speed, len(self._pairs)))

    def _price(self, at: Ints) -> Floats:
        return np.asarray(self._usd[self._rows, at])

    def _limit(self, caps: Floats) -> None:
        rows = self._rows
        room = np.maximum(np.minimum(caps, self._quota) - self._fixed, 0.0)
        self._program.changeRowsBounds(len(rows), rows, np.full(len(rows), -np.inf), room)  # type: ignore[attr-defined]  # not in its stubs

    def _run(self) -> None:
        import highspy

        self._program.run()
        status = self._program.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverCrashed(f"ended as {self._program.modelStatusToString(status)!r}", where="failover shares")

    def _shares(self) -> tuple[Floats, float]:
        """The free shares, and the most of any region's that nobody carries."""
        values = np.array(self._program.getSolution().col_value)
        bare = values[len(self.free) + len(self.carriers) :]
        return np.clip(values[: len(self.free)], 0.0, MOST_SHARE), float(bare.max())

    def _build(self, known: ShareProgram, shares: Floats) -> "highspy.Highs":
        """Columns: free shares, cost by carrier, shares nobody carries. Rows: caps by pair, whole backing, cuts."""
        count, members, carriers = len(self.free), sorted(self.members), self.carriers
        dear = UNCOVERED * max(1.0, known.dearest)
        cost = np.repeat([0.0, 1.0, dear], [count, len(carriers), len(members)])
        upper = np.concatenate([known.most[self.free], np.full(len(carriers), np.inf), np.ones(len(members))])
        program = quiet_program()
        program.addVars(len(upper), np.zeros(len(upper)), upper)
        program.changeColsCost(len(upper), np.arange(len(upper), dtype=np.int32), cost)
        own = np.argsort(self._place, kind="stable")
        caps = np.bincount(self._place, minlength=len(self._pairs))
        add_rows(program, np.full(len(caps), -np.inf), np.full(len(caps), np.inf), (caps, own, self._speed[own]))
        column = np.full(len(known.arcs.lost), -1)
        column[self.free] = np.arange(count)
        bare = count + len(carriers) + np.arange(len(members))
        backing = [np.append(column[known.arcs.out[region]], at) for at, region in zip(bare, members, strict=True)]
        lengths = np.array([len(row) for row in backing])
        ones = np.ones(len(members))
        add_rows(program, ones, np.inf * ones, (lengths, np.concatenate(backing), np.ones(lengths.sum())))
        for paid, region in enumerate(carriers, start=count):
            into = known.arcs.into[region]
            inside = column[into] >= 0
            slopes, constants = known.cuts_of(region, shares)
            lower = constants + slopes[:, ~inside] @ shares[into[~inside]]
            columns = np.tile(np.append(column[into[inside]], paid), len(slopes))
            values = np.column_stack([-slopes[:, inside], np.ones(len(slopes))])
            lengths = np.full(len(slopes), values.shape[1])
            add_rows(program, lower, np.full(len(slopes), np.inf), (lengths, columns, values.ravel()))
        return program
