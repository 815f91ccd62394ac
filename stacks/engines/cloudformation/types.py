"""The table of types: what CloudFormation can express of AWS, and what it cannot, with the reason.

Limits: the target declares no other types; a test holds that each of them is in one of the two tables.
"""

from collections.abc import Mapping

from stacks.engines.cloudformation.compute import COMPUTE
from stacks.engines.cloudformation.network import NETWORK
from stacks.engines.cloudformation.shapes import Shape
from stacks.engines.cloudformation.storage import STORAGE
from stacks.engines.cloudformation.watching import WATCHING

SHAPES: Mapping[str, Shape] = {**NETWORK, **COMPUTE, **STORAGE, **WATCHING}

INEXPRESSIBLE: Mapping[str, str] = {
    "aws_vpc_peering_connection_accepter": (
        "CloudFormation accepts a peering when it makes it, across accounts by the role that PeerRoleArn names"
    ),
    "aws_vpc_peering_connection_options": "CloudFormation has no resource for the options of a peering connection",
    "aws_ec2_transit_gateway_peering_attachment_accepter": (
        "CloudFormation has no resource that accepts a peering attachment: accept it by hand, once"
    ),
    "aws_dx_hosted_connection": "CloudFormation orders whole connections, and no hosted ones",
    "aws_dx_connection_confirmation": "CloudFormation has no resource that confirms a hosted connection",
}

ACCEPTED = {
    "aws_vpc_peering_connection_accepter": "vpc_peering_connection_id",
    "aws_ec2_transit_gateway_peering_attachment_accepter": "transit_gateway_attachment_id",
    "aws_dx_connection_confirmation": "connection_id",
}
"""Types whose id is that of what they accept, by the argument that says so: references go there instead."""
