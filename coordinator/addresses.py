"""Address requests: `allocateIP` of disclosure 10547586.

demandForecast = getDemandForecast(region, timeHorizon)          _outlook
score = calculateAllocationScore(request, demandForecast)        score.score_request
if score > threshold:
    stagedIPs = getStagedIPs(region, requirements)               a staged block: latency low
    else allocateIPsFromPool(requirements)                       a block carved from the pool: latency medium
else failure                                                     a refusal, with the score's parts
"""

from datetime import datetime, timedelta
from ipaddress import IPv4Network

import numpy as np

from contracts.capacity import CapacitySnapshot
from contracts.forecast import ForecastBundle
from contracts.names import is_link, link_ends
from contracts.requests import AddressRequest, Decision, Missing, Outcome, PeeringRequest, Requirements
from contracts.resources import CircuitSpec
from contracts.series import SeriesKey, SeriesKind
from coordinator.allowed import not_allowed
from coordinator.answers import Case, grant_units, refuse, stopwatch
from coordinator.follow import follow
from coordinator.forecast_door import forecast_of
from coordinator.ledger import requests
from coordinator.matching import match
from coordinator.on_demand import grant_on_demand
from coordinator.peering import check_regions
from coordinator.project import Project
from coordinator.reading import RECENT
from coordinator.score import Outlook, Scoring, score_request
from coordinator.settle import catch_up
from coordinator.stock import lots_for, units_of

_MEDIAN = 0.5


def answer_addresses(project: Project, request: AddressRequest) -> Decision:
    """Answers a request by its score: a staged block first, the region's pool second, or a refusal.

    Raises:
        UnknownName: the environment has no such region.
        RequestConflict: the id was used with another content.
        Busy, ApplyBusy: another process holds the ledger or the estate; nothing was changed.
    """
    check_regions(project.environment, request.region)
    catch_up(project)
    watch = stopwatch()
    with project.ledger.read() as tx:
        known = requests.find(tx, request)
    if known is not None:
        return known
    scoring = score_request(request, _outlook(project, request), project.environment.score)
    case = Case(request=request, ms=watch, score=scoring.total, score_parts=scoring.parts)
    answer = _decide_staged(project, case, request, scoring)
    if answer is None:
        answer = grant_on_demand(project, case, _as_peering(request), Outcome.POOL)
    follow(project.ledger, project.inventory, project.paths.follow_lock)
    return answer


def region_traffic(forecast: ForecastBundle | None, region: str, now: datetime, hours: int) -> float | None:
    """The predicted peak of a region's traffic over the next hours, gbps (median); `None` without a forecast of it.

    `getDemandForecast(region, timeHorizon)`: the region's own series where there is one, else the sum of its pairs.
    """
    if forecast is None:
        return None
    own = SeriesKey(SeriesKind.REGION_TRAFFIC, region)
    pairs = [
        SeriesKey(SeriesKind.TRAFFIC, pair)
        for pair in forecast.subjects(SeriesKind.TRAFFIC)
        if region in pair.split("->")
    ]
    keys = [own] if forecast.has(own) else [key for key in pairs if forecast.has(key)]
    if not keys:
        return None
    skipped = max(0, (now - forecast.document.origin) // timedelta(hours=1))
    curve = np.sum([forecast.curve(key, _MEDIAN) for key in keys], axis=0)
    window = curve[skipped : skipped + hours]
    return float((window if len(window) else curve).max())


def _decide_staged(project: Project, case: Case, request: AddressRequest, scoring: Scoring) -> Decision | None:
    """A staged block or a refusal for want of score, in one transaction; `None`: ask the pool."""
    with project.ledger.write() as tx:
        known = requests.find(tx, request)
        if known is not None:
            return known
        if not scoring.enough:
            why = "the score has to be above the environment's threshold"
            lacking = Missing(
                kind="score", place=request.region, wanted=scoring.threshold, available=scoring.total, why=why
            )
            return refuse(tx, case, [lacking])
        if denied := not_allowed(project.environment.rules, request.customer, request.region):
            return refuse(tx, case, denied)
        lots = lots_for(
            tx,
            request.customer,
            (request.region,),
            priority=request.priority,
            may_take_held=project.environment.unattended.priority_may_take_held,
        )
        found = match(Requirements(prefix_length=request.prefix_length), request.region, "", lots)
        return None if found.missing else grant_units(tx, case, units_of(tx, found.picks), Outcome.STAGED)


def _outlook(project: Project, request: AddressRequest) -> Outlook:
    path = project.paths.forecast
    forecast = forecast_of(project.paths.folder, project.environment) if path.exists() else None
    capacity = project.estate(young=RECENT)
    return Outlook(
        traffic_gbps=region_traffic(forecast, request.region, project.clock(), request.horizon_hours),
        carried_gbps=_carried(capacity, request.region),
        addresses_free_share=_free_share(capacity, request.region),
    )


def _carried(capacity: CapacitySnapshot, region: str) -> float:
    live = (item.resource for item in capacity.resources if is_link(item.resource.place))
    return float(
        sum(
            resource.spec.gbps * resource.spec.count
            for resource in live
            if isinstance(resource.spec, CircuitSpec) and region in link_ends(resource.place)
        )
    )


def _free_share(capacity: CapacitySnapshot, region: str) -> float:
    pools = [pool for pool in capacity.pools if pool.region == region]
    total = sum(IPv4Network(pool.cidr).num_addresses for pool in pools)
    taken = sum(IPv4Network(prefix).num_addresses for pool in pools for prefix in pool.taken)
    return 1 - taken / total if total else 0.0


def _as_peering(request: AddressRequest) -> PeeringRequest:
    """What has to be made when no staged block fits: a block of the region, and nothing else."""
    return PeeringRequest(
        id=request.id,
        customer=request.customer,
        source=request.region,
        destination=request.region,
        requirements=Requirements(prefix_length=request.prefix_length),
        duration_hours=request.duration_hours,
        priority=request.priority,
    )
