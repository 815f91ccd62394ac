"""Failover of a plan from outside: partners, and each region, or each fault domain, lost in turn."""

from collections import defaultdict
from collections.abc import Iterator

from contracts.capacity import CapacityKind
from contracts.failover import Reserve, Survive
from contracts.plan import Plan
from contracts.resources import ComputeSpec, Purchase, Purpose, StorageSpec
from tests.planner.plan_asked import in_regions
from tests.planner.plan_breach import HOURS, SLIGHT, Breach, Rule
from tests.planner.plan_facts import (
    Amounts,
    Asked,
    delays,
    held,
    resources_of,
    shares_of,
)


def partner_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    domain = {facts.region: facts.fault_domain for facts in asked.capacity.regions}
    delay = delays(asked)
    settings = asked.environment.failover
    for region, parts in shares_of(plan).items():
        if abs(sum(parts.values()) - 1) > 1e-3 * len(parts):
            yield Breach(rule=Rule.PARTNER, where=region, what=f"its shares add up to {sum(parts.values()):g}")
        if settings.max_partners is not None and len(parts) > settings.max_partners:
            yield Breach(
                rule=Rule.PARTNER, where=region, what=f"{len(parts)} partners, {settings.max_partners} at most"
            )
        for partner in parts:
            if domain.get(partner) == domain[region]:
                yield Breach(rule=Rule.PARTNER, where=region, what=f"{partner} is in its own fault domain")
            away = delay.get((region, partner), float("inf"))
            if away > settings.max_latency_ms:
                said = f"{partner} is {away:g} ms away, {settings.max_latency_ms:g} at most"
                yield Breach(rule=Rule.PARTNER, where=region, what=said)
    for resource in resources_of(plan):
        replica = resource.spec.replica_region if isinstance(resource.spec, StorageSpec) else None
        if replica is not None and domain.get(replica) == domain[resource.place]:
            yield Breach(rule=Rule.PARTNER, where=resource.key, what=f"its replica, {replica}, falls with it")


def _firm(
    asked: Asked, plan: Plan, hour: int, kept: tuple[Purpose, ...] = (Purpose.SERVING, Purpose.FAILOVER)
) -> Amounts:
    """Machines that serve or stand by and cannot be taken away."""
    return held(
        asked,
        [
            item
            for item in resources_of(plan)
            if item.purpose in kept and isinstance(item.spec, ComputeSpec) and item.spec.purchase is not Purchase.SPOT
        ],
        hour,
    )


def _serving(asked: Asked, plan: Plan, hour: int) -> Amounts:
    """What serves, spot in full: where a maximum cuts demand, the critical part of it is carried."""
    return held(asked, [item for item in resources_of(plan) if item.purpose is Purpose.SERVING], hour)


def loss_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """Each region, or each fault domain, lost in turn: the others keep their own critical load, and partners its parts.

    Where reserves are dedicated, what stands by carries all of it, and nothing that serves gives way.
    """
    settings, shares = asked.environment.failover, shares_of(plan)
    moves = plan.preference.moves if plan.preference else ()
    alone, wanted_in = settings.survive is Survive.REGION, in_regions(asked, moves)
    critical = {region.name: asked.environment.critical_share_of(region.name) for region in asked.environment.regions}
    domain = {facts.region: facts.region if alone else facts.fault_domain for facts in asked.capacity.regions}
    for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB):
        serves = {hour: _serving(asked, plan, hour) for hour in HOURS}
        most = {
            (region.name, hour): serves[hour].get((region.name, kind), 0.0) if region.maximum else float("inf")
            for region in asked.environment.regions
            for hour in HOURS
        }
        needs = {
            place: [min(amount, most[place, hour]) for hour, amount in enumerate(by_hour)]
            for (place, of), by_hour in wanted_in.items()
            if of is kind and critical[place] > 0
        }
        needs = {place: by_hour for place, by_hour in needs.items() if max(by_hour) > 0}
        for lost in sorted(needs.keys() - shares.keys()):
            yield Breach(rule=Rule.FAILOVER, where=lost, what="nobody carries its critical load")
        for hour in HOURS:
            firm, waiting = _firm(asked, plan, hour), _firm(asked, plan, hour, (Purpose.FAILOVER,))
            for gone in sorted(set(domain.values())):
                sent: Amounts = defaultdict(float)
                for lost in sorted(needs.keys() & shares.keys()):
                    for partner, share in shares[lost].items() if domain[lost] == gone else ():
                        sent[partner, kind] += critical[lost] * share * needs[lost][hour]
                for (partner, _), load in sent.items():
                    wanted = load + (critical[partner] * needs[partner][hour] if partner in needs else 0.0)
                    if firm.get((partner, kind), 0.0) < wanted - SLIGHT - 1e-3 * load:
                        said = (
                            f"{firm.get((partner, kind), 0.0):g} {kind} at hour {hour}, {wanted:g} when {gone} is lost"
                        )
                        yield Breach(rule=Rule.FAILOVER, where=partner, what=said)
                    stands = waiting.get((partner, kind), 0.0)
                    if settings.reserve is Reserve.DEDICATED and stands < load - SLIGHT - 1e-3 * load:
                        said = f"{stands:g} {kind} stands by at hour {hour}, {load:g} comes when {gone} is lost"
                        yield Breach(rule=Rule.FAILOVER, where=partner, what=said)
