"""The apply lock: one holder, named to whoever comes second, gone with the process however it ends."""

import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from contracts.exits import ExitCode
from stacks.errors import ApplyBusy
from stacks.lock import ApplyLock, lock_is_held, read_holder

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from stacks.lock import ApplyLock
with ApplyLock(Path(sys.argv[1]), "prestage apply plans/dev.json", lambda: datetime(2026, 11, 20, 12, 30, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def lock(path, command="prestage apply"):
    return ApplyLock(path, command, lambda: NOW)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dev" / "apply.lock"


def test_the_second_is_told_who_and_since_when(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with pytest.raises(ApplyBusy) as caught, lock(path):
            pass
        assert lock_is_held(path)
        holder.send_signal(signal.SIGKILL)
    message = str(caught.value)
    assert f"process {holder.pid}" in message
    assert "prestage apply plans/dev.json" in message and "2026-11-20T12:30:00" in message
    assert caught.value.exit_code is ExitCode.BUSY
    assert not lock_is_held(path)
    with lock(path, "next"):  # a killed holder's text is stale and does not matter
        found = read_holder(path)
    assert found and found.command == "next"


def test_it_excludes_within_one_process_too(path):
    with lock(path), pytest.raises(ApplyBusy), lock(path):
        pass


def test_it_is_free_after_an_error(path):
    with pytest.raises(RuntimeError), lock(path):
        raise RuntimeError
    assert not lock_is_held(path)
    assert read_holder(path) is None


def test_a_holder_who_did_not_sign_is_still_a_holder(path):
    with lock(path):
        path.write_text("")
        with pytest.raises(ApplyBusy, match="another process"), lock(path):
            pass
