"""Small protocols between pure rooms and the world, each with its fake."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

Clock = Callable[[], datetime]
"""The time now, aware, UTC."""


class Progress(Protocol):
    """Hears how far a long step has come. Never raises."""

    def start(self, step: str, total: int | None = None) -> None: ...

    def advance(self, step: str, done: int, detail: str = "") -> None: ...

    def finish(self, step: str, detail: str = "") -> None: ...


class Silent:
    """A `Progress` that says nothing: for tests and `--json`."""

    def start(self, step: str, total: int | None = None) -> None:
        """Says nothing."""

    def advance(self, step: str, done: int, detail: str = "") -> None:
        """Says nothing."""

    def finish(self, step: str, detail: str = "") -> None:
        """Says nothing."""
