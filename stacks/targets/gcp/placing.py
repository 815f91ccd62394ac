"""`Placing`: one resource of a plan while it is declared in one region, and what its declarations have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stacks.declaration import Argument, Declaration, Lifecycle, Ref
from stacks.targets.estate import network_key
from stacks.targets.gcp import marks
from stacks.targets.names import cloud_name
from stacks.targets.placed import Placed

NAME_LIMIT = 63  # RFC 1035, as the Compute API checks it

EXPORTS: Mapping[str, tuple[str, ...]] = {
    "google_compute_address": ("address",),
    "google_compute_ha_vpn_gateway": (
        "id",
        "self_link",
        "vpn_interfaces.0.ip_address",
        "vpn_interfaces.1.ip_address",
    ),
    "google_compute_health_check": ("self_link",),
    "google_compute_network": ("id", "name", "self_link"),
    "google_compute_router": ("id", "name", "self_link"),
    "google_compute_subnetwork": ("id", "name", "self_link"),
    "google_monitoring_notification_channel": ("id",),
}
"""What other roots may refer to, always: whoever refers to it may come later."""

PLAIN = Lifecycle()
FIXED_DESCRIPTION = frozenset(
    {
        "google_compute_external_vpn_gateway",
        "google_compute_ha_vpn_gateway",
        "google_compute_reservation",
        "google_compute_region_instance_group_manager",
        "google_compute_subnetwork",
        "google_compute_vpn_tunnel",
    }
)
"""Types whose description cannot change once they are made: another owner must not replace them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing(Placed):
    """A resource on its way to declarations of Google Cloud.

    Attributes:
        base: key of the declaration that stands for it here.
    """

    base: str

    def at(self, region: str, base: str = "") -> "Placing":
        """The same resource, declared in another region."""
        return replace(self, region=region, base=base or self.base)

    def key(self, part: str = "") -> str:
        """The key of a part; that of what stands for it without one."""
        return f"{self.base}/{part}" if part else self.base

    def name(self, part: str = "", *, limit: int = NAME_LIMIT) -> str:
        """The name of a part in the cloud."""
        return cloud_name(self.environment.name, self.key(part), limit=limit)

    def labels(self, part: str = "", **held: str | int | float) -> Mapping[str, str]:
        """The labels of a part; `held` is what of the spec no attribute holds."""
        return marks.labels(self.environment.name, self.key(part), self.environment.owner, **held)

    def description(self, part: str = "", **held: str | int | float) -> str:
        """The same for what has no labels."""
        return marks.description(self.environment.name, self.key(part), self.environment.owner, **held)

    def own(self, part: str = "", attribute: str = "id") -> Ref:
        """Another part of the same resource."""
        return Ref(key=self.key(part), attribute=attribute)

    def network(self, part: str = "", attribute: str = "self_link") -> Ref:
        """Something of its region's network."""
        key = network_key(self.region)
        return self.ref(f"{key}/{part}" if part else key, attribute)

    def declare(
        self, type: str, part: str, arguments: Mapping[str, Argument], lifecycle: Lifecycle = PLAIN
    ) -> Declaration:
        """A declaration in its region."""
        key = self.key(part)
        if type in FIXED_DESCRIPTION and "description" in arguments:
            lifecycle = replace(lifecycle, ignore=(*lifecycle.ignore, "description"))
        return Declaration(
            type=type,
            key=key,
            root=self.resource.root,
            arguments=arguments,
            provider=self.region,
            resource="" if key == self.resource.key else self.resource.key,
            exports=EXPORTS.get(type, ()),
            lifecycle=lifecycle,
        )
