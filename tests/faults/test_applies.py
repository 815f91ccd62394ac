"""Applies that die, are stopped, meet one another, or find the disk full: the same command goes on from there."""

from __future__ import annotations

import random
import shutil
import signal
import time

import pytest

from contracts.engines import EngineName
from contracts.exits import ExitCode
from prestage.failures import INTERRUPTED
from stacks.lock import lock_is_held
from tests.engines.pulumi_project import pulumi_missing
from tests.engines.terraform_project import tofu_missing
from tests.faults.apply_campaign import creations, outliving, run_seed, start_child, wrongs
from tests.faults.apply_world import LATER, open_project, prepare, prepare_first

pytestmark = [pytest.mark.fault, pytest.mark.engine, pytest.mark.slow]
needs_tofu = pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing())
needs_pulumi = pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing())


@pytest.fixture(scope="module")
def situations(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("terraform"), EngineName.TERRAFORM)


def wrong_after(folder, before, between):
    with open_project(folder) as project:
        return list(wrongs(project, before, between))


@needs_tofu
def test_the_plans_hold_every_kind_of_change(situations):
    operations = {name for situation in situations for name in situation.operations}
    assert {"create", "update", "delete", "adopt"} <= operations
    assert all(situation.changes >= 35 for situation in situations)


@needs_tofu
@pytest.mark.parametrize("seed", range(3))
def test_killed_and_run_again_the_estate_equals_the_plan(situations, tmp_path, seed):
    assert run_seed(seed, situations, tmp_path / "seed").failures == ()


@needs_pulumi
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_killed_and_run_again_on_pulumi(tmp_path, seed):
    """A first plan; where it was applied, demand that grew."""
    place = tmp_path / "prepared"
    grows = {"grows": LATER["grows"]}
    situations = prepare(place, EngineName.PULUMI, grows) if seed else (prepare_first(place, EngineName.PULUMI),)
    assert run_seed(seed, situations, tmp_path / "seed").failures == ()


@needs_tofu
def test_without_adoption_the_same_harness_finds_failures(situations, tmp_path):
    """An estate that refuses to create what exists: what a killed run made and did not note blocks the next one."""
    verdicts = (run_seed(seed, situations, tmp_path / str(seed), adoption=False) for seed in (0, 3, 6, 9))
    assert any("exists already" in failure for verdict in verdicts for failure in verdict.failures)


@needs_tofu
@pytest.mark.parametrize("seed", range(2))
def test_ctrl_c_at_any_moment_says_how_to_go_on(situations, tmp_path, seed):
    situation = situations[seed % len(situations)]
    folder = shutil.copytree(situation.folder, tmp_path / "project")
    before = creations(folder)
    with start_child(folder) as child:
        assert child.stdout and child.stdout.readline() == b"begin\n"
        time.sleep(random.Random(seed).uniform(0, situation.seconds))
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    too_late = -signal.SIGINT  # all was done and Python was leaving
    assert child.returncode in (ExitCode.PARTIAL, INTERRUPTED, ExitCode.CLEAN, too_late)
    assert child.returncode != ExitCode.PARTIAL or b"resume it: prestage apply" in told
    assert outliving(folder) == []
    between = creations(folder)
    with start_child(folder) as again:
        _, told = again.communicate(timeout=60)
    assert again.returncode == 0, told
    assert wrong_after(folder, before, between) == []


@needs_tofu
def test_of_two_at_once_one_wins_and_the_other_names_it(situations, tmp_path):
    folder = shutil.copytree(situations[0].folder, tmp_path / "project")
    with start_child(folder) as first:
        end = time.monotonic() + 20
        while not lock_is_held(folder / ".prestage" / "dev" / "apply.lock"):
            assert time.monotonic() < end
            time.sleep(0.002)
        with start_child(folder) as second:
            _, told = second.communicate(timeout=60)
        _, errors = first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (ExitCode.CLEAN, ExitCode.BUSY), (errors, told)
    assert f"(process {first.pid}), since 2026-03-02T12:00:00".encode() in told
    assert wrong_after(folder, {}, {}) == []


@needs_tofu
@pytest.mark.parametrize("left_kib", [8, 150, 400])
def test_a_full_disk_is_told_and_with_room_the_same_command_goes_on(situations, small_disk, left_kib):
    disk, grow = small_disk
    folder = shutil.copytree(situations[0].folder, disk / "project")
    used_kib = (shutil.disk_usage(disk).used + 1023) // 1024
    grow(used_kib + left_kib)
    with start_child(folder) as child:
        _, told = child.communicate(timeout=60)
    assert child.returncode in (ExitCode.ERROR, ExitCode.PARTIAL), told
    assert any(words in told.lower() for words in (b"no space left", b"disk is full", b"disk i/o error")), told
    assert b"Traceback" not in told
    grow(64 * 1024)
    between = creations(folder)
    with start_child(folder) as again:
        _, told = again.communicate(timeout=60)
    assert again.returncode == 0, told
    assert wrong_after(folder, {}, between) == []
