"""What a target makes of storage in place, its content staying where it is; anything else it makes anew, and empty.

**AWS** changes type, size, IOPS and throughput of an EBS volume while it is in use, all at once, never to fewer GiB;
then not again for six hours, or four times a day at most (Amazon EC2 API reference, "ModifyVolume"; the second is the
newer rule). **Google Cloud** makes disks larger, and Hyperdisk faster or slower; the type of a disk, and where a bucket
lies, are what they were made as (Compute Engine, "Modify the settings of a disk"; hashicorp/google and pulumi-gcp:
`location` and `custom_placement_config` of a bucket "recreate" it).
"""

from collections.abc import Mapping

from contracts.accounts import TargetName
from contracts.resources import StorageSpec
from contracts.storage import StorageClass

EBS_GIB: Mapping[str, tuple[int, int]] = {
    "gp2": (1, 16384),
    "gp3": (1, 16384),
    "io1": (4, 16384),
    "io2": (4, 65536),
    "sc1": (125, 16384),
    "st1": (125, 16384),
}
"""The smallest and largest volume of each type (Amazon EBS user guide, "Amazon EBS volume types")."""

JOINING = "gcs"
"""The class of Google Cloud whose replica may lie in the same bucket, where both were asked for at once."""


def ebs_sizes(spec: StorageSpec) -> tuple[int, ...]:
    """GiB of each EBS volume, none below the type's smallest.

    As many as are stated, all alike; else as few as the type allows, all but the last of the largest size.
    """
    smallest, largest = EBS_GIB[spec.storage_class]
    return tuple(max(gib, smallest) for gib in StorageClass(name="", largest_gib=largest).sizes(spec.gib, spec.volumes))


def changes_class(target: TargetName, before: StorageSpec, after: StorageSpec) -> bool:
    """Whether volumes of one class become those of another in place: none goes, none becomes smaller."""
    classes = {before.storage_class, after.storage_class}
    if target is not TargetName.AWS or not classes <= EBS_GIB.keys():
        return False
    old, new = ebs_sizes(before), ebs_sizes(after)
    return len(old) <= len(new) and all(was <= now for was, now in zip(old, new, strict=False))


def in_class(target: TargetName, spec: StorageSpec, storage_class: str) -> StorageSpec | None:
    """Volumes as those of another class that they become in place, nothing bought but GiB; None where they cannot.

    Where the other class would be fewer, larger volumes, they stay as many, and all as large as the largest.
    """
    if target is not TargetName.AWS or spec.storage_class not in EBS_GIB:
        return None
    sizes = ebs_sizes(spec)
    same = {"storage_class": storage_class, "iops": 0, "throughput_mibps": 0, "gib": sum(sizes)}
    alike = {**same, "gib": len(sizes) * max(sizes), "volumes": len(sizes)}
    found = (spec.model_copy(update=update) for update in (same, alike))
    return next((other for other in found if changes_class(target, spec, other)), None)


def joins_replica(target: TargetName, storage_class: str) -> bool:
    """Whether what is made with a replica may lie in both regions at once, which is settled when it is made."""
    return target is TargetName.GCP and storage_class == JOINING
