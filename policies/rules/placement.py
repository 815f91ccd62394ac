"""Where things may stand: failover in another fault domain, customers and services in the regions they allow."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from contracts.limits import Rules
from contracts.names import place_ends
from contracts.plan import Requirement
from contracts.resources import ComputeSpec, FailoverSpec, Purpose, Resource, StorageSpec
from policies.case import Breach, Case

_SLACK = 1e-3  # shares are rounded when they are written


def failover_partner(case: Case) -> Iterator[Breach]:
    """Every region that serves has failover partners for its whole critical load, in other fault domains.

    Does not ask of regions of which nothing is carried (a `critical_share` of 0).
    """
    environment = case.facts.environment
    before = dict(uncovered(case.before.values(), case.fault_domains))
    for region, why in uncovered(case.after.values(), case.fault_domains):
        if environment.critical_share_of(region) == 0:
            continue
        yield Breach(
            resource=f"{region}/failover",
            message=why,
            fix="raise failover.max_latency_ms or failover.max_partners, or add capacity in another fault domain",
            worsened=before.get(region) != why,
        )


def _not_resident(case: Case) -> Iterator[Breach]:
    """Partners and replicas where what a region serves may not be (`regions[].residency`)."""
    for key, resource in sorted(case.after.items()):
        match resource.spec:
            case FailoverSpec(partner=other):
                what = f"{other} carries load of {resource.place}"
            case StorageSpec(replica_region=str() as other):
                what = f"{other} has a replica of {resource.place}"
            case _:
                continue
        allowed = case.facts.environment.residency_of(resource.place)
        if allowed is not None and other not in allowed:
            yield Breach(
                resource=key,
                message=f"{what}, whose residency is {', '.join(sorted(allowed))}",
                fix=f"plan again, or add {other} to `residency` of {resource.place}",
                worsened=case.before.get(key) != resource,
            )


def _placed_beyond(case: Case) -> Iterator[Breach]:
    """Demand served elsewhere than where it may be, or more than may be, unless an end of it is left as it is."""
    environment, moves = case.facts.environment, case.plan.preference.moves if case.plan.preference else ()
    left = {item.region for item in case.plan.unread} | {item.name for item in environment.regions if item.paused}
    for region in sorted({move.region for move in moves}):
        movable, allowed = environment.placement_of(region).movable, environment.residency_of(region)
        hosts = {move.host: move.share for move in moves if move.region == region}
        stays = sum(share for host, share in hosts.items() if {region, host} & left)
        outside = [host for host in sorted(hosts) if allowed is not None and host not in allowed]
        if sum(hosts.values()) > max(movable, stays) + _SLACK:
            told = f"{sum(hosts.values()):.0%} of the demand of {region} is served elsewhere, {movable:.0%} may be"
            yield Breach(resource=f"{region}/placement", message=told, fix="plan again, or raise placement.movable")
        if outside:
            told = f"demand of {region} is served in {', '.join(outside)}, outside of its residency"
            yield Breach(resource=f"{region}/placement", message=told, fix="plan again, or widen its residency")


def uncovered(resources: Iterable[Resource], fault_domains: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Regions that serve and are not covered by partners in other fault domains, and why, sorted."""
    serving: set[str] = set()
    shares: defaultdict[str, float] = defaultdict(float)
    near: defaultdict[str, list[str]] = defaultdict(list)
    for resource in resources:
        match resource.spec:
            case ComputeSpec() if resource.purpose is Purpose.SERVING:
                serving.add(resource.place)
            case FailoverSpec(partner=partner, share=share):
                if fault_domains.get(partner, partner) == fault_domains.get(resource.place, resource.place):
                    near[resource.place].append(partner)
                else:
                    shares[resource.place] += share
    for region in sorted(serving):
        if shares[region] < 1 - _SLACK:
            told = f"partners in other fault domains cover {shares[region]:.0%} of the critical load of {region}"
            if near[region]:
                told += f"; {', '.join(sorted(near[region]))}: in its own fault domain {fault_domains[region]}"
            yield region, told


def allowed_regions(case: Case) -> Iterator[Breach]:
    """What customers have, services need and partners carry is where it may be (`allowed_regions`, `residency`)."""
    for key, unit in sorted(case.handed_out.items()):
        resource = case.after.get(key)
        if resource is None or unit.holder is None:
            continue
        allowed = case.settings.allowed_regions.get(unit.holder, ())
        if outside := outside_allowed(case.settings, unit.holder, resource.place):
            yield Breach(
                resource=key,
                message=f"{unit.holder} has it in {', '.join(outside)}, allowed: {', '.join(allowed)}",
                fix=f"prestage release, then ask for it in {' or '.join(allowed) or 'no region'}",
                worsened=case.before.get(key) != resource,
            )
    for requirement in case.plan.requirements:
        yield from _service_outside(requirement, case.settings)
    yield from _not_resident(case)
    yield from _placed_beyond(case)


def outside_allowed(rules: Rules, who: str, place: str) -> tuple[str, ...]:
    """The regions of a place that a customer or service does not allow; none where nothing is said of it.

    What answers requests out of staging, where no plan is reviewed, asks this before it hands anything out.
    """
    allowed = rules.allowed_regions.get(who)
    return () if allowed is None else tuple(region for region in place_ends(place) if region not in allowed)


def _service_outside(requirement: Requirement, rules: Rules) -> Iterator[Breach]:
    """A requirement that rests on a series of a service (`transactions:web@fra`) in a region it does not allow."""
    if requirement.forecast is None:
        return
    service, at, _ = requirement.forecast.series.partition(":")[2].partition("@")
    if at and outside_allowed(rules, service, requirement.place):
        yield Breach(
            resource=f"{requirement.place}/{requirement.kind}",
            message=f"serves {service} in {requirement.place}, allowed: {', '.join(rules.allowed_regions[service])}",
            fix=f"serve {service} elsewhere, or add {requirement.place} to rules.allowed_regions.{service}",
        )
