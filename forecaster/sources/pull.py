"""`pull`: reads sources one after the other, each from where it was left; a source that fails does not end the others.

Where each was left is kept in a small document beside the history. Without it, or where it is damaged, a source is
read from its `history_hours` on again: importing twice changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, TypeAlias

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model, text_digest
from contracts.errors import DocumentError, PrestageError
from contracts.files import read_document, write_document
from contracts.ports import Clock, Progress
from contracts.sources import AnySource
from forecaster.batch import Batch
from forecaster.errors import SourceFailed
from forecaster.history.store import ImportReport
from forecaster.reach import after_now, foreign_regions, told_foreign
from forecaster.sources.window import Window, window_after, window_until

Reader: TypeAlias = Callable[[AnySource, Window], Batch]
"""Reads a source. Raises PrestageError."""

Keep: TypeAlias = Callable[[Batch], ImportReport]
"""Takes a batch into the history. Its errors end a pull: they are no source's."""


class Mark(Model):
    """Until when a source was read, and by which settings: with others it begins anew."""

    until: AwareDatetime
    settings: str


class Left(Document):
    """Where each source was left."""

    FORMAT: ClassVar[str] = "prestage/sources-left"

    marks: dict[str, Mark] = Field(default={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What became of one source: a report, or why there is none.

    Attributes:
        name: of the source.
        window: the hours that were asked for.
        report: what the history took in.
        failure: why nothing was.
    """

    name: str
    window: Window
    report: ImportReport | None = None
    failure: PrestageError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """How sources are read and kept.

    Attributes:
        read: reads one source.
        keep: takes a batch into the history.
        left: the file that says where each source was left.
        clock: the time now.
        regions: of the environment; what lies elsewhere is told.
        settle: hears of each source that the history has what was read of it.
    """

    read: Reader
    keep: Keep
    left: Path
    clock: Clock
    regions: frozenset[str]
    progress: Progress
    settle: Callable[[AnySource], None] = lambda _source: None

    def pull(self, sources: Sequence[AnySource], since: datetime | None = None) -> tuple[Pulled, ...]:
        """Reads each source for the hours that are over and not read yet, with their overlap.

        Args:
            sources: which.
            since: read from there, whatever was read before.

        Raises:
            HistoryUnwritable, HistoryDamaged: nothing can be kept.
        """
        step = "reading sources"
        self.progress.start(step, len(sources))
        found: list[Pulled] = []
        owners: dict[str, str] = {}
        for number, source in enumerate(sources, 1):
            found.append(self._one(source, since, owners))
            self.progress.advance(step, number, source.name)
        self.progress.finish(step)
        return tuple(found)

    def _one(self, source: AnySource, since: datetime | None, owners: dict[str, str]) -> Pulled:
        window = self._window(source, since)
        try:
            if not window.hours:
                raise SourceFailed("no hour is over since then", where=f"source {source.name}, {window}")
            batch = self.read(source, window)
        except PrestageError as error:
            return Pulled(name=source.name, window=window, failure=error)
        batch = with_shared_series(with_foreign_regions(batch, self.regions), source.name, owners)
        report = self.keep(batch)
        self.settle(source)
        self._leave(source, window)
        return Pulled(name=source.name, window=window, report=report)

    def _window(self, source: AnySource, since: datetime | None) -> Window:
        now = self.clock()
        mark = None if since else _read(self.left).get(source.name)
        if mark is None or mark.settings != _settings(source):
            return window_until(now, source.history_hours, since=since)
        return window_after(mark.until, now, max(source.overlap_hours, 1))

    def _leave(self, source: AnySource, window: Window) -> None:
        marks = dict(_read(self.left))
        mark = Mark(until=window.last, settings=_settings(source))
        before = marks.get(source.name)
        if before is None or before.settings != mark.settings or before.until < mark.until:
            write_document(self.left, Left(marks=marks | {source.name: mark}))


def with_foreign_regions(batch: Batch, regions: frozenset[str]) -> Batch:
    """The batch, with a note where it holds regions that the environment does not have."""
    foreign = foreign_regions(batch.measurements, batch.requests, regions)
    return replace(batch, notes=(*batch.notes, told_foreign(foreign))) if foreign else batch


def with_hours_to_come(batch: Batch, now: datetime) -> Batch:
    """The batch, with a note where it holds hours that begin after now: a wrong year, zone or clock."""
    found = after_now(batch.measurements, batch.requests, now)
    notes = (f"{one.series}: {one.what} by every forecast until then" for one in found)
    return replace(batch, notes=(*batch.notes, *notes))


def with_shared_series(batch: Batch, name: str, owners: dict[str, str]) -> Batch:
    """The batch, with a note where an earlier source has series of it too; `owners` learns whose the others are."""
    frame = batch.measurements
    keys = [f"{kind}:{subject}" for kind, subject in frame[["kind", "subject"]].drop_duplicates().to_numpy().tolist()]
    shared = sorted(key for key in keys if owners.setdefault(key, name) != name)
    if not shared:
        return batch
    more = f" and {len(shared) - 3} more" if len(shared) > 3 else ""
    note = f"{owners[shared[0]]} has {', '.join(shared[:3])}{more}, too: of the same hour, this reading counts"
    return replace(batch, notes=(*batch.notes, note))


def _settings(source: AnySource) -> str:
    """Changes with whatever people change of a source: a query that was added wants its history, too."""
    return text_digest(source.model_dump_json())


def _read(path: Path) -> Mapping[str, Mark]:
    try:
        return read_document(Left, path).marks
    except DocumentError:
        return {}
