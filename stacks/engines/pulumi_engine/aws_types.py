"""Types of hashicorp/aws as pulumi-aws 7 has them. `tests/stacks/pulumi/test_bridge.py` derives each entry anew."""

from collections.abc import Mapping

from stacks.engines.pulumi_engine.bridge import Bridge

AWS_TYPES: Mapping[str, Bridge] = {
    "aws_autoscaling_group": Bridge(
        "aws:autoscaling/group:Group",
        {
            "tag": "tags",
            "override": "overrides",
            "vpc_zone_identifier": "vpc_zone_identifiers",
            "initial_lifecycle_hook": "initial_lifecycle_hooks",
            "traffic_source": "traffic_sources",
        },
    ),
    "aws_autoscaling_policy": Bridge(
        "aws:autoscaling/policy:Policy",
        {"step_adjustment": "step_adjustments", "metric_dimension": "metric_dimensions"},
    ),
    "aws_autoscaling_schedule": Bridge("aws:autoscaling/schedule:Schedule"),
    "aws_cloudwatch_metric_alarm": Bridge(
        "aws:cloudwatch/metricAlarm:MetricAlarm", {"alarm_name": "name", "metric_query": "metric_queries"}
    ),
    "aws_customer_gateway": Bridge("aws:ec2/customerGateway:CustomerGateway"),
    "aws_dlm_lifecycle_policy": Bridge(
        "aws:dlm/lifecyclePolicy:LifecyclePolicy",
        {
            "schedule": "schedules",
            "cross_region_copy": "cross_region_copies",
            "cross_region_copy_rule": "cross_region_copy_rules",
            "snapshot_owner": "snapshot_owners",
        },
    ),
    "aws_dx_connection": Bridge("aws:directconnect/connection:Connection"),
    "aws_dx_connection_confirmation": Bridge("aws:directconnect/connectionConfirmation:ConnectionConfirmation"),
    "aws_dx_gateway": Bridge("aws:directconnect/gateway:Gateway"),
    "aws_dx_gateway_association": Bridge("aws:directconnect/gatewayAssociation:GatewayAssociation"),
    "aws_dx_hosted_connection": Bridge("aws:directconnect/hostedConnection:HostedConnection"),
    "aws_dx_private_virtual_interface": Bridge("aws:directconnect/privateVirtualInterface:PrivateVirtualInterface"),
    "aws_dx_transit_virtual_interface": Bridge("aws:directconnect/transitVirtualInterface:TransitVirtualInterface"),
    "aws_ebs_volume": Bridge("aws:ebs/volume:Volume"),
    "aws_ec2_capacity_reservation": Bridge("aws:ec2/capacityReservation:CapacityReservation"),
    "aws_ec2_managed_prefix_list": Bridge("aws:ec2/managedPrefixList:ManagedPrefixList", {"entry": "entries"}),
    "aws_ec2_managed_prefix_list_entry": Bridge("aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"),
    "aws_ec2_transit_gateway": Bridge("aws:ec2transitgateway/transitGateway:TransitGateway"),
    "aws_ec2_transit_gateway_peering_attachment": Bridge("aws:ec2transitgateway/peeringAttachment:PeeringAttachment"),
    "aws_ec2_transit_gateway_peering_attachment_accepter": Bridge(
        "aws:ec2transitgateway/peeringAttachmentAccepter:PeeringAttachmentAccepter"
    ),
    "aws_ec2_transit_gateway_route": Bridge("aws:ec2transitgateway/route:Route"),
    "aws_ec2_transit_gateway_route_table": Bridge("aws:ec2transitgateway/routeTable:RouteTable"),
    "aws_ec2_transit_gateway_vpc_attachment": Bridge("aws:ec2transitgateway/vpcAttachment:VpcAttachment"),
    "aws_efs_file_system": Bridge("aws:efs/fileSystem:FileSystem", {"lifecycle_policy": "lifecycle_policies"}),
    "aws_efs_mount_target": Bridge("aws:efs/mountTarget:MountTarget"),
    "aws_efs_replication_configuration": Bridge("aws:efs/replicationConfiguration:ReplicationConfiguration"),
    "aws_eip": Bridge("aws:ec2/eip:Eip"),
    "aws_iam_instance_profile": Bridge("aws:iam/instanceProfile:InstanceProfile"),
    "aws_iam_role": Bridge("aws:iam/role:Role", {"inline_policy": "inline_policies"}),
    "aws_iam_role_policy": Bridge("aws:iam/rolePolicy:RolePolicy"),
    "aws_internet_gateway": Bridge("aws:ec2/internetGateway:InternetGateway"),
    "aws_launch_template": Bridge(
        "aws:ec2/launchTemplate:LaunchTemplate", {"license_specification": "license_specifications"}
    ),
    "aws_route": Bridge("aws:ec2/route:Route"),
    "aws_route53_health_check": Bridge("aws:route53/healthCheck:HealthCheck"),
    "aws_route53_record": Bridge(
        "aws:route53/record:Record",
        {
            "alias": "aliases",
            "failover_routing_policy": "failover_routing_policies",
            "geolocation_routing_policy": "geolocation_routing_policies",
            "latency_routing_policy": "latency_routing_policies",
            "weighted_routing_policy": "weighted_routing_policies",
        },
    ),
    "aws_route_table": Bridge("aws:ec2/routeTable:RouteTable", {"route": "routes"}),
    "aws_route_table_association": Bridge("aws:ec2/routeTableAssociation:RouteTableAssociation"),
    "aws_s3_bucket": Bridge(
        "aws:s3/bucket:Bucket",
        {
            "cors_rule": "cors_rules",
            "grant": "grants",
            "lifecycle_rule": "lifecycle_rules",
            "noncurrent_version_transition": "noncurrent_version_transitions",
            "transition": "transitions",
        },
    ),
    "aws_s3_bucket_lifecycle_configuration": Bridge(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "rule": "rules",
            "and": "and_",
            "noncurrent_version_transition": "noncurrent_version_transitions",
            "transition": "transitions",
        },
    ),
    "aws_s3_bucket_public_access_block": Bridge("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
    "aws_s3_bucket_replication_configuration": Bridge(
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig", {"rule": "rules", "and": "and_"}
    ),
    "aws_s3_bucket_versioning": Bridge("aws:s3/bucketVersioning:BucketVersioning"),
    "aws_security_group": Bridge("aws:ec2/securityGroup:SecurityGroup"),
    "aws_security_group_rule": Bridge("aws:ec2/securityGroupRule:SecurityGroupRule"),
    "aws_sns_topic": Bridge("aws:sns/topic:Topic"),
    "aws_sns_topic_subscription": Bridge("aws:sns/topicSubscription:TopicSubscription", {"topic_arn": "topic"}),
    "aws_subnet": Bridge("aws:ec2/subnet:Subnet"),
    "aws_vpc": Bridge("aws:ec2/vpc:Vpc"),
    "aws_vpc_ipam": Bridge("aws:ec2/vpcIpam:VpcIpam"),
    "aws_vpc_ipam_pool": Bridge("aws:ec2/vpcIpamPool:VpcIpamPool"),
    "aws_vpc_ipam_pool_cidr": Bridge("aws:ec2/vpcIpamPoolCidr:VpcIpamPoolCidr"),
    "aws_vpc_ipam_pool_cidr_allocation": Bridge("aws:ec2/vpcIpamPoolCidrAllocation:VpcIpamPoolCidrAllocation"),
    "aws_vpc_ipv4_cidr_block_association": Bridge("aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation"),
    "aws_vpc_peering_connection": Bridge("aws:ec2/vpcPeeringConnection:VpcPeeringConnection"),
    "aws_vpc_peering_connection_accepter": Bridge("aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter"),
    "aws_vpc_peering_connection_options": Bridge("aws:ec2/peeringConnectionOptions:PeeringConnectionOptions"),
    "aws_vpc_security_group_egress_rule": Bridge("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"),
    "aws_vpc_security_group_ingress_rule": Bridge("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"),
    "aws_vpn_connection": Bridge("aws:ec2/vpnConnection:VpnConnection"),
    "aws_vpn_connection_route": Bridge("aws:ec2/vpnConnectionRoute:VpnConnectionRoute"),
    "aws_vpn_gateway": Bridge("aws:ec2/vpnGateway:VpnGateway"),
    "aws_vpn_gateway_route_propagation": Bridge("aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"),
}
