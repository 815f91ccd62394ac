"""Killed (SIGKILL) before and after every write, and two processes at once: nothing is lost, nothing half done."""

import itertools
import multiprocessing
import os
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecaster.history.store import History
from forecaster.history.upkeep import Keeping, compact, encrypt, rotate
from forecaster.history.verify import verify
from tests.forecaster.estates import BEGIN
from tests.forecaster.history.keyrings import encrypted, local, traffic

KEEPING = Keeping(now=datetime(2026, 12, 1, tzinfo=UTC))
HOURS = 24 * 60  # from January into March
WRITES = ((os, "fsync"), (os, "link"), (os, "replace"), (Path, "replace"), (Path, "unlink"), (Path, "chmod"))
MOST = 200

ACTS = {
    "import": lambda history: history.add(traffic(range(HOURS, HOURS + 600), BEGIN + timedelta(hours=HOURS))),
    "rotate": rotate,
    "compact": lambda history: compact(history, KEEPING),
}

pytestmark = [pytest.mark.fault, pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]


def killed_at(act, history, at):
    """Runs `act` in a child that dies at its step number `at`; whether it came so far."""
    pid = os.fork()
    if pid == 0:
        try:
            die_at(at)
            act(history)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.WIFSIGNALED(status)


def die_at(at):
    """Kills this process at a step; there is one before and one after every write."""
    steps = itertools.count()

    def step():
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, name in WRITES:
        setattr(owner, name, _between(getattr(owner, name), step))


def _between(real, step):
    def write(*arguments, **named):
        step()
        result = real(*arguments, **named)
        step()
        return result

    return write


@pytest.mark.parametrize("name", ACTS)
def test_killed_at_every_write(tmp_path, name):
    act = ACTS[name]
    history = encrypted(tmp_path, traffic(range(HOURS)))
    digest = history.load().digest
    whole = encrypted(tmp_path / "whole", traffic(range(HOURS)))
    act(whole)
    wanted = whole.load().digest
    kills = 0
    while killed_at(act, history, kills):
        assert history.load().digest in (digest, wanted)
        assert {finding.next_step for finding in verify(history).findings} <= {"prestage history compact"}
        kills += 1
        assert kills < MOST
    assert kills > 8
    assert history.load().digest == wanted
    assert not verify(history).findings


def test_encryption_killed_at_every_write(tmp_path):
    plain = History(tmp_path / "plain")
    plain.add(traffic(range(100)))
    digest = plain.load().digest
    for kills in range(MOST):
        shutil.copytree(plain.folder, tmp_path / str(kills) / "history")
        history = encrypted(tmp_path / str(kills))
        came_so_far = killed_at(encrypt, history, kills)
        assert history.load().digest == digest
        encrypt(history)
        history.add(traffic([0.0]))
        assert history.load().digest == digest and not verify(history).findings
        if not came_so_far:
            assert kills > 8
            return
    raise AssertionError("it never ended")


def test_the_first_import_killed_at_every_write(tmp_path):
    """From no key and no history to both."""
    for kills in range(MOST):
        history = encrypted(tmp_path / str(kills))
        came_so_far = killed_at(lambda history: history.add(traffic([1.0, 2.0])), history, kills)
        assert history.load().measurements.value.tolist() in ([], [1.0, 2.0])
        history.add(traffic([1.0, 2.0]))
        assert history.load().measurements.value.tolist() == [1.0, 2.0]
        assert not verify(history).findings
        if not came_so_far:
            assert kills > 8
            return
    raise AssertionError("it never ended")


def _imports(tmp_path, number):
    for part in range(6):
        History(tmp_path / "history", local(tmp_path)).add(
            traffic([1.0 + number] * 24, BEGIN + timedelta(days=40 * number + part))
        )


def _compacts(tmp_path, _number):
    for _ in range(6):
        compact(History(tmp_path / "history", local(tmp_path)), KEEPING)


def _rotates(tmp_path, _number):
    for _ in range(6):
        rotate(History(tmp_path / "history", local(tmp_path)))


def _reads(tmp_path, _number):
    for _ in range(12):
        History(tmp_path / "history", local(tmp_path)).load()


def test_all_at_once(tmp_path):
    """Two importers, one that compacts, one that rotates and one that reads, from the first import on."""
    jobs = (_imports, _imports, _compacts, _rotates, _reads)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=job, args=(tmp_path, number)) for number, job in enumerate(jobs)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(jobs)
    history = History(tmp_path / "history", local(tmp_path))
    assert sorted(history.load().measurements.value) == [1.0] * 144 + [2.0] * 144
    assert not verify(history).findings
