"""One plan over AWS, Google Cloud and a data centre, each the others' failover, by the real OpenTofu and providers.

AWS is moto, Google Cloud the stand-in, each behind a front that has quotas, offers and prices. One life is one test:
the real providers wait for what they make.
"""

from contextlib import ExitStack

import pytest

from coordinator.project import Project
from stacks.engines.terraform_engine.engine import TerraformEngine
from tests.clouds.gcp_cloud import GoogleCloud
from tests.clouds.gcp_server import gcp_server
from tests.clouds.mirror import aws_mirror, cli_config, google_mirror
from tests.clouds.moto_server import call_moto, moto_server
from tests.coordinator.factory import Hands
from tests.engines.google_of_today import GoogleOfToday
from tests.engines.mixed_life import live
from tests.engines.mixed_project import aws_capacity, gcp_capacity, write_mixed
from tests.engines.terraform_project import tofu_missing
from tests.stacks.capacity.simulated_aws import simulated_aws
from tests.stacks.capacity.simulated_gcp import simulated_gcp

pytestmark = [
    pytest.mark.engine,
    pytest.mark.long,
    pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing()),
]
HANDS = Hands()


@pytest.fixture
def google():
    return GoogleCloud()


@pytest.fixture
def project(tmp_path, monkeypatch, google):
    mirrors = aws_mirror(), google_mirror()
    call_moto(monkeypatch)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, *mirrors)))
    monkeypatch.setenv("TF_VAR_vpn_ams__bel", "of-the-test")
    with ExitStack() as stack:
        aws_url = stack.enter_context(simulated_aws(aws_capacity(), stack.enter_context(moto_server())))
        there = stack.enter_context(gcp_server(google))
        gcp_url = stack.enter_context(simulated_gcp(gcp_capacity(), there))
        folder = write_mixed(tmp_path / "project", aws_url, gcp_url)
        state = folder / ".prestage" / "dev"
        engine = GoogleOfToday(engine=TerraformEngine(state / "roots", state / "estate.db"), cloud=google)
        yield stack.enter_context(Project.open(folder, "dev", clock=HANDS, engine=engine))


def test_a_life_on_three_targets(project, google):
    live(project, lambda: google.destroy(next(iter(google.find("firewalls")))))
    assert not google.find("instanceGroupManagers") and not google.find("networks")
