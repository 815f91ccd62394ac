"""The Parquet form of a forecast's paths, in memory: the same paths give the same bytes.

A path is one way in which everything may come: values of all series and hours that belong together. Sums over hours,
series and places are sums on each path; their quantiles are quantiles over paths. That is what quantiles by series
cannot tell.
"""

import io
from collections.abc import Mapping
from typing import Any  # Any: columns of Arrow, at this boundary only

import numpy as np
from numpy.typing import NDArray

from contracts.series import SeriesKey, SeriesKind

Paths = Mapping[SeriesKey, NDArray[np.float32]]
"""Of each hourly series (paths, steps), the same for all, in the series' canonical unit, from 0."""

DROPPED_BITS = 10
"""Of the 23 that a value's digits have in float32: what is kept is right to one part in 16,000, and packs better."""


def kept(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values with the digits that documents keep."""
    whole = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32(1 << (DROPPED_BITS - 1))
    rounded: NDArray[np.float32] = ((whole + half) >> DROPPED_BITS << DROPPED_BITS).view(np.float32)
    return rounded


def moved_paths(
    paths: NDArray[np.float32], old: NDArray[np.float64], new: NDArray[np.float64], levels: tuple[float, ...]
) -> NDArray[np.float32]:
    """Paths (paths, steps) of one series' quantiles (steps, levels), as they are of other quantiles.

    Each step goes with the mean of its quantiles. Where that was 0 and is no more, paths have the new quantiles, in the
    order in which their other steps add up.
    """
    reached = paths.shape[1]
    mean, before = new[:reached].mean(axis=1), old[:reached].mean(axis=1)
    found = (paths * np.where(before > 0, mean / np.where(before > 0, before, 1.0), 1.0)).astype(np.float32)
    begun = np.flatnonzero((before <= 0) & (mean > 0))
    if len(begun):
        order = np.argsort(found.sum(axis=1), kind="stable")
        even = (np.arange(len(paths)) + 0.5) / len(paths)
        for step in begun:
            found[order, step] = np.interp(even, levels, new[step])
    return found


def paths_to_bytes(paths: Paths) -> bytes:
    """A column for each series, named as the series is; a row for each path and step, path by path, steps ascending."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    order = sorted(paths)
    count, steps = paths[order[0]].shape if order else (0, 0)
    columns: dict[str, Any] = {
        "path": np.repeat(np.arange(count, dtype=np.int32), steps),
        "step": np.tile(np.arange(steps, dtype=np.int32), count),
    }
    columns |= {str(key): paths[key].reshape(-1) for key in order}
    sink = io.BytesIO()
    split = [str(key) for key in order]
    pq.write_table(
        pa.table(columns), sink, compression="zstd", use_dictionary=["path", "step"], use_byte_stream_split=split
    )
    return sink.getvalue()


def paths_from_bytes(payload: bytes) -> Paths:
    """The paths that `paths_to_bytes` was given."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(io.BytesIO(payload)) as file:
        table = file.read(use_threads=False)
    steps = _column(table["step"], np.int32)
    length = int(steps.max()) + 1 if len(steps) else 0
    found: dict[SeriesKey, NDArray[np.float32]] = {}
    for name in table.column_names[2:]:
        kind, _, subject = name.partition(":")
        values = _column(table[name], np.float32)
        found[SeriesKey(SeriesKind(kind), subject)] = values.reshape(-1, length) if length else values.reshape(0, 0)
    return found


def _column(column: Any, kind: type[np.generic]) -> NDArray[Any]:
    """A column of numbers, none missing, out of the buffers that Arrow keeps it in."""
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype=kind)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
    ]
    return np.concatenate([np.zeros(0, dtype=kind), *parts])
