"""What physically exists, loaded from the inventory file into the database, with the difference told."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import pairwise

from contracts.capacity import CapacityKind, Catalog
from contracts.inventory import InventoryFacts, LinkInventory, RegionInventory
from contracts.names import link_name
from stacks.errors import InvalidArgument, StacksError

Capacity = tuple[str, CapacityKind, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """A total or a price that is not what it was: `total fra vcpu`, `price fra m8`. None: not there."""

    what: str
    before: float | None
    after: float | None


def replace_facts(connection: sqlite3.Connection, facts: InventoryFacts, catalog: Catalog) -> tuple[FactChange, ...]:
    """Makes `facts` and `catalog` the physical truth, inside the caller's transaction.

    Raises:
        InvalidArgument: a pool is not IPv4, or two pools of a region overlap.
    """
    _check_pools(facts)
    stored = connection.execute("SELECT document, catalog FROM facts").fetchone()
    if stored is not None and tuple(stored) == (facts.canonical(), catalog.canonical()):
        return ()
    before = _figures(InventoryFacts.parse(stored["document"], where="estate")) if stored is not None else None
    for table in ("facts", "capacity", "pool", "item"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("INSERT INTO facts VALUES (1, ?, ?)", (facts.canonical(), catalog.canonical()))
    connection.executemany("INSERT INTO capacity VALUES (?, ?, ?)", capacities(facts))
    pools = [(region.name, pool) for region in facts.regions for pool in region.pools]
    connection.executemany("INSERT INTO pool VALUES (?, ?)", pools)
    items = [(shape.name, shape.vcpu, shape.memory_gib, 0) for shape in catalog.shapes]
    items += [(tier.name, 0, 0, tier.gbps) for tier in catalog.circuit_tiers]
    connection.executemany("INSERT INTO item VALUES (?, ?, ?, ?)", items)
    return () if before is None else _difference(before, _figures(facts))


def read_facts(connection: sqlite3.Connection) -> tuple[InventoryFacts, Catalog]:
    """What was loaded last.

    Raises:
        StacksError: nothing was.
    """
    stored = connection.execute("SELECT document, catalog FROM facts").fetchone()
    if stored is None:
        raise StacksError("the estate is empty: no inventory was loaded", next_step="prestage capacity")
    document = InventoryFacts.parse(stored["document"], where="estate")
    return document, Catalog.parse(stored["catalog"], where="estate")


def capacities(facts: InventoryFacts) -> Iterator[Capacity]:
    """What there is in all, by place and kind."""
    for region in facts.regions:
        yield from _region_capacities(region)
    for link in facts.links:
        yield link_name(link.a, link.b), CapacityKind.GBPS, link.gbps


def _region_capacities(region: RegionInventory) -> Iterator[Capacity]:
    hosts = region.hosts
    yield region.name, CapacityKind.VCPU, sum(group.count * group.vcpu for group in hosts)
    yield region.name, CapacityKind.MEMORY_GIB, sum(group.count * group.memory_gib for group in hosts)
    yield region.name, CapacityKind.STORAGE_GIB, sum(region.storage_gib.values())
    yield region.name, CapacityKind.ADDRESSES, sum(IPv4Network(pool).num_addresses for pool in region.pools)


def _check_pools(facts: InventoryFacts) -> None:
    for region in facts.regions:
        try:
            pools = sorted(IPv4Network(pool) for pool in region.pools)
        except ValueError as error:
            raise InvalidArgument(f"a pool is not IPv4: {error}", where=f"inventory, region {region.name}") from error
        for one, other in pairwise(pools):
            if one.overlaps(other):
                raise InvalidArgument(f"pools {one} and {other} overlap", where=f"inventory, region {region.name}")


def _figures(facts: InventoryFacts) -> dict[str, float]:
    """Every total and price by name, for telling what changed."""
    figures: dict[str, float] = {f"total {place} {kind}": total for place, kind, total in capacities(facts)}
    for place, holder in _priced(facts):
        figures |= {f"price {place} {item}": price for item, price in holder.prices.items()}
    for link in facts.links:
        name = link_name(link.a, link.b)
        figures |= {f"price {name} egress_gb {region}": price for region, price in link.egress_usd_per_gb.items()}
    for region in facts.regions:
        figures |= {f"spot price {region.name} {item}": price for item, price in region.spot_prices.items()}
    return figures


def _priced(facts: InventoryFacts) -> Iterator[tuple[str, RegionInventory | LinkInventory]]:
    yield from ((region.name, region) for region in facts.regions)
    yield from ((link_name(link.a, link.b), link) for link in facts.links)


def _difference(before: dict[str, float], after: dict[str, float]) -> tuple[FactChange, ...]:
    return tuple(
        FactChange(what=what, before=before.get(what), after=after.get(what))
        for what in sorted(before.keys() | after.keys())
        if before.get(what) != after.get(what)
    )
