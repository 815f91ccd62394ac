"""Block storage: EBS volumes of one class, as many as the type's largest size takes; copies of them in the partner.

EBS replicates nothing by itself: a replica is hourly snapshots that Data Lifecycle Manager copies to the partner's
region, from which volumes are made when they are needed. The default role of that service has to exist in the account.

Sizes in GiB: Amazon EBS user guide, "Amazon EBS volume types".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.document import text_digest
from contracts.resources import StorageSpec
from stacks.declaration import Argument, Declaration
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.aws.replicas import held_of, replica_site

KEPT_SNAPSHOTS = 24
SNAPSHOTS_TAG = "snapshots"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeType:
    """What a volume of one type may be.

    Attributes:
        iops_per_gib: what is provisioned with it, where the type wants that said; within `iops`.
    """

    smallest: int
    largest: int
    iops_per_gib: int = 0
    iops: tuple[int, int] = (0, 0)


VOLUME_TYPES: Mapping[str, VolumeType] = {
    "gp2": VolumeType(smallest=1, largest=16384),
    "gp3": VolumeType(smallest=1, largest=16384),
    "io1": VolumeType(smallest=4, largest=16384, iops_per_gib=3, iops=(100, 64000)),
    "io2": VolumeType(smallest=4, largest=65536, iops_per_gib=3, iops=(100, 256000)),
    "sc1": VolumeType(smallest=125, largest=16384),
    "st1": VolumeType(smallest=125, largest=16384),
}


def declare_volumes(placing: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    """The first volume under the resource's own key, further ones below it."""
    sizes = volume_sizes(spec)
    zones = placing.cloud.zones
    first = int(text_digest(placing.key())[-8:], 16)  # so that resources of one volume spread over the zones
    for number, size in enumerate(sizes):
        part = f"{number + 1:04d}" if number else ""
        zone = zones[(first + number) % len(zones)]
        yield placing.declare("aws_ebs_volume", part, {**_volume(placing, spec, part, size), "availability_zone": zone})
    partner = replica_site(placing, spec)
    if partner:
        yield placing.declare("aws_dlm_lifecycle_policy", "snapshots", _snapshots(placing, partner))


def volume_sizes(spec: StorageSpec) -> tuple[int, ...]:
    """GiB of each volume: as few as the type allows, all but the last of the largest size, none below the smallest."""
    type = VOLUME_TYPES[spec.storage_class]
    whole, rest = divmod(spec.gib, type.largest)
    return (type.largest,) * whole + ((max(rest, type.smallest),) if rest else ())


def _volume(placing: Placing, spec: StorageSpec, part: str, size: int) -> Arguments:
    type = VOLUME_TYPES[spec.storage_class]
    least, most = type.iops
    held = held_of(spec)
    if replica_site(placing, spec):
        held[SNAPSHOTS_TAG] = _snapshots_tag(placing)
    arguments: dict[str, Argument] = {
        "size": size,
        "type": spec.storage_class,
        "encrypted": True,
        "tags": placing.tags(part, **held),
    }
    if type.iops_per_gib:
        arguments["iops"] = min(max(least, size * type.iops_per_gib), most)
    return arguments


def _snapshots_tag(placing: Placing) -> str:
    return f"{placing.environment.name}/{placing.key()}"


def _snapshots(placing: Placing, partner: Placing) -> Arguments:
    role = f"arn:{placing.partition}:iam::{placing.account.id}:role/service-role/AWSDataLifecycleManagerDefaultRole"
    return {
        "description": placing.name("snapshots", limit=500),
        "execution_role_arn": role,
        "state": "ENABLED",
        "policy_details": {
            "resource_types": ("VOLUME",),
            "target_tags": {f"prestage:{SNAPSHOTS_TAG}": _snapshots_tag(placing)},
            "schedule": {
                "name": "hourly",
                "copy_tags": True,
                "create_rule": {"interval": 1, "interval_unit": "HOURS"},
                "retain_rule": {"count": KEPT_SNAPSHOTS},
                "cross_region_copy_rule": {
                    "target": partner.cloud.location,
                    "encrypted": True,
                    "copy_tags": True,
                    "retain_rule": {"interval": 1, "interval_unit": "DAYS"},
                },
            },
        },
        "tags": placing.tags("snapshots"),
    }
