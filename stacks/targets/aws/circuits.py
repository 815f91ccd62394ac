"""Bandwidth reserved between two regions.

Between two AWS regions nobody sells bandwidth: a circuit is a share of what the peering of their transit gateways
carries (up to 50 Gbps a zone), booked by the alarm that says when the traffic passes it. Where Direct Connect is named
for the link, a circuit is a hosted connection of its bandwidth with a private virtual interface. To regions outside of
AWS without that it is VPN connections (`tunnels`).

Bandwidths of hosted connections: AWS Direct Connect user guide, "Hosted connections".
"""

from collections.abc import Iterator

from contracts.document import text_digest
from contracts.resources import CircuitSpec
from stacks.declaration import Argument, Declaration
from stacks.errors import InvalidArgument
from stacks.targets.aws.links import has_transit
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.aws.tunnels import declare_tunnel_circuit, peer_of

HOSTED_GBPS = (1, 2, 5, 10, 25)
VLANS = 4094
ALARM_PERIOD_S = 300
BYTES_PER_S = 1_000_000_000 // 8  # of one Gbps


def declare_circuit(placings: tuple[Placing, ...], spec: CircuitSpec) -> Iterator[Declaration]:
    """A circuit, from all ends of it that are on AWS: one or two placings."""
    first = placings[0]
    hosting = [placing for placing in placings if placing.resource.place in placing.cloud.direct_connect]
    for placing in hosting:
        alone = len(placings) == 2 and placing is hosting[0]  # stands for the resource
        yield from _hosted(placing, spec, "" if alone else placing.region)
    if hosting:
        return
    if len(placings) == 1:
        yield from declare_tunnel_circuit(first, spec)
    elif has_transit(first):
        yield first.declare("aws_cloudwatch_metric_alarm", "", _booked(first, spec))
    else:
        raise InvalidArgument(
            f"{first.resource.place} has neither a transit gateway at both ends nor Direct Connect",
            where=first.key(),
            next_step="keep `transit` in both regions, or name a connection for the link in `direct_connect`",
        )


def _booked(placing: Placing, spec: CircuitSpec) -> Arguments:
    """The alarm that says when traffic over the peering of the transit gateways passes what is booked."""
    link = placing.resource.place
    return {
        "alarm_name": placing.name(limit=255),
        "alarm_description": f"Traffic from {placing.region} to {peer_of(placing)} above what {placing.key()} books",
        "namespace": "AWS/TransitGateway",
        "metric_name": "BytesOut",
        "dimensions": {
            "TransitGateway": placing.network("transit"),
            "TransitGatewayAttachment": placing.ref(f"{link}/link/transit"),
        },
        "statistic": "Sum",
        "period": ALARM_PERIOD_S,
        "evaluation_periods": 3,
        "comparison_operator": "GreaterThanThreshold",
        "threshold": spec.gbps * spec.count * BYTES_PER_S * ALARM_PERIOD_S,
        "treat_missing_data": "notBreaching",
        "alarm_actions": (placing.network("alerts", "arn"),),
        "tags": placing.tags(tier=spec.tier, gbps=spec.gbps, count=spec.count),
    }


def _hosted(placing: Placing, spec: CircuitSpec, standing: str) -> Iterator[Declaration]:
    """`count` hosted connections, each with its virtual interface; the first interface stands for the circuit."""
    if spec.gbps not in HOSTED_GBPS:
        raise InvalidArgument(
            f"Direct Connect hosts no connection of {spec.gbps} Gbps",
            where=placing.key(),
            expected=f"{', '.join(map(str, HOSTED_GBPS))} Gbps",
            next_step="choose circuit tiers of these sizes in the catalog",
        )
    for number in range(1, spec.count + 1):
        part = "/".join(filter(None, (standing, f"{number:04d}" if number > 1 else "")))
        yield from _one_hosted(placing, spec, part)


def _one_hosted(placing: Placing, spec: CircuitSpec, part: str) -> Iterator[Declaration]:
    below = f"{part}/" if part else ""
    vlan = int(text_digest(f"{placing.environment.name}/{placing.key(part)}")[-8:], 16) % VLANS + 1
    connection: Arguments = {
        "name": placing.name(part, limit=200),
        "bandwidth": f"{spec.gbps}Gbps",
        "connection_id": placing.cloud.direct_connect[placing.resource.place],
        "owner_account_id": placing.account.id,
        "vlan": vlan,
    }
    yield placing.declare("aws_dx_hosted_connection", f"{below}hosted", connection)
    confirmed: Arguments = {"connection_id": placing.own(f"{below}hosted")}
    yield placing.declare("aws_dx_connection_confirmation", f"{below}confirmed", confirmed)
    peer = placing.environment.region(peer_of(placing))
    asn: Argument = peer.asn if peer else 0
    interface: Arguments = {
        "name": placing.name(f"{below}interface", limit=200),
        "connection_id": placing.own(f"{below}confirmed"),
        "vpn_gateway_id": placing.network("vpn"),
        "address_family": "ipv4",
        "bgp_asn": asn,
        "vlan": vlan,
        "tags": placing.tags(part, tier=spec.tier, gbps=spec.gbps, count=spec.count),
    }
    yield placing.declare("aws_dx_private_virtual_interface", part, interface)
