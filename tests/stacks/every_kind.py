"""One resource of each kind in two regions, and an estate that has room for them."""

from contracts.capacity import Catalog, CircuitTier, Shape, StorageClass
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory
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
    root_of,
)

REGIONS = ("ams", "fra")
PRICES = {"m8": 0.4, "standard": 0.0001, "address": 0.004}
CATALOG = Catalog(
    shapes=(Shape(name="m8", vcpu=8, memory_gib=32),),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10)),
)


def facts(regions: tuple[str, ...] = REGIONS, *, hosts: int = 10) -> InventoryFacts:
    """Regions of `hosts` hosts of 64 vCPU, 256 GiB, a volume pool and a /16 each, and links between all of them."""
    return InventoryFacts(
        regions=tuple(
            RegionInventory(
                name=name,
                continent="europe",
                fault_domain=name,
                hosts=(HostGroup(count=hosts, vcpu=64, memory_gib=256),),
                storage_gib={"standard": 100_000},
                pools=(f"10.{number}.0.0/16",),
                prices=PRICES,
            )
            for number, name in enumerate(regions)
        ),
        links=tuple(
            LinkInventory(a=a, b=b, latency_ms=8, gbps=100, prices={"1g": 1, "10g": 5})
            for a in regions
            for b in regions
            if a < b
        ),
    )


def resource(key: str, spec: Spec, *, root: str = "") -> Resource:
    place = key.partition("/")[0]
    return Resource(key=key, place=place, root=root or root_of(place), purpose=Purpose.SERVING, spec=spec)


def compute(key: str, count: int = 2, *, root: str = "") -> Resource:
    return resource(key, ComputeSpec(shape="m8", count=count), root=root)


def every_kind() -> list[Resource]:
    """One of each kind that there is, in two regions."""
    return [
        resource("ams/network", NetworkSpec(asn=64513)),
        resource("fra/network", NetworkSpec(asn=64512)),
        resource("fra/block/serving/10.1.0.0-24", BlockSpec(prefix="10.1.0.0/24", pool="10.1.0.0/16")),
        compute("fra/compute/serving/m8"),
        resource("fra/storage/serving/standard", StorageSpec(storage_class="standard", gib=100, replica_region="ams")),
        resource("ams--fra/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=2)),
        resource("ams--fra/link", LinkSpec()),
        resource("fra/failover/ams", FailoverSpec(partner="ams", share=0.5)),
        resource("fra/alert/vcpu", AlertSpec(metric="vcpu", threshold=0.85)),
    ]
