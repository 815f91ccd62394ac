"""Classes of storage with figures as clouds state them, and a market that sells them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from contracts.capacity import CapacitySnapshot, Catalog, Offer, StorageClass
from planner.market import Market

GP3 = StorageClass(
    name="gp3",
    volume_iops=3000,
    volume_mibps=125,
    most_iops=16_000,
    most_mibps=1000,
    most_iops_per_gib=500,
    iops_per_mibps=4,
    largest_gib=16_384,
    durability=0.998,
)
IO2 = StorageClass(
    name="io2", most_iops=256_000, most_mibps=4000, most_iops_per_gib=1000, largest_gib=65_536, durability=0.99999
)
PD = StorageClass(name="pd", iops_per_gib=6, mibps_per_gib=0.28, most_iops=80_000, most_mibps=1200, durability=0.99999)
HYPERDISK = StorageClass(
    name="hyperdisk",
    volume_iops=3000,
    volume_mibps=140,
    most_iops=50_000,
    most_mibps=1200,
    most_iops_per_gib=500,
    durability=0.99999,
)
ST1 = StorageClass(name="st1", mibps_per_gib=0.04, most_mibps=500, largest_gib=16_384, durability=0.998)

PRICES: Mapping[str, float] = {
    "gp3": 0.08 / 730,
    "gp3-iops": 0.005 / 730,
    "gp3-mibps": 0.04 / 730,
    "io2": 0.125 / 730,
    "io2-iops": 0.065 / 730,
    "pd": 0.1 / 730,
    "st1": 0.045 / 730,
    "hyperdisk": 0.08 / 730,
    "hyperdisk-iops": 0.004 / 730,
    "hyperdisk-mibps": 0.03 / 730,
}


def market(classes: tuple[StorageClass, ...], prices: Mapping[str, Mapping[str, float | None]]) -> Market:
    """What places sell; nothing that has no price."""
    offers = tuple(
        Offer(place=place, item=item, usd_per_hour=usd)
        for place, items in prices.items()
        for item, usd in items.items()
        if usd is not None
    )
    capacity = CapacitySnapshot(
        environment="dev",
        target="estate",
        currency="USD",
        read_at=datetime(2026, 11, 2, tzinfo=UTC),
        regions=(),
        links=(),
        quotas=(),
        offers=offers,
        pools=(),
    )
    return Market.read(Catalog(shapes=(), storage_classes=classes, circuit_tiers=()), capacity)
