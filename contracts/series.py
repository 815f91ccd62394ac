"""What is measured and forecast: kinds of series, their subjects and canonical units."""

from enum import StrEnum
from ipaddress import ip_network
from typing import NamedTuple, assert_never

from contracts.names import pair_ends, region_name, service_name


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
    REGION_OUT = "region_out"  # region: gbps that leaves it, the row sum of its pairs
    REGION_IN = "region_in"  # region: gbps that reaches it, the column sum of its pairs
    SERVICE_TRAFFIC = "service_traffic"  # service@pair: gbps of one service, part of the pair's traffic
    REGION_SERVICE = "region_service"  # service@region: gbps of one service in and out, summed over its pairs
    SERVICE_TOTAL = "service_total"  # service: gbps of one service, summed over all pairs


SUMS = (SeriesKind.REGION_OUT, SeriesKind.REGION_IN, SeriesKind.REGION_SERVICE, SeriesKind.SERVICE_TOTAL)
"""Kinds that are nothing but sums of pairs or of their services: they are not measured, announced or fitted."""


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
        case SeriesKind.REGION_OUT | SeriesKind.REGION_IN:
            return Unit.GBPS
        case SeriesKind.SERVICE_TRAFFIC | SeriesKind.REGION_SERVICE | SeriesKind.SERVICE_TOTAL:
            return Unit.GBPS
        case SeriesKind.CPU:
            return Unit.VCPU
        case SeriesKind.MEMORY | SeriesKind.STORAGE:
            return Unit.GIB
        case SeriesKind.PEERING_REQUESTS | SeriesKind.USERS | SeriesKind.TRANSACTIONS | SeriesKind.ACCELERATORS:
            return Unit.COUNT
        case _:
            assert_never(kind)


def check_subject(kind: SeriesKind, subject: str) -> None:
    """Whether a subject is one of its kind.

    Raises:
        ValueError: it is not.
    """
    match kind:
        case SeriesKind.TRAFFIC | SeriesKind.PEERING_REQUESTS:
            pair_ends(subject)
        case SeriesKind.SERVICE_TRAFFIC:
            service, _, pair = subject.rpartition("@")
            service_name(service)
            pair_ends(pair)
        case SeriesKind.BLOCK_TRAFFIC:
            ip_network(subject)
        case SeriesKind.USERS | SeriesKind.TRANSACTIONS | SeriesKind.REGION_SERVICE:
            service, _, region = subject.rpartition("@")
            service_name(service)
            region_name(region)
        case SeriesKind.SERVICE_TOTAL:
            service_name(subject)
        case _:
            region_name(subject)


class Granularity(StrEnum):
    """Length of one step of a series."""

    HOURLY = "hourly"
    DAILY = "daily"


class SeriesKey(NamedTuple):
    """Names one series: `cpu:fra`, `traffic:fra->ams`, `transactions:web@fra`, `service_traffic:web@fra->ams`."""

    kind: SeriesKind
    subject: str

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that it concerns: both ends of a pair, none of an address block or of a service everywhere."""
        if "/" in self.subject or self.kind is SeriesKind.SERVICE_TOTAL:
            return ()
        source, arrow, destination = self.place.partition("->")
        return (source, destination) if arrow else (source,)

    @property
    def place(self) -> str:
        """What follows the service in `service@place`, else the subject: a region, a pair, a block."""
        return self.subject.rpartition("@")[2]

    @property
    def service(self) -> str:
        """The service of `service@region` and `service@pair`, else nothing."""
        return self.subject if self.kind is SeriesKind.SERVICE_TOTAL else self.subject.rpartition("@")[0]

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"


LEVELS: tuple[float, ...] = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
"""The 15 quantile levels of every forecast, ascending."""
