"""What was found in the clouds as resources of the environment: which could be what. Pure.

A network fits a region where its addresses are the region's. A block is a subnet of such a network within the region's
pools. Capacity is known by its shape or class. Names play no part: they were given by somebody else.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from contracts.accounts import CloudRegion
from contracts.adoption import FoundResource, LeftAlone, LeftCode
from contracts.environment import Environment
from contracts.resources import BlockSpec, ComputeSpec, NetworkSpec, Purpose, Resource, Spec, StorageSpec, root_of
from stacks.clouds.cloud import CloudResource
from stacks.targets.estate import network_key

NETWORKS = ("aws_vpc", "google_compute_network")
SUBNETS = ("aws_subnet", "google_compute_subnetwork")
BYTES_PER_GIB = 1 << 30
BLOCKS = ("aws_subnet", "google_network_connectivity_internal_range")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something found, and the resource that it could stand for."""

    found: CloudResource
    resource: Resource


def candidates(
    found: Sequence[CloudResource], environment: Environment, region: str
) -> tuple[tuple[Candidate, ...], tuple[LeftAlone, ...]]:
    """What of one region's could stand for which resource, and what others could stand for too."""
    account = environment.account(region)
    cloud = environment.cloud(region)
    assert cloud and account
    networks = [item for item in found if item.type in NETWORKS and _is_network_of(item, found, cloud)]
    offered = [Candidate(found=item, resource=_network(region, environment)) for item in networks]
    for item in found:
        if named := _named(item, cloud, networks):
            offered.append(Candidate(found=item, resource=_resource(region, *named)))
    return _unambiguous(offered, account.name)


def left_of(item: CloudResource, account: str, code: LeftCode, why: str) -> LeftAlone:
    """Why something is left alone."""
    return LeftAlone(found=found_of(item, account), code=code, why=why)


def found_of(item: CloudResource, account: str) -> FoundResource:
    """Something found, as documents name it."""
    return FoundResource(account=account, region=item.place, type=item.type, id=item.id)


def why_no_place(item: CloudResource, environment: Environment) -> str:
    """Why nothing in the environment is like it, in words with values."""
    cloud = environment.cloud(item.place)
    assert cloud
    if item.type in NETWORKS:
        said = item.arguments.get("cidr_block") or "addresses elsewhere"
        return f"has {said}; the network of {item.place} starts with {cloud.pools[0]}"
    if item.type in (*SUBNETS, *BLOCKS):
        return f"{_prefix(item)} lies in no pool of a network of {item.place} ({', '.join(cloud.pools)})"
    return f"no resource of a plan is known by a {item.type} like it"


def _is_network_of(item: CloudResource, found: Sequence[CloudResource], cloud: CloudRegion) -> bool:
    """A VPC whose first block is the region's first pool; a Google network with a subnet in its pools there."""
    if item.type == "aws_vpc":
        return item.arguments.get("cidr_block") == cloud.pools[0]
    inside = (subnet for subnet in found if subnet.type == "google_compute_subnetwork")
    return any(_in_network(subnet, item) and _pool_of(subnet, cloud) for subnet in inside)


def _network(region: str, environment: Environment) -> Resource:
    settings = environment.region(region)
    assert settings
    spec = NetworkSpec(asn=settings.asn)
    return Resource(key=network_key(region), place=region, root=root_of(region), purpose=Purpose.SUPPORT, spec=spec)


def _named(item: CloudResource, cloud: CloudRegion, networks: Sequence[CloudResource]) -> tuple[str, Spec] | None:
    """The end of its key, and its spec; None for what stands for nothing by itself."""
    arguments = item.arguments
    if item.type in BLOCKS and any(_in_network(item, network) for network in networks):
        pool, prefix = _pool_of(item, cloud), _prefix(item)
        return (f"block/serving/{prefix.replace('/', '-')}", BlockSpec(prefix=prefix, pool=pool)) if pool else None
    if item.type == "aws_autoscaling_group":
        shape, count = str(arguments.get("instance_type", "")), int(str(arguments.get("min_size", 0)))
        return (f"compute/serving/{shape}", ComputeSpec(shape=shape, count=count)) if shape and count else None
    if item.type == "aws_ebs_volume":
        name = str(arguments["type"])
        return f"storage/serving/{name}", StorageSpec(storage_class=name, gib=int(str(arguments["size"])))
    if item.type == "aws_efs_file_system":
        size = arguments.get("size_in_bytes")
        used = float(str(size["value"])) if isinstance(size, Mapping) else 0.0
        return "storage/serving/efs", StorageSpec(storage_class="efs", gib=max(1, math.ceil(used / BYTES_PER_GIB)))
    if item.type == "google_compute_disk":
        name = str(arguments["type"]).rpartition("/")[2]
        return f"storage/serving/{name}", StorageSpec(storage_class=name, gib=int(str(arguments["size"])))
    return None


def _resource(region: str, end: str, spec: Spec) -> Resource:
    return Resource(key=f"{region}/{end}", place=region, root=root_of(region), purpose=Purpose.SERVING, spec=spec)


def _unambiguous(offered: Iterable[Candidate], account: str) -> tuple[tuple[Candidate, ...], tuple[LeftAlone, ...]]:
    by_key: dict[str, list[Candidate]] = {}
    for item in offered:
        by_key.setdefault(item.resource.key, []).append(item)
    alone = tuple(items[0] for items in by_key.values() if len(items) == 1)
    crowded = ((key, items) for key, items in by_key.items() if len(items) > 1)
    return alone, tuple(left for key, items in crowded for left in _crowd(key, items, account))


def _crowd(key: str, items: Sequence[Candidate], account: str) -> Iterator[LeftAlone]:
    for item in items:
        others = ", ".join(sorted(other.found.id for other in items if other is not item))
        yield left_of(item.found, account, LeftCode.AMBIGUOUS, f"{others} could be {key} too")


def _in_network(item: CloudResource, network: CloudResource) -> bool:
    named = str(item.arguments.get("vpc_id") or item.arguments.get("network") or "")
    return bool(named) and (named == network.id or named.endswith(f"/{network.id}"))


def _prefix(item: CloudResource) -> str:
    return str(item.arguments.get("cidr_block") or item.arguments.get("ip_cidr_range") or "")


def _pool_of(item: CloudResource, cloud: CloudRegion) -> str:
    prefix = IPv4Network(_prefix(item))
    return next((pool for pool in cloud.pools if prefix.subnet_of(IPv4Network(pool))), "")
