"""Samples to hours: rates are averaged, counts are summed, duplicates are dropped or refused."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecaster.batch import MEASUREMENT_COLUMNS
from forecaster.errors import ConflictingRows
from forecaster.sources.sheets import Sheet
from forecaster.view import MEASUREMENT_KEY


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Hourly measurements (`MEASUREMENT_COLUMNS`) and what was noticed."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


def hourly(sheet: Sheet, rows: pd.DataFrame) -> Gathered:
    """One row for each series and hour.

    Args:
        sheet: the file, for messages.
        rows: kind, subject, time (UTC), value, summed; in the order of the sheet.

    Raises:
        ConflictingRows: the same series and time twice, with different values.
    """
    rows, repeated = _without_repeats(sheet, rows)
    hours = rows["time"].dt.floor("h")
    notes = (f"{repeated} rows repeated with the same value: dropped",) if repeated else ()
    if (hours == rows["time"]).all():
        frame = rows.assign(covered=1.0)[list(MEASUREMENT_COLUMNS)]
        return Gathered(frame.sort_values(MEASUREMENT_KEY, ignore_index=True), notes)
    frame = _gather(rows, hours)
    partly = int((frame["covered"] < 1).sum())
    if partly:
        notes = (*notes, f"{partly} hours only partly covered by samples: scaled to whole hours")
    return Gathered(frame, (*notes, f"{len(rows)} samples gathered into {len(frame)} hours"))


def _without_repeats(sheet: Sheet, rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    repeats = rows.duplicated(MEASUREMENT_KEY).to_numpy()
    if not repeats.any():
        return rows, 0
    first = rows.reset_index(names="row").groupby(MEASUREMENT_KEY)["row"].transform("first").to_numpy()
    values = rows["value"].to_numpy()
    conflicts = repeats & (values != values[first])
    if conflicts.any():
        row = int(conflicts.argmax())
        raise ConflictingRows(
            f"{rows['kind'][row]} of {rows['subject'][row]} at {rows['time'][row]:%Y-%m-%d %H:%M} UTC is here and in "
            f"{sheet.unit_of_place} {sheet.lines[first[row]]}, with different values",
            where=sheet.where(row),
            expected="each series and time once",
            next_step="remove one of the two; if the clock was set back there, give times with their offset",
        )
    return rows[~repeats], int(repeats.sum())


def _gather(rows: pd.DataFrame, hours: pd.Series) -> pd.DataFrame:
    """Means of samples; sums of counts, scaled up where samples of the hour are missing."""
    key = ["kind", "subject"]
    ordered = rows.assign(hour=hours).sort_values(MEASUREMENT_KEY, ignore_index=True)
    ordered["step"] = (ordered.groupby(key)["time"].diff().dt.total_seconds() / 3600).clip(upper=1.0)
    ordered["step"] = ordered.groupby(key)["step"].transform("median").fillna(1.0)
    groups = ordered.groupby([*key, "hour"], sort=True)
    frame = groups.agg(
        mean=("value", "mean"), total=("value", "sum"), n=("value", "size"), step=("step", "first"), s=("summed", "any")
    ).reset_index(names=[*key, "time"])
    frame["covered"] = np.minimum(1.0, frame["n"] * frame["step"])
    frame["value"] = np.where(frame["s"], frame["total"] / frame["covered"], frame["mean"])
    return frame[list(MEASUREMENT_COLUMNS)]
