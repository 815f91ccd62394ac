"""One plan over AWS, Google Cloud and a data centre, each the others' failover, by the real OpenTofu and providers.

AWS is moto, Google Cloud the stand-in, each behind a front that has quotas, offers and prices. One life is one test:
the real providers wait for what they make.
"""

import os
from contextlib import ExitStack

import pytest

from contracts.capacity import CapacityKind
from contracts.drift import DriftClass
from contracts.exits import ExitCode
from contracts.ports import Silent
from contracts.requests import Latency, Outcome, Requirements
from contracts.resources import ResourceKind
from contracts.run import RunStatus
from coordinator.apply import apply_reviewed
from coordinator.destroy import destroy, plan_destruction
from coordinator.drift import find_drift
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.review import make_review
from stacks.engines.terraform_engine.engine import TerraformEngine
from tests.clouds.gcp_cloud import GoogleCloud
from tests.clouds.gcp_server import gcp_server
from tests.clouds.mirror import aws_mirror, cli_config, google_mirror
from tests.clouds.moto_server import aws_environ, moto_server
from tests.coordinator.factory import Hands, peering
from tests.coordinator.world import changes_of
from tests.engines.google_of_today import GoogleOfToday
from tests.engines.mixed_project import SHAPES, write_mixed
from tests.engines.terraform_project import tofu_missing
from tests.stacks.capacity.simulated_aws import GP3, STANDARD, AwsWorld, simulated_aws
from tests.stacks.capacity.simulated_gcp import GcpWorld, simulated_gcp

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
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws_environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, *mirrors)))
    monkeypatch.setenv("TF_VAR_vpn_ams__bel", "of-the-test")
    zones = {f"eu-central-1{zone}": {SHAPES["fra"]} for zone in "ab"}
    aws = AwsWorld(defaults={STANDARD: 256.0, GP3: 50.0}, zones={"eu-central-1": zones}, page=100)
    quotas = {"europe-west1": {"N2_CPUS": (256.0, 0.0), "SSD_TOTAL_GB": (50000.0, 0.0)}}
    offered = {f"europe-west1-{zone}": {SHAPES["bel"]} for zone in "bc"}
    with ExitStack() as stack:
        aws_url = stack.enter_context(simulated_aws(aws, stack.enter_context(moto_server())))
        there = stack.enter_context(gcp_server(google))
        gcp_url = stack.enter_context(simulated_gcp(GcpWorld(quotas=quotas, zones=offered, page=100), there))
        folder = write_mixed(tmp_path / "project", aws_url, gcp_url)
        state = folder / ".prestage" / "dev"
        engine = GoogleOfToday(engine=TerraformEngine(state / "roots", state / "estate.db"), cloud=google)
        yield stack.enter_context(Project.open(folder, "dev", clock=HANDS, engine=engine))


def apply(project):
    outcome = make_plan(project)
    make_review(project, outcome.path)
    report = apply_reviewed(project, outcome.path, Silent())
    assert {root.status for root in report.roots} <= {RunStatus.DONE, RunStatus.CLEAN}, report.roots
    return outcome.plan


def test_a_life_on_three_targets(project, google):
    plan = apply(project)
    pairs = {item.resource.key for item in plan.resources if item.resource.kind is ResourceKind.FAILOVER}
    assert {key.partition("/")[0] for key in pairs} == {"ams", "bel", "fra"}
    assert {item.resource.key for item in plan.resources} <= project.live_keys()

    seen = project.capacity()
    assert {item.resource.key: item.resource.spec for item in seen.resources} == {
        item.resource.key: item.resource.spec for item in plan.resources
    }
    for region in ("ams", "bel", "fra"):
        used = next(item for item in seen.quotas if (item.place, item.kind) == (region, CapacityKind.VCPU))
        assert used.ours == used.used > 0 and used.staged > 0
    again = make_plan(project)
    assert (changes_of(again), again.drift.found) == ((), ()) and again.exit_code is ExitCode.CLEAN

    decision = answer_peering(project, peering(source="ams", destination="fra", requirements=ASKED))
    assert (decision.outcome, decision.latency) == (Outcome.STAGED, Latency.LOW), decision
    assert {key.partition("/")[0] for key in decision.units} == {"fra", "ams--fra"}
    granted = {item.resource.key: item.state for item in project.capacity().resources if item.state != "ready"}
    assert {key for key, state in granted.items() if state == "active"} == set(decision.units)

    network = next(path for path in google.find("networks"))
    firewall = next(path for path in google.find("firewalls"))
    google.destroy(firewall)
    drift = find_drift(project)
    assert [(item.key, item.drift_class) for item in drift.found] == [("bel/network/inside", DriftClass.HARMFUL)]
    assert network in google.resources

    mended = changes_of(make_plan(project))
    assert {change.key for change in mended if change.place == "bel"} == {"bel/network"}
    found = plan_destruction(project, ["bel"])
    report = destroy(project, ["bel"], Silent(), confirmed=len(found.keys))
    assert report.complete, report.roots
    assert not google.find("instanceGroupManagers") and not google.find("networks")
    assert {key.partition("/")[0] for key in project.live_keys()} == {"ams", "fra", "ams--fra"}


ASKED = Requirements(vcpu=4, memory_gib=16, storage_gib=50, gbps=1, prefix_length=28)
