"""What the inventory admits: known places, catalog items, capacity that is left, address ranges that are free.

Every function runs inside the caller's write transaction, so that what is checked is what is written.
"""

import sqlite3
from collections.abc import Mapping
from ipaddress import IPv4Network

from stacks.declaration import Value
from stacks.errors import BlockTaken, CapacityExceeded, InvalidArgument, UnknownPlace
from stacks.estate.usage import Item, Usage, item_name, usage_of

NEXT_STEP = "prestage capacity shows what each place has; then plan anew"


def take_capacity(connection: sqlite3.Connection, seq: int, type: str, arguments: Mapping[str, Value]) -> None:
    """Writes what a resource takes in place of what it took; taking less is always admitted.

    Raises:
        UnknownPlace: no such region, link, pool or catalog item.
        InvalidArgument: a block outside of its pool, a circuit that is not its tier.
        CapacityExceeded: a place has less than is wanted.
    """
    key = str(arguments["key"])
    _check_places(connection, type, key, arguments)
    taken = usage_of(type, arguments, _item(connection, type, key, arguments))
    usages = [usage for usage in taken if _is_here(connection, usage.place)]  # a cloud counts what is there itself
    rows = connection.execute("SELECT place, kind, amount FROM usage WHERE seq = ?", (seq,))
    before = {(place, kind): amount for place, kind, amount in rows}
    connection.execute("DELETE FROM usage WHERE seq = ?", (seq,))
    for usage in usages:
        if usage.amount > before.get((usage.place, usage.kind), 0):
            _check_left(connection, key, usage)
        connection.execute("INSERT INTO usage VALUES (?, ?, ?, ?)", (seq, usage.place, usage.kind, usage.amount))


def take_range(connection: sqlite3.Connection, seq: int, arguments: Mapping[str, Value]) -> None:
    """Writes the range of a block; the database refuses an overlap.

    Raises:
        BlockTaken: naming the block that is there.
    """
    region, block = str(arguments["region"]), IPv4Network(str(arguments["prefix"]))
    first, last = int(block.network_address), int(block.broadcast_address)
    try:
        connection.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?)", (seq, region, str(block), first, last))
    except sqlite3.IntegrityError as error:
        there = "SELECT prefix, key FROM block JOIN resource USING (seq) WHERE region = ? AND first <= ? AND last >= ?"
        other = connection.execute(there, (region, last, first)).fetchone()
        message = f"{block} overlaps {other['prefix']} ({other['key']})"
        raise BlockTaken(message, where=str(arguments["key"]), next_step=NEXT_STEP) from error


def _check_left(connection: sqlite3.Connection, key: str, usage: Usage) -> None:
    total, used = connection.execute(
        "SELECT coalesce((SELECT total FROM capacity WHERE place = :place AND kind = :kind), 0),"
        " coalesce((SELECT sum(amount) FROM usage WHERE place = :place AND kind = :kind), 0)",
        {"place": usage.place, "kind": usage.kind},
    ).fetchone()
    if usage.amount > total - used:
        raise CapacityExceeded(
            f"{usage.place} has {max(0, total - used):g} {usage.kind} left of {total:g}, {usage.amount:g} wanted",
            where=key,
            next_step=NEXT_STEP,
        )


def _is_here(connection: sqlite3.Connection, place: str) -> bool:
    return connection.execute("SELECT 1 FROM capacity WHERE place = ?", (place,)).fetchone() is not None


def _is_elsewhere(connection: sqlite3.Connection, region: str) -> bool:
    """Whether a region lies in a cloud, where failover entries and copies of volumes may point to."""
    query = "SELECT 1 FROM facts, json_each(facts.document, '$.elsewhere') AS region WHERE region.value = ?"
    return connection.execute(query, (region,)).fetchone() is not None


def _item(connection: sqlite3.Connection, type: str, key: str, arguments: Mapping[str, Value]) -> Item:
    name = item_name(type, arguments)
    if name is None:
        return Item()
    row = connection.execute("SELECT vcpu, memory_gib, gbps FROM item WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise UnknownPlace(f"the catalog has no {name!r}", where=key, next_step=NEXT_STEP)
    item = Item(vcpu=row["vcpu"], memory_gib=row["memory_gib"], gbps=row["gbps"])
    if type == "estate_circuit" and item.gbps != arguments["gbps"]:
        raise InvalidArgument(f"a {name} circuit has {item.gbps} gbps, not {arguments['gbps']}", where=key)
    return item


def _check_places(connection: sqlite3.Connection, type: str, key: str, arguments: Mapping[str, Value]) -> None:
    for field in ("region", "replica_region", "partner", "link"):
        place = arguments.get(field)
        if not place or _is_here(connection, str(place)):
            continue
        if field not in ("replica_region", "partner") or not _is_elsewhere(connection, str(place)):
            raise UnknownPlace(f"the estate has no {field} {place!r}", where=key, next_step=NEXT_STEP)
    if type == "estate_block":
        _check_pool(connection, key, arguments)


def _check_pool(connection: sqlite3.Connection, key: str, arguments: Mapping[str, Value]) -> None:
    region, pool, prefix = (str(arguments[name]) for name in ("region", "pool", "prefix"))
    if not connection.execute("SELECT 1 FROM pool WHERE region = ? AND cidr = ?", (region, pool)).fetchone():
        raise UnknownPlace(f"{region} has no address pool {pool}", where=key, next_step=NEXT_STEP)
    try:
        inside = IPv4Network(prefix).subnet_of(IPv4Network(pool))
    except ValueError as error:
        raise InvalidArgument(f"{prefix!r} is not a block ({error})", where=key, expected="as 10.0.0.0/28") from error
    if not inside:
        raise InvalidArgument(f"block {prefix} lies outside of pool {pool}", where=key)
