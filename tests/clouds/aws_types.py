"""Every type that the AWS target can declare, in one set of declarations: the mixed world and what it leaves out.

For the real provider to validate and plan; moto could not make all of it.
"""

from contracts.environment import Environment
from contracts.resources import CircuitSpec, ComputeSpec, Purchase, Resource, StorageSpec
from stacks.declaration import Declaration
from stacks.targets import aws
from tests.clouds.clouds_world import every_kind_of, mixed_environment, resource


def every_type(aws_url: str = "") -> tuple[Environment, tuple[Declaration, ...]]:
    """An environment that uses all that accounts and regions can say, and its declarations."""
    environment = lavish(mixed_environment(aws_url))
    return environment, aws.declare((*every_kind_of(environment), *what_moto_lacks()), environment)


def what_moto_lacks() -> tuple[Resource, ...]:
    """Resources whose declarations need what moto lacks."""
    committed = ComputeSpec(shape="m7g.large", count=3, purchase=Purchase.COMMITTED)
    return (
        resource("fra/compute/granted/m7g.large/r-1", committed),
        resource("fra/storage/granted/io2/r-1", StorageSpec(storage_class="io2", gib=70_000, replica_region="dub")),
        resource("fra/storage/granted/efs/r-1", StorageSpec(storage_class="efs", gib=10, replica_region="dub")),
        resource(
            "fra/storage/granted/gp3/r-1",
            StorageSpec(storage_class="gp3", gib=1000, iops=20_000, throughput_mibps=1500, volumes=2),
        ),
        resource("fra/storage/granted/efs/r-2", StorageSpec(storage_class="efs", gib=10, throughput_mibps=100)),
        resource("dub--fra/circuit/granted/1g/r-1", CircuitSpec(tier="1g", gbps=1, count=2)),
    )


def lavish(environment: Environment) -> Environment:
    """Commitments are bought; pools come from IPAM; Direct Connect is named; one region has no transit gateway."""
    said: dict[str, dict[str, object]] = {
        "fra": {"ipam_pool": "ipam-pool-0a1b2c3d4e5f60718", "direct_connect": {"dub--fra": "dxcon-fg1a2b3c"}},
        "dub": {"direct_connect": {"dub--fra": "dxcon-fg4d5e6f"}},
        "ohio": {},
    }
    regions = []
    for region in environment.regions:
        cloud = region.cloud and region.cloud.model_copy(update=said.get(region.name, {}))
        regions.append(region.model_copy(update={"cloud": cloud}))
    accounts = tuple(account.model_copy(update={"buy_commitments": True}) for account in environment.accounts)
    return environment.model_copy(update={"regions": tuple(regions), "accounts": accounts})
