"""The demo's folder: a project of its own, marked: playing again starts afresh and never deletes a user's files.

The marker also keeps the demo's clock. The history ends in July 2018, so the demo's day is the day after; commands that
are tried in the folder afterwards go on from the demo's last moment at the pace of the real clock.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts.errors import PrestageError
from contracts.exits import ExitCode
from contracts.files import write_bytes
from contracts.ports import Clock

MARKER = ".prestage-demo.json"


class NotDemoFolder(PrestageError):
    """The folder holds something that the demo did not make."""

    exit_code = ExitCode.USAGE


@dataclass(slots=True)
class DayClock:
    """A clock that stands still until it is set: so the same day is played the same way every time."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def set(self, told: str) -> None:
        """Moves to a time of the day, `HH:MM`."""
        hour, _, minute = told.partition(":")
        self.now = self.now.replace(hour=int(hour), minute=int(minute))


def start_afresh(folder: Path) -> None:
    """Makes the folder empty, if the demo made it or if there is nothing in it.

    Raises:
        NotDemoFolder: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise NotDemoFolder("is a file", where=str(folder), next_step="prestage demo --dir OTHER")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise NotDemoFolder(
                "is not empty, and the demo did not make it: nothing was touched",
                where=str(folder),
                next_step="name another folder: prestage demo --dir OTHER",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / MARKER, b"{}\n")


def keep_time(folder: Path, now: datetime, *, real: datetime) -> None:
    """Writes down where the demo's clock stopped, and when that was."""
    write_bytes(folder / MARKER, (json.dumps({"now": now.isoformat(), "real": real.isoformat()}) + "\n").encode())


def clock_of(folder: Path) -> Clock:
    """The real clock, or, in a demo's folder, the demo's, going on from where it stopped."""
    marker = folder / MARKER
    told = json.loads(marker.read_text()) if marker.is_file() else {}
    if "now" not in told:
        return lambda: datetime.now(UTC)
    return _going_on(datetime.fromisoformat(told["now"]), datetime.fromisoformat(told["real"]))


def _going_on(stopped: datetime, real: datetime) -> Callable[[], datetime]:
    def now() -> datetime:
        return stopped + max(timedelta(0), datetime.now(UTC) - real)

    return now
