"""`FailoverSettings`: what is carried when a region is lost, out of what, and where it may be.

Part of `contracts.environment.Environment`.
"""

from enum import StrEnum

from pydantic import Field, model_validator

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


DEDICATED_PARTNERS = 2
"""Partners of a region at most where the reserve is dedicated and nothing is said: each more makes operation harder."""


def _any_number(value: int | None) -> bool:
    return value is None


class FailoverSettings(Model):
    """What is carried when a region is lost.

    Attributes:
        reserve: `shared` costs far less, and takes two partners or more for each region; it plans compute by hour and
            purchase, circuits and shares together (docs/planning-model.md).
        max_partners: of one region. Where nothing is said: `DEDICATED_PARTNERS` where the reserve is dedicated; any
            number where it is shared, which takes 2 or more.
        survive: what a region holds for others is the largest of what one lost region asks of it, or of what all
            regions of one fault domain ask together.
        residency: whose words partners keep to.
    """

    reserve: Reserve = Field(default=Reserve.DEDICATED, exclude_if=dedicated)
    critical_share: float = Field(default=0.4, ge=0, le=1)
    max_latency_ms: float = Field(default=120.0, gt=0)
    max_partners: int | None = Field(default=None, ge=1, le=64, exclude_if=_any_number)
    survive: Survive = Field(default=Survive.REGION, exclude_if=_one_region)
    residency: ResidencyOf = Field(default=ResidencyOf.REGIONS, exclude_if=_by_regions)

    @model_validator(mode="before")
    @classmethod
    def _as_dedicated(cls, said: object) -> object:
        """Says the number that holds where none was said: what plans differ by, documents tell apart."""
        if not isinstance(said, dict) or said.get("max_partners") is not None:
            return said
        is_dedicated = said.get("reserve", Reserve.DEDICATED) == Reserve.DEDICATED
        return {**said, "max_partners": DEDICATED_PARTNERS} if is_dedicated else said

    @property
    def dedicated_partners(self) -> int:
        """The most partners of a region where the reserve is dedicated."""
        return DEDICATED_PARTNERS if self.max_partners is None else self.max_partners

    @property
    def shared_partners(self) -> int | None:
        """The most partners of a region where the reserve is shared: what was stated; else any number."""
        return self.max_partners
