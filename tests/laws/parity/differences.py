"""Where the engines differ by right: each with its reason. What is not in these lists is the same in all of them."""

from tests.laws.parity.compare import Difference

PULUMI: tuple[Difference, ...] = (
    Difference("aws_sns_topic_subscription", "topicarn", "topic", "Pulumi takes a topic, and means its ARN"),
)

_MADE = "VpnTunnelOptionsSpecifications is a list, Terraform numbers the arguments of two tunnels"
_UNTAGGED = "CloudFormation tags no rule of a security group"
_GROUP = "EC2 says in which direction a rule looks, Terraform what it names"
_POOLED = "CloudFormation takes a prefix or a pool, not both"
_HOSTED = "Route 53 calls a zone that it hosts a hosted zone"

CLOUDFORMATION: tuple[Difference, ...] = (
    Difference("aws_vpc", "ipv4ipampoolid", "", _POOLED),
    Difference("aws_vpc_ipv4_cidr_block_association", "ipv4ipampoolid", "", _POOLED),
    Difference("aws_vpc_peering_connection", "autoaccept", "", "CloudFormation accepts by itself"),
    Difference("aws_vpc_peering_connection", "", "peerrolearn", "another account accepts by its role"),
    Difference("aws_vpn_gateway", "", "type", "there is one type; Terraform fills it in"),
    Difference("aws_vpn_connection", "tunnel1insidecidr", "vpntunneloptionspecification.0.tunnelinsidecidr", _MADE),
    Difference("aws_vpn_connection", "tunnel2insidecidr", "vpntunneloptionspecification.1.tunnelinsidecidr", _MADE),
    Difference("aws_vpc_security_group_ingress_rule", "tag", "", _UNTAGGED),
    Difference("aws_vpc_security_group_ingress_rule", "prefixlistid", "sourceprefixlistid", _GROUP),
    Difference("aws_vpc_security_group_egress_rule", "tag", "", _UNTAGGED),
    Difference("aws_vpc_security_group_egress_rule", "cidripv4", "cidrip", "CidrIp is that of version 4"),
    Difference(
        "aws_launch_template", "vpcsecuritygroupid", "launchtemplatedata.securitygroupid", "all are of a VPC by now"
    ),
    Difference("aws_autoscaling_group", "forcedeletewarmpool", "", "CloudFormation deletes the pool first"),
    Difference("aws_autoscaling_schedule", "scheduledactionname", "", "CloudFormation names it itself"),
    Difference("aws_efs_file_system", "creationtoken", "", "CloudFormation makes its own"),
    Difference("aws_iam_role_policy", "role", "rolename", "a role is named by its name, which is its id"),
    Difference("aws_s3_bucket", "bucket", "bucketname", "Terraform has no `name` for it"),
    Difference("aws_route53_record", "zoneid", "hostedzoneid", _HOSTED),
    Difference("aws_route53_record", "alia.zoneid", "aliatarget.hostedzoneid", _HOSTED),
    Difference("aws_route53_record", "alia.name", "aliatarget.dnname", "a name of the DNS"),
    Difference("aws_route53_record", "failoverroutingpolicy.type", "failover", "CloudFormation has no block around it"),
    Difference("aws_dx_private_virtual_interface", "vpngatewayid", "virtualgatewayid", "Direct Connect's word"),
)

IMPLIED = {("aws_vpn_gateway", "type"): "ipsec.1"}
"""What CloudFormation insists on and Terraform fills in, and the only right value."""

ATTRIBUTES = {
    ("aws_launch_template", "latestversion"): "latestversionnumber",
    ("aws_iam_role", "id"): "name",  # a role's id is its name
    ("aws_route53_record", "fqdn"): "name",  # and a record's what it is found by
    ("aws_route53_record", "id"): "name",
}
"""Attributes that CloudFormation calls otherwise."""

UNTOLD = {
    ("aws_ec2_transit_gateway", "associationdefaultroutetableid"),
    ("aws_vpc", "arn"),
    ("aws_vpn_connection", "tunnel"),
}
"""Attributes that CloudFormation doesn't tell, all that begin so: they are parameters of other templates."""

ACCEPTERS = {
    "aws_vpc_peering_connection_accepter": "vpcpeeringconnectionid",
    "aws_ec2_transit_gateway_peering_attachment_accepter": "transitgatewayattachmentid",
    "aws_dx_connection_confirmation": "connectionid",
}
"""What accepts has the id of what it accepts; CloudFormation has no resource for it."""
