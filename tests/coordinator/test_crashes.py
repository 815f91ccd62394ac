"""Stopped at every point of the way, one after the other: the same call again, or `settle`, finishes or takes back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection

import pytest

from contracts.requests import Outcome, Requirements
from contracts.run import RunReport
from coordinator.drift import find_drift
from coordinator.errors import Refused
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.review import make_review
from coordinator.settle import settle
from stacks.errors import ApplyBusy, CapacityExceeded
from tests.coordinator.factory import peering
from tests.coordinator.world import apply_confirmed, changes_of, open_project, write_load
from tests.faults.request_world import open_pointed

LARGE = peering("r1", requirements=Requirements(vcpu=24, gbps=3, prefix_length=26))


class Stopped(BaseException):
    """As a kill: nothing in the product catches it."""


class StopAt:
    """Raises at the `due`-th point and remembers its name."""

    def __init__(self, due: int) -> None:
        self.due, self.passed, self.name = due, 0, ""

    def __call__(self, point: str) -> None:
        self.passed += 1
        if self.passed == self.due:
            self.name = point
            raise Stopped(point)


def every_point(folder, tmp_path, act: Callable[[Project], object], stride: int = 1):
    """Copies of a project in which `act` was stopped at its first, second, ... point, until it passes them all."""
    for due in range(1, 500, stride):
        copy = shutil.copytree(folder, tmp_path / f"stopped-{due}")
        stop = StopAt(due)
        project = open_pointed(copy, stop)
        try:
            act(project)
        except Stopped:
            yield stop.name, copy
        else:
            assert due > 5, "nothing was stopped"
            return
        finally:
            project.close()
        shutil.rmtree(copy)


def states(project) -> tuple[dict[str, tuple[str, str | None]], dict[str, tuple[str, str | None]]]:
    live = {row.key: (row.state, row.holder) for row in project.inventory.listing("dev")}
    booked = {unit.key: (unit.state.value, unit.holder) for unit in project.ledger.units()}
    return {key: live[key] for key in booked if key in live}, booked


def assert_in_order(project, point: str) -> None:
    mirrored, booked = states(project)
    assert mirrored == booked, point
    assert find_drift(project).found == (), point
    assert project.journal.open_runs() == (), point
    project.ledger.verify_audit()


@pytest.mark.fault
@pytest.mark.parametrize("request_", [LARGE, peering("r1")], ids=["on demand", "staged"])
def test_a_request_stopped_anywhere_is_answered_once_by_asking_again(folder, tmp_path, request_):
    with open_project(shutil.copytree(folder, tmp_path / "whole")) as project:
        expected = answer_peering(project, request_)
    for point, copy in every_point(folder, tmp_path, lambda project: answer_peering(project, request_)):
        with open_project(copy) as project:
            decision = answer_peering(project, request_)
            assert (decision.outcome, decision.units) == (expected.outcome, expected.units), point
            settle(project)
            assert_in_order(project, point)


@pytest.mark.fault
def test_settle_alone_finishes_what_was_begun(folder, tmp_path):
    finished = 0
    for point, copy in every_point(folder, tmp_path, lambda project: answer_peering(project, LARGE)):
        with open_project(copy) as project:
            finished += len(settle(project).finished)
            assert_in_order(project, point)
            on_demand = [key for key in project.live_keys() if "/granted/" in key]
            assert len(on_demand) in (0, 3), point
            again = settle(project)
            assert (again.finished, again.registered, again.followed) == ((), 0, 0), point
    assert finished


@pytest.mark.fault
def test_an_apply_stopped_anywhere_is_finished_by_the_same_command(folder, tmp_path):
    write_load(folder, 1.6)
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text().replace("max_units_per_place: 3", "max_units_per_place: 1"))
    with open_project(folder) as project:
        answer_peering(project, LARGE)
        project.inventory.delete("dev", "fra/alert/vcpu")
        outcome = make_plan(project)
        make_review(project, outcome.path)
        assert {"create", "delete", "update", "adopt"} <= {str(item.operation) for item in changes_of(outcome)}

    def act(project: Project) -> RunReport:
        return apply_confirmed(project, project.paths.plan)

    for point, copy in every_point(folder, tmp_path, act, stride=7):
        with open_project(copy) as project:
            assert act(project).complete, point
            assert_in_order(project, point)
            assert changes_of(make_plan(project)) == (), point


def test_what_the_engine_cannot_make_is_taken_back(folder):
    """Also what an earlier, killed attempt made and the engine never heard of."""

    def refuse(point: str) -> None:
        if point.startswith("create") and "/compute/" in point:
            raise CapacityExceeded("is full", where="fra")

    def stop(point: str) -> None:
        if point.startswith("create") and "/compute/" in point:
            raise Stopped

    with open_project(folder, at=stop) as project, pytest.raises(Stopped):
        answer_peering(project, LARGE)
    with open_project(folder, at=refuse) as project:
        assert [key for key in project.live_keys() if "/granted/" in key]
        assert project.engine.applied().keys() < project.live_keys()
        decision = answer_peering(project, LARGE)
        assert decision.outcome is Outcome.REFUSED
        assert [(item.kind, item.place) for item in decision.missing] == [("engine", "ondemand-r1")]
        assert not [key for key in project.live_keys() if "/granted/" in key]
        assert_in_order(project, "taken back")


def test_an_apply_that_fails_in_part_is_reported_and_resumed(folder):
    write_load(folder, 1.6)

    def refuse(point: str) -> None:
        if " fra/" in point:
            raise CapacityExceeded("is full", where="fra")

    with open_project(folder, at=refuse) as project:
        outcome = make_plan(project)
        make_review(project, outcome.path)
        report = apply_confirmed(project, outcome.path)
        assert not report.complete
        assert {run.root for run in report.roots if run.message} == {"fra"}
        assert len(settle(project).open_runs) == 1
    with open_project(folder) as project:
        report = apply_confirmed(project, outcome.path)
        assert (report.complete, report.resumed) == (True, True)
        assert changes_of(make_plan(project)) == ()


def test_a_unit_retired_for_an_apply_that_never_ran_is_staged_again(folder):
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text().replace("max_units_per_place: 3", "max_units_per_place: 0"))
    with open_project(folder) as project:
        before = project.ledger.view().units
        outcome = make_plan(project)
        project.ledger.retire([item.key for item in changes_of(outcome)])
        settle(project)
        assert project.ledger.view().units == before


def test_a_locked_estate_says_who_and_since_when(project, folder):
    outcome = make_plan(project)
    make_review(project, outcome.path)
    with project.lock("prestage apply elsewhere.json"), open_project(folder) as other:
        for act in (lambda: apply_confirmed(other, outcome.path), lambda: settle(other)):
            with pytest.raises(ApplyBusy, match=r"`prestage apply elsewhere.json` by .* since 2026-03-02T12:00"):
                act()
        assert answer_peering(other, peering()).outcome is Outcome.STAGED


class GrantFirst:
    """In `Ledger.retire`'s place: somebody is faster."""

    def __init__(self, project: Project) -> None:
        self.project, self.retire = project, project.ledger.retire

    def __call__(self, keys: Collection[str]) -> None:
        answer_peering(self.project, peering())
        self.retire(keys)


def test_a_unit_granted_between_gate_and_apply_is_never_destroyed(folder, monkeypatch):
    """The last moment: the gate said yes, and the ledger says no."""
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text().replace("max_units_per_place: 3", "max_units_per_place: 0"))
    with open_project(folder) as project:
        outcome = make_plan(project)
        make_review(project, outcome.path)
        monkeypatch.setattr(project.ledger, "retire", GrantFirst(project))
        with pytest.raises(Refused, match=r"stale: .* is active by acme"):
            apply_confirmed(project, outcome.path)
        assert len(project.journal.runs()) == 1
