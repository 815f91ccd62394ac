"""What a plan must hold: headroom over the forecast, room left in the address pools."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC
from functools import cache
from ipaddress import IPv4Network
from typing import assert_never

from contracts.capacity import CapacityKind, Catalog
from contracts.names import is_link
from contracts.plan import ReasonCode, Requirement
from contracts.preference import served_elsewhere
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Resource,
    Spec,
    StorageSpec,
)
from policies.case import Breach, Case

_SERVING_CODES = (ReasonCode.DEMAND, ReasonCode.MINIMUM, ReasonCode.WORKLOAD)
_OF_SHAPES = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS, CapacityKind.GBPS)
_SLACK = 1e-6  # documents round to 6 decimals


def headroom(case: Case) -> Iterator[Breach]:
    """What serves demand is sized at `headroom_quantile` or above, and what is planned reaches that size.

    A plan names one quantile of each forecast, the one that it was sized at. Where a region's maximum cuts below its
    value this is a breach, even where `headroom_quantile`, if lower, would still be met: that cannot be read from the
    plan, and whoever set the maximum can exempt it.
    """

    @cache
    def planned(hour: int | None) -> defaultdict[tuple[str, CapacityKind], float]:
        return _served(case.after.values(), case.facts.catalog, hour)

    for requirement in case.plan.requirements:
        if requirement.code not in _SERVING_CODES:
            continue
        yield from _low_quantile(requirement, case.settings.headroom_quantile)
        if requirement.kind in _OF_SHAPES and not is_link(requirement.place) and case.facts.catalog is None:
            continue
        if requirement.kind is not CapacityKind.ADDRESSES:
            there = planned(_hour(requirement))
            yield from _too_little(requirement, there[requirement.place, requirement.kind])


def pool_utilisation(case: Case) -> Iterator[Breach]:
    """No address pool is fuller than `max_pool_utilisation` after the plan.

    Both states are taken from the plan, not from what is live: a review that is computed again while the plan is
    being applied comes out the same.
    """
    gone, come = _prefixes(case.before, case.after), _prefixes(case.after, case.before)
    limit = case.settings.max_pool_utilisation
    for pool in case.facts.pools:
        within = IPv4Network(pool.cidr)
        live = {IPv4Network(prefix) for prefix in pool.taken}
        before, after = _share((live - come) | gone, within), _share((live - gone) | come, within)
        if after > limit + _SLACK:
            yield Breach(
                resource=f"{pool.region}/pool/{pool.cidr.replace('/', '-')}",
                message=f"pool {pool.cidr} is {after:.1%} taken, limit {limit:.0%} (before: {before:.1%})",
                fix=f"add an address pool to {pool.region} in the inventory, or stage fewer blocks there",
                worsened=after > before + _SLACK,
            )


def _low_quantile(requirement: Requirement, quantile: float) -> Iterator[Breach]:
    forecast = requirement.forecast
    if forecast is not None and forecast.level < quantile - _SLACK and requirement.quantity > 0:
        yield Breach(
            resource=f"{requirement.place}/{requirement.kind}",
            message=f"{requirement.kind} is sized at the {forecast.level:.3g} quantile of {forecast.series}"
            f" ({forecast.value:.6g}), below {quantile:.3g}",
            fix=f"raise costs.shortage_usd_per_unit_hour.{requirement.kind}, or lower rules.headroom_quantile",
        )


def _too_little(requirement: Requirement, planned: float) -> Iterator[Breach]:
    """Against what the plan itself requires, and against the forecast, which a maximum may have cut."""
    wanted, told = requirement.quantity, "required"
    here = requirement.forecast.value + served_elsewhere(requirement.parts) if requirement.forecast else 0.0
    if requirement.forecast is not None and here > wanted:
        wanted, told = here, f"forecast at quantile {requirement.forecast.level:.3g}"
    if planned < wanted * (1 - _SLACK) - _SLACK:
        yield Breach(
            resource=f"{requirement.place}/{requirement.kind}",
            message=f"{planned:.6g} {requirement.kind} planned to serve, {wanted:.6g} {told}",
            fix=f"raise the region's maximum of {requirement.kind} where it has one and plan again, or exempt it",
        )


def _hour(requirement: Requirement) -> int | None:
    """The hour of the day in UTC at which it has to be met; None where it holds always."""
    return requirement.forecast.at.astimezone(UTC).hour if requirement.forecast else None


def _served(
    resources: Iterable[Resource], catalog: Catalog | None, hour: int | None
) -> defaultdict[tuple[str, CapacityKind], float]:
    """What serves demand at an hour of the day, or at all hours, by place and kind."""
    total: defaultdict[tuple[str, CapacityKind], float] = defaultdict(float)
    for resource in resources:
        if resource.purpose is Purpose.SERVING:
            for kind, quantity in _gives(resource.spec, catalog, hour):
                total[resource.place, kind] += quantity
    return total


def _gives(spec: Spec, catalog: Catalog | None, hour: int | None) -> Iterator[tuple[CapacityKind, float]]:
    match spec:
        case ComputeSpec():
            shape = next((shape for shape in catalog.shapes if shape.name == spec.shape), None) if catalog else None
            if shape is not None:
                count = spec.count_at(hour)
                yield CapacityKind.VCPU, float(shape.vcpu * count)
                yield CapacityKind.MEMORY_GIB, float(shape.memory_gib * count)
                yield CapacityKind.ACCELERATORS, float(shape.accelerators * count)
                yield CapacityKind.GBPS, shape.network_gbps * count if shape.network_gbps else math.inf
        case StorageSpec():
            yield CapacityKind.STORAGE_GIB, float(spec.gib)
        case CircuitSpec():
            yield CapacityKind.GBPS, float(spec.gbps * spec.count)
        case BlockSpec():
            yield CapacityKind.ADDRESSES, float(IPv4Network(spec.prefix).num_addresses)
        case NetworkSpec() | LinkSpec() | FailoverSpec() | AlertSpec():
            return
        case _:
            assert_never(spec)


def _prefixes(these: dict[str, Resource], but_not: dict[str, Resource]) -> set[IPv4Network]:
    """Prefixes of blocks that are in one state and not in the other."""
    other = {resource.spec.prefix for resource in but_not.values() if isinstance(resource.spec, BlockSpec)}
    mine = {resource.spec.prefix for resource in these.values() if isinstance(resource.spec, BlockSpec)}
    return {IPv4Network(prefix) for prefix in mine - other}


def _share(prefixes: Iterable[IPv4Network], pool: IPv4Network) -> float:
    return sum(prefix.num_addresses for prefix in prefixes if prefix.subnet_of(pool)) / pool.num_addresses
