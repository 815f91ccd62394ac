"""What goes wrong, through the front door: message, next step, exit code, and nothing half written."""

import json
import resource
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from planner import trials
from prestage.demo.folder import keep_time
from prestage.failures import INTERRUPTED, run
from prestage.scaffold import project_files, write_project
from stacks.lock import ApplyLock
from tests.prestage.estate_engine import in_memory

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HEAD = "time,source,destination,value,unit\n"


@pytest.fixture(scope="module")
def engine():
    """All projects use one engine in memory."""
    patch = pytest.MonkeyPatch()
    engine = in_memory(patch)
    yield engine
    patch.undo()


@pytest.fixture(scope="module")
def planned(engine, tmp_path_factory):
    """The sample project with its history, a forecast, and a reviewed plan."""
    folder = tmp_path_factory.mktemp("unhappy")
    write_project(folder, project_files("sample", now=NOW))
    keep_time(folder, NOW, real=datetime.now(UTC))
    at = ("--project", str(folder))
    for table in ("utilisation", "traffic", "requests"):
        assert run([*at, "history", "import", str(folder / f"history/{table}.csv"), "--table", table]) == 0
    assert run([*at, "forecast"]) == 0
    assert run([*at, "plan"]) == ExitCode.CHANGES
    assert run([*at, "review", "plans/dev.json"]) == 0
    return folder


@pytest.fixture
def project(planned, engine, tmp_path, monkeypatch, capsys):
    """A copy of it for one test; the current folder is in it."""
    folder = tmp_path / "sample"
    shutil.copytree(planned, folder)
    engine._roots.clear()
    monkeypatch.chdir(folder)
    capsys.readouterr()
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and its bytes; what locks and databases write of themselves is left out."""
    left_out = (".lock", ".db", ".db-wal", ".db-shm", "lock")
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(left_out))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(capsys, *arguments: str, code: int = ExitCode.ERROR) -> str:
    """The message of a command that must end with `code`, and leave stdout alone."""
    assert run(arguments) == code
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    return str(said.err)


BAD_FILES = {
    "not a number": (HEAD + "2026-05-01T00:00:00Z,fra,ams,many,gbps\n", "line 2, column 'value'"),
    "an open quote": (HEAD + '2026-05-01T00:00:00Z,fra,ams,"1,gbps\n', "is not CSV"),
    "a cell too many": (HEAD + "2026-05-01T00:00:00Z,fra,ams,1,5,gbps\n", "has 6 cells"),
    "mixed units": (
        HEAD + "2026-05-01T00:00:00Z,fra,ams,1,gbps\n2026-05-01T01:00:00Z,fra,ams,1,mbps\n",
        "'mbps' here and 'gbps' in line 2",
    ),
    "an hour twice": (
        HEAD + "2026-05-01T00:00:00Z,fra,ams,1,gbps\n2026-05-01T00:00:00Z,fra,ams,2,gbps\n",
        "is here and in line 2",
    ),
    "an unknown column": ("time,source,destinaton,value\n2026-05-01T00:00:00Z,a,b,1\n", "did you mean 'destination'"),
    "no time zone": (HEAD + "2026-05-01T00:00:00,fra,ams,1,gbps\n", "--timezone UTC"),
    "no unit": ("time,source,destination,value\n2026-05-01T00:00:00Z,fra,ams,1\n", "--unit mbps"),
    "cut off": (HEAD + "2026-05-01T00:00:00Z,fra,ams,1,gbps\n2026-05-01T01:00", "may be cut off"),
    "empty": ("", "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_told_and_nothing_of_it_kept(name, project, capsys):
    text, told = BAD_FILES[name]
    (project / "bad.csv").write_text(text)
    before = tree(project)
    message = refused(capsys, "history", "import", "bad.csv", "--table", "traffic")
    assert told in message and "bad.csv" in message and "next: " in message
    assert tree(project) == before


def test_a_parquet_file_that_was_cut_off(project, capsys):
    whole = next((project / ".prestage/dev/history/traffic").glob("*.parquet")).read_bytes()
    (project / "bad.parquet").write_bytes(whole[: len(whole) // 2])
    assert "cut off" in refused(capsys, "history", "import", "bad.parquet", "--table", "traffic")


def test_missing_hours_short_and_empty_series_are_forecast_and_said(project, capsys):
    hours = [NOW - timedelta(hours=back) for back in range(600, 0, -1)]
    rows = [f"{hour.isoformat()},lon,mad,0,gbps" for hour in hours]
    rows += [f"{hour.isoformat()},mad,lon,1,gbps" for hour in hours[-10:]]
    rows += [f"{hour.isoformat()},ams,dfw,1,gbps" for hour in (*hours[:300], *hours[350:])]
    (project / "odd.csv").write_text(HEAD + "\n".join(rows) + "\n")
    assert run(["history", "import", "odd.csv", "--table", "traffic"]) == 0
    capsys.readouterr()
    assert run(["history", "show", "--json"]) == 0
    missing = {row["subject"]: row["missing_hours"] for row in json.loads(capsys.readouterr().out)["series"]}
    assert missing["ams->dfw"] == 50
    assert run(["forecast", "--json"]) == 0
    forecast = json.loads(capsys.readouterr().out)
    told = {item["series"]: item["what"] for item in forecast["treatments"]}
    assert "zeros" in told["traffic:lon->mad (hourly)"]
    assert "10 steps seen" in told["traffic:mad->lon (hourly)"]
    assert "no values for 50 h" in told["traffic:ams->dfw"]


def test_nothing_to_forecast_says_what_to_import(project, capsys):
    shutil.rmtree(project / ".prestage/dev/history")
    assert "prestage history import" in refused(capsys, "forecast")


@pytest.mark.parametrize(
    "command", [["plan"], ["capacity"], ["drift"], ["status"], ["apply", "plans/dev.json", "--yes"]]
)
def test_a_typo_in_the_environment_is_answered_with_the_likely_key(command, project, capsys):
    edit(project / "environments/dev.yaml", "critical_share", "critical_shore")
    message = refused(capsys, *command)
    assert "did you mean 'critical_share'?" in message and "dev.yaml:" in message and "prestage doctor" in message


@pytest.mark.parametrize(
    ("path", "old", "new", "command"),
    [
        ("environments/dev.yaml", "version: 1", "version: 2", ["plan"]),
        ("estate/inventory.yaml", "version: 1", "version: 2", ["plan"]),
        ("plans/dev.json", '"version": 1', '"version": 2', ["apply", "plans/dev.json", "--yes"]),
        (".prestage/dev/forecasts/dev.json", '"version": 1', '"version": 2', ["plan"]),
    ],
)
def test_a_later_format_is_named(path, old, new, command, project, capsys):
    edit(project / path, old, new)
    message = refused(capsys, *command)
    assert "is version 2 of" in message and "install a later Prestage" in message and Path(path).name in message


def test_demand_that_cannot_be_met(project, capsys, monkeypatch):
    monkeypatch.setattr(trials, "MOST_CHECKS", trials.LEAST_CHECKS)  # what limits clash: tests/planner/test_clash.py
    edit(project / "estate/inventory.yaml", "gbps: 200", "gbps: 4")
    edit(project / "estate/inventory.yaml", "gbps: 400", "gbps: 4")  # else others would carry it
    assert run(["plan", "--json"]) == ExitCode.UNMET
    shortfalls = json.loads(capsys.readouterr().out)["shortfalls"]
    worst = max(shortfalls, key=lambda item: item["wanted"] - item["available"])
    assert worst["kind"] == "gbps" and "--" in worst["place"] and worst["at"]
    assert worst["available"] == 4 < worst["wanted"]
    before = (project / "plans/dev.json").read_bytes()
    assert run(["plan"]) == ExitCode.UNMET
    said = capsys.readouterr().out
    assert all(item["nearest"].split(":")[0] in said and item["place"] in said for item in shortfalls)
    assert (project / "plans/dev.json").read_bytes() == before


def test_failover_that_is_shared_and_that_nobody_may_carry(project, capsys):
    edit(project / "environments/dev.yaml", "failover:", "failover:\n  reserve: shared")
    edit(project / "environments/dev.yaml", "max_latency_ms: ", "max_latency_ms: 0.00")
    assert run(["plan"]) == ExitCode.UNMET
    told = " ".join(capsys.readouterr().out.split())
    assert "No plan meets the demand of dev" in told
    assert "raise failover.max_latency_ms" in told and "two are needed" in told
    assert "1. failover.max_latency_ms" in told and "The nearest plan that there is" in told


def test_a_plan_edited_by_one_byte_is_refused_whichever_it_is(project, capsys):
    plan = project / "plans/dev.json"
    whole = plan.read_bytes()
    for at in range(1, len(whole), len(whole) // 12):
        plan.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert "altered" in refused(capsys, "apply", "plans/dev.json", "--yes", code=ExitCode.REFUSED)
    plan.write_bytes(whole)
    assert run(["apply", "plans/dev.json", "--yes"]) == 0


def test_an_expired_plan(project, capsys):
    keep_time(project, NOW + timedelta(days=15), real=datetime.now(UTC))
    message = refused(capsys, "apply", "plans/dev.json", "--yes", code=ExitCode.REFUSED)
    assert "expired" in message and "next: prestage plan" in message


def test_a_superseded_plan(project, capsys):
    edit(project / "environments/dev.yaml", "asn: 64512", "asn: 64999")
    assert run(["plan", "--out", "plans/other.json"]) == ExitCode.CHANGES
    assert run(["review", "plans/other.json"]) == 0
    assert run(["apply", "plans/other.json", "--yes"]) == 0
    capsys.readouterr()
    message = refused(capsys, "apply", "plans/dev.json", "--yes", code=ExitCode.REFUSED)
    assert "superseded" in message and "next: prestage plan" in message


def test_a_stale_plan(project, capsys):
    edit(project / "estate/inventory.yaml", "s4: 0.1", "s4: 0.9")
    message = refused(capsys, "apply", "plans/dev.json", "--yes", code=ExitCode.REFUSED)
    assert "stale: price" in message and "tolerance 5%" in message


def test_an_unreviewed_plan(project, capsys):
    (project / "plans/dev.review.json").unlink()
    message = refused(capsys, "apply", "plans/dev.json", "--yes", code=ExitCode.REFUSED)
    assert "not reviewed" in message and "next: prestage review" in message


def test_a_locked_estate_says_who_and_since_when(project, capsys):
    with ApplyLock(project / ".prestage/dev/apply.lock", command="prestage apply other.json", clock=lambda: NOW):
        message = refused(capsys, "apply", "plans/dev.json", "--yes", code=ExitCode.BUSY)
    assert "prestage apply other.json" in message and "since 2026-06-01T12:00" in message
    assert run(["apply", "plans/dev.json", "--yes"]) == 0


@contextmanager
def no_room(size: int):
    """No file may grow beyond so many bytes, as on a disk that is full (the same paths through the code: EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "command",
    [["forecast"], ["plan"], ["review", "plans/dev.json"], ["history", "import", "more.csv", "--table", "traffic"]],
    ids=lambda words: words[0],
)
def test_a_full_disk_keeps_what_was_there(command, project, capsys):
    rows = (f"{(NOW - timedelta(hours=back)).isoformat()},lon,chi,{back},gbps\n" for back in range(1, 900))
    (project / "more.csv").write_text(HEAD + "".join(rows))
    assert run(["status"]) == 0
    capsys.readouterr()
    before = tree(project)
    with no_room(300):
        message = refused(capsys, *command)
    next_step = message.partition("next: ")[2]
    assert "room" in next_step or "space" in next_step
    assert tree(project) == before
    assert run(command) in (ExitCode.CLEAN, ExitCode.CHANGES)


@pytest.mark.parametrize("command", [["forecast"], ["plan"], ["review", "plans/dev.json"]], ids=lambda words: words[0])
def test_ctrl_c_at_the_last_moment_keeps_what_was_there(command, project, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    before = tree(project)
    with monkeypatch.context() as patch:
        patch.setattr("contracts.files.os.replace", stop)
        message = refused(capsys, *command, code=INTERRUPTED)
    assert f"to go on: prestage {' '.join(command)}" in message
    assert tree(project) == before


@pytest.mark.parametrize("name", ["ledger", "journal", "estate"])
def test_a_damaged_database_is_named(name, project, capsys):
    path = project / f".prestage/dev/{name}.db"
    path.write_bytes(b"not a database at all, " * 400)
    message = refused(capsys, "apply", "plans/dev.json", "--yes")
    assert f"{name}.db" in message and "next: restore the file from a backup" in message
