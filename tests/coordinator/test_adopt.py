"""What exists in AWS (moto, two accounts) and is nobody's: proposed, taken in by the real engine, unchanged."""

from __future__ import annotations

import pytest

from contracts.adoption import LeftCode
from contracts.files import write_document
from contracts.ports import Silent
from coordinator.adopt import adopt, lines_for
from coordinator.propose import propose
from stacks.clouds.aws.session import aws_clients
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import aws_environ, moto_server
from tests.coordinator.cloud_project import (
    cloud_environment,
    open_cloud_project,
    write_cloud_project,
    write_environment,
)
from tests.engines.terraform_project import tofu_missing

pytestmark = [
    pytest.mark.engine,
    pytest.mark.long,
    pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing()),
]


@pytest.fixture(scope="module")
def moto():
    patch = pytest.MonkeyPatch()
    for name, value in aws_environ().items():
        patch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    with moto_server() as url:
        yield url
    patch.undo()


@pytest.fixture
def environment(moto):
    return cloud_environment(moto)


@pytest.fixture
def folder(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, aws_mirror())))
    return write_cloud_project(tmp_path / "project", environment)


def clients(environment, region):
    account, cloud = environment.account(region), environment.cloud(region)
    return aws_clients(account, cloud.location)


def make_network(environment, region, *, dns):
    """A VPC at the region's own addresses, with a subnet in them and an internet gateway."""
    aws = clients(environment, region)
    pool = environment.cloud(region).pools[0]
    vpc = aws.call("ec2", "create_vpc", CidrBlock=pool)["Vpc"]["VpcId"]
    if dns:
        aws.call("ec2", "modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = aws.call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    aws.call("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    return vpc, gateway


def vpc_of(environment, region, vpc):
    return clients(environment, region).call("ec2", "describe_vpcs", VpcIds=[vpc])["Vpcs"][0]


def test_networks_of_two_accounts_are_found_and_one_is_taken_in_unchanged(environment, folder):
    vpc, gateway = make_network(environment, "ohio", dns=False)
    foreign = clients(environment, "fra").call("ec2", "create_vpc", CidrBlock="10.200.0.0/16")["Vpc"]["VpcId"]
    path = folder / "plans" / "dev.adoption.json"
    with open_cloud_project(folder) as project:
        proposal = propose(project, Silent())
        untouched = vpc_of(environment, "ohio", vpc)
    assert {part.key: (part.found.account, part.found.id) for part in proposal.parts} == {
        "ohio/network": ("other", vpc),
        "ohio/network/internet": ("other", gateway),
    }
    left = {item.found.id: item for item in proposal.left}
    assert (left[foreign].found.account, left[foreign].code) == ("prod", LeftCode.NO_PLACE)
    assert "Tags" not in untouched or not untouched["Tags"]
    lines = lines_for(proposal, environment)
    assert [(item.key, item.as_found) for item in lines] == [("ohio/network", {"enable_dns_hostnames": False})]

    write_document(path, proposal)
    write_environment(folder, environment, lines)
    with open_cloud_project(folder) as project:
        report = adopt(project, path, Silent())
        assert report.complete, report
        assert [(root.root, root.created, root.deleted) for root in report.roots] == [("ohio", 0, 0)]
        assert project.engine.applied().keys() == {"ohio/network", "ohio/network/internet"}
    adopted = vpc_of(environment, "ohio", vpc)
    assert {tag["Key"]: tag["Value"] for tag in adopted["Tags"]}["prestage:key"] == "ohio/network"
    assert {**adopted, "Tags": []} == {**untouched, "Tags": []}
