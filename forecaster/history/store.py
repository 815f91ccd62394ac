"""`History`: a folder of Parquet files, changed by renaming one manifest.

    history/
      manifest.json                    which files count, with their digests
      lock                             held while importing
      traffic/2026-03.<digest>.parquet    one kind, one month, sorted; never changed once written

An import writes new files, then the manifest, then removes files that no manifest names. Killed in between, the old
manifest still names whole files; what it does not name is removed by the next import. Bytes are made and read in
`_encode` and `_decode` only, which is where encryption will stand.
"""

import contextlib
import fcntl
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from contracts.document import bytes_digest
from contracts.files import write_bytes
from forecaster.batch import Batch, no_measurements, no_requests
from forecaster.errors import HistoryDamaged, HistoryUnwritable
from forecaster.history.manifest import MANIFEST, Manifest, Part, read_manifest
from forecaster.history.merge import Counts, merge
from forecaster.view import MEASUREMENT_KEY, REQUEST_KEY, HistoryView, view_of

REQUESTS = "requests"
_READS = 5  # a reader that an import overtook starts again with the new manifest


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
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, batch: Batch) -> ImportReport:
        """Takes a batch in, whole or not at all; the same batch twice changes nothing.

        Waits while another import runs.

        Raises:
            HistoryUnwritable: disk full or no permission; the history is as before.
            HistoryDamaged: a file of the history is not what was written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self.folder / "lock"):
                counts = self._take_in(batch)
        except OSError as error:
            raise HistoryUnwritable(
                f"cannot be written ({error.strerror}); nothing was imported",
                where=str(self.folder),
                next_step="free some space or change the permissions, then import again",
            ) from error
        return ImportReport(origin=batch.origin, rows_read=batch.rows_read, counts=counts, notes=batch.notes)

    def load(self) -> HistoryView:
        """Everything that is kept, as a value.

        Raises:
            HistoryDamaged: a file is missing or is not what was written.
        """
        for attempt in range(_READS):
            manifest = read_manifest(self.folder)
            try:
                frames = {part: self._read(part) for part in manifest.parts}
            except HistoryDamaged:
                if attempt + 1 == _READS or read_manifest(self.folder) == manifest:
                    raise
                continue
            break
        measurements = [frame for part, frame in frames.items() if part.kind != REQUESTS]
        requests = [frame for part, frame in frames.items() if part.kind == REQUESTS]
        return view_of(
            pd.concat(measurements) if measurements else no_measurements(),
            pd.concat(requests) if requests else no_requests(),
        )

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

    def _take_in(self, batch: Batch) -> Counts:
        manifest = read_manifest(self.folder)
        kept = {(part.kind, part.month): part for part in manifest.parts}
        total = Counts()
        for (kind, month), new in _by_part(batch):
            old = kept.get((kind, month))
            empty = no_requests() if kind == REQUESTS else no_measurements()
            merged, counts = merge(self._read(old) if old else empty, new, _key(kind))
            total += counts
            if counts.added or counts.replaced:
                kept[kind, month] = self._write(kind, month, merged)
        changed = Manifest(parts=tuple(kept[key] for key in sorted(kept)))
        if changed != manifest:
            write_bytes(self.folder / MANIFEST, changed.sealed().encode())
        self._remove_unnamed(changed)
        return total

    def _write(self, kind: str, month: str, rows: pd.DataFrame) -> Part:
        payload = _encode(rows)
        digest = bytes_digest(payload)
        part = Part(
            kind=kind, month=month, file=f"{kind}/{month}.{digest[7:23]}.parquet", rows=len(rows), digest=digest
        )
        write_bytes(self.folder / part.file, payload)
        return part

    def _read(self, part: Part) -> pd.DataFrame:
        path = self.folder / part.file
        next_step = "restore the folder from a backup, or remove it and import again"
        try:
            payload = path.read_bytes()
        except OSError as error:
            raise HistoryDamaged(f"cannot be read ({error.strerror})", where=str(path), next_step=next_step) from error
        if bytes_digest(payload) != part.digest:
            raise HistoryDamaged("is not what was written", where=str(path), next_step=next_step)
        return _decode(payload)

    def _remove_unnamed(self, manifest: Manifest) -> None:
        named = {part.file for part in manifest.parts}
        for path in sorted(self.folder.glob("*/*")):
            if path.relative_to(self.folder).as_posix() not in named:
                path.unlink(missing_ok=True)


def _by_part(batch: Batch) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The rows of a batch by kind and month."""
    rows = batch.measurements
    for (kind, month), part in rows.groupby([rows["kind"], rows["time"].dt.strftime("%Y-%m")], sort=True):
        yield (str(kind), str(month)), part
    for month, part in batch.requests.groupby(batch.requests["time"].dt.strftime("%Y-%m"), sort=True):
        yield (REQUESTS, str(month)), part


def _key(kind: str) -> list[str]:
    return REQUEST_KEY if kind == REQUESTS else MEASUREMENT_KEY


def _encode(rows: pd.DataFrame) -> bytes:
    """Rows to the bytes of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), sink, compression="zstd")
    return sink.getvalue()


def _decode(payload: bytes) -> pd.DataFrame:
    """The bytes of a file to rows."""
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_table(io.BytesIO(payload)).to_pandas()
    return frame


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds the lock file; the kernel gives it back when the process ends, however it ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
