"""What each kind of resource becomes on AWS, and what AWS cannot have: said with the limit and what to do."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.environment import Environment
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purchase,
)
from stacks.declaration import Ref
from stacks.errors import InvalidArgument
from stacks.targets import aws
from stacks.targets.aws.compute import image_of
from tests.clouds.clouds_world import mixed_environment, resource

ENVIRONMENT = mixed_environment("http://127.0.0.1:5000")
NETWORK = NetworkSpec(asn=64512)
ON_DEMAND = ComputeSpec(shape="m6i.large", count=3)


def changed(environment: Environment = ENVIRONMENT, **clouds) -> Environment:
    """The environment with other settings of regions: `fra={"transit": False}`; `account` for all accounts."""
    account = clouds.pop("account", {})
    regions = []
    for region in environment.regions:
        said = clouds.get(region.name, {})
        cloud = region.cloud and region.cloud.model_copy(update=said)
        regions.append(region.model_copy(update={**({} if cloud else said), "cloud": cloud}))
    accounts = tuple(item.model_copy(update=account) for item in environment.accounts)
    return environment.model_copy(update={"regions": tuple(regions), "accounts": accounts})


def declared(key, spec, environment=ENVIRONMENT):
    """By part of the resource, "" for what stands for it."""
    items = aws.declare([resource(key, spec)], environment)
    return {item.key.removeprefix(key).lstrip("/"): item for item in items}


# Networks and blocks


def test_the_first_pool_is_the_networks_own_and_further_ones_are_associated():
    parts = declared("fra/network", NETWORK)
    assert parts[""].arguments["cidr_block"] == "10.16.0.0/16"
    assert parts["pool-10.17.0.0-16"].arguments["cidr_block"] == "10.17.0.0/16"
    entries = parts["prefixes"].arguments["entry"]
    assert [entry["cidr"] for entry in entries] == ["10.16.0.0/16", "10.17.0.0/16"]


def test_zone_subnets_take_the_end_of_the_first_pool():
    parts = declared("fra/network", NETWORK)
    taken = [parts[f"subnet-eu-central-1{zone}"].arguments["cidr_block"] for zone in "bc"]
    assert taken == ["10.16.240.0/21", "10.16.248.0/21"]
    cloud = ENVIRONMENT.cloud("fra")
    assert cloud and aws.own_prefixes(cloud) == tuple(taken)


@given(st.integers(16, 26), st.integers(1, 4))
def test_zone_subnets_lie_in_the_pool_apart_and_never_below_the_smallest(length, zones):
    cloud = ENVIRONMENT.cloud("fra")
    assert cloud
    names = tuple(f"eu-central-1{letter}" for letter in "abcd"[:zones])
    cloud = cloud.model_copy(update={"pools": (f"10.16.0.0/{length}",), "zones": names})
    subnets = [IPv4Network(prefix) for prefix in aws.own_prefixes(cloud)]
    assert len(subnets) == zones and all(subnet.prefixlen <= 28 for subnet in subnets)
    assert all(subnet.subnet_of(IPv4Network(cloud.pools[0])) for subnet in subnets)
    assert not any(one.overlaps(two) for one in subnets for two in subnets if one != two)


def test_pools_are_allocated_from_ipam_where_a_region_names_one():
    parts = declared("fra/network", NETWORK, changed(fra={"ipam_pool": "ipam-pool-1"}))
    assert {parts[part].arguments["ipv4_ipam_pool_id"] for part in ("", "pool-10.17.0.0-16")} == {"ipam-pool-1"}


@pytest.mark.parametrize(
    ("said", "has"),
    [
        ({}, False),
        ({"fra": {"transit": False}}, True),
        ({"fra": {"direct_connect": {"ams--fra": "dxcon-1"}}}, True),
        ({"ams": {"prefixes": ()}}, True),
    ],
)
def test_a_vpn_gateway_is_there_when_something_ends_on_it(said, has):
    parts = declared("fra/network", NETWORK, changed(**said))
    assert ("vpn" in parts) == ("vpn/routes" in parts) == has


def test_a_block_is_a_subnet_of_one_zone_in_the_networks_routes():
    parts = declared("fra/block/staged/10.17.0.16-28", BlockSpec(prefix="10.17.0.16/28", pool="10.17.0.0/16"))
    assert set(parts) == {"", "routes"}
    assert parts[""].arguments["availability_zone"] == "eu-central-1c"
    assert parts[""].depends_on == ("fra/network/pool-10.17.0.0-16",)  # its addresses come with it
    assert parts["routes"].arguments["route_table_id"] == Ref(key="fra/network/routes")


def test_a_block_outside_of_all_pools_brings_its_addresses():
    parts = declared("fra/block/serving/10.200.0.0-24", BlockSpec(prefix="10.200.0.0/24", pool="10.200.0.0/16"))
    assert parts["pool"].type == "aws_vpc_ipv4_cidr_block_association"
    assert parts[""].depends_on == ("fra/block/serving/10.200.0.0-24/pool",)


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        ("10.16.0.0/29", "AWS takes /16 to /28.*\n.*use a /28 or larger"),
        ("10.0.0.0/12", "AWS takes /16 to /28.*\n.*split it into /16"),
        ("10.16.241.0/24", "overlaps 10.16.240.0/21, which the network's own.*\n.*outside of"),
        ("10.16.0.1/24", "is no IPv4 prefix"),
    ],
)
def test_a_block_that_aws_cannot_have_is_refused(prefix, told):
    with pytest.raises(InvalidArgument, match=told):
        declared("fra/block/serving/x", BlockSpec(prefix=prefix, pool="10.16.0.0/16"))


@pytest.mark.parametrize(
    ("spec", "said", "told"),
    [
        (NetworkSpec(asn=3320), {}, "asn 3320 is public"),
        (NETWORK, {"pools": ("10.0.0.0/8",)}, "10.0.0.0/8 is a /8; AWS takes /16"),
        (NETWORK, {"pools": ("10.16.0.0/28",)}, "no room for a /28 in each of 2 zones.*\n.*/27 or larger"),
    ],
)
def test_a_network_that_aws_cannot_have_is_refused(spec, said, told):
    with pytest.raises(InvalidArgument, match=told):
        declared("fra/network", spec, changed(fra=said))


# Compute


def test_a_count_is_a_floor_that_autoscalers_may_leave_upwards():
    group = declared("fra/compute/serving/m6i.large", ON_DEMAND)[""]
    sizes = {name: group.arguments[name] for name in ("min_size", "max_size", "desired_capacity")}
    assert sizes == {"min_size": 3, "max_size": 6, "desired_capacity": 3}
    assert group.lifecycle.ignore == ("desired_capacity",)


@pytest.mark.parametrize(("purchase", "on_demand"), [(Purchase.ON_DEMAND, 100), (Purchase.SPOT, 0)])
def test_spot_is_bought_where_it_is_least_likely_to_be_interrupted(purchase, on_demand):
    spec = ON_DEMAND.model_copy(update={"purchase": purchase})
    mixed = declared("fra/compute/failover/m6i.large", spec)[""].arguments["mixed_instances_policy"]
    assert mixed["instances_distribution"]["on_demand_percentage_above_base_capacity"] == on_demand
    assert mixed["instances_distribution"]["spot_allocation_strategy"] == "capacity-optimized"


def test_a_staged_unit_waits_in_a_warm_pool():
    group = declared("fra/compute/staged/m6i.large/0001", ON_DEMAND)[""].arguments
    assert (group["min_size"], group["max_size"], group["desired_capacity"]) == (0, 3, 0)
    assert group["warm_pool"]["min_size"] == 3
    assert "mixed_instances_policy" not in group  # a warm pool takes none


def test_commitments_are_bought_only_where_the_account_says_so():
    spec = ON_DEMAND.model_copy(update={"purchase": Purchase.COMMITTED})
    key = "fra/compute/serving/m6i.large"
    assert set(declared(key, spec)) == {"", "template"}
    bought = declared(key, spec, changed(account={"buy_commitments": True}))
    counts = [item.arguments["instance_count"] for part, item in bought.items() if part.startswith("reservation-")]
    assert counts == [2, 1]  # of 3 in two zones


@pytest.mark.parametrize(
    ("shape", "architecture"),
    [("m6i.large", "x86_64"), ("m7g.large", "arm64"), ("c6gn.xlarge", "arm64"), ("g5.xlarge", "x86_64")],
)
def test_an_image_fits_the_shapes_processor(shape, architecture):
    assert image_of(shape).endswith(architecture)


@pytest.mark.parametrize(
    ("key", "spec", "told"),
    [
        ("fra/compute/serving/m8", ComputeSpec(shape="m8", count=1), "'m8' is no instance type"),
        (
            "fra/compute/staged/m6i.large/0001",
            ComputeSpec(shape="m6i.large", count=1, purchase=Purchase.SPOT),
            "a warm pool takes no spot.*\n.*stage on-demand",
        ),
    ],
)
def test_compute_that_aws_cannot_have_is_refused(key, spec, told):
    with pytest.raises(InvalidArgument, match=told):
        declared(key, spec)


# Links and circuits


def test_options_and_routes_wait_until_the_connection_is_active():
    parts = declared("fra--ohio/link", LinkSpec())
    accepter = Ref(key="fra--ohio/link/accepter")
    assert parts[""].arguments["peer_owner_id"] == "222222222222"
    assert parts["accepter"].provider == "ohio" and parts["accepter"].arguments["tags"] == parts[""].arguments["tags"]
    followers = [item for part, item in parts.items() if part.startswith(("options-", "route-"))]
    assert len(followers) == 5
    assert all(item.arguments["vpc_peering_connection_id"] == accepter for item in followers)


def test_links_peer_transit_gateways_where_both_ends_keep_one():
    assert "transit" in declared("dub--fra/link", LinkSpec())
    assert "transit" not in declared("dub--fra/link", LinkSpec(), changed(dub={"transit": False}))


def test_a_circuit_between_two_regions_is_booked_on_the_peering_of_their_transit_gateways():
    parts = declared("dub--fra/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=2))
    alarm = parts[""].arguments
    assert alarm["threshold"] == 20 * 1_000_000_000 / 8 * 300  # bytes in five minutes
    assert alarm["dimensions"]["TransitGatewayAttachment"] == Ref(key="dub--fra/link/transit")


def test_a_circuit_is_hosted_on_direct_connect_where_that_is_named():
    named = changed(fra={"direct_connect": {"ams--fra": "dxcon-1"}})
    parts = declared("ams--fra/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=2), named)
    assert parts["fra"].type == parts["fra/0002"].type == "aws_dx_private_virtual_interface"
    assert parts["fra/hosted"].arguments["bandwidth"] == "10Gbps"
    assert parts["fra/hosted"].arguments["vlan"] == parts["fra"].arguments["vlan"] in range(1, 4095)
    assert parts["fra"].arguments["bgp_asn"] == 64530


@pytest.mark.parametrize(
    ("key", "circuit", "said", "told"),
    [
        ("dub--fra/circuit/x", (10, 1), {"dub": {"transit": False}}, "neither a transit gateway at both ends nor"),
        ("bel--fra/circuit/x", (10, 1), {"fra": {"transit": False}}, "fra has none that leads to bel"),
        ("bel--fra/circuit/x", (10, 6), {}, "60 Gbps are more than the 50"),
        ("bel--fra/circuit/x", (3, 1), {"fra": {"direct_connect": {"bel--fra": "dxcon-1"}}}, "no connection of 3 Gbps"),
    ],
)
def test_a_circuit_that_aws_cannot_have_is_refused(key, circuit, said, told):
    gbps, count = circuit
    with pytest.raises(InvalidArgument, match=told) as caught:
        declared(key, CircuitSpec(tier="x", gbps=gbps, count=count), changed(**said))
    assert caught.value.next_step


# Failover and alerts


def test_a_pair_fails_over_from_the_regions_own_address_to_the_partners():
    parts = declared("fra/failover/bel", FailoverSpec(partner="bel", share=0.5))
    assert parts[""].type == "aws_route53_health_check" and parts[""].root == "fra"
    assert {parts[part].root for part in ("primary", "secondary", "weighted")} == {"links"}
    assert parts["primary"].arguments["health_check_id"] == Ref(key="fra/failover/bel", root="fra")
    assert parts["secondary"].arguments["records"] == (Ref(key="bel/network/address", attribute="address", root="bel"),)
    assert parts["weighted"].arguments["weighted_routing_policy"] == {"weight": 128}


def test_without_a_zone_there_is_the_health_check_alone():
    parts = declared("fra/failover/bel", FailoverSpec(partner="bel", share=0.5), changed(account={"dns_zone": ""}))
    assert set(parts) == {""}


def test_a_partner_without_an_address_is_refused():
    with pytest.raises(InvalidArgument, match="ams has no public address"):
        declared("fra/failover/ams", FailoverSpec(partner="ams", share=0.5), changed(ams={"gateway": ""}))


@pytest.mark.parametrize("metric", ["vcpu", "gbps", "memory_gib", "storage_gib"])
def test_an_alarm_compares_percent_and_tells_the_regions_topic(metric):
    alarm = declared("fra/alert/x", AlertSpec(metric=metric, threshold=0.85))[""].arguments
    assert alarm["threshold"] == 85
    assert alarm["alarm_actions"] == (Ref(key="fra/network/alerts", attribute="arn"),)
    assert [query["return_data"] for query in alarm["metric_query"]].count(True) == 1


def test_a_metric_that_cloudwatch_has_not_is_refused():
    with pytest.raises(InvalidArgument, match="no metric of 'addresses'"):
        declared("fra/alert/addresses", AlertSpec(metric="addresses", threshold=0.9))
