"""Declarations for AWS as a whole: whose they are, what they refer to, and that nothing but the plan decides them."""

import dataclasses

import pytest

from contracts.resources import BlockSpec, LinkSpec, Purpose, StorageSpec
from stacks.declaration import Ref
from stacks.engines.terraform_engine.labels import PLAIN_KEY
from stacks.targets import aws
from stacks.targets.declare import declare, providers
from tests.clouds.aws_types import every_type, what_moto_lacks
from tests.clouds.clouds_world import MOTO_LACKS, every_kind_of, mixed_environment, resource

ENVIRONMENT, EVERYTHING = every_type("http://127.0.0.1:5000")
BY_KEY = {item.key: item for item in EVERYTHING}
GP3 = StorageSpec(storage_class="gp3", gib=10)
BLOCK = BlockSpec(prefix="10.16.64.0/28", pool="10.16.0.0/16")
OURS = ("fra", "dub", "ohio")


def tags_of(item):
    if item.type == "aws_autoscaling_group":
        return {block["key"]: block["value"] for block in item.arguments["tag"]}
    return item.arguments.get("tags")


def settings_of(region, environment):
    return aws.provider_of(region, environment).settings


def test_each_resource_on_aws_has_a_declaration_under_its_own_key():
    standing = {item.of for item in EVERYTHING if item.resource == ""}
    parts = {item.of for item in EVERYTHING}
    for item in (*every_kind_of(ENVIRONMENT), *what_moto_lacks()):
        ends = item.place.split("--")
        if not set(ends) & set(OURS):
            assert item.key not in parts
        elif set(ends) <= set(OURS):
            assert item.key in standing
        else:  # one side of it: below the key, by the region's name
            assert f"{item.key}/fra" in BY_KEY and item.key not in BY_KEY


def test_keys_are_unique_plain_and_sorted():
    keys = [item.key for item in EVERYTHING]
    assert keys == sorted(set(keys))
    assert all(PLAIN_KEY.fullmatch(key) for key in keys)


def test_whatever_has_tags_says_whose_it_is():
    for item in EVERYTHING:
        tags = tags_of(item)
        if tags is None:
            continue
        # Both sides of a peering are one object in one account: they bear the requester's tags.
        key = item.key.removesuffix("/accepter").replace("transit-accepter", "transit")
        assert tags["prestage:key"] == key
        assert tags["prestage:environment"] == "mixed" and tags["prestage:owner"] == "network"
        assert tags.get("prestage:resource", key) == item.of
        assert all(len(name) <= 128 and len(value) <= 256 for name, value in tags.items())


def test_every_reference_leads_to_a_declaration_of_the_root_that_it_names():
    for item in EVERYTHING:
        for ref in item.refs():
            if ref.key.startswith("bel/"):
                assert ref.root == "bel"
                continue
            found = BY_KEY[ref.key]
            assert ref.root == ("" if found.root == item.root else found.root)
            assert not ref.root or ref.attribute in found.exports
        assert all(BY_KEY[key].root == item.root for key in item.depends_on)


def test_regions_refer_to_no_other_region():
    """Else two partners would wait for each other: what needs both is in the links root."""
    for item in EVERYTHING:
        if item.root != "links":
            assert not [ref for ref in item.refs() if ref.root]


def test_each_declaration_names_a_provider_of_its_region():
    known = providers(ENVIRONMENT)
    for item in EVERYTHING:
        place = item.of.split("/")[0]
        near = {*place.split("--"), *(["dub", "fra"] if "replica" in item.key else [])}
        assert item.provider in near and known[item.provider].provider == "aws"


def test_granting_a_unit_changes_no_declaration():
    resources = every_kind_of(ENVIRONMENT)
    granted = [item.model_copy(update={"purpose": Purpose.GRANTED}) for item in resources]
    assert aws.declare(granted, ENVIRONMENT) == aws.declare(resources, ENVIRONMENT)


def test_the_order_of_resources_does_not_show():
    resources = every_kind_of(ENVIRONMENT)
    assert aws.declare(resources[::-1], ENVIRONMENT) == aws.declare(resources, ENVIRONMENT)


def test_a_resource_in_another_root_is_declared_alike_but_for_where_its_references_live():
    """What an on-demand plan made is adopted without a change: its references mean the same."""
    here, there = (resource("fra/storage/granted/gp3/r-1", GP3, root=root) for root in ("fra", "ondemand-r-1"))
    block, other = (resource("fra/block/granted/10.16.64.0-28/r-1", BLOCK, root=item.root) for item in (here, there))
    for one, two in zip(aws.declare([here, block], ENVIRONMENT), aws.declare([there, other], ENVIRONMENT), strict=True):
        assert two.root == "ondemand-r-1"
        assert one.resolved(_rootless) == two.resolved(_rootless)
        assert {ref.root for ref in two.refs() if ref.key.startswith("fra/network")} <= {"fra"}


def test_a_network_that_an_on_demand_plan_made_is_referred_to_there():
    network = next(item for item in every_kind_of(ENVIRONMENT) if item.key == "fra/network")
    network = network.model_copy(update={"root": "ondemand-r-1"})
    block = resource("fra/block/serving/10.16.64.0-28", BLOCK)
    declared = {item.key: item for item in aws.declare([network, block], ENVIRONMENT)}
    assert declared[block.key].arguments["vpc_id"] == Ref(key="fra/network", root="ondemand-r-1")


def test_no_declaration_holds_a_key_of_a_tunnel():
    assert not [item for item in EVERYTHING if any("preshared" in name for name in item.arguments)]


def test_the_world_on_moto_needs_nothing_that_moto_lacks():
    environment = mixed_environment("http://127.0.0.1:5000")
    world = {item.type for item in aws.declare(every_kind_of(environment), environment)}
    assert not world & MOTO_LACKS
    # moto has VPN gateways; they come with routes that are propagated, which it lacks.
    assert {item.type for item in EVERYTHING} - world == MOTO_LACKS | {"aws_vpn_gateway"}


def test_what_touches_no_region_on_aws_is_not_declared():
    assert aws.declare([resource("bel--ost/link", LinkSpec())], ENVIRONMENT) == ()


def test_all_targets_together_declare_each_key_once():
    keys = [item.key for item in declare(every_kind_of(ENVIRONMENT), ENVIRONMENT)]
    assert keys == sorted(set(keys)) and not {*BY_KEY} - {*keys, *_of_what_moto_lacks()}


def test_references_lead_somewhere_across_clouds_too():
    """The two sides of a tunnel are declared by two targets that know each other's keys."""
    items = {item.key: item for item in declare(every_kind_of(ENVIRONMENT), ENVIRONMENT)}
    across = 0
    for item in items.values():
        for ref in item.refs():
            found = items[ref.key]
            assert ref.root == ("" if found.root == item.root else found.root)
            assert not ref.root or ref.attribute in found.exports
            across += found.provider != item.provider and {found.type[:4], item.type[:4]} == {"aws_", "goog"}
    assert across


def test_providers_stay_in_their_account_and_are_answered_where_it_says():
    fra, ohio = (settings_of(region, ENVIRONMENT) for region in ("fra", "ohio"))
    assert fra["region"] == "eu-central-1" and fra["allowed_account_ids"] == ("123456789012",)
    assert "assume_role" not in fra and ohio["assume_role"]["role_arn"].endswith(":role/prestage")
    assert set(fra["endpoints"].values()) == {"http://127.0.0.1:5000"} and fra["s3_use_path_style"]
    assert set(settings_of("fra", mixed_environment())) == {"region", "allowed_account_ids"}


@pytest.mark.parametrize(
    ("type", "attributes", "id"),
    [
        ("aws_vpc", {"id": "vpc-1"}, "vpc-1"),
        (
            "aws_route",
            {"id": "r-1", "route_table_id": "rtb-1", "destination_cidr_block": "10.0.0.0/8"},
            "rtb-1_10.0.0.0/8",
        ),
        (
            "aws_route_table_association",
            {"id": "x", "subnet_id": "subnet-1", "route_table_id": "rtb-1"},
            "subnet-1/rtb-1",
        ),
    ],
)
def test_imports_name_what_the_provider_documents(type, attributes, id):
    assert aws.import_id(type, attributes) == id


def _rootless(ref):
    return str(dataclasses.replace(ref, root=""))


def _of_what_moto_lacks():
    lacking = {item.key for item in what_moto_lacks()}
    return {item.key for item in EVERYTHING if item.of in lacking}
