"""What the other resources need: a network a region, a link for circuits, failover entries, alerts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from contracts.capacity import CapacityKind
from contracts.names import link_ends
from contracts.plan import Reason, ReasonCode
from contracts.resources import (
    AlertSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Resource,
    ResourceKind,
)
from planner.alternatives import partner_alternatives
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.keys import alert_key, failover_key, item_key, link_key, network_key
from planner.partner_prices import PartnerPrices
from planner.partnering import partner_refusals, refused_partner, ways_of
from planner.sites import SHARE_STEPS, Site

ALERT_SHARE = 0.9
"""An alert is raised above this share of what is there. A constant, so that no forecast moves it."""

ALERTS = {CapacityKind.VCPU: ResourceKind.COMPUTE, CapacityKind.STORAGE_GIB: ResourceKind.STORAGE}


def want_support(desired: Desired, demand: Demand) -> None:
    """Networks, links, failover entries and alerts for everything that is wanted so far."""
    for settings in demand.question.environment.regions:
        if not demand.question.is_frozen(settings.name):
            spec = NetworkSpec(asn=settings.asn)
            desired.want(_support(network_key(settings.name), settings.name, spec))
    for link in sorted(_places(desired, ResourceKind.CIRCUIT)):
        desired.want(_support(link_key(link), link, LinkSpec()))
    _want_failover_entries(desired, demand)
    _tell_of_partners_that_go(desired, demand)
    for metric, kind in ALERTS.items():
        for region in sorted(_places(desired, kind)):
            if not demand.question.is_frozen(region):
                spec_of_alert = AlertSpec(metric=metric.value, threshold=ALERT_SHARE)
                desired.want(_support(alert_key(region, metric), region, spec_of_alert))


@dataclass(frozen=True, slots=True)
class Leaning:
    """What others may lean on, found by place: keys that are wanted, circuits by link, what stands by in a region."""

    keys: frozenset[str]
    circuits: Mapping[str, tuple[str, ...]]
    standing: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, wanted: Iterable[Resource]) -> "Leaning":
        circuits: dict[str, tuple[str, ...]] = {}
        standing: dict[str, tuple[str, ...]] = {}
        keys = set()
        for resource in wanted:
            keys.add(resource.key)
            if resource.kind is ResourceKind.CIRCUIT:
                circuits[resource.place] = (*circuits.get(resource.place, ()), resource.key)
            elif resource.key.startswith(item_key(resource.place, ResourceKind.COMPUTE, Purpose.FAILOVER, "")):
                standing[resource.place] = (*standing.get(resource.place, ()), resource.key)
        return cls(frozenset(keys), circuits, standing)


def dependencies(resource: Resource, leaning: Leaning) -> tuple[str, ...]:
    """Keys of wanted resources that must exist before one can: networks first, circuits before their link."""
    spec, place = resource.spec, resource.place
    if isinstance(spec, NetworkSpec):
        needed: list[str] = []
    elif resource.kind is ResourceKind.CIRCUIT:
        needed = [network_key(end) for end in link_ends(place)]
    elif isinstance(spec, LinkSpec):
        needed = [*(network_key(end) for end in link_ends(place)), *leaning.circuits.get(place, ())]
    elif isinstance(spec, FailoverSpec):
        needed = [network_key(place), network_key(spec.partner), *leaning.standing.get(spec.partner, ())]
    else:
        needed = [network_key(place)]
    return tuple(sorted(key for key in needed if key in leaning.keys))


def _support(key: str, place: str, spec: NetworkSpec | LinkSpec | AlertSpec) -> Wish:
    return Wish(key=key, place=place, purpose=Purpose.SUPPORT, spec=spec, code=ReasonCode.SUPPORT)


def _want_failover_entries(desired: Desired, demand: Demand) -> None:
    ways, prices = ways_of(demand.question, desired.market), PartnerPrices.of(desired.market, demand)
    for site in demand.sites:
        partners = demand.placement.partners(site.region)
        if not partners:
            continue
        refusals = partner_refusals(demand.question, desired.market, ways, site.region) | dict(site.barred)
        steps = {partner: demand.placement.shares[site.region, partner] for partner in partners}
        chosen = {
            partner: (prices.more(partner, site, site.critical.times(share / SHARE_STEPS)) or 0.0)
            + site.copies_usd.get(partner, 0.0) * share / SHARE_STEPS
            for partner, share in steps.items()
        }
        alternatives = partner_alternatives(refusals, chosen, partial(_alone, prices, site))
        free = 1 - sum(entry.share for entry in _entries(desired, site.region))
        for partner in partners:
            share = steps[partner] / SHARE_STEPS
            requirements = tuple(
                item.id for item in desired.requirements if item.place == partner and item.code is ReasonCode.FAILOVER
            )
            desired.want(
                Wish(
                    key=failover_key(site.region, partner),
                    place=site.region,
                    purpose=Purpose.SUPPORT,
                    spec=FailoverSpec(partner=partner, share=round(share * free, 6)),
                    code=ReasonCode.FAILOVER,
                    requirements=requirements,
                    alternatives=alternatives,
                )
            )


def _alone(prices: PartnerPrices, site: Site, region: str) -> float | None:
    """What all of a region's load, and its copies, would cost at one partner; None where nothing is sold."""
    usd = prices.more(region, site, site.critical)
    return None if usd is None else usd + site.copies_usd.get(region, 0.0)


def _tell_of_partners_that_go(desired: Desired, demand: Demand) -> None:
    """Why an entry is not wanted any more: its partner may not be one, or why others are."""
    question, ways = demand.question, ways_of(demand.question, desired.market)
    told = {
        item.resource.place: item.reason.alternatives
        for item in desired.resources.values()
        if isinstance(item.resource.spec, FailoverSpec)
    }
    for key, entry in question.live().items():
        spec, known = entry.spec, desired.market.regions
        if (
            not isinstance(spec, FailoverSpec)
            or key in desired.resources
            or not {entry.place, spec.partner} <= {*known}
        ):
            continue
        refused = refused_partner(question, desired.market, ways, (entry.place, spec.partner))
        why = [refused] if refused else [one for one in told.get(entry.place, ()) if one.candidate == spec.partner]
        desired.unfit[key] = Reason(code=ReasonCode.SURPLUS, alternatives=tuple(why))


def _entries(desired: Desired, region: str) -> list[FailoverSpec]:
    """Entries of a region that are wanted already, because they are given."""
    wanted = [item.resource for item in desired.resources.values() if item.resource.place == region]
    return [resource.spec for resource in wanted if isinstance(resource.spec, FailoverSpec)]


def _places(desired: Desired, kind: ResourceKind) -> set[str]:
    return {item.resource.place for item in desired.resources.values() if item.resource.kind is kind}
