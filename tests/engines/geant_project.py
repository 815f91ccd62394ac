"""A project of 23 regions for the GEANT traffic matrices: an inventory that could carry them, made up by a rule."""

import json
from itertools import combinations
from pathlib import Path

from contracts.capacity import Catalog, CircuitTier, Shape, StorageClass
from contracts.document import Document
from contracts.environment import Environment, RegionSettings
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory

REGIONS = tuple(f"r{number:02}" for number in range(1, 24))
FAULT_DOMAINS = 6


def write_geant_project(folder: Path) -> None:
    """Environment, inventory and catalog."""
    minimum = {"vcpu": 24.0, "memory_gib": 64.0, "storage_gib": 500.0}
    regions = tuple(
        RegionSettings(name=name, asn=64512 + number, minimum=minimum) for number, name in enumerate(REGIONS)
    )
    _write(folder / "environments" / "geant.yaml", Environment(name="geant", regions=regions))
    _write(folder / "estate" / "inventory.yaml", InventoryFacts(regions=_regions(), links=_links(), source="made up"))
    catalog = Catalog(
        shapes=(Shape(name="s4", vcpu=4, memory_gib=16), Shape(name="m16", vcpu=16, memory_gib=64)),
        storage_classes=(StorageClass(name="standard"),),
        circuit_tiers=(CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10)),
    )
    _write(folder / "estate" / "catalog.yaml", catalog)


def _regions() -> tuple[RegionInventory, ...]:
    return tuple(
        RegionInventory(
            name=name,
            continent="europe",
            fault_domain=f"grid-{number % FAULT_DOMAINS}",
            hosts=(HostGroup(count=8, vcpu=64, memory_gib=256),),
            storage_gib={"standard": 50_000.0},
            pools=(f"10.{number}.0.0/16",),
            prices={"s4": 0.18 + number / 1000, "m16": 0.70 + number / 300, "standard": 0.0001, "address": 0.004},
        )
        for number, name in enumerate(REGIONS)
    )


def _links() -> tuple[LinkInventory, ...]:
    return tuple(
        LinkInventory(a=a, b=b, latency_ms=10 + (int(b[1:]) - int(a[1:])), gbps=40, prices={"1g": 0.3, "10g": 2.0})
        for a, b in combinations(REGIONS, 2)
    )


def _write(path: Path, document: Document) -> None:
    """JSON is YAML too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document.content(), indent=1))
