"""`History`: what was measured, kept in a folder of Parquet files. Batches go in, one `HistoryView` comes out.

How files lie there, are checked and encrypted is `vault.py`'s; what is done to them in the long run is `upkeep.py`'s.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecaster.batch import Batch, no_measurements, no_requests
from forecaster.errors import HistoryDamaged, HistoryUnwritable
from forecaster.history.keyring import Keyring
from forecaster.history.manifest import Part, Span, read_manifest
from forecaster.history.merge import Counts, merge
from forecaster.history.parquet import frame
from forecaster.history.sealing import Seal
from forecaster.history.vault import Contents, Vault
from forecaster.view import MEASUREMENT_KEY, REQUEST_KEY, HistoryView, view_of

if TYPE_CHECKING:
    import pyarrow as pa

REQUESTS = "requests"
_READS = 5  # a reader that a change overtook starts again with the new manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did."""

    origin: str
    rows_read: int
    counts: Counts
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSummary:
    """What is kept of one series; for requests `hours` counts requests, and none can be missing."""

    kind: str
    subject: str
    hours: int
    missing_hours: int
    first: datetime
    last: datetime


class History:
    """The history of one environment.

    Args:
        folder: made when the first batch is added.
        keys: what opens it. With keys it is written encrypted; one that was not is read as it is, and encrypted by
            the next import. Without keys, one that is encrypted is refused.
    """

    def __init__(self, folder: Path, keys: Keyring | None = None) -> None:
        self.folder = folder
        self.vault = Vault(folder, keys)

    def add(self, batch: Batch) -> ImportReport:
        """Takes a batch in, whole or not at all; the same batch twice changes nothing.

        Waits while another import runs.

        Raises:
            HistoryUnwritable: disk full or no permission; the history is as before.
            HistoryDamaged: a file of the history is not what was written.
            KeyRefused: its key does not open it.
        """
        try:
            with self.vault.locked():
                counts, notes = self._take_in(batch)
        except OSError as error:
            raise HistoryUnwritable(
                f"cannot be written ({error.strerror}); nothing was imported",
                where=str(self.folder),
                next_step="free some space or change the permissions, then import again",
            ) from error
        return ImportReport(origin=batch.origin, rows_read=batch.rows_read, counts=counts, notes=(*batch.notes, *notes))

    def load(self) -> HistoryView:
        """Everything that is kept, as a value: the same one, whether it is encrypted or not.

        Raises:
            HistoryDamaged: a file is missing or is not what was written, or the history was rolled back.
            KeyRefused: its key does not open it.
        """
        return self.opened()[0]

    def opened(self) -> tuple[HistoryView, Seal]:
        """Everything that is kept, and what closes things that hold values of it as it is closed itself.

        Whoever keeps the master key is asked once.

        Raises:
            HistoryDamaged, KeyRefused: as `load`.
        """
        tables, seal = self._tables()
        measurements = [table for part, table in tables if part.kind != REQUESTS]
        requests = [table for part, table in tables if part.kind == REQUESTS]
        view = view_of(
            frame(measurements) if measurements else no_measurements(),
            frame(requests) if requests else no_requests(),
        )
        return view, seal

    @contextmanager
    def held(self, seal: Seal) -> Iterator[Seal]:
        """Holds the history's lock, and gives what closes things now: key and `forgot` may be others than when opened.

        Args:
            seal: what closed them when the history was opened; given back itself where nothing of it has changed.

        Raises:
            HistoryDamaged, KeyRefused: as `load`.
        """
        with self.vault.locked():
            manifest, key = read_manifest(self.folder), seal.envelope.wrapped if seal.envelope else None
            same = (manifest.key, manifest.forgot) == (key, seal.forgot)
            yield seal if same else _seal_of(self.vault.look())

    def summary(self) -> tuple[SeriesSummary, ...]:
        """One line for each series, sorted."""
        view = self.load()
        requests = view.requests.assign(kind=REQUESTS, subject=view.requests.source + "->" + view.requests.destination)
        columns = ["kind", "subject", "time"]
        rows = pd.concat([view.measurements[columns], requests[columns]])
        found = rows.groupby(["kind", "subject"], sort=True)["time"].agg(["size", "min", "max"])
        return tuple(
            SeriesSummary(
                kind=str(kind),
                subject=str(subject),
                hours=int(size),
                missing_hours=0 if kind == REQUESTS else int((last - first) / pd.Timedelta(hours=1)) + 1 - int(size),
                first=first.to_pydatetime(),
                last=last.to_pydatetime(),
            )
            for (kind, subject), size, first, last in found.itertuples()
        )

    def _tables(self) -> "tuple[list[tuple[Part, pa.Table]], Seal]":
        for attempt in range(_READS):
            contents = self.vault.look()
            try:
                tables = [(part, self.vault.read(contents, part)) for part in contents.parts]
                return tables, _seal_of(contents)
            except HistoryDamaged:
                if attempt + 1 == _READS or read_manifest(self.folder) == contents.manifest:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _take_in(self, batch: Batch) -> tuple[Counts, tuple[str, ...]]:
        before = self.vault.look()
        kept = {part.span: part for part in before.parts}
        changed: dict[Span, pd.DataFrame] = {}
        total = Counts()
        for span, new in _by_span(batch, tuple(kept)):
            old = kept.get(span)
            rows = frame([self.vault.read(before, old)]) if old else empty(span.kind)
            merged, counts = merge(rows, new, key_of(span.kind))
            total += counts
            if counts.added or counts.replaced:
                changed[span] = merged
        after = self.vault.for_writing(before) if changed or kept else before
        kept |= {span: self.vault.write(after, span, rows) for span, rows in changed.items()}
        notes = self._encrypt(before, after, kept) if before.envelope is not after.envelope else ()
        self.vault.commit(after, tuple(kept.values()))
        return total, notes

    def _encrypt(self, before: Contents, after: Contents, kept: dict[Span, Part]) -> tuple[str, ...]:
        """Writes again what is not encrypted, and says under which key it all is from now on."""
        plain = [part for part in kept.values() if not part.key]
        for part in plain:
            kept[part.span] = self.vault.write(after, part.span, frame([self.vault.read(before, part)]))
        was = (f"the history was not encrypted; its {len(before.parts)} file(s) are now",) if before.parts else ()
        return (*was, *self._told_of_key(after))

    def _told_of_key(self, contents: Contents) -> tuple[str, ...]:
        keys, envelope = self.vault.keys, contents.envelope
        assert keys and envelope
        version = envelope.wrapped.version
        return (f"encrypted under {keys.kms.kind} key {version} ({keys.kms.where}): without it, nothing can be read",)


def _seal_of(contents: Contents) -> Seal:
    return Seal(contents.envelope, contents.manifest.forgot)


def empty(kind: str) -> pd.DataFrame:
    """No rows of a kind."""
    return no_requests() if kind == REQUESTS else no_measurements()


def key_of(kind: str) -> list[str]:
    """The columns that identify a row."""
    return REQUEST_KEY if kind == REQUESTS else MEASUREMENT_KEY


def _by_span(batch: Batch, kept: tuple[Span, ...]) -> Iterator[tuple[Span, pd.DataFrame]]:
    """The rows of a batch by the file that they belong to: the one that has their month, else one of their own."""
    rows: defaultdict[Span, list[pd.DataFrame]] = defaultdict(list)
    for kind, month, part in _by_month(batch):
        homes = (span for span in kept if span.kind == kind and span.first <= month <= span.last)
        rows[next(homes, Span(kind, month, month))].append(part)
    for span in sorted(rows):
        yield span, pd.concat(rows[span]) if len(rows[span]) > 1 else rows[span][0]


def _by_month(batch: Batch) -> Iterator[tuple[str, str, pd.DataFrame]]:
    rows = batch.measurements
    for (kind, month), part in rows.groupby([rows["kind"], rows["time"].dt.strftime("%Y-%m")], sort=True):
        yield str(kind), str(month), part
    for month, part in batch.requests.groupby(batch.requests["time"].dt.strftime("%Y-%m"), sort=True):
        yield REQUESTS, str(month), part
