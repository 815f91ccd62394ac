"""One plan over AWS, Google Cloud and a data centre, each the others' failover, by the real Pulumi.

The estate is real. AWS and Google Cloud are the recording provider, which the engine starts as it would the clouds'
own; what looks into the accounts sees what that made, and quotas, offers and prices are answered beside it.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from contracts.environment import Environment
from contracts.yaml_files import read_yaml_document
from coordinator.project import Project
from stacks.engines.pulumi_engine.command import VARIABLES, find_pulumi
from stacks.engines.pulumi_engine.prepare import prepare_project
from tests.clouds.moto_server import aws_environ
from tests.clouds.recorded_world import RecordedWorld
from tests.clouds.recording_cloud import recording_clouds
from tests.coordinator.factory import Hands
from tests.engines.mixed_life import INSIDE, live
from tests.engines.mixed_project import aws_capacity, gcp_capacity, write_mixed
from tests.engines.pulumi_project import REAL_PULUMI
from tests.stacks.capacity.simulated_aws import simulated_aws
from tests.stacks.capacity.simulated_gcp import simulated_gcp

ROOT = Path(__file__).parents[2]
MORE = "engine: pulumi\nlayout: region\n"
SECRET = "vpn-ams--bel"

pytestmark = [pytest.mark.long, *REAL_PULUMI]


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = RecordedWorld(tmp_path / "world")
    opened = recording_clouds(made)
    for room in ("stacks.capacity.clouds", "stacks.clouds.open_cloud", "stacks.existing", "coordinator.propose"):
        monkeypatch.setattr(f"{room}.open_clouds", opened)
    monkeypatch.setenv("PRESTAGE_RECORDING", str(made.folder))
    monkeypatch.setenv("PRESTAGE_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    plugins = ROOT / "tests" / "clouds" / "plugins"
    monkeypatch.setenv("PATH", f"{plugins}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def project(tmp_path, monkeypatch, world):
    for name, value in aws_environ().items():
        monkeypatch.setenv(name, value)
    gcp = gcp_capacity()
    gcp.subnetworks["europe-west1"] = []
    with ExitStack() as stack:
        urls = stack.enter_context(simulated_aws(aws_capacity())), stack.enter_context(simulated_gcp(gcp))
        folder = write_mixed(tmp_path / "project", *urls, more=MORE)
        (folder / "Pulumi.yaml").write_text("name: mixed\nruntime: python\n")
        prepare_project(folder, read_yaml_document(Environment, folder / "environments" / "dev.yaml"))
        set_secret(folder, "dev.links", SECRET)
        yield stack.enter_context(Project.open(folder, "dev", clock=Hands()))


def set_secret(folder, stack, name):
    words = [find_pulumi(), "config", "set", "--secret", f"prestage:{name}", "of-the-test", "--stack", stack]
    variables = {**os.environ, **VARIABLES, "PULUMI_CONFIG_PASSPHRASE": ""}
    variables["PULUMI_BACKEND_URL"] = f"file://{folder / '.prestage' / 'pulumi'}?metadata=skip"
    subprocess.run(words, cwd=folder, env=variables, check=True, capture_output=True)


def test_a_life_on_three_targets(project, world):
    live(project, lambda: world.delete(world.named(INSIDE).id))
    assert not [row.name for row in world.rows() if row.token.startswith("gcp:")]
