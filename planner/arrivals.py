"""Requests that are expected to come: mean and variance of each pair's forecast within so many hours."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import ForecastBundle, RequestProfile
from contracts.names import link_name, pair_ends
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.market import Market
from planner.question import Question

HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Requests of one pair within some hours, and what each takes, in units by kind."""

    pair: str
    mean: float
    variance: float
    profile: RequestProfile

    @property
    def joins(self) -> bool:
        """Whether they ask for a peering; else for nothing but addresses of one region."""
        source, destination = pair_ends(self.pair)
        return source != destination


def expected_requests(forecast: ForecastBundle, pair: str, hours: int) -> tuple[float, float] | None:
    """Mean and variance of a pair's requests within so many hours: of days where days are forecast, else of hours.

    Steps count as independent of one another. Of a day that is needed in part, the requests of its first hours are the
    share of its requests that the hours of the forecast say, or of its hours where none are forecast: each request of
    the day comes in these hours with that probability, so that a share s of a mean m and a variance v has mean s m and
    variance s^2 (v - m) + s m.
    """
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, pair)
    for granularity, length in ((Granularity.DAILY, HOURS_A_DAY), (Granularity.HOURLY, 1)):
        if forecast.has(key, granularity):
            steps = forecast.values[key, granularity][: math.ceil(hours / length)]
            parts = np.minimum(1.0, hours / length - np.arange(len(steps)))
            weights = _level_weights(forecast.document.levels)
            means = steps @ weights
            variances = np.maximum(0.0, (steps**2) @ weights - means**2)
            if len(parts) and parts[-1] < 1:
                parts[-1] = _share_of_day(forecast, key, len(parts) - 1, parts[-1])
            return float(parts @ means), float(parts**2 @ variances + (parts - parts**2) @ means)
    return None


def _share_of_day(forecast: ForecastBundle, key: SeriesKey, day: int, share: float) -> float:
    """Which share of a day's requests comes in a share of it from its beginning on."""
    if not forecast.has(key, Granularity.HOURLY):
        return share
    weights = _level_weights(forecast.document.levels)
    hours = forecast.values[key, Granularity.HOURLY][day * HOURS_A_DAY : (day + 1) * HOURS_A_DAY] @ weights
    if len(hours) < HOURS_A_DAY or hours.sum() <= 0:
        return share
    return float(hours[: round(share * HOURS_A_DAY)].sum() / hours.sum())


def requests_at(mean: float, variance: float, level: float) -> int:
    """The quantile of a count by its normal approximation with continuity correction."""
    return max(0, math.ceil(mean + NormalDist().inv_cdf(level) * math.sqrt(variance) - 0.5 - 1e-9))


def expected_arrivals(question: Question, market: Market) -> Iterator[Arrivals]:
    """Of every pair that requests are forecast for and can be answered, until what is staged next would be there."""
    hours = question.environment.staging.replenish_hours
    hours += max(question.environment.horizons.lead_hours.values(), default=0)
    profiles = {(item.source, item.destination): item for item in question.forecast.document.request_profiles}
    regions = {region.name for region in question.environment.regions}
    for pair in question.forecast.subjects(SeriesKind.PEERING_REQUESTS):
        source, destination = pair_ends(pair)
        link, profile = link_name(source, destination), profiles.get((source, destination))
        joined = source == destination or link in market.links
        if profile is None or not joined or not regions.issuperset((source, destination)):
            continue
        expected = expected_requests(question.forecast, pair, hours)
        if expected is not None and expected[0] > 0:
            yield Arrivals(pair, *expected, profile)


def within(question: Question, arrivals: Arrivals, hours: int) -> Arrivals:
    """A pair's requests of so many hours: until more of what takes them is staged, and there."""
    expected = expected_requests(question.forecast, arrivals.pair, hours)
    mean, variance = expected or (0.0, 0.0)
    return replace(arrivals, mean=mean, variance=variance)


def _level_weights(levels: tuple[float, ...]) -> NDArray[np.float64]:
    """How much of the probability each quantile level stands for: half way to its neighbours, and to 0 and 1."""
    edges = np.concatenate([[0.0], (np.array(levels[:-1]) + np.array(levels[1:])) / 2, [1.0]])
    weights: NDArray[np.float64] = np.diff(edges)
    return weights
