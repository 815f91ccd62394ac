"""Names that documents use of each other: each document may be right by itself, and the whole still wrong.

The checks refuse what can only be a mistake (a region listed twice, a link to nowhere, a price of an unknown item) and
name the likely spelling. They are values in, error out; whoever read the files calls them.
"""

import ipaddress
from collections.abc import Iterable
from itertools import combinations, pairwise

from contracts.capacity import ADDRESS_ITEM, Catalog
from contracts.environment import Environment
from contracts.errors import MalformedDocument
from contracts.inventory import InventoryFacts
from contracts.names import link_name
from contracts.spelling import likely


def check_inventory(facts: InventoryFacts, *, where: str = "inventory") -> None:
    """Regions and links are each there once, links join known regions, address pools are IPv4 and apart.

    Raises:
        MalformedDocument: naming all that is wrong.
    """
    names = [region.name for region in facts.regions]
    findings = [f"regions: {name!r} is listed twice" for name in _repeated(names)]
    for link in facts.links:
        findings += [_unknown(f"links: {link.a}--{link.b}", end, names) for end in (link.a, link.b) if end not in names]
        if link.a == link.b:
            findings.append(f"links: {link.a} is joined to itself")
    links = [link_name(link.a, link.b) for link in facts.links]
    findings += [f"links: {link!r} is listed twice" for link in _repeated(links)]
    findings += _pool_findings(facts)
    _raise(findings, where)


def check_environment(environment: Environment, facts: InventoryFacts, *, where: str = "environment") -> None:
    """The environment's regions are each there once and known to the inventory; so are the regions of its rules.

    Raises:
        MalformedDocument: naming all that is wrong, with the likely spelling.
    """
    known = [region.name for region in facts.regions]
    mine = [region.name for region in environment.regions]
    findings = [f"regions: {name!r} is listed twice" for name in _repeated(mine)]
    findings += [_unknown("regions", name, known) for name in mine if name not in known]
    for who, regions in environment.rules.allowed_regions.items():
        findings += [_unknown(f"rules.allowed_regions.{who}", name, known) for name in regions if name not in known]
    for region in environment.regions:
        for kind in sorted(region.minimum.keys() & region.maximum.keys()):
            if region.minimum[kind] > region.maximum[kind]:
                findings.append(f"regions: {region.name}: minimum of {kind} is above its maximum")
    for freeze in environment.freezes:
        if freeze.end <= freeze.start:
            findings.append(f"freezes: {freeze.reason!r} ends before it starts")
    _raise(findings, where)


def check_catalog(catalog: Catalog, facts: InventoryFacts, *, where: str = "catalog") -> None:
    """Items are each there once, circuit tiers divide one another, and every price is of an item of the catalog.

    Raises:
        MalformedDocument: naming all that is wrong, with the likely spelling.
    """
    shapes = [shape.name for shape in catalog.shapes]
    classes = [storage.name for storage in catalog.storage_classes]
    tiers = [tier.name for tier in catalog.circuit_tiers]
    findings = [f"{name!r} is listed twice" for name in _repeated([*shapes, *classes, *tiers, ADDRESS_ITEM])]
    sizes = sorted(tier.gbps for tier in catalog.circuit_tiers)
    for small, large in pairwise(sizes):
        if large % small:
            findings.append(f"circuit_tiers: {small} gbps does not divide {large} gbps")
    for region in facts.regions:
        priced = [
            ("prices", region.prices, [*shapes, *classes, ADDRESS_ITEM]),
            ("spot_prices", region.spot_prices, shapes),
        ]
        priced.append(("storage_gib", region.storage_gib, classes))
        for field, items, known in priced:
            findings += [_unknown(f"{region.name}.{field}", item, known) for item in items if item not in known]
    for link in facts.links:
        where_priced = f"{link_name(link.a, link.b)}.prices"
        findings += [_unknown(where_priced, item, tiers) for item in link.prices if item not in tiers]
    _raise(findings, where)


def _pool_findings(facts: InventoryFacts) -> list[str]:
    findings: list[str] = []
    pools: list[tuple[str, ipaddress.IPv4Network]] = []
    for region in facts.regions:
        for cidr in region.pools:
            try:
                pools.append((region.name, ipaddress.IPv4Network(cidr)))
            except ValueError as error:
                findings.append(f"{region.name}.pools: {cidr!r} is not an IPv4 network ({error})")
    for (one, first), (other, second) in combinations(pools, 2):
        if first.overlaps(second):  # joined regions route to each other: an address may exist once
            findings.append(f"pools: {first} of {one} overlaps {second} of {other}")
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
        raise MalformedDocument("\n  ".join(findings), where=where)
