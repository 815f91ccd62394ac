"""What the recording provider replaces on, against what the clouds' real Terraform providers plan."""

import json

import pytest

from stacks.targets.declare import declare
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.clouds.mirror import aws_mirror, google_mirror
from tests.clouds.record_replacing import AWS, GOOGLE, recorded
from tests.clouds.recording_provider import REPLACING

SOME = {
    "aws": ("aws:ec2/subnet:Subnet", ["availabilityZone", "cidrBlock", "ipv6Native", "vpcId"]),
    "google": ("gcp:compute/router:Router", ["name", "network", "region"]),
}

IN_PLACE_BUT = ["availabilityZone", "encrypted"]
"""All else of a volume changes in place: its type, its size upwards, its IOPS and throughput (`contracts.in_place`)."""


@pytest.mark.engine
@pytest.mark.parametrize(("provider", "mirror"), [(AWS, aws_mirror), (GOOGLE, google_mirror)], ids=["aws", "google"])
def test_the_table_is_what_the_real_provider_plans(provider, mirror):
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    found = recorded(declare(every_kind_of(environment), environment), provider, mirror())
    token, replacing = SOME[provider.name]
    assert found[token] == replacing
    assert found.get("aws:ebs/volume:Volume", IN_PLACE_BUT) == IN_PLACE_BUT
    table = json.loads(REPLACING.read_text())["replacing"]
    package = token.partition(":")[0]
    assert found == {name: paths for name, paths in table.items() if name.startswith(f"{package}:")}, (
        "python -m tests.clouds.record_replacing"
    )
