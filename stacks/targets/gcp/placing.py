"""`Placing`: one resource of a plan while it is declared in one region, and what its declarations have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts.environment import Account, CloudRegion, Environment, RegionSettings
from contracts.names import is_link
from contracts.resources import LINKS_ROOT, Resource
from stacks.declaration import Argument, Declaration, Lifecycle, Ref
from stacks.errors import InvalidArgument
from stacks.targets.estate import network_key
from stacks.targets.gcp import marks
from stacks.targets.names import cloud_name

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
class Placing:
    """A resource on its way to declarations.

    Attributes:
        region: where its declarations are made: its own region, or one end of its link.
        roots: the root of each of the plan's resources, by key, as far as they are known.
        base: key of the declaration that stands for it here.
    """

    resource: Resource
    region: str
    environment: Environment
    roots: Mapping[str, str]
    base: str

    @property
    def settings(self) -> RegionSettings:
        """What people say of its region.

        Raises:
            InvalidArgument: the environment has no such region.
        """
        found = self.environment.region(self.region)
        if found is None:
            raise InvalidArgument(f"the environment has no region {self.region!r}", where=self.resource.key)
        return found

    @property
    def cloud(self) -> CloudRegion:
        """Where its region lies.

        Raises:
            InvalidArgument: on premises.
        """
        found = self.settings.cloud
        if found is None:
            raise InvalidArgument(f"region {self.region} lies in no cloud", where=self.resource.key)
        return found

    @property
    def account(self) -> Account:
        """The account (project) of its region.

        Raises:
            InvalidArgument: the environment has none of that name.
        """
        found = self.environment.account(self.region)
        if found is None:
            raise InvalidArgument(
                f"region {self.region} is in account {self.cloud.account!r}, which the environment has not",
                where=self.resource.key,
                next_step="add it to `accounts`",
            )
        return found

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

    def ref(self, key: str, attribute: str = "id") -> Ref:
        """Something of another resource of the plan, or of a part of it: whatever root that lives in."""
        root = self._root_of(key)
        return Ref(key=key, attribute=attribute, root="" if root == self.resource.root else root)

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

    def _root_of(self, key: str) -> str:
        """The root of whatever resource a key belongs to: the longest known one that it begins with."""
        parts = key.split("/")
        for length in range(len(parts), 0, -1):
            if root := self.roots.get("/".join(parts[:length])):
                return root
        return LINKS_ROOT if is_link(parts[0]) else parts[0]
