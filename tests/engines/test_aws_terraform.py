"""hashicorp/aws itself, by OpenTofu and by Terraform, over moto: three regions in two accounts, and what goes wrong.

One life of an environment is one test: each command of the engine starts the real provider, which takes a second.
"""

import os
import signal
import threading
from pathlib import Path

import boto3
import pytest

from contracts.engines import Backend, BackendKind
from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.declaration import SecretRef
from stacks.engines.engine import Action, Adoption
from stacks.errors import ApplyBusy, CredentialsMissing, SecretMissing
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import aws_environ, moto_server
from tests.engines.terraform_aws_project import AwsProject, aws_project, link_of, region_of
from tests.engines.terraform_project import other_programs, tofu_missing

pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())]


@pytest.fixture(scope="module")
def moto():
    with moto_server() as url:
        yield url


@pytest.fixture(autouse=True)
def caller(tmp_path, monkeypatch, moto):
    """Whoever applies: with credentials that moto takes, and a mirror of providers."""
    wanted = aws_environ() | {"TF_CLI_CONFIG_FILE": str(cli_config(tmp_path, aws_mirror())), "AWS_ENDPOINT_URL": moto}
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)


def actions(preview):
    return {key: action for root in preview.roots for key, action in root.actions.items()}


def at(view, *path):
    """What a view says at a path."""
    for name in path:
        view = view[name]
    return view


def statuses(outcomes):
    return {item.root: item.status for item in outcomes}


@pytest.mark.slow
def test_a_life_in_three_regions_of_two_accounts(tmp_path, moto):
    """`fra` in a root of its own; `links` makes the networks of the other two, and joins them with it."""
    project = aws_project(tmp_path, moto)
    fra = region_of("fra")
    links = [*link_of("fra", "dub", root="links"), *link_of("fra", "ohio", root="links")]
    links += [item for name in ("dub", "ohio") for item in region_of(name, root="links")[:1]]
    _links_are_shown_before_their_region_is_there(project, links)

    outcomes = project.engine.apply(project.job(*links, *fra), Silent())
    assert statuses(outcomes) == dict.fromkeys(("links", "fra"), RunStatus.DONE), outcomes
    assert sum(item.created for item in outcomes) == len(fra) + len(links)
    applied = project.engine.applied()
    assert {key: item.root for key, item in applied.items()} == {item.key: item.root for item in (*fra, *links)}
    for region in ("fra", "dub", "ohio"):
        assert applied[f"{region}/network"].id == project.tagged(region, "vpc")[f"{region}/network"]
    peering = applied["fra--ohio/link"].arguments
    assert (peering["vpc_id"], peering["peer_vpc_id"]) == (applied["fra/network"].id, applied["ohio/network"].id)
    assert project.engine.preview(project.job(*links, *fra), Silent()).clean

    _what_changed_behind_its_back_is_seen_and_put_right(project)
    gone = project.engine.apply(project.job(roots=["fra", "links"]), Silent())
    assert {item.root: item.deleted for item in gone} == {"fra": len(fra), "links": len(links)}, gone
    assert project.engine.applied() == {}
    assert project.vpcs("fra") == project.vpcs("dub") == project.vpcs("ohio") == set()


def _links_are_shown_before_their_region_is_there(project: AwsProject, links):
    shown = project.engine.preview(project.job(*links), Silent())
    assert actions(shown) == {item.key: Action.CREATE for item in links}
    text = shown.roots[0].text
    assert "+ vpc_id        = (known after apply)" in text
    assert f"Plan: {len(links)} to add, 0 to change" in text and "known_after_apply" not in text
    (waiting,) = project.engine.apply(project.job(*link_of("fra", "ohio")), Silent())
    assert waiting.status is RunStatus.NOT_STARTED and waiting.created == 0
    assert (
        "waits for id of fra/network (root fra), id of ohio/network (root ohio); next: mend that root"
        in waiting.message
    )


def _what_changed_behind_its_back_is_seen_and_put_right(project: AwsProject):
    """A gateway gone, a subnet's name changed, and all names wanted otherwise."""
    ec2, ids = project.ec2("fra"), project.engine.applied()
    gateway = ids["fra/network/gateway"].id
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=ids["fra/network"].id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.create_tags(Resources=[ids["fra/network/subnet-a"].id], Tags=[{"Key": "Name", "Value": "theirs"}])
    state = (project.folder / "roots" / "fra" / "terraform.tfstate").read_bytes()
    job = project.job(*(item for item in region_of("fra", tag="two") if item.key != "fra/network/address"))
    seen = {item.key: item for item in project.engine.observe(job, Silent())}
    assert (project.folder / "roots" / "fra" / "terraform.tfstate").read_bytes() == state
    assert {key: item.action for key, item in seen.items()} == {
        "fra/network": Action.UPDATE,
        "fra/network/address": Action.DELETE,
        "fra/network/gateway": Action.CREATE,
        "fra/network/guard": Action.UPDATE,
        "fra/network/subnet-a": Action.UPDATE,
    }
    subnet, removed, undeclared = (seen[f"fra/network/{name}"] for name in ("subnet-a", "gateway", "address"))
    assert [at(view, "tags", "Name") for view in (subnet.last, subnet.live, subnet.wanted)] == ["one", "theirs", "two"]
    assert {name for name in at(subnet.last) if at(subnet.last, name) != at(subnet.live, name)} == {"tags", "tags_all"}
    assert at(removed.last, "id") == gateway and removed.live is None and at(removed.wanted, "tags", "Name") == "two"
    assert undeclared.live == undeclared.last and undeclared.wanted is None

    (outcome,) = project.engine.apply(project.job(*region_of("fra", tag="two")), Silent())
    assert (outcome.status, outcome.created, outcome.updated, outcome.deleted) == (RunStatus.DONE, 1, 4, 0), outcome
    assert set(project.tagged("fra", "internet-gateway")) == {"fra/network/gateway"}


@pytest.mark.slow
def test_terraform_takes_in_what_exists_and_keeps_its_state_in_a_bucket(tmp_path, moto):
    program = other_programs()["terraform"]
    if program is None:
        pytest.skip("terraform is not installed")
    s3 = boto3.client("s3", region_name="eu-west-1")
    s3.create_bucket(Bucket="states", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    backend = Backend(kind=BackendKind.S3, bucket="states", location="eu-west-1", endpoint=moto)
    project = aws_project(tmp_path, moto, program, backend)
    vpc = next(item for item in region_of("dub") if item.type == "aws_vpc")
    id = project.made_by_hand("dub", vpc)
    job = project.job(vpc, adopt=[Adoption(key=vpc.key, id=id)])
    (outcome,) = project.engine.apply(job, Silent())
    assert (outcome.status, outcome.created, outcome.updated) == (RunStatus.DONE, 0, 0), outcome
    assert set(project.tagged("dub", "vpc").values()) == {id}
    names = [item["Key"] for item in s3.list_objects_v2(Bucket="states")["Contents"]]
    assert names == ["prestage/dev/dub.tfstate"] and not (tmp_path / "roots" / "dub" / "terraform.tfstate").exists()

    elsewhere = aws_project(tmp_path / "elsewhere", moto, program, backend)
    assert {key: item.id for key, item in elsewhere.engine.applied().items()} == {vpc.key: id}
    lock = '{"ID":"0b5e","Operation":"OperationTypeApply","Who":"ann@host","Created":"2026-11-20T12:00:00Z"}'
    s3.put_object(Bucket="states", Key="prestage/dev/dub.tfstate.tflock", Body=lock.encode())
    with pytest.raises(ApplyBusy, match=r"is locked by ann@host.*\(lock 0b5e\)") as busy:
        project.engine.apply(job, Silent())
    assert "force-unlock 0b5e" in busy.value.next_step


class Killer:
    """A progress that ends the provider once the first resource is there."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.killed = folder, threading.Event()

    def start(self, step, total=None):
        pass

    def advance(self, step, done, detail=""):
        if not self.killed.is_set():
            self.killed.set()
            for pid in _providers(self._folder):
                os.kill(pid, signal.SIGKILL)

    def finish(self, step, detail=""):
        pass


def _providers(folder: Path) -> list[int]:
    """Processes of the provider that work in a root below this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder) in str((entry / "cwd").readlink()):
                found += [int(entry.name)] if b"terraform-provider-aws" in (entry / "cmdline").read_bytes() else []
        except OSError:
            continue
    return found


def test_a_provider_that_dies_is_told_and_what_was_done_is_kept(tmp_path, moto):
    project = aws_project(tmp_path, moto)
    killer = Killer(tmp_path)
    wanted = region_of("ohio")
    (outcome,) = project.engine.apply(project.job(*wanted), killer)
    assert killer.killed.is_set() and outcome.status is RunStatus.FAILED
    assert "next: repeat the command: what the provider had under way" in outcome.message
    assert 1 <= outcome.created < len(wanted)
    assert len(project.engine.applied()) >= outcome.created


def test_without_credentials_it_says_so(tmp_path, moto, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    project = aws_project(tmp_path, moto)
    with pytest.raises(CredentialsMissing, match="No valid credential sources found") as missing:
        project.engine.apply(project.job(*region_of("fra")[:1]), Silent())
    assert "aws sso login" in missing.value.next_step


def test_a_secret_that_nobody_supplies_is_named_before_anything_starts(tmp_path, moto):
    project = aws_project(tmp_path, moto)
    (vpc, *_) = region_of("fra")
    secret = type(vpc)(
        type="aws_x", key="fra/x", root="fra", arguments={"psk": SecretRef(name="fra-psk")}, provider="fra"
    )
    with pytest.raises(SecretMissing, match="TF_VAR_fra_psk"):
        project.engine.preview(project.job(vpc, secret), Silent())
    assert not (tmp_path / "roots").exists()
