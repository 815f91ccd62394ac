"""`InventoryFacts`: what physically exists on premises. The file that fills an estate (`estate/inventory.yaml`)."""

from typing import ClassVar

from pydantic import Field

from contracts.document import Document, Model
from contracts.names import RegionName


class HostGroup(Model):
    """`count` equal hosts."""

    count: int = Field(ge=1)
    vcpu: int = Field(ge=1)
    memory_gib: int = Field(ge=1)


class RegionInventory(Model):
    """One region: hosts, storage pools (GiB by class), address pools (CIDR), prices.

    Attributes:
        prices: USD per hour by item of the catalog: a shape, a storage class (one GiB), `address` (one address).
            What has no price is not offered here.
        spot_prices: the same for interruptible shapes.
    """

    name: RegionName
    continent: str
    fault_domain: str
    hosts: tuple[HostGroup, ...] = ()
    storage_gib: dict[str, float] = Field(default={})
    pools: tuple[str, ...] = ()
    prices: dict[str, float]
    spot_prices: dict[str, float] = Field(default={})


class LinkInventory(Model):
    """Fibre between two regions: how much of it there is, its round-trip latency, and USD per hour by circuit tier."""

    a: RegionName
    b: RegionName
    latency_ms: float = Field(ge=0)
    gbps: float = Field(ge=0)
    prices: dict[str, float]


class InventoryFacts(Document):
    """All that physically exists."""

    FORMAT: ClassVar[str] = "prestage/inventory"

    regions: tuple[RegionInventory, ...] = ()  # on premises; those in clouds are in the environment
    links: tuple[LinkInventory, ...] = ()
    source: str = ""
