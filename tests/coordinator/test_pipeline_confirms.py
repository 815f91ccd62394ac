"""The pipeline of a new project: which of its jobs run when, and that what destroys waits for a count."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import yaml

from contracts.exits import ExitCode
from contracts.files import read_document
from contracts.plan import Plan
from coordinator.plan import make_plan
from coordinator.review import make_review
from prestage.failures import run
from prestage.scaffold import project_files
from tests.coordinator.world import open_project, write_load

FILES = project_files("my-network", now=datetime(2026, 11, 21, tzinfo=UTC))
WORKFLOW = yaml.safe_load(FILES[".github/workflows/prestage.yml"])
MAIN, BRANCH = "refs/heads/main", "refs/heads/prestage/dev"


def holds(condition: str, github: SimpleNamespace, inputs: SimpleNamespace) -> bool:
    """An expression of GitHub Actions, as far as the template writes them: and, or, not, equal."""
    python = condition.replace("&&", " and ").replace("||", " or ")
    return bool(eval(re.sub(r"!(?!=)", " not ", python), {}, {"github": github, "inputs": inputs}))


@pytest.mark.parametrize(
    ("event", "ref", "confirmed", "jobs"),
    [
        ("schedule", MAIN, "", {"propose"}),
        ("workflow_dispatch", MAIN, "", {"propose"}),
        ("pull_request", BRANCH, "", {"review"}),
        ("push", MAIN, "", {"apply"}),
        ("workflow_dispatch", MAIN, "3", {"apply"}),
        ("workflow_dispatch", BRANCH, "3", set()),  # what was not merged is not approved
    ],
)
def test_which_jobs_run_when(event, ref, confirmed, jobs):
    github, inputs = SimpleNamespace(event_name=event, ref=ref), SimpleNamespace(confirm_destroy=confirmed)
    assert {name for name, job in WORKFLOW["jobs"].items() if holds(job["if"], github, inputs)} == jobs


@pytest.fixture
def destroying(folder, hands, monkeypatch):
    """The current folder is a project whose merged plan destroys something; how many resources."""
    write_load(folder, 0.3)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("prestage.projects.open_project", lambda scope: open_project(folder, hands))
    with open_project(folder, hands) as project:
        make_review(project, make_plan(project).path)
    return read_document(Plan, folder / WORKFLOW["env"]["PLAN"]).destroyed


def apply_job(monkeypatch, confirmed: str) -> int:
    """What the job's step runs, with what the workflow gives it."""
    (step,) = (step for step in WORKFLOW["jobs"]["apply"]["steps"] if "run" in step)
    for name, value in step["env"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\{ *inputs\.confirm_destroy *\}\}", confirmed, value))
    program, *words = shlex.split(step["run"].replace("$PLAN", WORKFLOW["env"]["PLAN"]))
    assert program == "prestage"
    return run(words)


def test_what_destroys_waits_for_the_count(destroying, monkeypatch, capsys):
    assert "confirm_destroy" in WORKFLOW[True]["workflow_dispatch"]["inputs"]  # YAML reads `on` as a truth
    assert destroying > 0
    assert apply_job(monkeypatch, "") == ExitCode.REFUSED  # as on a push
    assert f"destroys {destroying} (" in capsys.readouterr().err
    assert apply_job(monkeypatch, str(destroying + 1)) == ExitCode.REFUSED
    assert apply_job(monkeypatch, str(destroying)) == 0
