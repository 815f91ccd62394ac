"""`prestage destroy` by its command, over AWS (moto) and a data centre, by the real OpenTofu and hashicorp/aws.

What is active or held stays with what it stands on, in the account too, unless it is named.
"""

from contextlib import ExitStack

import pytest
import yaml

from contracts.exits import ExitCode
from contracts.ports import Silent
from contracts.requests import Outcome, Requirements
from contracts.run import RunStatus
from coordinator.apply import apply_reviewed
from coordinator.destroy import plan_destruction
from coordinator.hold import HoldRequest, hold
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.review import make_review
from prestage.failures import run
from stacks.clouds.open_cloud import open_clouds
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import call_moto, moto_server
from tests.coordinator.factory import Hands, peering
from tests.engines.mixed_project import aws_capacity, write_mixed
from tests.engines.terraform_project import tofu_missing
from tests.stacks.capacity.simulated_aws import simulated_aws

pytestmark = [
    pytest.mark.engine,
    pytest.mark.long,
    pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing()),
]
REGIONS = ("ams", "fra")


@pytest.fixture
def url():
    with moto_server() as address:
        yield address


@pytest.fixture
def project(tmp_path, monkeypatch, url):
    """An environment of `fra` (AWS) and `ams` (premises), applied, in the current folder."""
    call_moto(monkeypatch)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, aws_mirror())))
    with ExitStack() as stack:
        folder = write_mixed(tmp_path / "project", stack.enter_context(simulated_aws(aws_capacity(), url)), "")
        file = folder / "environments" / "dev.yaml"
        said = yaml.safe_load(file.read_text())
        said["accounts"] = [item for item in said["accounts"] if item["target"] == "aws"]
        said["regions"] = [item for item in said["regions"] if item["name"] in REGIONS]
        file.write_text(yaml.safe_dump(said, sort_keys=False))
        inventory = folder / "estate" / "inventory.yaml"
        inventory.write_text("".join(line for line in inventory.read_text().splitlines(True) if "b: bel" not in line))
        monkeypatch.chdir(folder)
        clock = Hands()
        monkeypatch.setattr("prestage.projects.open_project", lambda scope: Project.open(folder, "dev", clock=clock))
        opened = stack.enter_context(Project.open(folder, "dev", clock=clock))
        outcome = make_plan(opened)
        make_review(opened, outcome.path)
        report = apply_reviewed(opened, outcome.path, Silent())
        assert {root.status for root in report.roots} <= {RunStatus.DONE, RunStatus.CLEAN}, report.roots
        yield opened


def keys_in_account(project):
    """Keys of everything in the account that carries our tags. Not by `describe_tags`: moto tells those of the dead."""
    return {item.key for item in open_clouds(project.environment)["prod"].tagged("dev")}


def planned_keys(project):
    """Keys of what exists, as plans name it: a network is one, whatever a cloud has it made of."""
    return {item.resource.key for item in project.capacity().resources}


def test_what_somebody_has_stays_unless_it_is_named(project, capsys):
    active, held = handed_out(project)
    found = plan_destruction(project, ())
    assert {*active, held} <= found.kept.keys() and "fra/network" in found.kept
    before = keys_in_account(project)

    assert run(["destroy"]) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert f"destroys {len(found.keys)} resources" in told
    assert "is active by acme" in told and "is held by bolt" in told
    assert run(["destroy", "--confirm", str(len(found.keys) + 1)]) == ExitCode.REFUSED
    assert keys_in_account(project) == before

    assert run(["destroy", "--confirm", str(len(found.keys))]) == 0
    left = keys_in_account(project)
    assert {key for key in (*active, held) if key.startswith("fra/")} <= left < before
    assert not {key for key in left if key.startswith("fra/compute/serving")}
    assert {*active, held} <= planned_keys(project) == found.kept.keys()

    assert run(["destroy", held, "--confirm", "1"]) == 0
    assert held not in keys_in_account(project) and set(active) <= project.live_keys()

    names = [*active, *REGIONS]
    rest = plan_destruction(project, names)
    assert not rest.kept
    assert run(["destroy", *names, "--confirm", str(len(rest.keys))]) == 0
    assert project.live_keys() == frozenset() == frozenset(project.engine.applied())
    assert keys_in_account(project) == set()


def handed_out(project):
    """Keys of what acme has in use, and of the compute in fra that bolt has held."""
    asked = Requirements(storage_gib=50, gbps=1, prefix_length=28)
    decision = answer_peering(project, peering(source="ams", destination="fra", requirements=asked))
    assert decision.outcome is Outcome.STAGED, decision
    wanted = Requirements(vcpu=4, memory_gib=16)
    (key,) = hold(project, HoldRequest(customer="bolt", region="fra", requirements=wanted, hours=2, id="h1")).units
    return decision.units, key
