"""What it costs to render 10,000 resources: Terraform JSON, and registrations with Pulumi (a mock monitor).

    python benchmarks/render.py [RESOURCES]

Seconds are the process's own. Each stands beside a bound that no renderer can beat by much: `json.dumps` of the same
documents for Terraform, and as many empty registrations with the same monitor for Pulumi. Imports of the clouds'
packages come before the clock.
"""

import asyncio
import json
import sys
import time
import warnings
from collections.abc import Callable

import pulumi
from pulumi.runtime import mocks

from stacks.declaration import Declaration, Ref
from stacks.engines.cloudformation.templates import render_templates
from stacks.engines.engine import Job
from stacks.engines.pulumi_engine.collecting import rare_collections
from stacks.engines.pulumi_engine.resources import Surroundings, register
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.render import render_roots
from stacks.targets.declare import providers
from tests.clouds.clouds_world import mixed_environment

REGIONS = ("fra", "dub", "ohio")
PER_NETWORK = 50  # resources of one network: the network, its routes, and subnets with what leads to them


class Quiet(mocks.Mocks):
    """Answers every registration at once."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[object, object]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[object, object], None]:
        return {}, None


def main() -> None:
    warnings.simplefilter("ignore")
    resources = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    environment, declared = mixed_environment(), declarations(resources)
    print(f"{len(declared):,} resources")
    roots = {region: tuple(item for item in declared if item.root == region) for region in REGIONS}
    job = Job(environment=environment.name, roots=roots, providers=providers(environment))
    texts = render_roots(job, StatePlace())
    documents = [json.loads(text) for text in texts.values()]
    bound_s = timed(lambda: [json.dumps(document, indent=2, sort_keys=True) for document in documents])
    show("Terraform JSON (aim for 10,000: 2 s)", timed(lambda: render_roots(job, StatePlace())), bound_s, "json.dumps")
    templates_s = timed(lambda: [item.text() for item in render_templates(declared, environment).values()])
    show("CloudFormation templates", templates_s, bound_s, "json.dumps")
    accounts = {region.name: region.cloud.account for region in environment.regions if region.cloud}
    surroundings = Surroundings(providers=job.providers, accounts=accounts)
    registered(lambda: register(declared[:PER_NETWORK], surroundings=surroundings))  # imports the classes
    empty_s = registered(lambda: [pulumi.CustomResource("estate:index:Network", item.key, {}) for item in declared])
    with rare_collections():  # as the engine does
        pulumi_s = registered(lambda: register(declared, surroundings=surroundings))
    show("Pulumi registrations (aim for 10,000: 10 s)", pulumi_s, empty_s, "empty registrations")


def declarations(count: int) -> tuple[Declaration, ...]:
    """So many resources of AWS in networks of `PER_NETWORK`, each with tags and references."""
    made: list[Declaration] = []
    for network in range(-(-count // PER_NETWORK)):
        region = REGIONS[network % len(REGIONS)]
        made += one_network(region, f"{region}/network/n{network}", network)
    return tuple(made[:count])


def one_network(region: str, key: str, number: int) -> list[Declaration]:
    prefix = f"10.{number % 256}"
    made = [
        declared("aws_vpc", key, region, cidr_block=f"{prefix}.0.0/16", enable_dns_support=True),
        declared("aws_route_table", f"{key}/routes", region, vpc_id=Ref(key=key)),
    ]
    for at in range((PER_NETWORK - len(made)) // 2):
        subnet = f"{key}/subnet-{at}"
        made.append(declared("aws_subnet", subnet, region, vpc_id=Ref(key=key), cidr_block=f"{prefix}.{at}.0/24"))
        leads = {"subnet_id": Ref(key=subnet), "route_table_id": Ref(key=f"{key}/routes")}
        made.append(
            Declaration(
                type="aws_route_table_association",
                key=f"{subnet}/routes",
                root=region,
                arguments=leads,
                provider=region,
            )
        )
    return made


def declared(type: str, key: str, region: str, **arguments: str | bool | Ref) -> Declaration:
    tags = {"Name": key, "prestage:environment": "mixed", "prestage:key": key, "prestage:owner": "network"}
    return Declaration(type=type, key=key, root=region, arguments={**arguments, "tags": tags}, provider=region)


def timed(act: Callable[[], object]) -> float:
    """Seconds of this process: nothing here waits, so that other work on the machine counts less."""
    started = time.process_time()
    act()
    return time.process_time() - started


def registered(program: Callable[[], object]) -> float:
    """Seconds until all that a program registers is answered."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(Quiet(), project="benchmark", stack="benchmark")

    return timed(pulumi.runtime.test(lambda: program() and None))


def show(what: str, seconds: float, bound_s: float, bound: str) -> None:
    print(f"{what}: {seconds:.2f} s, {seconds / bound_s:.1f} times {bound} ({bound_s:.2f} s)")


if __name__ == "__main__":
    main()
