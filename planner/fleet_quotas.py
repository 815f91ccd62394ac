"""What regions may have in all: the quotas that a fleet is planned within, and what no fleet could meet within them.

Quotas are looked at hour by hour: what is scaled by schedule takes of them what runs at that hour.
"""

from collections.abc import Iterable, Iterator, Set

import numpy as np

from contracts.capacity import CapacityKind
from contracts.plan import Requirement, Shortfall
from contracts.resources import HOURS_A_DAY, ComputeSpec, Resource
from planner.desired import Desired
from planner.fleet import FleetProblem
from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, Floats
from planner.fleet_arrays import KINDS, Axes, Needs, by_place
from planner.market import Amounts, Market
from planner.requirements import rounded
from planner.shortfalls import ONE_DOMAIN, shortfall


def fleet_quotas(market: Market, axes: Axes, gives: Floats, given: Amounts) -> Floats:
    """(R, K) what a fleet may have of each resource: what may be used, without what is given; infinite where unstated.

    Empty where none is stated at all. Of a resource that every type gives in multiples of something, it is brought down
    to a multiple.

    Args:
        market: with what may be used.
        axes: regions.
        gives: (T, K) what one instance of a type gives.
        given: what other resources take, by place and kind.
    """
    found = np.full((len(axes.regions), len(KINDS)), np.inf)
    for at, region in enumerate(axes.regions):
        for kind, name in enumerate(KINDS):
            most = market.available.get((region, name))
            if most is not None:
                found[at, kind] = max(0.0, most - given.get((region, name), 0.0))
    if np.isinf(found).all():
        return found[:0]
    whole = np.round(gives).astype(np.int64)
    steps = np.where((whole == gives).all(0), np.gcd.reduce(whole, axis=0), 0)
    step = np.maximum(steps, 1)
    return np.where((steps > 0) & np.isfinite(found), np.floor(found / step + 1e-9) * step, found)


def link_quotas(market: Market, axes: Axes, problem: FleetProblem, given: Amounts) -> Floats:
    """(N,) Gbps that circuits of a link may come to: what may be used, without what is given; infinite where unstated.

    Empty where none is stated at all. It is brought down to a multiple of the smallest circuit that is sold there.

    Args:
        market: with what may be used.
        axes: links.
        problem: what circuits there are, and their prices.
        given: what other resources take, by place and kind.
    """
    stated = [market.available.get((link, CapacityKind.GBPS)) for link in axes.links]
    if all(most is None for most in stated):
        return np.zeros(0)
    taken = [given.get((link, CapacityKind.GBPS), 0.0) for link in axes.links]
    found = np.array(
        [np.inf if most is None else max(0.0, most - own) for most, own in zip(stated, taken, strict=True)]
    )
    smallest = np.where(problem.tier_usd < NOT_OFFERED, problem.tier_gbps, np.inf).min(1)
    step = np.where(np.isfinite(smallest), smallest, problem.tier_gbps[0])
    return np.where(np.isfinite(found), np.floor(found / step + 1e-9) * step, np.inf)


def never_met(
    problem: FleetProblem, axes: Axes, needs: Iterable[Requirement], domains: Set[str]
) -> tuple[Shortfall, ...]:
    """What no fleet could meet, whatever else it did: demand beyond quotas, stock or offers; too few partners."""
    known = by_place(needs)
    found = (*_beyond(problem, axes, known), *_over_links(problem, axes, known))
    return (*found, *_unbacked(problem, axes, known, few_alone=bool(found), one_domain=len(domains) == 1))


def _beyond(problem: FleetProblem, axes: Axes, known: Needs) -> Iterator[Shortfall]:
    sold = np.minimum(np.minimum(problem.on_demand_usd, problem.committed_usd), problem.spot_usd) < NOT_OFFERED
    stock = np.where(sold, np.floor(problem.stock), 0.0)
    for at, region in enumerate(axes.regions):
        for kind, name in enumerate(KINDS):
            gives = problem.gives[:, kind]
            in_stock = float((stock[at][gives > 0] * gives[gives > 0]).sum())
            most, need = min(in_stock, float(problem.quotas[at, kind])), known.get((region, name))
            peak = float(problem.demand[at, kind].max())
            if need is not None and peak > most * (1 + 1e-9):
                yield shortfall(need, most, sold=bool((sold[at] & (gives > 0)).any()))


def _over_links(problem: FleetProblem, axes: Axes, known: Needs) -> Iterator[Shortfall]:
    """Links that are reserved more than their quotas let circuits come to."""
    for at in np.flatnonzero(problem.gbps > problem.link_quotas * (1 + 1e-9)).tolist():
        need = known.get((axes.links[at], CapacityKind.GBPS))
        if need is not None:
            yield shortfall(need, float(problem.link_quotas[at]))


def _unbacked(
    problem: FleetProblem, axes: Axes, known: Needs, *, few_alone: bool, one_domain: bool
) -> Iterator[Shortfall]:
    """Regions that too few others may carry: none carries more than half, nor more than circuits may.

    Args:
        problem: whose.
        axes: names of regions and links.
        known: what must be met.
        few_alone: whether circuits are left out of it.
        one_domain: whether all regions stand in one fault domain.
    """
    carried = _carried(problem)
    for at in np.flatnonzero(carried < 1 - 1e-9).tolist():
        region, critical = axes.regions[at], float(problem.critical[at, 0].max())
        need = known.get((region, CapacityKind.VCPU))
        if need is None or critical <= 0:
            continue
        may = problem.carries if problem.carries.size else np.ones(problem.pairs.shape, dtype=np.bool_)
        ends = problem.pairs[((problem.pairs == at) & may).any(1)]
        names = ", ".join(axes.regions[other] for other in ends[ends != at].tolist())
        few = len(ends) * MOST_SHARE < 1
        if few_alone and not few:
            continue
        yield Shortfall(
            place=region,
            kind=CapacityKind.VCPU,
            wanted=rounded(critical),
            available=rounded(critical * float(carried[at])),
            at=need.forecast.at if need.forecast else None,
            series=need.forecast.series if need.forecast else None,
            nearest=_too_few(names, one_domain=one_domain)
            if few
            else f"partners ({names}) may carry {carried[at]:.0%} of its critical load, as quotas leave no more Gbps "
            f"for its replication: raise the quota of {' or '.join(_full(problem, axes, at))}",
        )


def _too_few(partners: str, *, one_domain: bool) -> str:
    """What to do where less than two regions may carry another's load. A dedicated reserve needs one."""
    if one_domain:
        return f"{ONE_DOMAIN}: add regions of two others, or set failover.critical_share to 0"
    told = (
        f"partners ({partners or 'no region of another fault domain near enough'}) may carry half of its critical load"
    )
    more = "add regions near it, or set failover.reserve to dedicated" if partners else "or add regions near it"
    return f"{told} each, and two are needed: raise failover.max_latency_ms, {more}"


def _most_shares(problem: FleetProblem) -> Floats:
    """(P, 2) what each arc carries at most: half, or what circuits within quotas replicate; 0 where it may not."""
    speed = problem.replication_gbps[problem.pairs]
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(speed > 0, problem.pair_room[:, None] / speed, np.inf)
    may = problem.carries if problem.carries.size else np.ones(problem.pairs.shape, dtype=np.bool_)
    return np.where(may, np.minimum(most, MOST_SHARE), 0.0)


def _carried(problem: FleetProblem) -> Floats:
    """(R,) which part of each region's critical load others carry at most."""
    found = np.zeros(problem.regions)
    np.add.at(found, problem.pairs, _most_shares(problem))
    return found


def _full(problem: FleetProblem, axes: Axes, region: int) -> list[str]:
    """Links to a region's partners that carry less than half of it."""
    own = (problem.pairs == region) & (_most_shares(problem) < MOST_SHARE)
    return [axes.links[at] for at in problem.pair_links[own.any(1)].tolist()]


def fleet_shortfalls(desired: Desired, needs: Iterable[Requirement]) -> tuple[Shortfall, ...]:
    """Quotas that a plan goes beyond at some hour: of links, and of regions together with what is given."""
    found, known = [], by_place(needs)
    for (place, kind), by_hour in sorted(_used(desired).items()):
        most, need, amount = desired.market.available.get((place, kind)), known.get((place, kind)), float(by_hour.max())
        if most is not None and need is not None and amount > most * (1 + 1e-9):
            found.append(shortfall(need.model_copy(update={"quantity": rounded(amount)}), most))
    return tuple(found)


def _used(desired: Desired) -> dict[tuple[str, CapacityKind], Floats]:
    """(24,) what all resources take, by place and kind."""
    used: dict[tuple[str, CapacityKind], Floats] = {}
    for item in desired.resources.values():
        part = _part_by_hour(item.resource)
        for what, amount in desired.market.use(item.resource).items():
            used[what] = used.get(what, np.zeros(HOURS_A_DAY)) + amount * part
    return used


def _part_by_hour(resource: Resource) -> Floats:
    """(24,) which part of what a resource takes at most it takes at an hour."""
    spec = resource.spec
    if not isinstance(spec, ComputeSpec) or not spec.by_hour or not spec.count:
        return np.ones(HOURS_A_DAY)
    return np.array([spec.count_at(hour) / spec.count for hour in range(HOURS_A_DAY)])
