"""`StagingSettings`: what is kept ready for requests. `AddressSettings`: what plans may do about address blocks.

Both are part of `contracts.environment.Environment`.
"""

from enum import StrEnum

from pydantic import Field

from contracts.document import Model


class StagingSettings(Model):
    """What is kept ready for requests.

    Blocks of addresses have the lengths that requests ask for; where history knows none, `block_length` at least.

    What is released stays aside for `quarantine_hours` before it is staged again: caches and peers forget an address
    only after a while.
    """

    replenish_hours: int = Field(default=24, ge=1, le=336)
    max_units_per_place: int = Field(default=12, ge=0, le=10000)
    block_length: int = Field(default=28, ge=16, le=32)
    quarantine_hours: float = Field(default=24, ge=0, le=8760)


class Advised(StrEnum):
    """What a plan does about address blocks that nobody has and that lie in the way of larger ones."""

    SHOW = "show"  # nothing: they stay where they are
    PLAN = "plan"  # moves them, as changes like any other


class AddressSettings(Model):
    """What plans may do about address blocks by themselves; what somebody has is never moved by a plan.

    Attributes:
        reserve: blocks of the largest size that is asked for that stand ready in each region whatever they cost: in a
            full pool, nothing else is sure to leave room for them.
    """

    advice: Advised = Advised.SHOW
    reserve: int = Field(default=0, ge=0, le=100)


def as_by_default(value: AddressSettings) -> bool:
    """Whether nothing is said but the default: not written then, so that earlier documents keep their digest."""
    return value == AddressSettings()
