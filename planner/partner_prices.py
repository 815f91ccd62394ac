"""What carrying a region's critical load costs a partner beyond what stands by there for other losses anyway.

A partner holds the largest of the loads that single losses bring it. So one region's load costs what that largest grows
by, at the cheapest shape alone, in whole instances.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planner.demand import Demand
from planner.market import Market
from planner.sites import SHARE_STEPS, Amount, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPrices:
    """What stands by, told by whose load it is.

    Attributes:
        loads: by carrier, of each loss that brings it something, what each region brings.
        standing: given compute that stands by, by carrier.
    """

    market: Market
    loads: Mapping[str, Mapping[str, Mapping[str, Amount]]]
    standing: Mapping[str, Amount]
    _usd: dict[tuple[str, Amount], float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, market: Market, demand: Demand) -> "PartnerPrices":
        sites = {site.region: site for site in demand.sites}
        loads: dict[str, dict[str, dict[str, Amount]]] = {
            name: {loss: {"what is given": load} for loss, load in site.given_losses.items()}
            for name, site in sites.items()
        }
        for (lost, carrier), steps in sorted(demand.placement.shares.items()):
            if carrier in loads and lost in sites:
                falls = loads[carrier].setdefault(sites[lost].falls_with or lost, {})
                falls[lost] = sites[lost].critical.times(steps / SHARE_STEPS)
        return cls(market=market, loads=loads, standing={name: site.standing for name, site in sites.items()})

    def more(self, carrier: str, site: Site, load: Amount) -> float | None:
        """USD per hour that a load of a region adds to what a carrier holds for others; None where nothing is sold."""
        before, after = (self.usd(carrier, self.held(carrier, site, one)) for one in (Amount(), load))
        return None if before is None or after is None else max(0.0, after - before)

    def held(self, carrier: str, site: Site, load: Amount) -> Amount:
        """What a carrier holds where a region brings it this load in place of what it brings now."""
        falls = site.falls_with or site.region
        found = {
            name: _sum(each for region, each in brought.items() if region != site.region)
            for name, brought in self.loads.get(carrier, {}).items()
        }
        found[falls] = found.get(falls, Amount()).plus(load)
        most = Amount(
            vcpu=max(each.vcpu for each in found.values()), memory_gib=max(each.memory_gib for each in found.values())
        )
        return most.less(self.standing.get(carrier, Amount()))

    def usd(self, region: str, amount: Amount) -> float | None:
        """USD per hour of an amount by the shape that does it cheapest alone; None where nothing is sold."""
        if (region, amount) not in self._usd:
            each = [usd * amount.instances(shape) for shape, usd in self.market.offered_shapes(region)]
            self._usd[region, amount] = min(each, default=None)
        return self._usd[region, amount]


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = Amount()
    for amount in amounts:
        total = total.plus(amount)
    return total
