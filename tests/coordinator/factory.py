"""Units, requests and clocks for tests of the coordinator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.requests import PeeringRequest, Requirements
from contracts.resources import ResourceKind
from coordinator.ledger.units import Size, Unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Hands:
    """A clock whose hands are moved by tests."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, hours: float) -> None:
        self.now += timedelta(hours=hours)


def compute(number: int, place: str = "fra", vcpu: int = 4, memory_gib: int = 16) -> Unit:
    key = f"{place}/compute/staged/s{vcpu}/{number:04d}"
    size = Size(vcpu=vcpu, memory_gib=memory_gib)
    return Unit(key=key, kind=ResourceKind.COMPUTE, place=place, root=place, size=size)


def volume(number: int, place: str = "fra", gib: int = 100) -> Unit:
    key = f"{place}/storage/staged/standard/{number:04d}"
    return Unit(key=key, kind=ResourceKind.STORAGE, place=place, root=place, size=Size(gib=gib))


def circuit(number: int, place: str = "ams--fra", gbps: int = 1) -> Unit:
    key = f"{place}/circuit/staged/{gbps}g/{number:04d}"
    return Unit(key=key, kind=ResourceKind.CIRCUIT, place=place, root="links", size=Size(gbps=gbps))


def block(prefix: str, place: str = "fra") -> Unit:
    length = int(prefix.partition("/")[2])
    key = f"{place}/block/staged/{prefix.replace('/', '-')}"
    size = Size(prefix_length=length)
    return Unit(key=key, kind=ResourceKind.BLOCK, place=place, root=place, size=size, prefix=prefix)


def peering(identity: str = "r1", **changes: object) -> PeeringRequest:
    fields: dict[str, object] = {
        "id": identity,
        "customer": "acme",
        "source": "ams",
        "destination": "fra",
        "requirements": Requirements(vcpu=4, memory_gib=8, storage_gib=50, gbps=1, prefix_length=28),
        "duration_hours": 2,
    }
    return PeeringRequest.model_validate({**fields, **changes})
