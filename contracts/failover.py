"""`FailoverSettings`: what is carried when a region is lost, out of what, and where it may be.

Part of `contracts.environment.Environment`.
"""

from enum import StrEnum

from pydantic import Field

from contracts.document import Model


class Reserve(StrEnum):
    """Out of what a region carries the load of another that is lost."""

    DEDICATED = "dedicated"  # what stands by for nothing else: all load goes on
    SHARED = "shared"  # what serves load that is not critical, and what little is missing beyond: that load gives way


def dedicated(value: Reserve) -> bool:
    """Whether nothing is said but the default: not written then, so that earlier documents keep their digest."""
    return value is Reserve.DEDICATED


class ResidencyOf(StrEnum):
    """Who says where a region's load may be carried when it is lost."""

    REGIONS = "regions"  # `regions[].residency`
    HOLDERS = "holders"  # and customers and services whose things are there: `rules.allowed_regions`


def _by_regions(value: ResidencyOf) -> bool:
    return value is ResidencyOf.REGIONS


class Survive(StrEnum):
    """What may be lost at once without critical load being lost."""

    REGION = "region"
    DOMAIN = "domain"  # all regions of one fault domain


def _one_region(value: Survive) -> bool:
    return value is Survive.REGION


class FailoverSettings(Model):
    """What is carried when a region is lost.

    Attributes:
        reserve: `shared` costs far less, and takes two partners or more for each region; it plans compute by hour and
            purchase, circuits and shares together (docs/planning-model.md).
        max_partners: of one region; where the reserve is shared, only if it is stated, and 2 or more.
        survive: what a region holds for others is the largest of what one lost region asks of it, or of what all
            regions of one fault domain ask together.
        residency: whose words partners keep to.
    """

    reserve: Reserve = Field(default=Reserve.DEDICATED, exclude_if=dedicated)
    critical_share: float = Field(default=0.4, ge=0, le=1)
    max_latency_ms: float = Field(default=120.0, gt=0)
    max_partners: int = Field(default=2, ge=1, le=64)
    survive: Survive = Field(default=Survive.REGION, exclude_if=_one_region)
    residency: ResidencyOf = Field(default=ResidencyOf.REGIONS, exclude_if=_by_regions)

    @property
    def shared_partners(self) -> int | None:
        """The most partners of a region where the reserve is shared: what was stated; else any number."""
        return self.max_partners if "max_partners" in self.model_fields_set else None
