"""`declare`: resources that touch a region on AWS as declarations, each kind by its own module."""

from collections.abc import Iterator, Mapping, Sequence

from contracts.environment import Environment, TargetName
from contracts.names import is_link, link_ends
from contracts.resources import BlockSpec, ComputeSpec, LinkSpec, NetworkSpec, Resource
from stacks.declaration import Declaration
from stacks.targets.aws.blocks import declare_block
from stacks.targets.aws.compute import declare_compute
from stacks.targets.aws.links import declare_link
from stacks.targets.aws.network import declare_network
from stacks.targets.aws.placing import Placing


def declare(resources: Sequence[Resource], environment: Environment) -> tuple[Declaration, ...]:
    """Declarations of all resources, in the order of their keys.

    Raises:
        InvalidArgument: a resource is none that AWS could have.
    """
    roots = {resource.key: resource.root for resource in resources}
    found = [item for resource in resources for item in _declare(resource, environment, roots)]
    return tuple(sorted(found, key=lambda item: item.key))


def _declare(resource: Resource, environment: Environment, roots: Mapping[str, str]) -> Iterator[Declaration]:
    ends = link_ends(resource.place) if is_link(resource.place) else (resource.place,)
    ours = [region for region in ends if environment.target_of(region) is TargetName.AWS]
    placings = [Placing(resource=resource, region=region, environment=environment, roots=roots) for region in ours]
    for placing in placings[:1]:
        match resource.spec:
            case NetworkSpec():
                yield from declare_network(placing, resource.spec)
            case BlockSpec():
                yield from declare_block(placing, resource.spec)
            case ComputeSpec():
                yield from declare_compute(placing, resource.spec)
            case LinkSpec() if len(ours) == 2:
                yield from declare_link(placing)
