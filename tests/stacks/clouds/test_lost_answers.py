"""A create that succeeds and whose answer never comes: real engine, real provider, Google's APIs on the stand-in."""

import pytest

from contracts.ports import Silent
from contracts.resources import NetworkSpec
from contracts.run import RunStatus
from stacks.clouds import retries
from stacks.clouds.open_cloud import open_clouds
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.existing import Patience, existing
from stacks.targets.declare import declare, providers
from tests.clouds.clouds_world import resource
from tests.clouds.gcp_cloud import Fault, GoogleCloud
from tests.clouds.gcp_newer import as_of_3_60
from tests.clouds.gcp_server import gcp_server
from tests.clouds.mirror import cli_config, google_mirror
from tests.coordinator.cloud_project import cloud_environment
from tests.engines.terraform_project import tofu_missing

pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())]
TYPES = ("google_compute_network", "google_compute_address")


@pytest.fixture
def google():
    return GoogleCloud(operation_s=0)


@pytest.fixture
def environment(google, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.001)
    with gcp_server(google) as url:
        yield cloud_environment("", url, regions=("bel",))


def job_of(environment, adopt: tuple[Adoption, ...] = ()) -> Job:
    declared = declare([resource("bel/network", NetworkSpec(asn=64515))], environment)
    some = tuple(item for item in declared if item.type in TYPES)
    return as_of_3_60(Job(environment="dev", roots={"bel": some}, adopt=adopt, providers=providers(environment)))


def test_what_was_made_unseen_is_taken_in_even_if_it_shows_late(environment, google, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, google_mirror())))
    engine = TerraformEngine(tmp_path / "roots", tmp_path / "estate.db")
    google.faults.append(Fault(match="POST .*/global/networks", times=99, lost=True))
    (first,) = engine.apply(job_of(environment), Silent())
    assert first.status is RunStatus.FAILED
    assert len(google.find("networks")) == 1
    assert "bel/network" not in engine.applied()

    google.faults[:] = [Fault(match="GET .*/global/networks", hidden=True)]
    waited: list[float] = []
    patience = Patience(looks=5, wait_s=3.0, sleep=waited.append)
    taken = existing(job_of(environment), engine.applied(), open_clouds(environment), patience)
    assert "bel/network" in {item.key for item in taken}
    assert waited
    (second,) = engine.apply(job_of(environment, taken), Silent())
    assert second.status is RunStatus.DONE, second.message
    assert [len(google.find(kind)) for kind in ("networks", "addresses")] == [1, 1]
    (third,) = engine.apply(job_of(environment), Silent())
    assert third.status is RunStatus.CLEAN
