"""`Customers`: what customers say that they will use. One YAML file, `environments/<environment>.customers.yaml`."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from contracts.document import Document, Model
from contracts.series import SeriesKind


class ServiceLevel(StrEnum):
    """What a customer was promised."""

    BEST_EFFORT = "best_effort"
    STANDARD = "standard"
    CRITICAL = "critical"


class AnticipatedUse(Model):
    """Use of one series from `start` until `end` (the customer's own where they are left out).

    Attributes:
        kind, subject: the series: `traffic`, `fra->ams`; `cpu`, `fra`; `transactions`, `web@fra`.
        value: mean use over the window, 0 or more.
        unit: of the value, as people write it: `gbps`, `Mbps`, `vcpu`, `GiB`, `count/h`.
    """

    kind: SeriesKind
    subject: str = Field(min_length=1)
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    value: float = Field(ge=0)
    unit: str = Field(min_length=1)


class CustomerProfile(Model):
    """One customer.

    Attributes:
        start, end: when use begins and ends; None: it goes on.
        known_at: when the customer said so; a back-test at an earlier cutoff does not see it.
        confidence: how much the profile is trusted, 0 (not at all) to 1 (history never outweighs it). At 0.5 it weighs
            as much as one week of history.
    """

    name: str = Field(min_length=1)
    service_level: ServiceLevel = ServiceLevel.STANDARD
    start: AwareDatetime
    end: AwareDatetime | None = None
    known_at: AwareDatetime
    confidence: float = Field(default=0.5, ge=0, le=1)
    use: tuple[AnticipatedUse, ...] = Field(min_length=1)

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        """Raises ValueError where use ends before it begins."""
        _check_window(info.data.get("start"), end)
        return end

    @field_validator("use")
    @classmethod
    def _each_after_its_start(cls, use: tuple[AnticipatedUse, ...], info: ValidationInfo) -> tuple[AnticipatedUse, ...]:
        """Raises ValueError where a use's window, the customer's own where it has none, ends before it begins."""
        for one in use:
            start, end = one.start or info.data.get("start"), one.end or info.data.get("end")
            _check_window(start, end, f"{one.kind.value} of {one.subject}: ")
        return use


class Customers(Document):
    """All profiles of an environment."""

    FORMAT: ClassVar[str] = "prestage/customers"

    customers: tuple[CustomerProfile, ...] = ()

    def known_by(self, moment: AwareDatetime) -> "Customers":
        """The profiles that were known at a moment."""
        return Customers(customers=tuple(one for one in self.customers if one.known_at <= moment))


def _check_window(start: datetime | None, end: datetime | None, whose: str = "") -> None:
    if start and end and end <= start:
        raise ValueError(f"{whose}end {end:%Y-%m-%dT%H:%M} is not after start {start:%Y-%m-%dT%H:%M}")
