"""`forecasts.parquet` of a back-test: a row group a window, written as windows come, in its place only when whole."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.files import written_whole
from contracts.series import LEVELS
from forecaster.long_windows import WindowRows
from forecaster.longform import Grid
from prestage.long_files import LongFile

JUST_BEGUN_S = 60.0
"""What is younger may be another's that does not hold it yet."""

QUANTILES = tuple(f"q{level:g}" for level in LEVELS)


class ForecastFile:
    """Appends windows; names and times are written as the source file has them, so that the two can be joined."""

    def __init__(self, path: Path, source: LongFile, grid: Grid) -> None:
        self._source, self._grid = source, grid
        times = source.time_type
        named = [("unique_id", source.ids.type), ("cutoff", times), ("ds", times), ("y", pa.float64())]
        self._schema = pa.schema([*named, *((name, pa.float64()) for name in QUANTILES)])
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=["unique_id", "cutoff", "ds"]
        )

    def add(self, rows: WindowRows) -> None:
        """Writes one window: series by series, hour by hour."""
        series, steps = rows.actual.shape
        cutoff = rows.window.cutoff
        ahead = np.tile(np.arange(cutoff + 1, cutoff + 1 + steps), series)
        columns = [
            self._source.ids.take(pa.array(np.repeat(rows.window.series, steps))),
            self._times(np.full(series * steps, cutoff)),
            self._times(ahead),
            pa.array(rows.actual.reshape(-1), from_pandas=True),
            *(pa.array(rows.said.quantiles[:, :, at].reshape(-1)) for at in range(len(LEVELS))),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        """Writes the footer."""
        self._writer.close()

    def _times(self, steps: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pa.Array:
        seconds = pa.array(self._grid.seconds(steps), type=pa.int64())
        return seconds.cast(pa.timestamp("s", tz=self._source.time_type.tz)).cast(self._source.time_type)


@contextmanager
def forecast_file(path: Path, source: LongFile, grid: Grid) -> Iterator[ForecastFile]:
    """A file to add windows to; when the block fails, the file that was there stays.

    What a back-test that was killed left beside it is removed.
    """
    _remove_left_behind(path)
    with written_whole(path) as unfinished, unfinished.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)  # until this process ends, however it does
        file = ForecastFile(unfinished, source, grid)
        try:
            yield file
        finally:
            file.close()


def _remove_left_behind(path: Path) -> None:
    """Removes unfinished files that nobody holds any more; what has just begun may not be held yet."""
    for left in path.parent.glob(f".{path.name}.*"):
        with suppress(OSError), left.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(held.fileno()).st_mtime > JUST_BEGUN_S:
                left.unlink()


def file_digest(path: Path) -> str:
    """`sha256:` and the hexadecimal digest of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
