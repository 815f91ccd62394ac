"""Plans over AWS, Google Cloud and premises: any mix of regions, settings and resources of every kind."""

from dataclasses import dataclass

from hypothesis import strategies as st

from contracts.accounts import CloudRegion, TargetName
from contracts.environment import Environment, RegionSettings
from contracts.names import link_name
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purchase,
    Resource,
    StorageSpec,
)
from stacks.engines.engine import Job
from stacks.targets.declare import by_root, declare, providers
from tests.clouds.clouds_world import (
    LINKS,
    PARTNERS,
    POOLS,
    SHAPES,
    STORAGE_CLASSES,
    every_kind_of,
    mixed_environment,
    resource,
)

NAMES = tuple(POOLS)
PAIRS = (*LINKS, ("ams", "bel"))
FAILOVERS = (("fra", "bel"), ("bel", "ams"), ("ams", "fra"), ("dub", "fra"))


@dataclass(frozen=True)
class World:
    """An environment, and what a plan wants of it."""

    environment: Environment
    resources: tuple[Resource, ...]

    def job(self) -> Job:
        """All that is declared of it, by root."""
        declared = by_root(declare(self.resources, self.environment))
        return Job(environment=self.environment.name, roots=dict(declared), providers=providers(self.environment))


def everything() -> World:
    """One of each kind wherever it can be, under settings that bring out every type."""
    environment = changed(mixed_environment(), hosted=True, bought=True, pooled=True)
    extra = [
        resource("ams--bel/link", LinkSpec()),
        resource(
            "dub/compute/serving/m6i.large-kept", ComputeSpec(shape="m6i.large", count=3, purchase=Purchase.COMMITTED)
        ),
        resource("dub/failover/fra", FailoverSpec(partner="fra", share=1.0)),
        resource("fra/storage/serving/gp3-copied", StorageSpec(storage_class="gp3", gib=100, replica_region="dub")),
        resource("fra/storage/serving/efs-copied", StorageSpec(storage_class="efs", gib=100, replica_region="dub")),
        resource("ohio/storage/serving/io2", StorageSpec(storage_class="io2", gib=200)),
        resource(
            "fra/storage/serving/gp3-fast/dub",
            StorageSpec(
                storage_class="gp3", gib=400, replica_region="dub", iops=20_000, throughput_mibps=1000, volumes=2
            ),
        ),
        resource("fra/storage/serving/efs-fast", StorageSpec(storage_class="efs", gib=400, throughput_mibps=200)),
        resource(
            "bel/storage/serving/hyperdisk-balanced",
            StorageSpec(storage_class="hyperdisk-balanced", gib=400, iops=9000, throughput_mibps=400),
        ),
        resource(
            "ams/storage/serving/standard-hot",
            StorageSpec(storage_class="standard", gib=400, iops=9000, throughput_mibps=400, volumes=2),
        ),
        resource(
            "fra/compute/failover/m6i.large-kept", ComputeSpec(shape="m6i.large", count=3, purchase=Purchase.COMMITTED)
        ),
    ]
    return World(environment, tuple(sorted([*every_kind_of(environment), *extra], key=lambda item: item.key)))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any plan of some regions."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True).map(sorted))
    environment = changed(
        mixed_environment(), hosted=draw(st.booleans()), bought=draw(st.booleans()), pooled=draw(st.booleans())
    )
    found = [item for name in names for item in draw(in_region(environment, name))]
    for pair in (pair for pair in PAIRS if set(pair) <= set(names)):
        found += draw(on_link(link_name(*pair)))
    for region, partner in (pair for pair in FAILOVERS if set(pair) <= set(names)):
        share = draw(st.sampled_from([0.0, 0.25, 1.0]))
        if share:
            found.append(resource(f"{region}/failover/{partner}", FailoverSpec(partner=partner, share=share)))
    return World(environment, tuple(sorted(found, key=lambda item: item.key)))


@st.composite
def in_region(draw: st.DrawFn, environment: Environment, name: str) -> list[Resource]:
    """The network of a region, and some of what can be in it."""
    target, base = environment.target_of(name), POOLS[name][0].removesuffix(".0.0/16")
    settings = environment.region(name)
    assert settings
    found = [resource(f"{name}/network", NetworkSpec(asn=settings.asn))]
    for number in range(draw(st.integers(0, 2))):
        prefix = f"{base}.{16 + number}.0"
        spec = BlockSpec(prefix=f"{prefix}/24", pool=POOLS[name][0])
        found.append(resource(f"{name}/block/{draw(st.sampled_from(['serving', 'staged']))}/{prefix}-24", spec))
    for purpose in draw(st.sets(st.sampled_from(["serving", "failover", "staged"]))):
        purchase = draw(st.sampled_from([Purchase.ON_DEMAND] if purpose == "staged" else list(Purchase)))
        compute = ComputeSpec(shape=SHAPES[target], count=draw(st.integers(1, 5)), purchase=purchase)
        found.append(resource(f"{name}/compute/{purpose}/{SHAPES[target]}", compute))
    for kind in draw(st.sets(st.sampled_from(STORAGE_CLASSES[target]))):
        partner = PARTNERS[name] if draw(st.booleans()) else None
        storage = StorageSpec(storage_class=kind, gib=draw(st.sampled_from([10, 500, 20_000])), replica_region=partner)
        found.append(resource(f"{name}/storage/serving/{kind}", storage))
    if draw(st.booleans()):
        found.append(resource(f"{name}/alert/vcpu", AlertSpec(metric="vcpu", threshold=0.85)))
    return found


@st.composite
def on_link(draw: st.DrawFn, place: str) -> list[Resource]:
    """A link, with a circuit or without, or nothing."""
    match draw(st.sampled_from(["nothing", "link", "circuit"])):
        case "nothing":
            return []
        case "link":
            return [resource(f"{place}/link", LinkSpec())]
    spec = CircuitSpec(tier="10g", gbps=draw(st.sampled_from([1, 10])), count=draw(st.integers(1, 2)))
    return [resource(f"{place}/link", LinkSpec()), resource(f"{place}/circuit/serving/10g", spec)]


def changed(environment: Environment, *, hosted: bool, bought: bool, pooled: bool) -> Environment:
    """The environment with settings that change which resources stand for a plan's."""
    accounts = tuple(item.model_copy(update={"buy_commitments": bought}) for item in environment.accounts)
    regions = tuple(_region(item, environment, hosted=hosted, pooled=pooled) for item in environment.regions)
    return environment.model_copy(update={"accounts": accounts, "regions": regions})


def _region(item: RegionSettings, environment: Environment, *, hosted: bool, pooled: bool) -> RegionSettings:
    if item.name == "ams":
        return item.model_copy(update={"prefixes": POOLS["ams"]})
    if item.cloud is None or environment.target_of(item.name) is not TargetName.AWS:
        return item
    settings: dict[str, object] = {}
    if hosted and item.name == "fra":
        settings["direct_connect"] = {"ams--fra": "dxcon-ffabc123"}
    if pooled and item.name in ("fra", "ohio"):
        settings["ipam_pool"] = "ipam-pool-0123456789abcdef0"
    return item.model_copy(update={"cloud": CloudRegion.model_validate({**item.cloud.model_dump(), **settings})})
