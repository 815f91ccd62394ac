"""The Parquet form of a forecast's values, in memory: the same values give the same bytes."""

import io
from collections.abc import Mapping
from itertools import groupby
from typing import Any  # Any: columns of mixed types, at this boundary only

import numpy as np
from numpy.typing import NDArray

from contracts.series import Granularity, SeriesKey, SeriesKind

Values = Mapping[tuple[SeriesKey, Granularity], NDArray[np.float64]]
LARGEST = 1e15
"""Of what is measured or forecast, in any unit: beyond it, sums of them are no numbers any more."""


def values_to_bytes(values: Values, levels: int) -> bytes:
    """Rows kind, subject, granularity, step, q0 ... qN, in sorted order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    order = sorted(values)
    counts = [len(values[key]) for key in order]
    stacked = np.concatenate([values[key] for key in order]) if order else np.zeros((0, levels))
    columns: dict[str, Any] = {
        "kind": np.repeat([key.kind.value for key, _ in order], counts) if order else [],
        "subject": np.repeat([key.subject for key, _ in order], counts) if order else [],
        "granularity": np.repeat([granularity.value for _, granularity in order], counts) if order else [],
        "step": np.concatenate([np.arange(count) for count in counts]) if order else [],
    }
    columns |= {f"q{level}": stacked[:, level] for level in range(levels)}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def values_from_bytes(payload: bytes, levels: int) -> Values:
    """The values that `values_to_bytes` was given."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(io.BytesIO(payload)) as file:  # `read_table`, and pyarrow's own arrays of numpy, load pandas
        table = file.read(use_threads=False)
    stacked = np.column_stack([_floats(table[f"q{level}"].chunks) for level in range(levels)])
    names = zip(table["kind"].to_pylist(), table["subject"].to_pylist(), table["granularity"].to_pylist(), strict=True)
    values: dict[tuple[SeriesKey, Granularity], NDArray[np.float64]] = {}
    start = 0
    for (kind, subject, granularity), rows in groupby(names):
        end = start + len(list(rows))
        values[SeriesKey(SeriesKind(kind), subject), Granularity(granularity)] = stacked[start:end]
        start = end
    return values


def _floats(chunks: list[Any]) -> NDArray[np.float64]:
    """A column of numbers, none missing, out of the buffers that Arrow keeps it in."""
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype=np.float64)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in chunks
    ]
    return np.concatenate([np.zeros(0), *parts])
