"""What room for one more staged unit would be worth where there is none: misses that it would save, less idling.

Requests that come until staging is replenished find what is staged or cost `costs.missed_staging_usd`. One more unit is
worth the chance that they find too few, times that, by the hour and by the unit, less what it costs to have it idle:
the newsvendor's marginal value at the number that there is room for (Arrow, Harris and Marschak 1951).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from contracts.capacity import CapacityKind
from contracts.risk import Scarce
from planner.market import Market, address_count
from planner.requirements import rounded

LEAST_USD = 1e-4
"""USD per hour that is worth telling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Requests for units of one kind until more are there.

    Attributes:
        mean, variance: of how many come.
        each: units that one takes, in the mean.
        hours: until staging is replenished.
        idle_usd: of one unit, per hour.
        missed_usd: of one request that finds too few.
    """

    mean: float
    variance: float
    each: float
    hours: float
    idle_usd: float
    missed_usd: float

    def next_unit_usd(self, units: int) -> float:
        """USD per hour that one more is worth where there are so many; the count is taken as normal, as for staging."""
        enough = math.floor(units / self.each + 1e-9) + 0.5
        more = 1 - NormalDist(self.mean, math.sqrt(self.variance) or 1e-9).cdf(enough)
        return more * self.missed_usd / (self.hours * self.each) - self.idle_usd


def scarce_unit(market: Market, at: tuple[str, CapacityKind], unit: tuple[str, float], usd: float) -> Scarce | None:
    """A place without room for one more unit, where that is worth something.

    Args:
        market: what there is.
        at: the place, and the kind.
        unit: what it is called, and how much of the kind it takes.
        usd: per hour, that it is worth.
    """
    place, kind = at
    what, size = unit
    if usd <= LEAST_USD or size <= 0:
        return None
    pools = sum(address_count(pool.cidr) for pool in market.pools.get(place, ()))
    limit = market.available.get(at, float(pools) if kind is CapacityKind.ADDRESSES else 0.0)
    return Scarce(
        place=place, kind=kind, limit=limit, item=f"staged {what}", units=size, saves_usd_per_hour=rounded(usd)
    )
