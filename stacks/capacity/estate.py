"""The estate's live state as a part of the `CapacitySnapshot`: its regions, and all links, whatever they join."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from contracts.capacity import (
    EGRESS_ITEM,
    CapacityKind,
    LinkFacts,
    LiveResource,
    Offer,
    Pool,
    Quota,
    RegionFacts,
    Stock,
)
from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from contracts.names import link_name, pair_name
from contracts.resources import BlockSpec, Purchase, Purpose, Resource, root_of
from contracts.rows import Rows
from stacks.capacity.live import purpose_of
from stacks.capacity.part import CapacityPart
from stacks.estate.inventory import Inventory, Row, UsageRow
from stacks.estate.physical import capacities
from stacks.targets.estate import SPEC_TYPES, undeclare

_NO_ROOTS: Mapping[str, str] = {}


def read_part(inventory: Inventory, environment: Environment, roots: Mapping[str, str] = _NO_ROOTS) -> CapacityPart:
    """What the estate has, uses, offers and charges at this moment.

    Args:
        inventory: the estate.
        environment: whose resources are `ours`.
        roots: key -> root, where an engine knows better than the place's own root (on demand).
    """
    facts, _ = inventory.facts()
    rows, usages = inventory.live()
    ours = [row for row in rows if row.environment == environment.name and row.type in SPEC_TYPES]
    resources = tuple(_live(row, roots) for row in ours)
    staged = {item.resource.key for item in resources if item.resource.purpose is Purpose.STAGED}
    return CapacityPart(
        regions=tuple(
            RegionFacts(region=region.name, continent=region.continent, fault_domain=region.fault_domain)
            for region in facts.regions
        ),
        links=Rows.of(LinkFacts, _links(facts)),
        quotas=tuple(_quotas(facts, environment.name, usages, staged)),
        offers=Rows.of(Offer, offered(facts)),
        pools=tuple(_pools(facts, rows)),
        resources=resources,
        stock=Rows.of(Stock, _stock(facts)),
    )


def _live(row: Row, roots: Mapping[str, str]) -> LiveResource:
    place = str(row.arguments.get("link") or row.arguments["region"])
    resource = Resource(
        key=row.key,
        place=place,
        root=roots.get(row.key, root_of(place)),
        purpose=purpose_of(row.key, row.state),
        spec=undeclare(row.type, row.key, row.arguments),
    )
    owner = str(row.arguments.get("owner", ""))
    return LiveResource(resource=resource, state=row.state, owner=owner)


def _links(facts: InventoryFacts) -> Iterator[LinkFacts]:
    for link in facts.links:
        a, b = sorted((link.a, link.b))
        yield LinkFacts(a=a, b=b, latency_ms=link.latency_ms)


def _quotas(facts: InventoryFacts, environment: str, usages: Iterable[UsageRow], staged: set[str]) -> Iterator[Quota]:
    used: dict[tuple[str, str], float] = defaultdict(float)
    ours: dict[tuple[str, str], float] = defaultdict(float)
    ready: dict[tuple[str, str], float] = defaultdict(float)
    for usage in usages:
        where = (usage.place, usage.kind)
        used[where] += usage.amount
        if usage.environment == environment:
            ours[where] += usage.amount
            ready[where] += usage.amount if usage.key in staged else 0
    for place, kind, total in sorted(capacities(facts), key=lambda item: item[:2]):
        where = (place, str(kind))
        yield Quota(
            place=place,
            kind=CapacityKind(kind),
            total=total,
            used=used[where],
            ours=ours[where],
            staged=ready[where],
        )


def offered(facts: InventoryFacts) -> Iterator[Offer]:
    """What an inventory sells, where and for how much; what leaves regions by the GB, too."""
    for region in facts.regions:
        for item, price in region.prices.items():
            yield Offer(place=region.name, item=item, usd_per_hour=price)
        for item, price in region.spot_prices.items():
            yield Offer(place=region.name, item=item, purchase=Purchase.SPOT, usd_per_hour=price)
    for link in facts.links:
        for item, price in link.prices.items():
            yield Offer(place=link_name(link.a, link.b), item=item, usd_per_hour=price)
        for end, usd in sorted(link.egress_usd_per_gb.items()):
            hop = pair_name(end, link.b if end == link.a else link.a)
            yield Offer(place=hop, item=EGRESS_ITEM, usd_per_hour=usd)


def _stock(facts: InventoryFacts) -> Iterator[Stock]:
    for region in facts.regions:
        yield from (Stock(place=region.name, item=shape, count=count) for shape, count in region.stock.items())


def _pools(facts: InventoryFacts, rows: Iterable[Row]) -> Iterator[Pool]:
    taken: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.type == "estate_block":
            spec = undeclare(row.type, row.key, row.arguments)
            assert isinstance(spec, BlockSpec)
            taken[str(row.arguments["region"]), spec.pool].append(spec.prefix)
    for region in sorted(facts.regions, key=lambda region: region.name):
        for cidr in sorted(region.pools):
            yield Pool(region=region.name, cidr=cidr, taken=tuple(sorted(taken[region.name, cidr])))
