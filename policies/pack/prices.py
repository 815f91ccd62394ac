"""What a declared resource costs by the inventory's prices: for what the plan does not price, or prices otherwise."""

from ipaddress import IPv4Network

from contracts.capacity import ADDRESS_ITEM
from contracts.inventory import InventoryFacts
from contracts.names import link_name
from contracts.resources import BlockSpec, CircuitSpec, ComputeSpec, Purchase, Resource, StorageSpec


def usd_per_hour(resource: Resource, facts: InventoryFacts) -> float:
    """USD per hour; 0 for what has no price (networks, links, alerts) or is not offered at its place."""
    region = next((region for region in facts.regions if region.name == resource.place), None)
    prices = region.prices if region else {}
    match resource.spec:
        case ComputeSpec(shape=shape, count=count, purchase=purchase):
            offered = region.spot_prices if region and purchase is Purchase.SPOT else prices
            return count * offered.get(shape, 0.0)
        case StorageSpec(storage_class=name, gib=gib):
            return gib * prices.get(name, 0.0)
        case BlockSpec(prefix=prefix):
            return IPv4Network(prefix).num_addresses * prices.get(ADDRESS_ITEM, 0.0)
        case CircuitSpec(tier=tier, count=count):
            link = next((link for link in facts.links if link_name(link.a, link.b) == resource.place), None)
            return count * (link.prices.get(tier, 0.0) if link else 0.0)
        case _:
            return 0.0
