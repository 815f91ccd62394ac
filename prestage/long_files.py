"""Files in long form, read with bounded memory: a batch of rows at a time, only the columns that are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.spelling import likely
from forecaster.errors import MalformedFile, UnknownColumn
from forecaster.longform import LongRows
from prestage.long_times import LongTimes

if TYPE_CHECKING:
    from contracts.ports import Progress

BATCH_ROWS = 1 << 17
STEP = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Names of the three columns."""

    unique_id: str = "unique_id"
    ds: str = "ds"
    y: str = "y"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LongFile:
    """A file's rows, and how it writes names and times, so that what is made of it can be joined to it again.

    Attributes:
        rows: as they were read.
        ids: the series' names as the file has them, in the order of `rows.names`.
        time_type: of the column of times.
        notes: what was left out.
    """

    rows: LongRows
    ids: pa.Array
    time_type: pa.TimestampType
    notes: tuple[str, ...]


def read_long_file(path: Path, columns: Columns, wanted: frozenset[str], progress: "Progress") -> LongFile:
    """Reads the rows of the series that are wanted; of all where none is named.

    Raises:
        FileRefused: it is not Parquet, lacks a column, or a column is not of its kind.
    """
    try:
        with pq.ParquetFile(path) as file:
            return _read(file, path, columns, wanted, progress)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise MalformedFile(
            f"cannot be read as Parquet ({_first_line(error)})",
            where=str(path),
            expected="a Parquet file with a series, a time and a value a row",
            next_step="write it again with pandas' to_parquet or any Arrow library",
        ) from error


def read_names(path: Path) -> frozenset[str]:
    """Names of series, one a line; empty lines and lines that begin with # are passed over.

    Raises:
        MalformedFile: it is not text, or names nothing.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise MalformedFile(f"is not UTF-8 (byte {error.start})", where=str(path)) from error
    names = frozenset(line for line in lines if line and not line.startswith("#"))
    if not names:
        raise MalformedFile("names no series", where=str(path), expected="one name a line")
    return names


class _Gathering:
    """Rows as they come in: codes by first occurrence, sorted by name once all are there."""

    def __init__(self, wanted: frozenset[str], rows: int) -> None:
        self._wanted = wanted
        self._codes: dict[str | int, int] = {}
        self._code, self._seconds = np.empty(rows, dtype=np.int32), np.empty(rows, dtype=np.int64)
        self._value = np.empty(rows)  # memory that is never written to is never taken
        self._count = 0
        self.nameless = 0
        self.timeless = 0

    def add(self, ids: pa.Array, seconds: pa.Array, values: pa.Array) -> None:
        """Keeps the rows of one batch that have a series that is wanted, and a time."""
        if pa.types.is_string_view(ids.type):
            ids = ids.cast(pa.string())
        encoded = ids.dictionary_encode() if not pa.types.is_dictionary(ids.type) else ids
        index = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        named, timed = (column.is_valid().to_numpy(zero_copy_only=False) for column in (encoded, seconds))
        own = np.full(max(1, len(encoded.dictionary)), -1, dtype=np.int32)
        for at in np.unique(index[named]):  # a dictionary may name series that have no row
            own[at] = self._number(encoded.dictionary[int(at)].as_py())
        self.nameless += int((~named).sum())
        self.timeless += int((named & ~timed).sum())
        code = own[index]
        kept = named & timed & (code >= 0)
        at = seconds.fill_null(0).to_numpy(zero_copy_only=False)
        value = values.to_numpy(zero_copy_only=False).astype(np.float64)
        rows = slice(self._count, self._count + int(kept.sum()))
        self._code[rows], self._seconds[rows], self._value[rows] = code[kept], at[kept], value[kept]
        self._count = rows.stop

    def finished(self, source: str, id_type: pa.DataType) -> tuple[LongRows, pa.Array]:
        """Rows and the series' names, both with the series in the order of their names."""
        order = sorted(self._codes)  # all of one type: they come from one column
        rank = np.empty(len(order), dtype=np.int32)
        rank[[self._codes[name] for name in order]] = np.arange(len(order))
        rows = LongRows(
            source=source,
            names=tuple(map(str, order)),
            code=rank[self._code[: self._count]],
            seconds=self._seconds[: self._count],
            value=self._value[: self._count],
        )
        return rows, pa.array(order, type=id_type)

    def _number(self, name: str | int | None) -> int:
        """The number of a series; -1 of one that is not wanted."""
        if name is None or (self._wanted and str(name) not in self._wanted):
            return -1
        return self._codes.setdefault(name, len(self._codes))

    def known(self) -> frozenset[str]:
        return frozenset(map(str, self._codes))


def _read(file: pq.ParquetFile, path: Path, columns: Columns, wanted: frozenset[str], progress: "Progress") -> LongFile:
    schema = file.schema_arrow
    for column in (columns.unique_id, columns.ds, columns.y):
        if column not in schema.names:
            raise UnknownColumn(
                f"has no column {column!r}",
                where=str(path),
                expected=f"columns {columns.unique_id}, {columns.ds}, {columns.y}; it has {', '.join(schema.names)}",
                next_step=likely(column, schema.names)
                or "name its columns: --id-column, --time-column, --value-column",
            )
    id_type, time_type = _id_type(schema, path, columns), _time_type(schema, path, columns)
    gathering, times = _Gathering(wanted, file.metadata.num_rows), LongTimes(path, columns.ds)
    progress.start(STEP, file.metadata.num_rows)
    done = 0
    for batch in _batches(file, columns):
        gathering.add(
            batch.column(columns.unique_id),
            times.seconds(batch.column(columns.ds)),
            _numbers(batch.column(columns.y), path, columns.y),
        )
        done += batch.num_rows
        progress.advance(STEP, done, "rows")
    progress.finish(STEP, f"{done:,} rows")
    if missing := sorted(wanted - gathering.known()):
        raise MalformedFile(
            f"holds no series {missing[0]!r}" + (f", nor {len(missing) - 1} more" if len(missing) > 1 else ""),
            where=str(path),
            expected="the series that --series names",
        )
    rows, ids = gathering.finished(str(path), id_type)
    return LongFile(rows=rows, ids=ids, time_type=time_type, notes=_notes(gathering))


def _batches(file: pq.ParquetFile, columns: Columns) -> Iterator[pa.RecordBatch]:
    yield from file.iter_batches(batch_size=BATCH_ROWS, columns=[columns.unique_id, columns.ds, columns.y])


def _id_type(schema: pa.Schema, path: Path, columns: Columns) -> pa.DataType:
    found = _plain(schema.field(columns.unique_id).type)
    if not (pa.types.is_integer(found) or _is_text(found)):
        raise MalformedFile(
            f"column {columns.unique_id!r} holds {found}", where=str(path), expected="names or whole numbers"
        )
    return pa.string() if pa.types.is_string_view(found) else found  # pandas reads no views


def _time_type(schema: pa.Schema, path: Path, columns: Columns) -> pa.TimestampType:
    """The type that times are written with again."""
    found = _plain(schema.field(columns.ds).type)
    if pa.types.is_timestamp(found):
        return found
    if pa.types.is_date(found) or _is_text(found):
        return pa.timestamp("us")
    raise MalformedFile(
        f"column {columns.ds!r} holds {found}", where=str(path), expected="times (timestamp, date, or text in ISO 8601)"
    )


def _plain(found: pa.DataType) -> pa.DataType:
    """The type of a column's values: of a dictionary (a category) what it names."""
    return found.value_type if pa.types.is_dictionary(found) else found


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _numbers(values: pa.Array, path: Path, column: str) -> pa.Array:
    kind = values.type
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise MalformedFile(f"column {column!r} holds {kind}", where=str(path), expected="numbers")
    return values.cast(pa.float64(), safe=False)


def _notes(gathering: _Gathering) -> tuple[str, ...]:
    counts = ((gathering.nameless, "series"), (gathering.timeless, "time"))
    return tuple(f"{count:,} rows without a {what}: left out" for count, what in counts if count)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
