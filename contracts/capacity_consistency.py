"""What a capacity snapshot says of one place: once each, of regions that it has, within pools that are there.

A snapshot that Prestage read is so by itself; one that was saved may be another tool's. Values in, error out.
"""

from collections.abc import Hashable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from contracts.capacity import CapacitySnapshot, Offer, Stock
from contracts.errors import MalformedDocument
from contracts.rows import Rows

MOST_TOLD = 8


def check_capacity(snapshot: CapacitySnapshot, *, where: str = "capacity") -> None:
    """Nothing is said twice, links join known regions, quotas and pools hold what is said to lie in them, pools apart.

    Raises:
        MalformedDocument: naming what is wrong.
    """
    findings = [*_twice(snapshot), *_links(snapshot), *_quotas(snapshot), *_pools(snapshot)]
    if findings:
        more = f"; and {len(findings) - MOST_TOLD} more" if len(findings) > MOST_TOLD else ""
        raise MalformedDocument(
            "; ".join(findings[:MOST_TOLD]) + more,
            where=where,
            expected="a snapshot as `prestage capacity --json` writes it",
            next_step=f"prestage capacity --env {snapshot.environment} --json > {where}",
        )


def _twice(snapshot: CapacitySnapshot) -> Iterator[str]:
    offers, stock = Rows.of(Offer, snapshot.offers), Rows.of(Stock, snapshot.stock)
    said: dict[str, Iterable[Hashable]] = {
        "regions": (item.region for item in snapshot.regions),
        "links": (tuple(sorted((item.a, item.b))) for item in snapshot.links),
        "quotas": ((item.place, item.kind.value) for item in snapshot.quotas),
        "offers": zip(*(offers.texts(name).values() for name in ("place", "item", "purchase")), strict=True),
        "stock": zip(*(stock.texts(name).values() for name in ("place", "item")), strict=True),
        "pools": ((item.region, item.cidr) for item in snapshot.pools),
        "resources": (item.resource.key for item in snapshot.resources),
        "readings": (item.region for item in snapshot.readings),
    }
    for field, names in said.items():
        seen: set[Hashable] = set()
        for name in names:
            if name in seen:
                yield f"{field}: {' '.join(name) if isinstance(name, tuple) else name} is listed twice"
            seen.add(name)


def _links(snapshot: CapacitySnapshot) -> Iterator[str]:
    known = {item.region for item in snapshot.regions}
    for link in snapshot.links:
        for end in (link.a, link.b):
            if end not in known:
                yield f"links: {link.a}--{link.b}: there is no region {end}"
        if link.a == link.b:
            yield f"links: {link.a} is joined to itself"


def _quotas(snapshot: CapacitySnapshot) -> Iterator[str]:
    for item in snapshot.quotas:
        if item.ours > item.used * (1 + 1e-9) + 1e-6:
            yield f"quotas: {item.place} {item.kind.value}: {item.ours:g} used are ours, of {item.used:g} in all"


def _pools(snapshot: CapacitySnapshot) -> Iterator[str]:
    known: dict[str, list[IPv4Network | IPv6Network]] = {}
    for pool in snapshot.pools:
        try:
            within, taken = ip_network(pool.cidr), [ip_network(prefix) for prefix in pool.taken]
        except ValueError as error:
            yield f"pools: {pool.region} {pool.cidr}: {error}"
            continue
        beside = known.setdefault(pool.region, [])
        yield from (f"pools: {pool.region} {pool.cidr}: overlaps {one}" for one in beside if one.overlaps(within))
        beside.append(within)
        for prefix in taken:
            if prefix.version != within.version or not prefix.subnet_of(within):  # type: ignore[arg-type]  # as compared
                yield f"pools: {pool.region} {pool.cidr}: {prefix}, which is taken, does not lie within it"
