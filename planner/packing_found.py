"""From counts to who is where: units packed into known counts, and a solution read back as instances and units.

`packed_in` completes counts that no solver packed (what is live, what greedy chose) by first fit; `held_units` reads
columns of fillings as instances that hold units, without the places that nothing takes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from contracts.capacity import Shape
from contracts.workloads import UnitSize
from planner.covering import Offers
from planner.model import Floats
from planner.packing import Bin, Filling, Held, Units, Whose, by_size, first_fit, most_on
from planner.packing_model import Counts, Pack, Packs, Time
from planner.packing_units import added
from planner.sites import SHARE_STEPS, Kept, Live, Site


def units_at(packs: Packs, values: Floats) -> Mapping[tuple[str, str], Units]:
    """By lost region and partner, the units that it has places for."""
    found: dict[tuple[str, str], dict[UnitSize, int]] = {}
    for (lost, partner, size), column in packs.units.items():
        if count := round(float(values[column])):
            found.setdefault((lost, partner), {})[size] = count
    return found


def held_units(packs: Packs, values: Floats) -> tuple[Held, ...]:
    """Which instances hold which units, by region, loss and shape."""
    at = units_at(packs, values)
    found = []
    for pack, filled in zip(packs.packs, packs.filled, strict=True):
        counts = {what: round(float(values[column])) for what, column in filled.items()}
        for time in pack.times:
            missing = _whose(pack, time, at)
            for (shape, filling), instances in counts.items():
                each = Counter(_take(pack, filling, missing) for _ in range(instances))
                found += [
                    Held(region=pack.region, loss=time.loss, shape=shape.name, instances=count, units=dict(units))
                    for units, count in each.items()
                    if units
                ]
    return tuple(found)


def packed_in(packs: Packs, sites: Sequence[Site], values: Floats, columns: tuple[Counts, Counts, Counts]) -> Floats:
    """Counts and shares with their units in places by first fit; the same where that finds no place for some.

    Args:
        packs: what is packed.
        sites: regions.
        values: of all columns, with none of units.
        columns: of what serves, what stands by, and shares.
    """
    serving, failover, shares = columns
    values = values.copy()
    _send(packs, sites, values, shares)
    at = units_at(packs, values)
    for pack, filled in zip(packs.packs, packs.filled, strict=True):
        most: Counter[UnitSize] = Counter()
        for time in pack.times:
            most |= Counter(size for (_, size), count in _whose(pack, time, at).items() for _ in range(count))
        counts = serving if pack.serves else failover
        instances = [(shape, _standing(pack, shape, counts, values)) for shape in pack.fillings]
        fitted = first_fit(instances, most)
        if fitted.over:
            return values
        for bin_ in fitted.bins:
            if bin_.holds and (filling := _filling(pack, bin_)) is not None:
                values[filled[bin_.shape, filling]] += 1
    return values


def with_places(sites: Sequence[Site], counts: Mapping[str, Live]) -> Mapping[str, Live]:
    """Counts that cover sums, with more instances where first fit finds no place for units, whatever room there is.

    They are of the shape that holds a unit cheapest; at partners for all critical units of each region that has a share
    there, wherever they go.
    """
    found = {}
    for site in sites:
        chosen, carried = counts[site.region], _carried_at_most(sites, counts, site)
        found[site.region] = Live(
            serving=_with_more(site.serving_shapes, site.kept, chosen.serving, site.units),
            failover=_with_more(site.failover_shapes, site.kept_standing, chosen.failover, carried),
            shares=chosen.shares,
        )
    return found


def _with_more(offers: Offers, kept: Sequence[Kept], counts: Mapping[str, int], units: Units) -> Mapping[str, int]:
    instances = [(shape, counts.get(shape.name, 0)) for shape, _ in offers]
    over = first_fit([*instances, *((shape, count) for _, shape, count in kept)], units).over
    more = dict(counts)
    for size, count in over.items():
        holding = [(usd / most, -most, shape.name) for shape, usd in offers if (most := most_on(shape, size))]
        if holding:
            _, most, name = min(holding)
            more[name] = more.get(name, 0) - count // most
    return more


def _carried_at_most(sites: Sequence[Site], counts: Mapping[str, Live], site: Site) -> Units:
    """The most units of each size that come to a region at one loss, were all of those of its partners to come."""
    losing = [one for one in sites if site.region in counts[one.region].shares]
    at_loss: dict[str, Units] = {}
    for one in losing:
        name = one.falls_with or one.region
        at_loss[name] = added(at_loss.get(name, {}), one.critical_units)
    for whose in site.given_units.values():
        for carried in whose.values():
            at_loss[""] = added(at_loss.get("", {}), carried)
    most: Counter[UnitSize] = Counter()
    for units in at_loss.values():
        most |= Counter(units)
    return most


def _send(packs: Packs, sites: Sequence[Site], values: Floats, shares: Counts) -> None:
    """Critical units to partners by their shares, the largest units first, each to whom most of its share is left."""
    for site in sites:
        partners = (
            [other for other in site.partners if round(float(values[shares[site.region, other]]))]
            if (site.critical_units)
            else []
        )
        if not partners:
            continue
        load = site.critical.vcpu / SHARE_STEPS
        left = {other: load * float(values[shares[site.region, other]]) for other in partners}
        for size in by_size(site.critical_units, (1.0, 4.0)):
            for _ in range(site.critical_units[size]):
                other = max(partners, key=lambda one: (left[one], one))
                values[packs.units[site.region, other, size]] += 1
                left[other] -= size.vcpu
        for other in partners:
            _set_load(packs, site, other, values, round(float(values[shares[site.region, other]])))


def _set_load(packs: Packs, site: Site, other: str, values: Floats, steps: int) -> None:
    vcpu, memory = packs.carried[site.region, other]
    here = [(size, float(values[packs.units[site.region, other, size]])) for size in site.critical_units]
    values[vcpu] = max(site.critical.vcpu * steps / SHARE_STEPS, sum(size.vcpu * count for size, count in here))
    values[memory] = max(
        site.critical.memory_gib * steps / SHARE_STEPS, sum(size.memory_gib * count for size, count in here)
    )


def _standing(pack: Pack, shape: Shape, counts: Counts, values: Floats) -> int:
    column = counts.get((pack.region, shape.name))
    bought = 0 if column is None else round(float(values[column]))
    return bought + pack.kept.get(shape.name, 0)


def _filling(pack: Pack, bin_: Bin) -> Filling | None:
    """A filling with a place for all that an instance holds."""
    held = tuple(bin_.holds.get(size, 0) for size in pack.units)
    fits = (one for one in pack.fillings[bin_.shape] if all(has >= needs for has, needs in zip(one, held, strict=True)))
    return next(fits, None)


def _whose(pack: Pack, time: Time, at: Mapping[tuple[str, str], Units]) -> dict[Whose, int]:
    """The units that are in a region at one time, by whose they are."""
    found: dict[Whose, int] = {(of, size): count for of, units in time.given.items() for size, count in units.items()}
    for one in time.lost:
        found |= {(one.region, size): count for size, count in at.get((one.region, pack.region), {}).items()}
    return found


def _take(pack: Pack, filling: Filling, missing: dict[Whose, int]) -> tuple[tuple[Whose, int], ...]:
    """What one instance holds of what still lacks a place, which is taken off it."""
    taken = []
    for size, places in zip(pack.units, filling, strict=True):
        for whose in [one for one in missing if one[1] == size]:
            if count := min(places, missing[whose]):
                taken.append((whose, count))
                missing[whose] -= count
                places -= count
    return tuple(taken)
