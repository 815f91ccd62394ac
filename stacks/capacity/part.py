"""What one target, or one region of a cloud, says of its capacity; and what a cloud's region is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from contracts.accounts import Account, CloudRegion
from contracts.capacity import (
    CapacityKind,
    Catalog,
    LinkFacts,
    LiveResource,
    Offer,
    Pool,
    Quota,
    Reading,
    RegionFacts,
    ShapeFacts,
    Stock,
)
from contracts.document import Model

LIVE = "live"
PRICES_HOLD = timedelta(hours=24)
"""List prices change a few times a year, and reading them all takes many calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPart:
    """A part of a `CapacitySnapshot`: see there."""

    regions: tuple[RegionFacts, ...] = ()
    links: Sequence[LinkFacts] = ()
    quotas: tuple[Quota, ...] = ()
    offers: Sequence[Offer] = ()
    pools: tuple[Pool, ...] = ()
    resources: tuple[LiveResource, ...] = ()
    readings: tuple[Reading, ...] = ()
    stock: Sequence[Stock] = ()
    shapes: tuple[ShapeFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A region of a cloud that is to be read.

    Attributes:
        environment: whose tags are ours.
        catalog: only its items are asked for.
        resources: what lives in the whole environment, as its tags say: what of a quota's use is ours.
    """

    region: str
    cloud: CloudRegion
    account: Account
    environment: str
    catalog: Catalog
    resources: tuple[LiveResource, ...] = ()

    @property
    def shapes(self) -> tuple[str, ...]:
        """Names of the catalog's shapes: those that are none of this cloud's are offered nowhere in it."""
        return tuple(shape.name for shape in self.catalog.shapes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A quota of an account in a region, for some items of the catalog.

    Attributes:
        name: as the cloud calls it: `N2_CPUS`.
        items: what counts against it.
        total: how much may be used.
        others: how much is used that is not this environment's.
    """

    name: str
    kind: CapacityKind
    items: frozenset[str]
    total: float
    others: float = 0.0

    @property
    def available(self) -> float:
        """What is left for this environment."""
        return max(0.0, self.total - self.others)


class Prices(Model):
    """List prices as a price API says them: USD per hour of a shape, of a GiB. What it did not say is not there.

    Attributes:
        source: `live`, or what takes the place of the API's answer.
        read_at: when they were read; None where they were not.
    """

    on_demand: dict[str, float] = Field(default={})
    spot: dict[str, float] = Field(default={})
    storage: dict[str, float] = Field(default={})
    source: str
    read_at: AwareDatetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether they are young enough not to be read again."""
        return self.read_at is not None and now - self.read_at < PRICES_HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a cloud says of one region.

    Attributes:
        limits: quotas on shapes and classes of storage.
        offered: names of the shapes that all of the region's zones have.
        spot: USD per hour by shape where there is a market; it outweighs list prices.
        taken: prefixes within the region's pools that others, or our own network, occupy.
        shapes: what the cloud says of those that are offered.
    """

    limits: tuple[Limit, ...]
    offered: frozenset[str]
    prices: Prices
    spot: Mapping[str, float] = field(default_factory=dict)
    taken: tuple[str, ...] = ()
    shapes: tuple[ShapeFacts, ...] = ()
