"""One region of a cloud: its figures, prices and resources as a part of the snapshot. Pure.

Clouds limit what the planner does not know apart: vCPUs of a family, GiB of a class of disk. Of several limits the
tightest one holds for all items, so that no plan exceeds any of them; an item whose own limit is zero is not offered.
Memory has no limit in any cloud: it is bounded by the vCPUs, at the shape with most memory a vCPU.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network

from contracts.capacity import (
    ADDRESS_ITEM,
    EGRESS_ITEM,
    CapacityKind,
    Catalog,
    LiveResource,
    Offer,
    Pool,
    Quota,
    RegionFacts,
)
from contracts.resources import BlockSpec, ComputeSpec, Purchase, Purpose, StorageSpec
from contracts.rows import Rows
from contracts.storage import provisioned_items
from stacks.capacity.list_prices import ListPrices, list_prices
from stacks.capacity.part import CapacityPart, Figures, Limit, Place

UNLIMITED_GIB = 5.0 * 1024 * 1024
"""In place of a limit that a cloud does not have, as of its buckets: 5 PiB, so that documents hold finite numbers."""

Amounts = Mapping[CapacityKind, float]


def part_of(place: Place, figures: Figures) -> CapacityPart:
    """The region as the planner will see it."""
    cloud = place.cloud
    limits = tuple(limit for limit in figures.limits if limit.total > 0)
    offers = Rows.of(Offer, _offers(place, figures, limits))
    here = [item for item in place.resources if place.region in _places(item)]
    return CapacityPart(
        regions=(facts_of(place),),
        quotas=tuple(_quotas(place, figures, limits, set(offers.texts("item").words))),
        offers=offers,
        pools=tuple(
            Pool(region=place.region, cidr=cidr, taken=_taken(cidr, figures.taken, here))
            for cidr in sorted(cloud.pools)
        ),
        resources=place.resources,
        shapes=figures.shapes,
    )


def facts_of(place: Place, *, readable: bool = True) -> RegionFacts:
    """Where a region is, as the environment says it."""
    cloud = place.cloud
    return RegionFacts(
        region=place.region, continent=cloud.continent, fault_domain=cloud.fault_domain, readable=readable
    )


def use_of(
    resources: Iterable[LiveResource], region: str, catalog: Catalog, items: frozenset[str] = frozenset()
) -> Amounts:
    """What resources take in a region by kind; only those made of some items, where these are named."""
    shapes = {shape.name: shape for shape in catalog.shapes}
    total = dict.fromkeys(CapacityKind, 0.0)
    for live in resources:
        spec = live.resource.spec
        if isinstance(spec, ComputeSpec) and live.resource.place == region and spec.shape in shapes:
            if not items or spec.shape in items:
                total[CapacityKind.VCPU] += shapes[spec.shape].vcpu * spec.count
                total[CapacityKind.MEMORY_GIB] += shapes[spec.shape].memory_gib * spec.count
                total[CapacityKind.ACCELERATORS] += shapes[spec.shape].accelerators * spec.count
        elif isinstance(spec, StorageSpec) and region in _places(live) and (not items or spec.storage_class in items):
            total[CapacityKind.STORAGE_GIB] += spec.gib
        elif isinstance(spec, BlockSpec) and live.resource.place == region:
            total[CapacityKind.ADDRESSES] += IPv4Network(spec.prefix).num_addresses
    return total


def _quotas(place: Place, figures: Figures, limits: Iterable[Limit], offered: set[str]) -> Iterator[Quota]:
    ours = use_of(place.resources, place.region, place.catalog)
    staged = [item for item in place.resources if item.resource.purpose is Purpose.STAGED]
    ready = use_of(staged, place.region, place.catalog)
    vcpu = _tightest(limits, CapacityKind.VCPU, offered)
    classes = {item.name for item in place.catalog.storage_classes} & offered
    unlimited = Limit(name="none", kind=CapacityKind.STORAGE_GIB, items=frozenset(classes), total=UNLIMITED_GIB)
    storage = _tightest(limits, CapacityKind.STORAGE_GIB, offered) or (unlimited if classes else None)
    memory = _memory(vcpu, place.catalog, offered) if vcpu else None
    for limit in (vcpu, memory, storage, _addresses(place, figures)):
        if limit is not None:
            yield Quota(
                place=place.region,
                kind=limit.kind,
                total=limit.total,
                used=limit.others + ours[limit.kind],
                ours=ours[limit.kind],
                staged=ready[limit.kind],
            )


def _tightest(limits: Iterable[Limit], kind: CapacityKind, offered: set[str]) -> Limit | None:
    found = [limit for limit in limits if limit.kind is kind and limit.items & offered]
    return min(found, key=lambda limit: (limit.available, limit.name), default=None)


def _memory(vcpu: Limit, catalog: Catalog, offered: set[str]) -> Limit:
    most = max(shape.memory_gib / shape.vcpu for shape in catalog.shapes if shape.name in offered)
    return Limit(
        name=f"memory of {vcpu.name}",
        kind=CapacityKind.MEMORY_GIB,
        items=vcpu.items,
        total=round(vcpu.total * most, 3),
        others=round(vcpu.others * most, 3),
    )


def _addresses(place: Place, figures: Figures) -> Limit:
    pools = [IPv4Network(cidr) for cidr in place.cloud.pools]
    inside = [prefix for prefix in map(IPv4Network, figures.taken) if any(prefix.subnet_of(pool) for pool in pools)]
    return Limit(
        name="pools",
        kind=CapacityKind.ADDRESSES,
        items=frozenset({ADDRESS_ITEM}),
        total=float(sum(pool.num_addresses for pool in pools)),
        others=float(sum(prefix.num_addresses for prefix in inside)),
    )


def _offers(place: Place, figures: Figures, limits: Iterable[Limit]) -> Iterator[Offer]:
    """What is offered in all zones, has a limit above zero, and a price; what people state outweighs the others."""
    listed, stated = list_prices(place.account.target, place.cloud.location), place.cloud.prices
    limited = {item for limit in limits for item in limit.items}
    for shape in place.shapes:
        if shape in figures.offered and shape in limited:
            yield from _shape_offers(place.region, shape, figures, (listed, stated))
    for storage in place.catalog.storage_classes:
        if _forbidden(storage.name, figures.limits):
            continue
        for item in (storage.name, *(provisioned_items([storage.name]) if storage.stated else ())):
            price = stated.get(item, figures.prices.storage.get(item, listed.storage.get(item)))
            if price is not None:
                yield Offer(place=place.region, item=item, usd_per_hour=round(price, 10))
    yield Offer(place=place.region, item=ADDRESS_ITEM, usd_per_hour=stated.get(ADDRESS_ITEM, 0.0))
    if EGRESS_ITEM in stated:
        yield Offer(place=place.region, item=EGRESS_ITEM, usd_per_hour=stated[EGRESS_ITEM])


def _shape_offers(
    region: str, shape: str, figures: Figures, prices: tuple[ListPrices, Mapping[str, float]]
) -> Iterator[Offer]:
    listed, stated = prices
    known = {
        Purchase.ON_DEMAND: stated.get(shape, figures.prices.on_demand.get(shape)),
        Purchase.SPOT: figures.spot.get(shape, figures.prices.spot.get(shape)),
        Purchase.COMMITTED: None,
    }
    for purchase, live in known.items():
        price = live if live is not None else listed.compute.get((shape, purchase))
        if price is not None:
            band = listed.interruption.get(shape, "") if purchase is Purchase.SPOT else ""
            yield Offer(place=region, item=shape, purchase=purchase, usd_per_hour=price, interruption=band)


def _forbidden(item: str, limits: Iterable[Limit]) -> bool:
    return any(item in limit.items and limit.total <= 0 for limit in limits)


def _taken(cidr: str, prefixes: Iterable[str], here: Iterable[LiveResource]) -> tuple[str, ...]:
    pool = IPv4Network(cidr)
    ours = {item.resource.spec.prefix for item in here if isinstance(item.resource.spec, BlockSpec)}
    return tuple(sorted(prefix for prefix in {*prefixes, *ours} if IPv4Network(prefix).subnet_of(pool)))


def _places(live: LiveResource) -> tuple[str, ...]:
    spec, place = live.resource.spec, live.resource.place
    replica = spec.replica_region if isinstance(spec, StorageSpec) else None
    return (place, replica) if replica else (place,)
