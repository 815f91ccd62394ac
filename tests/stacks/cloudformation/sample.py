"""Declarations as an AWS target makes them, by hand: a network in each region and what stands in it."""

from stacks.declaration import Declaration, Lifecycle, Ref

TAGS = {"prestage:environment": "mixed", "prestage:key": "k", "prestage:owner": "network"}


def declared(type, key, *, root="", provider="", **rest):
    """A declaration in the region that its key begins with."""
    region = key.partition("/")[0]
    depends_on, exports = rest.pop("depends_on", ()), rest.pop("exports", ())
    lifecycle = rest.pop("lifecycle", Lifecycle())
    return Declaration(
        type=type,
        key=key,
        root=root or region,
        provider=provider or region,
        arguments=rest,
        depends_on=depends_on,
        exports=exports,
        lifecycle=lifecycle,
    )


def network(region="fra", cidr="10.16.0.0/16"):
    """A network with a gateway, a subnet and a route out."""
    at = f"{region}/network"
    vpc = Ref(key=at)
    zone = {"fra": "eu-central-1b", "dub": "eu-west-1b", "ohio": "us-east-2b"}[region]
    return (
        declared("aws_vpc", at, cidr_block=cidr, enable_dns_support=True, tags=TAGS, exports=("id",)),
        declared("aws_internet_gateway", f"{at}/gateway", vpc_id=vpc, tags=TAGS),
        declared("aws_route_table", f"{at}/routes", vpc_id=vpc, tags=TAGS, exports=("id",)),
        declared(
            "aws_subnet",
            f"{at}/subnet-b",
            vpc_id=vpc,
            cidr_block=cidr.replace("/16", "/20"),
            availability_zone=zone,
            tags=TAGS,
        ),
        declared(
            "aws_route",
            f"{at}/out",
            route_table_id=Ref(key=f"{at}/routes"),
            destination_cidr_block="0.0.0.0/0",
            gateway_id=Ref(key=f"{at}/gateway"),
        ),
        declared("aws_eip", f"{at}/address", domain="vpc", tags=TAGS, exports=("public_ip",)),
    )


def peering(one="fra", other="dub", location="eu-west-1"):
    """A peering, both sides, and routes."""
    link = f"{one}--{other}/link"
    return (
        declared(
            "aws_vpc_peering_connection",
            link,
            root="links",
            provider=one,
            vpc_id=Ref(key=f"{one}/network", root=one),
            peer_vpc_id=Ref(key=f"{other}/network", root=other),
            peer_region=location,
            auto_accept=False,
            tags=TAGS,
        ),
        declared(
            "aws_vpc_peering_connection_accepter",
            f"{link}/accept",
            root="links",
            provider=other,
            vpc_peering_connection_id=Ref(key=link),
            auto_accept=True,
        ),
        declared(
            "aws_route",
            f"{link}/there",
            root="links",
            provider=one,
            route_table_id=Ref(key=f"{one}/network/routes", root=one),
            destination_cidr_block="10.32.0.0/16",
            vpc_peering_connection_id=Ref(key=link),
        ),
        declared(
            "aws_route",
            f"{link}/back",
            root="links",
            provider=other,
            route_table_id=Ref(key=f"{other}/network/routes", root=other),
            destination_cidr_block="10.16.0.0/16",
            vpc_peering_connection_id=Ref(key=f"{link}/accept"),
        ),
    )
