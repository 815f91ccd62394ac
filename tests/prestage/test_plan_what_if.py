"""`prestage plan --what-if`: a file of what would be otherwise, its answer, and nothing written."""

import json

import pytest

from contracts.exits import ExitCode
from planner import trials
from prestage.failures import run
from tests.coordinator.world import write_project
from tests.prestage.estate_engine import in_memory

HEAD = "format: prestage/what-if\nversion: 1\n"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A project of three regions with a forecast, on an engine in memory."""
    in_memory(monkeypatch)
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(folder, text, *more):
    (folder / "what.yaml").write_text(HEAD + text)
    return run(["plan", "--what-if", "what.yaml", *more])


def test_it_shows_the_difference_and_writes_no_plan(world, capsys):
    assert ask(world, "prices:\n  - {place: fra, item: '*', times: 2}\n") == ExitCode.CHANGES
    said = capsys.readouterr().out
    assert "price fra * x 2" in said and "nothing was written" in said
    assert said.index("cost ") < said.index("resources") < said.index("computed from")
    assert not (world / "plans").exists()


def test_nothing_otherwise_is_0(world, capsys):
    assert ask(world, "demand: 1\n") == ExitCode.CLEAN
    assert "nothing differs" in capsys.readouterr().out


def test_what_changes_nothing_that_is_wanted_is_0(world, capsys):
    assert ask(world, "quotas:\n  - {place: fra, kind: vcpu, total: 1000000}\n") == ExitCode.CLEAN
    assert "computed from" in capsys.readouterr().out


def test_a_lost_region_tells_who_carries_what(world, capsys):
    assert ask(world, "lost: [fra]\n") == ExitCode.CHANGES
    said = capsys.readouterr().out
    assert "without fra" in said and "what is lost" in said and "carried by" in said
    assert all(len(line) <= 110 for line in said.splitlines())


def test_json_is_the_whole_answer(world, capsys):
    assert ask(world, "budget_usd_per_hour: 1\n", "--json") == ExitCode.CHANGES
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "prestage/what-if-answer"
    assert told["budget"]["over_usd_per_hour"] > 0
    assert told["budget"]["gives"][0]["what"] == "staging.max_units_per_place"


def test_demand_beyond_all_is_7(world, capsys, monkeypatch):
    monkeypatch.setattr(trials, "MOST_CHECKS", trials.LEAST_CHECKS)
    assert ask(world, "demand: 1000000\n") == ExitCode.UNMET
    assert "No plan meets the demand of dev" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("demnad: 2\n", "what.yaml:3:1: demnad: unknown key; did you mean 'demand'?"),
        ("quotas:\n  - {place: fra, kind: cpu, times: 2}\n", "what.yaml:4:18: quotas[0].kind: is 'cpu'"),
        ("demand: -1\n", "what.yaml:3:1: demand: "),
        ("lost: [fraa]\n", "did you mean 'fra'?"),
        ("prices:\n  - {place: fra, item: m8}\n", "prices[0]: gives neither `usd_per_hour` and `times`"),
    ],
)
def test_mistakes_are_told_with_line_or_key(world, capsys, text, said):
    assert ask(world, text) == ExitCode.ERROR
    answer = capsys.readouterr()
    assert answer.out == "" and said in answer.err


def test_where_nothing_is_written_no_file_may_be_named(world, capsys):
    assert ask(world, "demand: 2\n", "--out", "x.json") == ExitCode.USAGE
    assert run(["plan", "--what-if", "what.yaml", "compare", "a", "b"]) == ExitCode.USAGE
    assert not (world / "x.json").exists() and capsys.readouterr().out == ""


def test_no_plan_says_which_limits_clash_and_what_the_nearest_is(world, capsys):
    settings = world / "environments" / "dev.yaml"
    settings.write_text(settings.read_text().replace("asn: 64512}", "asn: 64512, minimum: {storage_gib: 900000}}"))
    assert run(["plan"]) == ExitCode.UNMET
    said = capsys.readouterr().out
    assert "Limits that clash" in said and "minimum fra storage_gib" in said and "The nearest plan" in said
    assert all(len(line) <= 110 for line in said.splitlines())
    assert not (world / "plans").exists()
    assert run(["plan", "--json"]) == ExitCode.UNMET
    told = json.loads(capsys.readouterr().out)["clash"]
    assert told["sets"][0]["limits"][0]["place"] == "fra" and told["usd_per_hour"] > 0
