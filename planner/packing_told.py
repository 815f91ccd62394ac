"""Where whole units run, as a plan lists it; which instances they buy; and those that find no place.

After the placement: its `Held` instances get keys of resources, the free ones first and then those that stay.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from contracts.capacity import CapacityKind
from contracts.plan import ReasonCode, Requirement, Shortfall
from contracts.resources import Purpose, ResourceKind
from contracts.workloads import Packed, Packing, UnitSize
from planner.keys import item_key
from planner.packing import Held, Units, by_size
from planner.placement import Lacking, Placement
from planner.requirements import rounded, total
from planner.sites import Amount, Site


def packing_of(sites: Sequence[Site], placement: Placement) -> Packing | None:
    """Which instances hold which units; nothing where no units run."""
    every = (*placement.held, *(held for site in sites for held in site.lent))
    if not every:
        return None
    by_region = {site.region: site for site in sites}
    sizes = {size.name: size for held in every for _, size in held.units}
    found: dict[tuple[str, str, tuple[tuple[str, int], ...]], int] = {}
    used: Counter[tuple[str, str]] = Counter()  # instances that hold something already, by key and loss
    for held in every:
        units = {size.name if not held.loss else f"{of}/{size.name}": count for (of, size), count in held.units.items()}
        left = held.instances
        keys = [(held.key, left)] if held.key else _keys(by_region[held.region], placement, held)
        for key, count in keys:
            put = left if held.key else min(left, count - used[key, held.loss])
            if put > 0:
                what = key, held.loss, tuple(sorted(units.items()))
                found[what] = found.get(what, 0) + put
                used[key, held.loss] += put
                left -= put
    return Packing(
        sizes=tuple(sizes[name] for name in sorted(sizes)),
        instances=tuple(
            Packed(key=key, lost=lost, instances=count, units=dict(units))
            for (key, lost, units), count in sorted(found.items())
        ),
    )


def bought_by_unit(
    site: Site, placement: Placement, purpose: Purpose, amount: Amount, counts: Mapping[str, int]
) -> Mapping[str, tuple[str, bool]]:
    """By shape the largest unit that its instances hold, and whether the sum would do with one instance fewer.

    Args:
        site: region.
        placement: its counts and units.
        purpose: what serves, or what stands by.
        amount: in sum, what instances of this purpose have to cover.
        counts: of them, by shape.
    """
    shapes = {shape.name: shape for shape, _ in (*site.serving_shapes, *site.failover_shapes)}
    bought = Amount()
    for name, count in counts.items():
        bought = bought.plus(Amount.of(shapes[name], count))
    found = {}
    for name in counts:
        sizes = {size for held in _at(placement, site.region, purpose) if held.shape == name for _, size in held.units}
        if sizes:
            largest = by_size(sizes, (float(shapes[name].vcpu), float(shapes[name].memory_gib)))[0]
            found[name] = largest.name, not amount.less(bought.less(Amount.of(shapes[name], 1)))
    return found


def unplaced(lacking: Lacking, needs: tuple[Requirement, ...], sites: Sequence[Site]) -> Iterator[Shortfall]:
    """Units for which there is no instance, where they serve or at partners."""
    for site in sites:
        need = total(needs, site.region, CapacityKind.VCPU)
        for size, count in lacking.units.get(site.region, {}).items():
            yield _short(site, need, (size, count, site.units.get(size, count)), _serving_told(site, size))
        for size, count in lacking.critical_units.get(site.region, {}).items():
            yield _short(site, need, (size, count, site.critical_units[size]), _partners_told(site, size, sites))


def _keys(site: Site, placement: Placement, held: Held) -> Iterator[tuple[str, int]]:
    """Resources whose instances are of a shape, and how many: what is chosen first, then what stays."""
    purpose = Purpose.FAILOVER if held.loss else Purpose.SERVING
    chosen = placement.failover if held.loss else placement.serving
    if count := chosen.get((site.region, held.shape)):
        yield item_key(site.region, ResourceKind.COMPUTE, purpose, held.shape), count
    for key, shape, count in site.kept_standing if held.loss else site.kept:
        if shape.name == held.shape:
            yield key, count


def _at(placement: Placement, region: str, purpose: Purpose) -> Iterator[Held]:
    stands = purpose is Purpose.FAILOVER
    return (held for held in placement.held if held.region == region and bool(held.loss) is stands)


def _short(site: Site, need: Requirement | None, what: tuple[UnitSize, int, int], told: str) -> Shortfall:
    size, lacking, count = what
    forecast = need.forecast if need else None
    return Shortfall(
        place=site.region,
        kind=CapacityKind.VCPU,
        wanted=rounded(count * size.vcpu),
        available=rounded((count - lacking) * size.vcpu),
        at=forecast.at if forecast else None,
        series=forecast.series if forecast else None,
        workload=size.name,
        nearest=f"{count - lacking} of {count} units of {size.name} ({size.told()} each) have a place {told}",
    )


def _serving_told(site: Site, size: UnitSize) -> str:
    return (
        f"in {site.region}, where quotas and maxima leave {site.serving_room.vcpu:g} vCPU and "
        f"{site.serving_room.memory_gib:g} GiB: raise what is short of them, or ask for fewer or smaller units"
    )


def _partners_told(site: Site, size: UnitSize, sites: Sequence[Site]) -> str:
    others = [other.region for other in sites if other.region in site.partners]
    if not others:
        return "elsewhere when it is lost, as no region may carry its load: widen failover, or take `critical` out"
    return (
        f"at partners ({', '.join(others)}) when {site.region} is lost: raise quotas there, sell a shape that holds "
        "one there, or take `critical` out"
    )


def code_of(base: ReasonCode, unit: tuple[str, bool] | None) -> ReasonCode:
    """Why a shape is bought: for a unit only where the sum, of units and all else, would do with an instance fewer."""
    if unit and unit[1]:
        return ReasonCode.WORKLOAD
    return ReasonCode.DEMAND if base is ReasonCode.WORKLOAD else base


def all_units(site: Site, purpose: Purpose, placement: Placement) -> Units:
    """The units that run, or at the most stand by at one loss, in a region."""
    if purpose is Purpose.SERVING:
        return site.units
    most: dict[UnitSize, int] = {}
    losses = {held.loss for held in _at(placement, site.region, purpose)}
    for loss in sorted(losses):
        at_loss: Counter[UnitSize] = Counter()
        for held in _at(placement, site.region, purpose):
            for (_, size), count in held.units.items() if held.loss == loss else ():
                at_loss[size] += count * held.instances
        most |= {size: max(count, most.get(size, 0)) for size, count in at_loss.items()}
    return most
