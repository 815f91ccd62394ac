"""An apply of networks and addresses on moto as a process of its own, to be killed in the middle.

Nothing in it has a name that AWS would refuse to give twice: run twice without looking, everything is made twice.
"""

import sys
from pathlib import Path

from contracts.ports import Silent
from stacks.declaration import Declaration, Ref
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.targets.aws.providers import provider_of
from tests.clouds.clouds_world import mixed_environment

NETWORKS = 2
REGION = "fra"


def tags(key: str) -> dict[str, str]:
    return {"prestage:environment": "mixed", "prestage:key": key, "prestage:owner": "network"}


def declarations() -> tuple[Declaration, ...]:
    """Networks, each with a subnet, a route table, an association and an address."""
    return tuple(item for number in range(NETWORKS) for item in _network(number))


def _network(number: int) -> tuple[Declaration, ...]:
    key = f"fra/network/{number}"
    vpc, subnet, routes = key, f"{key}/subnet", f"{key}/routes"
    block = {"cidr_block": f"10.{number}.0.0/16"}
    return (
        _declared("aws_vpc", vpc, **block),
        _declared("aws_subnet", subnet, cidr_block=f"10.{number}.0.0/24", vpc_id=Ref(key=vpc)),
        _declared("aws_route_table", routes, vpc_id=Ref(key=vpc)),
        Declaration(
            type="aws_route_table_association",
            key=f"{routes}/subnet",
            root=REGION,
            provider=REGION,
            arguments={"subnet_id": Ref(key=subnet), "route_table_id": Ref(key=routes)},
        ),
        _declared("aws_eip", f"{key}/address", domain="vpc"),
    )


def _declared(type: str, key: str, **arguments: str | Ref) -> Declaration:
    return Declaration(type=type, key=key, root=REGION, provider=REGION, arguments={**arguments, "tags": tags(key)})


def job(aws_url: str, adopt: tuple[Adoption, ...] = ()) -> Job:
    environment = mixed_environment(aws_url)
    providers = {REGION: provider_of(REGION, environment)}
    return Job(environment="mixed", roots={REGION: declarations()}, adopt=adopt, providers=providers)


def engine(folder: Path) -> TerraformEngine:
    return TerraformEngine(folder / "roots", folder / "estate.db")


if __name__ == "__main__":
    print(engine(Path(sys.argv[1])).apply(job(sys.argv[2]), Silent()))
