"""`prestage init` makes a project in which the other commands find what they need."""

import json

from contracts.exits import ExitCode
from prestage.failures import run


def test_new_project_runs_at_once_beside_folders_of_the_users_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("policies", "stacks"):
        (tmp_path / "my-network" / name).mkdir(parents=True)
        (tmp_path / "my-network" / name / "__init__.py").write_text("raise ImportError('the wrong package')")
    assert run(["init", "my-network", "--json"]) == 0
    assert "environments/dev.yaml" in json.loads(capsys.readouterr().out)["written"]
    monkeypatch.chdir(tmp_path / "my-network")
    assert run(["history", "import", "history/traffic.csv", "--table", "traffic"]) == 0


def test_what_is_there_is_not_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("mine")
    assert run(["init", "."]) == ExitCode.ERROR
    assert "README.md" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md"]


def test_a_name_that_is_none_is_wrong_usage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "a b"]) == ExitCode.USAGE
