"""Views of the ledger that other rooms read: units with their states, and events for the forecaster."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.resources import ResourceKind


class UnitState(StrEnum):
    """States of a unit that the coordinator hands out."""

    FREE = "free"  # known, not provisioned
    STAGED = "staged"  # provisioned, ready to be handed out
    HELD = "held"  # reserved for a customer until a time
    ACTIVE = "active"  # handed out
    QUARANTINED = "quarantined"  # released, kept aside before it is staged again


class UnitView(Model):
    """One unit: the key of its resource, where it is, its state, who has it and until when."""

    key: str
    kind: ResourceKind
    place: str
    root: str
    state: UnitState
    holder: str | None = None
    grant: str | None = None
    until: AwareDatetime | None = None


class LedgerView(Document):
    """All units of an environment at one revision of its ledger."""

    FORMAT: ClassVar[str] = "prestage/ledger-view"

    environment: str
    revision: int = Field(ge=0)
    units: tuple[UnitView, ...] = ()


class AddressRecord(Model):
    """An address request that was answered, as the forecaster learns from it. `prefix` is what was handed out."""

    at: AwareDatetime
    region: str
    prefix_length: int = Field(ge=0, le=32)
    prefix: str = ""
    duration_hours: float = Field(default=0, ge=0)
    outcome: str = ""


class RequestRecord(Model):
    """A request that was answered, as the forecaster learns from it."""

    at: AwareDatetime
    source: str
    destination: str
    vcpu: float = Field(default=0, ge=0)
    memory_gib: float = Field(default=0, ge=0)
    storage_gib: float = Field(default=0, ge=0)
    gbps: float = Field(default=0, ge=0)
    addresses: int = Field(default=0, ge=0)
    duration_hours: float = Field(default=0, ge=0)
    outcome: str = ""
