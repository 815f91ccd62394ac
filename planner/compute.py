"""Turns the placement into wanted compute: what serves, and what stands by for other regions."""

from collections.abc import Mapping

from contracts.capacity import CapacityKind
from contracts.plan import ReasonCode, Requirement
from contracts.resources import ComputeSpec, Purpose, ResourceKind
from planner.alternatives import shape_alternatives
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.keys import item_key
from planner.packing_told import all_units, bought_by_unit, code_of
from planner.placement import Placement
from planner.requirements import rounded, total
from planner.sites import SHARE_STEPS, Amount, Loss, Site, losses


def want_compute(desired: Desired, demand: Demand) -> None:
    """Compute that serves and compute that stands by, a resource a shape."""
    for site in demand.sites:
        serving = {shape: count for (region, shape), count in demand.placement.serving.items() if region == site.region}
        standing = {
            shape: count for (region, shape), count in demand.placement.failover.items() if region == site.region
        }
        backed = _failover_requirements(demand, site)
        desired.requirements.extend(backed)
        served = tuple(
            item
            for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)
            if (item := total(demand.needs, site.region, kind))
        )
        stood_by = _amount(backed).less(site.standing)
        _want_shapes(desired, (site, demand.placement), (Purpose.SERVING, site.serving, serving), served)
        _want_shapes(desired, (site, demand.placement), (Purpose.FAILOVER, stood_by, standing), backed)


def _want_shapes(
    desired: Desired,
    where: tuple[Site, Placement],
    chosen: tuple[Purpose, Amount, dict[str, int]],
    needs: tuple[Requirement, ...],
) -> None:
    (site, placement), (purpose, amount, counts) = where, chosen
    held = bought_by_unit(site, placement, purpose, amount, counts)
    codes = [need.code for need in needs]
    code = ReasonCode.MINIMUM if ReasonCode.MINIMUM in codes else next(iter(codes), ReasonCode.DEMAND)
    units = all_units(site, purpose, placement)
    alternatives = shape_alternatives(desired.market, site.region, (amount, units), site.room, counts)
    for shape, count in counts.items():
        desired.want(
            Wish(
                key=item_key(site.region, ResourceKind.COMPUTE, purpose, shape),
                place=site.region,
                purpose=purpose,
                spec=ComputeSpec(shape=shape, count=count),
                code=code_of(code, held.get(shape)),
                requirements=tuple(need.id for need in needs),
                alternatives=alternatives,
                unit=held[shape][0] if shape in held else "",
            )
        )


def _failover_requirements(demand: Demand, site: Site) -> tuple[Requirement, ...]:
    """The largest load that a region may have to carry at one loss, per kind, and whose it is."""
    found = []
    for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB):
        claims = (_parts(demand, site, loss, kind) for loss in losses(demand.sites, site))
        parts = max(claims, key=lambda parts: (_sum(parts), max(parts, default="")), default={})
        if _sum(parts) <= 0:
            continue
        origin = total(demand.needs, max(parts, key=lambda name: parts[name]), kind)
        found.append(
            Requirement(
                id=f"{site.region}/{kind}/failover",
                place=site.region,
                kind=kind,
                quantity=rounded(sum(rounded(load) for load in parts.values())),
                code=ReasonCode.FAILOVER,
                forecast=origin.forecast if origin else None,
                parts={f"critical load of {region}": rounded(load) for region, load in parts.items()},
            )
        )
    return tuple(found)


def _parts(demand: Demand, site: Site, loss: Loss, kind: CapacityKind) -> dict[str, float]:
    """What each lost region brings here, by its name."""
    shares, units = demand.placement.shares, demand.placement.units
    loads = {
        lost.region: max(
            _of(lost.critical, kind) * share / SHARE_STEPS,
            _of(Amount.of_units(units.get((lost.region, site.region), {})), kind),
        )
        for lost in loss.sites
        if (share := shares.get((lost.region, site.region)))
    }
    if load := _of(loss.given, kind):
        loads["regions left as they are"] = load
    return {name: load for name, load in loads.items() if load > 0}


def _sum(parts: Mapping[str, float]) -> float:
    return sum(parts.values())


def _amount(needs: tuple[Requirement, ...]) -> Amount:
    by_kind = {need.kind: need.quantity for need in needs}
    return Amount(vcpu=by_kind.get(CapacityKind.VCPU, 0.0), memory_gib=by_kind.get(CapacityKind.MEMORY_GIB, 0.0))


def _of(amount: Amount, kind: CapacityKind) -> float:
    return amount.vcpu if kind is CapacityKind.VCPU else amount.memory_gib
