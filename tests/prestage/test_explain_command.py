"""`prestage explain`: a plan file before the key, by option, or the environment's own."""

import json

import pytest

from contracts.exits import ExitCode
from contracts.files import write_document
from prestage.failures import run
from tests.planner.test_compare import MORE, PLAN

KEY = next(item.resource.key for item in PLAN.resources if "/compute/serving/" in item.resource.key)


@pytest.fixture
def plans(project):
    write_document(project / "plans" / "dev.json", PLAN)
    write_document(project / "more.json", MORE)
    return project


@pytest.mark.parametrize("arguments", [[KEY], ["plans/dev.json", KEY], [KEY, "--plan", "plans/dev.json"]])
def test_all_ways_to_name_the_plan_tell_the_same(plans, arguments, capsys):
    assert run(["explain", *arguments]) == ExitCode.CLEAN
    said = capsys.readouterr().out
    assert f"{KEY}: create" in said and "forecast cpu:" in said
    assert "one more" in said and "would cost" in said and "next best: " in said


def test_json_has_the_whole_reason(plans, capsys):
    assert run(["explain", "plans/dev.json", KEY, "--json"]) == ExitCode.CLEAN
    told = json.loads(capsys.readouterr().out)
    assert told["reason"]["bought_by"] in told["reason"]["requirements"]
    assert told["reason"]["marginal"]["usd_per_hour"] > 0 and told["waits"] is False


def test_two_plans_or_no_key_are_wrong_usage(plans, capsys):
    assert run(["explain", "plans/dev.json", KEY, "--plan", "more.json"]) == ExitCode.USAGE
    assert run(["explain", "a", "b", "c"]) == ExitCode.USAGE
    assert run(["explain"]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""
