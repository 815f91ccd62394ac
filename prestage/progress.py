"""How far a long step has come, on stderr: live lines on a terminal, plain lines in a pipeline."""

import atexit
import time
from typing import TYPE_CHECKING, TextIO

from contracts.ports import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

QUIET_S = 5.0
"""Seconds between two lines of one step in a pipeline's log: often enough to see that it lives."""

BRIEF_S = 1.0
"""Steps shorter than this leave no line in a log: the result that follows says enough."""


def progress_on(stream: TextIO) -> Progress:
    """The progress that suits a stream."""
    return LiveProgress() if stream.isatty() else LineProgress(stream)


class LineProgress:
    """A line when a step ends, and one every few seconds while it runs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began: dict[str, float] = {}
        self._spoke: dict[str, float] = {}
        self._totals: dict[str, int | None] = {}

    def start(self, step: str, total: int | None = None) -> None:
        """Remembers when the step began; says nothing yet."""
        self._began[step] = self._spoke[step] = time.monotonic()
        self._totals[step] = total

    def advance(self, step: str, done: int, detail: str = "") -> None:
        """Says how far the step is, unless it has just been said."""
        now = time.monotonic()
        if now - self._spoke.get(step, 0.0) < QUIET_S:
            return
        self._spoke[step] = now
        total = self._totals.get(step)
        self._say(f"{step}: {done}{f' of {total}' if total else ''}{f', {detail}' if detail else ''}")

    def finish(self, step: str, detail: str = "") -> None:
        """Says that the step is done and how long it took; what took no time worth naming is passed over."""
        seconds = time.monotonic() - self._began.pop(step, time.monotonic())
        if seconds >= BRIEF_S:
            self._say(f"{step}: done in {seconds:.1f} s{f' ({detail})' if detail else ''}")

    def _say(self, line: str) -> None:
        try:
            print(line, file=self._stream, flush=True)
        except OSError:
            return  # a closed log must not stop the work


class LiveProgress:
    """One live line a step, with a bar where the total is known; a finished step leaves one line."""

    def __init__(self) -> None:
        self._live: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}

    def start(self, step: str, total: int | None = None) -> None:
        """Shows the step's line."""
        if self._live is None:
            self._live = _bars()
            self._live.start()
            atexit.register(self._live.stop)  # whatever ends the process: the cursor comes back
        self._tasks[step] = self._live.add_task(step, total=total, detail="")

    def advance(self, step: str, done: int, detail: str = "") -> None:
        """Moves the bar."""
        if self._live is not None and step in self._tasks:
            self._live.update(self._tasks[step], completed=done, detail=detail)

    def finish(self, step: str, detail: str = "") -> None:
        """Takes the live line away and leaves a plain one; the last step gives the terminal back."""
        task = self._tasks.pop(step, None)
        if self._live is None or task is None:
            return
        seconds = self._live.tasks[self._live.task_ids.index(task)].elapsed or 0.0
        self._live.remove_task(task)
        self._live.console.print(f"[green]✓[/green] {step} [dim]{detail} {seconds:.1f} s[/dim]", highlight=False)
        if not self._tasks:
            self._live.stop()
            atexit.unregister(self._live.stop)
            self._live = None


def _bars() -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
        console=Console(stderr=True),
        transient=True,
    )
