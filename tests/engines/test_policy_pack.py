"""`pulumi preview --policy-pack policies/pack` by the real engine: passes the plan, denies a program beside it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.capacity import CapacityKind
from contracts.files import write_document
from contracts.resources import ComputeSpec, Purpose, Resource
from prestage.scaffold import project_files
from stacks.engines.pulumi_engine.command import find_pulumi
from stacks.errors import EngineMissing
from stacks.estate.inventory import Inventory
from stacks.estate.pulumi_provider import serve
from tests.policies.sample import COMPUTE, FAILOVER, NETWORK, STANDBY, STORAGE, Scene, requirement, resource

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies" / "pack"
PROGRAM = """\
import json, os
from pathlib import Path
from contracts.environment import Environment
from contracts.files import read_document
from contracts.resources import Resource
from contracts.yaml_files import read_yaml_document
from stacks.engines.pulumi_engine.resources import register
from stacks.targets.estate import declare

environment = read_yaml_document(Environment, Path("environments/dev.yaml"))
wanted = [Resource.model_validate(item) for item in json.loads(Path("wanted.json").read_text())]
register(declare(wanted, environment))
"""
LON = resource("lon/network", NETWORK.spec, Purpose.SUPPORT)
GRANTED = resource("fra/compute/staged/m8/0001", ComputeSpec(shape="m8", count=2), Purpose.GRANTED)
WANTED = (NETWORK, LON, COMPUTE, STORAGE, FAILOVER, STANDBY, GRANTED)


def _missing() -> str:
    try:
        find_pulumi()
    except EngineMissing as error:
        return str(error)
    return ""


pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(_missing()), reason=_missing())]


@pytest.fixture
def project(tmp_path):
    """A new project with a plan, whose program declares what `wanted.json` says."""
    for path, text in project_files("pack-test", now=datetime.now(UTC)).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "Pulumi.yaml").write_text("name: pack-test\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    made = datetime.now(UTC)
    times = {"made_at": made, "expires_at": made + timedelta(hours=24)}
    scene = Scene().but(resources=WANTED, requirements=(requirement("fra", CapacityKind.VCPU, 78.5),), changes=())
    write_document(tmp_path / "plans" / "dev.json", scene.plan().model_copy(update=times))
    return tmp_path


def preview(project: Path, wanted: tuple[Resource, ...]) -> subprocess.CompletedProcess[str]:
    (project / "wanted.json").write_text("[" + ",".join(item.model_dump_json() for item in wanted) + "]")
    program = find_pulumi()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(program.parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": f"file://{project}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    Inventory(project / "estate.db").close()
    with serve(project / "estate.db") as port:
        environment["PULUMI_DEBUG_PROVIDERS"] = f"estate:{port}"
        run = [str(program), "preview", "--stack", "dev", "--non-interactive", "--policy-pack", str(PACK)]
        subprocess.run([run[0], "stack", "init", "dev"], cwd=project, env=environment, capture_output=True, check=False)
        return subprocess.run(run, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_what_the_plan_wants_passes(project):
    done = preview(project, WANTED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✅" in done.stdout


def test_a_program_edited_beside_the_plan_is_denied_by_the_same_rules(project):
    larger = resource(COMPUTE.key, ComputeSpec(shape="m8", count=6000))
    done = preview(project, (NETWORK, LON, larger, STORAGE, STANDBY))
    text = done.stdout + done.stderr
    assert done.returncode != 0
    for rule in ("budget", "failover_partner", "no_destruction"):
        assert f"[mandatory]  {rule}" in text, text
    assert "over the ceiling of 1000.00" in text
    assert "deletes what is active" in text
    assert "[mandatory]  headroom" not in text


def test_a_stack_that_cannot_be_judged_is_denied(project):
    (project / "plans" / "dev.json").unlink()
    done = preview(project, WANTED)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "[mandatory]  readable" in text
    assert "no such file" in text
