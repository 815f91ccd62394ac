"""`prestage adopt`: what it writes, prints and exits with; against clouds and an engine in memory."""

import json

import pytest

from contracts.adoption import AdoptionProposal
from contracts.environment import Environment
from contracts.exits import ExitCode
from contracts.files import read_document
from contracts.yaml_files import read_yaml_document
from prestage.failures import run
from stacks.clouds.cloud import CloudResource
from tests.coordinator.cloud_project import cloud_environment, write_cloud_project, write_environment
from tests.coordinator.observing_engine import ObservingEngine
from tests.stacks.clouds.fake_cloud import FakeCloud

ENVIRONMENT = cloud_environment("http://127.0.0.1:1", regions=("fra",))
VPC = CloudResource(
    type="aws_vpc", key="", id="vpc-1", place="fra", arguments={"id": "vpc-1", "cidr_block": "10.16.0.0/16"}
)
FOREIGN = CloudResource(
    type="aws_vpc", key="", id="vpc-2", place="fra", arguments={"id": "vpc-2", "cidr_block": "10.200.0.0/16"}
)


@pytest.fixture
def engine():
    return ObservingEngine(live={"vpc-1": {"cidr_block": "10.16.0.0/16", "enable_dns_hostnames": False}})


@pytest.fixture
def project(tmp_path, monkeypatch, engine):
    clouds = {"prod": FakeCloud(frozenset({"fra"}), {}, discovered=(VPC, FOREIGN))}
    monkeypatch.setattr("coordinator.propose.open_clouds", lambda environment: clouds)
    monkeypatch.setattr("coordinator.engines.open_engine", lambda environment, paths: engine)
    monkeypatch.chdir(write_cloud_project(tmp_path / "project", ENVIRONMENT))
    return tmp_path / "project"


def test_a_proposal_is_written_and_says_what_to_do_next(project, capsys):
    assert run(["adopt"]) == ExitCode.CHANGES
    told = capsys.readouterr().out
    assert "fra/network" in told and "vpc-1" in told
    assert "no place" in told and "10.200.0.0/16" in told
    assert "enable_dns_hostnames: false" in told
    assert "prestage adopt --env dev --apply plans/dev.adoption.json" in told
    proposal = read_document(AdoptionProposal, project / "plans" / "dev.adoption.json")
    assert [part.key for part in proposal.parts] == ["fra/network"]


def test_the_json_is_the_document(project, capsys):
    assert run(["adopt", "--json", "--out", "elsewhere.json"]) == ExitCode.CHANGES
    assert json.loads(capsys.readouterr().out) == json.loads((project / "elsewhere.json").read_text())


def test_the_lines_that_it_prints_are_what_the_environment_takes(project, capsys, engine):
    """The whole way: proposed, refused without the lines, written down as printed, taken in."""
    run(["adopt"])
    printed = capsys.readouterr().out
    lines = printed[printed.index("adopted:") : printed.index("next:")]
    assert run(["adopt", "--apply", "plans/dev.adoption.json", "--yes"]) == ExitCode.REFUSED
    assert "stay as found" in capsys.readouterr().err
    assert not engine.jobs
    environment = project / "environments" / "dev.yaml"
    environment.write_text(environment.read_text().replace("adopted: []\n", lines))
    assert read_yaml_document(Environment, environment).adopted[0].as_found["enable_dns_hostnames"] is False
    assert run(["adopt", "--apply", "plans/dev.adoption.json", "--yes"]) == ExitCode.CLEAN
    assert "applied" in capsys.readouterr().out
    assert engine.applied().keys() == {"fra/network"}


def test_a_proposal_of_which_a_byte_was_changed_is_refused(project, capsys, engine):
    run(["adopt"])
    path = project / "plans" / "dev.adoption.json"
    path.write_text(path.read_text().replace("vpc-1", "vpc-3"))
    write_environment(project, ENVIRONMENT)
    assert run(["adopt", "--apply", str(path), "--yes"]) == ExitCode.REFUSED
    assert "altered" in capsys.readouterr().err
    assert not engine.jobs


def test_nothing_is_taken_in_unasked(project, capsys):
    run(["adopt"])
    assert run(["adopt", "--apply", "plans/dev.adoption.json"]) == ExitCode.USAGE
    assert "--yes" in capsys.readouterr().err


def test_nothing_to_adopt_is_said(project, capsys, monkeypatch):
    monkeypatch.setattr("coordinator.propose.open_clouds", lambda environment: {})
    assert run(["adopt"]) == ExitCode.CLEAN
    assert "nothing to take in" in capsys.readouterr().out
