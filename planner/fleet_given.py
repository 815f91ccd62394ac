"""What is given to a fleet: compute and circuits that are pinned count, and a fleet is planned beside them.

Pinned compute becomes instance types of its own: there alone, so many, and for nothing, as it is paid for anyway. What
is pinned is not bought again under the same key, so that its shape is not offered there in the same way. Regions that
are left as they are keep their failover entries: what these may send to a region is held there firm, beside the rest.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from contracts.resources import CircuitSpec, ComputeSpec, FailoverSpec, Purchase, Purpose, Resource
from planner.errors import InputsDisagree
from planner.fleet import FleetProblem
from planner.fleet.problem import NOT_OFFERED, Floats, Ints
from planner.fleet_arrays import Axes
from planner.given import Given
from planner.market import Market
from planner.question import Question


def with_given(question: Question, market: Market, axes: Axes, problem: FleetProblem, given: Given) -> FleetProblem:
    """The problem in which what is given counts: types beyond the shapes are what is given.

    Raises:
        InputsDisagree: a failover entry of a region that is planned is pinned: its shares are the fleet's to choose.
    """
    _refuse_entries(question, given)
    problem = _held_for_frozen(question, market, axes, problem, given)
    problem = _with_circuits(market, axes, problem, given)
    return _with_compute(axes, problem, tuple(_compute(axes, given)))


def given_counts(axes: Axes, problem: FleetProblem, committed: Ints, spot: Ints) -> None:
    """Puts what is given into counts: (R, T), and (R, T, H)."""
    beyond = slice(len(axes.shapes), None)
    stock = problem.stock[:, beyond].astype(np.int64)
    committed[:, beyond] = np.where(problem.committed_usd[:, beyond] < NOT_OFFERED, stock, 0)
    spot[:, beyond] = np.where(problem.spot_usd[:, beyond] < NOT_OFFERED, stock, 0)[:, :, None]


def _refuse_entries(question: Question, given: Given) -> None:
    for key, item in given.resources.items():
        if isinstance(item.resource.spec, FailoverSpec) and not question.is_frozen(item.resource.place):
            raise InputsDisagree(
                f"{key} is pinned, and where the reserve is shared all shares are chosen together",
                where="pins",
                expected="pins of compute, circuits, storage and addresses where failover.reserve is shared",
                next_step=f"take {key} out of pins, or pause the region",
            )


def _compute(axes: Axes, given: Given) -> Iterator[Resource]:
    regions, shapes = set(axes.regions), {shape.name for shape in axes.shapes}
    for item in given.resources.values():
        resource = item.resource
        known = isinstance(resource.spec, ComputeSpec) and resource.spec.shape in shapes
        if known and resource.purpose is Purpose.SERVING and resource.place in regions:
            yield resource


def _with_compute(axes: Axes, problem: FleetProblem, resources: tuple[Resource, ...]) -> FleetProblem:
    if not resources:
        return problem
    region_at = {name: at for at, name in enumerate(axes.regions)}
    type_at = {shape.name: at for at, shape in enumerate(axes.shapes)}
    specs = [(resource, resource.spec) for resource in resources if isinstance(resource.spec, ComputeSpec)]
    spot_vcpu = np.zeros((problem.regions, problem.hours))
    kinds = tuple(sorted({(spec.shape, spec.purchase is not Purchase.SPOT) for _, spec in specs}))
    types = np.array([type_at[shape] for shape, _ in kinds])
    stock = np.zeros((len(axes.regions), len(kinds)))
    usd = {name: getattr(problem, _PRICE[name]).copy() for name in Purchase}
    for resource, spec in specs:
        at = region_at[resource.place]
        stock[at, kinds.index((spec.shape, spec.purchase is not Purchase.SPOT))] += spec.count_at(None)
        usd[spec.purchase][at, type_at[spec.shape]] = NOT_OFFERED
        if spec.by_hour and spec.purchase is Purchase.SPOT:
            some = np.array(spec.by_hour) - spec.count_at(None)  # those of some hours alone
            spot_vcpu[at] += some * problem.gives[type_at[spec.shape], 0]
    firm = np.array([firm for _, firm in kinds])
    free = {Purchase.COMMITTED: firm & (stock > 0), Purchase.SPOT: ~firm & (stock > 0)}
    none = np.zeros(stock.shape, dtype=bool)
    prices = {
        _PRICE[name]: np.concatenate([usd[name], np.where(free.get(name, none), 0.0, NOT_OFFERED)], 1)
        for name in Purchase
    }
    quota = problem.quota
    if quota.size:  # what is given is in what may be used already
        quota = quota + stock @ problem.gives[types]
    return replace(
        problem,
        gives=np.concatenate([problem.gives, problem.gives[types]]),
        loss=np.concatenate([problem.loss, problem.loss[types]]),
        stock=np.concatenate([problem.stock, stock], 1),
        quota=quota,
        spot_share=_less(problem, spot_vcpu),
        **prices,
    )


def _less(problem: FleetProblem, spot_vcpu: Floats) -> Floats:
    """(R,) share of demand that spot may meet beside (R, H) vCPU of spot that are given, at its tightest hour."""
    demand = problem.demand[:, 0]
    taken = np.divide(spot_vcpu, demand, out=np.zeros_like(spot_vcpu), where=demand > 0)
    return np.asarray(np.maximum(problem.spot_share - taken.max(1), 0.0))


_PRICE = {
    Purchase.COMMITTED: "committed_usd",
    Purchase.ON_DEMAND: "on_demand_usd",
    Purchase.SPOT: "spot_usd",
}


def _with_circuits(market: Market, axes: Axes, problem: FleetProblem, given: Given) -> FleetProblem:
    """Circuits that are given carry what they can of what is reserved; no more of their tier are bought beside them."""
    link_at = {name: at for at, name in enumerate(axes.links)}
    tier_at = {name: at for at, name in enumerate(market.tiers)}
    gbps, tier_usd = problem.gbps.copy(), problem.tier_usd.copy()
    for item in given.resources.values():
        spec, place = item.resource.spec, item.resource.place
        if isinstance(spec, CircuitSpec) and item.resource.purpose is Purpose.SERVING and place in link_at:
            gbps[link_at[place]] = max(0.0, gbps[link_at[place]] - spec.gbps * spec.count)
            if spec.tier in tier_at:
                tier_usd[link_at[place], tier_at[spec.tier]] = NOT_OFFERED
    return replace(problem, gbps=gbps, tier_usd=tier_usd)


def _held_for_frozen(
    question: Question, market: Market, axes: Axes, problem: FleetProblem, given: Given
) -> FleetProblem:
    """Regions hold firm what entries of regions that are left as they are may send to them, the largest of them."""
    region_at = {name: at for at, name in enumerate(axes.regions)}
    loads: dict[str, Floats] = {}
    for item in given.resources.values():
        place, spec = item.resource.place, item.resource.spec
        if isinstance(spec, ComputeSpec) and item.resource.purpose is Purpose.SERVING and question.is_frozen(place):
            at = next((at for at, shape in enumerate(axes.shapes) if shape.name == spec.shape), None)
            if at is not None:
                loads[place] = loads.get(place, np.zeros(problem.gives.shape[1])) + problem.gives[at] * spec.count
    held = np.zeros((problem.regions, problem.gives.shape[1]))
    for item in given.resources.values():
        place, spec = item.resource.place, item.resource.spec
        if isinstance(spec, FailoverSpec) and place in loads and spec.partner in region_at:
            share = question.environment.critical_share_of(place) * spec.share
            at = region_at[spec.partner]
            held[at] = np.maximum(held[at], loads[place] * share)
    held[:, 3] = 0.0  # what shapes give of network is more than anybody asks of it
    return replace(problem, critical=problem.critical + held[:, :, None]) if held.any() else problem
