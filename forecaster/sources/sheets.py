"""Files to cells: CSV and Parquet behind one `Sheet`, which knows where each cell stands."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecaster.errors import MalformedFile

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".parquet", ".pq")
MAX_FIELD = 1 << 20  # bytes of one CSV field: more is a quote that was never closed


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Cells of one file.

    Attributes:
        name: the file's name, for messages.
        frame: one column each; text for CSV, the file's own types for Parquet.
        lines: the line (CSV) or row (Parquet), from 1, of each row of the frame.
        unit_of_place: `line` or `row`.
    """

    name: str
    frame: pd.DataFrame
    lines: NDArray[np.int64]
    unit_of_place: str

    def where(self, row: int, column: str = "") -> str:
        """`traffic.csv, line 17, column value`."""
        place = f"{self.name}, {self.unit_of_place} {self.lines[row]}"
        return f"{place}, column {column!r}" if column else place

    def kept(self, rows: NDArray[np.bool_]) -> "Sheet":
        """The same sheet with only these rows."""
        frame = self.frame.loc[rows].reset_index(drop=True)
        return Sheet(self.name, frame, self.lines[rows], self.unit_of_place)


def read_sheet(path: Path) -> Sheet:
    """Reads a CSV or Parquet file.

    Raises:
        MalformedFile: no such file, unreadable, cut off, or neither format.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise MalformedFile(
            f"cannot be read ({error.strerror})", where=str(path), next_step="name a file that is there and readable"
        ) from error
    if path.suffix.lower() not in SUFFIXES:
        raise MalformedFile(f"is a file of type {path.suffix!r}", where=str(path), expected=".csv or .parquet")
    return sheet_of(path.name, payload, path.suffix.lower())


def sheet_of(name: str, payload: bytes, suffix: str) -> Sheet:
    """The cells of a CSV or Parquet file that was read already; `suffix` is one of `SUFFIXES`.

    Raises:
        MalformedFile: cut off or damaged.
    """
    return _read_csv(name, payload) if suffix == ".csv" else _read_parquet(name, payload)


def _read_csv(name: str, payload: bytes) -> Sheet:
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = payload[: error.start].count(b"\n") + 1
        raise MalformedFile("is not UTF-8", where=f"{name}, line {line}", expected="a CSV file in UTF-8") from error
    if not text.strip():
        raise MalformedFile("is empty", where=name, expected="a header line and rows")
    if not text.endswith("\n"):
        raise MalformedFile(
            "the last line does not end: the file may be cut off",
            where=f"{name}, line {text.count(chr(10)) + 1}",
            expected="a newline at the end of every line",
            next_step="restore the file; if it is whole, end its last line",
        )
    header, rows, lines = _csv_rows(name, text)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    frame = pd.DataFrame({key: pd.Series(column, dtype="str") for key, column in zip(header, columns, strict=True)})
    return Sheet(name, frame, np.asarray(lines, dtype=np.int64), "line")


def _csv_rows(name: str, text: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows that are not blank, and the line on which each row ends."""
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = [column.strip() for column in next(reader)]
        _check_header(name, header)
        for row in reader:
            if len(row) == len(header):
                rows.append(row)
                lines.append(reader.line_num)
            elif row:
                raise MalformedFile(
                    f"has {len(row)} cells",
                    where=f"{name}, line {reader.line_num}",
                    expected=f"{len(header)} cells: {','.join(header)}",
                    next_step="the row is cut off, or a value has a comma and no quotes",
                )
    except csv.Error as error:
        raise MalformedFile(f"is not CSV ({error})", where=f"{name}, line {max(reader.line_num, 1)}") from error
    return header, rows, lines


def _check_header(name: str, header: list[str]) -> None:
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise MalformedFile(f"has the column {repeated[0]!r} twice", where=f"{name}, line 1")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise MalformedFile("is not separated by commas", where=f"{name}, line 1", expected="commas between cells")


def _read_parquet(name: str, payload: bytes) -> Sheet:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(payload))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise MalformedFile(
            f"is not a whole Parquet file ({len(payload)} bytes: {reason})",
            where=name,
            next_step="it may be cut off: restore it or export it again",
        ) from error
    _check_header(name, table.column_names)
    frame = pd.DataFrame({column: _plain(table[column]) for column in table.column_names})
    return Sheet(name, frame, np.arange(1, len(frame) + 1, dtype=np.int64), "row")


def _plain(column: "pa.ChunkedArray") -> pd.Series:
    """A Parquet column as a Series; dictionaries become their values."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pd.Series(column.to_pandas(), dtype="str")
    series: pd.Series = column.to_pandas()
    return series
