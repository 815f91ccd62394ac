"""What of AWS may be taken under management: networks, gateways, capacity and blocks that bear no environment's tag."""

from collections.abc import Iterator
from dataclasses import replace

from stacks.clouds.aws.listings import LISTINGS
from stacks.clouds.aws.look import Look
from stacks.clouds.cloud import CloudResource

_TYPES = (
    "aws_vpc",
    "aws_subnet",
    "aws_internet_gateway",
    "aws_vpn_gateway",
    "aws_customer_gateway",
    "aws_ec2_transit_gateway",
    "aws_ec2_transit_gateway_vpc_attachment",
    "aws_autoscaling_group",
    "aws_ebs_volume",
    "aws_efs_file_system",
)


def discovered(look: Look, region: str) -> tuple[CloudResource, ...]:
    """What one account has in one location and no environment claims, by type and id."""
    found = [*_listed(look), *_blocks(look)]
    return tuple(replace(item, place=region) for item in sorted(found, key=lambda item: (item.type, item.id)))


def _listed(look: Look) -> Iterator[CloudResource]:
    """All but what nobody asked for: the default VPC and what stands in it, disks that an instance has.

    What other accounts share with this one is theirs.
    """
    default = {row["VpcId"] for row in look.rows("ec2", "describe_vpcs", "Vpcs[]") if row.get("IsDefault")}
    for type in _TYPES:
        for item in look.resources(LISTINGS[type]):
            unasked = {item.id, item.arguments.get("vpc_id")} & default or item.arguments.get("attached_to")
            shared = item.arguments.get("owner_id", look.clients.account.id) != look.clients.account.id
            if not item.environment and not unasked and not shared:
                yield item


def _blocks(look: Look) -> Iterator[CloudResource]:
    """Further blocks of a network beyond its first."""
    for row in look.rows("ec2", "describe_vpcs", "Vpcs[]"):
        for block in row.get("CidrBlockAssociationSet", ()):
            further = block["CidrBlock"] != row["CidrBlock"] and block["CidrBlockState"]["State"] == "associated"
            claimed = any(tag["Key"] == "prestage:environment" for tag in row.get("Tags", ()))
            if further and not claimed and not row.get("IsDefault"):
                id = str(block["AssociationId"])
                yield CloudResource(
                    type="aws_vpc_ipv4_cidr_block_association",
                    key="",
                    id=id,
                    place="",
                    arguments={"id": id, "vpc_id": row["VpcId"], "cidr_block": block["CidrBlock"]},
                )
