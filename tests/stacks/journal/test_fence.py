"""A holder of the lock that was stopped for longer than its lease wakes up and changes nothing. Real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from contracts.exits import ExitCode
from coordinator.ledger import Ledger
from stacks import fence
from stacks.errors import ApplyBusy, Fenced
from stacks.estate.inventory import Inventory
from stacks.journal import Intent, Journal
from stacks.lock import ApplyLock, Holder, read_holder
from stacks.supervisor import end_sessions, processes

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
LEASE_S = 0.4


def holder_of(folder) -> Holder:
    """Who signed the lock last."""
    found = read_holder(folder / "apply.lock")
    assert found is not None
    return found


HOLDER = """
import subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from coordinator.ledger import Ledger
from stacks.errors import Fenced
from stacks.estate.inventory import Inventory
from stacks.journal import Intent, Journal
from stacks.lock import ApplyLock

folder, now = Path(sys.argv[1]), datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
journal, inventory = Journal(folder / "journal.db"), Inventory(folder / "estate.db")
ledger = Ledger(folder / "ledger.db", "dev", lambda: now)
intent = Intent(plan="sha256:late", small=False, engine="terraform", roots={"fra": "late"})

def engine(seconds):
    return subprocess.Popen(["sleep", str(seconds)], start_new_session=True, stdout=subprocess.DEVNULL)

def attempt(write):
    try:
        write()
    except Fenced as error:
        return f"fenced {int(error.exit_code)}"
    return "written"

def to_ledger():
    with ledger.write() as tx:
        tx.run("INSERT INTO meta VALUES ('late', 'late')")

with ApplyLock(folder / "apply.lock", "prestage apply", lambda: now, lease_s=%s):
    first = engine(60)
    print("held", first.pid, flush=True)
    sys.stdin.readline()
    second = engine(60)
    second.wait(20)
    print(attempt(lambda: journal.begin(intent, now)))
    print(attempt(to_ledger))
    print(attempt(lambda: inventory.set_states({"fra/network": ("held", "late")})), flush=True)
    print(first.wait(20), second.returncode, flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    Journal(tmp_path / "journal.db")
    Inventory(tmp_path / "estate.db").close()
    Ledger(tmp_path / "ledger.db", "dev", lambda: NOW).close()
    return tmp_path


@pytest.fixture
def start(folder):
    """Starts holders, and ends those that are left."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> tuple[subprocess.Popen[str], int]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER % LEASE_S, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(holder)
        assert holder.stdout is not None
        word, engine = holder.stdout.readline().split()
        assert word == "held"
        time.sleep(LEASE_S)  # the supervisor is there after the first look
        return holder, int(engine)

    yield begin
    for holder in started:
        end_sessions(holder.pid, signal.SIGKILL)
        holder.kill()
        holder.communicate(timeout=20)


def lock(folder, lease_s=LEASE_S):
    return ApplyLock(folder / "apply.lock", "prestage apply", lambda: NOW, lease_s=lease_s)


def is_alive(pid: int) -> bool:
    return any(item.pid == pid for item in processes())


def wait_for(what, seconds=20.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_holder_that_lives_is_not_robbed(folder, start):
    holder, engine = start()
    time.sleep(3 * LEASE_S)  # it renews its lease
    with pytest.raises(ApplyBusy, match=f"process {holder.pid}"), lock(folder):
        pass
    assert is_alive(engine)


def test_a_stalled_holder_wakes_up_and_changes_nothing(folder, start):
    holder, engine = start()
    holder.send_signal(signal.SIGSTOP)
    wait_for(lambda: holder_of(folder).stalled)
    with lock(folder):
        assert not is_alive(engine)  # whoever takes over has ended it
        Journal(folder / "journal.db").begin(
            Intent(plan="sha256:next", small=False, engine="terraform", roots={"fra": "next"}), NOW
        )
        holder.send_signal(signal.SIGCONT)
        holder.stdin.write("\n")
        holder.stdin.flush()
        told = [holder.stdout.readline().strip() for _ in range(4)]
        assert told[:3] == [f"fenced {ExitCode.BUSY:d}"] * 3
        ended = {int(code) for code in told[3].split()}  # and what it started afterwards was ended too
        assert ended <= {-signal.SIGINT, -signal.SIGKILL}
        assert holder_of(folder).pid == os.getpid()
    assert [run.plan for run in Journal(folder / "journal.db").open_runs()] == ["sha256:next"]
    with Ledger(folder / "ledger.db", "dev", lambda: NOW).read() as tx:
        assert tx.row("SELECT 1 FROM meta WHERE name = 'late'") is None


IN_A_WRITE = """
import sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path
from stacks.lock import ApplyLock

folder = Path(sys.argv[1])
with ApplyLock(folder / "apply.lock", "prestage apply", lambda: datetime(2026, 11, 20, tzinfo=UTC), lease_s=%s):
    database = sqlite3.connect(folder / "estate.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    print("held", flush=True)
    sys.stdin.readline()
    database.execute("COMMIT")
    print("written", flush=True)
"""


def test_a_holder_that_was_stopped_inside_a_write_is_ended(folder):
    with subprocess.Popen(
        [sys.executable, "-c", IN_A_WRITE % LEASE_S, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            holder.send_signal(signal.SIGSTOP)
            wait_for(lambda: holder_of(folder).stalled)
            with lock(folder):
                Inventory(folder / "estate.db").set_states({})
            assert holder.wait(20) == -signal.SIGKILL
        finally:
            holder.kill()


def test_a_supervisor_ends_the_engine_when_nobody_else_comes(folder, start):
    holder, engine = start()
    holder.send_signal(signal.SIGSTOP)
    wait_for(lambda: not is_alive(engine))
    assert holder_of(folder).pid == holder.pid


def test_nothing_is_left_of_a_holder_that_was_killed(folder, start):
    holder, engine = start()
    mine = [item.pid for item in processes() if item.parent == holder.pid and item.pid != engine]
    assert mine  # the supervisor
    holder.kill()
    wait_for(lambda: not any(is_alive(pid) for pid in mine))
    os.kill(engine, signal.SIGKILL)  # real engines die with who started them
    with lock(folder):  # at once: the kernel gave the lock back
        pass


def test_tokens_only_grow(folder):
    tokens = []
    for _ in range(3):
        with lock(folder):
            tokens.append(holder_of(folder).token)
    (folder / "apply.lock").unlink()  # somebody tidies up
    with lock(folder):
        Journal(folder / "journal.db").begin(
            Intent(plan="sha256:p", small=False, engine="terraform", roots={"fra": "f"}), NOW
        )
        tokens.append(holder_of(folder).token)
    (folder / "apply.lock").unlink()
    with lock(folder):
        tokens.append(holder_of(folder).token)
    assert tokens[:3] == [1, 2, 3]
    assert tokens[4] > tokens[3] >= 1


def test_a_lower_token_writes_nothing(folder):
    """Without processes: what each file does when it has seen a higher token."""
    fence.raise_all(folder, 7)
    fence.hold(folder, 6)
    try:
        with pytest.raises(Fenced, match=r"turn 7, this one was 6"):
            Inventory(folder / "estate.db").set_states({})
        with pytest.raises(Fenced):
            Journal(folder / "journal.db").abandon("run-00001", NOW)
        with pytest.raises(Fenced), Ledger(folder / "ledger.db", "dev", lambda: NOW).write():
            pass
    finally:
        fence.let_go(folder)
    Inventory(folder / "estate.db").set_states({})  # who holds no lock shows no token
