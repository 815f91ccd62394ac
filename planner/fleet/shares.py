"""The programme of the shares: who backs whom up, over circuits and regions that are known by functions below them.

Columns: a share by arc, the circuits' extra cost by pair, the cost by region. Rows: every region is backed up whole;
the circuits' convex hulls; the regions' cuts. Its optimum lies below every fleet's cost, and its duals weigh the cuts
and hulls from which `planner.fleet.bound` proves that anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import FleetImpossible, SolverCrashed
from planner.fleet.circuits import SLACK, circuits_usd
from planner.fleet.hulls import Hulls, hulls_of
from planner.fleet.problem import MOST_SHARE, Arcs, FleetProblem, Floats, Ints
from planner.fleet.quiet import quiet_program

if TYPE_CHECKING:
    import highspy


TELLING = 24
"""Cuts of a region that a neighbourhood is told: with half as many it believes in shares that cost a percent more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A region costs at least `usd + slopes @ (shares - those that it was solved at)`, by its duals there.

    Attributes:
        slopes: USD per share, by the region's arcs.
        served, firm: (H, K); spot: (H,): the duals.
        quota: (H, K) as well; empty where the problem has no quotas.
        largest: (H, K) which of the region's losses brings most, its arcs where every region is lost alone; empty where
            what is firm is held for none of them.
    """

    region: int
    usd: float
    slopes: Floats
    served: Floats
    firm: Floats
    spot: Floats
    quota: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    largest: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """How much each cut and hull counts at the optimum: the duals of their rows, at least 0.

    Attributes:
        quotas: (P,) USD over the horizon of one more Gbps that a pair's circuits may carry.
    """

    cuts: Floats
    hulls: Floats
    quotas: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limit:
    """What some arcs may carry together: `shares[arcs] @ loads <= most`."""

    arcs: Ints
    loads: Floats
    most: Floats


@dataclass(slots=True)
class ShareProgram:
    """The programme in HiGHS, and what its rows mean.

    Attributes:
        cuts, constants: all cuts so far, and each one's value where no shares are.
        dearest: USD over the horizon of the dearest region that was seen.
        most: (2P,) what each arc may carry; room: what its carrier could hold of it, whoever else carries.
        limits: what carriers could hold of arcs that are lost together.
    """

    problem: FleetProblem
    arcs: Arcs
    cuts: list[Cut] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    dearest: float = 0.0
    hulls: Hulls = field(init=False)
    most: Floats = field(init=False)
    room: Floats = field(init=False)
    limits: list[Limit] = field(default_factory=list)
    _of_region: list[list[int]] = field(init=False)
    _cut_rows: list[int] = field(default_factory=list)
    _limit_rows: list[int] = field(default_factory=list)
    _program: "highspy.Highs" = field(init=False)

    def __post_init__(self) -> None:
        self.hulls = hulls_of(self.problem)
        self.most = np.zeros(len(self.arcs.lost))
        self.most[np.concatenate(self.arcs.out)] = MOST_SHARE
        self.room = self.most.copy()
        self._of_region = [[] for _ in range(self.problem.regions)]
        self._program = self._start()

    def add(self, cuts: Sequence[Cut], shares: Floats) -> None:
        """Adds cuts that were found at these shares, by arc."""
        if not cuts:
            return
        into = [self.arcs.into[cut.region] for cut in cuts]
        constants = [cut.usd - float(cut.slopes @ shares[own]) for cut, own in zip(cuts, into, strict=True)]
        for at, cut in enumerate(cuts, start=len(self.cuts)):
            self._of_region[cut.region].append(at)
        self.cuts.extend(cuts)
        self.constants.extend(constants)
        self.dearest = max(self.dearest, *(cut.usd for cut in cuts))
        first = 3 * len(self.problem.pairs)
        columns = np.concatenate([np.append(own, first + cut.region) for cut, own in zip(cuts, into, strict=True)])
        values = np.concatenate([np.append(-cut.slopes, 1.0) for cut in cuts])
        lengths = np.array([len(own) + 1 for own in into])
        self._cut_rows.extend(range(self._program.getNumRow(), self._program.getNumRow() + len(cuts)))
        add_rows(self._program, np.array(constants), np.full(len(cuts), np.inf), (lengths, columns, values))

    def close(self, arcs: Ints) -> None:
        """Leaves these arcs nothing to carry from now on."""
        self._allow(arcs, np.zeros(len(arcs)))

    def open(self, arcs: Ints) -> None:
        """Lets these arcs carry again as much as their carriers have room for."""
        self._allow(arcs, self.room[arcs])

    def cap(self, arcs: Ints, room: Floats) -> None:
        """Lets these arcs carry no more than their carriers have room for."""
        self.room[arcs] = np.minimum(self.room[arcs], room)
        self._allow(arcs, np.minimum(self.most[arcs], self.room[arcs]))

    def limit(self, arcs: Ints, loads: Floats, most: Floats) -> None:
        """Lets arcs that are lost together carry no more than their carrier has room for: `shares @ loads <= most`.

        Args:
            arcs: of one carrier and loss, (n,).
            loads: (n, m) of what each brings whole.
            most: (m,).
        """
        self.limits.append(Limit(arcs=arcs, loads=loads, most=most))
        self._limit_rows.extend(range(self._program.getNumRow(), self._program.getNumRow() + len(most)))
        lengths, columns = np.full(len(most), len(arcs)), np.tile(arcs, len(most))
        add_rows(self._program, np.full(len(most), -np.inf), most, (lengths, columns, loads.T.ravel()))

    def forget(self) -> None:
        """Lets every arc carry again what its region may send, whatever there is room for."""
        every = np.concatenate(self.arcs.out)
        self.room[every] = MOST_SHARE
        self._allow(every, self.room[every])
        for row in self._limit_rows:
            self._program.changeRowBounds(row, -np.inf, np.inf)
        self.limits, self._limit_rows = [], []

    def _allow(self, arcs: Ints, most: Floats) -> None:
        self.most[arcs] = most
        columns = arcs.astype(np.int32)
        self._program.changeColsBounds(len(columns), columns, np.zeros(len(columns)), most)

    def solve(self) -> Floats:
        """The shares, by arc, that are best by all that is known."""
        import highspy

        self._program.run()
        status = self._program.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            raise no_shares(self.problem)
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverCrashed(f"ended as {self._program.modelStatusToString(status)!r}", where="failover shares")
        values = np.array(self._program.getSolution().col_value[: len(self.arcs.lost)])
        return np.asarray(np.clip(values, 0.0, self.most))

    def charged(self, usd: Floats) -> Floats:
        """The best shares, by arc, when circuits cost so much per share over the horizon, (2P,), not what hulls say."""
        self._cost(usd, 0.0)
        shares = self.solve()
        self._cost(np.zeros(len(usd)), float(self.problem.hours))
        return shares

    def _cost(self, shares_usd: Floats, circuits: float) -> None:
        cost = np.append(shares_usd, np.full(len(self.problem.pairs), circuits))
        self._program.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)

    def cuts_of(self, region: int, shares: Floats) -> tuple[Floats, Floats]:
        """Of one region's cuts those that say most near these shares: (n, arcs) slopes, (n,) values without shares."""
        own = self._of_region[region]
        slopes = np.stack([self.cuts[at].slopes for at in own])
        constants = np.array([self.constants[at] for at in own])
        told = np.argsort(-(constants + slopes @ shares[self.arcs.into[region]]), kind="stable")[:TELLING]
        return slopes[told], constants[told]

    def weights(self) -> Weights:
        """The duals of the last solve."""
        duals = np.array(self._program.getSolution().row_dual)
        limited = self.problem.narrow_pairs
        ends = np.cumsum([self.problem.regions, len(self.hulls.pair), len(limited)])
        _, hulls, limits, _ = np.split(duals, ends)
        cuts = duals[self._cut_rows]
        quotas = np.zeros(len(self.problem.pairs))
        quotas[limited] = np.maximum(-limits, 0.0)
        return Weights(hulls=np.maximum(hulls, 0.0), cuts=np.maximum(cuts, 0.0), quotas=quotas)

    def circuits_below(self, shares: Floats) -> float:
        """USD per hour of circuits by their hulls: never more than the circuits of these shares cost."""
        return float(self.hulls.highest(shares, len(self.problem.pairs)).sum()) + base_circuits(self.problem)

    def _start(self) -> "highspy.Highs":
        pairs, regions = len(self.problem.pairs), self.problem.regions
        program = quiet_program()
        columns = 3 * pairs + regions
        cost = np.concatenate([np.zeros(2 * pairs), np.full(pairs, float(self.problem.hours)), np.ones(regions)])
        upper = np.concatenate([self.most, np.full(pairs + regions, np.inf)])
        program.addVars(columns, np.zeros(columns), upper)
        program.changeColsCost(columns, np.arange(columns, dtype=np.int32), cost)
        backed, lengths = np.concatenate(self.arcs.out), np.array([len(out) for out in self.arcs.out])
        add_rows(program, np.ones(regions), np.full(regions, np.inf), (lengths, backed, np.ones(len(backed))))
        own, count = self.hulls.pair, len(self.hulls.pair)
        entries = np.column_stack([2 * own, 2 * own + 1, 2 * pairs + own]).ravel()
        values = np.column_stack([-self.hulls.slopes, np.ones(count)]).ravel()
        add_rows(program, self.hulls.constants, np.full(count, np.inf), (np.full(count, 3), entries, values))
        room, speed = self.problem.pair_room, self.problem.replication_gbps[self.problem.pairs]
        for pair in self.problem.narrow_pairs.tolist():
            program.addRow(-np.inf, room[pair], 2, np.array([2 * pair, 2 * pair + 1], dtype=np.int32), speed[pair])
        return program


def no_shares(problem: FleetProblem) -> FleetImpossible:
    """That partners have no room for all critical load: they, or the circuits to them."""
    tight = problem.narrow_pairs
    ends = [" and ".join(problem.name(end) for end in problem.pairs[at].tolist()) for at in tight[:5].tolist()]
    more = f" and {len(tight) - 5} more" if len(tight) > 5 else ""
    links = f"; quotas of links leave less than half of the replication between {', '.join(ends)}{more}" if ends else ""
    return FleetImpossible(
        f"no shares of partners within what they have room for carry all critical load{links}",
        where="failover pairs",
        expected="partners, and circuits to them, with room for all that is critical",
        next_step="raise the quotas there, offer more types, or let more regions back each other up",
    )


def add_rows(program: "highspy.Highs", lower: Floats, upper: Floats, entries: tuple[Ints, Ints, Floats]) -> None:
    """Adds rows to a programme; their entries are lengths, columns and values, one row after the other."""
    lengths, columns, values = entries
    starts = np.cumsum(lengths) - lengths
    program.addRows(len(lower), lower, upper, len(values), starts.astype(np.int32), columns.astype(np.int32), values)


def replicated(problem: FleetProblem, shares: Floats) -> Floats:
    """(P,) Gbps of replication between the regions of each pair when these are the shares, by arc or (P, 2)."""
    return np.asarray((problem.replication_gbps[problem.pairs] * shares.reshape(-1, 2)).sum(1))


def overfull(problem: FleetProblem, shares: Floats) -> Ints:
    """Pairs whose circuits may not carry what shares by arc ask of them."""
    return np.flatnonzero(replicated(problem, shares) > problem.pair_room + SLACK)


def base_circuits(problem: FleetProblem) -> float:
    """USD per hour of circuits for what is reserved without replication."""
    return float(circuits_usd(problem.gbps, problem.tier_gbps, problem.tier_usd).sum())
