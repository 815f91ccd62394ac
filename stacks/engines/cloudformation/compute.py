"""Instances, their groups and what is reserved for them in CloudFormation."""

from collections.abc import Mapping

from stacks.engines.cloudformation.shapes import REF, Companion, Form, Place, Shape

COMPUTE: Mapping[str, Shape] = {
    "aws_launch_template": Shape(
        type="AWS::EC2::LaunchTemplate",
        places={
            "name": Place("LaunchTemplateName"),
            "tags": Place("TagSpecifications", Form.SPECIFICATION, "launch-template"),
            "image_id": Place("LaunchTemplateData.ImageId"),
            "instance_type": Place("LaunchTemplateData.InstanceType"),
            "metadata_options": Place("LaunchTemplateData.MetadataOptions"),
            "vpc_security_group_ids": Place("LaunchTemplateData.SecurityGroupIds"),
            "tag_specifications": Place("LaunchTemplateData.TagSpecifications"),
            "tag_specifications.tags": Place("Tags", Form.PAIRS),
        },
        attributes={"id": REF, "latest_version": "LatestVersionNumber"},
    ),
    "aws_autoscaling_group": Shape(
        type="AWS::AutoScaling::AutoScalingGroup",
        places={
            "name": Place("AutoScalingGroupName"),
            "tag": Place("Tags"),
            "vpc_zone_identifier": Place("VPCZoneIdentifier"),
            "launch_template.id": Place("LaunchTemplateId"),
            "mixed_instances_policy.launch_template.override": Place("Overrides"),
        },
        dropped={"force_delete_warm_pool": "CloudFormation deletes the warm pool before its group"},
        attributes={"name": REF},
        update_policy={"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": True}},
        companions=(
            Companion(
                suffix="WarmPool",
                type="AWS::AutoScaling::WarmPool",
                argument="warm_pool",
                owner="AutoScalingGroupName",
            ),
        ),
    ),
    "aws_autoscaling_schedule": Shape(
        type="AWS::AutoScaling::ScheduledAction",
        places={"autoscaling_group_name": Place("AutoScalingGroupName")},
        dropped={"scheduled_action_name": "CloudFormation names it itself; no two are of one hour of a group"},
    ),
    "aws_ec2_capacity_reservation": Shape(
        type="AWS::EC2::CapacityReservation",
        places={"tags": Place("TagSpecifications", Form.SPECIFICATION, "capacity-reservation")},
    ),
}
