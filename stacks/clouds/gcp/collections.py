"""Where Google Cloud keeps what: the Terraform type, the collection, where name, marks and arguments stand in a row.

Names are ours throughout (`stacks.targets.names`), and Google takes no name twice: a resource is found by its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GLOBAL, REGION = "projects/{project}/global/", "projects/{project}/regions/{location}/"
GONE = frozenset({"DELETING", "DELETED", "FAILED", "DEPROVISIONING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One type that can be listed.

    Attributes:
        type: the Terraform type.
        path: of the collection; `{project}` and `{location}` are filled in.
        items: the rows in an answer.
        name: the field that bears the declared name.
        named: the argument that declares it.
        labels: the field with our labels; the description is looked at too.
        state: the field with its state, if it has one.
    """

    type: str
    path: str
    service: str = "compute"
    items: str = "items"
    name: str = "name"
    named: str = "name"
    labels: str = "labels"
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """One type that is a row within another resource: a peering of a network, an interface of a router.

    Attributes:
        parent: type of the resource that holds it.
        by: the argument that names the parent, by name or by a path that ends in it.
        field: where its rows are.
        id: what an import calls it.
    """

    type: str
    parent: str
    by: str
    field: str
    id: str


def _global(type: str, kind: str, /, *, state: str = "") -> Collection:
    return Collection(type=type, path=f"{GLOBAL}{kind}", state=state)


def _regional(type: str, kind: str, /, *, state: str = "") -> Collection:
    return Collection(type=type, path=f"{REGION}{kind}", state=state)


COLLECTIONS: Mapping[str, Collection] = {
    item.type: item
    for item in (
        _global("google_compute_network", "networks"),
        _global("google_compute_firewall", "firewalls"),
        _global("google_compute_route", "routes"),
        _global("google_compute_health_check", "healthChecks"),
        _global("google_compute_instance_template", "instanceTemplates"),
        _global("google_compute_external_vpn_gateway", "externalVpnGateways"),
        _global("google_compute_global_address", "addresses"),
        _regional("google_compute_subnetwork", "subnetworks"),
        _regional("google_compute_router", "routers"),
        _regional("google_compute_ha_vpn_gateway", "vpnGateways"),
        _regional("google_compute_vpn_tunnel", "vpnTunnels", state="status"),
        _regional("google_compute_interconnect_attachment", "interconnectAttachments"),
        _regional("google_compute_address", "addresses"),
        _regional("google_compute_region_instance_group_manager", "instanceGroupManagers"),
        _regional("google_compute_region_autoscaler", "autoscalers"),
        _regional("google_compute_region_health_check", "healthChecks"),
        _regional("google_compute_region_disk", "disks"),
        _regional("google_compute_resource_policy", "resourcePolicies"),
        _regional("google_compute_region_commitment", "commitments", state="status"),
        Collection(
            type="google_network_connectivity_internal_range",
            service="networkconnectivity",
            path="projects/{project}/locations/global/internalRanges",
            items="internalRanges",
        ),
        Collection(
            type="google_storage_bucket",
            service="storage",
            path="b?project={project}",
        ),
        Collection(
            type="google_storage_transfer_job",
            service="storagetransfer",
            path='transferJobs?filter={{"projectId":"{project}"}}',
            items="transferJobs",
            state="status",
        ),
        Collection(
            type="google_monitoring_notification_channel",
            service="monitoring",
            path="projects/{project}/notificationChannels",
            items="notificationChannels",
            name="displayName",
            named="display_name",
            labels="userLabels",
        ),
        Collection(
            type="google_monitoring_alert_policy",
            service="monitoring",
            path="projects/{project}/alertPolicies",
            items="alertPolicies",
            name="displayName",
            named="display_name",
            labels="userLabels",
        ),
    )
}
"""By Terraform type."""

ZONAL: Mapping[str, str] = {
    "google_compute_disk": "disks",
    "google_compute_reservation": "reservations",
    "google_compute_instance_group_manager": "instanceGroupManagers",
}
"""Types of one zone, which their declarations name."""

NESTED: Mapping[str, Nested] = {
    item.type: item
    for item in (
        Nested(
            type="google_compute_network_peering",
            parent="google_compute_network",
            by="network",
            field="peerings",
            id="{project}/{parent}/{name}",
        ),
        Nested(
            type="google_compute_router_interface",
            parent="google_compute_router",
            by="router",
            field="interfaces",
            id="{project}/{location}/{parent}/{name}",
        ),
        Nested(
            type="google_compute_router_peer",
            parent="google_compute_router",
            by="router",
            field="bgpPeers",
            id="projects/{project}/regions/{location}/routers/{parent}/{name}",
        ),
        Nested(
            type="google_compute_router_nat",
            parent="google_compute_router",
            by="router",
            field="nats",
            id="projects/{project}/regions/{location}/routers/{parent}/{name}",
        ),
    )
}
"""By Terraform type."""
