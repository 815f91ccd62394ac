"""`run.py` before there is any environment."""

import ast
import subprocess
import sys

import pytest

import run
from tools.environment import ROOT

RUN = ROOT / "run.py"


def run_py(*arguments, python_version=None):
    """Runs `run.py` in a process of its own, which may believe to be another Python."""
    script = "import runpy, sys\n"
    if python_version is not None:
        script += f"sys.version_info = {(*python_version, 0, 'final', 0)!r}\n"
    script += f"sys.argv = ['run.py', *{arguments!r}]\nrunpy.run_path({str(RUN)!r}, run_name='__main__')\n"
    environ = {"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, check=False)


def test_an_older_python_is_refused_with_the_way_out():
    done = run_py("demo", python_version=(3, 9))
    assert done.returncode == 64
    assert "3.11 or later" in done.stderr and "3.9.0" in done.stderr and "python3.11 run.py demo" in done.stderr
    assert done.stdout == ""


def test_an_older_python_can_read_the_file_that_refuses_it():
    ast.parse(RUN.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("arguments", [(), ("dmeo",), ("engines", "tofu"), ("env", "--force")])
def test_wrong_usage_exits_64_and_shows_the_verbs(arguments):
    done = run_py(*arguments)
    assert done.returncode == 64
    assert "run.py demo" in done.stderr and done.stdout == ""


def test_help_goes_to_stdout():
    done = run_py("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"run.py {verb}" in done.stdout for verb in ("demo", "test", "engines", "prestage", "env"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["demo", "--json"], ["demo", "--json"]), (["prestage", "plan", "--env", "dev"], ["plan", "--env", "dev"])],
)
def test_demo_and_prestage_become_the_command_line(monkeypatch, tmp_path, arguments, expected):
    class Became(Exception):
        pass

    def become(python, command, environ):
        raise Became(command, environ)

    python = tmp_path / "bin" / "python"
    monkeypatch.setattr(run, "ensure_environment", lambda level: python)
    monkeypatch.setattr("os.execve", become)
    with pytest.raises(Became) as became:
        run.main(arguments)
    command, environ = became.value.args
    assert command == [str(python), "-P", "-m", "prestage", *expected]
    assert environ["PATH"].split(":")[0] == str(python.parent)


def test_checks_stop_at_the_first_that_fails(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(run, "ensure_environment", lambda level: tmp_path / "bin" / "python")
    monkeypatch.setattr(run, "CHECKS", (("lint", ("true",)), ("types", ("sh", "-c", "exit 3")), ("layers", ("false",))))
    assert run.main(["test"]) == 3
    said = capfd.readouterr().err
    assert "== types failed (exit 3)" in said and "layers" not in said


def test_tests_may_keep_what_python_compiles(monkeypatch, tmp_path):
    """They start hundreds of Pythons, and each would compile pandas and all else that it imports."""
    became = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(run, "ensure_environment", lambda level: tmp_path / "bin" / "python")
    monkeypatch.setattr(run, "CHECKS", ())
    monkeypatch.setattr("os.chdir", lambda folder: None)
    monkeypatch.setattr("os.execve", lambda python, command, environ: became.append(environ))
    run.main(["test"])
    assert [environ.get("PYTHONDONTWRITEBYTECODE") for environ in became] == [None]
