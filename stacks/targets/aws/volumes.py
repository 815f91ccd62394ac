"""Block storage: EBS volumes of one class, as many as the type's largest size takes; copies of them in the partner.

EBS replicates nothing by itself: a replica is hourly snapshots that Data Lifecycle Manager copies to the partner's
region, from which volumes are made when they are needed. The default role of that service has to exist in the account.

IOPS and throughput that are provisioned are divided between the volumes, which are then of one size. Where none are
bought, what comes with the type is declared: left out, what was bought before would stay, and be paid for. A volume
stays in the zone that it is in, however zones are listed: in another one it would be made anew, and empty.

Sizes in GiB, IOPS and MiB per second: Amazon EBS user guide, "Amazon EBS volume types".
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from contracts.document import text_digest
from contracts.in_place import EBS_GIB, ebs_sizes
from contracts.resources import StorageSpec
from stacks.declaration import Argument, Declaration, Lifecycle
from stacks.errors import InvalidArgument
from stacks.targets.adopted import is_adopted
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.aws.replicas import held_of, replica_site

KEPT_SNAPSHOTS = 24
SNAPSHOTS_TAG = "snapshots"
STAYS = Lifecycle(ignore=("availability_zone",))


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeType:
    """What a volume of one type may be.

    Attributes:
        iops_per_gib: what is provisioned with it, where the type wants that said; within `iops`.
        iops: the least and most that can be provisioned; none where it cannot.
        throughput: the least MiB per second that can be; none where it cannot.
    """

    iops_per_gib: int = 0
    iops: tuple[int, int] = (0, 0)
    throughput: int = 0


VOLUME_TYPES: Mapping[str, VolumeType] = {
    **dict.fromkeys(EBS_GIB, VolumeType()),
    "gp3": VolumeType(iops=(3000, 16000), throughput=125),
    "io1": VolumeType(iops_per_gib=3, iops=(100, 64000)),
    "io2": VolumeType(iops_per_gib=3, iops=(100, 256000)),
}


def declare_volumes(placing: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    """The first volume under the resource's own key, further ones below it.

    Raises:
        InvalidArgument: what is provisioned cannot be, of volumes of this type.
    """
    _check(placing, spec)
    sizes = ebs_sizes(spec)
    zones = placing.cloud.zones
    first = int(text_digest(placing.key())[-8:], 16)  # so that resources of one volume spread over the zones
    for number, size in enumerate(sizes):
        part = f"{number + 1:04d}" if number else ""
        zone = zones[(first + number) % len(zones)]
        made = placing.declare(
            "aws_ebs_volume", part, {**_volume(placing, spec, part, size), "availability_zone": zone}
        )
        yield replace(made, lifecycle=STAYS)
    partner = replica_site(placing, spec)
    if partner:
        yield placing.declare("aws_dlm_lifecycle_policy", "snapshots", _snapshots(placing, partner))


def volume_iops(spec: StorageSpec, size: int) -> int:
    """What is provisioned with one of a spec's volumes, bought or not; 0 where the type has nothing to provision."""
    type = VOLUME_TYPES[spec.storage_class]
    least, most = type.iops
    if spec.iops:
        return max(least, math.ceil(spec.iops / len(ebs_sizes(spec))))
    return min(max(least, size * type.iops_per_gib), most)


def volume_throughput(spec: StorageSpec) -> int:
    """MiB per second provisioned with one of a spec's volumes, likewise."""
    least = VOLUME_TYPES[spec.storage_class].throughput
    return max(least, math.ceil(spec.throughput_mibps / len(ebs_sizes(spec))))


def _check(placing: Placing, spec: StorageSpec) -> None:
    type = VOLUME_TYPES[spec.storage_class]
    refused = [
        what
        for what, asked, sold in (
            ("IOPS", spec.iops, type.iops[1]),
            ("throughput", spec.throughput_mibps, type.throughput),
        )
        if asked and not sold
    ]
    if refused:
        raise InvalidArgument(
            f"{' and '.join(refused)} of {spec.storage_class} cannot be provisioned",
            where=placing.key(),
            expected=f"none, or a class such as {'gp3' if spec.throughput_mibps else 'gp3, io1 or io2'}",
            next_step=f"take the price of it ({spec.storage_class}-iops, -mibps) out, and plan again",
        )


def _volume(placing: Placing, spec: StorageSpec, part: str, size: int) -> Arguments:
    held = held_of(spec)
    if replica_site(placing, spec):
        held[SNAPSHOTS_TAG] = _snapshots_tag(placing)
    arguments: dict[str, Argument] = {
        "size": size,
        "type": spec.storage_class,
        "encrypted": True,
        "tags": placing.tags(part, **held),
    }
    # What became another type since takes nothing along: gp3 may have no fewer IOPS than come with it.
    as_it_was = is_adopted(placing.environment, placing.key()) and _is_of_its_key(placing, spec)
    if (iops := volume_iops(spec, size)) and (spec.iops or not as_it_was):
        arguments["iops"] = iops
    if (throughput := volume_throughput(spec)) and (spec.throughput_mibps or not as_it_was):
        arguments["throughput"] = throughput
    return arguments


def _is_of_its_key(placing: Placing, spec: StorageSpec) -> bool:
    """Whether volumes that have IOPS and throughput to provision are of the class that their key says."""
    item = placing.key().split("/")[-1]
    return bool(VOLUME_TYPES[spec.storage_class].throughput) and item == spec.storage_class


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
