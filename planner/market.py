"""Catalog and snapshot, indexed: what an item is, where it is offered and for how much, and how much a place has."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from contracts.capacity import (
    ADDRESS_ITEM,
    CapacityKind,
    CapacitySnapshot,
    Catalog,
    CircuitTier,
    LinkFacts,
    Pool,
    RegionFacts,
    Shape,
    StorageClass,
)
from contracts.names import link_name
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purchase,
    Resource,
    StorageSpec,
)
from contracts.rows import Rows
from contracts.storage import iops_item, mibps_item
from planner.prices import Prices
from planner.routes import Link

Amounts = dict[tuple[str, CapacityKind], float]
"""How much of a kind at a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What can be had, where, and at which price per hour."""

    shapes: Mapping[str, Shape]
    storage_classes: Mapping[str, StorageClass]
    tiers: Mapping[str, CircuitTier]
    regions: Mapping[str, RegionFacts]
    links: Mapping[str, Link]
    pools: Mapping[str, tuple[Pool, ...]]
    available: Mapping[tuple[str, CapacityKind], float]
    prices: Prices
    _units: dict[tuple[str, CapacityKind], float | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, catalog: Catalog, capacity: CapacitySnapshot) -> "Market":
        known = catalog.completed(capacity.shapes)
        pools: dict[str, tuple[Pool, ...]] = {}
        for pool in sorted(capacity.pools, key=lambda item: (item.region, item.cidr)):
            pools[pool.region] = (*pools.get(pool.region, ()), pool)
        return cls(
            shapes={shape.name: shape for shape in sorted(known.shapes, key=lambda item: item.name)},
            storage_classes={item.name: item for item in sorted(catalog.storage_classes, key=lambda item: item.name)},
            tiers={tier.name: tier for tier in sorted(catalog.circuit_tiers, key=lambda item: (item.gbps, item.name))},
            regions={facts.region: facts for facts in capacity.regions},
            links={link_name(link.a, link.b): link for link in _links(capacity.links)},
            pools=pools,
            available={(quota.place, quota.kind): quota.available for quota in capacity.quotas},
            prices=Prices.of(capacity.offers),
        )

    def price(self, place: str, item: str, purchase: Purchase = Purchase.ON_DEMAND) -> float | None:
        """USD per hour of one, or nothing where it is not offered."""
        return self.prices.at(place, purchase).get(item)

    def room(self, place: str, kind: CapacityKind) -> float:
        """How much of a kind this environment may have at a place.

        Where no quota is stated, addresses are bounded by the pools alone, and accelerators by the shapes that bear
        them; of anything else there is none.
        """
        unstated = math.inf if kind in (CapacityKind.ADDRESSES, CapacityKind.ACCELERATORS) else 0.0
        return self.available.get((place, kind), unstated)

    def storage_class(self, name: str) -> StorageClass:
        """A class of storage; of one that the catalog does not know (any more), nothing is promised."""
        return self.storage_classes.get(name) or StorageClass(name=name)

    def offered_shapes(self, region: str) -> tuple[tuple[Shape, float], ...]:
        """Shapes that a region sells on demand, with their price, by name."""
        prices = self.prices.at(region)
        return tuple((shape, prices[shape.name]) for shape in self.shapes.values() if shape.name in prices)

    def smallest_shape(self, region: str) -> tuple[Shape, float] | None:
        """The shape of which one costs least: what one staged unit of compute is."""
        offered = [(usd, shape.vcpu, shape.name) for shape, usd in self.offered_shapes(region)]
        return (self.shapes[min(offered)[2]], min(offered)[0]) if offered else None

    def smallest_tier(self, link: str) -> tuple[CircuitTier, float] | None:
        """The smallest tier that a link sells: what one staged circuit is."""
        return next(
            ((tier, usd) for tier in self.tiers.values() if (usd := self.price(link, tier.name)) is not None), None
        )

    def unit_price(self, place: str, kind: CapacityKind) -> float | None:
        """What one idle unit of a kind costs per hour, as the cheapest offer at the place implies."""
        if (place, kind) not in self._units:
            self._units[place, kind] = self._unit_price(place, kind)
        return self._units[place, kind]

    def _unit_price(self, place: str, kind: CapacityKind) -> float | None:
        match kind:
            case CapacityKind.VCPU:
                prices = [usd / shape.vcpu for shape, usd in self.offered_shapes(place)]
            case CapacityKind.MEMORY_GIB:
                prices = [usd / shape.memory_gib for shape, usd in self.offered_shapes(place)]
            case CapacityKind.STORAGE_GIB:
                prices = [usd for name in self.storage_classes if (usd := self.price(place, name)) is not None]
            case CapacityKind.GBPS:
                prices = [
                    usd / tier.gbps for tier in self.tiers.values() if (usd := self.price(place, tier.name)) is not None
                ]
            case CapacityKind.ADDRESSES:
                prices = [usd] if (usd := self.price(place, ADDRESS_ITEM)) is not None else []
            case CapacityKind.ACCELERATORS:
                prices = [usd / shape.accelerators for shape, usd in self.offered_shapes(place) if shape.accelerators]
            case _:
                assert_never(kind)
        return min(prices, default=None)

    def usd_per_hour(self, resource: Resource) -> float:
        """What a resource costs; an item that is no longer offered counts as nothing, as no price is known."""
        return sum((self.price(*item) or 0.0) * number for item, number in self.bill(resource))

    def bill(self, resource: Resource) -> tuple[tuple[tuple[str, str, Purchase], float], ...]:
        """Which items a resource is charged for, and how many of each."""
        spec, place = resource.spec, resource.place
        match spec:
            case ComputeSpec():
                return (((place, spec.shape, spec.purchase), spec.mean_count),)
            case StorageSpec():
                places = (place, spec.replica_region) if spec.replica_region else (place,)
                gib = tuple(((where, spec.storage_class, Purchase.ON_DEMAND), spec.gib) for where in places)
                return (*gib, *self._provisioned(place, spec))
            case CircuitSpec():
                return (((place, spec.tier, Purchase.ON_DEMAND), spec.count),)
            case BlockSpec():
                return (((place, ADDRESS_ITEM, Purchase.ON_DEMAND), address_count(spec.prefix)),)
            case NetworkSpec() | LinkSpec() | FailoverSpec() | AlertSpec():
                return ()
            case _:
                assert_never(spec)

    def _provisioned(self, place: str, spec: StorageSpec) -> tuple[tuple[tuple[str, str, Purchase], float], ...]:
        """What of IOPS and throughput is paid for: what a class does not give by itself, and where it serves alone."""
        storage = self.storage_classes.get(spec.storage_class)
        if storage is None or not (spec.iops or spec.throughput_mibps):
            return ()
        iops, mibps = storage.given(spec.gib, storage.volumes(spec.gib, spec.volumes))
        bought = (
            (iops_item(storage.name), spec.iops - iops),
            (mibps_item(storage.name), spec.throughput_mibps - mibps),
        )
        return tuple(((place, item, Purchase.ON_DEMAND), amount) for item, amount in bought if amount > 0)

    def use(self, resource: Resource) -> Amounts:
        """What a resource takes of the places' capacity; a replica takes storage where it stands, too."""
        spec, place = resource.spec, resource.place
        match spec:
            case ComputeSpec():
                shape = self.shapes.get(spec.shape)
                if shape is None:
                    return {}
                accelerators = {(place, CapacityKind.ACCELERATORS): float(shape.accelerators * spec.count)}
                return {
                    (place, CapacityKind.VCPU): float(shape.vcpu * spec.count),
                    (place, CapacityKind.MEMORY_GIB): float(shape.memory_gib * spec.count),
                    **(accelerators if shape.accelerators else {}),
                }
            case StorageSpec():
                places = (place, spec.replica_region) if spec.replica_region else (place,)
                return {(where, CapacityKind.STORAGE_GIB): float(spec.gib) for where in places}
            case CircuitSpec():
                return {(place, CapacityKind.GBPS): float(spec.gbps * spec.count)}
            case BlockSpec():
                return {(place, CapacityKind.ADDRESSES): float(address_count(spec.prefix))}
            case NetworkSpec() | LinkSpec() | FailoverSpec() | AlertSpec():
                return {}
            case _:
                assert_never(spec)

    def total_use(self, resources: Iterable[Resource]) -> Amounts:
        """The sum of what resources take."""
        total: Amounts = {}
        for resource in resources:
            for what, amount in self.use(resource).items():
                total[what] = total.get(what, 0.0) + amount
        return total


def _links(facts: Sequence[LinkFacts]) -> Iterator[Link]:
    rows = Rows.of(LinkFacts, facts)
    return map(Link, rows.texts("a").values(), rows.texts("b").values(), rows.numbers("latency_ms").tolist())


def address_count(prefix: str) -> int:
    """How many IPv4 addresses a prefix holds; none where it is one of IPv6, of which there are enough."""
    if ":" in prefix:
        return 0
    return 1 << (32 - int(prefix.rpartition("/")[2]))
