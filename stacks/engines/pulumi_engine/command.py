"""The `pulumi` program: where it is, and how it is run: supervised, stoppable, ended by force, never outliving us.

Beside PATH it is looked for where `run.py engines` builds it, `<cache>/prestage/engines/pulumi-<version>/pulumi`.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from stacks.engines.launch import launched
from stacks.engines.pulumi_engine.ending import EndedByForce, UnderWay
from stacks.errors import EngineMissing

VARIABLES = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
}


def find_pulumi() -> Path:
    """The program: on PATH, else in the cache, the latest version there.

    Raises:
        EngineMissing: it is in neither place.
    """
    if found := shutil.which("pulumi"):
        return Path(found)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prestage" / "engines"
    built = sorted(cache.glob("pulumi-*/pulumi"), key=lambda path: _version(path.parent.name))
    if built:
        return built[-1]
    raise EngineMissing(
        "pulumi is not installed",
        where=f"PATH, {cache}",
        expected="the program `pulumi`",
        next_step="install it (https://www.pulumi.com/docs/install/), or `python3 run.py engines` in the repository",
    )


class SupervisedCommand(PulumiCommand):
    """Runs `pulumi` in a session of its own; `stop` asks every run that is under way to end safely.

    A run dies with this process: its provider and its program are parts of us, so that nothing is left of it but a
    lock, which the next run takes away.
    """

    def __init__(self, program: Path, *, version: VersionInfo | None = None) -> None:
        self._program = program
        self._running: dict[UnderWay, list[str]] = {}
        self._guard = threading.Lock()
        self.stopped = False
        self._halted = False
        self.command = str(program)
        self.version = version or _ask_version(program)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Runs one command to its end.

        Raises:
            EndedByForce: it was asked to end, and did not.
            CommandError: it ended with an error.
        """
        environment = {**os.environ, **VARIABLES, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        environment["PATH"] = f"{self._program.parent}{os.pathsep}{environment.get('PATH', '')}"
        with subprocess.Popen(
            launched((self.command, "--non-interactive", *args)),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            run = self._began(process, args)
            try:
                stdout, stderr = process.communicate()
            finally:
                run.over()
                with self._guard:
                    self._running.pop(run)
        result = CommandResult(stdout=stdout, stderr=stderr, code=process.returncode)
        if run.forced:
            raise EndedByForce(result)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def stop(self) -> None:
        """Asks every run to end: what is under way is finished and written down, nothing new is begun."""
        with self._guard:
            self.stopped = True
            for run in self._running:
                run.interrupt()

    def halt(self) -> None:
        """Asks every run to end because none can be written down any more; those that begin later end at once.

        What has not ended after a time is ended by force (`ending.PATIENCE_S`).
        """
        with self._guard:
            self._halted = True
            for run in self._running:
                run.halt()

    def end(self, stack: str) -> None:
        """Asks the run of one stack to end: what is under way is finished and written down, nothing new is begun."""
        with self._guard:
            for run, args in self._running.items():
                if stack in args:
                    run.interrupt()

    def _began(self, process: subprocess.Popen[str], args: list[str]) -> UnderWay:
        run = UnderWay(process)
        with self._guard:
            self._running[run] = args
            if self._halted:
                run.halt()
            elif self.stopped:
                run.interrupt()
        return run


def _ask_version(program: Path) -> VersionInfo:
    asked = subprocess.run([program, "version"], capture_output=True, text=True, env={**os.environ, **VARIABLES})
    try:
        return VersionInfo.parse(asked.stdout.strip().removeprefix("v"))
    except ValueError as error:
        raise EngineMissing(
            f"does not say its version: {asked.stderr.strip() or asked.stdout.strip() or 'no output'}",
            where=str(program),
            next_step="python3 run.py engines",
        ) from error


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.rpartition("-")[2].split(".") if part.isdigit())
