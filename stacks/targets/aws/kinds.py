"""`declare`: resources that touch a region on AWS as declarations, each kind by its own module."""

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from contracts.accounts import TargetName
from contracts.environment import Environment
from contracts.names import place_ends
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Resource,
    StorageSpec,
)
from stacks.declaration import Declaration
from stacks.targets.aws.alerts import declare_alert
from stacks.targets.aws.blocks import declare_block
from stacks.targets.aws.circuits import declare_circuit
from stacks.targets.aws.compute import declare_compute
from stacks.targets.aws.failover import declare_failover
from stacks.targets.aws.links import declare_link
from stacks.targets.aws.network import declare_network
from stacks.targets.aws.placing import Placing
from stacks.targets.aws.storage import declare_storage
from stacks.targets.aws.tunnels import declare_tunnels


def declare(resources: Sequence[Resource], environment: Environment) -> tuple[Declaration, ...]:
    """Declarations of all resources, in the order of their keys; of a link to elsewhere, AWS's side.

    Raises:
        InvalidArgument: a resource is none that AWS could have.
    """
    roots = {resource.key: resource.root for resource in resources}
    found: list[Declaration] = []
    for resource in resources:
        placings = tuple(_placings(resource, environment, roots))
        found += _declare(placings) if placings else ()
    return tuple(sorted(found, key=lambda item: item.key))


def _placings(resource: Resource, environment: Environment, roots: Mapping[str, str]) -> Iterator[Placing]:
    """The resource in each region on AWS that it touches."""
    for region in place_ends(resource.place):
        if environment.target_of(region) is TargetName.AWS:
            yield Placing(resource=resource, region=region, environment=environment, roots=roots)


def _declare(placings: tuple[Placing, ...]) -> Iterator[Declaration]:
    placing = placings[0]
    match placing.resource.spec:
        case NetworkSpec() as spec:
            return declare_network(placing, spec)
        case BlockSpec() as spec:
            return declare_block(placing, spec)
        case ComputeSpec() as spec:
            return declare_compute(placing, spec)
        case StorageSpec() as spec:
            return declare_storage(placing, spec)
        case CircuitSpec() as spec:
            return declare_circuit(placings, spec)
        case LinkSpec():
            return declare_link(placing) if len(placings) == 2 else declare_tunnels(placing)
        case FailoverSpec() as spec:
            return declare_failover(placing, spec)
        case AlertSpec() as spec:
            return declare_alert(placing, spec)
        case unknown:
            assert_never(unknown)
