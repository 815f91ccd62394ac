"""Names that documents use of each other: each document may be right by itself, and the whole still wrong.

The checks refuse what can only be a mistake (a region listed twice, a link to nowhere, a price of an unknown item) and
name the likely spelling. They are values in, error out; whoever read the files calls them.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from contracts.capacity import ADDRESS_ITEM, EGRESS_ITEM, CapacityKind, Catalog
from contracts.cloud_consistency import cloud_findings
from contracts.environment import Environment
from contracts.errors import MalformedDocument
from contracts.failover import Reserve
from contracts.inventory import InventoryFacts
from contracts.names import link_name
from contracts.spelling import likely
from contracts.storage import ask_findings, provisioned_items
from contracts.workloads import workload_findings

Pools: TypeAlias = tuple[str, tuple[str, ...]]
"""A region and its address pools."""


def check_inventory(facts: InventoryFacts, environment: Environment | None = None, *, where: str = "inventory") -> None:
    """Regions and links are each there once, links join known regions, address pools are IPv4 and apart.

    Args:
        facts: what physically exists.
        environment: whose regions in clouds links may join.
        where: the file.

    Raises:
        MalformedDocument: naming all that is wrong.
    """
    findings = [f"regions: {name!r} is listed twice" for name in _repeated([region.name for region in facts.regions])]
    names = _known_regions(facts, environment)
    for link in facts.links:
        findings += [_unknown(f"links: {link.a}--{link.b}", end, names) for end in (link.a, link.b) if end not in names]
        if link.a == link.b:
            findings.append(f"links: {link.a} is joined to itself")
    links = [link_name(link.a, link.b) for link in facts.links]
    findings += [f"links: {link!r} is listed twice" for link in _repeated(links)]
    findings += _pool_findings([(region.name, region.pools) for region in facts.regions])
    _raise(findings, where)


def check_environment(environment: Environment, facts: InventoryFacts, *, where: str = "environment") -> None:
    """The environment's regions are each there once, in a cloud or in the inventory; and all that it says of clouds.

    Raises:
        MalformedDocument: naming all that is wrong, with the likely spelling.
    """
    here = [region.name for region in facts.regions]
    known = _known_regions(facts, environment)
    mine = [region.name for region in environment.regions]
    clouds = [region for region in environment.regions if region.cloud]
    findings = [f"regions: {name!r} is listed twice" for name in _repeated(mine)]
    findings += [_unknown("regions", name, here) for name in mine if name not in known]
    findings += [f"regions: {item.name!r} lies in a cloud and in the inventory" for item in clouds if item.name in here]
    findings += cloud_findings(environment, facts)
    findings += _pool_findings(
        [(region.name, region.cloud.pools) for region in clouds if region.cloud],
        beside=[(region.name, region.pools) for region in facts.regions],
    )
    for who, regions in environment.rules.allowed_regions.items():
        findings += [_unknown(f"rules.allowed_regions.{who}", name, known) for name in regions if name not in known]
    findings += ask_findings("storage", environment.storage)
    countries = {
        part for item in environment.regions for part in (item.country, item.country.partition("-")[0]) if part
    }
    for region in environment.regions:
        places = [*known, *sorted(countries)]
        where_told = f"regions: {region.name}: residency"
        findings += [_unknown(where_told, name, places) for name in region.residency if name not in places]
        findings += ask_findings(f"regions: {region.name}: storage", region.storage)
        for kind in sorted(region.minimum.keys() & region.maximum.keys()):
            if region.minimum[kind] > region.maximum[kind]:
                findings.append(f"regions: {region.name}: minimum of {kind} is above its maximum")
        if environment.failover.reserve is not Reserve.SHARED:
            findings += [
                f"regions: {region.name}: a minimum of {kind} is planned where failover.reserve is shared only: take "
                "it out, or set failover.reserve to shared"
                for kind in (CapacityKind.ACCELERATORS, CapacityKind.GBPS)
                if region.minimum.get(kind, 0) > 0
            ]
    for workload in environment.workloads:
        findings += [
            _unknown(f"workloads: {workload.name}", name, mine) for name in workload.regions if name not in mine
        ]
    findings += workload_findings(environment.workloads, mine)
    if environment.workloads and environment.failover.reserve is Reserve.SHARED:
        findings.append(
            "workloads: whole units are packed where failover.reserve is dedicated only: take them out, or set "
            "failover.reserve to dedicated"
        )
    for freeze in environment.freezes:
        if freeze.end <= freeze.start:
            findings.append(f"freezes: {freeze.reason!r} ends before it starts")
    _raise(findings, where)


def check_catalog(
    catalog: Catalog, facts: InventoryFacts, environment: Environment | None = None, *, where: str = "catalog"
) -> None:
    """Items are each there once, circuit tiers divide one another, and every price is of an item of the catalog.

    Raises:
        MalformedDocument: naming all that is wrong, with the likely spelling.
    """
    shapes = [shape.name for shape in catalog.shapes]
    classes = [storage.name for storage in catalog.storage_classes]
    tiers = [tier.name for tier in catalog.circuit_tiers]
    extra, offered = [*provisioned_items(classes), EGRESS_ITEM], [*shapes, *classes, ADDRESS_ITEM]
    findings = [f"{name!r} is listed twice" for name in _repeated([*offered, *tiers, *extra])]
    sizes = sorted(tier.gbps for tier in catalog.circuit_tiers)
    for small, large in pairwise(sizes):
        if large % small:
            findings.append(f"circuit_tiers: {small} gbps does not divide {large} gbps")
    for region in facts.regions:
        priced: list[tuple[str, Iterable[str], list[str]]] = [
            ("prices", [item for item in region.prices if item not in extra], offered),
            ("spot_prices", region.spot_prices, shapes),
            ("stock", region.stock, shapes),
            ("storage_gib", region.storage_gib, classes),
        ]
        for field, items, known in priced:
            findings += [_unknown(f"{region.name}.{field}", item, known) for item in items if item not in known]
    for settings in environment.regions if environment else ():
        stated = [item for item in settings.cloud.prices if item not in extra] if settings.cloud else []
        findings += [_unknown(f"{settings.name}.cloud.prices", name, offered) for name in stated if name not in offered]
        stock = settings.cloud.stock if settings.cloud else {}
        findings += [_unknown(f"{settings.name}.cloud.stock", name, shapes) for name in stock if name not in shapes]
    for link in facts.links:
        where_priced = f"{link_name(link.a, link.b)}.prices"
        findings += [_unknown(where_priced, item, tiers) for item in link.prices if item not in tiers]
        where_left, ends = f"{link_name(link.a, link.b)}.egress_usd_per_gb", [link.a, link.b]
        findings += [_unknown(where_left, name, ends) for name in link.egress_usd_per_gb if name not in ends]
    _raise(findings, where)


def unpriced(catalog: Catalog, facts: InventoryFacts, environment: Environment) -> dict[str, tuple[str, ...]]:
    """What regions on premises state no price of, by name: plans buy nothing of it there."""
    mine = {region.name for region in environment.regions}
    parts = {
        "shape": {shape.name for shape in catalog.shapes},
        "storage class": {item.name for item in catalog.storage_classes},
        ADDRESS_ITEM: {ADDRESS_ITEM},
    }
    found = {
        region.name: tuple(part for part, items in parts.items() if items and items.isdisjoint(region.prices))
        for region in facts.regions
        if region.name in mine
    }
    return {name: missing for name, missing in found.items() if missing}


def _known_regions(facts: InventoryFacts, environment: Environment | None) -> list[str]:
    """Regions of the inventory, and those of the environment that lie in clouds."""
    clouds = [region.name for region in environment.regions if region.cloud] if environment else []
    return [*(region.name for region in facts.regions), *clouds]


def _pool_findings(checked: Sequence[Pools], beside: Sequence[Pools] = ()) -> list[str]:
    """Joined regions route to each other: an address may exist once, wherever they lie.

    Args:
        checked: pools that are looked at.
        beside: pools that were looked at before, which those may not overlap either.
    """
    findings: list[str] = []
    apart: list[tuple[str, ipaddress.IPv4Network]] = []
    for name, cidrs in (*beside, *checked):
        for cidr in cidrs:
            new = (name, cidrs) in checked
            try:
                pool = ipaddress.IPv4Network(cidr)
            except ValueError as error:
                findings += [f"{name}.pools: {cidr!r} is not an IPv4 network ({error})"] if new else []
                continue
            clashes = [
                f"pools: {other} of {one} overlaps {pool} of {name}" for one, other in apart if other.overlaps(pool)
            ]
            findings += clashes if new else []
            apart.append((name, pool))
    return findings


def _repeated(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for name in names:
        (twice if name in seen else seen).add(name)
    return sorted(twice)


def _unknown(where: str, name: str, known: list[str]) -> str:
    hint = likely(name, known) or f"known are {', '.join(sorted(known)) or 'none'}"
    return f"{where}: {name!r} is unknown; {hint}"


def _raise(findings: list[str], where: str) -> None:
    if findings:
        raise MalformedDocument("\n  ".join(findings), where=where, next_step="correct it, then prestage doctor")
