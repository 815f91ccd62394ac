"""A small project on disk with a loaded estate, for tests that drive the real Pulumi."""

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.capacity import Catalog, CircuitTier, Shape, StorageClass
from contracts.engines import EngineName, Layout
from contracts.environment import Environment, RegionSettings
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Resource,
    Spec,
    StorageSpec,
    root_of,
)
from contracts.run import RootRun, RunStatus
from stacks.declaration import Value
from stacks.engines.engine import Adoption, Job
from stacks.engines.pulumi_engine.command import find_pulumi
from stacks.engines.pulumi_engine.engine import PulumiEngine
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.errors import EngineMissing
from stacks.estate.inventory import Inventory
from stacks.targets.estate import declare

# Pulumi's language server leaves the event loop of a program that failed open: pulumi/automation/_server.py.
LEAKS = tuple(
    pytest.mark.filterwarnings(f"ignore:{text}")
    for text in (
        "unclosed event loop:ResourceWarning",
        "unclosed <socket:ResourceWarning",
        "Exception ignored in. <coroutine object run_in_stack:pytest.PytestUnraisableExceptionWarning",
    )
)
REGIONS = ("ams", "fra")
CATALOG = Catalog(
    shapes=(Shape(name="m8", vcpu=8, memory_gib=32),),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10)),
)
PRICES = {"m8": 0.4, "standard": 0.0001, "address": 0.004}


FAST_STORAGE = StorageSpec(
    storage_class="standard", gib=100, replica_region="ams", iops=5000, throughput_mibps=400, volumes=2
)


def pulumi_missing() -> str:
    """Why tests that need the program skip; empty where it is there."""
    try:
        find_pulumi()
    except EngineMissing as error:
        return str(error)
    return ""


REAL_PULUMI = (pytest.mark.engine, pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing()), *LEAKS)
BOTH = pytest.mark.parametrize("layout", list(Layout))


def facts(regions=REGIONS):
    return InventoryFacts(
        regions=tuple(
            RegionInventory(
                name=name,
                continent="europe",
                fault_domain=name,
                hosts=(HostGroup(count=10, vcpu=64, memory_gib=256),),
                storage_gib={"standard": 100000},
                pools=(f"10.{number}.0.0/16",),
                prices=PRICES,
            )
            for number, name in enumerate(regions)
        ),
        links=tuple(
            LinkInventory(a=a, b=b, latency_ms=8, gbps=100, prices={"1g": 1, "10g": 5})
            for a in regions
            for b in regions
            if a < b
        ),
    )


def resource(key: str, spec: Spec, *, root: str = "") -> Resource:
    place = key.partition("/")[0]
    return Resource(key=key, place=place, root=root or root_of(place), purpose=Purpose.SERVING, spec=spec)


def compute(key: str, count: int = 2, *, root: str = "") -> Resource:
    return resource(key, ComputeSpec(shape="m8", count=count), root=root)


def every_kind() -> list[Resource]:
    """One of each kind that there is, in two regions."""
    return [
        resource("ams/network", NetworkSpec(asn=64513)),
        resource("fra/network", NetworkSpec(asn=64512)),
        resource("fra/block/serving/10.1.0.0-24", BlockSpec(prefix="10.1.0.0/24", pool="10.1.0.0/16")),
        compute("fra/compute/serving/m8"),
        resource("fra/storage/serving/standard", FAST_STORAGE),
        resource("ams--fra/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=2)),
        resource("ams--fra/link", LinkSpec()),
        resource("fra/failover/ams", FailoverSpec(partner="ams", share=0.5)),
        resource("fra/alert/vcpu", AlertSpec(metric="vcpu", threshold=0.85)),
    ]


@dataclass(frozen=True, kw_only=True)
class PulumiProject:
    """A project's folder, its estate and the engine in charge."""

    folder: Path
    environment: Environment
    inventory: Inventory
    engine: PulumiEngine

    def job(self, resources, *, adopt=(), drop=(), roots=()) -> Job:
        """The whole content of every root that a resource is in, of all regions and the links, and of `roots`."""
        names = {*self.environment_roots, *(item.root for item in resources), *roots}
        return Job(
            environment=self.environment.name,
            roots={
                name: declare([item for item in resources if item.root == name], self.environment)
                for name in sorted(names, key=lambda name: (name == "links", name))
            },
            adopt=tuple(Adoption(key=key, from_root=root) for key, root in adopt),
            drop=tuple(drop),
        )

    @property
    def environment_roots(self) -> tuple[str, ...]:
        return (*(region.name for region in self.environment.regions), "links")

    def live(self) -> dict[str, dict[str, Value]]:
        """What exists: key -> arguments."""
        return {row.key: dict(row.arguments) for row in self.inventory.listing(self.environment.name)}

    def seqs(self) -> dict[str, int]:
        """When each was created: key -> number; a resource that was made anew has another one."""
        return {row.key: row.seq for row in self.inventory.listing(self.environment.name)}


def make_project(folder: Path, *, layout: Layout = Layout.ENVIRONMENT, regions=REGIONS) -> PulumiProject:
    environment = Environment(
        name="dev",
        engine=EngineName.PULUMI,
        layout=layout,
        regions=tuple(RegionSettings(name=name, asn=64512 + number) for number, name in enumerate(regions)),
    )
    state = folder / environment.state_dir
    state.mkdir(parents=True, exist_ok=True)
    inventory = Inventory(state / "estate.db")
    inventory.load_facts(facts(regions), CATALOG)
    workspace = PulumiWorkspace(folder=folder, environment=environment, inventory=state / "estate.db", state=state)
    return PulumiProject(folder=folder, environment=environment, inventory=inventory, engine=PulumiEngine(workspace))


@pytest.fixture
def layout():
    return Layout.ENVIRONMENT


@pytest.fixture
def project(tmp_path, layout):
    """A project in a test's layout; what Pulumi left open of a run that failed is collected before the next test."""
    made = make_project(tmp_path, layout=layout)
    yield made
    made.inventory.close()
    gc.collect()


def statuses(outcomes: Iterable[RootRun]) -> dict[str, RunStatus]:
    """By root, how it ended."""
    return {outcome.root: outcome.status for outcome in outcomes}
