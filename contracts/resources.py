"""Resources: what a plan wants to exist, in words that no cloud owns.

A `Resource` has a key (unique in its environment), a place (a region or a link), a purpose and a spec. The spec is
what is declared to an engine. The purpose tells people and the ledger why it is there and is never declared, so that
handing a staged unit out changes no declaration.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from contracts.document import Model, unsaid
from contracts.names import RegionName, is_link


class ResourceKind(StrEnum):
    """Kinds of resources, in the order in which they can be created."""

    NETWORK = "network"
    BLOCK = "block"
    COMPUTE = "compute"
    STORAGE = "storage"
    CIRCUIT = "circuit"
    LINK = "link"
    FAILOVER = "failover"
    ALERT = "alert"


class Purpose(StrEnum):
    """Why a resource is there."""

    SERVING = "serving"  # meets forecast demand
    FAILOVER = "failover"  # stands by for another region
    STAGED = "staged"  # a unit that requests are answered from: free to grant
    GRANTED = "granted"  # a unit that the ledger says is held or active
    SUPPORT = "support"  # network, link, alert: what the others need


class Purchase(StrEnum):
    """How compute is paid for."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    COMMITTED = "committed"


class NetworkSpec(Model):
    """The network of a region."""

    kind: Literal[ResourceKind.NETWORK] = ResourceKind.NETWORK
    asn: int = Field(ge=1, le=4294967294)


class BlockSpec(Model):
    """An address block of a region: `prefix` lies within `pool`, both CIDR."""

    kind: Literal[ResourceKind.BLOCK] = ResourceKind.BLOCK
    prefix: str
    pool: str


HOURS_A_DAY = 24


class ComputeSpec(Model):
    """`count` host shares of one shape; fewer at some hours of the day, where it is scaled by a schedule.

    Attributes:
        count: how many, at the hour that has most.
        by_hour: how many at each hour of the day in UTC, 0 to 23, every day alike; empty where always `count`. What is
            committed is paid for around the clock, and always `count`.
    """

    kind: Literal[ResourceKind.COMPUTE] = ResourceKind.COMPUTE
    shape: str
    count: int = Field(ge=1)
    purchase: Purchase = Purchase.ON_DEMAND
    by_hour: tuple[NonNegativeInt, ...] = Field(default=(), max_length=HOURS_A_DAY, exclude_if=unsaid)

    @property
    def mean_count(self) -> float:
        """How many on average over a day: what is paid for."""
        return sum(self.by_hour) / HOURS_A_DAY if self.by_hour else float(self.count)

    def count_at(self, hour: int | None) -> int:
        """How many at an hour of the day in UTC; without one, how many there are at every hour."""
        if not self.by_hour:
            return self.count
        return min(self.by_hour) if hour is None else self.by_hour[hour]

    @model_validator(mode="after")
    def _whole_day(self) -> Self:
        if not self.by_hour:
            return self
        if len(self.by_hour) != HOURS_A_DAY:
            raise ValueError(f"by_hour has {len(self.by_hour)} counts; a day has {HOURS_A_DAY} hours")
        if max(self.by_hour) != self.count:
            raise ValueError(f"count is {self.count}, and the hour that has most has {max(self.by_hour)}")
        if min(self.by_hour) == self.count:
            raise ValueError("by_hour never varies: leave it out")
        if self.purchase is Purchase.COMMITTED:
            raise ValueError("what is committed cannot vary by hour")
        return self


class StorageSpec(Model):
    """A volume; with a replica in another region where one is named.

    Attributes:
        iops, throughput_mibps: of all of it, where it is paid for beyond what the class gives by itself; 0: what the
            class gives. A replica has what its class gives, until it is needed.
        volumes: how many it is spread over; 0: as few as the class allows.
        copied: its replica is a copy beside it, where the class could have both in one: what it is was made without it.
    """

    kind: Literal[ResourceKind.STORAGE] = ResourceKind.STORAGE
    storage_class: str
    gib: int = Field(ge=1)
    replica_region: RegionName | None = None
    iops: int = Field(default=0, ge=0, exclude_if=unsaid)
    throughput_mibps: int = Field(default=0, ge=0, exclude_if=unsaid)
    volumes: int = Field(default=0, ge=0, exclude_if=unsaid)
    copied: bool = Field(default=False, exclude_if=unsaid)


class CircuitSpec(Model):
    """Bandwidth reserved between two regions: `count` circuits of one tier."""

    kind: Literal[ResourceKind.CIRCUIT] = ResourceKind.CIRCUIT
    tier: str
    gbps: int = Field(ge=1)  # of one circuit
    count: int = Field(ge=1)


class LinkSpec(Model):
    """The peering of two regions' networks, routes both ways."""

    kind: Literal[ResourceKind.LINK] = ResourceKind.LINK


class FailoverSpec(Model):
    """`share` of a region's critical load goes to `partner` when the region is lost."""

    kind: Literal[ResourceKind.FAILOVER] = ResourceKind.FAILOVER
    partner: RegionName
    share: float = Field(gt=0, le=1)


class AlertSpec(Model):
    """Raises an alert when `metric` (a `CapacityKind`) is used above `threshold` of its total (0 to 1)."""

    kind: Literal[ResourceKind.ALERT] = ResourceKind.ALERT
    metric: str
    threshold: float = Field(gt=0, le=1)


Spec = Annotated[
    NetworkSpec | BlockSpec | ComputeSpec | StorageSpec | CircuitSpec | LinkSpec | FailoverSpec | AlertSpec,
    Field(discriminator="kind"),
]


class Resource(Model):
    """One thing that is wanted or exists.

    Attributes:
        key: unique in the environment, e.g. `fra/compute/serving/m8` or `ams--fra/circuit/staged/10g/0001`.
        place: a region or a link.
        root: the Terraform root or Pulumi stack layer it lives in: the region, `links`, or `ondemand-<request>`.
    """

    key: str = Field(min_length=3, max_length=200)
    place: str
    root: str
    purpose: Purpose
    spec: Spec

    @property
    def kind(self) -> ResourceKind:
        return self.spec.kind


LINKS_ROOT = "links"
ON_DEMAND_PREFIX = "ondemand-"


def root_of(place: str) -> str:
    """The root where a resource of a place lives by default: the region's own, or that of all links."""
    return LINKS_ROOT if is_link(place) else place
