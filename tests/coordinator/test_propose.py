"""Which place something found is proposed for, what stays as it was found, and what is left alone for which reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.adoption import LeftCode
from contracts.files import write_document
from contracts.ports import Silent
from coordinator.adopt import adopt, lines_for
from coordinator.errors import Refused
from coordinator.propose import propose
from stacks.adopting import to_keep
from stacks.clouds.cloud import CloudResource
from stacks.declaration import Declaration, Value
from stacks.engines.engine import Observed
from stacks.errors import AdoptionRefused, EngineFailed
from tests.coordinator.cloud_project import (
    cloud_environment,
    open_cloud_project,
    write_cloud_project,
    write_environment,
)
from tests.coordinator.observing_engine import ObservingEngine
from tests.stacks.clouds.fake_cloud import FakeCloud

ENVIRONMENT = cloud_environment("http://127.0.0.1:1", regions=("fra",))
VPC: dict[str, Value] = {
    "cidr_block": "10.16.0.0/16",
    "enable_dns_support": True,
    "enable_dns_hostnames": True,
    "enable_network_address_usage_metrics": True,
}


def found(type, id, /, **arguments):
    return CloudResource(type=type, key="", id=id, place="fra", arguments={**arguments, "id": id})


NETWORK = found("aws_vpc", "vpc-1", cidr_block="10.16.0.0/16")
GATEWAY = found("aws_internet_gateway", "igw-1", vpc_id="vpc-1")
BLOCK = found("aws_subnet", "subnet-1", vpc_id="vpc-1", cidr_block="10.16.9.0/24")
VOLUME = found("aws_ebs_volume", "vol-1", type="gp3", size=80)
SPREAD = "availability_zone_distribution"
GROUP = found("aws_autoscaling_group", "legacy", name="legacy", instance_type="m6i.large", min_size=2)


@pytest.fixture
def folder(tmp_path):
    return write_cloud_project(tmp_path / "project", ENVIRONMENT)


@pytest.fixture
def engine():
    return ObservingEngine(live={"vpc-1": VPC, "igw-1": {"vpc_id": "fra/network"}})


def proposal_of(folder, engine, *items):
    cloud = FakeCloud(frozenset({"fra"}), {}, discovered=items)
    with open_cloud_project(folder, engine) as project:
        return propose(project, Silent(), {"prod": cloud})


def parts(proposal):
    return {part.key: (part.found.id, part.as_found) for part in proposal.parts}


def left(proposal):
    return {item.found.id: item for item in proposal.left}


def test_a_network_is_known_by_its_addresses_and_its_parts_by_where_they_hang(folder, engine):
    proposal = proposal_of(folder, engine, NETWORK, GATEWAY)
    assert parts(proposal) == {"fra/network": ("vpc-1", {}), "fra/network/internet": ("igw-1", {})}
    assert proposal.proposed[0].resource.spec.kind == "network"


def test_a_block_is_a_subnet_within_the_pools_of_such_a_network(folder, engine):
    engine.live["subnet-1"] = {
        "availability_zone": "eu-central-1c",
        "cidr_block": "10.16.9.0/24",
        "vpc_id": "fra/network",
    }
    elsewhere = found("aws_subnet", "subnet-2", vpc_id="vpc-9", cidr_block="10.99.0.0/24")
    proposal = proposal_of(folder, engine, NETWORK, BLOCK, elsewhere)
    assert "fra/block/serving/10.16.9.0-24" in parts(proposal)
    assert left(proposal)["subnet-2"].code is LeftCode.NO_PLACE
    assert "10.99.0.0/24" in left(proposal)["subnet-2"].why


def test_what_an_import_would_change_stays_as_it_was_found(folder, engine):
    engine.live["legacy"] = {"name": "legacy", "min_size": 2, "max_size": 3, "desired_capacity": 2}
    proposal = proposal_of(folder, engine, GROUP)
    id, as_found = parts(proposal)["fra/compute/serving/m6i.large"]
    assert id == "legacy"
    assert as_found["name"] == "legacy" and as_found["max_size"] == 3
    assert "min_size" not in as_found and "tag" not in as_found


def test_a_group_keeps_its_own_template_where_ours_is_not_there(folder, engine):
    template = {"id": "lt-1", "version": "1"}
    group = found("aws_autoscaling_group", "legacy", instance_type="m6i.large", min_size=2, launch_template=template)
    engine.live["legacy"] = {"name": "legacy", "min_size": 2, "launch_template": template}
    _, as_found = parts(proposal_of(folder, engine, group))["fra/compute/serving/m6i.large"]
    assert (as_found["launch_template"], as_found["mixed_instances_policy"]) == (template, None)


def test_a_block_that_says_nothing_is_nothing_to_keep_and_one_that_does_is_kept(folder, engine):
    """AWS's provider shows such a block of every group, whatever the group says."""
    live: dict[str, Value] = {"name": "legacy", "min_size": 2}
    engine.live["legacy"] = {**live, SPREAD: ({},), "capacity_reservation": ({"x": ""},)}
    _, as_found = parts(proposal_of(folder, engine, GROUP))["fra/compute/serving/m6i.large"]
    assert not {SPREAD, "capacity_reservation"} & as_found.keys()

    kept: Value = ({"capacity_distribution_strategy": "balanced-only"},)
    shown = Observed(type=GROUP.type, key="k", root="fra", last=None, live={SPREAD: kept}, wanted={}, action=None)
    declared = Declaration(type=GROUP.type, key="k", root="fra", arguments={})
    assert to_keep(shown, declared) == {SPREAD: kept}
    assert to_keep(replace(shown, live={SPREAD: ({},)}), declared) == {}


def test_gateways_are_known_by_their_number_and_attachments_by_both_ends(folder, engine):
    gateway = found("aws_ec2_transit_gateway", "tgw-1", amazon_side_asn=64512)
    other = found("aws_ec2_transit_gateway", "tgw-2", amazon_side_asn=64999)
    ends: dict[str, Value] = {"vpc_id": "vpc-1", "transit_gateway_id": "tgw-1"}
    attached = found("aws_ec2_transit_gateway_vpc_attachment", "tgw-attach-1", **ends, subnet_ids=("subnet-9",))
    engine.live["tgw-1"] = {"amazon_side_asn": 64512, "description": "theirs", "vpn_ecmp_support": "enable"}
    engine.live["tgw-attach-1"] = {**ends, "subnet_ids": ("subnet-9",)}
    proposal = proposal_of(folder, engine, NETWORK, gateway, other, attached)
    taken = parts(proposal)
    assert taken["fra/network/transit"] == ("tgw-1", {"description": "theirs"})
    id, as_found = taken["fra/network/transit-attachment"]
    assert (id, as_found["subnet_ids"]) == ("tgw-attach-1", ["subnet-9"])  # its own subnets are not ours
    assert left(proposal)["tgw-2"].code is LeftCode.NO_PLACE


def test_a_file_system_is_storage_of_what_it_holds(folder, engine):
    size: Value = {"value": 3 * 2**30 + 1}
    files = found("aws_efs_file_system", "fs-1", creation_token="theirs", size_in_bytes=size)
    engine.live["fs-1"] = {"creation_token": "theirs", "encrypted": True, "throughput_mode": "bursting"}
    proposal = proposal_of(folder, engine, files)
    (item,) = proposal.proposed
    assert (item.resource.key, item.resource.spec.gib) == ("fra/storage/serving/efs", 4)
    assert parts(proposal)[item.resource.key] == (
        "fs-1",
        {"creation_token": "theirs", "throughput_mode": "bursting"},
    )


def test_what_would_change_all_the_same_is_left_alone(folder, engine):
    class Stubborn(ObservingEngine):
        """An engine that wants another size, whatever is declared."""

        def _one(self, item, id, held):
            return replace(super()._one(item, id, held), wanted={"size": 81})

    stubborn = Stubborn(live={"vol-1": {"size": 80}})
    proposal = proposal_of(folder, stubborn, VOLUME)
    assert not proposal.proposed
    assert left(proposal)["vol-1"].code is LeftCode.DIFFERS
    assert "size is 80, declared 81" in left(proposal)["vol-1"].why


def test_one_that_the_engine_does_not_take_keeps_none_of_the_others_back(folder, engine):
    class Choosy(ObservingEngine):
        """An engine that refuses a whole job for one resource in it."""

        def observe(self, job, progress):
            if any("storage" in item.key for items in job.roots.values() for item in items):
                raise EngineFailed("no such size")
            return super().observe(job, progress)

    proposal = proposal_of(folder, Choosy(live=engine.live), NETWORK, GATEWAY, VOLUME)
    assert parts(proposal).keys() == {"fra/network", "fra/network/internet"}
    assert (left(proposal)["vol-1"].code, "no such size" in left(proposal)["vol-1"].why) == (LeftCode.DIFFERS, True)


def test_two_that_could_take_one_place_are_both_left_alone_and_name_each_other(folder, engine):
    other = found("aws_vpc", "vpc-2", cidr_block="10.16.0.0/16")
    proposal = proposal_of(folder, engine, NETWORK, other)
    told = left(proposal)
    assert not proposal.proposed
    assert {told["vpc-1"].code, told["vpc-2"].code} == {LeftCode.AMBIGUOUS}
    assert "vpc-2 could be fra/network too" in told["vpc-1"].why


def test_a_place_that_is_taken_is_not_proposed_again(folder, engine):
    proposal = take_in(folder, engine, NETWORK)
    assert parts(proposal)
    again = proposal_of(folder, engine, found("aws_vpc", "vpc-2", cidr_block="10.16.0.0/16"))
    assert left(again)["vpc-2"].code is LeftCode.TAKEN


def take_in(folder, engine, *items):
    proposal = proposal_of(folder, engine, *items)
    path = folder / "plans" / "dev.adoption.json"
    write_document(path, proposal)
    write_environment(folder, ENVIRONMENT, lines_for(proposal, ENVIRONMENT))
    with open_cloud_project(folder, engine) as project:
        report = adopt(project, path, Silent())
    assert report.complete
    return proposal


def test_what_stays_as_found_has_to_be_in_the_environment_first(folder, engine):
    engine.live["legacy"] = {"name": "legacy", "min_size": 2}
    proposal = proposal_of(folder, engine, GROUP)
    write_document(folder / "proposal.json", proposal)
    with open_cloud_project(folder, engine) as project, pytest.raises(Refused, match="stay as found"):
        adopt(project, folder / "proposal.json", Silent())
    assert not engine.jobs


def test_anything_but_tags_refuses_the_whole_and_is_named(folder, engine):
    proposal = proposal_of(folder, engine, NETWORK, GATEWAY)
    write_document(folder / "proposal.json", proposal)
    engine.live["vpc-1"] = {**VPC, "enable_dns_hostnames": False}  # moved since
    with open_cloud_project(folder, engine) as project, pytest.raises(AdoptionRefused) as told:
        adopt(project, folder / "proposal.json", Silent())
    assert "fra/network: enable_dns_hostnames is False, declared True" in str(told.value)
    assert not engine.jobs


def test_what_was_adopted_earlier_stays_when_something_else_is_adopted(folder, engine):
    engine.live["vol-1"] = {"size": 80, "type": "gp3", "availability_zone": "eu-central-1b"}
    take_in(folder, engine, NETWORK, GATEWAY)
    take_in(folder, engine, VOLUME)
    with open_cloud_project(folder, engine) as project:
        assert {"fra/network", "fra/network/internet", "fra/storage/serving/gp3"} <= project.engine.applied().keys()


def test_the_run_is_in_the_journal_and_can_be_made_again(folder, engine):
    proposal = take_in(folder, engine, NETWORK)
    path = folder / "plans" / "dev.adoption.json"
    with open_cloud_project(folder, engine) as project:
        adopt(project, path, Silent())
        runs = project.journal.runs()
        assert {run.plan for run in runs} == {proposal.digest()}
        assert not project.journal.open_runs()


def test_a_proposal_of_another_environment_is_refused(folder, engine):
    proposal = proposal_of(folder, engine, NETWORK).model_copy(update={"environment": "prod"})
    write_document(folder / "proposal.json", proposal)
    with open_cloud_project(folder, engine) as project, pytest.raises(Refused, match="environment prod"):
        adopt(project, folder / "proposal.json", Silent())
