"""`declare`: resources that touch a region on Google Cloud as declarations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from contracts.accounts import TargetName
from contracts.environment import Environment
from contracts.names import is_link, link_ends
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
from stacks.errors import InvalidArgument
from stacks.targets.gcp.alerts import declare_alert
from stacks.targets.gcp.circuits import declare_attachments
from stacks.targets.gcp.compute import declare_compute
from stacks.targets.gcp.failover import declare_failover, declare_shares, shared_by_region
from stacks.targets.gcp.network import declare_block, declare_network
from stacks.targets.gcp.peering import chain, declare_peering
from stacks.targets.gcp.placing import Placing
from stacks.targets.gcp.storage import declare_storage
from stacks.targets.gcp.tunnels import declare_tunnels


def declare(resources: Sequence[Resource], environment: Environment) -> tuple[Declaration, ...]:
    """Declarations of all resources, in the order of their keys; of links, the side that lies on Google Cloud.

    Raises:
        InvalidArgument: Google Cloud has nothing that a resource could be.
    """
    roots = {resource.key: resource.root for resource in resources}
    declared = [item for resource in resources for item in _declare(resource, environment, roots)]
    return chain((*declared, *_shares(resources, environment, roots)))


def _shares(resources: Sequence[Resource], environment: Environment, roots: Mapping[str, str]) -> Iterator[Declaration]:
    """What all failover pairs of a region have together."""
    for region, pairs in shared_by_region(resources).items():
        base = f"{region}/failover-shares"
        at = Placing(resource=pairs[0], region=region, environment=environment, roots=roots, base=base)
        yield from declare_shares(at, pairs)


def _declare(resource: Resource, environment: Environment, roots: Mapping[str, str]) -> Iterator[Declaration]:
    if is_link(resource.place):
        yield from _between(resource, environment, roots)
        return
    at = Placing(resource=resource, region=resource.place, environment=environment, roots=roots, base=resource.key)
    match resource.spec:
        case NetworkSpec() as spec:
            yield from declare_network(at, spec)
        case BlockSpec() as spec:
            yield from declare_block(at, spec)
        case ComputeSpec() as spec:
            yield from declare_compute(at, spec)
        case StorageSpec() as spec:
            yield from declare_storage(at, spec)
        case FailoverSpec() as spec:
            yield from declare_failover(at, spec)
        case AlertSpec() as spec:
            yield from declare_alert(at, spec)
        case CircuitSpec() | LinkSpec():
            raise InvalidArgument(f"a {resource.kind} joins two regions, and {resource.place} is one", where=at.key())
        case _ as unknown:
            assert_never(unknown)


def _between(resource: Resource, environment: Environment, roots: Mapping[str, str]) -> Iterator[Declaration]:
    """A link or a circuit: one declaration for both ends where both lie on Google Cloud, else a side of its own."""
    ends = link_ends(resource.place)
    ours = [end for end in ends if environment.target_of(end) is TargetName.GCP]
    places = {
        end: Placing(
            resource=resource,
            region=end,
            environment=environment,
            roots=roots,
            base=resource.key if len(ours) > 1 else f"{resource.key}/{end}",
        )
        for end in ours
    }
    match resource.spec, ours:
        case LinkSpec(), [one, other]:
            yield from declare_peering(places[one], places[other])
        case CircuitSpec() as spec, [one, other]:
            yield from declare_attachments(places[one], "", spec)
            yield from declare_attachments(places[other], other, spec)
        case (LinkSpec() | CircuitSpec()) as spec, [one]:
            peer = next(end for end in ends if end != one)
            yield from _outwards(places[one], peer, spec)
        case LinkSpec() | CircuitSpec(), _:
            return
        case _:
            raise InvalidArgument(
                f"a {resource.kind} stands in one region, and {resource.place} is two", where=resource.key
            )


def _outwards(at: Placing, peer: str, spec: LinkSpec | CircuitSpec) -> Iterator[Declaration]:
    """One side of what leaves Google Cloud."""
    if isinstance(spec, LinkSpec):
        yield from declare_tunnels(at, peer)
    elif at.environment.target_of(peer) is TargetName.AWS:
        yield from declare_tunnels(at, peer, spec)
    else:
        yield from declare_attachments(at, "", spec)
