"""`InventoryFacts`: what physically exists on premises. The file that fills an estate (`estate/inventory.yaml`)."""

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from contracts.capacity import Whole
from contracts.document import Document, Model, unsaid
from contracts.names import RegionName


class HostGroup(Model):
    """`count` equal hosts."""

    count: Whole
    vcpu: Whole
    memory_gib: Whole


class RegionInventory(Model):
    """One region: hosts, storage pools (GiB by class), address pools (CIDR), prices.

    Attributes:
        prices: USD per hour by item of the catalog: a shape, a storage class (one GiB), `address` (one address).
            What has no price is not offered here. `egress_gb` is no item of the catalog: USD for one GB that leaves.
        spot_prices: the same for interruptible shapes.
        stock: at most so many of a shape, whatever the hosts add up to: `{a16: 8}` where eight hosts have accelerators.
    """

    name: RegionName
    continent: str
    fault_domain: str
    hosts: tuple[HostGroup, ...] = ()
    storage_gib: dict[str, NonNegativeFloat] = Field(default={})
    pools: tuple[str, ...] = ()
    prices: dict[str, NonNegativeFloat]
    spot_prices: dict[str, NonNegativeFloat] = Field(default={})
    stock: dict[str, NonNegativeInt] = Field(default={}, exclude_if=unsaid)


class LinkInventory(Model):
    """What joins two regions, wherever they lie: how much it carries, its round-trip latency, USD per hour by tier.

    Attributes:
        egress_usd_per_gb: by the region that it leaves, USD for one GB (10^9 bytes) over the link; in place of the
            region's own price of `egress_gb`.
    """

    a: RegionName
    b: RegionName
    latency_ms: float = Field(ge=0)
    gbps: float = Field(ge=0)
    prices: dict[str, NonNegativeFloat]
    egress_usd_per_gb: dict[RegionName, NonNegativeFloat] = Field(default={}, exclude_if=unsaid)


class InventoryFacts(Document):
    """All that physically exists.

    Attributes:
        regions: on premises; those in clouds are in the environment.
        links: between regions of either sort: what joins two clouds, or a cloud and premises, has a price here, too.
        elsewhere: regions in clouds, which links join and failover entries name. Filled in from the environment when
            an estate is loaded: nobody writes it.
    """

    FORMAT: ClassVar[str] = "prestage/inventory"

    regions: tuple[RegionInventory, ...] = ()
    links: tuple[LinkInventory, ...] = ()
    elsewhere: tuple[RegionName, ...] = ()
    source: str = ""
