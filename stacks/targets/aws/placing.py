"""`Placing`: one resource of a plan while it is declared in one region, and what its declarations have in common.

Tags say whose a resource is: environment, key, owner; the plan's resource where that is another key; and what of a spec
no attribute holds, so that `undeclare` can read it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from contracts.resources import ResourceKind
from stacks.declaration import Argument, Declaration, Ref
from stacks.targets.estate import network_key
from stacks.targets.names import cloud_name
from stacks.targets.placed import Placed

Arguments: TypeAlias = Mapping[str, Argument]

TAG = "prestage:"
ENVIRONMENT, KEY, OWNER, RESOURCE = f"{TAG}environment", f"{TAG}key", f"{TAG}owner", f"{TAG}resource"

EXPORTS: Mapping[str, tuple[str, ...]] = {
    "aws_customer_gateway": ("id",),
    "aws_ec2_managed_prefix_list": ("id",),
    "aws_ec2_transit_gateway": ("arn", "association_default_route_table_id", "id"),
    "aws_ec2_transit_gateway_peering_attachment": ("id",),
    "aws_ec2_transit_gateway_vpc_attachment": ("id",),
    "aws_eip": ("allocation_id", "public_ip"),
    "aws_route_table": ("id",),
    "aws_security_group": ("id",),
    "aws_sns_topic": ("arn",),
    "aws_subnet": ("id",),
    "aws_vpc": ("arn", "cidr_block", "id"),
    "aws_vpc_peering_connection": ("id",),
    "aws_vpn_gateway": ("id",),
}
"""What other roots may refer to, of what belongs to a network or a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing(Placed):
    """A resource on its way to declarations of AWS."""

    @property
    def partition(self) -> str:
        """The first word of its ARNs after `arn`."""
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((name for start, name in prefixes.items() if self.cloud.location.startswith(start)), "aws")

    @property
    def asn(self) -> int:
        settings = self.environment.region(self.region)
        return settings.asn if settings else 0

    def at(self, region: str) -> "Placing":
        """The same resource, declared in another region."""
        return replace(self, region=region)

    def key(self, part: str = "") -> str:
        """The key of a part; its own without one."""
        return f"{self.resource.key}/{part}" if part else self.resource.key

    def name(self, part: str = "", *, limit: int) -> str:
        """The name of a part in the cloud."""
        return cloud_name(self.environment.name, self.key(part), limit=limit)

    def tags(self, part: str = "", /, **held: str | int | float) -> Mapping[str, str]:
        """The tags of a part; `held` is what of the spec no attribute holds."""
        whose = {ENVIRONMENT: self.environment.name, KEY: self.key(part), OWNER: self.environment.owner}
        named = {"Name": self.key(part), **({RESOURCE: self.resource.key} if part else {})}
        return named | whose | {f"{TAG}{name.replace('_', '-')}": str(value) for name, value in held.items()}

    def own(self, part: str = "", attribute: str = "id") -> Ref:
        """Another part of the same resource."""
        return Ref(key=self.key(part), attribute=attribute)

    def network(self, part: str = "", attribute: str = "id") -> Ref:
        """Something of its region's network."""
        key = network_key(self.region)
        return self.ref(f"{key}/{part}" if part else key, attribute)

    def declare(self, type: str, part: str, arguments: Arguments, *, after: tuple[str, ...] = ()) -> Declaration:
        """A declaration in its region, to be made after those of the same root that have the keys `after`."""
        supports = self.resource.kind in (ResourceKind.NETWORK, ResourceKind.LINK)
        return Declaration(
            type=type,
            key=self.key(part),
            root=self.resource.root,
            arguments=arguments,
            depends_on=after,
            provider=self.region,
            resource=self.resource.key if part else "",
            exports=EXPORTS.get(type, ()) if supports else (),
        )
