"""`FleetProblem`: how much compute every region holds, hour by hour, who backs whom up, and over which circuits.

The model is stated in full in docs/planning-model.md. Axes: regions R, instance types T, resources K (vCPU, memory,
accelerators, network), hours H, pairs P of regions that may back each other up, links N, circuit tiers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from planner.errors import FleetImpossible
from planner.fleet.packed import counts, packed, unpacked, wide

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESOURCES = ("vCPU", "GiB of memory", "accelerators", "Gbps")
"""What people call the resources, in their order."""

MOST_SHARE = 0.5
"""No partner carries more than half of a region's critical load: a region is backed up by two at least."""


NOT_OFFERED = 1e9
"""USD per hour of what cannot be bought so: finite, because infinity times nothing is no number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetProblem:
    """All that the fleet is a function of: amounts by hour, prices in USD per hour, or `NOT_OFFERED`.

    Attributes:
        gives: (T, K) what one instance of a type gives.
        on_demand_usd, spot_usd, committed_usd: (R, T).
        loss: (T,) the share of spot instances that may be lost at any hour, 0 to 1.
        demand, critical: (R, K, H); what must be served, and the part of it that survives the loss of a region.
        stock: (R, T) instances of all purchases at any hour; infinite where nothing limits them.
        pairs: (P, 2) regions that may back each other up, both ways; each a link as well.
        pair_links: (P,) the link that joins a pair.
        gbps: (N,) to be reserved on a link, without replication.
        replication_gbps: (R,) from a region to those that back it up, in proportion to their shares.
        tier_gbps: (tiers,) whole, rising, each dividing the next.
        tier_usd: (N, tiers).
        spot_share: (R,) at most this share of a region's vCPU demand is met by spot.
        domain: (R,) what is lost with what: what a region holds for others is the most that the regions of any one
            domain ask together; empty where every region is lost alone.
        partners: (R,) the most partners of each region, 2 or more; empty where there may be any number.
        names: (R,) of regions, for messages; without them, their numbers.
        quota: (R, K) the most of each resource that all instances of a region may have at any hour, infinite where
            nothing limits it; without it, nothing does.
        link_quota: (N,) the most Gbps that all circuits of a link may come to, a multiple of its smallest circuit;
            infinite where nothing limits it; without it, nothing does.
        carries: (P, 2) whether `pairs[i, 1]` may carry for `pairs[i, 0]`, and back; without it, all may.
        spot_cost: (R, T) of a spot instance, half of what may be lost of it counted twice: it is bought again.
    """

    gives: Floats
    on_demand_usd: Floats
    spot_usd: Floats
    committed_usd: Floats
    loss: Floats
    demand: Floats
    critical: Floats
    stock: Floats
    pairs: Ints
    pair_links: Ints
    gbps: Floats
    replication_gbps: Floats
    tier_gbps: Floats
    tier_usd: Floats
    spot_share: Floats
    domain: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    partners: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    names: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, dtype=np.str_))
    quota: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    link_quota: Floats = field(default_factory=lambda: np.zeros(0))
    carries: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.bool_))
    spot_cost: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spot_cost", np.asarray(self.spot_usd * (1 + self.loss / 2)))

    @property
    def quotas(self) -> Floats:
        """(R, K) quotas of every region, infinite where there is none."""
        return self.quota if self.quota.size else np.full(self.demand.shape[:2], np.inf)

    @property
    def link_quotas(self) -> Floats:
        """(N,) quotas of every link, infinite where there is none."""
        return self.link_quota if self.link_quota.size else np.full(len(self.gbps), np.inf)

    @property
    def pair_room(self) -> Floats:
        """(P,) Gbps of replication that the circuits of a pair may carry beside what is reserved."""
        return np.asarray(np.maximum(self.link_quotas - self.gbps, 0.0)[self.pair_links])

    @property
    def narrow_pairs(self) -> Ints:
        """Pairs whose circuits may not carry all that both shares could ask of them."""
        most = MOST_SHARE * self.replication_gbps[self.pairs].sum(1)
        return np.flatnonzero(self.pair_room < most)

    def name(self, region: int) -> str:
        """What people call a region."""
        return str(self.names[region]) if len(self.names) else str(region)

    def to_bytes(self) -> bytes:
        """As npz, for the child's standard input."""
        return packed({name: getattr(self, name) for name in GIVEN})

    @classmethod
    def from_bytes(cls, payload: bytes) -> "FleetProblem":
        arrays = {name: wide(values) for name, values in unpacked(payload).items()}
        return cls(**arrays)  # type: ignore[arg-type]  # as packed

    @property
    def regions(self) -> int:
        return len(self.demand)

    @property
    def hours(self) -> int:
        return int(self.demand.shape[2])

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.float64]]) -> "FleetProblem":
        """From arrays by the short names of docs/planning-model.md (A, PO, PS, PC, q, D, C, avail, cand, E, ...)."""
        links = {(int(a), int(b)): row for row, (a, b) in enumerate(arrays["E"])}
        pairs = np.asarray(arrays["cand"], dtype=np.int64)
        return cls(
            gives=arrays["A"],
            on_demand_usd=np.minimum(arrays["PO"], NOT_OFFERED),
            spot_usd=np.minimum(arrays["PS"], NOT_OFFERED),
            committed_usd=np.minimum(arrays["PC"], NOT_OFFERED),
            loss=arrays["q"],
            demand=arrays["D"],
            critical=arrays["C"],
            stock=arrays["avail"],
            pairs=pairs,
            pair_links=np.array([links[int(a), int(b)] for a, b in pairs], dtype=np.int64),
            gbps=arrays["bw"],
            replication_gbps=arrays["repl"],
            tier_gbps=arrays["tierG"],
            tier_usd=arrays["tierP"],
            spot_share=np.full(len(arrays["D"]), float(arrays["sigma"])),
            quota=arrays["Q"] if "Q" in arrays else np.zeros((0, 0)),
            domain=np.asarray(arrays.get("fall", np.zeros(0)), dtype=np.int64),
            link_quota=arrays.get("B", np.zeros(0)),
            carries=np.asarray(arrays.get("carry", np.zeros((0, 2))), dtype=np.bool_),
        )


GIVEN = tuple(each.name for each in fields(FleetProblem) if each.init)
"""What a problem is given, by name: all but what follows from the rest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetSolution:
    """A whole-numbered fleet that keeps every constraint, its cost and a proven lower bound, both over all hours.

    Attributes:
        committed: (R, T); on_demand, spot: (R, T, H); circuits: (N, tiers).
        shares: (P, 2): `shares[i, 0]` of the critical load of `pairs[i, 0]` is carried by `pairs[i, 1]`, and so back.
        usd, bound: USD over the horizon.
        worth: (R, K, H) USD that one more unit of demand costs at the margin (duals of the linear relaxation).
        worth_critical: (R, K, H) the same of what must be held firm for the loss of a region.
        rungs: what became of the rungs that failed, then the one that was taken (`planner.fleet.rungs`); none where
            the decomposition went through.
        proof: the prices that prove a bound of it, packed (`planner.fleet.proof`); empty where no programme priced it.
    """

    committed: Ints
    on_demand: Ints
    spot: Ints
    circuits: Ints
    shares: Floats
    usd: float
    bound: float
    worth: Floats
    worth_critical: Floats
    rungs: tuple[str, ...] = ()
    proof: str = ""

    def to_bytes(self) -> bytes:
        """As npz, for the child's standard output."""
        arrays = {name: getattr(self, name) for name in self.__slots__}
        proof = np.frombuffer(self.proof.encode(), dtype=np.uint8)
        return packed({**arrays, "rungs": np.array(self.rungs, dtype=np.str_), "proof": proof})

    @classmethod
    def from_bytes(cls, payload: bytes) -> "FleetSolution":
        arrays = unpacked(payload)
        return cls(
            committed=counts(arrays["committed"]),
            on_demand=counts(arrays["on_demand"]),
            spot=counts(arrays["spot"]),
            circuits=counts(arrays["circuits"]),
            shares=arrays["shares"],
            usd=float(arrays["usd"]),
            bound=float(arrays["bound"]),
            worth=arrays["worth"],
            worth_critical=arrays["worth_critical"],
            rungs=tuple(str(name) for name in arrays["rungs"]),
            proof=arrays["proof"].tobytes().decode("ascii"),
        )


def _told(problem: FleetProblem, regions: list[int]) -> str:
    """The first few of some regions by name."""
    more = f" and {len(regions) - 5} more" if len(regions) > 5 else ""
    return ", ".join(f"region {problem.name(region)}" for region in regions[:5]) + more


def _by_region(ends: Ints, is_open: NDArray[np.bool_], regions: int) -> tuple[Ints, ...]:
    """Of each region, which open arcs end there, in their order."""
    order = np.argsort(ends, kind="stable")
    order = order[is_open[order]]
    return tuple(np.split(order, np.searchsorted(ends[order], np.arange(1, regions))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arcs:
    """Who may carry what: an arc is a region that may be lost and one that carries a share of it.

    Attributes:
        lost, carrier, pair, side: (2P,) by arc; arc 2 i + side is `side` of pair i.
        into: by carrier, its arcs; out: by region that may be lost, its arcs. Those that may carry nothing are in none.
        losses: by carrier, which loss each of its arcs is of, from 0; empty where every region is lost alone.
    """

    lost: Ints
    carrier: Ints
    pair: Ints
    side: Ints
    into: tuple[Ints, ...]
    out: tuple[Ints, ...]
    losses: tuple[Ints, ...] = ()

    @classmethod
    def of(cls, problem: FleetProblem) -> "Arcs":
        """The arcs of a problem.

        Raises:
            FleetImpossible: a region with critical load has fewer than two partners.
        """
        lost = problem.pairs.reshape(-1)
        carrier = problem.pairs[:, ::-1].reshape(-1)
        is_open = problem.carries.reshape(-1) if problem.carries.size else np.ones(len(lost), dtype=np.bool_)
        into, out = (_by_region(ends, is_open, problem.regions) for ends in (carrier, lost))
        lonely = [region for region, arcs in enumerate(out) if len(arcs) * MOST_SHARE < 1]
        if lonely:
            raise FleetImpossible(
                f"fewer than two partners may back up {_told(problem, lonely)}",
                where="failover pairs",
                expected="two or more partners in other fault domains for every region",
                next_step="raise failover.max_latency_ms, or add regions near them",
            )
        count = np.arange(len(lost))
        together = into if problem.domain.size else ()
        losses = tuple(np.unique(problem.domain[lost[arcs]], return_inverse=True)[1] for arcs in together)
        return cls(
            lost=lost,
            carrier=carrier,
            pair=count // 2,
            side=count % 2,
            into=into,
            out=out,
            losses=losses,
        )

    def together(self, region: int, loads: Floats, some: Ints | None = None) -> Floats:
        """(losses, K, H) what comes to a region at each loss, out of what its arcs bring, (n, K, H).

        Args:
            region: that carries.
            loads: of its arcs, in their order.
            some: which of them, where not all are there.
        """
        if not self.losses or not len(loads):
            return loads
        which = self.losses[region] if some is None else self.losses[region][some]
        found = np.zeros((int(which.max()) + 1, *loads.shape[1:]))
        np.add.at(found, which, loads)
        return found

    def claims(self, region: int, shares: Floats, critical: Floats) -> Floats:
        """(losses, K, H) the same by shares of all arcs, those that are none left out."""
        some = np.flatnonzero(shares[self.into[region]] > 0)
        arcs = self.into[region][some]
        return self.together(region, shares[arcs, None, None] * critical[self.lost[arcs]], some)
