"""The whole day by commands and by the demo, on an engine in memory; tests/engines plays it on the real ones."""

import json
import pickle
import shutil
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from contracts.requests import Outcome
from coordinator.project import Project
from planner import trials
from prestage.demo.folder import MARKER
from prestage.failures import run
from tests.prestage.demo_document import check_demo_document
from tests.prestage.estate_engine import in_memory


@pytest.fixture(scope="module")
def patched():
    """All projects use one engine in memory."""
    patch = pytest.MonkeyPatch()
    engine = in_memory(patch)
    yield engine
    patch.undo()


@pytest.fixture(scope="module")
def played(patched, tmp_path_factory):
    """A played demo: its folder, its document, what the engine holds afterwards."""
    folder = tmp_path_factory.mktemp("day") / "demo"
    capture = pytest.MonkeyPatch()
    lines: list[str] = []
    capture.setattr("prestage.scope.click.echo", lambda text, **_: lines.append(str(text)))
    try:
        assert run(["demo", "--dir", str(folder), "--json"]) == 0
    finally:
        capture.undo()
    return folder, json.loads("\n".join(lines)), pickle.dumps(patched._roots)


@pytest.fixture
def day(played, patched, tmp_path, monkeypatch):
    """The folder as the demo left it, for one test to change; the current folder is in it."""
    folder, _, roots = played
    copy = tmp_path / "demo"
    shutil.copytree(folder, copy)
    patched._roots = pickle.loads(roots)
    monkeypatch.chdir(copy)
    return copy


def edit(day: Path, old: str, new: str) -> None:
    """Changes the environment's file."""
    settings = day / "environments" / "dev.yaml"
    assert old in settings.read_text()
    settings.write_text(settings.read_text().replace(old, new))


def tell(capsys, *arguments: str):
    """Exit code and JSON document of a command."""
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_demo_document_has_the_keys_that_others_rely_on(played):
    check_demo_document(played[1])


def test_every_file_that_the_demo_names_is_there(played):
    folder, document, _ = played
    for name, path in document["files"].items():
        assert Path(path).exists(), name
        assert Path(path).is_relative_to(folder), name


def test_demo_ends_where_nothing_is_left_to_do(day, capsys):
    assert run(["plan"]) == ExitCode.CLEAN
    assert run(["drift"]) == ExitCode.CLEAN
    capsys.readouterr()
    code, status = tell(capsys, "status")
    assert code == 0
    assert {unit["state"] for unit in status["units"]} >= {"staged", "active"}


def test_demo_in_a_folder_of_somebody_else_touches_nothing(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert run(["demo", "--dir", str(tmp_path)]) == ExitCode.USAGE
    assert "nothing was touched" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_demo_clock_goes_on_from_where_it_stopped(day, capsys):
    assert json.loads((day / MARKER).read_text())["now"] == "2018-07-17T23:30:00+00:00"
    _, plan = tell(capsys, "plan")
    assert plan["made_at"].startswith("2018-07-17T23:3")


def test_what_is_changed_from_outside_is_drift_and_reconciled(day, capsys):
    environment, key = "dev", "fra/compute/serving/c16"
    with Project.open(day, environment) as project:
        row = project.inventory.read(environment, key)
        assert row is not None
        project.inventory.update(environment, row.type, key, {**row.arguments, "instances": 1})
    code, drift = tell(capsys, "drift")
    assert code == ExitCode.DRIFT
    assert [item["key"] for item in drift["differences"] if item["drift_class"] == "harmful"] == [key]
    assert run(["plan"]) == ExitCode.CHANGES_AND_DRIFT
    capsys.readouterr()
    code, result = tell(capsys, "reconcile")
    assert code == 0 and result["changes"] == 1
    assert run(["drift"]) == ExitCode.CLEAN


def test_watching_tells_once_and_keeps_its_metrics(day, capsys, tmp_path):
    metrics = tmp_path / "drift.prom"
    watch = ["drift", "--watch", "--looks", "2", "--every", "1", "--metrics-file", str(metrics)]
    assert run(watch) == ExitCode.CLEAN
    assert [line.endswith("no drift") for line in capsys.readouterr().out.splitlines()] == [True, True]
    assert 'class="harmful"} 0' in metrics.read_text()
    assert run([*watch, "--json"]) == ExitCode.CLEAN
    assert {json.loads(line)["format"] for line in capsys.readouterr().out.splitlines()} == {"prestage/drift"}


def test_pipeline_plans_reviews_and_applies(day, capsys):
    edit(day, "{name: mad, asn: 64515}", "{name: mad, asn: 64999}")
    assert run(["plan", "--out", "plans/next.json"]) == ExitCode.CHANGES
    assert run(["apply", "plans/next.json", "--yes"]) == ExitCode.REFUSED
    assert "not reviewed" in capsys.readouterr().err
    assert run(["review", "plans/next.json", "--format", "markdown"]) == ExitCode.CLEAN
    assert "mad" in capsys.readouterr().out
    assert (day / "plans" / "next.review.json").exists()
    assert run(["apply", "plans/next.json"]) == ExitCode.USAGE
    assert "--yes" in capsys.readouterr().err
    code, report = tell(capsys, "apply", "plans/next.json", "--yes")
    assert code == 0 and sum(root["updated"] for root in report["roots"]) == 1
    assert run(["plan"]) == ExitCode.CLEAN


def test_plan_that_was_edited_by_one_byte_is_refused(day, capsys):
    plan = day / "plans" / "dev.json"
    plan.write_bytes(plan.read_bytes().replace(b'"engine": "terraform"', b'"engine": "pulumi"', 1))
    for command in (["apply", "plans/dev.json", "--yes"], ["review", "plans/dev.json"]):
        assert run(command) == ExitCode.REFUSED
        assert "altered" in capsys.readouterr().err


def test_plan_over_budget_is_denied(day, capsys):
    edit(day, "budget_usd_per_hour: 1000", "budget_usd_per_hour: 10")
    edit(day, "{name: mad, asn: 64515}", "{name: mad, asn: 64515, minimum: {vcpu: 600}}")
    assert run(["plan"]) == ExitCode.CHANGES
    capsys.readouterr()
    code, review = tell(capsys, "review", "plans/dev.json")
    assert code == ExitCode.DENIED
    assert "budget" in {finding["rule"] for finding in review["findings"] if finding["level"] != "advisory"}
    assert run(["review", "plans/dev.json"]) == ExitCode.DENIED
    assert run(["apply", "plans/dev.json", "--yes"]) in (ExitCode.DENIED, ExitCode.REFUSED)


def test_demand_that_cannot_be_met_is_told_in_numbers(day, capsys, monkeypatch):
    monkeypatch.setattr(trials, "MOST_CHECKS", trials.LEAST_CHECKS)  # what limits clash: tests/planner/test_clash.py
    edit(day, "{name: mad, asn: 64515}", "{name: mad, asn: 64515, minimum: {vcpu: 99999}}")
    before = (day / "plans" / "dev.json").read_bytes()
    code, answer = tell(capsys, "plan")
    assert code == ExitCode.UNMET
    assert {item["place"] for item in answer["shortfalls"]} == {"mad"}
    assert answer["shortfalls"][0]["wanted"] > answer["shortfalls"][0]["available"]
    assert (day / "plans" / "dev.json").read_bytes() == before


def test_same_request_is_answered_the_same(day, capsys):
    ask = ("request", "peering", "--id", "mine", "--customer", "me", "--from", "fra", "--to", "nyc", "--vcpu", "2")
    first, again = tell(capsys, *ask), tell(capsys, *ask)
    assert first[0] == 0 and first[1]["outcome"] == Outcome.STAGED
    assert first[1]["units"] == again[1]["units"]
    assert run([*ask, "--gbps", "0.2"]) == ExitCode.ERROR  # the same id with another content


def test_refused_request_says_what_is_missing(day, capsys):
    ask = ("request", "peering", "--customer", "me", "--from", "fra", "--to", "nyc", "--gbps", "5000")
    code, decision = tell(capsys, *ask)
    assert code == ExitCode.UNMET and decision["outcome"] == "refused"
    assert decision["missing"][0]["wanted"] == 5000
    assert run(list(ask)) == ExitCode.UNMET
    assert "5,000" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["request", "peering", "--customer", "me", "--from", "FRA", "--to", "nyc"],
        ["request", "peering", "--customer", "me", "--from", "fra", "--to", "nyc", "--vcpu", "-1"],
        ["request", "address", "--customer", "me", "--region", "fra", "--prefix-length", "64"],
        ["hold", "--customer", "me", "--region", "fra", "--priority", "many"],
        ["request", "peering", "--customer", "me"],
    ],
    ids=lambda arguments: " ".join(arguments[-2:]),
)
def test_request_out_of_range_is_wrong_usage(day, arguments, capsys):
    assert run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_unknown_region_is_answered_with_the_likely_one(day, capsys):
    assert run(["request", "address", "--customer", "me", "--region", "frb", "--prefix-length", "28"]) == ExitCode.ERROR
    assert "fra" in capsys.readouterr().err


def test_hold_and_release(day, capsys):
    code, held = tell(capsys, "hold", "--id", "h1", "--customer", "me", "--region", "nyc", "--vcpu", "8")
    assert code == 0 and len(held["units"]) == 2
    assert run(["hold", "--customer", "me", "--region", "nyc", "--vcpu", "4000"]) == ExitCode.UNMET
    capsys.readouterr()
    code, released = tell(capsys, "release", "h1")
    assert code == 0 and released["units"] == held["units"]
    assert run(["release", "nobody"]) == ExitCode.ERROR


def test_explain_names_the_chain_and_suggests_a_key(day, capsys):
    code, told = tell(capsys, "explain", "fra/compute/serving/c16")
    assert code == 0 and told["requirements"][0]["forecast"]["series"].endswith(":fra")
    assert run(["explain", "fra/compute/serving/c61"]) == ExitCode.ERROR
    assert "fra/compute/serving/c16" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["status", "capacity", "forecast show", "backtest --model seasonal_naive_168", "doctor"]
)
def test_the_rest_has_text_and_one_json_document(words, day, capsys):
    arguments = words.split()
    code, document = tell(capsys, *arguments)
    assert code == 0 and document
    assert run(arguments) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 120


def test_metrics_are_in_prometheus_form(day, capsys):
    assert run(["status", "--metrics"]) == 0
    assert 'prestage_requests_total{kind="peering",outcome="staged"} 1' in capsys.readouterr().out


def test_doctor_names_settings_that_no_plan_reads(day, capsys):
    path = day / "environments" / "dev.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + "purchases: {spot_share: 0.3}\n", encoding="utf-8")
    assert run(["doctor"]) == ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    path.write_text(before, encoding="utf-8")
    assert "purchases is not read where failover.reserve is dedicated" in said


def test_doctor_names_the_typo_in_an_environment(day, capsys):
    edit(day, "critical_share", "critical_shore")
    assert run(["doctor"]) == ExitCode.ERROR
    assert "critical_share" in capsys.readouterr().out
