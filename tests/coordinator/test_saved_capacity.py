"""Plans of a saved capacity snapshot: the same as of what is live; refused when it is old, altered or empty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.capacity import CapacitySnapshot, Reading
from contracts.errors import AlteredDocument, DocumentError, MalformedDocument
from contracts.exits import ExitCode
from contracts.files import write_document
from contracts.plan import Plan
from contracts.what_if import WhatIf
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.what_if import ask
from planner.errors import CapacityTooOld, InputsDisagree
from prestage.failures import run
from tests.coordinator.factory import Hands
from tests.coordinator.world import open_project, plan_review_apply, write_project

AN_HOUR = "capacity: {max_age_minutes: 60}\n"


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def project(tmp_path: Path, clock: Hands) -> Iterator[Project]:
    with open_project(write_project(tmp_path, extra=AN_HOUR), clock) as opened:
        yield opened


def saved(project: Project, **update: object) -> Path:
    path = project.paths.folder / "capacity.json"
    write_document(path, project.estate().model_copy(update=update))
    return path


def planned(project: Project, path: Path | None) -> Plan:
    outcome = make_plan(project, saved=path)
    assert isinstance(outcome.plan, Plan)
    return outcome.plan


def test_it_gives_the_plan_that_what_is_live_gives(project: Project) -> None:
    assert planned(project, saved(project)) == planned(project, None)
    plan_review_apply(project)
    assert planned(project, saved(project)) == planned(project, None)


def test_no_cloud_is_asked_and_drift_is_not_looked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("what is live was asked")

    path = saved(project)
    for name in ("coordinator.plan.look", "coordinator.plan.three_views", "coordinator.project.read_now"):
        monkeypatch.setattr(name, asked)
    outcome = make_plan(project, saved=path)
    assert outcome.drift.differences == () and outcome.exit_code is ExitCode.CHANGES
    assert ask(project, WhatIf(demand=1.1), path).comparison is not None


def test_what_is_older_than_allowed_makes_no_plan(project: Project, clock: Hands) -> None:
    path = saved(project)
    clock.forward(1)
    assert planned(project, path)
    clock.now += timedelta(minutes=1)
    for refused in (lambda: make_plan(project, saved=path), lambda: ask(project, WhatIf(), path)):
        with pytest.raises(CapacityTooOld) as told:
            refused()
        assert told.value.exit_code is ExitCode.REFUSED
        assert told.value.what == "the snapshot was read at 2026-03-02T12:00+00:00, 61 min before this plan"
        assert told.value.expected == "at most 60 min are allowed (capacity.max_age_minutes)"
        assert told.value.next_step.startswith("prestage capacity --env dev --json")
    assert planned(project, None)  # what is live is never old


def test_the_command_ends_with_6_and_says_why(
    project: Project, clock: Hands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("prestage.projects.open_project", lambda scope: open_project(project.paths.folder, clock))
    path = saved(project)
    assert run(["plan", "--project", str(project.paths.folder), "--capacity", str(path)]) == ExitCode.CHANGES
    clock.forward(2)
    assert run(["plan", "--project", str(project.paths.folder), "--capacity", str(path)]) == ExitCode.REFUSED
    assert "capacity: the snapshot was read at 2026-03-02T12:00+00:00, 2 h before this plan" in capsys.readouterr().err
    assert run(["plan", "--capacity", "c.json", "compare", "a.json", "b.json"]) == ExitCode.USAGE


def test_a_snapshot_of_a_time_to_come_is_of_a_wrong_clock(project: Project, clock: Hands) -> None:
    path = saved(project)
    clock.now -= timedelta(minutes=5)
    assert planned(project, path)
    clock.now -= timedelta(minutes=1)
    with pytest.raises(CapacityTooOld, match="6 min after this plan"):
        make_plan(project, saved=path)


def test_a_file_that_is_none_of_it_is_told(project: Project) -> None:
    path = saved(project)
    text = path.read_text()
    path.write_text(text.replace('"readable": true', '"readable": false', 1))
    with pytest.raises(AlteredDocument):
        make_plan(project, saved=path)
    for broken in ("", "{}", text[: len(text) // 2], text.replace("prestage/capacity", "prestage/plan")):
        path.write_text(broken)
        with pytest.raises(DocumentError) as told:
            make_plan(project, saved=path)
        assert told.value.where == str(path)
    with pytest.raises(MalformedDocument, match="no such file"):
        make_plan(project, saved=path.with_name("nowhere.json"))


def test_one_of_another_environment_is_refused(project: Project) -> None:
    with pytest.raises(InputsDisagree, match="is of environment 'prod'"):
        make_plan(project, saved=saved(project, environment="prod"))


def test_where_no_region_could_be_read_there_is_no_plan(project: Project) -> None:
    path = saved(project, **unread(project.estate(), *(region.name for region in project.environment.regions)))
    with pytest.raises(MalformedDocument, match=r"no region of dev could be read when it was saved \(ams: no answer"):
        make_plan(project, saved=path)


def test_a_region_that_could_not_be_read_stays_as_it_is(project: Project) -> None:
    plan_review_apply(project)
    plan = planned(project, saved(project, **unread(project.estate(), "fra")))
    assert [(item.region, item.why) for item in plan.unread] == [("fra", "no answer")]
    assert not [change.key for change in plan.changes if "fra" in change.place]


def unread(snapshot: CapacitySnapshot, *regions: str) -> dict[str, object]:
    facts = (item.model_copy(update={"readable": item.region not in regions}) for item in snapshot.regions)
    readings = tuple(Reading(region=region, failed="no answer") for region in regions)
    return {"regions": tuple(facts), "readings": readings}
