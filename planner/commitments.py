"""Which serving capacity would be cheaper committed (reserved, committed use): advice, beside the desired state.

An instance that is committed is paid whether it is used or not. It pays when the share of time in which demand reaches
it is at least the ratio of the committed price to the price on demand: the newsvendor's critical ratio, as for sizes
(Arrow, Harris and Marschak 1951). The share is the mean, over the steps of the longest forecast there is, of the
probability that demand is at least so large, read off the quantiles.
"""

from collections.abc import Iterable, Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import ForecastBundle
from contracts.plan import CommitmentAdvice, PlannedResource
from contracts.resources import ComputeSpec, Purchase, Purpose
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.market import Market
from planner.requirements import rounded


def advise_commitments(
    forecast: ForecastBundle, market: Market, wanted: Iterable[PlannedResource]
) -> tuple[CommitmentAdvice, ...]:
    """What would save money if it were committed, by region and shape; of a region's shapes the cheapest ratio first.

    Args:
        forecast: quantiles of each region's vCPU demand; a region without them gets no advice.
        market: prices on demand and committed; a shape without a committed price gets none.
        wanted: the plan's resources.
    """
    regions: dict[str, list[_Candidate]] = {}
    for candidate in _candidates(market, wanted):
        regions.setdefault(candidate[0], []).append(candidate)
    return tuple(advice for region in sorted(regions) for advice in _of_region(forecast, market, regions[region]))


_Candidate = tuple[str, str, int, float, float]  # region, shape, instances, USD per hour on demand, committed


def _candidates(market: Market, wanted: Iterable[PlannedResource]) -> Iterator[_Candidate]:
    for item in wanted:
        resource, spec = item.resource, item.resource.spec
        if not isinstance(spec, ComputeSpec) or resource.purpose is not Purpose.SERVING:
            continue
        if spec.purchase is not Purchase.ON_DEMAND or spec.shape not in market.shapes:
            continue
        usd = market.price(resource.place, spec.shape)
        committed = market.price(resource.place, spec.shape, Purchase.COMMITTED)
        if usd and committed is not None and committed < usd:
            yield resource.place, spec.shape, spec.count, usd, committed


def _of_region(forecast: ForecastBundle, market: Market, candidates: list[_Candidate]) -> Iterator[CommitmentAdvice]:
    key = SeriesKey(SeriesKind.CPU, candidates[0][0])
    table = _longest(forecast, key)
    base = 0.0
    for region, shape, instances, usd, committed in sorted(candidates, key=lambda item: (item[4] / item[3], item[1])):
        if table is None:
            return
        vcpu = market.shapes[shape].vcpu
        shares = _shares_used(table, forecast.document.levels, base, vcpu, instances)
        paying = [share for share in shares if share >= committed / usd]
        base += vcpu * len(paying)
        if paying:
            yield CommitmentAdvice(
                place=region,
                shape=shape,
                count=len(paying),
                of=instances,
                break_even=rounded(committed / usd),
                used=rounded(paying[-1]),
                on_demand_usd_per_hour=usd,
                committed_usd_per_hour=committed,
                saves_usd_per_hour=rounded(sum(share * usd - committed for share in paying)),
                series=str(key),
            )


def _longest(forecast: ForecastBundle, key: SeriesKey) -> NDArray[np.float64] | None:
    """Quantiles of all steps, (steps, levels): daily ones reach further than hourly ones."""
    for granularity in (Granularity.DAILY, Granularity.HOURLY):
        if forecast.has(key, granularity):
            return forecast.values[key, granularity]
    return None


def _shares_used(
    table: NDArray[np.float64], levels: tuple[float, ...], base: float, vcpu: int, instances: int
) -> Iterator[float]:
    """For each instance in turn, the share of time in which demand needs all of it and what comes before. Falls."""
    for number in count(1):
        if number > instances:
            return
        demand = base + number * vcpu
        yield float(np.mean([1.0 - np.interp(demand, step, levels) for step in table]))
