"""What is measured and forecast: kinds of series, their subjects and canonical units."""

from enum import StrEnum
from typing import NamedTuple, assert_never


class SeriesKind(StrEnum):
    """Each kind has one canonical unit (`unit_of`) and one kind of subject."""

    TRAFFIC = "traffic"  # ordered pair: gbps, mean of the hour
    REGION_TRAFFIC = "region_traffic"  # region: gbps in and out, summed over its pairs
    PEERING_REQUESTS = "peering_requests"  # ordered pair: requests in the hour
    CPU = "cpu"  # region: vCPUs in use
    MEMORY = "memory"  # region: GiB in use
    STORAGE = "storage"  # region: GiB in use
    ACCELERATORS = "accelerators"  # region: accelerators in use
    BANDWIDTH = "bandwidth"  # region: gbps in use at its edge, as utilisation reports it
    USERS = "users"  # service@region: users active in the hour
    TRANSACTIONS = "transactions"  # service@region: transactions in the hour
    BLOCK_TRAFFIC = "block_traffic"  # address block: gbps, mean of the hour


class Unit(StrEnum):
    """Canonical units; everything is converted when it is imported."""

    GBPS = "gbps"
    VCPU = "vcpu"
    GIB = "gib"
    COUNT = "count"


def unit_of(kind: SeriesKind) -> Unit:
    """The canonical unit of a kind."""
    match kind:
        case SeriesKind.TRAFFIC | SeriesKind.REGION_TRAFFIC | SeriesKind.BANDWIDTH | SeriesKind.BLOCK_TRAFFIC:
            return Unit.GBPS
        case SeriesKind.CPU:
            return Unit.VCPU
        case SeriesKind.MEMORY | SeriesKind.STORAGE:
            return Unit.GIB
        case SeriesKind.PEERING_REQUESTS | SeriesKind.USERS | SeriesKind.TRANSACTIONS | SeriesKind.ACCELERATORS:
            return Unit.COUNT
        case _:
            assert_never(kind)


class Granularity(StrEnum):
    """Length of one step of a series."""

    HOURLY = "hourly"
    DAILY = "daily"


class SeriesKey(NamedTuple):
    """Names one series: `cpu:fra`, `traffic:fra->ams`, `transactions:web@fra`, `block_traffic:10.0.0.0/24`."""

    kind: SeriesKind
    subject: str

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that it concerns: both ends of a pair, none of an address block."""
        if "/" in self.subject:
            return ()
        source, arrow, destination = self.subject.partition("->")
        return (source, destination) if arrow else (self.subject.rpartition("@")[2],)

    @property
    def service(self) -> str:
        """The service of `service@region`, else nothing."""
        return self.subject.rpartition("@")[0]

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"


LEVELS: tuple[float, ...] = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
"""The 15 quantile levels of every forecast, ascending."""
