"""`read_file`: one CSV or Parquet file of one table to a checked `Batch`, whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecaster.batch import SIZE_COLUMNS, Batch, no_measurements, no_requests, numbered
from forecaster.errors import MalformedFile, UnknownColumn
from forecaster.sources.cells import filled, non_negative, region_names
from forecaster.sources.hours import hourly
from forecaster.sources.sheets import Sheet, read_sheet
from forecaster.sources.subjects import series_of
from forecaster.sources.tables import COLUMNS, INTERCHANGE, Columns, Table
from forecaster.sources.times import times_in_utc
from forecaster.sources.values import canonical_values
from forecaster.spacing import spacing_note


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What a file does not say itself.

    Attributes:
        table: which of the five tables the file holds.
        unit: the unit of its values, where no `unit` column says it: `mbps`, `kBps`, `bytes/15min`, `mib`.
        timezone: the zone of times without an offset, such as `Europe/Berlin`; no default, because a guess that is
            wrong shifts every daily cycle.
    """

    table: Table
    unit: str | None = None
    timezone: str | None = None


def read_file(path: Path, options: ImportOptions) -> Batch:
    """Reads and checks every row of a file.

    Raises:
        FileRefused: with file, line, column, what was found and what was expected; nothing is returned of a file with
            one bad row, so that a corrected file can simply be imported again.
    """
    return batch_of_sheet(read_sheet(path), options)


def batch_of_sheet(sheet: Sheet, options: ImportOptions) -> Batch:
    """Checks every row of a file's cells; as `read_file`."""
    if options.table is Table.REQUESTS:
        return _requests(sheet, options)
    return _measurements(sheet, options)


def _measurements(sheet: Sheet, options: ImportOptions) -> Batch:
    interchange = options.table is Table.TRAFFIC and "unique_id" in sheet.frame
    _check_columns(sheet, INTERCHANGE if interchange else COLUMNS[options.table], options.table)
    time_column, value_column = ("ds", "y") if interchange else ("time", "value")
    if not len(sheet.frame):
        raise MalformedFile("has a header and no rows", where=sheet.name, expected="at least one row")
    present = filled(sheet, value_column)
    absent = int((~present).sum())
    sheet = sheet.kept(present)
    names = series_of(sheet, options.table)
    times = times_in_utc(sheet, time_column, series=names["kind"] + ":" + names["subject"], timezone=options.timezone)
    values = canonical_values(sheet, value_column, names["kind"], options.unit)
    rows = names.assign(time=times.utc, value=values.numbers, summed=values.summed)
    gathered = hourly(sheet, rows)
    notes = (*times.notes, *gathered.notes, *_mixed(gathered.frame))
    if absent:
        notes = (*notes, f"{absent} rows without a value: left as gaps")
    return Batch(
        origin=sheet.name,
        rows_read=len(sheet.frame) + absent,
        measurements=gathered.frame,
        requests=no_requests(),
        notes=notes,
    )


def _mixed(frame: pd.DataFrame) -> tuple[str, ...]:
    """Which series do not have a value every hour; `frame` is sorted by series and time."""
    new = (frame["kind"].ne(frame["kind"].shift()) | frame["subject"].ne(frame["subject"].shift())).to_numpy()
    starts = np.append(np.flatnonzero(new), len(frame))
    named = frame.iloc[starts[:-1]]
    hours = frame["time"].dt.tz_localize(None).to_numpy().astype("datetime64[h]").astype(np.int64)
    return spacing_note(tuple(named["kind"] + ":" + named["subject"]), starts, hours, "hour")


def _requests(sheet: Sheet, options: ImportOptions) -> Batch:
    _check_columns(sheet, COLUMNS[Table.REQUESTS], Table.REQUESTS)
    frame = sheet.frame
    if {"addresses", "prefix_length"} <= set(frame.columns):
        raise UnknownColumn("has both addresses and prefix_length", where=sheet.name, expected="one of the two")
    whole = pd.Series("", index=frame.index, dtype="str")  # one clock for the file: requests of a pair are too few
    times = times_in_utc(sheet, "time", series=whole, timezone=options.timezone)
    rows = pd.DataFrame({column: region_names(sheet, column) for column in ("source", "destination")})
    rows["time"] = times.utc
    for column in SIZE_COLUMNS:
        rows[column] = non_negative(sheet, column, empty=0.0) if column in frame else 0.0
    if "prefix_length" in frame:
        rows["addresses"] = _addresses(sheet)
    return Batch(
        origin=sheet.name,
        rows_read=len(rows),
        measurements=no_measurements(),
        requests=numbered(rows) if len(rows) else no_requests(),
        notes=times.notes,
    )


def _addresses(sheet: Sheet) -> pd.Series:
    """IPv4 addresses of a prefix length: 24 is 256."""
    lengths = non_negative(sheet, "prefix_length", empty=32.0)
    bad = ((lengths > 32) | (lengths % 1 != 0)).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise MalformedFile(
            f"{lengths[row]:g} is not a prefix length",
            where=sheet.where(row, "prefix_length"),
            expected="a whole number from 0 to 32",
        )
    addresses: pd.Series = 2.0 ** (32 - lengths)
    return addresses


def _check_columns(sheet: Sheet, columns: Columns, table: Table) -> None:
    found = [str(column) for column in sheet.frame.columns]
    unknown, missing = columns.unknown(found), columns.missing(found)
    expected = ", ".join(columns.required) + "".join(f"[, {column}]" for column in columns.optional)
    if unknown:
        likely = columns.likely(unknown[0])
        hint = f"did you mean {likely!r}?" if likely and likely not in found else "rename or remove the column"
        raise UnknownColumn(
            f"has a column {unknown[0]!r} that the table {table.value} does not have",
            where=sheet.name,
            expected=expected,
            next_step=hint,
        )
    if missing:
        raise UnknownColumn(f"has no column {missing[0]!r}", where=sheet.name, expected=expected)
