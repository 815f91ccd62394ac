"""What a source measures: kinds, subjects and units, and the queries and metrics of each kind of server.

Part of `contracts.sources.Sources`.
"""

from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import Field

from contracts.document import Model
from contracts.series import SeriesKind

MeasuredKind: TypeAlias = Literal[
    SeriesKind.TRAFFIC,
    SeriesKind.CPU,
    SeriesKind.MEMORY,
    SeriesKind.STORAGE,
    SeriesKind.BANDWIDTH,
    SeriesKind.USERS,
    SeriesKind.TRANSACTIONS,
    SeriesKind.BLOCK_TRAFFIC,
    SeriesKind.SERVICE_TRAFFIC,
]
"""What can be measured: traffic of whole regions is summed from pairs, requests are events."""


class Silence(StrEnum):
    """What it means that something that is asked for says nothing."""

    GAP = "gap"  # it is not known: the hour is left out
    ZERO = "zero"  # there was nothing to count: some services report no value instead of 0


class Measured(Model):
    """What a value is of, and in which unit.

    Attributes:
        subject: whom it is of: `fra`, `fra->ams`, `web@fra`, `web@fra->ams`, `10.0.0.0/24`; or made of labels in
            braces, `{src}->{dst}`.
        unit: as files state it: `Bps`, `mbps`, `vcpu`, `gib`, `count/s`.
        scale: what a value is multiplied by first: 0.64 makes per cent of 64 vCPUs vCPUs.
        names: what values of labels are called here: `{eu-central-1: fra}`.
        silent: what no value means.
    """

    kind: MeasuredKind
    subject: str = Field(min_length=1, max_length=200)
    unit: str
    scale: float = Field(default=1.0, gt=0)
    names: dict[str, str] = Field(default={})
    silent: Silence = Silence.GAP


class PrometheusQuery(Measured):
    """A query whose value is the mean of the step before its time; one series a subject."""

    query: str = Field(min_length=1)


class CloudWatchStatistic(StrEnum):
    """What CloudWatch makes of the values of a period."""

    AVERAGE = "Average"
    SUM = "Sum"  # becomes a rate per second: the unit is then `Bps`, `count/s`
    MAXIMUM = "Maximum"
    SAMPLES = "SampleCount"  # a rate per second, too


class CloudWatchMetric(Measured):
    """One metric; several of one subject are added up."""

    namespace: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    dimensions: dict[str, str] = Field(default={})
    statistic: CloudWatchStatistic = CloudWatchStatistic.AVERAGE


class Aligner(StrEnum):
    """What Cloud Monitoring makes of the points of a period."""

    MEAN = "mean"
    RATE = "rate"  # of counters, per second: resets are told by the API itself
    SUM = "sum"
    MAXIMUM = "max"


class MonitoringMetric(Measured):
    """Time series of one filter, summed for each combination of the labels in `group_by`.

    Attributes:
        filter: `metric.type = "compute.googleapis.com/instance/cpu/usage_time"`.
        group_by: `resource.labels.zone`; the subject names each by its last part, `{zone}`.
    """

    filter: str = Field(min_length=1)
    aligner: Aligner = Aligner.MEAN
    group_by: tuple[str, ...] = ()
