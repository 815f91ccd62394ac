"""python-terraform, and the only module that knows it.

It builds the command line; we run it supervised: in a session of its own, dying with this process, stoppable by an
interrupt that lets Terraform finish what is under way. (The package is not maintained; its traps are closed here: the
`synchronous` flag that it would pass on to Terraform, the state that it would read after every command.)
"""

import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from python_terraform import IsFlagged, Terraform

from stacks.engines.launch import NONE, launched
from stacks.engines.terraform_engine.program import QUIET, Program

__all__ = ["Commands", "Ended", "IsFlagged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def everything(self) -> str:
        """All that it printed."""
        return self.stderr + self.stdout

    @property
    def last_words(self) -> str:
        """The line that says best why a command failed: its first error, else the last that it printed."""
        lines = [line.strip(" │╷╵\n") for line in self.everything.splitlines()]
        said = [line for line in lines if line]
        errors = [line for line in said if line.startswith(("Error", "panic"))]
        return (errors or said[-1:] or [f"ended with code {self.code}"])[0]


class _Quiet(Terraform):
    """python-terraform with words of our own before the command, and without its reading of state files."""

    def __init__(self, folder: Path, words: tuple[str, ...]) -> None:
        self._words = words
        super().__init__(working_dir=str(folder), terraform_bin_path=words[-1])

    def generate_cmd_string(self, cmd: str, *args: str, **options: object) -> list[str]:
        options.pop("synchronous", None)
        built: list[str] = super().generate_cmd_string(cmd, *args, **options)
        return [*self._words, *built[1:]]

    def read_state_file(self, file_path: str | None = None) -> None:
        """State is read where it is needed."""


class Commands:
    """Runs one program in the folders of roots; `stop` asks every run under way to end safely."""

    def __init__(self, program: Program, variables: Mapping[str, str]) -> None:
        self._program, self._variables = program, {**QUIET, **variables}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self.stopped = False

    def run(
        self,
        folder: Path,
        command: str,
        *args: str,
        on_line: Callable[[str], None] | None = None,
        variables: Mapping[str, str] = NONE,
        **options: object,
    ) -> Ended:
        """Runs `command` in `folder` to its end.

        Args:
            folder: the root.
            command: `plan`, `apply`, `show`, ...
            args: what follows the options.
            on_line: hears each line of stdout as it comes.
            variables: for this run alone.
            options: as python-terraform takes them.
        """
        terraform = _Quiet(folder, launched(self._program.command, {**self._variables, **variables}))
        process, _, _ = terraform.cmd(command, *args, synchronous=False, **options)
        self._began(process)
        try:
            lines = []
            with process.stdout, process.stderr:
                errors = _drained(process.stderr)
                for raw in process.stdout:
                    line = raw.decode(errors="replace")
                    lines.append(line)
                    if on_line is not None:
                        on_line(line)
                stderr = errors()
            return Ended(code=process.wait(), stdout="".join(lines), stderr=stderr)
        finally:
            with self._guard:
                self._running.discard(process)

    def stop(self) -> None:
        """Asks every run to end: what is under way is finished and written down, nothing new is begun."""
        with self._guard:
            self.stopped = True
            for process in self._running:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)

    def _began(self, process: "subprocess.Popen[bytes]") -> None:
        with self._guard:
            self._running.add(process)
            if self.stopped:
                process.send_signal(signal.SIGINT)


def _drained(stream: IO[bytes]) -> Callable[[], str]:
    """Reads a stream beside another one; the call that is returned waits for its end."""
    parts: list[bytes] = []
    reader = threading.Thread(target=lambda: parts.extend(stream), daemon=True)
    reader.start()

    def all_of_it() -> str:
        reader.join()
        return b"".join(parts).decode(errors="replace")

    return all_of_it
