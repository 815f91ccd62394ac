"""Networks, routes, gateways, tunnels and circuits in CloudFormation."""

from collections.abc import Mapping

from stacks.engines.cloudformation.shapes import REF, TAGS, Companion, Form, Place, Shape

UNTAGGED = {"tags": "CloudFormation has no tags for it"}

POOLED = {"ipv4_ipam_pool_id": "CloudFormation takes a prefix or a pool: IPAM sees the prefix by itself"}

NETWORK: Mapping[str, Shape] = {
    "aws_vpc": Shape(
        type="AWS::EC2::VPC",
        places=TAGS,
        dropped=POOLED,
        attributes={"id": REF, "cidr_block": "CidrBlock"},
    ),
    "aws_vpc_ipv4_cidr_block_association": Shape(type="AWS::EC2::VPCCidrBlock", dropped=POOLED),
    "aws_subnet": Shape(type="AWS::EC2::Subnet", places=TAGS, attributes={"id": REF}),
    "aws_route_table": Shape(type="AWS::EC2::RouteTable", places=TAGS, attributes={"id": REF}),
    "aws_route_table_association": Shape(type="AWS::EC2::SubnetRouteTableAssociation"),
    "aws_route": Shape(type="AWS::EC2::Route"),
    "aws_internet_gateway": Shape(
        type="AWS::EC2::InternetGateway",
        places=TAGS,
        attributes={"id": REF},
        companions=(
            Companion(
                suffix="Attachment",
                type="AWS::EC2::VPCGatewayAttachment",
                argument="vpc_id",
                owner="InternetGatewayId",
                property="VpcId",
            ),
        ),
    ),
    "aws_vpn_gateway": Shape(
        type="AWS::EC2::VPNGateway",
        places=TAGS,
        attributes={"id": REF},
        fixed={"Type": "ipsec.1"},
        companions=(
            Companion(
                suffix="Attachment",
                type="AWS::EC2::VPCGatewayAttachment",
                argument="vpc_id",
                owner="VpnGatewayId",
                property="VpcId",
            ),
        ),
    ),
    "aws_vpn_gateway_route_propagation": Shape(
        type="AWS::EC2::VPNGatewayRoutePropagation", places={"route_table_id": Place("RouteTableIds", Form.LIST)}
    ),
    "aws_ec2_managed_prefix_list": Shape(
        type="AWS::EC2::PrefixList",
        places={**TAGS, "name": Place("PrefixListName"), "entry": Place("Entries")},
        attributes={"id": REF},
    ),
    "aws_eip": Shape(
        type="AWS::EC2::EIP",
        places=TAGS,
        attributes={"allocation_id": "AllocationId", "public_ip": REF},
    ),
    "aws_vpc_peering_connection": Shape(
        type="AWS::EC2::VPCPeeringConnection",
        places=TAGS,
        dropped={"auto_accept": "CloudFormation accepts what it asks for in one account by itself"},
        attributes={"id": REF},
        across="PeerRoleArn",
    ),
    "aws_ec2_transit_gateway": Shape(
        type="AWS::EC2::TransitGateway", places=TAGS, attributes={"id": REF, "arn": "TransitGatewayArn"}
    ),
    "aws_ec2_transit_gateway_vpc_attachment": Shape(
        type="AWS::EC2::TransitGatewayVpcAttachment", places=TAGS, attributes={"id": REF}
    ),
    "aws_ec2_transit_gateway_peering_attachment": Shape(
        type="AWS::EC2::TransitGatewayPeeringAttachment",
        places=TAGS,
        attributes={"id": REF},
    ),
    "aws_ec2_transit_gateway_route": Shape(type="AWS::EC2::TransitGatewayRoute"),
    "aws_security_group": Shape(
        type="AWS::EC2::SecurityGroup",
        places={**TAGS, "name": Place("GroupName"), "description": Place("GroupDescription")},
        attributes={"id": REF},
    ),
    "aws_vpc_security_group_ingress_rule": Shape(
        type="AWS::EC2::SecurityGroupIngress",
        places={"security_group_id": Place("GroupId"), "prefix_list_id": Place("SourcePrefixListId")},
        dropped=UNTAGGED,
    ),
    "aws_vpc_security_group_egress_rule": Shape(
        type="AWS::EC2::SecurityGroupEgress",
        places={"security_group_id": Place("GroupId"), "cidr_ipv4": Place("CidrIp")},
        dropped=UNTAGGED,
    ),
    "aws_customer_gateway": Shape(type="AWS::EC2::CustomerGateway", places=TAGS, attributes={"id": REF}),
    "aws_vpn_connection": Shape(
        type="AWS::EC2::VPNConnection",
        places={
            **TAGS,
            "tunnel1_inside_cidr": Place("VpnTunnelOptionsSpecifications.0.TunnelInsideCidr"),
            "tunnel2_inside_cidr": Place("VpnTunnelOptionsSpecifications.1.TunnelInsideCidr"),
        },
    ),
    "aws_dx_private_virtual_interface": Shape(
        type="AWS::DirectConnect::PrivateVirtualInterface",
        places={
            **TAGS,
            "name": Place("VirtualInterfaceName"),
            "vpn_gateway_id": Place("VirtualGatewayId"),
            "address_family": Place("BgpPeers.0.AddressFamily"),
            "bgp_asn": Place("BgpPeers.0.Asn"),
        },
    ),
}
