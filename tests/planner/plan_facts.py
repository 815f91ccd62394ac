"""What plan documents say, read by contracts alone: prices, sizes, partners, delays, and demand by hour of the day."""

from collections import defaultdict
from dataclasses import dataclass
from ipaddress import ip_network

from contracts.capacity import ADDRESS_ITEM, CapacityKind, CapacitySnapshot, Catalog
from contracts.customers import Customers
from contracts.environment import Environment
from contracts.forecast import ForecastBundle
from contracts.ledger import LedgerView
from contracts.plan import Plan, Requirement
from contracts.resources import BlockSpec, CircuitSpec, ComputeSpec, FailoverSpec, Purchase, Resource, StorageSpec
from contracts.series import SeriesKey, SeriesKind

Amounts = dict[tuple[str, CapacityKind], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The documents that a plan answers; `earlier` is the plan that was applied last."""

    environment: Environment
    forecast: ForecastBundle
    capacity: CapacitySnapshot
    catalog: Catalog
    earlier: Plan | None = None
    ledger: LedgerView | None = None
    customers: Customers | None = None


def resources_of(plan: Plan) -> list[Resource]:
    return [planned.resource for planned in plan.resources]


def usd_per_hour(asked: Asked, resource: Resource) -> float | None:
    """USD an hour at the snapshot's prices; None where it is not offered."""
    price = {(offer.place, offer.item, offer.purchase): offer.usd_per_hour for offer in asked.capacity.offers}
    place, listed = resource.place, Purchase.ON_DEMAND
    match resource.spec:
        case ComputeSpec() as spec:
            each = price.get((place, spec.shape, spec.purchase))
            return None if each is None else each * spec.mean_count
        case StorageSpec() as spec:
            places = [place] if spec.replica_region is None else [place, spec.replica_region]
            each_place = [price.get((at, spec.storage_class, listed)) for at in places]
            iops, mibps = given_by_itself(asked, spec)
            extra = {"iops": spec.iops - iops, "mibps": spec.throughput_mibps - mibps}
            for unit, amount in extra.items():
                paid = price.get((place, f"{spec.storage_class}-{unit}", listed)) if amount > 0 else 0.0
                each_place.append(None if paid is None else paid * max(0.0, amount) / spec.gib)
            return None if None in each_place else spec.gib * sum(usd for usd in each_place if usd is not None)
        case CircuitSpec() as spec:
            each = price.get((place, spec.tier, listed))
            return None if each is None else each * spec.count
        case BlockSpec() as spec:
            each = price.get((place, ADDRESS_ITEM, listed))
            return None if each is None else each * ip_network(spec.prefix).num_addresses
        case _:
            return 0.0


def given_by_itself(asked: Asked, spec: StorageSpec) -> tuple[float, float]:
    """IOPS and MiB per second that a class gives without more money."""
    kind = next(item for item in asked.catalog.storage_classes if item.name == spec.storage_class)
    count = spec.volumes or (-(-spec.gib // kind.largest_gib) if kind.largest_gib else 1)
    iops = max(kind.volume_iops * count, kind.iops_per_gib * spec.gib)
    mibps = max(kind.volume_mibps * count, kind.mibps_per_gib * spec.gib)
    return (
        min(iops, kind.most_iops * count if kind.most_iops else iops),
        min(mibps, kind.most_mibps * count if kind.most_mibps else mibps),
    )


def takes(asked: Asked, resource: Resource, hour: int) -> Amounts:
    """What a resource takes or gives, by place and kind, at an hour of the day."""
    place = resource.place
    match resource.spec:
        case ComputeSpec() as spec:
            shape = next(shape for shape in asked.catalog.shapes if shape.name == spec.shape)
            count = spec.count_at(hour)
            return {
                (place, CapacityKind.VCPU): count * shape.vcpu,
                (place, CapacityKind.MEMORY_GIB): count * shape.memory_gib,
                (place, CapacityKind.ACCELERATORS): count * shape.accelerators,
                (place, CapacityKind.GBPS): count * shape.network_gbps,
            }
        case StorageSpec() as spec:
            places = [place] if spec.replica_region is None else [place, spec.replica_region]
            return {(at, CapacityKind.STORAGE_GIB): float(spec.gib) for at in places}
        case CircuitSpec() as spec:
            return {(place, CapacityKind.GBPS): float(spec.gbps * spec.count)}
        case BlockSpec() as spec:
            return {(place, CapacityKind.ADDRESSES): float(ip_network(spec.prefix).num_addresses)}
        case _:
            return {}


def held(asked: Asked, resources: list[Resource], hour: int) -> Amounts:
    found: Amounts = defaultdict(float)
    for resource in resources:
        for what, amount in takes(asked, resource, hour).items():
            found[what] += amount
    return found


def shares_of(plan: Plan) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for resource in resources_of(plan):
        if isinstance(resource.spec, FailoverSpec):
            found[resource.place][resource.spec.partner] = resource.spec.share
    return found


def serving_needs(plan: Plan, kind: CapacityKind) -> dict[str, Requirement]:
    return {need.place: need for need in plan.requirements if need.kind is kind and need.id.endswith("/serving")}


def series_key(series: str) -> SeriesKey:
    kind, _, subject = series.partition(":")
    return SeriesKey(SeriesKind(kind), subject)


def delays(asked: Asked) -> dict[tuple[str, str], float]:
    """Milliseconds between the environment's regions, the shortest way over links between them (Floyd and Warshall)."""
    names = [region.name for region in asked.environment.regions]
    found = {(a, b): 0.0 if a == b else float("inf") for a in names for b in names}
    for link in (link for link in asked.capacity.links if link.a in names and link.b in names):
        for ends in ((link.a, link.b), (link.b, link.a)):
            found[ends] = min(found[ends], link.latency_ms)
    for way in names:
        for a in names:
            for b in names:
                found[a, b] = min(found[a, b], found[a, way] + found[way, b])
    return found
