"""The journal: intent before, outcome after, resumed and never rewritten."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from contracts.run import RootRun, RunStatus
from stacks.errors import JournalAltered, StacksError
from stacks.journal import Intent, Journal

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "state" / "journal.db")


def intent(plan="sha256:a", *, small=False, **roots):
    return Intent(plan=plan, small=small, engine="terraform", roots=roots or {"fra": "sha256:1", "links": "sha256:2"})


def done(root, **numbers):
    return RootRun(root=root, status=RunStatus.DONE, **numbers)


def test_a_run_is_open_from_its_intent_to_its_outcome(journal):
    run = journal.begin(intent(), NOW)
    assert [found.id for found in journal.open_runs()] == [run.id]
    assert {root.root: root.status for root in run.roots} == dict.fromkeys(("fra", "links"), RunStatus.NOT_STARTED)
    journal.finish(run.id, RunStatus.DONE, (done("fra", created=3, seconds=1.5), done("links")), LATER)
    assert journal.open_runs() == ()
    (found,) = journal.runs()
    assert (found.status, found.finished_at, found.roots[0].created) == (RunStatus.DONE, LATER, 3)


def test_last_applied_is_the_latest_complete_plan(journal):
    assert journal.last_applied() is None
    for plan, status in (("sha256:a", RunStatus.DONE), ("sha256:b", RunStatus.CLEAN), ("sha256:c", RunStatus.FAILED)):
        run = journal.begin(intent(plan), NOW)
        journal.finish(run.id, status, (), LATER)
    assert journal.last_applied() == "sha256:b"


def test_small_plans_take_no_part_in_the_chain(journal):
    journal.finish(journal.begin(intent("sha256:a"), NOW).id, RunStatus.DONE, (), NOW)
    small = journal.begin(intent("sha256:s", small=True, **{"ondemand-1": "sha256:9"}), NOW)
    journal.finish(small.id, RunStatus.DONE, (), LATER)
    assert journal.last_applied() == "sha256:a"


def test_the_same_plan_resumes_its_open_run(journal):
    first = journal.begin(intent(), NOW)
    journal.record(first.id, (done("fra"),))
    again = journal.begin(intent(), LATER)
    assert (again.id, again.resumed, again.started_at) == (first.id, True, NOW)
    assert {root.root: root.status for root in again.roots} == {"fra": RunStatus.DONE, "links": RunStatus.NOT_STARTED}


@pytest.mark.parametrize("roots", [{"fra": "sha256:other", "links": "sha256:2"}, {"links": "sha256:2"}])
def test_a_finished_root_may_not_be_declared_otherwise(journal, roots):
    run = journal.begin(intent(), NOW)
    journal.record(run.id, (done("fra"),))
    with pytest.raises(JournalAltered, match=r"root fra .* was finished as sha256:1"):
        journal.begin(intent(**roots), LATER)
    assert journal.runs()[0].attempts == 1  # nothing half written


def test_an_unfinished_root_may(journal):
    journal.begin(intent(), NOW)
    assert journal.begin(intent(fra="sha256:other", links="sha256:2"), LATER).resumed


def test_another_plan_over_the_same_roots_closes_the_open_run(journal):
    killed = journal.begin(intent(), NOW)
    small = journal.begin(intent("sha256:s", small=True, **{"ondemand-1": "sha256:9"}), NOW)
    assert {run.id for run in journal.open_runs()} == {killed.id, small.id}
    journal.begin(intent("sha256:b"), LATER)
    assert {run.plan for run in journal.open_runs()} == {"sha256:s", "sha256:b"}
    assert journal.runs()[-1].status is RunStatus.INTERRUPTED


def test_a_failed_run_stays_open_and_an_abandoned_one_does_not(journal):
    run = journal.begin(intent(), NOW)
    journal.finish(run.id, RunStatus.FAILED, (RootRun(root="fra", status=RunStatus.FAILED, message="no room"),), LATER)
    assert journal.open_runs()[0].roots[0].message == "no room"
    journal.abandon(run.id, LATER)
    assert journal.open_runs() == () and journal.last_applied() is None


def test_it_survives_reopening(journal, tmp_path):
    run = journal.begin(intent(), NOW)
    assert Journal(tmp_path / "state" / "journal.db").open_runs()[0].id == run.id


def test_a_file_that_is_no_journal_is_said(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(StacksError, match="journal cannot be used") as caught:
        Journal(path)
    assert str(path) in str(caught.value)


def test_a_full_disk_leaves_the_journal_as_it_was(journal, monkeypatch):
    run = journal.begin(intent(), NOW)
    connect = journal._connect

    def small_disk():
        database = connect()
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    monkeypatch.setattr(journal, "_connect", small_disk)
    message = "x" * 200_000
    with pytest.raises(StacksError, match="full"):
        journal.record(run.id, (RootRun(root="fra", status=RunStatus.FAILED, message=message),))
    monkeypatch.undo()
    assert journal.open_runs()[0].roots[0].status is RunStatus.NOT_STARTED


def test_commits_are_durable(journal):
    database = journal._connect()
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert isinstance(database, sqlite3.Connection)
    database.close()
