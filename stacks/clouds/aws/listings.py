"""What AWS lists with its tags: the Terraform type, the operation, and where id, tags and arguments stand in a row.

Paths are JMESPath. What has gone and is still shown (a deleted peering, for hours) is left out; what is half made is
kept: a peering that waits for acceptance, a group without instances.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

GONE = frozenset(
    {"deleted", "deleting", "delete in progress", "failed", "failing", "rejected", "rejecting", "expired", "cancelled"}
)
"""States of what is no longer there, or never came to be. A create after it makes no second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One type that is found by its tags, or by its name.

    Attributes:
        type: the Terraform type.
        service, operation, items: what is called, and where its rows are.
        id: what an import calls it.
        tags: where its tags are, as a list of `Key` and `Value`; empty where they have to be asked for by ARN.
        arn: for those, where the ARN is.
        name: where its name is; empty where a name tells nothing.
        named: the argument that declares the name.
        state: where its state is; without one, it is there as long as it is listed.
        origin: where region and owner of the side that made it are, of what two sides show.
        arguments: by Terraform's name.
        location: where a global service is asked; empty for all others.
        tagged_as: of EC2, what its tags call the type; of others, the part of an ARN that tells it. Where it is empty,
            the type is always listed.
    """

    type: str
    service: str
    operation: str
    items: str
    id: str
    tags: str = "Tags"
    arn: str = ""
    name: str = ""
    named: str = "name"
    state: str = ""
    origin: tuple[str, str] | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    tagged_as: str = ""


def _ec2(type: str, items: str, id: str, /, *, state: str = "", tagged_as: str = "", **arguments: str) -> Listing:
    """An EC2 type; its operation is the snake case of the rows' name, what its tags call it that in the singular."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in items)
    return Listing(
        type=type,
        service="ec2",
        operation=f"describe{snake}",
        items=f"{items}[]",
        id=id,
        state=state,
        arguments=arguments,
        tagged_as=tagged_as or snake.strip("_").replace("_", "-").removesuffix("s"),
    )


NETWORK = (
    _ec2("aws_vpc", "Vpcs", "VpcId", cidr_block="CidrBlock", instance_tenancy="InstanceTenancy"),
    _ec2(
        "aws_subnet",
        "Subnets",
        "SubnetId",
        vpc_id="VpcId",
        cidr_block="CidrBlock",
        availability_zone="AvailabilityZone",
        map_public_ip_on_launch="MapPublicIpOnLaunch",
    ),
    _ec2("aws_internet_gateway", "InternetGateways", "InternetGatewayId", vpc_id="Attachments[0].VpcId"),
    _ec2("aws_route_table", "RouteTables", "RouteTableId", vpc_id="VpcId"),
    _ec2("aws_security_group", "SecurityGroups", "GroupId", vpc_id="VpcId", name="GroupName"),
    _ec2(
        "aws_eip",
        "Addresses",
        "AllocationId",
        tagged_as="elastic-ip",
        public_ip="PublicIp",
        allocation_id="AllocationId",
    ),
    Listing(
        type="aws_ec2_managed_prefix_list",
        service="ec2",
        operation="describe_managed_prefix_lists",
        tagged_as="prefix-list",
        items="PrefixLists[?OwnerId!='AWS'][]",
        id="PrefixListId",
        state="State",
        arguments={"name": "PrefixListName", "max_entries": "MaxEntries", "address_family": "AddressFamily"},
    ),
    Listing(
        type="aws_vpc_peering_connection",
        service="ec2",
        operation="describe_vpc_peering_connections",
        tagged_as="vpc-peering-connection",
        items="VpcPeeringConnections[]",
        id="VpcPeeringConnectionId",
        state="Status.Code",
        origin=("RequesterVpcInfo.Region", "RequesterVpcInfo.OwnerId"),
        arguments={
            "vpc_id": "RequesterVpcInfo.VpcId",
            "peer_vpc_id": "AccepterVpcInfo.VpcId",
            "peer_region": "AccepterVpcInfo.Region",
            "peer_owner_id": "AccepterVpcInfo.OwnerId",
            "accept_status": "Status.Code",
        },
    ),
    _ec2("aws_vpc_ipam", "Ipams", "IpamId", state="State"),
    _ec2("aws_vpc_ipam_pool", "IpamPools", "IpamPoolId", state="State", locale="Locale"),
)

GATEWAYS = (
    _ec2(
        "aws_vpn_gateway",
        "VpnGateways",
        "VpnGatewayId",
        state="State",
        amazon_side_asn="AmazonSideAsn",
        vpc_id="VpcAttachments[?State!='detached'] | [0].VpcId",
    ),
    _ec2(
        "aws_customer_gateway",
        "CustomerGateways",
        "CustomerGatewayId",
        state="State",
        bgp_asn="BgpAsn",
        ip_address="IpAddress",
        type="Type",
    ),
    _ec2(
        "aws_vpn_connection",
        "VpnConnections",
        "VpnConnectionId",
        state="State",
        vpn_gateway_id="VpnGatewayId",
        customer_gateway_id="CustomerGatewayId",
        transit_gateway_id="TransitGatewayId",
    ),
    _ec2(
        "aws_ec2_transit_gateway",
        "TransitGateways",
        "TransitGatewayId",
        state="State",
        amazon_side_asn="Options.AmazonSideAsn",
    ),
    _ec2(
        "aws_ec2_transit_gateway_route_table",
        "TransitGatewayRouteTables",
        "TransitGatewayRouteTableId",
        state="State",
        transit_gateway_id="TransitGatewayId",
    ),
    _ec2(
        "aws_ec2_transit_gateway_vpc_attachment",
        "TransitGatewayVpcAttachments",
        "TransitGatewayAttachmentId",
        tagged_as="transit-gateway-attachment",
        state="State",
        transit_gateway_id="TransitGatewayId",
        vpc_id="VpcId",
    ),
    Listing(
        type="aws_ec2_transit_gateway_peering_attachment",
        service="ec2",
        operation="describe_transit_gateway_peering_attachments",
        tagged_as="transit-gateway-attachment",
        items="TransitGatewayPeeringAttachments[]",
        id="TransitGatewayAttachmentId",
        state="State",
        origin=("RequesterTgwInfo.Region", "RequesterTgwInfo.OwnerId"),
        arguments={
            "transit_gateway_id": "RequesterTgwInfo.TransitGatewayId",
            "peer_transit_gateway_id": "AccepterTgwInfo.TransitGatewayId",
            "peer_region": "AccepterTgwInfo.Region",
        },
    ),
)

DIRECT_CONNECT = (
    Listing(
        type="aws_dx_hosted_connection",
        service="directconnect",
        operation="describe_connections",
        items="connections[]",
        id="connectionId",
        tags="tags",
        name="connectionName",
        state="connectionState",
        tagged_as=":dxcon/",
    ),
    Listing(
        type="aws_dx_private_virtual_interface",
        service="directconnect",
        operation="describe_virtual_interfaces",
        items="virtualInterfaces[]",
        id="virtualInterfaceId",
        tags="tags",
        name="virtualInterfaceName",
        state="virtualInterfaceState",
        tagged_as=":dxvif/",
    ),
)

CAPACITY = (
    Listing(
        type="aws_launch_template",
        service="ec2",
        operation="describe_launch_templates",
        tagged_as="launch-template",
        items="LaunchTemplates[]",
        id="LaunchTemplateId",
        name="LaunchTemplateName",
        arguments={"name": "LaunchTemplateName", "latest_version": "LatestVersionNumber"},
    ),
    Listing(
        type="aws_autoscaling_group",
        service="autoscaling",
        operation="describe_auto_scaling_groups",
        items="AutoScalingGroups[]",
        id="AutoScalingGroupName",
        name="AutoScalingGroupName",
        state="Status",
        arguments={
            "name": "AutoScalingGroupName",
            "arn": "AutoScalingGroupARN",
            "min_size": "MinSize",
            "max_size": "MaxSize",
            "desired_capacity": "DesiredCapacity",
            "launch_template": "LaunchTemplate.{id: LaunchTemplateId, version: Version}",
            "instance_type": "[Instances, MixedInstancesPolicy.LaunchTemplate.Overrides][][].InstanceType | [0]",
        },
    ),
    _ec2(
        "aws_ec2_capacity_reservation",
        "CapacityReservations",
        "CapacityReservationId",
        state="State",
        instance_type="InstanceType",
        availability_zone="AvailabilityZone",
        instance_count="TotalInstanceCount",
        instance_platform="InstancePlatform",
    ),
    _ec2(
        "aws_ebs_volume",
        "Volumes",
        "VolumeId",
        state="State",
        availability_zone="AvailabilityZone",
        size="Size",
        type="VolumeType",
        iops="Iops",
        throughput="Throughput",
        encrypted="Encrypted",
        attached_to="Attachments[0].InstanceId",
    ),
    Listing(
        type="aws_efs_file_system",
        service="efs",
        operation="describe_file_systems",
        items="FileSystems[]",
        id="FileSystemId",
        name="CreationToken",
        named="creation_token",
        state="LifeCycleState",
        arguments={"creation_token": "CreationToken", "arn": "FileSystemArn"},
    ),
    Listing(
        type="aws_s3_bucket",
        service="s3",
        operation="list_buckets",
        items="Buckets[]",
        id="Name",
        tags="",
        arn="join('', ['arn:aws:s3:::', Name])",
        name="Name",
        named="bucket",
        arguments={"bucket": "Name", "arn": "join('', ['arn:aws:s3:::', Name])"},
    ),
    Listing(
        type="aws_dlm_lifecycle_policy",
        service="dlm",
        operation="get_lifecycle_policies",
        items="Policies[]",
        id="PolicyId",
        tagged_as=":dlm:",
    ),
)

WATCHING = (
    Listing(
        type="aws_cloudwatch_metric_alarm",
        service="cloudwatch",
        operation="describe_alarms",
        items="MetricAlarms[]",
        id="AlarmName",
        tags="",
        arn="AlarmArn",
        name="AlarmName",
        named="alarm_name",
        arguments={"alarm_name": "AlarmName", "arn": "AlarmArn", "threshold": "Threshold"},
    ),
    Listing(
        type="aws_sns_topic",
        service="sns",
        operation="list_topics",
        items="Topics[]",
        id="TopicArn",
        tags="",
        arn="TopicArn",
        name="TopicArn",
        arguments={"arn": "TopicArn"},
    ),
    Listing(
        type="aws_route53_health_check",
        service="route53",
        operation="list_health_checks",
        items="HealthChecks[]",
        id="Id",
        tags="",
        arguments={"ip_address": "HealthCheckConfig.IPAddress", "type": "HealthCheckConfig.Type"},
        location="us-east-1",
    ),
)

_ALL = (*NETWORK, *GATEWAYS, *DIRECT_CONNECT, *CAPACITY, *WATCHING)

LISTINGS: Mapping[str, Listing] = {item.type: item for item in _ALL}
"""By Terraform type."""
