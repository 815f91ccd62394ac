"""Volumes, buckets and file systems in CloudFormation, with their copies and what may make these."""

from collections.abc import Mapping

from stacks.engines.cloudformation.shapes import REF, TAGS, Form, Place, Shape

STORAGE: Mapping[str, Shape] = {
    "aws_ebs_volume": Shape(type="AWS::EC2::Volume", places={**TAGS, "type": Place("VolumeType")}),
    "aws_dlm_lifecycle_policy": Shape(
        type="AWS::DLM::LifecyclePolicy",
        places={
            **TAGS,
            "policy_details.target_tags": Place("TargetTags", Form.PAIRS),
            "policy_details.schedule": Place("Schedules", Form.LIST),
            "policy_details.schedule.cross_region_copy_rule": Place("CrossRegionCopyRules", Form.LIST),
        },
    ),
    "aws_s3_bucket": Shape(
        type="AWS::S3::Bucket",
        places={**TAGS, "bucket": Place("BucketName")},
        attributes={"arn": "Arn"},
    ),
    "aws_s3_bucket_versioning": Shape(within="bucket"),
    "aws_s3_bucket_public_access_block": Shape(
        within="bucket",
        places={
            "block_public_acls": Place("PublicAccessBlockConfiguration.BlockPublicAcls"),
            "block_public_policy": Place("PublicAccessBlockConfiguration.BlockPublicPolicy"),
            "ignore_public_acls": Place("PublicAccessBlockConfiguration.IgnorePublicAcls"),
            "restrict_public_buckets": Place("PublicAccessBlockConfiguration.RestrictPublicBuckets"),
        },
    ),
    "aws_s3_bucket_replication_configuration": Shape(
        within="bucket",
        places={
            "role": Place("ReplicationConfiguration.Role"),
            "rule": Place("ReplicationConfiguration.Rules"),
        },
    ),
    "aws_efs_file_system": Shape(
        type="AWS::EFS::FileSystem",
        places={"tags": Place("FileSystemTags", Form.PAIRS)},
        dropped={"creation_token": "CloudFormation makes its own"},
        attributes={"id": REF},
    ),
    "aws_efs_mount_target": Shape(type="AWS::EFS::MountTarget"),
    "aws_efs_replication_configuration": Shape(
        within="source_file_system_id",
        places={"destination": Place("ReplicationConfiguration.Destinations", Form.LIST)},
    ),
    "aws_iam_role": Shape(
        type="AWS::IAM::Role",
        places={
            **TAGS,
            "name": Place("RoleName"),
            "assume_role_policy": Place("AssumeRolePolicyDocument", Form.DOCUMENT),
        },
        attributes={"id": REF, "arn": "Arn"},
    ),
    "aws_iam_role_policy": Shape(
        type="AWS::IAM::RolePolicy",
        places={
            "name": Place("PolicyName"),
            "role": Place("RoleName"),
            "policy": Place("PolicyDocument", Form.DOCUMENT),
        },
    ),
}
