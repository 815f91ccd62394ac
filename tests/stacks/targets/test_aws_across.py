"""Links and circuits of AWS across clouds and to premises: gateways, connections, the insides of tunnels."""

import itertools
from ipaddress import IPv4Network

import pytest

from contracts.resources import CircuitSpec, LinkSpec
from stacks.declaration import Ref
from stacks.errors import InvalidArgument
from stacks.targets.aws.tunnels import connection_keys, inside_cidrs
from tests.stacks.targets.test_aws_kinds import ENVIRONMENT, changed, declared


def test_a_link_to_google_cloud_has_a_connection_to_each_interface_of_its_gateway():
    parts = declared("bel--fra/link", LinkSpec())
    addresses = [parts[part].arguments["ip_address"] for part in ("fra/gateway", "fra/gateway-2")]
    attributes = [f"vpn_interfaces.{number}.ip_address" for number in range(2)]
    assert addresses == [Ref(key="bel/network/vpn", attribute=name, root="bel") for name in attributes]
    gateways = [parts[part].arguments["customer_gateway_id"] for part in ("fra", "fra/0002")]
    assert gateways == [Ref(key=f"bel--fra/link/fra/{name}") for name in ("gateway", "gateway-2")]
    assert parts["fra/route-fra-10.65.0.0-16"].arguments["transit_gateway_id"].key == "fra/network/transit"


def test_a_link_ends_on_the_vpn_gateway_where_no_route_could_lead_over_a_transit_gateway():
    parts = declared("ams--fra/link", LinkSpec(), changed(ams={"prefixes": ()}))
    assert set(parts) == {"fra", "fra/gateway"}
    assert parts["fra"].arguments["vpn_gateway_id"] == Ref(key="fra/network/vpn", root="fra")
    assert parts["fra/gateway"].arguments["ip_address"] == "198.51.100.10"


def test_a_circuit_across_is_as_many_connections_as_its_bandwidth_takes():
    spec = CircuitSpec(tier="9g", gbps=9, count=1)
    key = "bel--fra/circuit/serving/9g"
    parts = declared(key, spec)
    keys = connection_keys(key, "fra", ENVIRONMENT, spec)
    assert [f"{key}/{part}" for part in parts] == list(keys) and len(keys) == 4  # of 2.5 Gbps
    gateways = [item.arguments["customer_gateway_id"].key for item in parts.values()]
    assert gateways == [f"bel--fra/link/fra/{name}" for name in ("gateway", "gateway-2")] * 2


def test_the_insides_of_tunnels_are_link_local_apart_and_not_what_aws_keeps():
    kept = [IPv4Network(f"169.254.{number}.0/30") for number in range(6)] + [IPv4Network("169.254.169.252/30")]
    insides = {inside_cidrs("prod", f"bel--fra/link/{number}") for number in range(2000)}
    prefixes = sorted(IPv4Network(prefix) for pair in insides for prefix in pair)
    assert len(insides) > 1500  # by digest: some share one
    assert all(prefix.is_link_local and prefix.prefixlen == 30 for prefix in prefixes)
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(prefixes))
    assert not any(prefix.overlaps(other) for prefix in prefixes for other in kept)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"gateway": ""}, "ams has no `gateway`.*\n.*set `gateway` of region ams"),
        ({"asn": 64512}, "fra and ams have the same asn 64512"),
    ],
)
def test_a_link_that_could_carry_nothing_is_refused(said, told):
    with pytest.raises(InvalidArgument, match=told):
        declared("ams--fra/link", LinkSpec(), changed(ams=said))
