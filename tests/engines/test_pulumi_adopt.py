"""What exists in both clouds and is nobody's: proposed, taken in by Pulumi's import, and nothing but marks changed.

The engine is the real one, with the recording provider behind it; what is found in the accounts is what that holds.
"""

import pytest

from contracts.adoption import LeftCode
from contracts.engines import EngineName, Layout
from contracts.files import write_document
from contracts.ports import Silent
from coordinator.adopt import adopt, lines_for
from coordinator.propose import propose
from stacks.errors import AdoptionRefused
from tests.clouds.recording_cloud import recording_clouds
from tests.clouds.recording_provider import computed, serve_recording
from tests.coordinator.cloud_project import (
    cloud_environment,
    open_cloud_project,
    write_cloud_project,
    write_environment,
)
from tests.engines.pulumi_project import REAL_PULUMI

pytestmark = [pytest.mark.long, *REAL_PULUMI]
VPC, GATEWAY, NETWORK = "aws:ec2/vpc:Vpc", "aws:ec2/internetGateway:InternetGateway", "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"


@pytest.fixture
def environment():
    nowhere = "http://127.0.0.1:1"
    found = cloud_environment(nowhere, nowhere, regions=("ohio", "bel"))
    return found.model_copy(update={"engine": EngineName.PULUMI, "layout": Layout.REGION})


@pytest.fixture
def world(tmp_path, monkeypatch):
    with serve_recording(tmp_path / "world") as served:
        opened = recording_clouds(served)
        for room in ("stacks.capacity.clouds", "stacks.clouds.open_cloud", "stacks.existing", "coordinator.propose"):
            monkeypatch.setattr(f"{room}.open_clouds", opened)
        yield served


@pytest.fixture
def folder(environment, tmp_path):
    return write_cloud_project(tmp_path / "project", environment)


def make(world, token, called, /, untold=(), **known):
    """Somebody makes something by hand; an import does not tell as inputs what is as the provider would have it."""
    urn = f"urn:pulumi:by::hand::{token}::{called}"
    inputs = {name: value for name, value in known.items() if name not in untold}
    return world.create(token, urn, inputs, {**computed(token, urn), **known}).id


def legacy(world):
    """A VPC and a network, at the regions' own addresses, with what they need; and one that fits nowhere."""
    ohio = {"region": "us-east-2", "tags": {}}
    plain = {"enableDnsHostnames": False, "enableDnsSupport": True, "instanceTenancy": "default"}
    vpc = make(world, VPC, "legacy-vpc", plain, cidrBlock="10.48.0.0/16", **plain, **ohio)
    gateway = make(world, GATEWAY, "legacy-gateway", vpcId=vpc, **ohio)
    foreign = make(world, VPC, "foreign", plain, cidrBlock="10.200.0.0/16", **plain, **ohio)
    network = make(world, NETWORK, "legacy", name="legacy", autoCreateSubnetworks=False, routingMode="REGIONAL")
    make(
        world, SUBNETWORK, "legacy-bel", name="legacy-bel", ipCidrRange="10.64.0.0/24", network=network,
        region="europe-west1",
    )  # fmt: skip
    return vpc, gateway, foreign, network


def proposed(environment, folder):
    """A proposal, written, with the lines that it asks for in the environment's file."""
    with open_cloud_project(folder) as project:
        proposal = propose(project, Silent())
    path = folder / "plans" / "dev.adoption.json"
    write_document(path, proposal)
    lines = lines_for(proposal, environment)
    write_environment(folder, environment, lines)
    return proposal, {item.key: item.as_found for item in lines}, path


def as_it_was(rows):
    return {row.id: {**row.outputs, "tags": {}, "tagsAll": {}} for row in rows}


def test_what_is_found_is_taken_in_and_only_marked(environment, folder, world):
    vpc, gateway, foreign, network = legacy(world)
    before = as_it_was(world.rows())
    proposal, kept, path = proposed(environment, folder)
    assert {part.key: part.found.id for part in proposal.parts} == {
        "ohio/network": vpc, "ohio/network/internet": gateway, "bel/network": network,
    }  # fmt: skip
    assert {item.found.id: item.code for item in proposal.left}[foreign] is LeftCode.NO_PLACE
    assert kept["ohio/network"] == {"enable_dns_hostnames": False}
    assert kept["bel/network"]["name"] == "legacy"
    assert as_it_was(world.rows()) == before

    with open_cloud_project(folder) as project:
        report = adopt(project, path, Silent())
        assert report.complete, report
        assert {(root.root, root.created, root.deleted) for root in report.roots} == {("ohio", 0, 0), ("bel", 0, 0)}
        assert {key: item.id for key, item in project.engine.applied().items()} == {
            "ohio/network": vpc, "ohio/network/internet": gateway, "bel/network": network,
        }  # fmt: skip
        again = adopt(project, path, Silent())
        assert {root.status for root in again.roots} == {"clean"}
    assert as_it_was(world.rows()) == before
    (marked,) = (row for row in world.rows() if row.id == vpc)
    assert marked.outputs["tags"]["prestage:key"] == "ohio/network"
    done = {(line["action"], line["urn"].split("::", 3)[3]) for line in world.received()[len(before) :]}
    assert done == {("update", "ohio/network"), ("update", "ohio/network/internet")}


def test_what_changed_since_the_proposal_is_not_taken_in(environment, folder, world):
    legacy(world)
    _, _, path = proposed(environment, folder)
    world.change("legacy-vpc", enableDnsSupport=False)
    before = world.rows()
    with open_cloud_project(folder) as project:
        with pytest.raises(AdoptionRefused, match=r"ohio/network: .*enable_dns_support is False, declared True"):
            adopt(project, path, Silent())
        assert project.engine.applied() == {} and project.journal.runs() == ()
    assert world.rows() == before
