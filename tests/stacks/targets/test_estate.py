"""Declarations of the estate: one table both ways, tags on everything, references only within a root."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.environment import Environment, RegionSettings
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purchase,
    ResourceKind,
    StorageSpec,
)
from stacks.declaration import Ref
from stacks.errors import InvalidArgument
from stacks.estate.checks import check_arguments
from stacks.estate.kinds import KINDS
from stacks.targets.declare import declare as declare_all
from stacks.targets.estate import GATEWAY, SPEC_TYPES, declare, undeclare
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.stacks.every_kind import compute, every_kind, resource

ENVIRONMENT = Environment(name="dev", regions=(RegionSettings(name="fra"), RegionSettings(name="ams")), owner="net")
COUNTS = st.integers(1, 10_000)
SHARES = st.floats(0.001, 1)
SPECS = st.one_of(
    st.builds(NetworkSpec, asn=st.integers(1, 4294967294)),
    st.builds(BlockSpec, prefix=st.just("10.0.0.0/24"), pool=st.just("10.0.0.0/16")),
    st.builds(ComputeSpec, shape=st.sampled_from(("m8", "s4")), count=COUNTS, purchase=st.sampled_from(Purchase)),
    st.builds(
        StorageSpec,
        storage_class=st.just("standard"),
        gib=COUNTS,
        replica_region=st.sampled_from((None, "ams")),
        iops=st.sampled_from((0, 5000)),
        throughput_mibps=st.sampled_from((0, 400)),
        volumes=st.sampled_from((0, 2)),
    ),
    st.builds(CircuitSpec, tier=st.just("10g"), gbps=st.just(10), count=COUNTS),
    st.builds(LinkSpec),
    st.builds(FailoverSpec, partner=st.just("ams"), share=SHARES),
    st.builds(AlertSpec, metric=st.just("vcpu"), threshold=SHARES),
)
PLACES = {ResourceKind.CIRCUIT: "ams--fra", ResourceKind.LINK: "ams--fra"}


@given(SPECS)
def test_what_is_declared_can_be_read_back(spec):
    item = resource(f"{PLACES.get(spec.kind, 'fra')}/{spec.kind}/x", spec)
    (declared,) = declare([item], ENVIRONMENT)
    arguments = declared.resolved(lambda ref: "dev/x")
    assert undeclare(declared.type, declared.key, arguments) == spec
    check_arguments(KINDS[declared.type], declared.key, arguments)  # the estate takes it
    tags = {name: declared.arguments[name] for name in ("environment", "key", "owner")}
    assert tags == {"environment": "dev", "key": item.key, "owner": "net"}


def test_every_kind_has_a_type_of_its_own():
    declared = declare(every_kind(), ENVIRONMENT)
    assert {item.type for item in declared} == SPEC_TYPES == set(KINDS) - {GATEWAY}
    assert {item.kind for item in every_kind()} == set(ResourceKind)


def test_a_network_is_referred_to_in_its_root_and_named_from_another():
    network = next(item for item in every_kind() if item.key == "fra/network")
    here, there = compute("fra/compute/a"), compute("fra/compute/b", root="ondemand-7")
    declared = {item.key: item for item in declare([network, here, there], ENVIRONMENT)}
    assert declared[here.key].arguments["network"] == Ref(key="fra/network")
    assert declared[there.key].arguments["network"] == "dev/fra/network"  # the very id that the reference gives


def test_a_link_stands_on_its_circuits():
    declared = {item.key: item for item in declare(every_kind(), ENVIRONMENT)}
    assert declared["ams--fra/link"].depends_on == ("ams--fra/circuit/serving/10g",)
    assert all(not item.depends_on for key, item in declared.items() if key != "ams--fra/link")


def test_declarations_come_in_the_order_of_their_keys():
    assert declare(every_kind(), ENVIRONMENT) == declare(every_kind()[::-1], ENVIRONMENT)


@pytest.mark.parametrize(
    ("type", "arguments", "told"),
    [
        ("estate_host", {}, "no type of the estate"),
        ("estate_compute", {"shape": "m8", "instances": 0}, "are no compute"),
        ("estate_compute", {"instances": 1}, "are no compute"),
    ],
)
def test_a_row_that_stands_for_nothing_is_told(type, arguments, told):
    with pytest.raises(InvalidArgument, match=told) as caught:
        undeclare(type, "fra/x", arguments)
    assert caught.value.where == "fra/x"


def test_a_link_to_a_cloud_has_a_gateway_entry_where_our_tunnels_end():
    """On AWS they end at the VPN connection's two tunnels, on Google Cloud at the gateway's two interfaces."""
    mixed = mixed_environment()
    declared = {item.key: item for item in declare([resource("ams--fra/link", LinkSpec())], mixed)}
    assert set(declared) == {"ams--fra/link", "ams--fra/link/ams"}
    entry = declared["ams--fra/link/ams"]
    assert (entry.type, entry.of, entry.root, entry.depends_on) == (
        GATEWAY,
        "ams--fra/link",
        "links",
        ("ams--fra/link",),
    )
    assert entry.arguments["peer_address"] == Ref(key="ams--fra/link/fra", attribute="tunnel1_address")
    assert entry.arguments["second_address"] == Ref(key="ams--fra/link/fra", attribute="tunnel2_address")
    assert (entry.arguments["region"], entry.arguments["peer"], entry.arguments["peer_asn"]) == ("ams", "fra", 64512)
    (_, entry) = declare([resource("ams--bel/link", LinkSpec())], mixed)
    ends = [Ref(key="bel/network/vpn", attribute=f"vpn_interfaces.{n}.ip_address", root="bel") for n in (0, 1)]
    assert [entry.arguments["peer_address"], entry.arguments["second_address"]] == ends
    known = entry.resolved(lambda ref: "203.0.113.7")
    check_arguments(KINDS[GATEWAY], entry.key, known)


def test_what_a_gateway_entry_refers_to_is_declared_and_exported_over_there():
    mixed = mixed_environment()
    resources = every_kind_of(mixed)
    link = resource("ams--bel/link", LinkSpec())
    everything = {item.key: item for item in declare_all((*resources, link), mixed)}
    entries = [item for item in everything.values() if item.type == GATEWAY]
    assert {item.key for item in entries} == {"ams--bel/link/ams", "ams--fra/link/ams"}
    for entry in entries:
        for ref in entry.refs():
            assert ref.key in everything
            assert (ref.root or entry.root) == everything[ref.key].root
            assert not ref.root or ref.attribute in everything[ref.key].exports


def test_what_joins_two_clouds_is_none_of_the_estate_s():
    assert not [
        item
        for item in declare_all(every_kind_of(mixed_environment()), mixed_environment())
        if item.type.startswith("estate_") and "bel" in item.key
    ]
