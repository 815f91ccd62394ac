"""What the scenes of the demo share: the project, its clock, and what has come of the day so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.document import Document
from contracts.drift import DriftReport
from contracts.files import write_bytes, write_document
from contracts.ports import Progress
from contracts.requests import Decision
from contracts.run import RunReport
from prestage.demo.folder import DayClock
from prestage.demo.report import BacktestFigures, DriftFigures, PlanFigures

if TYPE_CHECKING:
    from coordinator.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is told of one scene: a headline, lines below it, and the files that it left."""

    headline: str
    lines: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(slots=True, kw_only=True)
class Stage:
    """The day as it goes on. Scenes read the project and add what they made."""

    project: "Project"
    clock: DayClock
    progress: Progress
    files: dict[str, Path] = field(default_factory=dict)
    plans: list[PlanFigures] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    backtest: BacktestFigures | None = None
    run: RunReport | None = None
    before: DriftReport | None = None
    drift: DriftFigures | None = None

    @property
    def folder(self) -> Path:
        return self.project.paths.folder

    def keep(self, name: str, document: Document, file: str) -> Path:
        """Writes a document below `results/` and remembers it under a name."""
        path = self.folder / "results" / file
        write_document(path, document)
        return self.remember(name, path)

    def keep_text(self, name: str, text: str, file: str) -> Path:
        """The same of a text, without colours."""
        path = self.folder / "results" / file
        write_bytes(path, click.unstyle(text).encode())
        return self.remember(name, path)

    def remember(self, name: str, path: Path) -> Path:
        """Names a file that a scene left."""
        self.files[name] = path
        return path


Act = Callable[[Stage], Scene]
Script = Sequence[tuple[str, str, Act]]
"""Time of the day, name of the scene, what happens."""
