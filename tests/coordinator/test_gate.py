"""The gate: each refusal by its name, and nothing changed afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from contracts.engines import EngineName
from contracts.errors import AlteredDocument, NewerDocument
from contracts.exits import ExitCode
from contracts.files import read_document, write_document
from contracts.limits import Level
from contracts.plan import Plan
from contracts.ports import Silent
from contracts.resources import ComputeSpec
from contracts.review import Finding, Review
from coordinator.apply import apply_reviewed
from coordinator.errors import Denied, Refused
from coordinator.gate import check
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.review import make_review
from tests.coordinator.factory import peering
from tests.coordinator.world import (
    allow_destruction,
    apply_confirmed,
    changes_of,
    open_project,
    plan_review_apply,
    write_load,
)


@pytest.fixture
def ready(folder, hands):
    """A project with more load than it was planned for, and a reviewed plan for it."""
    write_load(folder, 1.5)
    with open_project(folder, hands) as project:
        make_review(project, make_plan(project).path)
        yield project


def path_of(project):
    return project.paths.plan


def rewrite(project, **changes: object) -> None:
    """Another plan in the file's place, sealed and reviewed as if it had been made so."""
    plan = read_document(Plan, path_of(project)).model_copy(update=changes)
    write_document(path_of(project), plan)
    make_review(project, path_of(project))


def edit_environment(project, old: str, new: str) -> None:
    file = project.paths.folder / "environments" / "dev.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def set_instances(project, key: str, instances: int) -> None:
    row = project.inventory.read("dev", key)
    project.inventory.update("dev", row.type, key, {**row.arguments, "instances": instances})


def test_a_reviewed_plan_goes_through(ready):
    gate = check(ready, path_of(ready), ready.clock())
    assert gate.plan.changes
    assert not gate.review.denied


def test_a_plan_edited_by_one_byte(ready):
    text = path_of(ready).read_bytes()
    for at in range(10, len(text), len(text) // 40):
        path_of(ready).write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises((AlteredDocument, NewerDocument)):
            check(ready, path_of(ready), ready.clock())
    path_of(ready).write_bytes(text)
    check(ready, path_of(ready), ready.clock())


def test_a_review_edited_by_hand(ready):
    file = ready.paths.review_of(path_of(ready))
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "findings": []}, indent=2))
    with pytest.raises(AlteredDocument, match="altered"):
        check(ready, path_of(ready), ready.clock())


def refused(project) -> Refused:
    with pytest.raises(Refused) as caught:
        apply_confirmed(project, path_of(project))
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.next_step
    assert len(project.journal.runs()) == 1
    return caught.value


def test_expired(ready):
    ready.clock.forward(24)
    assert refused(ready).what.startswith("expired at 2026-03-03T12:00")


def test_superseded(ready):
    stale = path_of(ready).with_name("later.json")
    outcome = make_plan(ready, stale)
    make_review(ready, stale)
    apply_confirmed(ready, outcome.path)
    rewrite(ready, made_at=ready.clock() - timedelta(minutes=1))
    with pytest.raises(Refused, match="superseded: another plan was applied since"):
        apply_confirmed(ready, path_of(ready))


def test_applying_the_same_plan_again_is_no_refusal(ready):
    first = apply_confirmed(ready, path_of(ready))
    again = apply_confirmed(ready, path_of(ready))
    assert first.complete
    assert {run.status.value for run in again.roots} == {"clean"}


def test_not_reviewed_at_all(ready):
    ready.paths.review_of(path_of(ready)).unlink()
    assert "not reviewed: there is no review" in str(refused(ready))


def test_a_review_of_another_plan(ready):
    file = ready.paths.review_of(path_of(ready))
    review = read_document(Review, file)
    write_document(file, review.model_copy(update={"plan": "sha256:other"}))
    assert "not reviewed: the review is of another plan" in str(refused(ready))


def test_policies_changed_since_the_review(ready, hands):
    edit_environment(ready, "headroom_quantile: 0.8", "headroom_quantile: 0.7")
    with open_project(ready.paths.folder, hands) as project:
        assert "not reviewed: the policies changed" in str(refused(project))


def test_a_review_that_comes_out_differently(ready):
    file = ready.paths.review_of(path_of(ready))
    review = read_document(Review, file)
    gone = Finding(rule="budget", level=Level.ADVISORY, resource="*", message="was told then")
    write_document(file, review.model_copy(update={"findings": (*review.findings, gone)}))
    assert "not reviewed: the review comes out differently" in str(refused(ready))


def test_denied(ready, hands):
    edit_environment(ready, "headroom_quantile: 0.8", "headroom_quantile: 0.8, budget_usd_per_hour: 0.01")
    with open_project(ready.paths.folder, hands) as project:
        assert make_review(project, path_of(project)).denied
        with pytest.raises(Denied, match="budget") as caught:
            apply_confirmed(project, path_of(project))
        assert caught.value.exit_code is ExitCode.DENIED


def test_frozen(ready, hands):
    file = ready.paths.folder / "environments" / "dev.yaml"
    window = "freezes: [{start: 2026-03-02T11:00:00Z, end: 2026-03-02T13:00:00Z, reason: year end}]\n"
    file.write_text(file.read_text() + window)
    with open_project(ready.paths.folder, hands) as project:
        assert "frozen until 2026-03-02T13:00+00:00: year end" in str(refused(project))
        hands.forward(1)
        assert apply_confirmed(project, path_of(project)).complete


def test_of_another_environment_or_engine(ready):
    rewrite(ready, environment="prod")
    assert "not for this environment: it is a plan of 'prod'" in str(refused(ready))
    rewrite(ready, environment="dev", engine=EngineName.PULUMI)
    assert "not for this engine: it was made for pulumi; terraform is in charge" in str(refused(ready))


def test_stale_when_what_it_changes_moved(ready):
    plan = read_document(Plan, path_of(ready))
    key = next(item.key for item in plan.changes if item.before and isinstance(item.before.spec, ComputeSpec))
    set_instances(ready, key, 31)
    found = str(refused(ready))
    assert "stale: " in found
    assert f"{key} was " in found
    assert "count 31" in found


def test_not_stale_when_something_else_moved(ready):
    plan = read_document(Plan, path_of(ready))
    touched = {item.key for item in plan.changes}
    other = next(r.key for r in ready.inventory.listing("dev") if r.type == "estate_alert" and r.key not in touched)
    row = ready.inventory.read("dev", other)
    ready.inventory.update("dev", row.type, other, {**row.arguments, "threshold": 0.5})
    assert apply_confirmed(ready, path_of(ready)).complete


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("s4: 0.184, m8: 0.368", "s4: 0.184, m8: 0.369", False),
        ("m8: 0.368, m16: 0.729", "m8: 0.468, m16: 0.929", True),
        ("count: 36, vcpu: 64", "count: 18, vcpu: 64", True),
        ("count: 36, vcpu: 64", "count: 36, vcpu: 65", False),
    ],
)
def test_stale_when_what_it_relies_on_moved_beyond_tolerance(ready, hands, old, new, stale):
    file = ready.paths.folder / "estate" / "inventory.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with open_project(ready.paths.folder, hands) as project:
        if stale:
            assert "tolerance 5%" in str(refused(project))
        else:
            assert apply_confirmed(project, path_of(project)).complete


def test_stale_when_it_would_destroy_what_was_handed_out_since(folder, hands):
    write_load(folder, 1.0)
    text = (folder / "environments" / "dev.yaml").read_text()
    (folder / "environments" / "dev.yaml").write_text(text.replace("max_units_per_place: 3", "max_units_per_place: 0"))
    with open_project(folder, hands) as project:
        outcome = make_plan(project)
        doomed = {item.key for item in changes_of(outcome) if item.operation == "delete"}
        make_review(project, outcome.path)
        decision = answer_peering(project, peering())
        assert set(decision.units) <= doomed
        with pytest.raises(Refused, match=r"stale: .*is active by acme"):
            apply_confirmed(project, outcome.path)
        assert set(decision.units) <= project.live_keys()


def test_grants_do_not_make_a_plan_stale(ready):
    answer_peering(ready, peering())
    assert apply_confirmed(ready, path_of(ready)).complete
    assert plan_review_apply(ready)[1].complete


@pytest.fixture
def shrinking(folder, hands):
    """A reviewed plan that destroys."""
    write_load(folder, 0.3)
    with open_project(folder, hands) as project:
        outcome = make_plan(project)
        make_review(project, outcome.path)
        assert isinstance(outcome.plan, Plan) and outcome.plan.destroyed >= 1
        yield project


@pytest.mark.parametrize("off_by", [None, -1, 1])
def test_what_a_plan_destroys_has_to_be_counted(shrinking, off_by):
    destroyed = read_document(Plan, path_of(shrinking)).destroyed
    confirmed = None if off_by is None else destroyed + off_by
    with pytest.raises(Refused, match=f"not confirmed: it destroys {destroyed} ") as caught:
        apply_reviewed(shrinking, path_of(shrinking), Silent(), confirmed=confirmed)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.next_step.endswith(f"--confirm-destroy {destroyed}")
    assert len(shrinking.journal.runs()) == 1
    assert apply_reviewed(shrinking, path_of(shrinking), Silent(), confirmed=destroyed).complete


@pytest.mark.parametrize("spare", [-1, 0])
def test_few_enough_need_no_count(shrinking, hands, spare):
    destroyed = read_document(Plan, path_of(shrinking)).destroyed
    allow_destruction(shrinking.paths.folder, destroyed + spare)
    with open_project(shrinking.paths.folder, hands) as project:
        if spare < 0:
            with pytest.raises(Refused, match=f"{destroyed - 1} need none"):
                apply_reviewed(project, path_of(project), Silent())
        else:
            assert apply_reviewed(project, path_of(project), Silent()).complete


def test_a_wrong_count_is_refused_even_where_none_is_needed(ready, hands):
    allow_destruction(ready.paths.folder)
    with open_project(ready.paths.folder, hands) as project, pytest.raises(Refused, match="99 were confirmed"):
        apply_reviewed(project, path_of(project), Silent(), confirmed=99)
