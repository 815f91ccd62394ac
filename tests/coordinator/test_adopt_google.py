"""What exists in Google Cloud (the stand-in) and is nobody's: proposed, taken in by the real engine, unchanged."""

from __future__ import annotations

import pytest

from contracts.files import write_document
from contracts.ports import Silent
from coordinator.adopt import adopt, lines_for
from coordinator.propose import propose
from stacks.clouds.gcp.session import GcpSession
from stacks.clouds.open_cloud import open_clouds
from stacks.engines.terraform_engine.engine import TerraformEngine
from tests.clouds.clouds_world import PROJECT
from tests.clouds.gcp_cloud import GoogleCloud
from tests.clouds.gcp_newer import as_of_3_60
from tests.clouds.gcp_server import gcp_server
from tests.clouds.mirror import cli_config, google_mirror
from tests.coordinator.cloud_project import (
    cloud_environment,
    open_cloud_project,
    write_cloud_project,
    write_environment,
)
from tests.engines.terraform_project import tofu_missing

pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())]


class OlderEngine(TerraformEngine):
    """The real engine, asked for no more than the provider of 2021 knows."""

    def observe(self, job, progress):
        return super().observe(as_of_3_60(job), progress)

    def apply(self, job, progress):
        return super().apply(as_of_3_60(job), progress)


@pytest.fixture
def google():
    return GoogleCloud(operation_s=0)


@pytest.fixture
def environment(google):
    with gcp_server(google) as url:
        yield cloud_environment("", url, regions=("bel",))


@pytest.fixture
def folder(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, google_mirror())))
    return write_cloud_project(tmp_path / "project", environment)


def opened(folder):
    state = folder / ".prestage" / "dev"
    return open_cloud_project(folder, OlderEngine(state / "roots", state / "estate.db"))


def make_legacy(environment):
    session = GcpSession(environment.account("bel"))
    root = f"projects/{PROJECT}"
    network = {"name": "legacy", "autoCreateSubnetworks": False, "routingConfig": {"routingMode": "REGIONAL"}}
    session.send("POST", "compute", f"{root}/global/networks", network)
    subnet = {"name": "legacy-bel", "ipCidrRange": "10.64.0.0/24", "network": f"{root}/global/networks/legacy"}
    session.send("POST", "compute", f"{root}/regions/europe-west1/subnetworks", subnet)


def test_a_network_that_no_mark_can_be_written_on_is_taken_in_and_known_afterwards(environment, folder, google):
    make_legacy(environment)
    before = {path: dict(body) for path, body in google.resources.items()}
    path = folder / "plans" / "dev.adoption.json"
    with opened(folder) as project:
        proposal = propose(project, Silent())
    assert [part.key for part in proposal.parts] == ["bel/network"], [item.why for item in proposal.left]
    assert [item.found.id.rpartition("/")[2] for item in proposal.left] == ["legacy-bel"]
    lines = lines_for(proposal, environment)
    assert lines[0].as_found["name"] == "legacy"

    write_document(path, proposal)
    write_environment(folder, environment, lines)
    with opened(folder) as project:
        report = adopt(project, path, Silent())
        assert report.complete, report
        assert project.engine.applied().keys() == {"bel/network"}
        (ours,) = open_clouds(project.environment)["google"].tagged("dev")
    assert (ours.key, ours.id) == ("bel/network", f"projects/{PROJECT}/global/networks/legacy")
    assert {path: dict(body) for path, body in google.resources.items()} == before
    assert not [line for line in google.requests if line.startswith(("PATCH", "DELETE", "PUT"))]
