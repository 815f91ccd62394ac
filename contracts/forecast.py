"""`Forecast`: what demand will be, with its uncertainty, and how far it has been right so far.

The JSON document describes; the values (one number per series, step and quantile level) and samples of whole paths are
in Parquet files beside it, tied to it by digest. `ForecastBundle` is all together, which is what the planner reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, Field

from contracts.asked import AskedQuantiles
from contracts.capacity import CapacityKind
from contracts.document import Document, Model, unsaid
from contracts.events import ExpectedEvent
from contracts.forecast_paths import Paths, moved_paths
from contracts.forecast_values import Values
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind, Unit


class Evidence(StrEnum):
    """Whether the upper quantiles rest on enough held-back scores."""

    ENOUGH = "enough"
    THIN = "thin"


class Scores(Model):
    """Back-test scores of one series or of all.

    MASE is scaled by the in-sample mean absolute lag-24 difference (lag-7 for daily); coverage and exceedance are
    shares of actuals, 0 to 1.
    """

    mase: float | None = Field(default=None, ge=0)
    scaled_crps: float | None = Field(default=None, ge=0)
    coverage_80: float | None = Field(default=None, ge=0, le=1)
    coverage_95: float | None = Field(default=None, ge=0, le=1)
    exceeded_99: float | None = Field(default=None, ge=0, le=1)
    windows: int = Field(default=0, ge=0)


class SeriesForecast(Model):
    """One forecast series: which model made it, on how much history, with which scores.

    Attributes:
        recent_peaks: of hourly series, the largest value measured on each of the last 7 days before the origin, the
            last day first; None of a day without a measurement. Nothing where the forecast does not say.
    """

    kind: SeriesKind
    subject: str
    unit: Unit
    granularity: Granularity
    model: str
    steps: int = Field(ge=1)
    history_steps: int = Field(ge=0)
    evidence: Evidence
    scores: Scores
    recent_peaks: tuple[float | None, ...] = Field(default=(), max_length=7, exclude_if=unsaid)

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.kind, self.subject)


class BlockShare(Model):
    """What share of a pair's requests asks for blocks of one prefix length, and for how long in the mean."""

    prefix_length: int = Field(ge=0, le=128)
    version: Literal[4, 6] = 4
    share: float = Field(gt=0, le=1)
    duration_hours: float = Field(ge=0)


class RequestProfile(Model):
    """What a peering request of an ordered pair asks for, as history says: 0.8 quantiles of sizes, median duration.

    Requests for nothing but addresses of a region have it at both ends. `blocks` are sorted by version and length.
    `asked` has the distributions that these are of, and `evidence` whether enough requests of the pair say them.
    """

    source: str
    destination: str
    requests_seen: int = Field(ge=0)
    vcpu: float = Field(ge=0)
    memory_gib: float = Field(ge=0)
    storage_gib: float = Field(ge=0)
    gbps: float = Field(ge=0)
    addresses: int = Field(ge=0)
    duration_hours: float = Field(ge=0)
    blocks: tuple[BlockShare, ...] = Field(default=(), exclude_if=unsaid)
    asked: tuple[AskedQuantiles, ...] = Field(default=(), exclude_if=unsaid)
    evidence: Evidence | None = Field(default=None, exclude_if=unsaid)


class Treatment(Model):
    """Something found in the history and what was done about it (a gap, an outage, a level shift)."""

    series: str
    what: str
    hours: int = Field(ge=0)


class DemandBasis(StrEnum):
    """What a demand in resource units rests on."""

    MEASURED = "measured"  # the resource's own series, or the pairs that a region's traffic is summed of
    SHARE = "share"  # of a region's measured use, by the traffic that the pair brings
    UTILISATION = "utilisation"  # a model of use by load, learned in regions that measure both
    COEFFICIENTS = "coefficients"  # the environment's


class ResourceDemand(Model):
    """What a place will need of one resource in its busiest hour, and what is recommended to have ready.

    Attributes:
        place: a region, or an ordered pair.
        hours: the busiest hour is that of so many hours from the origin.
        peak: its quantiles at the forecast's levels, drawn from whole paths.
        level: the quantile that the recommendation rests on.
        recommended: the peak at that level.
        at: the hour that is most often the busiest.
        why: in words.
    """

    place: str
    kind: CapacityKind
    basis: DemandBasis
    hours: int = Field(ge=1)
    peak: tuple[float, ...]
    level: float = Field(gt=0, lt=1)
    recommended: float = Field(ge=0)
    at: AwareDatetime
    why: str


class BlockOutlook(Model):
    """How an address block will be used, beside what it can carry.

    Attributes:
        hours: from the origin.
        capacity_gbps: what it can carry.
        peak_gbps: the median of its busiest hour.
        under: probability that even its busiest hour stays below `under_share` of that.
        over: probability that its busiest hour passes `over_share` of it.
    """

    block: str
    hours: int = Field(ge=1)
    capacity_gbps: float = Field(ge=0)
    peak_gbps: float = Field(ge=0)
    under_share: float = Field(ge=0)
    over_share: float = Field(ge=0)
    under: float = Field(ge=0, le=1)
    over: float = Field(ge=0, le=1)


class BlendWeights(Model):
    """What was blended for the series of one kind and granularity: each family's weight, summing to 1.

    Attributes:
        weights: means over the series and levels.
        by_level: means over the series, at each of the forecast's levels: quantiles are blended one by one.
    """

    kind: SeriesKind
    granularity: Granularity
    series: int = Field(ge=1)
    weights: dict[str, float]
    by_level: dict[str, tuple[float, ...]] = Field(default={}, exclude_if=unsaid)


class ModelScore(Model):
    """Scores of one model over all series of one granularity, as the choice between models saw them."""

    model: str
    granularity: Granularity
    scores: Scores


class Forecast(Document):
    """Quantiles of every series from `origin` on.

    Step `i` (from 0) of an hourly series is the hour that begins at `origin + i hours`; daily alike. `origin` is the
    first moment not seen. The values are in the file named `values_file`, whose bytes have the digest `values_digest`;
    so are samples of whole paths of what capacity is planned for, where there are any (`contracts/forecast_paths.py`).
    """

    FORMAT: ClassVar[str] = "prestage/forecast"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"made_at", "seconds"})

    environment: str
    origin: AwareDatetime
    made_at: AwareDatetime
    seconds: float = Field(ge=0)
    levels: tuple[float, ...] = LEVELS
    series: tuple[SeriesForecast, ...]
    request_profiles: tuple[RequestProfile, ...] = ()
    models: tuple[ModelScore, ...] = ()
    blends: tuple[BlendWeights, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    demand: tuple[ResourceDemand, ...] = ()
    blocks: tuple[BlockOutlook, ...] = ()
    events: tuple[ExpectedEvent, ...] = ()
    history_digest: str
    state_digest: str = Field(default="", exclude_if=unsaid)  # of the fits that it went on from; none: all fitted anew
    values_file: str
    values_digest: str
    paths: int = Field(default=0, ge=0, exclude_if=unsaid)  # how many whole paths there are beside the quantiles
    paths_file: str = Field(default="", exclude_if=unsaid)
    paths_digest: str = Field(default="", exclude_if=unsaid)


class Peak(NamedTuple):
    """The largest step of a window: its value and when it begins."""

    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ForecastBundle:
    """A forecast and its values.

    Attributes:
        document: the description.
        values: per (series, granularity) an array of shape (steps, levels), in the series' canonical unit, finite,
            non-negative, non-decreasing along the levels.
        begins: when the first step of `values` begins, where that is later than the document's origin because periods
            that are over were left out; `origin` is right in both cases.
        paths: samples of what hourly series will be together: sums of them are sums on each path.
    """

    document: Forecast
    values: Mapping[tuple[SeriesKey, Granularity], NDArray[np.float64]]
    begins: datetime | None = None
    paths: Paths = field(default_factory=dict)

    @property
    def origin(self) -> datetime:
        return self.begins or self.document.origin

    def has(self, key: SeriesKey, granularity: Granularity = Granularity.HOURLY) -> bool:
        return (key, granularity) in self.values

    def curve(self, key: SeriesKey, level: float, granularity: Granularity = Granularity.HOURLY) -> NDArray[np.float64]:
        """The quantile at `level` (0.01 to 0.99, linear between the given levels) for every step.

        Raises:
            KeyError: no such series.
        """
        table = self.values[key, granularity]
        levels = np.asarray(self.document.levels)
        level = float(np.clip(level, levels[0], levels[-1]))
        right = int(np.clip(np.searchsorted(levels, level), 1, len(levels) - 1))
        share = (level - levels[right - 1]) / (levels[right] - levels[right - 1])
        curve: NDArray[np.float64] = table[:, right - 1] * (1 - share) + table[:, right] * share
        return curve

    def peak(self, key: SeriesKey, level: float, steps: int, granularity: Granularity = Granularity.HOURLY) -> Peak:
        """The largest value of the quantile curve over the first `steps` steps, and when it occurs."""
        curve = self.curve(key, level, granularity)[:steps]
        at = int(np.argmax(curve))
        step = timedelta(hours=1) if granularity is Granularity.HOURLY else timedelta(days=1)
        return Peak(float(curve[at]), self.origin + at * step)

    def since(self, now: datetime, hours: int) -> "ForecastBundle":
        """The same forecast without the whole periods of `hours` hours that are over by `now`.

        The period that is under way counts whole, so that all plans of one period are sized alike. Where the forecast
        ends before it, its last `hours` hours (and as many days) stand in.
        """
        period = timedelta(hours=hours)
        over = max(0, (now - self.origin) // period) * hours
        values = {
            (key, granularity): steps[
                _skipped(len(steps), over, hours, 1 if granularity is Granularity.HOURLY else 24) :
            ]
            for (key, granularity), steps in self.values.items()
        }
        longest = max((len(steps) for (_, each), steps in self.values.items() if each is Granularity.HOURLY), default=0)
        begins = self.origin + timedelta(hours=_skipped(longest, over, hours, 1))
        paths = {key: path[:, _skipped(path.shape[1], over, hours, 1) :] for key, path in self.paths.items()}
        return ForecastBundle(self.document, values, begins, paths)

    def moved(self, document: Forecast, values: Values) -> "ForecastBundle":
        """Another forecast of the same steps; the paths of each series go with the mean of its quantiles.

        Where those were 0 and are no more, paths have the new quantiles, in the order in which they stand elsewhere.
        """
        paths = {
            key: moved_paths(
                path, self.values[key, Granularity.HOURLY], values[key, Granularity.HOURLY], document.levels
            )
            for key, path in self.paths.items()
            if (key, Granularity.HOURLY) in values
        }
        return ForecastBundle(document, values, self.begins, paths)

    def subjects(self, kind: SeriesKind) -> tuple[str, ...]:
        """Subjects of all series of a kind, sorted."""
        return tuple(sorted({key.subject for key, _ in self.values if key.kind == kind}))


def _skipped(steps: int, hours_over: int, hours_needed: int, step_hours: int) -> int:
    """How many first steps are over, less those that have to stand in."""
    return max(0, min(hours_over // step_hours, steps - -(-hours_needed // step_hours)))
