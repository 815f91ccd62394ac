"""A bare `pulumi up` in a project of one's own: asks nothing, passes the gate, and agrees with `prestage apply`."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.engines import EngineName, Layout
from contracts.environment import Environment
from contracts.names import link_ends
from contracts.ports import Silent
from contracts.requests import Outcome, PeeringRequest, Requirements
from contracts.yaml_files import read_yaml_document
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.review import make_review
from prestage.scaffold import project_files, write_project
from stacks.engines.pulumi_engine.command import VARIABLES, find_pulumi
from stacks.engines.pulumi_engine.prepare import prepare_project
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.clouds.recorded_world import RecordedWorld
from tests.engines.pulumi_project import pulumi_missing
from tests.stacks.apply.test_apply import plan as plan_with

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing()),
]


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A project with a reviewed plan, and folders of the user's own whose names are ours too."""
    from datetime import UTC, datetime

    folder = tmp_path_factory.mktemp("pulumi") / "my-network"
    write_project(folder, project_files("my-network", now=datetime.now(UTC)))
    for name in ("policies", "stacks", "contracts"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise ImportError('a folder of the user was imported')\n")
    settings = folder / "environments" / "dev.yaml"
    settings.write_text(settings.read_text().replace("engine: terraform", "engine: pulumi"))
    prestage(folder, "history", "import", "history/utilisation.csv", "--table", "utilisation")
    prestage(folder, "history", "import", "history/traffic.csv", "--table", "traffic")
    prestage(folder, "history", "import", "history/requests.csv", "--table", "requests")
    prestage(folder, "forecast")
    with Project.open(folder, "dev") as project:
        make_plan(project)
        make_review(project, project.paths.plan)
    return folder


@pytest.fixture
def folder(planned, tmp_path):
    """A copy of it that is ready for `pulumi up`."""
    copy = tmp_path / "my-network"
    shutil.copytree(planned, copy)
    prepare_project(copy, read_yaml_document(Environment, copy / "environments" / "dev.yaml"))
    return copy


def prestage(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-P", "-m", "prestage", *words],
        cwd=folder, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip


def pulumi(folder, *words):
    """Runs the CLI as a person would after `source .envrc`, without a terminal to ask at."""
    program = find_pulumi()
    path = os.pathsep.join([str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    shell = f". ./.envrc && exec pulumi {' '.join(words)}"
    return subprocess.run(
        ["sh", "-c", shell],
        cwd=folder, env={**clean, **VARIABLES, "PATH": path}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


def test_up_asks_nothing_and_is_noted(folder):
    shown = pulumi(folder, "preview", "--policy-pack", str(ROOT / "policies" / "pack"))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "prestage@" in shown.stdout and "to create" in shown.stdout
    with Project.open(folder, "dev") as project:
        assert project.journal.runs() == () and project.live_keys() == frozenset()  # a preview writes nothing
    done = pulumi(folder, "up", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    with Project.open(folder, "dev") as project:
        plan = project.paths.plan
        assert {item.resource.key for item in plan_of(project).resources} == project.live_keys()
        circuit = next(item.resource for item in plan_of(project).resources if "/circuit/staged/" in item.resource.key)
        source, destination = link_ends(circuit.place)
        asked = PeeringRequest(
            id="first", customer="acme", source=source, destination=destination,
            requirements=Requirements(gbps=1), duration_hours=1,
        )  # fmt: skip
        assert answer_peering(project, asked).outcome is Outcome.STAGED  # no command of ours ran in between
        assert project.journal.open_runs() == ()
        assert project.journal.last_applied() == plan_of(project).digest()
        assert project.ledger.view().units
        from stacks.apply import make_order, preview_plan

        order = make_order(plan_of(project), project.environment, resume="")
        assert preview_plan(order, project.engine, Silent()).clean  # both ways run the same stack
        assert plan.exists()
    again = pulumi(folder, "preview", "--expect-no-changes")
    assert again.returncode == 0, again.stdout + again.stderr


def plan_of(project):
    from contracts.files import read_document
    from contracts.plan import Plan

    return read_document(Plan, project.paths.plan)


def test_it_refuses_in_a_preview_too_with_the_same_words(folder):
    plan = folder / "plans" / "dev.json"
    plan.write_text(plan.read_text().replace('"engine": "pulumi"', '"engine":  "pulumi"'))
    for command in (("preview",), ("up", "--yes")):
        refused = pulumi(folder, *command)
        assert refused.returncode != 0
        assert "altered: its bytes are not those that Prestage sealed" in refused.stdout
    with Project.open(folder, "dev") as project:
        assert project.live_keys() == frozenset() and project.journal.runs() == ()


def test_it_names_the_engine_in_charge(folder):
    settings = folder / "environments" / "dev.yaml"
    settings.write_text(settings.read_text().replace("engine: pulumi", "engine: terraform"))
    refused = pulumi(folder, "preview")
    assert refused.returncode != 0
    assert "terraform is in charge" in refused.stdout


def test_it_waits_for_no_other_apply(folder):
    with Project.open(folder, "dev") as project, project.lock("prestage apply plans/dev.json"):
        refused = pulumi(folder, "up", "--yes")
    assert refused.returncode != 0
    assert "the environment is locked: `prestage apply plans/dev.json`" in refused.stdout


CLOUD_PROGRAM = """
import pickle
from pathlib import Path
from types import SimpleNamespace
import pulumi
from stacks.program import declare_plan

here = Path(__file__).parent
plan, environment = pickle.loads((here / "approved.pickle").read_bytes())
gate = SimpleNamespace(before=lambda path, **_: SimpleNamespace(plan=plan, environment=environment, adopt=()))
declare_plan(gate, pulumi.get_stack(), here / "plan.json")
"""


def test_regions_in_clouds_are_declared_by_the_same_program(tmp_path):
    """The providers are executables that the engine starts; one stack refers to the other by its outputs."""
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1").model_copy(
        update={"engine": EngineName.PULUMI, "layout": Layout.REGION}
    )
    wanted = [item for item in every_kind_of(environment) if item.place in ("fra", "dub", "dub--fra")]
    plan = plan_with(*(item for item in wanted if item.kind in ("network", "link"))).model_copy(
        update={"engine": "pulumi"}
    )
    (tmp_path / "approved.pickle").write_bytes(pickle.dumps((plan, environment)))
    (tmp_path / "__main__.py").write_text(CLOUD_PROGRAM)
    plugins = [{"name": name, "path": str(ROOT / "tests" / "clouds" / "plugins")} for name in ("aws", "gcp")]
    settings = {
        "name": "net",
        "runtime": "python",
        "plugins": {"providers": plugins},
        "backend": {"url": f"file://{tmp_path}"},
    }
    (tmp_path / "Pulumi.yaml").write_text(json.dumps(settings))
    program = find_pulumi()
    path = os.pathsep.join([str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {
        "PULUMI_CONFIG_PASSPHRASE": "", "PATH": path, "PYTHONPATH": str(ROOT), "PRESTAGE_PYTHON": sys.executable,
        "PRESTAGE_RECORDING": str(tmp_path / "world"), **VARIABLES,
    }  # fmt: skip

    def run(*words):
        done = subprocess.run(
            [program, *words, "--non-interactive"],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    for stack in ("mixed.fra", "mixed.dub", "mixed.links"):
        run("stack", "init", stack)
        run("up", "--yes", "--skip-preview", "--stack", stack)
    run("preview", "--expect-no-changes", "--stack", "mixed.links")
    world = RecordedWorld(tmp_path / "world")
    link, fra, dub = (world.named(name) for name in ("dub--fra/link", "fra/network", "dub/network"))
    assert {link.inputs["vpcId"], link.inputs["peerVpcId"]} == {fra.id, dub.id}
    assert (fra.inputs["region"], dub.inputs["region"]) == ("eu-central-1", "eu-west-1")
