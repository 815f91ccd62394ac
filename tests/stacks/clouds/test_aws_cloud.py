"""AWS, on moto: what bears our tags, what a declaration is found by, what may be adopted."""

from dataclasses import replace

import boto3
import pytest

from contracts.accounts import Account, TargetName
from stacks.clouds.aws.cloud import AwsCloud
from stacks.declaration import Declaration, Ref
from stacks.errors import TwoOfOne

REGIONS = {"fra": "eu-central-1", "dub": "eu-west-1"}


def tags(key, environment="dev"):
    return [
        {"Key": "prestage:environment", "Value": environment},
        {"Key": "prestage:key", "Value": key},
        {"Key": "prestage:owner", "Value": "network"},
    ]


def spec(type, key):
    return [{"ResourceType": type, "Tags": tags(key)}]


def declared(type, key, provider="fra", **arguments):
    return Declaration(type=type, key=key, root=provider, provider=provider, arguments=arguments)


@pytest.fixture
def cloud(aws_url):
    """A moto with nothing in it."""
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{aws_url}/moto-api/reset", method="POST"), timeout=10).close()
    account = Account(name="prod", target=TargetName.AWS, id="123456789012", endpoint=aws_url)
    return AwsCloud(account=account, regions=REGIONS, environment="dev")


@pytest.fixture
def client(aws_url):
    return lambda service, location="eu-central-1": boto3.client(service, region_name=location, endpoint_url=aws_url)


def test_a_tagged_resource_is_found_and_a_foreign_one_is_not(cloud, client):
    ec2 = client("ec2")
    ours = ec2.create_vpc(CidrBlock="10.16.0.0/16", TagSpecifications=spec("vpc", "fra/network"))["Vpc"]["VpcId"]
    foreign = [{"ResourceType": "vpc", "Tags": tags("fra/network", "other")}]
    ec2.create_vpc(CidrBlock="10.16.0.0/16", TagSpecifications=foreign)
    wanted = [declared("aws_vpc", "fra/network"), declared("aws_vpc", "dub/network", "dub")]
    assert cloud.find(wanted) == {"fra/network": ours}
    assert [(item.key, item.place, item.owner) for item in cloud.tagged("dev")] == [("fra/network", "fra", "network")]


def test_two_resources_with_one_key_are_an_error_that_names_both(cloud, client):
    made = [
        client("ec2").create_vpc(CidrBlock="10.16.0.0/16", TagSpecifications=spec("vpc", "fra/network"))["Vpc"]["VpcId"]
        for _ in range(2)
    ]
    with pytest.raises(TwoOfOne) as told:
        cloud.find([declared("aws_vpc", "fra/network")])
    assert all(id in str(told.value) for id in made)


def test_children_are_found_below_their_parents(cloud, client):
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.16.0.0/16", TagSpecifications=spec("vpc", "fra/network"))["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=spec("internet-gateway", "fra/network/gateway"))
    gateway = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=spec("route-table", "fra/network/routes"))
    table = table["RouteTable"]["RouteTableId"]
    subnet = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.16.0.0/20", TagSpecifications=spec("subnet", "fra/network/subnet-a")
    )["Subnet"]["SubnetId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    block = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.17.0.0/16")["CidrBlockAssociation"]["AssociationId"]
    routes = Ref(key="fra/network/routes")
    wanted = [
        declared("aws_route", "fra/network/out", route_table_id=routes, destination_cidr_block="0.0.0.0/0"),
        declared("aws_route", "fra/network/back", route_table_id=routes, destination_cidr_block="10.99.0.0/16"),
        declared(
            "aws_route_table_association",
            "fra/network/in-a",
            subnet_id=Ref(key="fra/network/subnet-a"),
            route_table_id=routes,
        ),
        declared(
            "aws_vpc_ipv4_cidr_block_association",
            "fra/block/1",
            vpc_id=Ref(key="fra/network"),
            cidr_block="10.17.0.0/16",
        ),
        declared("aws_vpc", "fra/network"),
        declared("aws_route_table", "fra/network/routes"),
        declared("aws_subnet", "fra/network/subnet-a"),
    ]
    assert cloud.find(wanted) == {
        "fra/network": vpc,
        "fra/network/routes": table,
        "fra/network/subnet-a": subnet,
        "fra/network/out": f"{table}_0.0.0.0/0",
        "fra/network/in-a": f"{subnet}/{table}",
        "fra/block/1": block,
    }


def test_a_parent_that_only_the_state_knows_will_do(cloud, client):
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.16.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.17.0.0/16")
    block = declared(
        "aws_vpc_ipv4_cidr_block_association", "fra/block/1", vpc_id=Ref(key="fra/network"), cidr_block="10.17.0.0/16"
    )
    assert cloud.find([block]) == {}
    assert cloud.find([block], {"fra/network": {"id": vpc}}).keys() == {"fra/block/1"}


def test_what_has_a_name_of_ours_is_found_without_tags(cloud, client):
    client("s3", "us-east-1").create_bucket(Bucket="dev-fra-storage-0a1b2c3d")
    client("sns").create_topic(Name="dev-alerts-0a1b2c3d")
    client("cloudwatch").put_metric_alarm(
        AlarmName="dev-alarm-0a1b2c3d",
        MetricName="CPUUtilization",
        Namespace="AWS/EC2",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Average",
        Threshold=85,
        ComparisonOperator="GreaterThanThreshold",
    )
    wanted = [
        declared("aws_s3_bucket", "fra/storage/serving/s3", bucket="dev-fra-storage-0a1b2c3d"),
        declared("aws_sns_topic", "fra/alert/topic", name="dev-alerts-0a1b2c3d"),
        declared("aws_cloudwatch_metric_alarm", "fra/alert/vcpu", alarm_name="dev-alarm-0a1b2c3d"),
        declared("aws_cloudwatch_metric_alarm", "fra/alert/other", alarm_name="dev-alarm-ffffffff"),
    ]
    found = cloud.find(wanted)
    assert found["fra/storage/serving/s3"] == "dev-fra-storage-0a1b2c3d"
    assert found["fra/alert/topic"].startswith("arn:aws:sns:eu-central-1:")
    assert found["fra/alert/vcpu"] == "dev-alarm-0a1b2c3d"
    assert "fra/alert/other" not in found


def test_a_deleted_peering_is_not_there_and_one_that_waits_is(cloud, client):
    ec2 = client("ec2")
    ours, theirs = (
        client("ec2", where).create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        for where, cidr in (("eu-central-1", "10.16.0.0/16"), ("eu-west-1", "10.32.0.0/16"))
    )

    def peer():
        return ec2.create_vpc_peering_connection(
            VpcId=ours,
            PeerVpcId=theirs,
            PeerRegion="eu-west-1",
            TagSpecifications=spec("vpc-peering-connection", "k/l"),
        )["VpcPeeringConnection"]["VpcPeeringConnectionId"]

    first = peer()
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=first)
    wanted = [declared("aws_vpc_peering_connection", "k/l")]
    assert cloud.find(wanted) == {}
    second = peer()
    assert cloud.find(wanted) == {"k/l": second}
    assert [item.place for item in cloud.tagged("dev")] == ["fra"]
    other_side = declared("aws_vpc_peering_connection", "k/l", "dub")  # where moto shows the same tags
    assert cloud.find([other_side]) == {}


def make_group(client, instances=0, tagged=()):
    template = {"InstanceType": "m6i.large", "ImageId": "ami-12c6146b"}
    client("ec2").create_launch_template(LaunchTemplateName="dev-m6i-0a1b2c3d", LaunchTemplateData=template)
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="dev-group-0a1b2c3d",
        LaunchTemplate={"LaunchTemplateName": "dev-m6i-0a1b2c3d"},
        MinSize=instances,
        MaxSize=4,
        DesiredCapacity=instances,
        AvailabilityZones=["eu-central-1b"],
        Tags=[{**tag, "PropagateAtLaunch": False} for tag in tagged],
    )


def test_a_group_without_instances_is_there(cloud, client):
    make_group(client, tagged=tags("fra/compute/serving/m6i.large"))
    wanted = [
        declared("aws_autoscaling_group", "fra/compute/serving/m6i.large"),
        declared("aws_launch_template", "fra/compute/serving/m6i.large/template", name="dev-m6i-0a1b2c3d"),
    ]
    assert cloud.find(wanted)["fra/compute/serving/m6i.large"] == "dev-group-0a1b2c3d"
    assert cloud.find(wanted)["fra/compute/serving/m6i.large/template"].startswith("lt-")


def test_what_may_be_adopted_is_neither_ours_nor_a_default(cloud, client):
    ec2 = client("ec2")
    ec2.create_vpc(CidrBlock="10.16.0.0/16", TagSpecifications=spec("vpc", "fra/network"))
    foreign = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=foreign, CidrBlock="10.21.0.0/16")
    volume = ec2.create_volume(AvailabilityZone="eu-central-1b", Size=100, VolumeType="gp3")["VolumeId"]
    make_group(client, instances=1)  # with a disk of its own
    found = {(item.type, item.place): item for item in cloud.discover()}
    assert found["aws_vpc", "fra"].id == foreign
    assert found["aws_vpc_ipv4_cidr_block_association", "fra"].arguments["cidr_block"] == "10.21.0.0/16"
    assert found["aws_ebs_volume", "fra"].id == volume
    assert found["aws_autoscaling_group", "fra"].arguments["instance_type"] == "m6i.large"
    assert len(found) == 4


def test_what_another_account_shares_is_not_for_this_one_to_adopt(cloud, client):
    """A transit gateway shared through AWS RAM: moto shows an account its own alone, so that the owner is another's."""
    ec2 = client("ec2")
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24")["Subnet"]["SubnetId"]
    joined = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[subnet])
    found = {item.type: item for item in cloud.discover() if "transit" in item.type}
    assert found["aws_ec2_transit_gateway"].id == gateway
    attached = found["aws_ec2_transit_gateway_vpc_attachment"]
    assert attached.id == joined["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    assert attached.arguments["subnet_ids"] == (subnet,)
    elsewhere = replace(cloud, account=cloud.account.model_copy(update={"id": "333333333333"}))
    assert gateway not in {item.id for item in elsewhere.discover()}
