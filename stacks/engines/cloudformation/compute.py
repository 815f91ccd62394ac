"""Instances, volumes, buckets and file systems in CloudFormation."""

from collections.abc import Mapping

from stacks.engines.cloudformation.shapes import REF, TAGS, Companion, Form, Place, Shape

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
            "tag_specifications": Place("LaunchTemplateData.TagSpecifications", Form.LIST),
            "tag_specifications.tags": Place("Tags", Form.PAIRS),
        },
        dropped={"update_default_version": "groups name the latest version, not the default one"},
        attributes={"id": REF, "latest_version": "LatestVersionNumber"},
    ),
    "aws_autoscaling_group": Shape(
        type="AWS::AutoScaling::AutoScalingGroup",
        places={
            "name": Place("AutoScalingGroupName"),
            "tag": Place("Tags", Form.LIST),
            "vpc_zone_identifier": Place("VPCZoneIdentifier"),
            "launch_template.id": Place("LaunchTemplateId"),
            "mixed_instances_policy.launch_template.override": Place("Overrides", Form.LIST),
        },
        dropped={"force_delete_warm_pool": "CloudFormation deletes the warm pool before its group"},
        attributes={"id": REF, "name": REF},
        companions=(
            Companion(
                suffix="WarmPool",
                type="AWS::AutoScaling::WarmPool",
                argument="warm_pool",
                owner="AutoScalingGroupName",
            ),
        ),
    ),
    "aws_ec2_capacity_reservation": Shape(
        type="AWS::EC2::CapacityReservation",
        places={"tags": Place("TagSpecifications", Form.SPECIFICATION, "capacity-reservation")},
        attributes={"id": REF},
    ),
    "aws_ebs_volume": Shape(
        type="AWS::EC2::Volume", places={**TAGS, "type": Place("VolumeType")}, attributes={"id": REF}
    ),
    "aws_s3_bucket": Shape(
        type="AWS::S3::Bucket",
        places={**TAGS, "bucket": Place("BucketName")},
        attributes={"id": REF, "bucket": REF, "arn": "Arn"},
    ),
    "aws_s3_bucket_versioning": Shape(type="AWS::S3::Bucket", within="bucket"),
    "aws_s3_bucket_replication_configuration": Shape(
        type="AWS::S3::Bucket",
        within="bucket",
        places={
            "role": Place("ReplicationConfiguration.Role"),
            "rule": Place("ReplicationConfiguration.Rules", Form.LIST),
        },
    ),
    "aws_efs_file_system": Shape(
        type="AWS::EFS::FileSystem",
        places={"tags": Place("FileSystemTags", Form.PAIRS)},
        attributes={"id": REF, "arn": "Arn"},
    ),
    "aws_iam_role": Shape(
        type="AWS::IAM::Role",
        places={
            **TAGS,
            "name": Place("RoleName"),
            "assume_role_policy": Place("AssumeRolePolicyDocument", Form.DOCUMENT),
        },
        attributes={"id": REF, "name": REF, "arn": "Arn"},
    ),
}
