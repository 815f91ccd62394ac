"""Address blocks: each a subnet of its prefix, in the network's one route table; staged and active look the same."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from contracts.resources import BlockSpec
from stacks.declaration import Declaration
from stacks.errors import InvalidArgument
from stacks.targets.aws.addressing import network, own_prefixes, zone_of
from stacks.targets.aws.network import pool_part
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.estate import network_key


def declare_block(placing: Placing, spec: BlockSpec) -> Iterator[Declaration]:
    """The subnet under the resource's own key; a CIDR association where no pool of the network holds it."""
    prefix = network(spec.prefix, where=placing.key())
    _refuse_own(placing, prefix)
    holder = _holder(placing, prefix)
    subnet: Arguments = {
        "vpc_id": placing.network(),
        "cidr_block": str(prefix),
        "availability_zone": zone_of(prefix, placing.cloud.zones),
        "tags": placing.tags(pool=spec.pool),
    }
    if holder is None:
        joined: Arguments = {"vpc_id": placing.network(), "cidr_block": str(prefix)}
        yield placing.declare("aws_vpc_ipv4_cidr_block_association", "pool", joined)
    yield placing.declare("aws_subnet", "", subnet, after=_after(placing, holder))
    routes: Arguments = {"subnet_id": placing.own(), "route_table_id": placing.network("routes")}
    yield placing.declare("aws_route_table_association", "routes", routes)


def _after(placing: Placing, holder: str | None) -> tuple[str, ...]:
    """What brings the addresses, where it is made in the same root: the first pool comes with the VPC."""
    if holder is None:
        return (placing.key("pool"),)
    if holder == placing.cloud.pools[0] or placing.network().root:
        return ()
    return (f"{network_key(placing.region)}/{pool_part(holder)}",)


def _holder(placing: Placing, prefix: IPv4Network) -> str | None:
    """The pool of the network that a prefix lies in."""
    pools = placing.cloud.pools
    return next((pool for pool in pools if prefix.subnet_of(network(pool, where=placing.key()))), None)


def _refuse_own(placing: Placing, prefix: IPv4Network) -> None:
    for own in own_prefixes(placing.cloud):
        if prefix.overlaps(IPv4Network(own)):
            raise InvalidArgument(
                f"{prefix} overlaps {own}, which the network's own zone subnets take",
                where=placing.key(),
                next_step=f"choose a block outside of {', '.join(own_prefixes(placing.cloud))}",
            )
