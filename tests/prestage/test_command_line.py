"""The frame: usage, errors, interruption and a closed pipe, each with its exit code and on the right stream."""

import errno
import json
import os
import subprocess
import sys

import click
import pytest

from contracts.errors import AlteredDocument, PrestageError
from contracts.exits import ExitCode
from prestage import failures
from prestage.cli import SECTIONS, prestage
from prestage.failures import run
from prestage.scope import NoOptions, Scope, scoped

NAMES = [name for section in SECTIONS.values() for name in section]


@pytest.fixture
def probe(monkeypatch):
    """Puts a command `probe` into the command line that does what the test says."""

    def install(act):
        @click.command()
        @scoped(NoOptions)
        def command(scope: Scope, _options: NoOptions) -> int:
            return int(act(scope))

        real = type(prestage).get_command
        monkeypatch.setattr(
            type(prestage), "get_command", lambda self, ctx, name: command if name == "probe" else real(self, ctx, name)
        )

    return install


def _raising(error: BaseException):
    def act(_scope):
        raise error

    return act


@pytest.mark.parametrize("name", NAMES)
def test_help_of_every_command_says_what_the_overview_says(name, capsys):
    assert run([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Examples:" in out
    entry = next(section[name] for section in SECTIONS.values() if name in section)
    command = prestage.get_command(click.Context(prestage), name)
    assert command is not None and command.get_short_help_str(200) == entry.summary


@pytest.mark.parametrize(
    "arguments", [["schem"], ["schema", "--nope"], ["completion", "tcsh"], ["schema", "plna"]], ids=" ".join
)
def test_wrong_usage_is_64_and_silent_on_stdout(arguments, capsys):
    assert run(arguments) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == "" and said.err


def test_typo_of_a_command_is_answered_with_the_likely_one(capsys):
    run(["compltion"])
    assert "Did you mean 'completion'?" in capsys.readouterr().err


def test_error_goes_to_stderr_with_its_exit_code(probe, capsys):
    probe(_raising(AlteredDocument("altered by one byte", where="plans/dev.json", next_step="make it again")))
    assert run(["probe"]) == ExitCode.REFUSED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: plans/dev.json: altered by one byte\n  next: make it again\n"


def test_error_with_json_is_one_document_too(probe, capsys):
    probe(_raising(PrestageError("went wrong", where="here", expected="right", next_step="again")))
    assert run(["probe", "--json"]) == ExitCode.ERROR
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "error": {"what": "went wrong", "where": "here", "expected": "right", "next_step": "again", "exit_code": 1}
    }


@pytest.mark.parametrize("arguments", [["compltion"], ["schema", "--nothing"]], ids=["command", "option"])
def test_wrong_usage_with_json_is_one_document_too(arguments, capsys):
    assert run([*arguments, "--json"]) == ExitCode.USAGE
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["exit_code"] == ExitCode.USAGE and arguments[-1] in told["what"]
    assert told["next_step"] == ("prestage schema --help" if "schema" in arguments else "prestage --help")


def test_full_disk_says_that_nothing_is_half_written(probe, capsys):
    probe(_raising(OSError(errno.ENOSPC, "No space left on device", "plans/dev.json")))
    assert run(["probe"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "no space is left" in said and "plans/dev.json" in said and "whole or not at all" in said


def test_interrupt_says_how_to_go_on(probe, capsys):
    probe(_raising(KeyboardInterrupt()))
    assert run(["probe", "--env", "my env"]) == failures.INTERRUPTED
    assert "prestage probe --env 'my env'" in capsys.readouterr().err


def test_result_of_a_command_is_the_exit_code(probe):
    probe(lambda _scope: ExitCode.CHANGES_AND_DRIFT)
    assert run(["probe"]) == 4


def test_closed_pipe_is_quiet():
    script = f"{sys.executable} -m prestage schema plan | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env={**os.environ})
    assert done.stdout == "{\n" and done.stderr == ""


def test_unfit_folders_are_named(tmp_path, monkeypatch, probe, capsys):
    probe(lambda scope: print(scope.environment) or 0)
    monkeypatch.chdir(tmp_path)
    assert run(["probe"]) == ExitCode.USAGE
    assert "prestage init" in capsys.readouterr().err
    (tmp_path / "environments").mkdir()
    assert run(["probe"]) == ExitCode.USAGE
    assert "no environment" in capsys.readouterr().err


def test_project_and_environment_are_found_from_below(tmp_path, monkeypatch, probe, capsys):
    probe(lambda scope: print(scope.folder, scope.environment) or 0)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").touch()
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert run(["probe"]) == 0
    assert capsys.readouterr().out == f"{tmp_path} dev\n"
    (tmp_path / "environments" / "prod.yaml").touch()
    assert run(["probe"]) == ExitCode.USAGE
    assert "dev, prod" in capsys.readouterr().err
    assert run(["--project", str(tmp_path), "probe", "--env", "prod"]) == 0
    assert capsys.readouterr().out == f"{tmp_path} prod\n"


def test_no_color_wins_over_everything(probe, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    probe(lambda scope: scope.answer({}, lambda: click.style("red", fg="red")) or 0)
    run(["probe"])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    run(["probe"])
    assert capsys.readouterr().out == "red\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["forecast"], "prestage history import"),
        (["forecast", "show"], "next: prestage forecast"),
        (["plan"], "prestage forecast"),
        (["review", "plans/dev.json"], "next: prestage plan --out plans/dev.json"),
        (["apply", "plans/dev.json", "--yes"], "next: prestage plan --out plans/dev.json"),
        (["explain", "fra/network"], "next: prestage plan --out"),
        (["history", "show", "--env", "dve"], "did you mean 'dev'?"),
        (["drift", "--env", "dve"], "did you mean 'dev'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_yet_is_answered_with_what_to_type(project, arguments, said, capsys):
    assert run(arguments) in (ExitCode.ERROR, ExitCode.USAGE)
    answer = capsys.readouterr()
    assert answer.out == "" and said in answer.err
