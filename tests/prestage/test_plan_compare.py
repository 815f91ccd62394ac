"""`prestage plan compare`: two files, what differs between them, an exit code to branch on."""

import json

import pytest

from contracts.exits import ExitCode
from contracts.files import write_document
from prestage.failures import run
from tests.planner.test_compare import MORE, PLAN


@pytest.fixture
def files(project):
    for name, plan in (("a", PLAN), ("same", PLAN.model_copy(update={"made_at": PLAN.expires_at})), ("b", MORE)):
        write_document(project / f"{name}.json", plan)
    return project


def test_the_same_is_0_and_a_difference_is_2(files, capsys):
    assert run(["plan", "compare", "a.json", "same.json"]) == ExitCode.CLEAN
    assert "nothing differs" in capsys.readouterr().out
    assert run(["plan", "compare", "a.json", "b.json"]) == ExitCode.CHANGES


def test_people_read_money_first(files, capsys):
    run(["plan", "compare", "a.json", "b.json"])
    said = capsys.readouterr().out
    assert all(len(line) <= 100 for line in said.splitlines())
    order = [said.index(word) for word in ("cost ", "places", "resources", "requirements", "computed from")]
    assert order == sorted(order)
    assert "cpu:fra at 0.9" in said and "more lines" in said


def test_json_is_the_whole_comparison(files, capsys):
    assert run(["plan", "compare", "a.json", "b.json", "--json"]) == ExitCode.CHANGES
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "prestage/comparison"
    assert told["before"] == PLAN.digest() and told["after"] == MORE.digest()
    assert len(told["resources"]) > 15


def test_a_file_that_is_not_there_or_altered_is_refused(files, capsys):
    assert run(["plan", "compare", "a.json", "c.json"]) == ExitCode.ERROR
    assert "c.json: no such file" in capsys.readouterr().err
    text = (files / "b.json").read_text()
    (files / "b.json").write_text(text.replace('"level": 0.9', '"level": 0.8', 1))
    assert run(["plan", "compare", "a.json", "b.json"]) == ExitCode.REFUSED
