"""The cheapest circuits that carry a link's demand: exact, because there are few tiers and they are whole gbps."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.capacity import CircuitTier

Size = tuple[int, float, str]
"""Units of a tier, its USD per hour, its name."""

MOST_UNITS = 100_000
"""Units that costs are told one by one for; of more, the rest is bought first, in what costs least by the unit."""


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
    first, bought = _first(sizes, need)
    need -= bought
    most = min(need + max(size for size, _, _ in sizes) - 1, _units(room_gbps, unit) - bought)
    cheapest, taken = _exact_costs(sizes, most)
    reachable = [(cheapest[units], -units) for units in range(need, most + 1) if cheapest[units] < math.inf]
    if not reachable:
        return None
    usd_per_hour, units = min(reachable)
    counts = _counts(sizes, taken, -units)
    if bought:
        size, usd, name = first
        counts = dict(sorted((counts | {name: counts.get(name, 0) + bought // size}).items()))
        usd_per_hour += usd * (bought // size)
    return Circuits(counts, (bought - units) * unit, usd_per_hour)


def _first(sizes: Sequence[Size], need: int) -> tuple[Size, int]:
    """What is bought first where very many units are needed, and how many of them.

    Fewer than `size` others beside it are ever needed: of so many, some come to a multiple of it, and it is no dearer.
    """
    best = min(sizes, key=lambda one: (one[1] / one[0], one[0]))
    told = max(MOST_UNITS, (best[0] + 1) * max(size for size, _, _ in sizes))
    return best, (need - told) // best[0] * best[0] if need > told else 0


def _units(gbps: float, unit: int) -> int:
    """Whole units within; of no limit, more than are ever needed."""
    return math.floor(gbps / unit + 1e-9) if math.isfinite(gbps) else sys.maxsize


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


def least_costs(
    gbps: float, room_gbps: float, offers: Sequence[tuple[CircuitTier, float]]
) -> list[tuple[float, float]]:
    """Gbps in steps up to what carries so much within the room, and the least they cost; of too many steps none."""
    unit = math.gcd(*(tier.gbps for tier, _ in offers))
    sizes = [(tier.gbps // unit, usd, tier.name) for tier, usd in offers]
    most = min(math.ceil(gbps / unit) + 2 * max(size for size, _, _ in sizes), _units(room_gbps, unit))
    if most > MOST_UNITS:
        return []
    cheapest, _ = _exact_costs(sizes, most)
    for units in range(len(cheapest) - 2, -1, -1):  # what carries more carries less, too
        cheapest[units] = min(cheapest[units], cheapest[units + 1])
    return [(float(units * unit), usd) for units, usd in enumerate(cheapest) if usd < math.inf]


def _exact_costs(sizes: Sequence[Size], most: int) -> tuple[list[float], list[int]]:
    """Per number of units the least cost of exactly so many, and the index of the tier taken last."""
    cheapest, taken = [0.0, *([math.inf] * max(0, most))], [-1] * (max(0, most) + 1)
    for units in range(1, most + 1):
        for index, (size, usd, _) in enumerate(sizes):
            if size <= units and cheapest[units - size] + usd < cheapest[units] - 1e-12:
                cheapest[units], taken[units] = cheapest[units - size] + usd, index
    return cheapest, taken


def _counts(sizes: Sequence[Size], taken: Sequence[int], units: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    while units > 0:
        size, _, name = sizes[taken[units]]
        counts[name] = counts.get(name, 0) + 1
        units -= size
    return dict(sorted(counts.items()))
