"""`Sources`: where telemetry is read from again and again. One YAML file an environment, `sources/<environment>.yaml`.

Every setting has a unit in its name, a default and a reason. Secrets are never in the file: it names the process's
variables that hold them. Paths are relative to the project's folder.
"""

from enum import StrEnum
from typing import ClassVar, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from contracts.document import Document, Model, unsaid
from contracts.flow_services import ServiceRule
from contracts.measured import CloudWatchMetric, MonitoringMetric, PrometheusQuery
from contracts.names import RegionName, pair_ends

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
ADDRESS = r"^https?://[^/\s@]+(/\S*)?$"
"""A web address without a name or password: those are secrets."""


class Source(Model):
    """What all sources have.

    Attributes:
        name: what messages and `--source` call it.
        history_hours: how far back the first reading goes.
        overlap_hours: how much of what was read before is read again, so that late data still arrive.
        timeout_seconds: how long one answer may take.
        max_mib: how large one answer may be.
    """

    name: RegionName
    history_hours: int = Field(default=336, ge=1, le=9600)
    overlap_hours: int = Field(default=6, ge=0, le=336)
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    max_mib: float = Field(default=64, gt=0, le=4096)


class Access(Model):
    """How a person's web server lets us in.

    Attributes:
        token_variable: variable with a bearer token.
        user, password_variable: for basic authentication.
        ca_file: certificates that the server's is checked against, in place of the machine's own.
    """

    token_variable: str = Field(default="", pattern=f"{VARIABLE}|^$")
    user: str = ""
    password_variable: str = Field(default="", pattern=f"{VARIABLE}|^$")
    ca_file: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.user) != bool(self.password_variable):
            raise ValueError("user and password_variable go together")
        if self.user and self.token_variable:
            raise ValueError("a token or a user with a password, not both")
        return self


class Interface(Model):
    """One interface of a router, by the labels that snmp_exporter gives it.

    Attributes:
        instance: label `instance`: the router.
        interface: label `ifName`.
        pair: what leaves by it, `fra->ams`; what comes in is counted the other way. Name one end of a link only.
        region: in place of a pair, where it stands: in and out count as the region's bandwidth.
    """

    instance: str = Field(min_length=1)
    interface: str = Field(min_length=1)
    pair: str = ""
    region: str = ""

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if bool(self.pair) == bool(self.region):
            raise ValueError("an interface carries a pair or stands at a region: name one of the two")
        if self.pair:
            pair_ends(self.pair)
        return self


class RateBy(StrEnum):
    """Who makes rates of counters."""

    US = "prestage"  # from the counters: a reset or a gap leaves its interval out
    SERVER = "prometheus"  # by rate(): a reset counts from zero, a gap is extrapolated over


class Counters(Model):
    """What counters of interfaces are called.

    Attributes:
        received, sent: metrics that count octets.
        interface_label: the label that names the interface.
        bits: where they wrap: 64 for `ifHC...`, 32 for `if...Octets`.
        max_gbps: the fastest interface: more than that is a reset, not a wrap.
    """

    received: str = "ifHCInOctets"
    sent: str = "ifHCOutOctets"
    interface_label: str = "ifName"
    bits: Literal[32, 64] = 64
    max_gbps: float = Field(default=1600, gt=0)
    rate_by: RateBy = RateBy.US


class PrometheusSource(Source):
    """A Prometheus server, or what speaks its API.

    Attributes:
        url: `http://prometheus:9090`, without `/api/v1`.
        step_seconds: distance of samples; a divisor of 3600.
        page_points: samples of a series in one answer; servers refuse more than 11,000.
        keep_partial: keep what a server warns of, such as one of many whose part is missing; asked for again otherwise.
    """

    url: str = Field(pattern=ADDRESS)
    access: Access = Access()
    step_seconds: int = Field(default=300, ge=10, le=3600)
    page_points: int = Field(default=2016, ge=2, le=11_000)
    keep_partial: bool = False
    queries: tuple[PrometheusQuery, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    counters: Counters = Counters()

    @field_validator("step_seconds")
    @classmethod
    def _divides_an_hour(cls, step: int) -> int:
        if 3600 % step:
            raise ValueError(f"{step} does not divide 3600")
        return step


class CloudWatchSource(Source):
    """Metrics of one location of an AWS account of the environment."""

    account: RegionName
    location: str = Field(min_length=4)
    metrics: tuple[CloudWatchMetric, ...] = Field(min_length=1)


class MonitoringSource(Source):
    """Metrics of a Google Cloud project of the environment."""

    account: RegionName
    metrics: tuple[MonitoringMetric, ...] = Field(min_length=1)
    page_size: int = Field(default=10_000, ge=1, le=100_000)


class FlowSource(Source):
    """Flow records that pmacct or goflow2 wrote: NetFlow, IPFIX or sFlow as JSON lines or CSV.

    Attributes:
        files: patterns of files, `/var/lib/flows/*.json.gz`.
        timezone: of times without an offset, as pmacct writes them unless `timestamps_utc` is set.
        sampling_rate: of records that state none; 1 counts them as they are.
        bin_seconds: how long a record without an end lasts.
        exporters: routers whose records count; all by default. A flow that two routers report counts twice otherwise.
        block_length, block_length_v6: traffic is also kept by address block of that length inside known prefixes; 0
            keeps none.
        max_blocks: more blocks than this are refused rather than kept.
        prefixes: file with rows `prefix,region`, beside the environment's own address blocks.
        table_dumps: BGP table dumps (MRT) that tell the origin of other prefixes: patterns of files, of each of which
            the newest counts, or web addresses.
        as_regions: region of each autonomous system number.
        services: which flows are of which service: of the rules that fit a flow, the first. Traffic of a pair is then
            kept by service, too; none by default. What no rule fits is of none.
    """

    files: tuple[str, ...] = Field(min_length=1)
    timezone: str | None = None
    sampling_rate: int = Field(default=1, ge=1)
    bin_seconds: int = Field(default=300, ge=1, le=86_400)
    exporters: tuple[str, ...] = ()
    block_length: int = Field(default=24, ge=0, le=32)
    block_length_v6: int = Field(default=48, ge=0, le=128)
    max_blocks: int = Field(default=2000, ge=1)
    prefixes: str = ""
    table_dumps: tuple[str, ...] = ()
    as_regions: dict[int, RegionName] = Field(default={})
    services: tuple[ServiceRule, ...] = Field(default=(), exclude_if=unsaid)


class FeedSource(Source):
    """A CSV or Parquet file at a web address, in the form of one of the tables that can be imported."""

    url: str = Field(pattern=ADDRESS)
    access: Access = Access()
    table: Literal["traffic", "requests", "utilisation", "telemetry", "blocks"]
    form: Literal["csv", "parquet"] = "csv"
    unit: str | None = None
    timezone: str | None = None


AnySource: TypeAlias = PrometheusSource | CloudWatchSource | MonitoringSource | FlowSource | FeedSource


class Sources(Document):
    """All that an environment's history is read from.

    Attributes:
        interval_minutes: between two readings of `prestage history import --watch`.
    """

    FORMAT: ClassVar[str] = "prestage/sources"

    interval_minutes: float = Field(default=15, gt=0, le=1440)
    prometheus: tuple[PrometheusSource, ...] = ()
    cloudwatch: tuple[CloudWatchSource, ...] = ()
    monitoring: tuple[MonitoringSource, ...] = ()
    flows: tuple[FlowSource, ...] = ()
    feed: tuple[FeedSource, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [source.name for source in self.all()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the source {twice[0]!r} is listed twice")
        return self

    def all(self) -> tuple[AnySource, ...]:
        """Every source, in the order of the kinds."""
        return (*self.prometheus, *self.cloudwatch, *self.monitoring, *self.flows, *self.feed)

    def of(self, name: str) -> tuple[AnySource, ...]:
        """The source of that name, or all of that kind; none where it is neither."""
        if name in SOURCE_KINDS:
            found: tuple[AnySource, ...] = getattr(self, name)
            return found
        return tuple(source for source in self.all() if source.name == name)


SOURCE_KINDS = ("prometheus", "cloudwatch", "monitoring", "flows", "feed")
"""Names of the kinds, as `--source` takes them."""
