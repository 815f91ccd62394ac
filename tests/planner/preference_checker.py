"""Demand served elsewhere, from outside: every rule that people state, and every number that a plan says of it."""

from collections import defaultdict
from collections.abc import Iterator

from contracts.capacity import CapacityKind
from contracts.customers import ServiceLevel
from contracts.failover import Reserve
from contracts.plan import Plan
from contracts.preference import Move
from contracts.series import SeriesKind
from tests.planner.links_checker import ways
from tests.planner.plan_asked import at_home, frozen_regions, moved_demand
from tests.planner.plan_breach import Breach, Rule
from tests.planner.plan_facts import Asked, serving_needs, shares_of

KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)


def preference_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    moves = plan.preference.moves if plan.preference else ()
    if moves and asked.environment.failover.reserve is Reserve.SHARED:
        yield Breach(rule=Rule.PLACEMENT, where="plan", what="demand moves where the reserve is shared")
    for told in (*_stays(asked, plan, moves), *_rules(asked, plan, moves), *_stated(asked, plan, moves)):
        yield Breach(rule=Rule.PLACEMENT, where=told[0], what=told[1])


def _stays(asked: Asked, plan: Plan, moves: tuple[Move, ...]) -> Iterator[tuple[str, str]]:
    """What is elsewhere with an end that is left as it is stays there as it was."""
    frozen = frozen_regions(asked)
    earlier = asked.earlier.preference.moves if asked.earlier and asked.earlier.preference else ()
    mine = {region.name for region in asked.environment.regions}
    was, now = (
        {move for move in some if {move.region, move.host} & frozen and {move.region, move.host} <= mine}
        for some in (earlier, moves)
    )
    for move in was ^ now:
        yield move.region, f"{move.share:g} of its demand in {move.host}: one of both is left as it is"


def _rules(asked: Asked, plan: Plan, moves: tuple[Move, ...]) -> Iterator[tuple[str, str]]:
    """Losses and exchanges; what one move may not do, and how much of a region may be elsewhere, by themselves."""
    environment, frozen, shares = asked.environment, frozen_regions(asked), shares_of(plan)
    known = {region.name for region in environment.regions}
    for move in moves:
        if not {move.region, move.host} <= known or {move.region, move.host} & frozen:
            continue
        yield from _forbidden(asked, move, (move.host, *shares.get(move.host, {})))
        here, there = (environment.critical_share_of(name) for name in (move.region, move.host))
        if there < here:
            yield move.region, f"{there:g} of {move.host} is carried when it is lost, {here:g} of {move.region}"
        if any((other.region, other.host) == (move.host, move.region) for other in moves):
            yield move.region, f"it and {move.host} serve each other's demand"
    yield from _too_much(asked, moves)


def _too_much(asked: Asked, moves: tuple[Move, ...]) -> Iterator[tuple[str, str]]:
    """More of a region's demand elsewhere than may be; while it is left as it is, what was there stays."""
    environment, frozen = asked.environment, frozen_regions(asked)
    out, stays = defaultdict[str, float](float), defaultdict[str, float](float)
    for move in moves:
        out[move.region] += move.share
        stays[move.region] += move.share if {move.region, move.host} & frozen else 0.0
    for name, share in out.items():
        settings = environment.region(name)
        said = settings.placement.movable if settings and settings.placement else None
        movable = environment.placement.movable if said is None else said
        free = movable * max(0.0, 1 - sum(_bound(asked, name).values()))
        if share > max(free, stays[name]) + 1e-6:
            yield name, f"{share:g} of its demand is elsewhere, {free:g} may be"


def _forbidden(asked: Asked, move: Move, places: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Latency, residency (of the host, and of those that carry for it), and what customers allow."""
    environment, region = asked.environment, asked.environment.region(move.region)
    limit = environment.placement.max_latency_ms
    if region and region.placement and region.placement.max_latency_ms is not None:
        limit = region.placement.max_latency_ms
    if (away := ways(asked).delay(move.region, move.host)) > limit:
        yield move.region, f"{move.host} is {away:g} ms away, {limit:g} at most"
    allowed = environment.residency_of(move.region)
    for at in places:
        if allowed is not None and at not in allowed:
            yield move.region, f"its demand is in {move.host}, and {at} may not have it"
    for who in _whose(asked, move.region):
        if move.host not in environment.rules.allowed_regions[who]:
            yield move.region, f"{who} does not allow {move.host}"


def _whose(asked: Asked, region: str) -> set[str]:
    """Customers who hold something in a region and services forecast there, of those who do not allow all regions."""
    limited = asked.environment.rules.allowed_regions
    units = asked.ledger.units if asked.ledger else ()
    held = {
        unit.holder for unit in units if unit.place == region and unit.state.value in ("held", "active", "quarantined")
    }
    served = {
        key.subject.partition("@")[0]
        for key, _ in asked.forecast.values
        if key.kind in (SeriesKind.TRANSACTIONS, SeriesKind.USERS) and key.subject.endswith(f"@{region}")
    }
    return {who for who in (held | served) if who in limited}


def _bound(asked: Asked, region: str) -> dict[str, float]:
    """Shares of a region's mean demand that customers who are promised the most announced: the larger of both kinds."""
    found: dict[str, float] = {}
    kinds = dict(zip(KINDS, (SeriesKind.CPU, SeriesKind.MEMORY), strict=True))
    for customer in asked.customers.customers if asked.customers else ():
        if customer.service_level is not ServiceLevel.CRITICAL:
            continue
        for kind, series in kinds.items():
            used = sum(use.value for use in customer.use if (use.kind, use.subject) == (series, region))
            mean = float(at_home(asked, region, kind, 0.5).mean())
            if used and mean:
                found[customer.name] = max(found.get(customer.name, 0.0), min(1.0, used / mean))
    return found


def _stated(asked: Asked, plan: Plan, moves: tuple[Move, ...]) -> Iterator[tuple[str, str]]:
    """Numbers of the statement, and parts of requirements: what leaves a region is what comes to another."""
    said = plan.preference.regions if plan.preference else ()
    for item in said:
        for host in item.hosts:
            for kind, stated in zip(KINDS, (host.vcpu, host.memory_gib), strict=True):
                brings = moved_demand(asked, Move(item.region, host.region, host.share), kind)
                if abs(brings - stated) > 1e-5 * max(1.0, brings):
                    yield item.region, f"{stated:g} {kind} in {host.region} is stated, the forecast says {brings:g}"
            extra = asked.environment.placement
            for what, stated, each in (
                ("gbps", host.gbps, extra.gbps_per_vcpu),
                ("GiB", host.storage_gib, extra.storage_gib_per_vcpu),
            ):
                if abs(stated - each * host.vcpu) > 1e-5 * max(1.0, stated):
                    yield item.region, f"{stated:g} {what} with it in {host.region}, {each * host.vcpu:g} are asked for"
    yield from _paid_by_gb(asked, plan, moves)
    pairs = {(move.region, move.host) for move in moves}
    for kind in KINDS:
        for place, need in serving_needs(plan, kind).items():
            gone = {(place, name.removeprefix("served in ")) for name in need.parts if name.startswith("served in ")}
            come = {
                (name.removeprefix("movable demand of "), place) for name in need.parts if name.startswith("movable")
            }
            here = {pair for pair in pairs if pair[0] == place and at_home(asked, place, kind, 0.5).any()}
            there = {pair for pair in pairs if pair[1] == place and at_home(asked, pair[0], kind, 0.5).any()}
            if (gone, come) != (here, there) and place not in frozen_regions(asked):
                yield place, f"its requirement of {kind} says {sorted(gone | come)}, the plan {sorted(here | there)}"


def _paid_by_gb(asked: Asked, plan: Plan, moves: tuple[Move, ...]) -> Iterator[tuple[str, str]]:
    """What moves bring leaves either end as much as it is expected to be, where traffic is paid for by the GB."""
    each, hours = asked.environment.placement.gbps_per_vcpu, asked.environment.horizons.validity_hours
    for move in moves if plan.egress else ():
        mean = float(at_home(asked, move.region, CapacityKind.VCPU, 0.5)[:hours].mean())
        for source, into in ((move.region, move.host), (move.host, move.region)):
            what, leaves = f"movable demand {source}->{into}", 0.0
            for row in plan.egress:
                one, other = row.hop.split("->")
                leaves += row.parts.get(what, 0.0) * ((one == source) - (other == source))
            if abs(leaves - each * move.share * mean) > 1e-4:
                yield source, f"{leaves:g} gbps of {what}, {each * move.share * mean:g} are expected"
