"""Google's own Terraform provider (3.60) makes what the target declares, on the stand-in of Google's APIs.

What came after 2021 is left out (`tests/clouds/gcp_newer.py`); all else is applied, planned clean, changed, drifted,
taken over and destroyed, in two regions, with OpenTofu and with Terraform.
"""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from contracts.engines import Backend, BackendKind
from contracts.ports import Silent
from contracts.resources import AlertSpec, ComputeSpec, NetworkSpec, ResourceKind, StorageSpec
from contracts.run import RunStatus
from stacks.declaration import Lifecycle
from stacks.engines.engine import Action, Adoption, Job
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.labels import variable_of
from stacks.engines.terraform_engine.program import find_program
from stacks.errors import ApplyBusy
from stacks.targets import gcp
from stacks.targets.declare import by_root
from tests.clouds.clouds_world import mixed_environment, resource
from tests.clouds.gcp_cloud import Fault, GoogleCloud
from tests.clouds.gcp_newer import as_of_3_60
from tests.clouds.gcp_server import gcp_server
from tests.clouds.mirror import cli_config, google_mirror
from tests.engines.terraform_project import other_programs, tofu_missing
from tests.stacks.targets.gcp_world import GOOGLE, within_google

pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())]
REGIONS = ("bel", "ost")


class Project:
    """A project on Google Cloud, and an engine for it."""

    def __init__(self, folder, cloud, url, program):
        self.cloud, self.url = cloud, url
        self.environment = mixed_environment(gcp_url=url)
        self.engine = TerraformEngine(folder / "roots", folder / "estate.db", program)

    def job(self, resources, adopt=()):
        roots = by_root(gcp.declare(resources, self.environment))
        return as_of_3_60(
            Job(
                environment=self.environment.name,
                roots={root: roots.get(root, ()) for root in (*REGIONS, "links")},
                adopt=adopt,
                providers={region: gcp.provider_of(region, self.environment) for region in sorted(GOOGLE)},
            )
        )

    def apply(self, job):
        return {run.root: run for run in self.engine.apply(job, Silent())}

    def actions(self, job):
        preview = self.engine.preview(job, Silent())
        return {key: action for root in preview.roots for key, action in root.actions.items()}


@pytest.fixture
def project(tmp_path, monkeypatch):
    with opened(tmp_path, monkeypatch, find_program()) as made:
        yield made


@pytest.fixture
def other_project(tmp_path, monkeypatch):
    program = other_programs()["terraform"]
    if program is None:
        pytest.skip("no terraform on PATH")
    with opened(tmp_path, monkeypatch, program) as made:
        yield made


@contextmanager
def opened(folder, monkeypatch, program):
    """A project of its own, on a Google Cloud of its own."""
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(folder, google_mirror())))
    monkeypatch.setenv(f"TF_VAR_{variable_of('vpn-ams--bel')}", "for tests only")
    cloud = GoogleCloud()
    with gcp_server(cloud) as url:
        yield Project(folder, cloud, url, program)


def replaced(resources, *news):
    """The same resources with other specs for some keys."""
    specs = dict(news)
    return [item.model_copy(update={"spec": specs.get(item.key, item.spec)}) for item in resources]


@pytest.mark.slow
def test_the_real_provider_makes_changes_repairs_and_destroys_it(project):
    twice = ("ost/compute/", "ost/storage/")  # as in the other region
    resources = [item for item in within_google(project.environment) if not item.key.startswith(twice)]
    job = project.job(resources)
    runs = project.apply(job)
    assert {root: (run.status, run.message) for root, run in runs.items()} == dict.fromkeys(
        job.roots, (RunStatus.DONE, "")
    )
    assert sum(run.created for run in runs.values()) == sum(len(items) for items in job.roots.values())
    assert project.actions(job) == {}

    peerings = [peer for network in project.cloud.find("networks").values() for peer in network["peerings"]]
    assert [peer["state"] for peer in peerings] == ["ACTIVE", "ACTIVE"]
    applied = project.engine.applied()
    for key in ("bel/network", "bel/storage/serving/gcs", "bel/storage/serving/pd-balanced", "bel--ost/link"):
        spec = next(item.spec for item in resources if item.key == key)
        assert gcp.undeclare(applied[key].type, key, applied[key].arguments) == spec

    changed = replaced(
        resources,
        ("bel/compute/serving/n2-standard-4", ComputeSpec(shape="n2-standard-4", count=5)),
        ("bel/storage/serving/regional-pd-ssd", StorageSpec(storage_class="regional-pd-ssd", gib=40)),
        ("ost/alert/vcpu", AlertSpec(metric="vcpu", threshold=0.7)),
    )
    job = project.job(changed)
    runs = project.apply(job)
    done = [(run.created, run.updated, run.deleted) for run in runs.values()]
    assert [sum(counts) for counts in zip(*done, strict=True)] == [0, 3, 0]

    path, address = project.cloud.named("addresses", "bel-network")
    project.cloud.change(path, labels={**address["labels"], "prestage-owner": "somebody"})
    project.cloud.destroy(project.cloud.named("firewalls", "ost-network")[0])
    seen = {item.key: item for item in project.engine.observe(job, Silent()) if item.action}
    assert {key: item.action for key, item in seen.items()} == {
        "bel/network/address": Action.UPDATE,
        "ost/network/inside": Action.CREATE,
    }
    assert seen["bel/network/address"].live["labels"]["prestage-owner"] == "somebody"
    project.apply(job)
    assert project.cloud.named("addresses", "bel-network")[1]["labels"] == address["labels"]
    assert project.cloud.named("firewalls", "ost-network")

    runs = project.apply(project.job([]))
    assert all(run.status is RunStatus.DONE for run in runs.values()), runs
    left = [body for path, body in project.cloud.resources.items() if not path.startswith("transferJobs/")]
    assert left == [] and {job["status"] for job in project.cloud.find("transferJobs").values()} == {"DELETED"}


def test_a_bucket_that_gets_its_replica_later_is_never_made_anew(project):
    """Of one that could not stay where it is, the provider's plan is another, and empty, bucket."""
    key = "bel/storage/serving/gcs"
    alone = StorageSpec(storage_class="gcs", gib=100)
    copied = alone.model_copy(update={"replica_region": "ost", "copied": True})
    job = project.job([resource(key, alone)])
    project.apply(job)
    (made,) = (path for path, body in project.cloud.resources.items() if body.get("location") == "EUROPE-WEST1")
    (bucket,) = job.roots["bel"]
    moved = replace(bucket, arguments={**bucket.arguments, "location": "EU"}, lifecycle=Lifecycle())
    assert project.actions(replace(job, roots={"bel": (moved,)})) == {key: Action.REPLACE}
    job = project.job([resource(key, copied)])
    parts = {f"{key}/replica": Action.CREATE, f"{key}/transfer": Action.CREATE}
    assert project.actions(job) == {key: Action.UPDATE, **parts}
    project.apply(job)
    assert made in project.cloud.resources and project.actions(job) == {}
    standing = project.engine.applied()[key]
    assert gcp.undeclare(standing.type, key, standing.arguments) == copied


@pytest.mark.long
def test_terraform_does_the_same(other_project):
    everything = within_google(other_project.environment)
    resources = [item for item in everything if item.kind in (ResourceKind.NETWORK, ResourceKind.LINK)]
    job = other_project.job(resources)
    runs = other_project.apply(job)
    assert {run.status for run in runs.values()} == {RunStatus.DONE}, runs
    assert other_project.actions(job) == {}
    assert {run.status for run in other_project.apply(other_project.job([])).values()} == {RunStatus.DONE}
    assert other_project.cloud.resources == {}


def test_a_lost_answer_is_taken_over_and_made_only_once(project):
    """The network was made and nobody was told: its name stands in the way of a second one, and leads to the first."""
    network = resource("bel/network", NetworkSpec(asn=64512))
    job = project.job([network])
    project.cloud.faults.append(Fault(match="POST .*/networks", lost=True))
    for told in ("EOF", "already exists"):
        failed = project.apply(job)["bel"]
        assert failed.status is RunStatus.FAILED and told in failed.message
    (path,) = project.cloud.find("networks")
    id = gcp.import_id("google_compute_network", {"id": path})
    run = project.apply(project.job([network], (Adoption(key=network.key, id=id),)))["bel"]
    assert run.status is RunStatus.DONE, run
    assert list(project.cloud.find("networks")) == [path] and len(project.cloud.find("subnetworks")) == 1
    assert project.actions(job) == {}


def test_a_rate_that_is_met_is_waited_out_and_a_quota_is_told(project):
    project.cloud.faults.append(Fault(match="POST .*/networks", status=429))
    project.cloud.quotas["europe-west1/STATIC_ADDRESSES"] = 0
    run = project.apply(project.job([resource("bel/network", NetworkSpec(asn=64512))]))["bel"]
    assert run.status is RunStatus.FAILED and "Quota 'STATIC_ADDRESSES' exceeded" in run.message
    assert len(project.cloud.find("networks")) == 1 and run.created > 5  # all but the address
    project.cloud.quotas["europe-west1/STATIC_ADDRESSES"] = 1
    assert project.apply(project.job([resource("bel/network", NetworkSpec(asn=64512))]))["bel"].created == 1


@pytest.mark.slow
def test_a_state_in_cloud_storage_is_locked_there(project, tmp_path, monkeypatch):
    """The bucket holds the state, and one run at a time: a lock that is there is told, with its name."""
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "anonymous")
    project.cloud.resources["b/states"] = {"name": "states", "_project": "prestage-test"}
    backend = Backend(kind=BackendKind.GCS, bucket="states", endpoint=project.url)
    place = StatePlace(backend=backend, environment=project.environment.name)
    project.engine = TerraformEngine(tmp_path / "remote", tmp_path / "estate.db", find_program(), place=place)
    job = project.job([resource("ost/network", NetworkSpec(asn=64512))])
    job = replace(job, roots={"ost": job.roots["ost"]})
    assert project.apply(job)["ost"].status is RunStatus.DONE
    assert "o/states/prestage/mixed/ost/default.tfstate" in project.cloud.resources
    assert not [path for path in project.cloud.resources if path.endswith(".tflock")]
    project.engine = TerraformEngine(tmp_path / "elsewhere", tmp_path / "estate.db", find_program(), place=place)
    assert project.actions(job) == {}  # another machine finds it

    lock = "o/states/prestage/mixed/ost/default.tflock"
    state = project.cloud.resources["o/states/prestage/mixed/ost/default.tfstate"]
    project.cloud.resources[lock] = {**state, "name": lock.removeprefix("o/states/")}
    with pytest.raises(ApplyBusy, match="root ost: its state is locked"):
        project.apply(replace(job, roots={"ost": ()}))
    assert project.cloud.find("networks")
