"""`DriftReport`: what is live, against what was applied last and what is wanted."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from contracts.document import Document, Model


class DriftClass(StrEnum):
    """What a difference means."""

    EXPECTED = "expected"  # a grant of the ledger, a provider's own transition
    FOREIGN = "foreign"  # ours by tag, but no plan and no ledger knows it
    BENIGN = "benign"  # changed from outside, towards what is wanted, or without effect on demand
    HARMFUL = "harmful"  # changed or removed from outside, against what is wanted
    UNKNOWN = "unknown"


class Difference(Model):
    """One attribute of one resource in three views. `field` is `*` when the whole resource is there or is not.

    `by` is who may have done it, where an audit trail tells: identity, event and time; empty where none does.
    """

    key: str
    place: str
    field: str
    last_applied: str | None
    live: str | None
    wanted: str | None
    drift_class: DriftClass
    why: str
    by: str = ""


class DriftReport(Document):
    """All differences of an environment."""

    FORMAT: ClassVar[str] = "prestage/drift"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"read_at"})

    environment: str
    read_at: AwareDatetime
    differences: tuple[Difference, ...] = ()

    @property
    def found(self) -> tuple[Difference, ...]:
        """What is drift: everything that is not expected."""
        return tuple(item for item in self.differences if item.drift_class is not DriftClass.EXPECTED)

    @property
    def expected(self) -> tuple[Difference, ...]:
        return tuple(item for item in self.differences if item.drift_class is DriftClass.EXPECTED)
