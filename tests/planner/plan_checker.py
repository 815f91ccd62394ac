"""Judges a whole plan document from outside, out of contracts alone: the planner's own code has no part in it.

What must be met is derived from the documents that were asked (`plan_asked`), not read off the plan. Prices from the
snapshot's offers, sizes from the catalog, forecast numbers from the forecast's own tables; quotas, stock, blocks,
addresses, minima, maxima and partners counted again; each region, or each fault domain, lost in turn; partners and
replicas within the residency of what they carry. `rules.allowed_regions` is about who is granted what, which plans of
staged units do not say: it is not judged here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from ipaddress import ip_network
from itertools import combinations

from contracts.capacity import CapacityKind
from contracts.failover import Reserve
from contracts.plan import Operation, Plan
from contracts.resources import BlockSpec, ComputeSpec, Purchase, Purpose, StorageSpec
from contracts.series import SeriesKind
from tests.planner.egress_checker import egress_breaches
from tests.planner.failover_checker import loss_breaches, partner_breaches
from tests.planner.links_checker import link_breaches, traffic_breaches
from tests.planner.packing_checker import packing_breaches
from tests.planner.plan_asked import frozen_regions, in_regions
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
)
from tests.planner.preference_checker import preference_breaches
from tests.planner.storage_checker import residency_breaches, storage_breaches

__all__ = ["Breach", "Rule", "breaches"]

CENTS = 2e-3
"""USD an hour that rounding may hide."""

CALM = 0.1
"""Demand that falls by no more keeps what was planned for it."""

STEP_GIB = 10
"""Volumes grow in steps."""

OF_NETWORK = 8
"""Addresses of a region that serve no instance."""


def breaches(asked: Asked, plan: Plan) -> tuple[Breach, ...]:
    """Everything that is wrong with a plan."""
    checks = (
        _costs,
        _offers,
        _quotas,
        _stock,
        _blocks,
        link_breaches,
        partner_breaches,
        loss_breaches,
        _spot,
        _demand,
        traffic_breaches,
        _bounds,
        _addresses,
        _forecast,
        _changes,
        storage_breaches,
        residency_breaches,
        preference_breaches,
        packing_breaches,
        egress_breaches,
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
    total += cost.egress_usd_per_hour
    rounding = CENTS + 5e-5 * len(plan.resources)
    if abs(total - cost.after_usd_per_hour) > rounding:
        said = f"USD {cost.after_usd_per_hour:.4f} an hour is stated, the resources add up to {total:.4f}"
        yield Breach(rule=Rule.COST, where="plan", what=said)
    moved = cost.before_usd_per_hour + sum(change.usd_per_hour for change in plan.changes)
    moved += cost.egress_usd_per_hour - cost.egress_before_usd_per_hour
    if abs(moved - cost.after_usd_per_hour) > rounding:
        said = f"before and changes come to USD {moved:.4f} an hour, after is {cost.after_usd_per_hour:.4f}"
        yield Breach(rule=Rule.COST, where="plan", what=said)
    waits = -sum(change.usd_per_hour for change in plan.deferred)
    if abs(waits - cost.waiting_usd_per_hour) > rounding:
        said = f"what waits would save USD {waits:.4f} an hour, {cost.waiting_usd_per_hour:.4f} is stated"
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


def _spot(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """Spot is no more than its share of what is required: of what is asked, with what calm adds or what is held."""
    needs = serving_needs(plan, CapacityKind.VCPU)
    wanted = in_regions(asked)
    for hour in HOURS:
        spot = [
            item
            for item in resources_of(plan)
            if isinstance(item.spec, ComputeSpec) and item.spec.purchase is Purchase.SPOT
        ]
        for (place, kind), amount in held(asked, spot, hour).items():
            by_hour = wanted.get((place, kind))
            if kind is CapacityKind.VCPU and by_hour and place in needs:
                kept = max(1.0, needs[place].quantity / max(*by_hour, SLIGHT))
                kept = kept if needs[place].held else min(kept, 1 / (1 - CALM))
                most = asked.environment.purchases_of(place).spot_share * by_hour[hour] * kept
                if amount > most * (1 + 1e-3) + SLIGHT:
                    said = f"{amount:g} vCPU of spot at hour {hour}, {most:g} at most"
                    yield Breach(rule=Rule.SPOT, where=place, what=said)


def _serves(asked: Asked, plan: Plan, hour: int) -> Amounts:
    """What serves at an hour, of each place: of spot what is left of it, of a network that is not known enough."""
    loss = {
        (offer.place, offer.item): offer.loss_share
        for offer in asked.capacity.offers
        if offer.purchase is Purchase.SPOT
    }
    unknown = {shape.name for shape in asked.catalog.shapes if not shape.network_gbps}
    serves: Amounts = defaultdict(float)
    for item in resources_of(plan):
        if item.purpose is not Purpose.SERVING:
            continue
        left = 1.0
        if isinstance(item.spec, ComputeSpec):
            left -= loss.get((item.place, item.spec.shape), 0.0) if item.spec.purchase is Purchase.SPOT else 0.0
            if item.spec.shape in unknown and item.spec.count_at(hour):
                serves[item.place, CapacityKind.GBPS] = float("inf")
        for (place, kind), amount in takes(asked, item, hour).items():
            serves[place, kind] += left * amount if place == item.place else 0.0
    return serves


def _demand(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """What serves, hour by hour, against what documents ask; less only where nothing more fits within a maximum."""
    wanted = in_regions(asked, plan.preference.moves if plan.preference else ())
    for hour in HOURS:
        serves = _serves(asked, plan, hour)
        for (place, kind), by_hour in wanted.items():
            have, want = serves.get((place, kind), 0.0), by_hour[hour]
            if have < want - SLIGHT * max(1.0, want) and not _full(asked, place, kind, serves):
                said = f"{have:g} {kind} at hour {hour}, {want:g} wanted"
                yield Breach(rule=Rule.DEMAND, where=place, what=said)


def _full(asked: Asked, place: str, kind: CapacityKind, serves: Amounts) -> bool:
    """Whether a maximum leaves room for none of what a place sells."""
    settings = asked.environment.region(place)
    most = settings.maximum if settings else {}
    if kind is CapacityKind.STORAGE_GIB:
        return kind in most and serves.get((place, kind), 0.0) + STEP_GIB > most[kind]
    sold = {offer.item for offer in asked.capacity.offers if offer.place == place}
    left = {of: value - serves.get((place, of), 0.0) for of, value in most.items() if of in _OF_SHAPES}
    for shape in asked.catalog.shapes:
        gives = dict(
            zip(_OF_SHAPES, (shape.vcpu, shape.memory_gib, shape.accelerators, shape.network_gbps), strict=True)
        )
        if shape.name in sold and gives[kind] and all(gives[of] <= room + SLIGHT for of, room in left.items()):
            return False
    return bool(left)


_OF_SHAPES = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS, CapacityKind.GBPS)


def _bounds(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """What serves against the least and the most that people say; what is pinned, stored or waits may be above."""
    live, waits = {item.resource.key for item in asked.capacity.resources}, {change.key for change in plan.deferred}
    shared, frozen = asked.environment.failover.reserve is Reserve.SHARED, frozen_regions(asked)
    stays = [
        item
        for item in resources_of(plan)
        if item.key in live
        and (item.key in waits or item.key in asked.environment.pins or isinstance(item.spec, StorageSpec))
    ]
    for region in asked.environment.regions:
        kinds = [kind for kind in CapacityKind if shared or kind not in (CapacityKind.ACCELERATORS, CapacityKind.GBPS)]
        for hour in HOURS if region.name not in frozen else ():
            serves = _serves(asked, plan, hour)
            given = held(asked, [item for item in stays if item.purpose is Purpose.SERVING], hour)
            for kind in kinds:
                have, least = serves.get((region.name, kind), 0.0), region.minimum.get(kind, 0.0)
                most = max(region.maximum.get(kind, float("inf")), given.get((region.name, kind), 0.0))
                if not least - SLIGHT * max(1.0, least) <= have <= most + SLIGHT:
                    said = f"{have:g} {kind} at hour {hour}, {least:g} at least and {most:g} at most"
                    yield Breach(rule=Rule.BOUNDS, where=region.name, what=said)


def _addresses(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """Each instance that serves or stands by has an address, and the network its own."""
    have: dict[str, int] = defaultdict(int)
    need: dict[str, int] = defaultdict(int)
    for item in resources_of(plan):
        if isinstance(item.spec, BlockSpec) and item.purpose is Purpose.SERVING and ":" not in item.spec.prefix:
            have[item.place] += ip_network(item.spec.prefix).num_addresses
        if isinstance(item.spec, ComputeSpec) and item.purpose in (Purpose.SERVING, Purpose.FAILOVER):
            need[item.place] += item.spec.count
    for region in sorted(need.keys() - frozen_regions(asked)):
        if need[region] and have[region] < need[region] + OF_NETWORK:
            said = f"{have[region]} addresses for {need[region]} instances and {OF_NETWORK} of the network"
            yield Breach(rule=Rule.ADDRESSES, where=region, what=said)


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
