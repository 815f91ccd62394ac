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
from stacks.targets.estate import declare, undeclare
from tests.stacks.every_kind import compute, every_kind, resource

ENVIRONMENT = Environment(name="dev", regions=(RegionSettings(name="fra"), RegionSettings(name="ams")), owner="net")
COUNTS = st.integers(1, 10_000)
SHARES = st.floats(0.001, 1)
SPECS = st.one_of(
    st.builds(NetworkSpec, asn=st.integers(1, 4294967294)),
    st.builds(BlockSpec, prefix=st.just("10.0.0.0/24"), pool=st.just("10.0.0.0/16")),
    st.builds(ComputeSpec, shape=st.sampled_from(("m8", "s4")), count=COUNTS, purchase=st.sampled_from(Purchase)),
    st.builds(
        StorageSpec, storage_class=st.just("standard"), gib=COUNTS, replica_region=st.sampled_from((None, "ams"))
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
    assert {item.type for item in declared} == set(KINDS)
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
