"""What AWS gives no tag of ours: found by its name, or by its natural key in the rows below its parent.

A finder takes the arguments with everything that they refer to filled in, and answers with what an import calls the
resource; empty where it is not there.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from stacks.clouds.aws.listing import GONE
from stacks.clouds.aws.look import Look
from stacks.clouds.aws.session import Reply
from stacks.clouds.cloud import Attributes
from stacks.declaration import Value
from stacks.errors import CloudRefused

Finder = Callable[[Look, Attributes], str]

_DESTINATIONS = (
    ("destination_cidr_block", "DestinationCidrBlock"),
    ("destination_ipv6_cidr_block", "DestinationIpv6CidrBlock"),
    ("destination_prefix_list_id", "DestinationPrefixListId"),
)


def route(look: Look, wanted: Attributes) -> str:
    """A route that was made, in its table; `rtb-1_10.0.0.0/16`. Blackholes count: their target has gone, not they."""
    for table in look.rows("ec2", "describe_route_tables", "RouteTables[]"):
        if table["RouteTableId"] != wanted.get("route_table_id"):
            continue
        for argument, field in _DESTINATIONS:
            destination = wanted.get(argument)
            made = (row.get(field) for row in table["Routes"] if row.get("Origin") != "CreateRouteTable")
            if destination and destination in made:
                return f"{table['RouteTableId']}_{destination}"
    return ""


def route_table_association(look: Look, wanted: Attributes) -> str:
    """`subnet-1/rtb-1`: a subnet or gateway has one table at most, and it has to be the declared one."""
    for table in look.rows("ec2", "describe_route_tables", "RouteTables[]"):
        if table["RouteTableId"] != wanted.get("route_table_id"):
            continue
        for row in table["Associations"]:
            for argument, field in (("subnet_id", "SubnetId"), ("gateway_id", "GatewayId")):
                if wanted.get(argument) and row.get(field) == wanted[argument]:
                    return f"{row[field]}/{table['RouteTableId']}"
    return ""


def cidr_block_association(look: Look, wanted: Attributes) -> str:
    """A further block of a VPC: `vpc-cidr-assoc-1`."""
    for vpc in look.rows("ec2", "describe_vpcs", "Vpcs[]"):
        if vpc["VpcId"] == wanted.get("vpc_id"):
            for row in vpc.get("CidrBlockAssociationSet", ()):
                there = row.get("CidrBlockState", {}).get("State") in ("associated", "associating")
                if there and row["CidrBlock"] == wanted.get("cidr_block"):
                    return str(row["AssociationId"])
    return ""


def prefix_list_entry(look: Look, wanted: Attributes) -> str:
    """`pl-1,10.0.0.0/24`."""
    id, cidr = str(wanted.get("prefix_list_id", "")), str(wanted.get("cidr", ""))
    if not id:
        return ""
    rows = look.rows("ec2", "get_managed_prefix_list_entries", "Entries[]", PrefixListId=id)
    return f"{id},{cidr}" if any(row["Cidr"] == cidr for row in rows) else ""


def transit_route(look: Look, wanted: Attributes) -> str:
    """A static route of a transit gateway: `tgw-rtb-1_10.0.0.0/16`."""
    id, cidr = str(wanted.get("transit_gateway_route_table_id", "")), str(wanted.get("destination_cidr_block", ""))
    if not id:
        return ""
    static = [{"Name": "type", "Values": ["static"]}]
    rows = look.rows("ec2", "search_transit_gateway_routes", "Routes[]", TransitGatewayRouteTableId=id, Filters=static)
    there = (row["DestinationCidrBlock"] for row in rows if row.get("State") not in GONE)
    return f"{id}_{cidr}" if cidr in there else ""


def transit_association(look: Look, wanted: Attributes) -> str:
    """`tgw-rtb-1_tgw-attach-1`."""
    return _transit_table(look, wanted, "get_transit_gateway_route_table_associations", "Associations[]")


def transit_propagation(look: Look, wanted: Attributes) -> str:
    """`tgw-rtb-1_tgw-attach-1`."""
    return _transit_table(
        look, wanted, "get_transit_gateway_route_table_propagations", "TransitGatewayRouteTablePropagations[]"
    )


def vpn_route(look: Look, wanted: Attributes) -> str:
    """A static route into a tunnel: `10.0.0.0/16:vpn-1`."""
    cidr = wanted.get("destination_cidr_block")
    for row in look.rows("ec2", "describe_vpn_connections", "VpnConnections[]"):
        if row["VpnConnectionId"] == wanted.get("vpn_connection_id"):
            there = (item for item in row.get("Routes", ()) if item.get("State") not in GONE)
            if any(item.get("DestinationCidrBlock") == cidr for item in there):
                return f"{cidr}:{row['VpnConnectionId']}"
    return ""


def mount_target(look: Look, wanted: Attributes) -> str:
    """A file system has one mount target a subnet: `fsmt-1`."""
    id = wanted.get("file_system_id")
    rows = look.rows("efs", "describe_mount_targets", "MountTargets[]", FileSystemId=id) if id else ()
    return next((str(row["MountTargetId"]) for row in rows if row["SubnetId"] == wanted.get("subnet_id")), "")


def file_system_replica(look: Look, wanted: Attributes) -> str:
    """A file system has one replication at most, under its own id."""
    id = str(wanted.get("source_file_system_id", ""))
    rows = _or_nothing(look, "efs", "describe_replication_configurations", "Replications[]", FileSystemId=id)
    return id if id and rows else ""


def record(look: Look, wanted: Attributes) -> str:
    """`Z1_www.example.com_A_primary`."""
    zone, name, type = (str(wanted.get(argument, "")) for argument in ("zone_id", "name", "type"))
    set_id = str(wanted.get("set_identifier", ""))
    rows = _or_nothing(look, "route53", "list_resource_record_sets", "ResourceRecordSets[]", HostedZoneId=zone)
    for row in rows if zone else ():
        known = (row["Name"].rstrip(".").replace("\\052", "*"), row["Type"], row.get("SetIdentifier", ""))
        if known == (name.rstrip("."), type, set_id):
            return "_".join(filter(None, (zone, name, type, set_id)))
    return ""


def subscription(look: Look, wanted: Attributes) -> str:
    """The ARN of a confirmed subscription; one that waits for confirmation has none, and asking again sends a mail."""
    topic = str(wanted.get("topic_arn", ""))
    rows = _or_nothing(look, "sns", "list_subscriptions_by_topic", "Subscriptions[]", TopicArn=topic) if topic else ()
    for row in rows:
        same = (row["Protocol"], row["Endpoint"]) == (wanted.get("protocol"), wanted.get("endpoint"))
        if same and str(row["SubscriptionArn"]).startswith("arn:"):
            return str(row["SubscriptionArn"])
    return ""


def role(look: Look, wanted: Attributes) -> str:
    """A role of IAM, by its name."""
    name = str(wanted.get("name", ""))
    return name if name and _answers(look, "iam", "get_role", RoleName=name) else ""


def role_policy(look: Look, wanted: Attributes) -> str:
    """A policy written into a role: `role:policy`."""
    owner, name = str(wanted.get("role", "")), str(wanted.get("name", ""))
    return f"{owner}:{name}" if _answers(look, "iam", "get_role_policy", RoleName=owner, PolicyName=name) else ""


def direct_connect_gateway(look: Look, wanted: Attributes) -> str:
    """The same in every location; known by its name alone."""
    rows = look.rows("directconnect", "describe_direct_connect_gateways", "directConnectGateways[]")
    for row in rows:
        if row["directConnectGatewayName"] == wanted.get("name") and row["directConnectGatewayState"] not in GONE:
            return str(row["directConnectGatewayId"])
    return ""


def scheduled_action(look: Look, wanted: Attributes) -> str:
    """`group/action`."""
    group, name = wanted.get("autoscaling_group_name"), wanted.get("scheduled_action_name")
    rows = look.rows("autoscaling", "describe_scheduled_actions", "ScheduledUpdateGroupActions[]")
    same = any((row["AutoScalingGroupName"], row["ScheduledActionName"]) == (group, name) for row in rows)
    return f"{group}/{name}" if same else ""


def ingress_rule(look: Look, wanted: Attributes) -> str:
    """A rule of a security group for what comes in, by protocol, ports and peer: `sgr-1`."""
    return _security_group_rule(look, wanted, egress=False)


def egress_rule(look: Look, wanted: Attributes) -> str:
    """The same for what goes out."""
    return _security_group_rule(look, wanted, egress=True)


def _security_group_rule(look: Look, wanted: Attributes, *, egress: bool) -> str:
    for row in look.rows("ec2", "describe_security_group_rules", "SecurityGroupRules[]"):
        here = row["GroupId"] == wanted.get("security_group_id") and row["IsEgress"] is egress
        if here and _same_rule(row, wanted):
            return str(row["SecurityGroupRuleId"])
    return ""


def _same_rule(row: Reply, wanted: Attributes) -> bool:
    peers = (("CidrIpv4", "cidr_ipv4"), ("CidrIpv6", "cidr_ipv6"), ("PrefixListId", "prefix_list_id"))
    ports = (("FromPort", "from_port"), ("ToPort", "to_port"))
    same_peer = all(row.get(field) == wanted.get(argument) for field, argument in peers)
    same_ports = all(row.get(field, -1) in (wanted.get(argument, -1), -1) for field, argument in ports)
    return same_peer and same_ports and str(row["IpProtocol"]) == str(wanted.get("ip_protocol"))


def _transit_table(look: Look, wanted: Attributes, operation: str, items: str) -> str:
    table = str(wanted.get("transit_gateway_route_table_id", ""))
    attachment: Value = wanted.get("transit_gateway_attachment_id", "")
    rows = look.rows("ec2", operation, items, TransitGatewayRouteTableId=table) if table else ()
    same = (row for row in rows if row["TransitGatewayAttachmentId"] == attachment)
    return f"{table}_{attachment}" if any(row.get("State") not in GONE for row in same) else ""


def _answers(look: Look, service: str, operation: str, **arguments: object) -> bool:
    try:
        look.clients.call(service, operation, **arguments)
    except CloudRefused as error:
        if "NoSuchEntity" in error.what:
            return False
        raise
    return True


def _or_nothing(look: Look, service: str, operation: str, items: str, **arguments: object) -> Iterator[Reply]:
    """Rows below a parent; none where the parent itself is not there."""
    try:
        yield from look.rows(service, operation, items, **arguments)
    except CloudRefused as error:
        if not any(code in error.what for code in ("NotFound", "NoSuch")):
            raise


CHILDREN: Mapping[str, Finder] = MappingProxyType(
    {
        "aws_route": route,
        "aws_route_table_association": route_table_association,
        "aws_vpc_ipv4_cidr_block_association": cidr_block_association,
        "aws_ec2_managed_prefix_list_entry": prefix_list_entry,
        "aws_ec2_transit_gateway_route": transit_route,
        "aws_ec2_transit_gateway_route_table_association": transit_association,
        "aws_ec2_transit_gateway_route_table_propagation": transit_propagation,
        "aws_vpn_connection_route": vpn_route,
        "aws_dx_gateway": direct_connect_gateway,
        "aws_efs_mount_target": mount_target,
        "aws_efs_replication_configuration": file_system_replica,
        "aws_route53_record": record,
        "aws_sns_topic_subscription": subscription,
        "aws_iam_role": role,
        "aws_iam_role_policy": role_policy,
        "aws_autoscaling_schedule": scheduled_action,
        "aws_vpc_security_group_ingress_rule": ingress_rule,
        "aws_vpc_security_group_egress_rule": egress_rule,
    }
)
"""By Terraform type."""

SETTINGS = frozenset(
    {
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_replication_configuration",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_policy",
        "aws_vpc_peering_connection_accepter",
        "aws_vpc_peering_connection_options",
        "aws_ec2_transit_gateway_peering_attachment_accepter",
        "aws_vpn_gateway_attachment",
        "aws_vpn_gateway_route_propagation",
        "aws_dx_connection_confirmation",
        "aws_efs_backup_policy",
        "aws_sns_topic_policy",
        "aws_main_route_table_association",
    }
)
"""Settings of something else: making them again sets the same once more, so there is nothing to find."""
