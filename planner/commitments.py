"""Which serving capacity would be cheaper committed (reserved, committed use): advice, beside the desired state.

An instance that is committed is paid whether it is used or not. What it saves in an hour is its price on demand where
plans would have it in that hour anyhow, and else as much of the cost of a miss as it averts
(`planner/recourse/two_stage.py`). It pays where the mean of that share over the steps of the longest forecast there is
reaches the ratio of the committed price to the price on demand.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile

import numpy as np

from contracts.capacity import CapacityKind
from contracts.commitment_advice import CommitmentAdvice
from contracts.failover import Reserve
from contracts.forecast import ForecastBundle
from contracts.plan import PlannedResource
from contracts.resources import ComputeSpec, Purchase, Purpose
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.market import Market
from planner.question import Question
from planner.recourse.distribution import DemandByHour, Matrix
from planner.recourse.two_stage import UPDATE_KNOWS, UnitPrices, worth_of_next
from planner.requirements import quantile_level, rounded


def advise_commitments(
    question: Question, market: Market, wanted: Iterable[PlannedResource]
) -> tuple[CommitmentAdvice, ...]:
    """What would save money if it were committed, by region and shape; of a region's shapes the cheapest ratio first.

    Args:
        question: with the forecast of each region's vCPU demand; a region without one gets no advice.
        market: prices on demand and committed; a shape without a committed price gets none.
        wanted: the plan's resources.
    """
    regions: dict[str, list[_Candidate]] = {}
    for candidate in _candidates(market, wanted):
        if _decided(question, candidate[0]):
            continue
        regions.setdefault(candidate[0], []).append(candidate)
    return tuple(advice for region in sorted(regions) for advice in _of_region(question, market, regions[region]))


def _decided(question: Question, region: str) -> bool:
    """Whether the plan itself chose what is committed there (`planner.fleets`)."""
    environment = question.environment
    shared = environment.failover.reserve is Reserve.SHARED
    return shared and environment.purchases_of(region).committed and environment.buys_commitments(region)


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


def _of_region(question: Question, market: Market, candidates: list[_Candidate]) -> Iterator[CommitmentAdvice]:
    key = SeriesKey(SeriesKind.CPU, candidates[0][0])
    demand, base = _longest(question.forecast, key), 0.0
    if demand is None:
        return
    level = quantile_level(question.environment, CapacityKind.VCPU, market.unit_price(key.subject, CapacityKind.VCPU))
    for region, shape, instances, usd, committed in sorted(candidates, key=lambda item: (item[4] / item[3], item[1])):
        vcpu = market.shapes[shape].vcpu
        shares = (saved_share(demand, level, base + number * vcpu) for number in range(1, instances + 1))
        paying = list(takewhile((committed / usd).__le__, shares))
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


def _longest(forecast: ForecastBundle, key: SeriesKey) -> DemandByHour | None:
    """Quantiles of all steps: daily ones reach further than hourly ones."""
    for granularity in (Granularity.DAILY, Granularity.HOURLY):
        if forecast.has(key, granularity):
            return DemandByHour(forecast.document.levels, forecast.values[key, granularity])
    return None


def saved_share(demand: DemandByHour, level: float, beside: float) -> float:
    """What the last of so many committed vCPUs saves, as a share of its price on demand: 0 to 1, and it falls.

    Plans are sized at a quantile, that is, as if a miss cost price / (1 - quantile).
    """
    prices = UnitPrices(committed=0.0, level=1.0, miss=1.0 / (1.0 - level))
    known: Matrix = np.full(demand.hours, UPDATE_KNOWS)
    return float(worth_of_next(demand, known, prices, beside).mean())
