"""Demand served in another region than the one where it is forecast: what people allow, and what a plan says of it.

The first half is part of `contracts.environment.Environment`, the second of `contracts.plan.Plan`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from contracts.capacity import CapacityKind
from contracts.document import Model, unsaid
from contracts.names import RegionName

SERVED_IN, DEMAND_OF, ANOTHER_HOUR = "served in ", "movable demand of ", "at another hour"
"""Begin the parts of a requirement that say what is served elsewhere (at most 0), what of others is served here, and
the part for the hour in which all of it together needs most, when that is not the region's own (at most 0)."""

CARRIED_FOR = "to serve movable demand of "
"""Begins the part of a link's requirement, or of storage, that comes with demand from elsewhere."""


def served_elsewhere(parts: Mapping[str, float]) -> float:
    """What placement makes of a requirement: less where demand is served elsewhere, more where it comes from there."""
    return sum(amount for name, amount in parts.items() if is_of_placement(name))


def is_of_placement(part: str) -> bool:
    """Whether a part of a requirement is there because demand is served elsewhere than where it is forecast."""
    return part == ANOTHER_HOUR or part.startswith((SERVED_IN, DEMAND_OF, CARRIED_FOR))


class RegionPlacement(Model):
    """What one region says in place of the environment's `placement`; what is left out is as there."""

    movable: float | None = Field(default=None, ge=0, le=1)
    max_latency_ms: float | None = Field(default=None, gt=0)


class PlacementSettings(Model):
    """Which demand may be served in a cheaper region than the one where it is forecast. None of it by default.

    Attributes:
        movable: share of what a region serves that is not bound to the place: batch, training, back office.
        max_latency_ms: round trip between the region and the one that serves it.
        saves_share: a move has to save so much of what the demand that moves costs at home; so has one back.
        gbps_per_vcpu: what each vCPU that moves brings over the links between both, in either direction.
        storage_gib_per_vcpu: what it needs where it is served, besides what stays at home.
    """

    movable: float = Field(default=0.0, ge=0, le=1)
    max_latency_ms: float = Field(default=40.0, gt=0)
    saves_share: float = Field(default=0.05, ge=0, le=1)
    gbps_per_vcpu: float = Field(default=0.0, ge=0)
    storage_gib_per_vcpu: float = Field(default=0.0, ge=0)


def nothing_moves(value: PlacementSettings) -> bool:
    """Whether nothing is said but the default: not written then, so that earlier documents keep their digest."""
    return value == PlacementSettings()


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """The share of a region's demand, of all kinds that instances give alike, that another region serves."""

    region: str
    host: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundUse:
    """What a customer who is promised the most (`service_level: critical`) announced of a region: it stays there.

    Attributes:
        value: mean use, in vCPUs or GiB.
    """

    customer: str
    region: str
    kind: CapacityKind
    value: float
    start: datetime
    end: datetime | None


class HostRefusal(StrEnum):
    """Why a region does not serve another's movable demand, or no more of it."""

    RESIDENCY = "residency"  # what is there may not be served there
    LATENCY = "latency"
    CUSTOMER = "customer"  # someone whose things are there does not allow it
    LEFT_AS_IT_IS = "left_as_it_is"  # paused or not read, or one of both is carried by a region that is not read
    CARRIED_LESS = "carried_less"  # less of its load is carried when it is lost
    QUOTA = "quota"
    DEARER = "dearer"
    NOT_WORTH_IT = "not_worth_it"  # cheaper by the unit, but the plan as a whole saves less than the margin


class RefusedHost(Model):
    """A region that does not serve another's movable demand: why, the number and its limit.

    Attributes:
        usd_per_vcpu_hour: what a vCPU of that demand would cost there, its memory and all that comes with it included.
        who: the customer or service, where it is one that forbids it.
    """

    region: RegionName
    why: HostRefusal
    usd_per_vcpu_hour: float | None = Field(default=None, ge=0)
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    who: str = Field(default="", exclude_if=unsaid)


class Host(Model):
    """A region that serves a share of another's demand.

    Attributes:
        share: of the demand of the region where it is forecast.
        vcpu, memory_gib: what that is in its own worst hour, at the quantile that the host is sized at.
        usd_per_vcpu_hour: of one vCPU with its memory and all that comes with it.
        gbps, storage_gib: what comes with it.
    """

    region: RegionName
    share: float = Field(gt=0, le=1)
    vcpu: float = Field(ge=0)
    memory_gib: float = Field(ge=0)
    usd_per_vcpu_hour: float = Field(ge=0)
    latency_ms: float = Field(ge=0)
    gbps: float = Field(default=0.0, ge=0)
    storage_gib: float = Field(default=0.0, ge=0)


class RegionPreference(Model):
    """Where one region's movable demand is served, and where it is not, and why.

    Attributes:
        movable: share of its demand that may be served elsewhere, what bound customers use left out.
        bound: customers whose use stays, by the share of its demand that is theirs.
        usd_per_vcpu_hour: at home, of one vCPU with its memory; None where none is sold.
        refused: cheaper regions that do not serve it, or no more of it, and the next best one, the cheapest first.
    """

    region: RegionName
    movable: float = Field(ge=0, le=1)
    max_latency_ms: float = Field(gt=0)
    usd_per_vcpu_hour: float | None = Field(ge=0)
    bound: dict[str, float] = Field(default={}, exclude_if=unsaid)
    hosts: tuple[Host, ...] = ()
    refused: tuple[RefusedHost, ...] = ()


class Preference(Model):
    """What a plan says of demand that may be served elsewhere.

    Attributes:
        at_home_usd_per_hour: what the plan would cost with all of it at home; None where there would be no plan.
        told: what kept it from being decided, where something did.
    """

    at_home_usd_per_hour: float | None = Field(default=None, ge=0)
    regions: tuple[RegionPreference, ...] = ()
    told: str = Field(default="", exclude_if=unsaid)

    @property
    def moves(self) -> tuple[Move, ...]:
        """Everything that is served elsewhere, by region and host."""
        found = (Move(item.region, host.region, host.share) for item in self.regions for host in item.hosts)
        return tuple(sorted(found))
