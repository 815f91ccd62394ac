"""What is declared on AWS can be read back as the spec that it was, and what somebody changed shows in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from stacks.errors import InvalidArgument
from stacks.targets import aws
from stacks.targets.aws.reading import STANDING_TYPES
from stacks.targets.aws.storage import CLASSES
from tests.clouds.aws_types import every_type
from tests.clouds.clouds_world import mixed_environment, resource

ENVIRONMENT = mixed_environment()
COUNTS = st.integers(1, 10_000)
SHARES = st.floats(0.001, 1)
REPLICAS = st.sampled_from((None, "dub", "bel"))
CASES = st.one_of(
    st.tuples(st.just("fra/network"), st.builds(NetworkSpec, asn=st.integers(64512, 65534))),
    st.tuples(st.just("fra/block/staged/x"), st.just(BlockSpec(prefix="10.16.0.0/28", pool="10.16.0.0/16"))),
    st.tuples(
        st.just("fra/compute/serving/x"),
        st.builds(ComputeSpec, shape=st.just("m6i.large"), count=COUNTS, purchase=st.sampled_from(Purchase)),
    ),
    st.tuples(st.just("fra/compute/staged/x/0001"), st.builds(ComputeSpec, shape=st.just("m7g.large"), count=COUNTS)),
    st.tuples(
        st.just("fra/storage/serving/x"),
        st.builds(
            StorageSpec, storage_class=st.sampled_from(CLASSES), gib=st.integers(1, 200_000), replica_region=REPLICAS
        ),
    ),
    st.tuples(
        st.just("fra/storage/serving/x"),
        st.builds(
            StorageSpec,
            storage_class=st.just("gp3"),
            gib=st.integers(100, 60_000),
            iops=st.sampled_from((0, 3000, 7100, 50_000)),
            throughput_mibps=st.sampled_from((0, 130, 3000)),
            volumes=st.sampled_from((0, 4, 7)),
        ),
    ),
    st.tuples(
        st.sampled_from(("dub--fra/circuit/serving/x", "bel--fra/circuit/serving/x")),
        st.builds(CircuitSpec, tier=st.just("1g"), gbps=st.just(1), count=st.integers(1, 50)),
    ),
    st.tuples(st.sampled_from(("dub--fra/link", "bel--fra/link")), st.just(LinkSpec())),
    st.tuples(st.just("fra/failover/bel"), st.builds(FailoverSpec, partner=st.just("bel"), share=SHARES)),
    st.tuples(st.just("fra/alert/x"), st.builds(AlertSpec, metric=st.sampled_from(("vcpu", "gbps")), threshold=SHARES)),
)


def standing(key, spec):
    """The type, key and arguments of what stands for a resource: on the far side of a link, AWS's own."""
    items = {item.key: item for item in aws.declare([resource(key, spec)], ENVIRONMENT)}
    found = items.get(key) or items[f"{key}/fra"]
    return found.type, found.key, dict(found.resolved(str))


@given(CASES)
def test_what_is_declared_can_be_read_back(case):
    key, spec = case
    assert aws.undeclare(*standing(key, spec)) == spec


def test_every_type_that_stands_for_a_resource_can_be_read_back():
    _, everything = every_type()
    assert {item.type for item in everything if not item.resource} <= STANDING_TYPES
    for item in everything:
        if not item.resource:
            read = aws.undeclare(item.type, item.key, item.resolved(lambda ref: "x"))
            assert read.kind == item.key.split("/")[1]
    assert {key.split("/")[1] for key in (item.key for item in everything)} == set(ResourceKind)


@pytest.mark.parametrize(
    ("key", "spec", "moved", "shows"),
    [
        ("fra/compute/serving/x", ComputeSpec(shape="m6i.large", count=4), {"min_size": 2}, {"count": 2}),
        ("fra/compute/staged/x/1", ComputeSpec(shape="m6i.large", count=4), {"max_size": 2}, {"count": 2}),
        ("fra/storage/serving/x", StorageSpec(storage_class="gp3", gib=20_000), {"size": 16_000}, {"gib": 19_616}),
        (
            "fra/storage/serving/x",
            StorageSpec(storage_class="gp3", gib=500, iops=8000, throughput_mibps=600, volumes=2),
            {"iops": 5000, "throughput": 125},
            {"iops": 10_000, "throughput_mibps": 250},
        ),
        ("fra/storage/serving/x", StorageSpec(storage_class="gp3", gib=10), {"type": "gp2"}, {"storage_class": "gp2"}),
        ("fra/alert/x", AlertSpec(metric="vcpu", threshold=0.85), {"threshold": 50}, {"threshold": 0.5}),
    ],
)
def test_what_somebody_changed_shows_in_the_spec(key, spec, moved, shows):
    type, where, arguments = standing(key, spec)
    assert aws.undeclare(type, where, {**arguments, **moved}) == spec.model_copy(update=shows)


@pytest.mark.parametrize(
    ("type", "arguments", "told"),
    [
        ("aws_route", {}, "'aws_route' stands for none of a plan"),
        ("aws_subnet", {"tags": {}}, "are no spec"),
        ("aws_autoscaling_group", {"min_size": 1, "tag": ()}, "are no spec"),
    ],
)
def test_what_stands_for_nothing_is_told(type, arguments, told):
    with pytest.raises(InvalidArgument, match=told) as caught:
        aws.undeclare(type, "fra/compute/serving/x", arguments)
    assert caught.value.where == "fra/compute/serving/x"
