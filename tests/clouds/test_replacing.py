"""What the recording provider replaces on, against what the real Terraform provider for AWS plans."""

import json

import pytest

from stacks.targets.declare import declare
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.clouds.mirror import aws_mirror
from tests.clouds.record_replacing import recorded
from tests.clouds.recording_provider import REPLACING


@pytest.mark.engine
def test_the_table_is_what_the_real_provider_plans():
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    found = recorded(declare(every_kind_of(environment), environment), aws_mirror())
    assert found["aws:ec2/subnet:Subnet"] == ["availabilityZone", "cidrBlock", "ipv6Native", "vpcId"]
    assert found == json.loads(REPLACING.read_text())["replacing"], "python -m tests.clouds.record_replacing"
