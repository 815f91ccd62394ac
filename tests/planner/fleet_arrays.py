"""A fleet problem and its solution as the tests read them: docs/planning-model.md's symbols under plain names.

Everything of tests and benchmarks that judges a fleet plan reads the problem here, and shares no code with the planner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]

#: Of the four resources, in the order of every array's resource axis.
RESOURCES = ("vcpu", "memory GiB", "accelerators", "network Gbps")
VCPU = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """R regions, T instance types, H hours, K resources, P pairs of possible partners, N pairs for circuits.

    Prices are USD per hour of one instance or circuit; infinite where there is no such offer.
    """

    size: Floats  # [T, K] of one instance
    on_demand_usd: Floats  # [R, T]
    spot_usd: Floats  # [R, T]
    committed_usd: Floats  # [R, T]
    loss: Floats  # [T] share of spot that may be gone at any hour
    demand: Floats  # [R, K, H]
    critical: Floats  # [R, K, H]
    stock: Floats  # [R, T], inf where unlimited
    partners: Ints  # [P, 2]
    pairs: Ints  # [N, 2]
    reserved_gbps: Floats  # [N]
    replication_gbps: Floats  # [R]
    domain: Ints  # [R]
    tier_gbps: Floats  # [3]
    tier_usd: Floats  # [N, 3]
    spot_share: float
    quota: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # [R, K], inf where unlimited; empty: none at all
    fall: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # [R] what falls together; empty: nothing
    link_quota: Floats = field(default_factory=lambda: np.zeros(0))  # [N] Gbps, inf where unlimited; empty: none at all
    carries: Floats = field(default_factory=lambda: np.zeros((0, 2)))  # [P, 2] 1: it may; empty: all may

    @classmethod
    def read(cls, arrays: Arrays) -> Self:
        """The problem of an `.npz` of these arrays."""
        return cls(
            size=_floats(arrays["A"]),
            on_demand_usd=_floats(arrays["PO"]),
            spot_usd=_floats(arrays["PS"]),
            committed_usd=_floats(arrays["PC"]),
            loss=_floats(arrays["q"]),
            demand=_floats(arrays["D"]),
            critical=_floats(arrays["C"]),
            stock=_floats(arrays["avail"]),
            partners=_ints(arrays["cand"]),
            pairs=_ints(arrays["E"]),
            reserved_gbps=_floats(arrays["bw"]),
            replication_gbps=_floats(arrays["repl"]),
            domain=_ints(arrays["domain"]),
            tier_gbps=_floats(arrays["tierG"]),
            tier_usd=_floats(arrays["tierP"]),
            spot_share=float(_floats(arrays["sigma"])),
            quota=_floats(arrays["Q"]) if "Q" in arrays else np.zeros((0, 0)),
            fall=_ints(arrays["fall"]) if "fall" in arrays else np.zeros(0, dtype=np.int64),
            link_quota=_floats(arrays["B"]) if "B" in arrays else np.zeros(0),
            carries=_floats(arrays["carry"]) if "carry" in arrays else np.zeros((0, 2)),
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The problem under the model's own names, as `numpy.savez` wants it."""
        found: dict[str, NDArray[np.generic]] = {theirs: getattr(self, ours) for ours, theirs in _NAMES.items()}
        stated = {"Q": self.quota, "fall": self.fall, "B": self.link_quota, "carry": self.carries}
        some: dict[str, NDArray[np.generic]] = {name: array for name, array in stated.items() if array.size}
        return found | {"sigma": np.array(self.spot_share)} | some

    def losses(self) -> list[list[int]]:
        """Regions that are lost at one moment: each alone, or all that fall together."""
        falls = self.fall.tolist() if self.fall.size else list(range(self.regions))
        return [[region for region, name in enumerate(falls) if name == loss] for loss in sorted(set(falls))]

    @property
    def quotas(self) -> Floats:
        """Of every region and resource [R, K]."""
        return self.quota if self.quota.size else np.full(self.demand.shape[:2], np.inf)

    @property
    def link_quotas(self) -> Floats:
        """Of every pair for circuits [N]."""
        return self.link_quota if self.link_quota.size else np.full(len(self.pairs), np.inf)

    @property
    def most_share(self) -> Floats:
        """What each partner may carry at most [P, 2]."""
        return 0.5 * self.carries if self.carries.size else np.full(self.partners.shape, 0.5)

    @property
    def regions(self) -> int:
        return int(self.demand.shape[0])

    @property
    def types(self) -> int:
        return int(self.size.shape[0])

    @property
    def hours(self) -> int:
        return int(self.demand.shape[2])

    def row_of_pair(self) -> dict[tuple[int, int], int]:
        """Where each pair's circuits are, looked up in either direction."""
        rows = {(int(a), int(b)): row for row, (a, b) in enumerate(self.pairs)}
        return rows | {(b, a): row for (a, b), row in rows.items()}

    def circuits_gbps(self, share: Floats) -> Floats:
        """Gbps that each pair's circuits must carry: what is reserved, and replication by failover share [N]."""
        wanted = self.reserved_gbps.copy()
        rows = self.row_of_pair()
        for (a, b), (by_b, by_a) in zip(self.partners, share, strict=True):
            wanted[rows[int(a), int(b)]] += by_b * self.replication_gbps[a] + by_a * self.replication_gbps[b]
        return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What a planner decided. Counts are kept as floats: whether they are whole is for the checker to see."""

    committed: Floats  # [R, T]
    on_demand: Floats  # [R, T, H]
    spot: Floats  # [R, T, H]
    circuits: Floats  # [N, 3]
    share: Floats  # [P, 2]; [i, 0]: of the first's critical load, carried by the second
    bound: float | None = None

    @classmethod
    def read(cls, arrays: Arrays) -> Self:
        """The solution of an `.npz` of these arrays."""
        bound = float(_floats(arrays["bound"])) if "bound" in arrays else None
        return cls(**{name: _floats(arrays[name]) for name in _SOLUTION}, bound=bound)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As `numpy.savez` wants it."""
        found: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _SOLUTION}
        return found if self.bound is None else found | {"bound": np.array(self.bound)}

    def firm(self, size: Floats) -> Floats:
        """Capacity that cannot be taken away, committed and on demand [R, K, H]."""
        found: Floats = np.einsum("tk,rth->rkh", size, self.committed[:, :, None] + self.on_demand)
        return found


def usd(fleet: Fleet, solution: Solution) -> float:
    """The model's objective: USD over the horizon, spot at its price and half of its expected loss on top."""
    hours = fleet.hours
    held = hours * _paid(fleet.committed_usd, solution.committed)
    rented = _paid(fleet.on_demand_usd, solution.on_demand.sum(axis=2))
    risked = _paid(fleet.spot_usd * (1 + fleet.loss / 2), solution.spot.sum(axis=2))
    return held + rented + risked + hours * _paid(fleet.tier_usd, solution.circuits)


def _paid(price: Floats, count: Floats) -> float:
    """Price by count; nothing for none, though the price be infinite."""
    return float(np.sum(np.where(count != 0, price, 0.0) * count))


_NAMES = {
    "size": "A",
    "on_demand_usd": "PO",
    "spot_usd": "PS",
    "committed_usd": "PC",
    "loss": "q",
    "demand": "D",
    "critical": "C",
    "stock": "avail",
    "partners": "cand",
    "pairs": "E",
    "reserved_gbps": "bw",
    "replication_gbps": "repl",
    "domain": "domain",
    "tier_gbps": "tierG",
    "tier_usd": "tierP",
}
_SOLUTION = ("committed", "on_demand", "spot", "circuits", "share")


def _floats(array: NDArray[np.generic]) -> Floats:
    return np.asarray(array, dtype=np.float64)


def _ints(array: NDArray[np.generic]) -> Ints:
    return np.asarray(array, dtype=np.int64)
