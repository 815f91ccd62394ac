"""Which real series plays which part in the demo. The parts are ours; the shapes over time are real.

The series are service telemetry of the Microsoft cloud-monitoring-dataset (see NOTICE.md): request counts and rates
without units. Each stands in for a quantity of the demo's estate by one affine map,

    value = mean x (floor + (1 - floor) x y / mean(y)),    y averaged over the last `smooth_hours` hours

so that daily and weekly cycles, bursts and outages are those that were measured, while level and unit are chosen to
suit the sample inventory. Thirty days that all of these series cover are used, 2018-06-17 to 2018-07-16, their naive
hours read as UTC.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

BEGIN = datetime(2018, 6, 17, tzinfo=UTC)
HOURS = 720
END = datetime(2018, 7, 17, tzinfo=UTC)
"""The first moment that the history does not cover: the demo's day."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A real series and the part that it plays.

    Attributes:
        subject: a region, `source->destination`, or `service@region`.
        metric: `cpu` (vCPU), `memory` (GiB), `storage` (GiB), `traffic` (gbps) or `transactions` (count).
        series: `unique_id` of the real series.
        mean: mean of the part over the thirty days, in the metric's unit.
        floor: share of the mean that is there whatever the series does.
        smooth_hours: hours that are averaged; what is stored moves more slowly than what is asked.
    """

    subject: str
    metric: str
    series: str
    mean: float
    floor: float = 0.0
    smooth_hours: int = 1


def _region(region: str, series: str, vcpu: float) -> tuple[StandIn, ...]:
    """CPU of a region; memory and storage follow the same series with more that is always there."""
    return (
        StandIn(region, "cpu", series, vcpu, floor=0.3),
        StandIn(region, "memory", series, vcpu * 3.6, floor=0.6),
        StandIn(region, "storage", series, vcpu * 55, floor=0.8, smooth_hours=24),
    )


UTILISATION: tuple[StandIn, ...] = (
    *_region("fra", "outbound-09", 620),
    *_region("ams", "outbound-14", 430),
    *_region("lon", "outbound-13", 460),
    *_region("mad", "outbound-07", 240),
    *_region("nyc", "api-01", 640),
    *_region("chi", "outbound-18", 360),
    *_region("dfw", "outbound-17", 340),
)

TRAFFIC: tuple[StandIn, ...] = (
    StandIn("fra->nyc", "traffic", "outbound-09", 14.0, floor=0.1),
    StandIn("nyc->fra", "traffic", "api-01", 9.0, floor=0.1),
    StandIn("lon->nyc", "traffic", "outbound-12", 17.0, floor=0.1),
    StandIn("nyc->lon", "traffic", "outbound-14", 11.0, floor=0.1),
    StandIn("fra->ams", "traffic", "outbound-17", 22.0, floor=0.1),
    StandIn("ams->fra", "traffic", "outbound-11", 16.0, floor=0.1),
    StandIn("ams->lon", "traffic", "outbound-20", 8.0, floor=0.1),
    StandIn("fra->mad", "traffic", "outbound-13", 6.0, floor=0.1),
    StandIn("nyc->chi", "traffic", "outbound-07", 12.0, floor=0.1),
    StandIn("chi->dfw", "traffic", "outbound-18", 5.0, floor=0.1),
    StandIn("nyc->dfw", "traffic", "outbound-15", 7.0, floor=0.1),
)

SERVICES: tuple[StandIn, ...] = (
    StandIn("checkout@fra", "transactions", "outbound-09", 90_000),
    StandIn("checkout@nyc", "transactions", "api-01", 120_000),
    StandIn("search@lon", "transactions", "outbound-12", 240_000),
    StandIn("search@ams", "transactions", "outbound-10", 60_000),
)


@dataclass(frozen=True, slots=True)
class RequestStream:
    """Peering requests of one ordered pair: how many a day on average, and medians of what they ask for."""

    source: str
    destination: str
    a_day: float
    vcpu: float
    gbps: float
    duration_hours: float


REQUESTS: tuple[RequestStream, ...] = (
    RequestStream("fra", "nyc", 6, vcpu=3, gbps=0.30, duration_hours=12),
    RequestStream("lon", "nyc", 4, vcpu=3, gbps=0.25, duration_hours=8),
    RequestStream("nyc", "fra", 5, vcpu=3, gbps=0.30, duration_hours=12),
    RequestStream("ams", "fra", 3, vcpu=2, gbps=0.40, duration_hours=6),
    RequestStream("nyc", "chi", 3, vcpu=2, gbps=0.35, duration_hours=6),
)
