"""Links of two AWS regions: VPC peering with its accepter, options and routes; peering of the transit gateways.

The networks' own traffic takes the VPC peering connection, which has no limit of bandwidth; what is attached to the
transit gateways takes theirs, which circuits stand on. Options are set once the connection is active, so they and the
routes follow the accepter.
"""

from collections.abc import Iterator

from contracts.names import link_ends
from stacks.declaration import Declaration, Ref
from stacks.targets.aws.placing import Arguments, Placing


def declare_link(placing: Placing) -> Iterator[Declaration]:
    """The connection under the resource's own key, requested by the first end and accepted by the other."""
    a, b = (placing.at(region) for region in link_ends(placing.resource.place))
    yield from _connection(a, b)
    for here, there in ((a, b), (b, a)):
        yield from _routes(here, there)
    if a.cloud.transit and b.cloud.transit:
        yield from _transit(a, b)


def has_transit(placing: Placing) -> bool:
    """Whether both ends of a link of two AWS regions keep a transit gateway."""
    return all(placing.at(region).cloud.transit for region in link_ends(placing.resource.place))


def _connection(a: Placing, b: Placing) -> Iterator[Declaration]:
    tags = a.tags()
    connection: Arguments = {
        "vpc_id": a.network(),
        "peer_vpc_id": b.network(),
        "peer_owner_id": b.account.id,
        "peer_region": b.cloud.location,
        "auto_accept": False,
        "tags": tags,
    }
    yield a.declare("aws_vpc_peering_connection", "", connection)
    # The same tags: in one account and region both sides are one object.
    accepter: Arguments = {"vpc_peering_connection_id": a.own(), "auto_accept": True, "tags": tags}
    yield b.declare("aws_vpc_peering_connection_accepter", "accepter", accepter)
    for side, role in ((a, "requester"), (b, "accepter")):
        options: Arguments = {
            "vpc_peering_connection_id": a.own("accepter"),
            role: {"allow_remote_vpc_dns_resolution": True},
        }
        yield side.declare("aws_vpc_peering_connection_options", f"options-{side.region}", options)


def _routes(here: Placing, there: Placing) -> Iterator[Declaration]:
    for pool in there.cloud.pools:
        route: Arguments = {
            "route_table_id": here.network("routes"),
            "destination_cidr_block": pool,
            "vpc_peering_connection_id": here.own("accepter"),
        }
        yield here.declare("aws_route", route_part(here.region, pool), route)


def _transit(a: Placing, b: Placing) -> Iterator[Declaration]:
    attachment: Arguments = {
        "transit_gateway_id": a.network("transit"),
        "peer_transit_gateway_id": b.network("transit"),
        "peer_account_id": b.account.id,
        "peer_region": b.cloud.location,
        "tags": a.tags("transit"),
    }
    yield a.declare("aws_ec2_transit_gateway_peering_attachment", "transit", attachment)
    accepter: Arguments = {
        "transit_gateway_attachment_id": a.own("transit"),
        "tags": b.tags("transit"),  # as its other side's: see the connection
    }
    yield b.declare("aws_ec2_transit_gateway_peering_attachment_accepter", "transit-accepter", accepter)
    for here, there in ((a, b), (b, a)):
        for pool in there.cloud.pools:
            yield here.declare(
                "aws_ec2_transit_gateway_route", f"transit-{route_part(here.region, pool)}", _over(here, pool)
            )


def _over(here: Placing, pool: str) -> Arguments:
    attachment: Ref = here.own("transit-accepter")  # active once it is accepted
    return {
        "transit_gateway_route_table_id": here.network("transit", "association_default_route_table_id"),
        "destination_cidr_block": pool,
        "transit_gateway_attachment_id": attachment,
    }


def route_part(region: str, pool: str) -> str:
    """The part of a link that leads a region's traffic to a pool elsewhere."""
    return f"route-{region}-{pool.replace('/', '-')}"
