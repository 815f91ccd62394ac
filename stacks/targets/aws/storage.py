"""Storage of a region by class: volumes (EBS types), buckets (`s3`), file systems (`efs`).

Buckets and file systems grow by themselves: what a plan reserves in them is a tag. Replicas are made where AWS makes
them by itself: see `replicas`.
"""

from collections.abc import Iterator

from contracts.resources import StorageSpec
from contracts.spelling import likely
from stacks.declaration import Declaration
from stacks.errors import InvalidArgument
from stacks.targets.aws.buckets import declare_bucket
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.aws.replicas import held_of, replica_site
from stacks.targets.aws.volumes import VOLUME_TYPES, declare_volumes

BUCKET, FILES = "s3", "efs"
CLASSES = (*sorted(VOLUME_TYPES), BUCKET, FILES)


def declare_storage(placing: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    """Whatever the class is made of, the first of it under the resource's own key.

    Raises:
        InvalidArgument: AWS has no such class, or cannot provision what is asked of it.
    """
    grown = spec.storage_class in (BUCKET, FILES)
    if grown and (spec.iops or spec.volumes or (spec.throughput_mibps and spec.storage_class == BUCKET)):
        raise InvalidArgument(
            f"{spec.storage_class} has no IOPS, volumes or throughput to provision",
            where=placing.key(),
            expected="a class of volumes, such as gp3",
            next_step="take the price of them out of the environment, and plan again",
        )
    if spec.storage_class in VOLUME_TYPES:
        yield from declare_volumes(placing, spec)
    elif spec.storage_class == BUCKET:
        yield from declare_bucket(placing, spec)
    elif spec.storage_class == FILES:
        yield from _files(placing, spec)
    else:
        raise InvalidArgument(
            f"AWS has no storage class {spec.storage_class!r}",
            where=placing.key(),
            expected=f"one of {', '.join(CLASSES)}",
            next_step=likely(spec.storage_class, CLASSES) or "name one of them in the catalog",
        )


def _files(placing: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    mode: Arguments = {"throughput_mode": "elastic"}
    if spec.throughput_mibps:
        mode = {"throughput_mode": "provisioned", "provisioned_throughput_in_mibps": spec.throughput_mibps}
    system: Arguments = {
        "creation_token": placing.name(limit=64),
        "encrypted": True,
        **mode,
        "tags": placing.tags(**held_of(spec)),
    }
    yield placing.declare("aws_efs_file_system", "", system)
    for zone in placing.cloud.zones:
        target: Arguments = {
            "file_system_id": placing.own(),
            "subnet_id": placing.network(f"subnet-{zone}"),
            "security_groups": (placing.network("inside"),),
        }
        yield placing.declare("aws_efs_mount_target", f"mount-{zone}", target)
    partner = replica_site(placing, spec)
    if partner:
        replica: Arguments = {
            "source_file_system_id": placing.own(),
            "destination": {"region": partner.cloud.location},
        }
        yield placing.declare("aws_efs_replication_configuration", "replica", replica)
