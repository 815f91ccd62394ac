"""docs/targets/aws.md: its table is what the target can declare, its policy allows that, its examples can be read."""

import fnmatch
import json
import re
import subprocess
import sys

import pytest
import yaml

from contracts.environment import Environment
from contracts.resources import LinkSpec, NetworkSpec
from stacks.targets import aws
from stacks.targets.aws.imports import NOT_IMPORTABLE
from tests.clouds.aws_types import every_type
from tests.clouds.clouds_world import MOTO_FORGETS, MOTO_LACKS, resource
from tools.environment import ROOT

PAGE = (ROOT / "docs" / "targets" / "aws.md").read_text(encoding="utf-8")
_, EVERYTHING = every_type()
TYPES = sorted({item.type for item in EVERYTHING})
# The call that makes a type, where it is not Create and the type's own words.
MAKES = {
    "aws_autoscaling_group": "autoscaling:CreateAutoScalingGroup",
    "aws_autoscaling_schedule": "autoscaling:PutScheduledUpdateGroupAction",
    "aws_cloudwatch_metric_alarm": "cloudwatch:PutMetricAlarm",
    "aws_dlm_lifecycle_policy": "dlm:CreateLifecyclePolicy",
    "aws_dx_connection_confirmation": "directconnect:ConfirmConnection",
    "aws_dx_hosted_connection": "directconnect:AllocateHostedConnection",
    "aws_dx_private_virtual_interface": "directconnect:CreatePrivateVirtualInterface",
    "aws_ebs_volume": "ec2:CreateVolume",
    "aws_ec2_transit_gateway_peering_attachment_accepter": "ec2:AcceptTransitGatewayPeeringAttachment",
    "aws_efs_file_system": "elasticfilesystem:CreateFileSystem",
    "aws_efs_mount_target": "elasticfilesystem:CreateMountTarget",
    "aws_efs_replication_configuration": "elasticfilesystem:CreateReplicationConfiguration",
    "aws_eip": "ec2:AllocateAddress",
    "aws_iam_role": "iam:CreateRole",
    "aws_iam_role_policy": "iam:PutRolePolicy",
    "aws_route53_health_check": "route53:CreateHealthCheck",
    "aws_route53_record": "route53:ChangeResourceRecordSets",
    "aws_route_table_association": "ec2:AssociateRouteTable",
    "aws_s3_bucket": "s3:CreateBucket",
    "aws_s3_bucket_public_access_block": "s3:PutBucketPublicAccessBlock",
    "aws_s3_bucket_replication_configuration": "s3:PutReplicationConfiguration",
    "aws_s3_bucket_versioning": "s3:PutBucketVersioning",
    "aws_sns_topic": "sns:CreateTopic",
    "aws_sns_topic_subscription": "sns:Subscribe",
    "aws_vpc_ipv4_cidr_block_association": "ec2:AssociateVpcCidrBlock",
    "aws_vpc_peering_connection_accepter": "ec2:AcceptVpcPeeringConnection",
    "aws_vpc_peering_connection_options": "ec2:ModifyVpcPeeringConnectionOptions",
    "aws_vpc_security_group_egress_rule": "ec2:AuthorizeSecurityGroupEgress",
    "aws_vpc_security_group_ingress_rule": "ec2:AuthorizeSecurityGroupIngress",
    "aws_vpn_gateway_route_propagation": "ec2:EnableVgwRoutePropagation",
}
NOT_MADE = MOTO_LACKS | {"aws_vpn_gateway"}  # on moto; the gateway comes with what it lacks
MANAGED_POLICY_CHARACTERS = 6144  # IAM user guide, "IAM and AWS STS quotas"; white space is not counted


def example(name):
    (found,) = re.findall(rf"^```\w+ {name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


def makes(type):
    words = type.removeprefix("aws_").removeprefix("ec2_").split("_")
    return MAKES.get(type) or "ec2:Create" + "".join(word.capitalize() for word in words)


def test_the_table_is_what_the_target_declares():
    rows = re.findall(r"^\| `(aws_\w+)` \| yes \| (yes|no) \| (yes|documented|no) \|$", PAGE, re.MULTILINE)
    assert rows == [(type, "no" if type in NOT_MADE else "yes", imported(type)) for type in TYPES]


def imported(type):
    if type in NOT_IMPORTABLE:
        return "no"
    return "documented" if type in NOT_MADE | MOTO_FORGETS else "yes"


@pytest.mark.parametrize("type", TYPES)
def test_the_policy_allows_what_makes_each_type(type):
    actions = [action for statement in json.loads(example("policy"))["Statement"] for action in statement["Action"]]
    assert any(fnmatch.fnmatchcase(makes(type), action) for action in actions), makes(type)


def test_the_policy_is_one_managed_policy_and_allows_nothing_wholesale():
    policy = json.loads(example("policy"))
    assert len(json.dumps(policy, separators=(",", ":"))) <= MANAGED_POLICY_CHARACTERS
    actions = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert len(actions) == len(set(actions)) and not [action for action in actions if action.endswith(":*")]


def test_replication_roles_are_named_as_the_policy_says():
    names = [item.arguments["name"] for item in EVERYTHING if item.type == "aws_iam_role"]
    (statement,) = [item for item in json.loads(example("policy"))["Statement"] if item["Sid"] == "ReplicationRoles"]
    pattern = statement["Resource"][0].rpartition("/")[2].replace("prod-", "mixed-")
    assert names and all(fnmatch.fnmatchcase(str(name), pattern) for name in names)


def test_the_environment_is_one_and_can_be_declared():
    environment = Environment.model_validate(
        {
            name: value
            for name, value in yaml.safe_load(example("environment")).items()
            if name not in ("format", "version")
        }
    )
    resources = [resource("fra/network", NetworkSpec(asn=64512)), resource("dub--fra/link", LinkSpec())]
    assert aws.declare(resources, environment)


def test_the_role_is_trusted_to_one_repository_by_a_token_meant_for_it():
    (statement,) = json.loads(example("trust"))["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    issuer = "token.actions.githubusercontent.com"
    assert statement["Condition"]["StringEquals"] == {f"{issuer}:aud": "sts.amazonaws.com"}
    subjects = statement["Condition"]["StringLike"][f"{issuer}:sub"]
    assert subjects and all(subject.startswith("repo:example/network:") for subject in subjects)


def test_the_pipeline_asks_for_a_token_and_runs_commands_that_there_are():
    pipeline = yaml.safe_load(example("pipeline"))
    assert pipeline["permissions"]["id-token"] == "write"
    steps = [step for job in pipeline["jobs"].values() for step in job["steps"]]
    assert "secrets." not in example("pipeline")
    commands = [step["run"].split() for step in steps if step.get("run", "").startswith("prestage ")]
    assert [command[1] for command in commands] == ["review", "apply"]
    for _, name, _, *options in commands:
        told = subprocess.run(
            [sys.executable, "-m", "prestage", name, "--help"], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
        assert all(option in told for option in options)
