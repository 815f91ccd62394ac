"""The cheapest circuits that carry a link's demand: exact, because there are few tiers and they are whole gbps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.capacity import CircuitTier


@dataclass(frozen=True, slots=True)
class Circuits:
    """How many of each tier, and what they cost and carry together."""

    counts: Mapping[str, int]
    gbps: int
    usd_per_hour: float


def cheapest_circuits(
    demand_gbps: float, room_gbps: float, offers: Sequence[tuple[CircuitTier, float]]
) -> Circuits | None:
    """The cheapest counts that carry at least the demand within the room; of equal cost, the one that carries more.

    Works in units of the tiers' greatest common divisor: `cheapest[n]` is the least cost of exactly n units. Carrying
    more than the demand by a whole largest tier or more is never cheaper, so the search ends there.
    """
    if demand_gbps <= 0:
        return Circuits({}, 0, 0.0)
    if not offers:
        return None
    unit = math.gcd(*(tier.gbps for tier, _ in offers))
    sizes = [(tier.gbps // unit, usd, tier.name) for tier, usd in offers]
    need = math.ceil(demand_gbps / unit - 1e-9)
    most = min(need + max(size for size, _, _ in sizes) - 1, math.floor(room_gbps / unit + 1e-9))
    cheapest, taken = _exact_costs(sizes, most)
    reachable = [(cheapest[units], -units) for units in range(need, most + 1) if cheapest[units] < math.inf]
    if not reachable:
        return None
    usd_per_hour, units = min(reachable)
    return Circuits(_counts(sizes, taken, -units), -units * unit, usd_per_hour)


def most_gbps(room_gbps: float, offers: Sequence[tuple[CircuitTier, float]]) -> float:
    """The most that circuits of any offered tiers can carry within the room."""
    if not offers:
        return 0.0
    unit = math.gcd(*(tier.gbps for tier, _ in offers))
    sizes = [(tier.gbps // unit, usd, tier.name) for tier, usd in offers]
    most = math.floor(room_gbps / unit + 1e-9)
    if most >= max(size for size, _, _ in sizes) ** 2:  # from there on every number of units is a sum of sizes
        return float(most * unit)
    cheapest, _ = _exact_costs(sizes, most)
    return float(max(units for units, usd in enumerate(cheapest) if usd < math.inf) * unit)


def _exact_costs(sizes: Sequence[tuple[int, float, str]], most: int) -> tuple[list[float], list[int]]:
    """Per number of units the least cost of exactly so many, and the index of the tier taken last."""
    cheapest, taken = [0.0, *([math.inf] * max(0, most))], [-1] * (max(0, most) + 1)
    for units in range(1, most + 1):
        for index, (size, usd, _) in enumerate(sizes):
            if size <= units and cheapest[units - size] + usd < cheapest[units] - 1e-12:
                cheapest[units], taken[units] = cheapest[units - size] + usd, index
    return cheapest, taken


def _counts(sizes: Sequence[tuple[int, float, str]], taken: Sequence[int], units: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    while units > 0:
        size, _, name = sizes[taken[units]]
        counts[name] = counts.get(name, 0) + 1
        units -= size
    return dict(sorted(counts.items()))
