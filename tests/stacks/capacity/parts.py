"""What the tests of both clouds ask of a region and of its part of a snapshot."""

from contracts.accounts import CloudRegion
from contracts.capacity import CapacityKind, Quota
from stacks.capacity.part import CapacityPart


def lying(region: str, account: str, location: str, zones: tuple[str, ...], pool: str, **more: object) -> CloudRegion:
    """Where a region lies."""
    said = {"account": account, "location": location, "zones": zones, "pools": (pool,), "fault_domain": region}
    return CloudRegion.model_validate({**said, "continent": "europe", **more})


def quota(part: CapacityPart, kind: CapacityKind) -> Quota:
    """The one quota of a kind."""
    return next(item for item in part.quotas if item.kind is kind)
