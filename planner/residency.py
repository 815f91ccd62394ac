"""Where what a region serves may be served at all: never elsewhere, whichever region is lost.

A region says so itself (`regions[].residency`: regions and countries). Where `failover.residency` is `holders`, so do
those whose things are there: customers who hold a unit there and services that are forecast there, by
`rules.allowed_regions`. All of them together are kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.failover import ResidencyOf
from contracts.series import SeriesKind
from planner.errors import FleetImpossible
from planner.question import TAKEN, Question

LEAST_PARTNERS = 2
"""Of a region of a fleet that shares its reserve: no partner carries more than half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residency:
    """The regions that each region's load may be carried in, of those that are bound to any; each may carry its own."""

    within: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, question: Question) -> "Residency":
        """What people and, where they are asked, holders say."""
        environment = question.environment
        found: dict[str, frozenset[str]] = {}
        for name in (region.name for region in environment.regions if region.residency):
            found[name] = environment.residency_of(name) or frozenset()
        if environment.failover.residency is ResidencyOf.HOLDERS:
            for place, who in holders_with_limits(question):
                allowed = frozenset(environment.rules.allowed_regions[who]) | {place}
                found[place] = found.get(place, allowed) & allowed
        bound = dict(found)
        for move in question.moved:  # who carries for a host carries what is of others, too
            if within := bound.get(move.region):
                found[move.host] = found.get(move.host, within) & within
        return cls(within=found)

    def may_carry(self, lost: str, carrier: str) -> bool:
        """Whether one region may have what another serves."""
        return lost not in self.within or carrier in self.within[lost]

    def carries(self, regions: tuple[str, ...], ends: NDArray[np.int64], near: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N, 2) of pairs that are near enough, (N,), by (N, 2) numbers: whether the second may carry for the first.

        And the first for the second: one may where the other may not.

        Raises:
            FleetImpossible: that leaves a region fewer partners than it needs; naming it, and what it may have.
        """
        every = np.repeat(near[:, None], 2, axis=1)
        pairs = [(regions[a], regions[b]) for a, b in ends.tolist()]
        both = [(self.may_carry(a, b), self.may_carry(b, a)) for a, b in pairs] if self.within else every
        found = every & np.array(both, dtype=np.bool_).reshape(-1, 2)
        before, after = (np.bincount(ends[some], minlength=len(regions)) for some in (every, found))
        short = [regions[at] for at in np.flatnonzero((after < LEAST_PARTNERS) & (before >= LEAST_PARTNERS))]
        if short:
            raise FleetImpossible(
                f"fewer than {LEAST_PARTNERS} partners are left by residency: "
                + "; ".join(self.told(name) for name in short[:5]),
                where=f"region {short[0]}",
                expected=f"{LEAST_PARTNERS} partners in other fault domains, near enough, where its load may be",
                next_step="add regions to `residency`, or raise failover.max_latency_ms",
            )
        return np.asarray(found)

    def told(self, region: str) -> str:
        """`fra may be served in ams and par alone`."""
        if region not in self.within:
            bound = sorted(name for name, allowed in self.within.items() if region not in allowed)
            return f"{region} may not have what is in {' and '.join(bound)}"
        others = sorted(self.within[region] - {region})
        return f"{region} may be served in {' and '.join(others) or 'no other region'}{' alone' if others else ''}"


def holders_with_limits(question: Question) -> Iterator[tuple[str, str]]:
    """Every region, and a customer or service of whom something is there and who does not allow all regions."""
    allowed, mine = question.environment.rules.allowed_regions, {item.name for item in question.environment.regions}
    for unit in question.ledger.units:
        if unit.state in TAKEN and unit.holder in allowed and unit.place in mine:
            yield unit.place, unit.holder or ""
    for kind in (SeriesKind.TRANSACTIONS, SeriesKind.USERS):
        for subject in question.forecast.subjects(kind):
            service, _, place = subject.partition("@")
            if service in allowed and place in mine:
                yield place, service
