"""Tunnels to regions outside of AWS: customer gateways and VPN connections, for links and for circuits.

A connection is two tunnels that speak BGP; AWS makes their keys. It ends on the transit gateway where the region keeps
one and the peer's prefixes are known (so that routes lead there, and connections add up), else on the VPN gateway,
which learns what the peer tells but uses one tunnel at a time.

Sources: AWS Site-to-Site VPN user guide, "Quotas" (1.25 Gbps a tunnel), "Tunnel options" (inside addresses); Amazon VPC
Transit Gateways, "Quotas" (equal-cost paths, 50 Gbps).
"""

import math
from collections.abc import Iterator
from ipaddress import IPv4Address

from contracts.accounts import TargetName
from contracts.document import text_digest
from contracts.environment import Environment
from contracts.names import link_ends, link_name
from contracts.resources import CircuitSpec
from stacks.declaration import Argument, Declaration, Ref
from stacks.errors import InvalidArgument
from stacks.targets.aws.links import route_part
from stacks.targets.aws.network import ends_on_transit, prefixes_of
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.estate import network_key

TUNNEL_GBPS = 1.25
CONNECTION_TUNNELS = 2
MOST_GBPS = 50  # over all connections to one peer
INTERFACES = 2  # of an HA VPN gateway of Google Cloud
_LARGEST_ASN = 2147483647  # that `bgp_asn` of a customer gateway takes; above it there is another argument
_FIRST_INSIDE = IPv4Address("169.254.8.0")  # AWS keeps 169.254.0.0 to 169.254.5.0 and 169.254.169.252
_INSIDE_SLOTS = 5120  # of 8 addresses: up to 169.254.167.255


def declare_tunnels(placing: Placing) -> Iterator[Declaration]:
    """A link to a region outside of AWS, from this side of it: gateways, connections, routes."""
    peer = peer_of(placing)
    for number, address in enumerate(_addresses(placing, peer), 1):
        part = gateway_part(placing.region, number)
        yield placing.declare("aws_customer_gateway", part, _customer_gateway(placing, part, peer, address))
    yield from _connections(placing, connection_keys(placing.key(), placing.region, placing.environment))
    if ends_on_transit(placing, peer):
        for prefix in prefixes_of(peer, placing.environment):
            route: Arguments = {
                "route_table_id": placing.network("routes"),
                "destination_cidr_block": prefix,
                "transit_gateway_id": placing.network("transit"),
            }
            attached = () if placing.network().root else (f"{network_key(placing.region)}/transit-attachment",)
            part = f"{placing.region}/{route_part(placing.region, prefix)}"
            yield placing.declare("aws_route", part, route, after=attached)


def declare_tunnel_circuit(placing: Placing, spec: CircuitSpec) -> Iterator[Declaration]:
    """A circuit to a region outside of AWS: as many more connections as its bandwidth takes.

    Raises:
        InvalidArgument: connections do not add up there, or not to so much.
    """
    here, peer = placing.region, peer_of(placing)
    named = f"name a Direct Connect connection for {placing.resource.place} in `direct_connect` of {here}"
    if not ends_on_transit(placing, peer):
        raise InvalidArgument(
            f"connections add up on a transit gateway only, and {here} has none that leads to {peer}",
            where=placing.key(),
            next_step=f"{named}, or keep `transit` there and say the peer's `prefixes`",
        )
    if spec.gbps * spec.count > MOST_GBPS:
        raise InvalidArgument(
            f"{spec.gbps * spec.count} Gbps are more than the {MOST_GBPS} that tunnels to one peer add up to",
            where=placing.key(),
            next_step=named,
        )
    keys = connection_keys(placing.key(), placing.region, placing.environment, spec)
    yield from _connections(placing, keys, gbps=spec.gbps, count=spec.count, tier=spec.tier)


def connection_keys(
    key: str, region: str, environment: Environment, circuit: CircuitSpec | None = None
) -> tuple[str, ...]:
    """Keys of the VPN connections that a link or a circuit to a region outside of AWS stands on, first to last."""
    one, other = link_ends(key.partition("/")[0])
    peer = other if region == one else one
    count = INTERFACES if environment.target_of(peer) is TargetName.GCP else 1
    if circuit is not None:
        count = math.ceil(circuit.gbps * circuit.count / (TUNNEL_GBPS * CONNECTION_TUNNELS))
    return tuple(f"{key}/{region}" + (f"/{number:04d}" if number > 1 else "") for number in range(1, count + 1))


def inside_cidrs(environment: str, key: str) -> tuple[str, str]:
    """The /30 inside each of a connection's two tunnels: AWS has the first host of it, the peer the second."""
    slot = int(text_digest(f"{environment}/{key}")[-8:], 16) % _INSIDE_SLOTS
    first = _FIRST_INSIDE + 8 * slot
    return f"{first}/30", f"{first + 4}/30"


def peer_of(placing: Placing) -> str:
    """The other end of its link."""
    one, other = link_ends(placing.resource.place)
    return other if placing.region == one else one


def gateway_part(region: str, number: int) -> str:
    """The part of a link that is the customer gateway for the peer's address of this number, from 1."""
    return f"{region}/gateway" + (f"-{number}" if number > 1 else "")


def _addresses(placing: Placing, peer: str) -> tuple[Argument, ...]:
    """Where the peer's tunnels end."""
    if placing.environment.target_of(peer) is TargetName.GCP:
        gateway = f"{network_key(peer)}/vpn"
        return tuple(placing.ref(gateway, f"vpn_interfaces.{number}.ip_address") for number in range(INTERFACES))
    settings = placing.environment.region(peer)
    if settings is None or not settings.gateway:
        raise InvalidArgument(
            f"region {peer} has no `gateway`, where tunnels from {placing.region} could end",
            where=placing.key(),
            next_step=f"set `gateway` of region {peer} to the public address of its router",
        )
    return (settings.gateway,)


def _customer_gateway(placing: Placing, part: str, peer: str, address: Argument) -> Arguments:
    settings = placing.environment.region(peer)
    asn = settings.asn if settings else 0
    if asn == placing.asn:
        raise InvalidArgument(
            f"{placing.region} and {peer} have the same asn {asn}: no BGP between them",
            where=placing.key(),
            next_step="give each region an `asn` of its own",
        )
    argument = "bgp_asn" if asn <= _LARGEST_ASN else "bgp_asn_extended"
    return {"type": "ipsec.1", "ip_address": address, argument: str(asn), "tags": placing.tags(part)}


def _connections(placing: Placing, keys: tuple[str, ...], **held: str | int) -> Iterator[Declaration]:
    link = link_name(*link_ends(placing.resource.place))
    peer = peer_of(placing)
    gateways = len(_addresses(placing, peer))
    side: dict[str, Ref] = (
        {"transit_gateway_id": placing.network("transit")}
        if ends_on_transit(placing, peer)
        else {"vpn_gateway_id": placing.network("vpn")}
    )
    for number, key in enumerate(keys):
        part = key.removeprefix(f"{placing.key()}/")
        first, second = inside_cidrs(placing.environment.name, key)
        customer = f"{link}/link/{gateway_part(placing.region, number % gateways + 1)}"
        connection: Arguments = {
            "type": "ipsec.1",
            "customer_gateway_id": placing.ref(customer),
            **side,
            "static_routes_only": False,
            "tunnel1_inside_cidr": first,
            "tunnel2_inside_cidr": second,
            "tags": placing.tags(part, **held),
        }
        yield placing.declare("aws_vpn_connection", part, connection)
