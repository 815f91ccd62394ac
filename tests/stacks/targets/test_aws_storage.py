"""What storage becomes on AWS: volumes, buckets, copies, and speed that a class cannot have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.environment import Adopted
from contracts.in_place import EBS_GIB, ebs_sizes
from contracts.resources import (
    StorageSpec,
)
from stacks.errors import InvalidArgument
from stacks.targets import aws
from tests.clouds.clouds_world import resource
from tests.stacks.targets.test_aws_kinds import ENVIRONMENT, changed, declared


@given(st.sampled_from(sorted(EBS_GIB)), st.integers(1, 400_000))
def test_volumes_hold_what_is_asked_and_are_as_few_as_the_type_allows(name, gib):
    (smallest, largest), sizes = EBS_GIB[name], ebs_sizes(StorageSpec(storage_class=name, gib=gib))
    assert all(smallest <= size <= largest for size in sizes)
    assert gib <= sum(sizes) < gib + smallest
    assert len(sizes) == -(-gib // largest)


def test_a_large_volume_is_several_in_turn_over_the_zones():
    parts = declared("fra/storage/serving/gp3", StorageSpec(storage_class="gp3", gib=40_000))
    assert [parts[part].arguments["size"] for part in ("", "0002", "0003")] == [16384, 16384, 7232]
    assert len({parts[part].arguments["availability_zone"] for part in ("", "0002")}) == 2


def test_what_is_provisioned_is_divided_between_volumes_of_one_size():
    spec = StorageSpec(storage_class="gp3", gib=1000, iops=20_000, throughput_mibps=1500, volumes=2)
    parts = declared("fra/storage/serving/gp3", spec)
    for part in ("", "0002"):
        made = parts[part].arguments
        assert (made["size"], made["iops"], made["throughput"]) == (500, 10_000, 750)
    one = declared("fra/storage/serving/gp3", StorageSpec(storage_class="gp3", gib=100, iops=5000))[""].arguments
    assert (one["iops"], one["throughput"]) == (5000, 125)
    files = declared("fra/storage/serving/efs", StorageSpec(storage_class="efs", gib=10, throughput_mibps=100))
    made = files[""].arguments
    assert (made["throughput_mode"], made["provisioned_throughput_in_mibps"]) == ("provisioned", 100)


@pytest.mark.parametrize(("name", "free"), [("gp3", (3000, 125)), ("gp2", (None, None)), ("io2", (3000, None))])
def test_what_is_not_bought_any_more_is_declared_as_what_comes_with_the_type(name, free):
    """Left out, the provider would keep what was bought before."""
    key, spec = f"fra/storage/serving/{name}", StorageSpec(storage_class=name, gib=1000)
    made = declared(key, spec)[""].arguments
    assert (made.get("iops"), made.get("throughput")) == free


def test_a_volume_that_was_there_before_keeps_the_speed_that_nobody_asked_for():
    key, spec = "fra/storage/serving/gp3", StorageSpec(storage_class="gp3", gib=1000)
    adopted = Adopted(key=key, id="vol-1", as_found={"size": 1000})
    environment = ENVIRONMENT.model_copy(update={"adopted": (adopted,)})
    (made,) = aws.declare([resource(key, spec)], environment)
    assert not {"iops", "throughput"} & made.arguments.keys()
    (bought,) = aws.declare([resource(key, spec.model_copy(update={"iops": 5000}))], environment)
    assert bought.arguments["iops"] == 5000
    environment = ENVIRONMENT.model_copy(update={"adopted": (Adopted(key=key.replace("gp3", "gp2"), id="vol-1"),)})
    (turned,) = aws.declare([resource(key.replace("gp3", "gp2"), spec)], environment)
    assert (turned.arguments["iops"], turned.arguments["throughput"]) == (3000, 125)


def test_a_volume_stays_in_its_zone_however_zones_are_listed():
    (made,) = aws.declare([resource("fra/storage/serving/gp3", StorageSpec(storage_class="gp3", gib=9))], ENVIRONMENT)
    assert made.lifecycle.ignore == ("availability_zone",)


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("st1", {"iops": 500}, "IOPS of st1 cannot be provisioned"),
        ("io2", {"throughput_mibps": 500}, "throughput of io2 cannot"),
        ("s3", {"throughput_mibps": 1}, "s3 has no IOPS"),
        ("efs", {"volumes": 2}, "efs has no IOPS, volumes"),
    ],
)
def test_speed_that_a_class_cannot_have_is_refused(name, asked, told):
    with pytest.raises(InvalidArgument, match=told):
        declared(f"fra/storage/serving/{name}", StorageSpec(storage_class=name, gib=100, **asked))


@pytest.mark.parametrize(("partner", "replicated"), [("dub", True), ("ohio", False), ("bel", False), (None, False)])
@pytest.mark.parametrize(("name", "part"), [("s3", "replication"), ("efs", "replica"), ("gp3", "snapshots")])
def test_storage_is_replicated_to_the_partner_where_aws_does_that(partner, replicated, name, part):
    """Another region of the same account: not another account, not another cloud."""
    parts = declared(f"fra/storage/serving/{name}", StorageSpec(storage_class=name, gib=10, replica_region=partner))
    assert (part in parts) == replicated


def test_buckets_of_two_accounts_never_have_one_name():
    """The names are the whole world's: environments of one name may be in any account."""
    spec, key = StorageSpec(storage_class="s3", gib=1), "fra/storage/serving/s3"
    here, there = declared(key, spec), declared(key, spec, changed(account={"id": "999999999999"}))
    assert here[""].arguments["bucket"] != there[""].arguments["bucket"]


def test_an_unknown_class_of_storage_is_refused_with_those_that_there_are():
    with pytest.raises(InvalidArgument, match=r"no storage class 'gp4'\n.*gp2, gp3, .*s3, efs\n.*did you mean 'gp3'"):
        declared("fra/storage/serving/gp4", StorageSpec(storage_class="gp4", gib=1))
