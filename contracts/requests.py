"""Requests that the coordinator answers, and its `Decision`s."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.names import RegionName


class Requirements(Model):
    """What a request needs. Zero: none of it. `prefix_length` 0: no addresses."""

    vcpu: float = Field(default=0, ge=0)
    memory_gib: float = Field(default=0, ge=0)
    storage_gib: float = Field(default=0, ge=0)
    gbps: float = Field(default=0, ge=0)
    prefix_length: int = Field(default=0, ge=0, le=32)


class PeeringRequest(Document):
    """A customer asks for two regions to be joined, with resources in the destination."""

    FORMAT: ClassVar[str] = "prestage/peering-request"

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    customer: str
    source: RegionName
    destination: RegionName
    requirements: Requirements
    duration_hours: float = Field(gt=0)
    priority: int = Field(default=0, ge=0, le=9)  # 9 is first


class AddressRequest(Document):
    """A customer asks for an address block of a region."""

    FORMAT: ClassVar[str] = "prestage/address-request"

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    customer: str
    region: RegionName
    prefix_length: int = Field(ge=8, le=32)
    bid_usd_per_hour: float = Field(default=0, ge=0)  # per address
    expected_gbps: float = Field(default=0, ge=0)
    horizon_hours: int = Field(default=24, ge=1, le=336)
    duration_hours: float = Field(default=24, gt=0)
    priority: int = Field(default=0, ge=0, le=9)


class Outcome(StrEnum):
    """How a request ended."""

    STAGED = "staged"  # met from staged units
    ON_DEMAND = "on_demand"  # a peering met by a small plan of its own
    POOL = "pool"  # addresses met from the region's pool
    REFUSED = "refused"


class Latency(StrEnum):
    """What the requester is told of the speed of setting up."""

    LOW = "low"
    MEDIUM = "medium"


class ScorePart(Model):
    """One part of an allocation score: name, its value 0 to 1, its weight, and the numbers behind it in words."""

    name: str
    value: float = Field(ge=0, le=1)
    weight: float = Field(ge=0)
    why: str


class Missing(Model):
    """What a refused request lacks, in numbers."""

    kind: str  # a CapacityKind, `score`, `policy`, `link`
    place: str
    wanted: float
    available: float
    why: str = ""


class Decision(Document):
    """The answer to one request. The same request id always gets the same decision."""

    FORMAT: ClassVar[str] = "prestage/decision"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"decided_at", "ms"})

    request: str  # id
    kind: str  # peering | address
    customer: str
    outcome: Outcome
    latency: Latency | None = None
    grant: str | None = None  # grant id
    units: tuple[str, ...] = ()  # keys of the resources handed out
    prefixes: tuple[str, ...] = ()
    score: float | None = None
    score_parts: tuple[ScorePart, ...] = ()
    missing: tuple[Missing, ...] = ()
    until: AwareDatetime | None = None
    decided_at: AwareDatetime
    ms: float = Field(ge=0)
