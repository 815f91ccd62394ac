"""Estates of any size to apply: regions, what joins them, and a plan of as many resources as are wanted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from contracts.capacity import Catalog, CircuitTier, Shape, StorageClass
from contracts.engines import EngineName, Layout
from contracts.environment import Environment, RegionSettings
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory
from contracts.names import link_ends, link_name
from contracts.plan import Cost, Inputs, Plan, PlannedResource, Reason, ReasonCode
from contracts.resources import CircuitSpec, ComputeSpec, LinkSpec, NetworkSpec, Purpose, Resource, Spec, root_of
from stacks.estate.inventory import Inventory

SIX = ("ams", "chi", "fra", "lon", "mad", "nyc")
CATALOG = Catalog(
    shapes=(Shape(name="s4", vcpu=4, memory_gib=16),),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1),),
)
REASON = Reason(code=ReasonCode.DEMAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Regions and the pairs of them that are joined."""

    regions: tuple[str, ...]
    links: tuple[str, ...]

    def environment(self, engine: EngineName) -> Environment:
        regions = tuple(RegionSettings(name=name, asn=64512 + number) for number, name in enumerate(self.regions))
        return Environment(name="dev", engine=engine, layout=Layout.REGION, regions=regions)

    def open_inventory(self, folder: Path) -> Path:
        """The file of an estate with room for all of it."""
        path = folder / "estate.db"
        inventory = Inventory(path)
        inventory.load_facts(self._facts(), CATALOG)
        inventory.close()
        return path

    def wanted(self, count: int) -> list[Resource]:
        """A network a region, a circuit and a link a pair, and machines up to `count`."""
        found = [_resource(f"{region}/network", NetworkSpec(asn=64512)) for region in self.regions]
        for link in self.links:
            found.append(_resource(f"{link}/circuit/staged/1g/0001", CircuitSpec(tier="1g", gbps=1, count=1)))
            found.append(_resource(f"{link}/link", LinkSpec()))
        for number in range(count - len(found)):
            region, index = self.regions[number % len(self.regions)], number // len(self.regions)
            found.append(_resource(f"{region}/compute/staged/s4/{index:04d}", ComputeSpec(shape="s4", count=1)))
        return found

    def _facts(self) -> InventoryFacts:
        ends = [link_ends(link) for link in self.links]
        return InventoryFacts(
            regions=tuple(
                RegionInventory(
                    name=name,
                    continent="europe",
                    fault_domain=name,
                    hosts=(HostGroup(count=99, vcpu=256, memory_gib=999),),
                    prices={"s4": 0.2},
                )
                for name in self.regions
            ),
            links=tuple(LinkInventory(a=a, b=b, latency_ms=9, gbps=999, prices={"1g": 1}) for a, b in ends),
        )


def fleet_of(regions: int) -> Fleet:
    """Six regions are all joined with one another; any other number of them lies in a ring."""
    if regions == len(SIX):
        return Fleet(regions=SIX, links=tuple(link_name(a, b) for a, b in combinations(SIX, 2)))
    names = tuple(f"r{number:03d}" for number in range(regions))
    pairs = zip(names, (*names[1:], names[0]), strict=True)
    return Fleet(regions=names, links=tuple(sorted({link_name(a, b) for a, b in pairs if a != b})))


def plan_of(resources: list[Resource], engine: EngineName, *, small: bool = False) -> Plan:
    """A plan of resources, or of a small change that names no root but theirs."""
    now = datetime.now(UTC)
    nothing = dict.fromkeys(Cost.model_fields, 0.0)
    return Plan(
        environment="dev",
        engine=engine,
        made_at=now,
        expires_at=now + timedelta(hours=1),
        inputs=Inputs(**{name: "" for name in Inputs.model_fields if name != "previous_plan"}),
        small=small,
        requirements=(),
        resources=tuple(PlannedResource(resource=item, usd_per_hour=0, reason=REASON) for item in resources),
        changes=(),
        cost=Cost.model_validate(nothing),
    )


def _resource(key: str, spec: Spec) -> Resource:
    place = key.partition("/")[0]
    return Resource(key=key, place=place, root=root_of(place), purpose=Purpose.STAGED, spec=spec)
