"""The Python language host under the real Pulumi CLI: programs, policy packs, failures, interruptions."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.engines import ensure_engine, find_engine

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
print("the program speaks", flush=True)
pulumi.ComponentResource("try:index:Thing", "thing").register_outputs({})
pulumi.export("colour", pulumi.Config().require("colour"))
pulumi.export("root", pulumi.get_root_directory())
"""
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

def count(args, report):
    things = [one for one in args.resources if one.resource_type == "try:index:Thing"]
    if things:
        report(f"{len(things)} thing too many")

policy = StackValidationPolicy(name="no-things", description="No things.", validate=count)
PolicyPack(name="strict", enforcement_level=EnforcementLevel.MANDATORY, policies=[policy])
"""


class Project:
    """A Pulumi project with a stack in a folder of its own."""

    def __init__(self, folder, pulumi):
        self.folder, self.pulumi = folder, str(pulumi)
        self.environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "for tests",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }
        (folder / "stacks").mkdir()
        (folder / "pack").mkdir()
        (folder / "Pulumi.yaml").write_text("name: try\nruntime: python\nmain: stacks/\n")
        (folder / "pack" / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (folder / "pack" / "__main__.py").write_text(PACK)
        self.write(PROGRAM)
        self.run("stack", "init", "dev")

    def write(self, program):
        (self.folder / "stacks" / "__main__.py").write_text(program)

    def start(self, *arguments):
        command = [self.pulumi, *arguments, "--non-interactive"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.environ, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments):
        """Exit code and everything printed."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out + err


@pytest.fixture
def project(tmp_path):
    if find_engine("pulumi") is None:
        pytest.skip("no pulumi with a Python language host: run `python3 run.py engines`")
    return Project(tmp_path, ensure_engine("pulumi"))  # it is there: this brings its host up to this checkout's


def wait_for(condition, seconds=10.0):
    """Whether `condition` came true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def is_gone(pid_file):
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def test_a_program_gets_its_config_and_project_and_is_heard(project):
    project.run("config", "set", "colour", "green")
    code, said = project.run("up", "--yes")
    assert code == 0, said
    assert "the program speaks" in said and '"green"' in said and f'"{project.folder}"' in said
    code, said = project.run("preview", "--expect-no-changes")
    assert code == 0, said


def test_a_policy_pack_runs_and_denies(project):
    project.run("config", "set", "colour", "green")
    code, said = project.run("preview", "--policy-pack", "pack")
    assert code != 0
    assert "1 thing too many" in said and "no-things" in said


def test_a_failing_program_shows_its_own_traceback_once(project):
    project.write("raise ValueError('the plan is stale')\n")
    code, said = project.run("preview")
    assert code != 0
    assert said.count("ValueError: the plan is stale") == 1
    assert "non-zero exit code" not in said


def test_a_program_that_just_exits_is_an_error_with_its_code(project):
    project.write("import os\nos._exit(6)\n")
    code, said = project.run("preview")
    assert code != 0
    assert "exited with non-zero exit code: 6" in said


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_engine_that_is_stopped_leaves_no_program_behind(project, number):
    pid_file = project.folder / "pid"
    project.write(
        f"import os, pathlib, time\npathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    with project.start("preview") as process:
        assert wait_for(lambda: pid_file.exists() and pid_file.read_text())
        process.send_signal(number)
        assert wait_for(lambda: is_gone(pid_file)), "the program lives on"
        process.communicate(timeout=30)
    assert process.returncode != 0
