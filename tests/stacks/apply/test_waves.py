"""Regions in an order: a health check between, a pause when something is wrong, and on from there."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.engines import Rollout
from contracts.environment import Environment, RegionSettings
from contracts.exits import ExitCode
from contracts.plan import Operation
from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.apply import apply_plan, incomplete, make_order
from stacks.engines.engine import Adoption, Job
from stacks.engines.fake import FakeEngine
from stacks.journal import Journal
from stacks.waves import check_health, waves_of
from tests.stacks.apply.test_apply import CIRCUIT, change, network, plan

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
REGIONS = ("ams", "chi", "fra", "lon")
RESUME = "prestage apply plans/dev.json"
TELLS = 'import os, sys; open("asked", "a").write(os.environ["PRESTAGE_WAVE"] + "\\n")'


def rollout(*waves, check=(), seconds=20.0):
    return Rollout(waves=waves, health_check=check, health_seconds=seconds)


def environment(rolled):
    return Environment(name="dev", regions=tuple(RegionSettings(name=name) for name in REGIONS), rollout=rolled)


def order_of(rolled, folder, *, resources=None, changes=()):
    wanted = resources or [*(network(name) for name in REGIONS), CIRCUIT]
    return make_order(plan(*wanted, changes=changes), environment(rolled), resume=RESUME, folder=folder)


def applied_roots(engine):
    return [sorted(job.roots) for job in engine.jobs]


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.db")


def run(order, engine, journal):
    return apply_plan(order, engine, journal, lambda: NOW, Silent())


def python(code):
    return (sys.executable, "-c", code)


def test_without_waves_it_is_one_job(tmp_path, journal):
    engine = FakeEngine()
    assert run(order_of(Rollout(), tmp_path), engine, journal).complete
    assert len(engine.jobs) == 1


def test_wave_by_wave_then_the_others_then_links(tmp_path, journal):
    engine = FakeEngine()
    rolled = rollout(("fra",), ("ams", "lon"), check=python(TELLS))
    report = run(order_of(rolled, tmp_path), engine, journal)
    assert report.complete
    assert applied_roots(engine) == [["fra"], ["ams", "lon"], ["chi"], ["links"]]
    assert (tmp_path / "asked").read_text().split() == ["fra", "ams,lon"]
    assert [item.root for item in report.roots] == [*REGIONS, "links"]


def test_a_wave_that_is_not_healthy_pauses_and_the_same_command_goes_on(tmp_path, journal):
    (tmp_path / "sick").touch()
    ill = 'import os, sys; print("latency 900 ms"); sys.exit(3 if os.path.exists("sick") else 0)'
    order = order_of(rollout(("fra",), ("ams",), check=python(ill)), tmp_path)
    engine = FakeEngine()
    report = run(order, engine, journal)
    assert applied_roots(engine) == [["fra"]]
    ended = {item.root: item.status for item in report.roots}
    assert ended.pop("fra") is RunStatus.DONE
    assert set(ended.values()) == {RunStatus.NOT_STARTED}
    told = incomplete(report, resume=RESUME)
    assert told is not None and told.exit_code is ExitCode.PARTIAL
    assert "ams: not started: the health check after fra ended with 3: latency 900 ms" in told.what
    assert told.next_step.endswith(RESUME)
    assert {item.root: item.status for item in journal.open_runs()[0].roots}["fra"] is RunStatus.DONE
    (tmp_path / "sick").unlink()
    again = run(order, engine, journal)
    assert (again.complete, again.resumed) == (True, True)
    assert applied_roots(engine) == [["fra"], ["fra"], ["ams"], ["chi", "lon"], ["links"]]


def test_a_root_that_fails_pauses_too(tmp_path, journal):
    engine = FakeEngine(failing={"fra": "no capacity"})
    report = run(order_of(rollout(("ams", "fra"), ("lon",), check=python(TELLS)), tmp_path), engine, journal)
    ended = {item.root: (item.status, item.message) for item in report.roots}
    assert ended["ams"][0] is RunStatus.DONE
    assert ended["fra"] == (RunStatus.FAILED, "no capacity")
    assert ended["lon"] == (RunStatus.NOT_STARTED, "not started: fra failed in the wave before")
    assert not (tmp_path / "asked").exists()


def test_links_that_go_away_go_before_the_first_wave(tmp_path, journal):
    engine = FakeEngine()
    assert run(order_of(Rollout(), tmp_path), engine, journal).complete
    engine.jobs.clear()
    gone = order_of(
        rollout(("fra",)),
        tmp_path,
        resources=[network(name) for name in REGIONS],
        changes=[change(Operation.DELETE, CIRCUIT)],
    )
    report = run(gone, engine, journal)
    assert report.complete
    assert applied_roots(engine) == [["links"], ["fra"], ["ams", "chi", "lon"], ["links"]]
    assert next(item for item in report.roots if item.root == "links").deleted == 1


def test_an_adoption_goes_with_its_wave_and_its_root_is_dropped_last():
    items = {"ams": (), "fra": order_of(Rollout(), None).job.roots["fra"], "links": ()}
    job = Job(
        environment="dev",
        roots=items,
        adopt=(Adoption(key="fra/network", from_root="ondemand-r1"),),
        drop=("ondemand-r1",),
    )
    waves = waves_of(job, rollout(("fra",)), {})
    assert [(len(wave.job.adopt), wave.job.drop) for wave in waves] == [(1, ()), (0, ()), (0, ("ondemand-r1",))]


@pytest.mark.parametrize(
    ("program", "seconds", "told"),
    [
        (python("pass"), 20, ""),
        (python("raise SystemExit(1)"), 20, "the health check after fra ended with 1: it said nothing"),
        (("no-such-program-here",), 20, "cannot be run"),
        (python("import time; time.sleep(30)"), 0.3, "has not ended within 0.3 s"),
    ],
)
def test_what_a_health_check_comes_to(tmp_path, program, seconds, told):
    found = check_health(rollout(("fra",), check=program, seconds=seconds), tmp_path, ("fra",), Silent())
    assert told in found and bool(found) is bool(told)


def test_a_health_check_leaves_nothing_running(tmp_path):
    """What it started in the background ends with it."""
    left = 'subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)'
    leaves = f"import subprocess; print({left}.pid); raise SystemExit(1)"
    found = check_health(rollout(("fra",), check=python(leaves)), tmp_path, ("fra",), Silent())
    pid = int(found.rpartition(" ")[2])
    for _ in range(200):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    raise AssertionError("it lives")
