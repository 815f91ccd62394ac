"""Links and circuits that leave Google Cloud: HA VPN to the peer's addresses, BGP inside.

A peer on AWS has connections of two tunnels each, whose addresses and keys AWS makes: they are referred to. A peer on
premises has one address and a secret of ours, which whoever applies supplies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from contracts.accounts import TargetName
from contracts.resources import CircuitSpec
from stacks.declaration import Argument, Declaration, Ref, SecretRef
from stacks.errors import InvalidArgument
from stacks.targets.aws.tunnels import connection_keys, inside_cidrs
from stacks.targets.gcp.circuits import held_by
from stacks.targets.gcp.placing import Placing

_MOST_ADDRESSES = 4  # of an external gateway
_REDUNDANCY = {1: "SINGLE_IP_INTERNALLY_REDUNDANT", 2: "TWO_IPS_REDUNDANCY", 4: "FOUR_IPS_REDUNDANCY"}
_INTERFACES = 2  # of an HA VPN gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """One tunnel to a peer.

    Attributes:
        address: of the peer's end.
        outlet: which of the HA VPN gateway's interfaces it leaves by.
        inside: its link-local /30: the peer has the first host of it, we the second.
    """

    address: str | Ref
    outlet: int
    secret: Ref | SecretRef
    inside: IPv4Network


def declare_tunnels(at: Placing, peer: str, circuit: CircuitSpec | None = None) -> Iterator[Declaration]:
    """External gateways and all tunnels to a peer: as many as a circuit takes, else those of the link.

    Raises:
        InvalidArgument: the peer on premises has no public address.
    """
    found = _to_aws(at, peer, circuit) if at.environment.target_of(peer) is TargetName.AWS else _on_premises(at, peer)
    held = held_by(circuit) if circuit else {}
    for number in range(0, len(found), _MOST_ADDRESSES):
        part = f"peer-{number // _MOST_ADDRESSES + 1:04}" if number else ""
        tunnels = found[number : number + _MOST_ADDRESSES]
        addresses = tuple(dict.fromkeys(tunnel.address for tunnel in tunnels))
        yield at.declare("google_compute_external_vpn_gateway", part, _gateway(at, part, addresses, held))
        for offset, tunnel in enumerate(tunnels):
            yield from _tunnel(at, number + offset + 1, tunnel, (peer, part, addresses.index(tunnel.address)))


def _to_aws(at: Placing, peer: str, circuit: CircuitSpec | None) -> Sequence[Tunnel]:
    """Two tunnels a connection; connections take turns on the gateway's interfaces."""
    return [
        Tunnel(
            address=Ref(key=key, attribute=f"tunnel{which}_address"),
            outlet=number % _INTERFACES,
            secret=Ref(key=key, attribute=f"tunnel{which}_preshared_key"),
            inside=inside,
        )
        for number, key in enumerate(connection_keys(at.resource.key, peer, at.environment, circuit))
        for which, inside in enumerate(_insides(at, key), start=1)
    ]


def _on_premises(at: Placing, peer: str) -> Sequence[Tunnel]:
    """One tunnel an interface of ours, to the one address there is."""
    settings = at.environment.region(peer)
    if settings is None or not settings.gateway:
        raise InvalidArgument(
            f"tunnels of {at.region} end at a public address of {peer}, and it has none",
            where=at.key(),
            next_step=f"set `gateway` of region {peer}",
        )
    secret = SecretRef(name=f"vpn-{at.resource.place}")
    return [
        Tunnel(address=settings.gateway, outlet=outlet, secret=secret, inside=inside)
        for outlet, inside in enumerate(_insides(at, at.key()))
    ]


def _insides(at: Placing, connection: str) -> Iterator[IPv4Network]:
    """Both ends compute what lies inside a connection's tunnels, so that neither waits for the other's cloud."""
    return (IPv4Network(cidr) for cidr in inside_cidrs(at.environment.name, connection))


def _gateway(
    at: Placing, part: str, addresses: Sequence[str | Ref], held: Mapping[str, str | int | float]
) -> Mapping[str, Argument]:
    return {
        "name": at.name(part),
        "description": at.description(part),
        "labels": at.labels(part, **({} if part else held)),
        "redundancy_type": _REDUNDANCY[len(addresses)],
        "interface": tuple({"id": number, "ip_address": address} for number, address in enumerate(addresses)),
    }


def _tunnel(at: Placing, number: int, tunnel: Tunnel, gateway: tuple[str, str, int]) -> Iterator[Declaration]:
    """A tunnel, the router's interface to it, and the BGP session over it."""
    peer, peer_part, peer_interface = gateway
    settings = at.environment.region(peer)
    parts = (f"tunnel-{number}", f"interface-{number}", f"session-{number}")
    yield at.declare(
        "google_compute_vpn_tunnel",
        parts[0],
        {
            "name": at.name(parts[0]),
            "description": at.description(parts[0]),
            "labels": at.labels(parts[0]),
            "region": at.cloud.location,
            "vpn_gateway": at.network("vpn"),
            "vpn_gateway_interface": tunnel.outlet,
            "peer_external_gateway": at.own(peer_part, "self_link"),
            "peer_external_gateway_interface": peer_interface,
            "router": at.network("router"),
            "ike_version": 2,
            "shared_secret": tunnel.secret,
        },
    )
    routed: Mapping[str, Argument] = {"region": at.cloud.location, "router": at.network("router", "name")}
    yield at.declare(
        "google_compute_router_interface",
        parts[1],
        {
            **routed,
            "name": at.name(parts[1]),
            "ip_range": f"{tunnel.inside[2]}/30",
            "vpn_tunnel": at.own(parts[0], "name"),
        },
    )
    yield at.declare(
        "google_compute_router_peer",
        parts[2],
        {
            **routed,
            "name": at.name(parts[2]),
            "interface": at.own(parts[1], "name"),
            "peer_ip_address": str(tunnel.inside[1]),
            "peer_asn": settings.asn if settings else 0,
        },
    )
