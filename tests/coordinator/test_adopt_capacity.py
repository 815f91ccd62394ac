"""Capacity and gateways that somebody else made in AWS (moto): taken in by the real engine, unchanged but for tags."""

from __future__ import annotations

from functools import partial

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
GROUP, DISK, FILES = "ohio/compute/serving/m6i.large", "ohio/storage/serving/gp3", "ohio/storage/serving/efs"
NETWORK, TRANSIT, ATTACHED = "ohio/network", "ohio/network/transit", "ohio/network/transit-attachment"


@pytest.fixture
def environment(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in aws_environ().items():
        monkeypatch.setenv(name, value)
    with moto_server() as url:
        yield cloud_environment(url, regions=("ohio",))


@pytest.fixture
def folder(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, aws_mirror())))
    return write_cloud_project(tmp_path / "project", environment)


@pytest.fixture
def made(environment):
    """Ids of what stands in ohio, by the key that each could take."""
    account, cloud = environment.account("ohio"), environment.cloud("ohio")
    aws = aws_clients(account, cloud.location)
    ec2 = partial(aws.call, "ec2")
    vpc = ec2("create_vpc", CidrBlock=cloud.pools[0])["Vpc"]["VpcId"]
    ec2("modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2("create_subnet", VpcId=vpc, CidrBlock="10.48.9.0/24", AvailabilityZone=cloud.zones[0])
    subnet = subnet["Subnet"]["SubnetId"]
    transit = ec2("create_transit_gateway", Description="theirs", Options={"AmazonSideAsn": asn_of(environment)})
    transit = transit["TransitGateway"]["TransitGatewayId"]
    joined = ec2("create_transit_gateway_vpc_attachment", TransitGatewayId=transit, VpcId=vpc, SubnetIds=[subnet])
    disk = ec2("create_volume", AvailabilityZone=cloud.zones[0], Size=80, VolumeType="gp3")["VolumeId"]
    image = ec2("describe_images")["Images"][0]["ImageId"]
    template = ec2(
        "create_launch_template",
        LaunchTemplateName="legacy",
        LaunchTemplateData={"ImageId": image, "InstanceType": "m6i.large"},
    )
    template = template["LaunchTemplate"]["LaunchTemplateId"]
    aws.call(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName="legacy",
        MinSize=2,
        MaxSize=3,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        VPCZoneIdentifier=subnet,
    )
    files = aws.call("efs", "create_file_system", CreationToken="theirs")["FileSystemId"]
    return {
        NETWORK: vpc,
        TRANSIT: transit,
        ATTACHED: joined["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"],
        "ohio/block/serving/10.48.9.0-24": subnet,
        GROUP: "legacy",
        DISK: disk,
        FILES: files,
    }


def asn_of(environment):
    return environment.region("ohio").asn


def looked_at(environment):
    """Everything there is, as AWS tells it, but for tags, and the hour at which a size was taken."""
    account, cloud = environment.account("ohio"), environment.cloud("ohio")
    aws = aws_clients(account, cloud.location)
    asked = (
        ("ec2", "describe_vpcs", "Vpcs"),
        ("ec2", "describe_subnets", "Subnets"),
        ("ec2", "describe_transit_gateways", "TransitGateways"),
        ("ec2", "describe_transit_gateway_vpc_attachments", "TransitGatewayVpcAttachments"),
        ("ec2", "describe_volumes", "Volumes"),
        ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
        ("efs", "describe_file_systems", "FileSystems"),
    )
    return {
        operation: [without_tags(row) for row in aws.call(service, operation)[rows]]
        for service, operation, rows in asked
    }


def without_tags(row):
    return {name: value for name, value in row.items() if name not in ("Tags", "Name", "SizeInBytes")}


def test_capacity_and_gateways_are_taken_in_unchanged(environment, folder, made):
    before = looked_at(environment)
    path = folder / "plans" / "dev.adoption.json"
    with open_cloud_project(folder) as project:
        proposal = propose(project, Silent())
    left = {item.found.id: (item.code, item.why) for item in proposal.left}
    assert not {id for id, (code, _) in left.items() if code is not LeftCode.NO_PLACE}, left
    assert {part.key: part.found.id for part in proposal.parts} == made, left
    assert looked_at(environment) == before

    write_document(path, proposal)
    write_environment(folder, environment, lines_for(proposal, environment))
    with open_cloud_project(folder) as project:
        report = adopt(project, path, Silent())
        assert report.complete, report
        assert [(root.root, root.created, root.deleted) for root in report.roots] == [("ohio", 0, 0)]
        assert project.engine.applied().keys() == made.keys()
    assert looked_at(environment) == before
