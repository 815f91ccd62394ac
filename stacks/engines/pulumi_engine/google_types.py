"""Types of hashicorp/google as pulumi-gcp has them. `tests/stacks/pulumi/test_bridge.py` derives each entry anew."""

from collections.abc import Mapping

from stacks.engines.pulumi_engine.bridge import Bridge

GOOGLE_TYPES: Mapping[str, Bridge] = {
    "google_compute_address": Bridge("gcp:compute/address:Address"),
    "google_compute_autoscaler": Bridge("gcp:compute/autoscaler:Autoscaler", {"metric": "metrics"}),
    "google_compute_disk": Bridge("gcp:compute/disk:Disk", {"guest_os_feature": "guest_os_features"}),
    "google_compute_disk_async_replication": Bridge("gcp:compute/diskAsyncReplication:DiskAsyncReplication"),
    "google_compute_external_vpn_gateway": Bridge(
        "gcp:compute/externalVpnGateway:ExternalVpnGateway", {"interface": "interfaces"}
    ),
    "google_compute_firewall": Bridge("gcp:compute/firewall:Firewall", {"allow": "allows", "deny": "denies"}),
    "google_compute_forwarding_rule": Bridge("gcp:compute/forwardingRule:ForwardingRule"),
    "google_compute_global_address": Bridge("gcp:compute/globalAddress:GlobalAddress"),
    "google_compute_ha_vpn_gateway": Bridge("gcp:compute/haVpnGateway:HaVpnGateway"),
    "google_compute_health_check": Bridge("gcp:compute/healthCheck:HealthCheck"),
    "google_compute_instance_template": Bridge(
        "gcp:compute/instanceTemplate:InstanceTemplate",
        {
            "disk": "disks",
            "guest_accelerator": "guest_accelerators",
            "network_interface": "network_interfaces",
            "access_config": "access_configs",
            "alias_ip_range": "alias_ip_ranges",
        },
    ),
    "google_compute_interconnect_attachment": Bridge("gcp:compute/interconnectAttachment:InterconnectAttachment"),
    "google_compute_network": Bridge("gcp:compute/network:Network"),
    "google_compute_network_peering": Bridge("gcp:compute/networkPeering:NetworkPeering"),
    "google_compute_network_peering_routes_config": Bridge(
        "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig"
    ),
    "google_compute_region_autoscaler": Bridge("gcp:compute/regionAutoscaler:RegionAutoscaler", {"metric": "metrics"}),
    "google_compute_region_commitment": Bridge("gcp:compute/regionCommitment:RegionCommitment"),
    "google_compute_region_disk": Bridge(
        "gcp:compute/regionDisk:RegionDisk", {"guest_os_feature": "guest_os_features"}
    ),
    "google_compute_region_health_check": Bridge("gcp:compute/regionHealthCheck:RegionHealthCheck"),
    "google_compute_region_instance_group_manager": Bridge(
        "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager",
        {"named_port": "named_ports", "stateful_disk": "stateful_disks", "version": "versions"},
    ),
    "google_compute_region_instance_template": Bridge(
        "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
        {
            "disk": "disks",
            "guest_accelerator": "guest_accelerators",
            "network_interface": "network_interfaces",
            "access_config": "access_configs",
            "alias_ip_range": "alias_ip_ranges",
        },
    ),
    "google_compute_reservation": Bridge("gcp:compute/reservation:Reservation"),
    "google_compute_resource_policy": Bridge("gcp:compute/resourcePolicy:ResourcePolicy"),
    "google_compute_route": Bridge("gcp:compute/route:Route"),
    "google_compute_router": Bridge("gcp:compute/router:Router"),
    "google_compute_router_interface": Bridge("gcp:compute/routerInterface:RouterInterface"),
    "google_compute_router_nat": Bridge(
        "gcp:compute/routerNat:RouterNat",
        {"subnetwork": "subnetworks", "source_ip_ranges_to_nat": "source_ip_ranges_to_nats"},
    ),
    "google_compute_router_peer": Bridge("gcp:compute/routerPeer:RouterPeer"),
    "google_compute_subnetwork": Bridge(
        "gcp:compute/subnetwork:Subnetwork", {"secondary_ip_range": "secondary_ip_ranges"}
    ),
    "google_compute_vpn_tunnel": Bridge(
        "gcp:compute/vPNTunnel:VPNTunnel",
        {"local_traffic_selector": "local_traffic_selectors", "remote_traffic_selector": "remote_traffic_selectors"},
    ),
    "google_dns_managed_zone": Bridge("gcp:dns/managedZone:ManagedZone"),
    "google_dns_record_set": Bridge("gcp:dns/recordSet:RecordSet", {"backup_geo": "backup_geos", "wrr": "wrrs"}),
    "google_monitoring_alert_policy": Bridge("gcp:monitoring/alertPolicy:AlertPolicy"),
    "google_monitoring_notification_channel": Bridge("gcp:monitoring/notificationChannel:NotificationChannel"),
    "google_monitoring_uptime_check_config": Bridge("gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig"),
    "google_network_connectivity_internal_range": Bridge("gcp:networkconnectivity/internalRange:InternalRange"),
    "google_service_account": Bridge("gcp:serviceaccount/account:Account"),
    "google_storage_bucket": Bridge(
        "gcp:storage/bucket:Bucket",
        {
            "lifecycle_rule": "lifecycle_rules",
            "method": "methods",
            "origin": "origins",
            "response_header": "response_headers",
            "matches_storage_class": "matches_storage_classes",
        },
    ),
    "google_storage_bucket_iam_member": Bridge("gcp:storage/bucketIAMMember:BucketIAMMember"),
    "google_storage_transfer_job": Bridge("gcp:storage/transferJob:TransferJob"),
}
