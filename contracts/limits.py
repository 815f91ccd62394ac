"""What people allow: the numbers of the policy rules, of plans without approval, of staleness and age, and freezes.

Part of `contracts.environment.Environment`.
"""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from contracts.document import Model, unsaid
from contracts.names import RegionName


class Level(StrEnum):
    """What a policy finding does."""

    ADVISORY = "advisory"  # told
    OVERRIDABLE = "overridable"  # denies unless an exemption covers it
    MANDATORY = "mandatory"  # denies


class Rules(Model):
    """Numbers and levels of the policy rules. A level by rule code overrides the rule's own."""

    budget_usd_per_hour: float | None = Field(default=None, gt=0)
    headroom_quantile: float = Field(default=0.9, gt=0, lt=1)
    change_ceiling_share: float = Field(default=0.5, gt=0)  # of what exists; a first plan has no ceiling
    change_ceiling_minimum: int = Field(default=50, ge=0)  # fewer changes than this are never too many
    defer_changes: bool = Field(default=False, exclude_if=unsaid)  # above the ceiling, what only saves waits
    calm: bool = Field(default=True, exclude_if=bool)  # false: nothing stays because it was planned, or is live
    max_pool_utilisation: float = Field(default=0.9, gt=0, le=1)
    allowed_regions: dict[str, tuple[RegionName, ...]] = Field(default={})  # customer or service -> regions
    levels: dict[str, Level] = Field(default={})
    exemptions: str | None = None  # file

    def change_ceiling(self, existing: int) -> int:
        """How many changes a plan may make where so many resources exist."""
        return max(self.change_ceiling_minimum, int(existing * self.change_ceiling_share))


class Unattended(Model):
    """Limits within which a small plan (on demand, reconcile) is applied without a person's approval."""

    max_changes: int = Field(default=20, ge=0)
    max_usd_per_hour: float = Field(default=25.0, ge=0)
    max_destroyed: int = Field(default=0, ge=0)  # deleted or replaced; more needs its count confirmed by a person
    priority_may_take_held: bool = False


class Tolerance(Model):
    """How far a price or a quota that a plan relies on may have moved before the plan is stale (shares)."""

    price_share: float = Field(default=0.05, ge=0)
    quota_share: float = Field(default=0.05, ge=0)


class CapacitySettings(Model):
    """How old what is read of capacity may be when a plan is made of it: a snapshot, or one region's part of it."""

    max_age_minutes: int = Field(default=1440, ge=1)


def a_day(value: CapacitySettings) -> bool:
    """Whether nothing is said but the default: not written then, so that earlier documents keep their digest."""
    return value == CapacitySettings()


class Freeze(Model):
    """Nothing is applied from `start` until `end`."""

    start: AwareDatetime
    end: AwareDatetime
    reason: str
