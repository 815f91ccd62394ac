"""Machine types of Google Cloud, as far as declarations have to know them.

Source: Compute Engine, "Machine families resource and comparison guide", and "Committed use discounts" for the types of
commitments. Memory is per vCPU; the largest of some series have a little less.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.errors import InvalidArgument

DISK, HYPERDISK = "pd-balanced", "hyperdisk-balanced"
IMAGE = "projects/debian-cloud/global/images/family/debian-12"
ARM_IMAGE = "projects/debian-cloud/global/images/family/debian-12-arm64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A machine series.

    Attributes:
        gib_per_vcpu: by class: `standard`, `highcpu`, `highmem`.
        sizes: vCPUs that its types come in; not each class has all of them.
        commitment: the type of a commitment to it.
        boot_disk: the class of disk that it starts from.
        image: what it starts from, unless the environment says otherwise.
    """

    gib_per_vcpu: Mapping[str, float]
    sizes: tuple[int, ...]
    commitment: str
    boot_disk: str = DISK
    image: str = IMAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """One machine type, e.g. `n2-standard-4`."""

    name: str
    family: Family
    vcpu: int
    memory_gib: float


_EVEN = (2, 4, 8, 16, 32, 48, 64, 80, 96, 128)
_USUAL: Mapping[str, float] = {"standard": 4, "highcpu": 2, "highmem": 8}
_LEAN: Mapping[str, float] = {"standard": 4, "highcpu": 1, "highmem": 8}
_STANDARD: Mapping[str, float] = {"standard": 4}

FAMILIES: Mapping[str, Family] = {
    "c2": Family(gib_per_vcpu=_STANDARD, sizes=(4, 8, 16, 30, 60), commitment="COMPUTE_OPTIMIZED"),
    "c2d": Family(gib_per_vcpu=_USUAL, sizes=(2, 4, 8, 16, 32, 56, 112), commitment="COMPUTE_OPTIMIZED_C2D"),
    "c3": Family(gib_per_vcpu=_USUAL, sizes=(4, 8, 22, 44, 88, 176), commitment="COMPUTE_OPTIMIZED_C3"),
    "c3d": Family(gib_per_vcpu=_USUAL, sizes=(4, 8, 16, 30, 60, 90, 180, 360), commitment="COMPUTE_OPTIMIZED_C3D"),
    "c4": Family(
        gib_per_vcpu={"standard": 3.75, "highcpu": 2, "highmem": 7.75},
        sizes=(2, 4, 8, 16, 24, 32, 48, 96, 144, 192, 288),
        commitment="GENERAL_PURPOSE_C4",
        boot_disk=HYPERDISK,
    ),
    "c4a": Family(
        gib_per_vcpu=_USUAL,
        sizes=(1, 2, 4, 8, 16, 32, 48, 64, 72),
        commitment="GENERAL_PURPOSE_C4A",
        boot_disk=HYPERDISK,
        image=ARM_IMAGE,
    ),
    "e2": Family(gib_per_vcpu=_LEAN, sizes=(2, 4, 8, 16, 32), commitment="GENERAL_PURPOSE_E2"),
    "n1": Family(
        gib_per_vcpu={"standard": 3.75, "highcpu": 0.9, "highmem": 6.5},
        sizes=(1, 2, 4, 8, 16, 32, 64, 96),
        commitment="GENERAL_PURPOSE",
    ),
    "n2": Family(gib_per_vcpu=_LEAN, sizes=_EVEN, commitment="GENERAL_PURPOSE_N2"),
    "n2d": Family(gib_per_vcpu=_LEAN, sizes=(*_EVEN, 224), commitment="GENERAL_PURPOSE_N2D"),
    "n4": Family(
        gib_per_vcpu=_USUAL, sizes=(2, 4, 8, 16, 32, 48, 64, 80), commitment="GENERAL_PURPOSE_N4", boot_disk=HYPERDISK
    ),
    "t2d": Family(gib_per_vcpu=_STANDARD, sizes=(1, 2, 4, 8, 16, 32, 48, 60), commitment="GENERAL_PURPOSE_T2D"),
}


def machine_type(shape: str, *, where: str) -> MachineType:
    """What a shape is.

    Raises:
        InvalidArgument: Google Cloud has no such machine type, as far as this table knows.
    """
    series, _, rest = shape.partition("-")
    kind, _, size = rest.partition("-")
    family = FAMILIES.get(series)
    if family is None:
        raise InvalidArgument(
            f"{shape!r} is no machine type: no series {series!r}; known: {', '.join(sorted(FAMILIES))}", where=where
        )
    if kind not in family.gib_per_vcpu or not size.isdecimal() or int(size) not in family.sizes:
        classes = ", ".join(f"{series}-{name}" for name in family.gib_per_vcpu)
        sizes = ", ".join(str(number) for number in family.sizes)
        raise InvalidArgument(f"{shape!r} is no machine type: known are {classes} with {sizes} vCPUs", where=where)
    vcpu = int(size)
    return MachineType(name=shape, family=family, vcpu=vcpu, memory_gib=vcpu * family.gib_per_vcpu[kind])
