"""Judges a whole plan document from outside, out of contracts alone: the planner's own code has no part in it.

Prices from the snapshot's offers, sizes from the catalog, forecast numbers from the forecast's own tables; quotas,
stock, blocks and partners counted again; each region, or each fault domain, lost in turn; partners and replicas within
the residency of what they carry. `rules.allowed_regions` is about who is granted what, which plans of staged units do
not say: it is not judged here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from ipaddress import ip_network
from itertools import combinations

from contracts.capacity import CapacityKind
from contracts.names import link_ends, link_name
from contracts.plan import Operation, Plan
from contracts.resources import BlockSpec, CircuitSpec, ComputeSpec, Purchase, Purpose
from contracts.series import SeriesKind
from tests.planner.failover_checker import loss_breaches, partner_breaches
from tests.planner.plan_breach import HOURS, SLIGHT, Breach, Rule
from tests.planner.plan_facts import (
    Amounts,
    Asked,
    held,
    resources_of,
    series_key,
    serving_needs,
    takes,
    usd_per_hour,
    wanted_at,
)
from tests.planner.storage_checker import residency_breaches, storage_breaches

__all__ = ["Breach", "Rule", "breaches"]

CENTS = 2e-3
"""USD an hour that rounding may hide."""


def breaches(asked: Asked, plan: Plan) -> tuple[Breach, ...]:
    """Everything that is wrong with a plan."""
    checks = (
        _costs,
        _offers,
        _quotas,
        _stock,
        _blocks,
        _links,
        partner_breaches,
        loss_breaches,
        _spot,
        _demand,
        _forecast,
        _changes,
        storage_breaches,
        residency_breaches,
    )
    return tuple(breach for check in checks for breach in check(asked, plan))


def _offers(asked: Asked, plan: Plan) -> Iterator[Breach]:
    for resource in resources_of(plan):
        if usd_per_hour(asked, resource) is None and resource.purpose is not Purpose.GRANTED:
            yield Breach(rule=Rule.OFFER, where=resource.key, what="is not offered there")


def _costs(asked: Asked, plan: Plan) -> Iterator[Breach]:
    for planned in plan.resources:
        usd = usd_per_hour(asked, planned.resource)
        if usd is not None and abs(usd - planned.usd_per_hour) > CENTS:
            said = f"USD {planned.usd_per_hour:.4f} an hour is stated, prices say {usd:.4f}"
            yield Breach(rule=Rule.COST, where=planned.resource.key, what=said)
    total, cost = sum(planned.usd_per_hour for planned in plan.resources), plan.cost
    rounding = CENTS + 5e-5 * len(plan.resources)
    if abs(total - cost.after_usd_per_hour) > rounding:
        said = f"USD {cost.after_usd_per_hour:.4f} an hour is stated, the resources add up to {total:.4f}"
        yield Breach(rule=Rule.COST, where="plan", what=said)
    moved = cost.before_usd_per_hour + sum(change.usd_per_hour for change in plan.changes)
    if abs(moved - cost.after_usd_per_hour) > rounding:
        said = f"before and changes come to USD {moved:.4f} an hour, after is {cost.after_usd_per_hour:.4f}"
        yield Breach(rule=Rule.COST, where="plan", what=said)
    if not cost.lower_bound_usd_per_hour <= cost.optimised_usd_per_hour <= cost.after_usd_per_hour + rounding:
        said = f"bound {cost.lower_bound_usd_per_hour}, optimised {cost.optimised_usd_per_hour}, all {total:.4f}"
        yield Breach(rule=Rule.COST, where="plan", what=said)


def _quotas(asked: Asked, plan: Plan) -> Iterator[Breach]:
    room = {(quota.place, quota.kind): quota.available for quota in asked.capacity.quotas}
    for hour in HOURS:
        for what, amount in held(asked, resources_of(plan), hour).items():
            if what in room and amount > room[what] + SLIGHT:
                said = f"{amount:g} {what[1]} at hour {hour}, {room[what]:g} may be used"
                yield Breach(rule=Rule.QUOTA, where=what[0], what=said)


def _stock(asked: Asked, plan: Plan) -> Iterator[Breach]:
    most = {(stock.place, stock.item): stock.count for stock in asked.capacity.stock}
    for hour in HOURS:
        used: Counter[tuple[str, str]] = Counter()
        for resource in resources_of(plan):
            if isinstance(resource.spec, ComputeSpec):
                used[resource.place, resource.spec.shape] += resource.spec.count_at(hour)
        for what, count in used.items():
            if count > most.get(what, count):
                said = f"{count} of {what[1]} at hour {hour}, {most[what]} can be had"
                yield Breach(rule=Rule.STOCK, where=what[0], what=said)


def _blocks(asked: Asked, plan: Plan) -> Iterator[Breach]:
    pools = {pool.cidr: pool for pool in asked.capacity.pools}
    live = {item.resource.spec.prefix for item in asked.capacity.resources if isinstance(item.resource.spec, BlockSpec)}
    ours = [(item.key, item.place, item.spec) for item in resources_of(plan) if isinstance(item.spec, BlockSpec)]
    taken = [(f"taken {prefix}", prefix) for pool in pools.values() for prefix in pool.taken if prefix not in live]
    for key, place, spec in ours:
        pool = pools.get(spec.pool)
        if pool is None or pool.region != place or not _inside(spec.prefix, spec.pool):
            yield Breach(rule=Rule.BLOCK, where=key, what=f"{spec.prefix} is not within a pool of {place}")
    everything = [*((key, spec.prefix) for key, _, spec in ours), *taken]
    for (one, prefix), (other, its) in combinations(everything, 2):
        if ip_network(prefix).overlaps(ip_network(its)) and not (one.startswith("taken") and other.startswith("taken")):
            yield Breach(rule=Rule.BLOCK, where=one, what=f"{prefix} overlaps {its} of {other}")


def _inside(prefix: str, pool: str) -> bool:
    one, other = ip_network(prefix), ip_network(pool)
    return one.version == other.version and other.supernet_of(one)  # type: ignore[arg-type]  # of one version


def _links(asked: Asked, plan: Plan) -> Iterator[Breach]:
    known = {link_name(link.a, link.b) for link in asked.capacity.links}
    for resource in resources_of(plan):
        if isinstance(resource.spec, CircuitSpec) and resource.place not in known:
            yield Breach(
                rule=Rule.LINK, where=resource.key, what=f"no link joins {' and '.join(link_ends(resource.place))}"
            )


def _spot(asked: Asked, plan: Plan) -> Iterator[Breach]:
    general = asked.environment.purchases
    allowed = {region.name: (region.purchases or general).spot_share for region in asked.environment.regions}
    needs = serving_needs(plan, CapacityKind.VCPU)
    for hour in HOURS:
        spot = [
            item
            for item in resources_of(plan)
            if isinstance(item.spec, ComputeSpec) and item.spec.purchase is Purchase.SPOT
        ]
        for (place, kind), amount in held(asked, spot, hour).items():
            if kind is CapacityKind.VCPU and place in needs:
                most = allowed.get(place, 0.0) * wanted_at(asked, needs[place], needs[place].quantity, hour)
                if amount > most + SLIGHT:
                    said = f"{amount:g} vCPU of spot at hour {hour}, {most:g} at most"
                    yield Breach(rule=Rule.SPOT, where=place, what=said)


def _demand(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """What serves, hour by hour, against what must serve; spot for what is left of it."""
    serving = [item for item in resources_of(plan) if item.purpose is Purpose.SERVING]
    loss = {
        (offer.place, offer.item): offer.loss_share
        for offer in asked.capacity.offers
        if offer.purchase is Purchase.SPOT
    }
    for hour in HOURS:
        serves: Amounts = defaultdict(float)
        for item in serving:
            left = 1.0
            if isinstance(item.spec, ComputeSpec) and item.spec.purchase is Purchase.SPOT:
                left -= loss.get((item.place, item.spec.shape), 0.0)
            for (place, kind), amount in takes(asked, item, hour).items():
                serves[place, kind] += left * amount if place == item.place else 0.0
        for need in plan.requirements:
            if need.id.endswith("/serving"):
                wanted = wanted_at(asked, need, need.quantity, hour) if need.kind in _BY_HOUR else need.quantity
                have = serves.get((need.place, need.kind), 0.0)
                if have < wanted - SLIGHT * max(1.0, wanted):
                    said = f"{have:g} {need.kind} at hour {hour}, {wanted:g} wanted"
                    yield Breach(rule=Rule.DEMAND, where=need.place, what=said)


_BY_HOUR = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS)


def _forecast(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """The forecast numbers that requirements name are the forecast's own, at a level that people allow."""
    for need in plan.requirements:
        if need.forecast is None or not need.id.endswith("/serving"):
            continue
        key, level = series_key(need.forecast.series), need.forecast.level
        if key.kind is SeriesKind.PEERING_REQUESTS or not asked.forecast.has(key):
            continue
        peak = asked.forecast.peak(key, level, asked.environment.horizons.hours_of(need.kind))
        if abs(peak.value - need.forecast.value) > 1e-5 * max(1.0, peak.value):
            said = f"{need.forecast.value:g} is stated, {need.forecast.series} says {peak.value:g} at {level}"
            yield Breach(rule=Rule.FORECAST, where=need.id, what=said)
        floor = asked.environment.rules.headroom_quantile
        if level < floor - SLIGHT:
            yield Breach(rule=Rule.FORECAST, where=need.id, what=f"level {level} is below the {floor} asked for")


def _changes(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """What is live, changed as the plan says, is what the plan wants."""
    state = {item.resource.key: item.resource for item in asked.capacity.resources}
    for change in plan.changes:
        if change.operation is Operation.DELETE:
            state.pop(change.key, None)
        elif change.after is not None:
            state[change.key] = change.after
    wanted = {resource.key: resource for resource in resources_of(plan)}
    for key in sorted(wanted.keys() ^ state.keys()):
        yield Breach(rule=Rule.CHANGES, where=key, what="is wanted" if key in wanted else "is left, and not wanted")
    for key in sorted(wanted.keys() & state.keys()):
        if wanted[key].spec != state[key].spec:
            yield Breach(
                rule=Rule.CHANGES, where=key, what=f"is wanted as {wanted[key].spec}, becomes {state[key].spec}"
            )
