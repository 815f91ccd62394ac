"""The front door of what destroys: shown, counted, confirmed; on a terminal, in a pipeline, and under `pulumi up`."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from contracts.exits import ExitCode
from contracts.files import read_document
from contracts.plan import Plan
from coordinator.errors import Refused
from coordinator.gatekeeper import ProjectGatekeeper
from coordinator.plan import make_plan
from coordinator.review import make_review
from prestage.failures import run
from prestage.scope import Scope
from stacks.errors import CapacityExceeded
from tests.coordinator.world import open_project, write_load


@pytest.fixture
def at(folder, hands, monkeypatch):
    """The current folder is a project that was applied, its plan to come destroys."""
    write_load(folder, 0.3)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("prestage.projects.open_project", lambda scope: open_project(folder, hands))
    with open_project(folder, hands) as project:
        make_review(project, make_plan(project).path)
    return folder


@pytest.fixture
def typed(monkeypatch):
    """There is a terminal, and somebody types these lines."""

    def type_them(*lines):
        left = list(lines)
        monkeypatch.setattr(Scope, "interactive", property(lambda scope: True))
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda *_: left.pop(0))

    return type_them


def destroyed(folder):
    return read_document(Plan, folder / "plans" / "dev.json").destroyed


def live(folder, hands):
    with open_project(folder, hands) as project:
        return project.live_keys()


def test_a_pipeline_has_to_give_the_number(at, capsys):
    number = destroyed(at)
    assert run(["apply", "plans/dev.json", "--yes"]) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert f"not confirmed: it destroys {number} (" in told
    assert f"--yes --confirm-destroy {number}" in told
    assert run(["apply", "plans/dev.json", "--yes", "--confirm-destroy", str(number + 1)]) == ExitCode.REFUSED
    assert run(["apply", "plans/dev.json", "--yes", "--confirm-destroy", str(number)]) == 0


def test_by_its_variable(at, monkeypatch):
    monkeypatch.setenv("PRESTAGE_CONFIRM_DESTROY", str(destroyed(at)))
    assert run(["apply", "plans/dev.json", "--yes"]) == 0


def test_on_a_terminal_it_is_shown_first_and_asked_for(at, typed, capsys):
    number = destroyed(at)
    typed("y", str(number + 1))
    assert run(["apply", "plans/dev.json"]) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert told.index(f"destroys {number} resource") < told.index("USD/h")
    typed("y", str(number))
    assert run(["apply", "plans/dev.json"]) == 0


def test_destroy_shows_and_asks(folder, hands, at, typed, capsys):
    everything = live(folder, hands)
    assert run(["destroy"]) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert f"destroys {len(everything)} resources" in told and "ams--fra/link" in told
    assert f"next: look at it, then: prestage destroy --confirm {len(everything)}" in told
    typed(str(len(everything)))
    assert run(["destroy"]) == 0
    assert live(folder, hands) == frozenset()
    assert run(["destroy"]) == 0
    assert "nothing to destroy" in capsys.readouterr().err


def test_destroy_in_a_pipeline_prints_the_run(folder, hands, at, capsys):
    assert run(["destroy", "fra/alert/vcpu", "--confirm", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "prestage/run"
    assert "fra/alert/vcpu" not in live(folder, hands)
    assert run(["destroy", "fra/alert/vcpuu", "--confirm", "1"]) == ExitCode.ERROR


def test_the_way_back_by_one_command(folder, hands, at, capsys):
    before = live(folder, hands)
    with open_project(folder, hands) as project:
        first = project.journal.last_applied() or ""
    assert run(["apply", "plans/dev.json", "--yes", "--confirm-destroy", str(destroyed(at))]) == 0
    assert live(folder, hands) != before
    code = run(["apply", "--back-to", first, "--yes"])
    back = read_document(Plan, folder / "plans" / "dev.back.json")
    if back.destroyed:
        assert code == ExitCode.REFUSED
        code = run(["apply", "--back-to", first, "--yes", "--confirm-destroy", str(back.destroyed)])
    assert code == 0
    assert live(folder, hands) == before


@pytest.mark.parametrize("words", [[], ["plans/dev.json", "--back-to", "sha256:1"]])
def test_either_a_plan_or_the_way_back(at, words):
    assert run(["apply", *words, "--yes"]) == ExitCode.USAGE


def test_what_is_left_is_told_with_the_command_that_goes_on(folder, hands, at, monkeypatch, capsys):
    def refuse(point):
        if point.startswith("delete fra/"):
            raise CapacityExceeded("does not let go", where="fra")

    number = destroyed(at)
    monkeypatch.setattr("prestage.projects.open_project", lambda scope: open_project(folder, hands, refuse))
    again = ["apply", "plans/dev.json", "--yes", "--confirm-destroy", str(number)]
    assert run(again) == ExitCode.PARTIAL
    told = capsys.readouterr().err
    assert "1 are not: fra: " in told and "does not let go" in told
    assert f"next: mend the cause, then: prestage {' '.join(again)}" in told
    assert run(["destroy", "fra", "--confirm", "999"]) == ExitCode.REFUSED
    monkeypatch.setattr("prestage.projects.open_project", lambda scope: open_project(folder, hands))
    assert run(again) == 0


@pytest.fixture
def keeper(folder, hands, monkeypatch):
    """The gate of `pulumi up`, which holds the lock until its process ends."""
    opened = SimpleNamespace(open=lambda *_: open_project(folder, hands))
    monkeypatch.setattr("coordinator.gatekeeper.Project", opened)
    made = ProjectGatekeeper()
    yield made
    let_go(made)


def let_go(keeper):
    while keeper.held:
        keeper.held.pop().__exit__(None, None, None)


def test_pulumi_up_has_the_number_in_its_config(at, keeper):
    plan, number = at / "plans" / "dev.json", destroyed(at)
    with pytest.raises(Refused, match=f"destroys {number}") as caught:
        keeper.before(plan, dry_run=False, confirmed=None)
    assert caught.value.next_step == f"pulumi config set prestage:confirm-destroy {number}, then pulumi up"
    let_go(keeper)
    keeper.before(plan, dry_run=True, confirmed=None)  # a preview shows it without
    assert keeper.before(plan, dry_run=False, confirmed=number).plan.destroyed == number
