"""`Comparison`: what differs between two plans, dearest difference first."""

from typing import ClassVar

from pydantic import Field

from contracts.document import Document, Model, unsaid
from contracts.plan import Requirement
from contracts.resources import Resource


class ResourceDifference(Model):
    """A resource that only one plan wants, that they want otherwise, or that costs otherwise."""

    key: str
    place: str
    before: Resource | None = None
    after: Resource | None = None
    before_usd_per_hour: float = Field(default=0, ge=0)
    after_usd_per_hour: float = Field(default=0, ge=0)

    @property
    def usd_per_hour(self) -> float:
        """What it makes of the cost; negative when it saves."""
        return self.after_usd_per_hour - self.before_usd_per_hour


class PlaceDifference(Model):
    """What all resources of a place cost in each plan, and what traffic costs that leaves it."""

    place: str
    before_usd_per_hour: float = Field(ge=0)
    after_usd_per_hour: float = Field(ge=0)


class PartnerDifference(Model):
    """Who carries a region's critical load when it is lost: shares by partner."""

    region: str
    before: dict[str, float] = Field(default={})
    after: dict[str, float] = Field(default={})


class ElsewhereDifference(Model):
    """Who serves a region's movable demand in its place: shares of that region's demand by host."""

    region: str
    before: dict[str, float] = Field(default={})
    after: dict[str, float] = Field(default={})


class RequirementDifference(Model):
    """What must hold at a place, where that differs.

    `usd_per_hour` is what the resources that differ and meet it make of the cost.
    """

    id: str
    before: Requirement | None = None
    after: Requirement | None = None
    usd_per_hour: float = 0.0


class InputDifference(Model):
    """Something that both plans were computed from and that differs: a digest, a price, a quota."""

    what: str  # `forecast`, `price fra m8 on_demand`, `quota fra vcpu`
    before: str | float | None = None
    after: str | float | None = None


class Comparison(Document):
    """What differs from one plan to another. Resources and requirements: those that weigh most first."""

    FORMAT: ClassVar[str] = "prestage/comparison"

    environment: str
    before: str  # digest of the plan
    after: str
    before_usd_per_hour: float = Field(ge=0)
    after_usd_per_hour: float = Field(ge=0)
    egress_before_usd_per_hour: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    egress_after_usd_per_hour: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    places: tuple[PlaceDifference, ...] = ()
    resources: tuple[ResourceDifference, ...] = ()
    partners: tuple[PartnerDifference, ...] = ()
    elsewhere: tuple[ElsewhereDifference, ...] = Field(default=(), exclude_if=unsaid)
    requirements: tuple[RequirementDifference, ...] = ()
    inputs: tuple[InputDifference, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is any difference; when a plan was made is none."""
        return self.wants_differ or bool(self.inputs)

    @property
    def wants_differ(self) -> bool:
        """Whether the plans themselves differ, whatever they rest on."""
        return bool(self.places or self.resources or self.partners or self.elsewhere or self.requirements)
