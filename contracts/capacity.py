"""`CapacitySnapshot` and `Catalog`: what a target has, uses, offers and charges.

The catalog says what an item is (a shape's vCPUs, a tier's gbps); the snapshot says what exists, how much of it is
used, where an item is offered and at which price now.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model, unsaid
from contracts.names import RegionName
from contracts.resources import Purchase, Resource
from contracts.rows import AsRows
from contracts.storage import StorageClass as StorageClass


class CapacityKind(StrEnum):
    """What is limited."""

    VCPU = "vcpu"
    MEMORY_GIB = "memory_gib"
    STORAGE_GIB = "storage_gib"
    GBPS = "gbps"  # of a link: between its regions; of a region: in and out of its instances
    ADDRESSES = "addresses"
    ACCELERATORS = "accelerators"


Whole = Annotated[int, Field(ge=1, le=10**9)]
"""Units of one thing: of anything there is, a database and a sum of products hold so many."""


class Shape(Model):
    """A host share: what one of it gives.

    Attributes:
        accelerators: GPUs and the like.
        network_gbps: what one instance can send and receive; 0 where it is not known, and limits nothing then.
    """

    name: str
    vcpu: Whole
    memory_gib: Whole
    accelerators: int = Field(default=0, ge=0, le=10**9, exclude_if=unsaid)
    network_gbps: float = Field(default=0.0, ge=0, exclude_if=unsaid)


class ShapeFacts(Model):
    """What a cloud says of a shape, for whatever a catalog leaves out."""

    name: str
    accelerators: int = Field(default=0, ge=0)
    network_gbps: float = Field(default=0.0, ge=0)


class CircuitTier(Model):
    """A size of circuit; tiers divide one another."""

    name: str
    gbps: Whole


class Catalog(Document):
    """Items by name. `address` is the item of one IPv4 address."""

    FORMAT: ClassVar[str] = "prestage/catalog"

    shapes: tuple[Shape, ...]
    storage_classes: tuple[StorageClass, ...]
    circuit_tiers: tuple[CircuitTier, ...]
    source: str = ""

    def completed(self, facts: Iterable[ShapeFacts]) -> "Catalog":
        """The same, with what clouds say of accelerators and network where it says nothing itself."""
        known = {item.name: item for item in facts}
        return self.model_copy(
            update={"shapes": tuple(_completed(shape, known.get(shape.name)) for shape in self.shapes)}
        )


def _completed(shape: Shape, facts: ShapeFacts | None) -> Shape:
    if facts is None:
        return shape
    return shape.model_copy(
        update={
            "accelerators": shape.accelerators or facts.accelerators,
            "network_gbps": shape.network_gbps or facts.network_gbps,
        }
    )


ADDRESS_ITEM = "address"

EGRESS_ITEM = "egress_gb"
"""One GB (10^9 bytes) an hour that leaves a region: at the place `fra->ams` towards that region, at `fra` towards any
other. Its USD per hour are USD per GB."""

GB_PER_GBPS_HOUR = 450.0
"""GB (10^9 bytes) that one Gbps (10^9 bits a second) carries in an hour: 3,600 s / 8 bits a byte."""

LOSS_SHARES: Mapping[str, float] = {"<5%": 0.03, "5-10%": 0.07, "10-15%": 0.12, "15-20%": 0.17, ">20%": 0.25}
"""Band of interruption -> share of spot capacity that may be missing at any hour.

The bands are those of AWS's Spot Instance Advisor ("frequency of interruption", the rate at which capacity was taken
back during the trailing month). The shares are the bands' middles, and a quarter for what has no upper end: to plan
with a month's rate as an hour's is careful, for what is taken back is started elsewhere within minutes.
"""
UNKNOWN_LOSS_SHARE = 0.10
"""Of spot capacity whose band nobody tells, as on Google Cloud."""


class Offer(Model):
    """An item offered at a place (region or link): USD per hour of one (instance, GiB, circuit, address).

    Attributes:
        interruption: of spot, the share of instances that were taken back within a month: `5-10%`; empty where unknown.
    """

    place: str
    item: str
    purchase: Purchase = Purchase.ON_DEMAND
    usd_per_hour: float = Field(ge=0)
    interruption: str = ""

    @property
    def loss_share(self) -> float:
        """Share of what is had so that may be missing at any hour; nothing but spot is ever taken back."""
        return loss_share(self.purchase, self.interruption)


def loss_share(purchase: Purchase, interruption: str) -> float:
    """Share of what is had so, in a band of interruption, that may be missing at any hour."""
    if purchase is not Purchase.SPOT:
        return 0.0
    return LOSS_SHARES.get(interruption, UNKNOWN_LOSS_SHARE)


class Stock(Model):
    """At most so many instances of a shape can be had at a place at any hour, however they are paid for."""

    place: str
    item: str
    count: int = Field(ge=0)


Offers = Annotated[Sequence[Offer], AsRows(Offer)]
Stocks = Annotated[Sequence[Stock], AsRows(Stock)]
"""Read as a tuple of them is, and kept as columns: there may be hundreds of thousands."""


class Quota(Model):
    """How much of a kind a place has.

    Attributes:
        total: what exists or is allowed.
        used: what all live resources take, ours and others'.
        ours: the part of `used` that this environment's resources take.
        staged: the part of `ours` that is staged and not handed out.
    """

    place: str
    kind: CapacityKind
    total: float = Field(ge=0)
    used: float = Field(ge=0)
    ours: float = Field(ge=0)
    staged: float = Field(default=0, ge=0)

    @property
    def available(self) -> float:
        """What this environment may use in all: the total less what others use."""
        return max(0.0, self.total - (self.used - self.ours))


class RegionFacts(Model):
    """Where a region is, and whether it could be read (`partial` snapshots leave such regions as they are)."""

    region: RegionName
    continent: str
    fault_domain: str
    readable: bool = True


class LinkFacts(Model):
    """Two regions that circuits can join."""

    a: RegionName
    b: RegionName
    latency_ms: float = Field(ge=0)


Links = Annotated[Sequence[LinkFacts], AsRows(LinkFacts)]


class Pool(Model):
    """An address pool of a region.

    Attributes:
        cidr: the pool.
        taken: prefixes within it that live blocks occupy, ours and others', sorted.
    """

    region: RegionName
    cidr: str
    taken: tuple[str, ...] = ()


class LiveResource(Model):
    """A resource as it is now, with the state that the inventory computes (staged, held, active, ...).

    `owner` and `environment` are its tags.
    """

    resource: Resource
    state: str
    owner: str = ""


class Reading(Model):
    """When a cloud's region was read, and out of what.

    Attributes:
        read_at: when its quotas and resources were read; those of an earlier reading where this one failed; None where
            it was never read.
        prices: where its list prices come from: `live`, or the catalog that ships, with its date.
        failed: why it could not be read now; empty where it was.
    """

    region: RegionName
    read_at: AwareDatetime | None = None
    prices: str = ""
    failed: str = ""


class CapacitySnapshot(Document):
    """The live state of an environment's targets at one moment.

    `stock` names what is limited beyond quotas: a shape that is not in it is limited by quotas alone. `shapes`
    completes the catalog. `readings` are of regions in clouds. A region that could not be read is not `readable`: its
    quotas, offers and resources are those of its last reading, or there are none.
    """

    FORMAT: ClassVar[str] = "prestage/capacity"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"read_at", "readings"})

    environment: str
    target: str
    currency: str
    read_at: AwareDatetime
    regions: tuple[RegionFacts, ...]
    links: Links
    quotas: tuple[Quota, ...]
    offers: Offers
    pools: tuple[Pool, ...]
    resources: tuple[LiveResource, ...] = ()
    readings: tuple[Reading, ...] = ()
    stock: Stocks = Field(default=(), exclude_if=unsaid)
    shapes: tuple[ShapeFacts, ...] = Field(default=(), exclude_if=unsaid)
