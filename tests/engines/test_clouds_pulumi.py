"""Both clouds through the real Pulumi, with the recording provider where the clouds' own would stand."""

from dataclasses import replace

import pytest

from contracts.engines import Layout
from contracts.ports import Silent
from contracts.resources import StorageSpec
from contracts.run import RunStatus
from stacks.declaration import Lifecycle, SecretRef
from stacks.engines.engine import Action
from stacks.errors import EngineFailed, InUse, SecretMissing
from stacks.targets import aws
from tests.clouds.clouds_world import resource
from tests.engines.pulumi_clouds import (
    changed,
    declaration,
    declare_all,
    few,
    layout,
    project,
    subnet,
    vpc,
    without,
    world,
)
from tests.engines.pulumi_project import BOTH, REAL_PULUMI

__all__ = ["layout", "project", "world"]  # fixtures

pytestmark = [*REAL_PULUMI]


def test_one_of_each_kind_in_both_clouds_is_applied_and_clean(project, world):
    wanted = declare_all(project.environment)
    roots = (*(region.name for region in project.environment.regions if region.cloud), "links")
    assert set(project.apply(wanted, roots=roots).values()) == {RunStatus.DONE}
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in wanted)
    assert project.planned(wanted, roots=roots) == {}
    applied = project.engine.applied()
    assert {key: item.root for key, item in applied.items()} == {item.key: item.root for item in wanted}
    assert {key: item.id for key, item in applied.items()} == {row.name: row.id for row in world.rows()}
    for item in wanted:
        secret = {name for name in item.arguments if name in ("shared_secret", "tunnel1_preshared_key")}
        assert item.arguments.keys() - secret <= applied[item.key].arguments.keys(), item.key
        plain = {name: value for name, value in item.arguments.items() if isinstance(value, str | int | float)}
        assert plain.items() <= applied[item.key].arguments.items()


@BOTH
def test_what_is_declared_is_received_with_its_references(project, world, layout):
    assert set(project.apply(few()).values()) == {RunStatus.DONE}
    fra, dub, link = (world.named(name) for name in ("fra/network", "dub/network", "dub--fra/link"))
    assert link.inputs == {
        "vpcId": fra.id, "peerVpcId": dub.id, "peerRegion": "eu-west-1", "region": "eu-central-1",
    }  # fmt: skip
    assert fra.inputs["tags"] == {"prestage:key": "fra/network", "Name": "aPlainName"}
    interfaces = world.named("bel/network/vpn").outputs["vpnInterfaces"]
    assert world.named("bel--fra/link/fra/gateway").inputs["ipAddress"] == interfaces[1]["ipAddress"]
    policy = world.named("fra/compute/x").inputs["mixedInstancesPolicy"]
    assert [each["instanceType"] for each in policy["launchTemplate"]["overrides"]] == ["m6i.large", "m6i.xlarge"]
    order = [line["name"] for line in world.received()]
    assert order.index("fra/network") < order.index("fra/network/subnet-001")
    assert max(order.index("fra/network"), order.index("dub/network")) < order.index("dub--fra/link")
    assert project.planned(few()) == {}
    group = project.engine.applied()["fra/compute/x"].arguments
    assert group["tag"] == ({"key": "prestage:key", "value": "fra/compute/x", "propagate_at_launch": True},)
    assert project.engine.applied()["dub--fra/link"].root == "links"


@pytest.mark.parametrize("layout", [Layout.ENVIRONMENT])
def test_what_changed_behind_its_back_is_seen_in_three_views_and_put_right(project, world, layout):
    project.apply(few())
    world.change("fra/network/subnet-001", cidrBlock="10.0.99.0/24")
    world.change("fra/compute/x", desiredCapacity=7)
    world.delete(world.named("dub/network").id)
    before = [row.id for row in world.rows()]
    wanted = changed(few(), "bel/network", auto_create_subnetworks=True)
    seen = project.observed([*wanted, subnet(2)])
    assert {item.key for item in wanted} | {subnet(2).key} == seen.keys()
    moved, gone, new = (seen[key] for key in ("fra/network/subnet-001", "dub/network", "fra/network/subnet-002"))
    assert [view["cidr_block"] for view in (moved.last, moved.live, moved.wanted)] == [
        "10.0.1.0/24", "10.0.99.0/24", "10.0.1.0/24",
    ]  # fmt: skip
    assert moved.last["arn"] == moved.live["arn"] and moved.action in (Action.UPDATE, Action.REPLACE)
    assert gone.last and gone.live is None and gone.action is Action.CREATE
    assert "id" not in gone.wanted and gone.wanted["cidr_block"] == "10.1.0.0/16"
    assert (new.last, new.live, new.action) == (None, None, Action.CREATE)
    assert seen["bel/network"].live["auto_create_subnetworks"] is False
    assert seen["bel/network"].wanted["auto_create_subnetworks"] is True
    group = seen["fra/compute/x"]
    assert (group.last["desired_capacity"], group.live["desired_capacity"], group.action) == (1, 7, None)
    assert [row.id for row in world.rows()] == before  # nothing was written
    assert project.engine.applied()["fra/network/subnet-001"].arguments["cidr_block"] == "10.0.1.0/24"
    project.apply(few())
    assert world.named("fra/network/subnet-001").outputs["cidrBlock"] == "10.0.1.0/24"
    assert world.named("fra/compute/x").outputs["desiredCapacity"] == 7  # others may change it
    assert project.planned(few()) == {}


def test_what_cannot_change_in_place_is_replaced_and_the_old_one_goes_first(project, world):
    there = [item for item in few() if item.root == "fra"]
    project.apply(there, roots=["fra"])
    other = changed(there, "fra/network/subnet-001", cidr_block="10.0.7.0/24")
    assert project.planned(other, roots=["fra"]) == {"fra/network/subnet-001": Action.REPLACE}
    project.apply(other, roots=["fra"])
    actions = [line["action"] for line in world.received() if line["name"] == "fra/network/subnet-001"]
    assert actions == ["create", "delete", "create"]
    careful = [
        replace(item, lifecycle=Lifecycle(create_before_destroy=True)) if item.key.endswith("001") else item
        for item in changed(there, "fra/network/subnet-001", cidr_block="10.0.8.0/24")
    ]
    project.apply(careful, roots=["fra"])
    actions = [line["action"] for line in world.received() if line["name"] == "fra/network/subnet-001"]
    assert actions == ["create", "delete", "create", "create", "delete"]


def test_a_volume_of_another_type_larger_and_faster_is_an_update(project, world):
    key = "fra/storage/serving/gp3"
    was = [resource(key, StorageSpec(storage_class="gp3", gib=100))]
    becomes = [resource(key, StorageSpec(storage_class="io2", gib=150, iops=6000))]
    project.apply(aws.declare(was, project.environment), roots=["fra"])
    id = world.named(key).id
    after = aws.declare(becomes, project.environment)
    assert project.planned(after, roots=["fra"]) == {key: Action.UPDATE}
    project.apply(after, roots=["fra"])
    row = world.named(key)
    assert (row.id, row.outputs["type"], row.outputs["size"], row.outputs["iops"]) == (id, "io2", 150, 6000)


def test_on_google_cloud_too_what_cannot_change_is_replaced_with_what_stands_on_it(project, world):
    there = [item for item in few() if item.root == "bel"]
    project.apply(there, roots=["bel"])
    other = changed(there, "bel/network", name="m")
    assert project.planned(other, roots=["bel"]) == dict.fromkeys(("bel/network", "bel/network/vpn"), Action.REPLACE)
    project.apply(other, roots=["bel"])
    done = [(line["action"], line["name"]) for line in world.received()][2:]
    network, gateway = "bel/network", "bel/network/vpn"
    assert done == [("delete", gateway), ("delete", network), ("create", network), ("create", gateway)]
    grown = changed(other, "bel/network", routing_mode="GLOBAL")
    assert project.planned(grown, roots=["bel"]) == {"bel/network": Action.UPDATE}


def test_one_that_fails_leaves_the_others_and_says_what_to_do(project, world):
    world.fail("fra/network/subnet-001", "SubnetLimitExceeded: the maximum number of subnets has been reached")
    outcomes = {run.root: run for run in project.engine.apply(project.job(few()), Silent())}
    assert {root: run.status for root, run in outcomes.items() if root != "links"} == {
        "fra": RunStatus.FAILED, "dub": RunStatus.DONE, "bel": RunStatus.DONE,
    }  # fmt: skip
    assert "fra/network/subnet-001: " in outcomes["fra"].message and "SubnetLimitExceeded" in outcomes["fra"].message
    assert "next: ask for a higher quota" in outcomes["fra"].message
    assert {row.name for row in world.rows()} >= {"fra/network", "dub/network", "bel/network"}
    world.mend()
    assert set(project.apply(few()).values()) <= {RunStatus.DONE, RunStatus.CLEAN}
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in few())


def test_what_exists_is_taken_in_as_it_is_and_then_brought_to_what_is_wanted(project, world):
    made = world.create(
        "aws:ec2/vpc:Vpc", "urn:pulumi:x::y::aws:ec2/vpc:Vpc::fra/network", {"cidrBlock": "10.0.0.0/16"}, {}
    )
    world.change("fra/network", cidrBlock="10.0.0.0/16", region="eu-central-1", tags={"Name": "old"})
    adopt = {"fra/network": made.id}
    assert project.planned([vpc("fra", "10.0.0.0/16")], adopt=adopt) == {"fra/network": Action.ADOPT}
    assert project.apply([vpc("fra", "10.0.0.0/16")], adopt=adopt)["fra"] is RunStatus.DONE
    (row,) = world.rows()
    assert row.id == made.id and row.outputs["tags"]["prestage:key"] == "fra/network"
    assert project.engine.applied()["fra/network"].id == made.id
    assert project.planned([vpc("fra", "10.0.0.0/16")]) == {}
    again = project.apply([vpc("fra", "10.0.0.0/16")], adopt={"fra/network": "vpc-another"})  # known: not taken twice
    assert again["fra"] is RunStatus.CLEAN


def test_what_an_import_would_change_is_seen_before(project, world):
    made = world.create("aws:ec2/vpc:Vpc", "urn:pulumi:x::y::aws:ec2/vpc:Vpc::legacy", {"cidrBlock": "10.0.0.0/16"}, {})
    world.change("legacy", cidrBlock="10.0.0.0/16", region="eu-central-1", enableDnsSupport=False)
    wanted = changed([vpc("fra", "10.0.0.0/16")], "fra/network", enable_dns_support=True)
    seen = project.observed(wanted, roots=["fra"], adopt={"fra/network": made.id})["fra/network"]
    assert (seen.last, seen.action) == (None, Action.UPDATE)
    assert (seen.live["enable_dns_support"], seen.wanted["enable_dns_support"]) == (False, True)
    assert (seen.live["cidr_block"], seen.wanted["cidr_block"]) == ("10.0.0.0/16", "10.0.0.0/16")
    assert [line["action"] for line in world.received()] == ["create"]


def test_what_is_protected_stays_until_a_person_lifts_that(project, world):
    kept = [vpc("fra", "10.0.0.0/16", lifecycle=Lifecycle(protect=True))]
    project.apply(kept)
    with pytest.raises(InUse, match="protect"):
        project.planned([])
    assert project.apply(without(kept, "fra/network"))["fra"] is RunStatus.FAILED
    assert len(world.rows()) == 1
    project.apply([vpc("fra", "10.0.0.0/16")])  # the declaration lifts it
    assert project.apply([])["fra"] is RunStatus.DONE and world.rows() == ()


def test_a_key_that_was_renamed_is_the_same_resource(project, world):
    project.apply([vpc("fra", "10.0.0.0/16"), subnet(1)])
    before = world.named("fra/network/subnet-001").id
    renamed = replace(subnet(1), key="fra/network/zone-a", aliases=("fra/network/subnet-001",))
    assert project.planned([vpc("fra", "10.0.0.0/16"), renamed]) == {}
    project.apply([vpc("fra", "10.0.0.0/16"), renamed])
    assert [row.id for row in world.rows() if row.token.endswith("Subnet")] == [before]
    assert "fra/network/zone-a" in project.engine.applied()


@pytest.mark.parametrize("layout", [Layout.ENVIRONMENT])
def test_a_part_of_a_shared_stack_is_applied_alone(project, world, layout):
    """As a wave does: what the job does not name stays as it is, though it is declared otherwise by now."""
    project.apply(few())
    other = changed(few(), "fra/network/subnet-001", cidr_block="10.0.7.0/24")
    wave = [
        replace(item, arguments={**item.arguments, "cidr_block": "10.9.0.0/16"}) if item.key == "dub/network" else item
        for item in other
    ]
    outcomes = project.apply([item for item in wave if item.root == "fra"] + [subnet(2)], roots=["fra"])
    assert outcomes == {"fra": RunStatus.DONE}
    assert world.named("dub/network").inputs["cidrBlock"] == "10.1.0.0/16"
    assert world.named("fra/network/subnet-001").inputs["cidrBlock"] == "10.0.7.0/24"
    assert len(world.rows()) == len(few()) + 1
    assert project.planned([*other, subnet(2)]) == {}


def test_a_secret_comes_from_the_stacks_config_and_is_in_no_file(project, world):
    tunnel = declaration(
        "aws_vpn_connection", "fra/vpn", "fra",
        {"customer_gateway_id": "cgw-1", "type": "ipsec.1", "tunnel1_preshared_key": SecretRef(name="shared-key")},
    )  # fmt: skip
    with pytest.raises(SecretMissing, match=r"shared-key(.|\n)*pulumi config set --secret prestage:shared-key"):
        project.apply([tunnel])
    (project.folder / "Pulumi.yaml").write_text("name: net\nruntime: python\n")
    run = project.engine._command.run
    stack = f"{project.environment.name}.fra"
    variables = project.engine._workspace.variables()
    (project.folder / ".prestage/pulumi").mkdir(parents=True)
    run(["stack", "init", stack], str(project.folder), variables)
    run(
        ["config", "set", "--secret", "prestage:shared-key", "0pen-Sesame", "--stack", stack],
        str(project.folder),
        variables,
    )
    assert project.apply([tunnel])["fra"] is RunStatus.DONE
    assert world.named("fra/vpn").inputs["tunnel1PresharedKey"] == "0pen-Sesame"
    written = [path for path in project.folder.rglob("*") if path.is_file() and "world" not in path.parts]
    assert len(written) > 3 and not [path for path in written if b"0pen-Sesame" in path.read_bytes()]
    assert "tunnel1_preshared_key" not in project.engine.applied()["fra/vpn"].arguments


def test_regions_of_one_account_that_differ_in_more_than_their_place_are_refused(project, world):
    job = project.job(few())
    odd = replace(job.providers["dub"], settings={**job.providers["dub"].settings, "profile": "x"})
    with pytest.raises(EngineFailed, match="fra and dub differ in more than their location"):
        project.engine.preview(replace(job, providers={**job.providers, "dub": odd}), Silent())


def test_a_reference_to_a_stack_that_was_never_applied_is_named(project, world):
    with pytest.raises(EngineFailed, match=r"unknown stack .*next: |unknown stack"):
        project.apply([item for item in few() if item.root == "links"], roots=["links"])


def test_a_stack_that_nobody_has_made_is_empty(project, world):
    assert set(project.apply([]).values()) == {RunStatus.CLEAN}
    assert project.observed([]) == {}
    assert project.engine.applied() == {}
