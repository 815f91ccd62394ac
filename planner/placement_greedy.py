"""A placement without a solver: what is taken when no programme gives an answer that can be trusted.

Each region serves by the cheapest one or two shapes. Its critical load goes, in even parts, to as many of its partners
as cost least beside all others', the largest load first; a region that cannot hold what it is sent is left out as a
partner. Work is bounded by counts, and the same sites give the same placement. It is checked against the programme's
own rows by whoever asks for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.failover import FailoverSettings
from planner.covering import cheapest_cover, covering_duals
from planner.sites import SHARE_STEPS, Amount, Live, Site

SPREADS = (1, 2, 3, 4)
"""Numbers of partners that are tried for a region."""

ALONE = 6
"""Partners that are tried alone."""

ROUNDS = 2
"""Times that every region's partners are chosen, the second time beside everyone else's."""

REPAIRS = 6
"""Times that regions which cannot hold what they should are left out as partners."""

Shares = Mapping[str, int]
"""Twentieths by partner."""


def greedy_placement(sites: Sequence[Site], settings: FailoverSettings) -> Mapping[str, Live] | None:
    """Counts by shape and twentieths by partner, by region; nothing where none was found."""
    serving = {site.region: cheapest_cover(site.serving_shapes, site.serving, site.serving_room) for site in sites}
    served = {region: found for region, found in serving.items() if found is not None}
    if len(served) < len(serving):
        return None
    left = {site.region: _left(site, served[site.region]) for site in sites}
    full: frozenset[str] = frozenset()
    for _ in range(REPAIRS):
        backing = _Backing.of(sites, settings, left, full)
        backing.choose()
        stands = {
            site.region: cheapest_cover(site.failover_shapes, backing.needed(site.region), left[site.region])
            for site in sites
        }
        held = {region: found for region, found in stands.items() if found is not None}
        lacking = frozenset(stands.keys() - held.keys())
        if not lacking:
            return {
                region: Live(serving=served[region], failover=held[region], shares=backing.shares.get(region, {}))
                for region in served
            }
        if lacking <= full:
            return None
        full |= lacking
    return None


def placement_bound(sites: Sequence[Site]) -> float:
    """USD per hour that no placement can be cheaper than, by prices at which no shape is worth more than it costs.

    What serves is bounded by itself. Of what stands by, every loss is bounded alone: wherever a share of it goes, it
    costs at least as much there as where it is cheapest. Where something stands by already, that says nothing.
    """
    prices = {site.region: covering_duals(site.serving_shapes, site.serving) for site in sites}
    usd = sum(_worth(prices[site.region], site.serving) for site in sites)
    if any(site.standing for site in sites):
        return usd
    by_region = {site.region: site for site in sites}
    carried = [
        min(
            _worth(covering_duals(by_region[other].failover_shapes, site.critical), site.critical) for other in partners
        )
        for site in sites
        if site.critical and (partners := [other for other in site.partners if other in by_region])
    ]
    return usd + max(carried, default=0.0)


@dataclass(slots=True)
class _Backing:
    """Who carries whom, as it is chosen.

    Attributes:
        sites: by region.
        left: what each has beside what serves there.
        full: regions that are left out as partners, where others do.
        price: USD per hour of one more vCPU and GiB that stands by, by region.
        held: by carrier and loss, what it carries.
        shares: by region, who carries it.
    """

    sites: Mapping[str, Site]
    settings: FailoverSettings
    left: Mapping[str, Amount]
    full: frozenset[str]
    price: Mapping[str, tuple[float, float]]
    held: dict[str, dict[str, Amount]]
    shares: dict[str, Shares] = field(default_factory=dict)

    @classmethod
    def of(
        cls, sites: Sequence[Site], settings: FailoverSettings, left: Mapping[str, Amount], full: frozenset[str]
    ) -> "_Backing":
        largest = max((site.critical for site in sites), key=lambda load: load.vcpu, default=Amount())
        return cls(
            sites={site.region: site for site in sites},
            settings=settings,
            left=left,
            full=full,
            price={site.region: covering_duals(site.failover_shapes, largest) for site in sites},
            held={site.region: site.given_losses for site in sites},
        )

    def choose(self) -> None:
        """Chooses partners for every region, the largest load first."""
        order = sorted(self.sites.values(), key=lambda site: (-site.critical.vcpu, site.region))
        for _ in range(ROUNDS):
            for site in order:
                if site.critical:
                    self._put(site, self.shares.pop(site.region, {}), -1)
                    self.shares[site.region] = min(self._options(site), key=lambda shares: self._usd(site, shares))
                    self._put(site, self.shares[site.region], 1)

    def needed(self, region: str) -> Amount:
        """What must stand by in a region beyond what does: the largest of its losses, vCPUs and memory apart."""
        loads = self.held[region].values()
        return Amount(
            vcpu=max((load.vcpu for load in loads), default=0.0),
            memory_gib=max((load.memory_gib for load in loads), default=0.0),
        ).less(self.sites[region].standing)

    def _options(self, site: Site) -> list[Shares]:
        """Even shares on the first partners that have room, and each alone; none where it has no partner."""
        order = sorted((other for other in site.partners if other in self.sites), key=lambda other: other in self.full)
        most = min(site.most_partners(self.settings), len(order))
        spread = [_even(order[:count]) for count in SPREADS if count <= most]
        return [*spread, *({other: SHARE_STEPS} for other in order[1:ALONE])] or [{}]

    def _usd(self, site: Site, shares: Shares) -> tuple[bool, float]:
        """Whether some partner has no room for it, and what it makes partners stand by for, USD per hour."""
        before = [_worth(self.price[other], self.needed(other)) for other in shares]
        self._put(site, shares, 1)
        over = any(_beyond(self.needed(other), self.left[other]) for other in shares)
        usd = sum(_worth(self.price[other], self.needed(other)) for other in shares) - sum(before)
        self._put(site, shares, -1)
        return over, usd

    def _put(self, site: Site, shares: Shares, sign: int) -> None:
        loss = site.falls_with or site.region
        for other, steps in shares.items():
            load = site.critical.times(sign * steps / SHARE_STEPS)
            self.held[other][loss] = self.held[other].get(loss, Amount()).plus(load)


def _even(partners: Sequence[str]) -> Shares:
    each, more = divmod(SHARE_STEPS, len(partners))
    return {partner: each + (at < more) for at, partner in enumerate(partners)}


def _left(site: Site, serving: Mapping[str, int]) -> Amount:
    shapes = {shape.name: shape for shape, _ in site.serving_shapes}
    left = site.room
    for name, count in serving.items():
        left = left.less(Amount.of(shapes[name], count))
    return left


def _beyond(need: Amount, left: Amount) -> bool:
    return need.vcpu > left.vcpu + 1e-9 or need.memory_gib > left.memory_gib + 1e-9


def _worth(price: tuple[float, float], amount: Amount) -> float:
    return price[0] * amount.vcpu + price[1] * amount.memory_gib
