"""`Workload`: what people say of load that comes in whole units. `Packing`: on which instances a plan puts the units.

A unit is what a scheduler places as one (a pod, an allocation of Nomad, a virtual machine): it runs on one instance or
not at all. Its size is what it asks for of an instance; what an operating system or an agent takes is for people to
add. Units are part of the demand that is forecast, not beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from pydantic import Field, PositiveInt, model_validator

from contracts.document import Model, unsaid
from contracts.names import RegionName


class UnitSize(Model):
    """What one unit of a workload takes of the instance that it runs on.

    Attributes:
        accelerators: GPUs and the like, of one instance.
        network_gbps: of what the instance can send and receive; a network that is not known limits nothing.
        most_per_instance: no more units of the workload share an instance; 0: as many as fit.
    """

    name: str = Field(min_length=1, max_length=63)
    vcpu: float = Field(gt=0)
    memory_gib: float = Field(gt=0)
    accelerators: int = Field(default=0, ge=0, exclude_if=unsaid)
    network_gbps: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    most_per_instance: int = Field(default=0, ge=0, exclude_if=unsaid)

    def told(self) -> str:
        """`16 vCPU, 64 GiB`, and what else it takes."""
        more = f", {self.accelerators} accelerators" if self.accelerators else ""
        more += f", {self.network_gbps:g} gbps" if self.network_gbps else ""
        return f"{self.vcpu:g} vCPU, {self.memory_gib:g} GiB{more}"


class Workload(UnitSize):
    """Load that comes in whole units.

    Attributes:
        regions: where it runs; everywhere where none is named.
        count: units in each of them.
        share: in place of a count: as many units as this share of a region's demand for vCPU is, a unit begun being a
            whole one.
        critical: whether its units run on at partners when their region is lost.
    """

    regions: tuple[RegionName, ...] = ()
    count: PositiveInt | None = None
    share: float | None = Field(default=None, gt=0, le=1)
    critical: bool = False

    @model_validator(mode="after")
    def _counted_once(self) -> Self:
        if (self.count is None) == (self.share is None):
            raise ValueError("gives neither `count` nor `share`" if self.count is None else "gives `count` and `share`")
        return self

    def runs_in(self, region: str) -> bool:
        return not self.regions or region in self.regions

    @property
    def size(self) -> UnitSize:
        """Its unit alone."""
        return UnitSize(**{name: getattr(self, name) for name in UnitSize.model_fields})


class Packed(Model):
    """Instances that hold the same units.

    Attributes:
        key: of the compute resource that they are instances of.
        instances: how many of them.
        units: on each, how many of each workload: `db`; of what stands by for other regions `fra/db`.
        lost: the region or fault domain whose loss they hold them for; empty of what serves.
    """

    key: str
    instances: PositiveInt
    units: dict[str, PositiveInt]
    lost: str = Field(default="", exclude_if=unsaid)


class Packing(Model):
    """Where whole units run, so that each has an instance that holds it: every loss packs what stands by anew."""

    sizes: tuple[UnitSize, ...]
    instances: tuple[Packed, ...]

    def on(self, key: str) -> tuple[Packed, ...]:
        """What the instances of one resource hold."""
        return tuple(item for item in self.instances if item.key == key)


def workload_findings(workloads: Sequence[Workload], regions: Iterable[str]) -> Iterator[str]:
    """What is wrong with workloads beside each other: names said twice, shares of a region above one."""
    names = [item.name for item in workloads]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"workloads: {name!r} is listed twice"
    for region in regions:
        total = sum(item.share or 0.0 for item in workloads if item.runs_in(region))
        if total > 1 + 1e-9:
            yield f"workloads: their shares of {region} come to {total:g}, which is more than all of its demand"
