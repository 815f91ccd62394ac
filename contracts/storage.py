"""`StorageClass`: what a class of storage gives, and what is paid on top. `StorageAsk`: what people ask of storage.

A class gives IOPS and throughput with every volume, with every GiB, or for money: whatever goes beyond the first two
is provisioned, at a price of its own (items `gp3-iops` and `gp3-mibps` of a place, USD per hour of one). All figures
are zero where nobody says them: then nothing is promised, and nothing that is asked for is met.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field

from contracts.document import Model, unsaid


class StorageClass(Model):
    """A class of storage.

    Attributes:
        iops_per_gib, mibps_per_gib: what comes with every GiB.
        volume_iops, volume_mibps: what comes with every volume, if that is more. MiB per second.
        most_iops, most_mibps: the most that one volume gives; 0: no limit is known.
        most_iops_per_gib: of what is provisioned; 0: no limit.
        iops_per_mibps: IOPS that provisioned throughput needs, by the MiB per second.
        largest_gib: of one volume, where what is more or has to be faster is spread over several, side by side; 0:
            there is no limit, and nothing is spread.
        durability: the share of volumes that outlive a year, 0.998 for two to three nines; 0 where nobody says.
    """

    name: str
    replicated: bool = False
    iops_per_gib: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    mibps_per_gib: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    volume_iops: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    volume_mibps: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    most_iops: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    most_mibps: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    most_iops_per_gib: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    iops_per_mibps: float = Field(default=0.0, ge=0, exclude_if=unsaid)
    largest_gib: int = Field(default=0, ge=0, exclude_if=unsaid)
    durability: float = Field(default=0.0, ge=0, lt=1, exclude_if=unsaid)

    @property
    def stated(self) -> bool:
        """Whether anything is said of how fast it is."""
        figures = (self.iops_per_gib, self.mibps_per_gib, self.volume_iops, self.volume_mibps)
        return any((*figures, self.most_iops, self.most_mibps))

    def volumes(self, gib: int, stated: int = 0) -> int:
        """How many volumes so many GiB are: as stated, else as few as can be."""
        return stated or (math.ceil(gib / self.largest_gib) if self.largest_gib else 1)

    def sizes(self, gib: int, stated: int = 0) -> tuple[int, ...]:
        """GiB of each volume: all alike where their number is stated, else all but the last of the largest size."""
        if stated:
            return (math.ceil(gib / stated),) * stated
        whole, rest = divmod(gib, self.largest_gib) if self.largest_gib else (0, gib)
        return (self.largest_gib,) * whole + ((rest,) if rest else ())

    def given(self, gib: int, volumes: int) -> tuple[float, float]:
        """IOPS and MiB per second that so many GiB in so many volumes have without more money."""
        iops = max(volumes * self.volume_iops, gib * self.iops_per_gib)
        mibps = max(volumes * self.volume_mibps, gib * self.mibps_per_gib)
        return (
            min(iops, volumes * self.most_iops or math.inf),
            min(mibps, volumes * self.most_mibps or math.inf),
        )


def iops_item(storage_class: str) -> str:
    """`gp3-iops`: the item that one provisioned IOPS is charged as."""
    return f"{storage_class}-iops"


def mibps_item(storage_class: str) -> str:
    """`gp3-mibps`: the item that one provisioned MiB per second is charged as."""
    return f"{storage_class}-mibps"


def provisioned_items(classes: Sequence[str]) -> list[str]:
    """What classes can have a price for besides their GiB."""
    return [item for name in sorted(set(classes)) for item in (iops_item(name), mibps_item(name))]


class Replicas(StrEnum):
    """Where a region's storage is replicated."""

    WHOLE = "whole"  # all of it in one failover partner: the first that has the room
    SHARES = "shares"  # to each failover partner the share that it carries, as a volume of its own


class StorageAsk(Model):
    """What is asked of a part of a region's storage.

    Attributes:
        name: of the part, where there are several.
        share: of the GiB that are forecast; all parts together are one.
        iops, throughput_mibps: of the part, at least, whatever its size. MiB per second.
        iops_per_gib, mibps_per_gib: at least so much for every GiB.
        least_durability: the share of volumes that outlive a year, at least; replicas do not count, for they lag.
        replicas: where it is replicated.
    """

    name: str = Field(default="", max_length=20, pattern=r"^[a-z0-9-]*$")
    share: float = Field(default=1.0, gt=0, le=1)
    iops: float = Field(default=0.0, ge=0)
    iops_per_gib: float = Field(default=0.0, ge=0)
    throughput_mibps: float = Field(default=0.0, ge=0)
    mibps_per_gib: float = Field(default=0.0, ge=0)
    least_durability: float = Field(default=0.0, ge=0, lt=1)
    replicas: Replicas = Replicas.WHOLE

    def wanted(self, gib: float) -> tuple[float, float]:
        """IOPS and MiB per second that so many GiB must have."""
        return max(self.iops, self.iops_per_gib * gib), max(self.throughput_mibps, self.mibps_per_gib * gib)


class StorageNeed(Model):
    """What a part of a region's storage must have.

    Attributes:
        part: its name, where there are several.
    """

    part: str = ""
    gib: int = Field(ge=0)
    iops: int = Field(default=0, ge=0)
    throughput_mibps: int = Field(default=0, ge=0)
    least_durability: float = Field(default=0.0, ge=0, lt=1)

    @property
    def plain(self) -> bool:
        """Whether nothing but GiB is asked for."""
        return not (self.part or self.iops or self.throughput_mibps or self.least_durability)


def ask_findings(where: str, asks: Sequence[StorageAsk]) -> list[str]:
    """What is wrong with the parts of one region's storage, taken together."""
    findings = []
    names = [ask.name for ask in asks]
    if asks and abs(sum(ask.share for ask in asks) - 1) > 1e-6:
        findings.append(f"{where}: the shares add up to {sum(ask.share for ask in asks):g}, not to 1")
    if len(set(names)) < len(names):
        findings.append(f"{where}: give each part a name of its own; there are {', '.join(map(repr, names))}")
    return findings
