"""The network of a region: VPC, pools, zone subnets, routes, and the gateways that others lean on.

Gateways take private autonomous system numbers only: 64512 to 65534, 4200000000 to 4294967294 (Amazon EC2 API,
CreateTransitGateway, CreateVpnGateway).
"""

from collections.abc import Iterator

from contracts.accounts import TargetName
from contracts.document import text_digest
from contracts.environment import Environment
from contracts.resources import NetworkSpec
from stacks.declaration import Declaration
from stacks.errors import InvalidArgument
from stacks.targets.aws.addressing import network, zone_subnets
from stacks.targets.aws.placing import Arguments, Placing

PRIVATE_ASNS = (range(64512, 65535), range(4200000000, 4294967295))
ANYWHERE = "0.0.0.0/0"
ENTRIES_STEP = 10  # a prefix list reserves entries in whatever refers to it: grow it seldom


def declare_network(placing: Placing, spec: NetworkSpec) -> Iterator[Declaration]:
    """The VPC under the resource's own key, and all that every network has."""
    pools = [str(network(pool, where=placing.key())) for pool in placing.cloud.pools]
    yield placing.declare("aws_vpc", "", _vpc(placing, pools[0], spec.asn))
    for pool in pools[1:]:
        yield placing.declare("aws_vpc_ipv4_cidr_block_association", pool_part(pool), _from_pool(placing, pool))
    yield from _subnets(placing)
    yield from _ways_in(placing)
    yield placing.declare("aws_ec2_managed_prefix_list", "prefixes", _prefixes(placing, pools))
    yield from _inside(placing)
    yield from _alerts(placing)
    if placing.cloud.transit:
        yield from _transit(placing, spec.asn)
    if needs_vpn_gateway(placing):
        yield placing.declare("aws_vpn_gateway", "vpn", _vpn_gateway(placing, spec.asn))
        learned: Arguments = {"vpn_gateway_id": placing.own("vpn"), "route_table_id": placing.own("routes")}
        yield placing.declare("aws_vpn_gateway_route_propagation", "vpn/routes", learned)


def pool_part(pool: str) -> str:
    """The part of a network that brings a further pool."""
    return f"pool-{pool.replace('/', '-')}"


def needs_vpn_gateway(placing: Placing) -> bool:
    """Whether something ends on it: Direct Connect, or tunnels that cannot end on a transit gateway."""
    environment = placing.environment
    outside = [item.name for item in environment.regions if environment.target_of(item.name) is not TargetName.AWS]
    return bool(placing.cloud.direct_connect) or any(not ends_on_transit(placing, peer) for peer in outside)


def ends_on_transit(placing: Placing, peer: str) -> bool:
    """Whether tunnels to a region outside of AWS end on the transit gateway: where routes can lead there."""
    return placing.cloud.transit and bool(prefixes_of(peer, placing.environment))


def prefixes_of(region: str, environment: Environment) -> tuple[str, ...]:
    """The addresses of a region, as far as the environment says them."""
    cloud, settings = environment.cloud(region), environment.region(region)
    return cloud.pools if cloud else settings.prefixes if settings else ()


def _vpc(placing: Placing, pool: str, asn: int) -> Arguments:
    return {
        "cidr_block": pool,
        "enable_dns_support": True,
        "enable_dns_hostnames": True,
        "tags": placing.tags(asn=asn),
        **_ipam(placing),
    }


def _from_pool(placing: Placing, pool: str) -> Arguments:
    return {"vpc_id": placing.own(), "cidr_block": pool, **_ipam(placing)}


def _ipam(placing: Placing) -> Arguments:
    return {"ipv4_ipam_pool_id": placing.cloud.ipam_pool} if placing.cloud.ipam_pool else {}


def _subnets(placing: Placing) -> Iterator[Declaration]:
    routes: Arguments = {"vpc_id": placing.own(), "tags": placing.tags("routes")}
    yield placing.declare("aws_route_table", "routes", routes)
    for zone, prefix in zone_subnets(placing.cloud, where=placing.key()).items():
        part = f"subnet-{zone}"
        arguments: Arguments = {
            "vpc_id": placing.own(),
            "cidr_block": prefix,
            "availability_zone": zone,
            "tags": placing.tags(part),
        }
        yield placing.declare("aws_subnet", part, arguments)
        joined: Arguments = {"subnet_id": placing.own(part), "route_table_id": placing.own("routes")}
        yield placing.declare("aws_route_table_association", f"{part}/routes", joined)


def _ways_in(placing: Placing) -> Iterator[Declaration]:
    """The internet gateway, and the public address that stands for the region."""
    internet: Arguments = {"vpc_id": placing.own(), "tags": placing.tags("internet")}
    yield placing.declare("aws_internet_gateway", "internet", internet)
    default: Arguments = {
        "route_table_id": placing.own("routes"),
        "destination_cidr_block": ANYWHERE,
        "gateway_id": placing.own("internet"),
    }
    yield placing.declare("aws_route", "internet/route", default)
    yield placing.declare("aws_eip", "address", {"domain": "vpc", "tags": placing.tags("address")})


def _prefixes(placing: Placing, pools: list[str]) -> Arguments:
    return {
        "name": placing.name("prefixes", limit=255),
        "address_family": "IPv4",
        "max_entries": -(-len(pools) // ENTRIES_STEP) * ENTRIES_STEP,
        "entry": tuple({"cidr": pool, "description": f"pool of {placing.region}"} for pool in sorted(pools)),
        "tags": placing.tags("prefixes"),
    }


def _inside(placing: Placing) -> Iterator[Declaration]:
    """A security group: all from the region's own pools, nothing else in, everything out."""
    group: Arguments = {
        "name": placing.name("inside", limit=255),
        "description": f"Within the network of {placing.region}",
        "vpc_id": placing.own(),
        "tags": placing.tags("inside"),
    }
    yield placing.declare("aws_security_group", "inside", group)
    within: Arguments = {"security_group_id": placing.own("inside"), "ip_protocol": "-1"}
    ingress: Arguments = {**within, "prefix_list_id": placing.own("prefixes"), "tags": placing.tags("inside/in")}
    yield placing.declare("aws_vpc_security_group_ingress_rule", "inside/in", ingress)
    egress: Arguments = {**within, "cidr_ipv4": ANYWHERE, "tags": placing.tags("inside/out")}
    yield placing.declare("aws_vpc_security_group_egress_rule", "inside/out", egress)


def _alerts(placing: Placing) -> Iterator[Declaration]:
    """The topic of all alarms of the region, and who hears of them."""
    topic: Arguments = {"name": placing.name("alerts", limit=256), "tags": placing.tags("alerts")}
    yield placing.declare("aws_sns_topic", "alerts", topic)
    for address in sorted(set(placing.account.notify)):
        arguments: Arguments = {"topic_arn": placing.own("alerts", "arn"), "protocol": "email", "endpoint": address}
        part = f"alerts/notify-{text_digest(address)[-8:]}"
        yield placing.declare("aws_sns_topic_subscription", part, arguments)


def _transit(placing: Placing, asn: int) -> Iterator[Declaration]:
    gateway: Arguments = {
        "amazon_side_asn": private_asn(asn, where=placing.key()),
        "description": f"{placing.environment.name} {placing.region}",
        "vpn_ecmp_support": "enable",
        "tags": placing.tags("transit"),
    }
    yield placing.declare("aws_ec2_transit_gateway", "transit", gateway)
    attachment: Arguments = {
        "transit_gateway_id": placing.own("transit"),
        "vpc_id": placing.own(),
        "subnet_ids": tuple(placing.own(f"subnet-{zone}") for zone in placing.cloud.zones),
        "tags": placing.tags("transit-attachment"),
    }
    yield placing.declare("aws_ec2_transit_gateway_vpc_attachment", "transit-attachment", attachment)


def _vpn_gateway(placing: Placing, asn: int) -> Arguments:
    number = str(private_asn(asn, where=placing.key()))
    return {"vpc_id": placing.own(), "amazon_side_asn": number, "tags": placing.tags("vpn")}


def private_asn(asn: int, *, where: str) -> int:
    """An autonomous system number, as gateways of AWS take it.

    Raises:
        InvalidArgument: it is a public one.
    """
    if not any(asn in numbers for numbers in PRIVATE_ASNS):
        raise InvalidArgument(
            f"its asn {asn} is public: gateways of AWS take 64512-65534 and 4200000000-4294967294",
            where=where,
            next_step="set `asn` of the region to a private one",
        )
    return asn
