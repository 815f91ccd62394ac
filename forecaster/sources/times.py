"""Times of a sheet to UTC: offsets are followed, local times need a stated zone, clock changes are handled."""

import difflib
import zoneinfo
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecaster.batch import TIME_TYPE
from forecaster.errors import MalformedFile, TimeUnclear
from forecaster.sources.sheets import Sheet

_TIME = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?"
_OFFSET = r".*(?:Z|[+-]\d{2}:?\d{2})"
_EXPECTED = "2026-03-01T14:00:00Z, or a local time with --timezone"


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Times in UTC, and what was noticed on the way."""

    utc: pd.Series
    notes: tuple[str, ...] = ()


def times_in_utc(sheet: Sheet, column: str, *, series: pd.Series, timezone: str | None) -> Times:
    """Every time of a column in UTC.

    A local hour that occurs twice (the clock went back) is told apart by the order of the rows of its series: once a
    time does not advance, the second pass has begun. A local hour that never was is refused.

    Args:
        sheet: the file.
        column: the column with times.
        series: names the series of each row.
        timezone: the zone of times without an offset, such as `Europe/Berlin`.

    Raises:
        MalformedFile: not a time.
        TimeUnclear: local without a zone, in an unknown zone, or skipped by the clock.
    """
    wall, naive = _parse(sheet, column)
    if not naive.any():
        return Times(wall.dt.tz_localize("UTC").astype(TIME_TYPE))
    first = int(np.argmax(naive))
    if timezone is None:
        raise TimeUnclear(
            f"{sheet.frame[column].iloc[first]} has no time zone",
            where=sheet.where(first, column),
            expected=_EXPECTED,
            next_step="state it: --timezone UTC, --timezone Europe/Berlin",
        )
    zone = zone_of(timezone, sheet.name)
    utc = wall.dt.tz_localize("UTC").astype(TIME_TYPE)
    local, twice = _localise(sheet, column, wall[naive], series[naive], zone)
    utc[naive] = local
    notes = (f"{twice} rows in an hour that the clock of {timezone} repeats: told apart by order",) if twice else ()
    return Times(utc, notes)


def _parse(sheet: Sheet, column: str) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Times without zone (those with an offset already in UTC), and which of them are local."""
    raw = sheet.frame[column]
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        return raw.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]"), np.zeros(len(raw), dtype=bool)
    if np.issubdtype(_numpy_type(raw), np.datetime64):
        _refuse_first(sheet, column, raw.isna().to_numpy())
        return raw.astype("datetime64[us]"), np.ones(len(raw), dtype=bool)
    text = raw.astype("str").str.strip()
    well_formed = text.str.fullmatch(_TIME).fillna(False).to_numpy(dtype=bool)
    _refuse_first(sheet, column, ~well_formed)
    parsed = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    _refuse_first(sheet, column, parsed.isna().to_numpy())
    naive = ~text.str.fullmatch(_OFFSET).to_numpy(dtype=bool)
    return parsed.dt.tz_localize(None).astype("datetime64[us]"), naive


def _numpy_type(series: pd.Series) -> np.dtype:
    return series.dtype if isinstance(series.dtype, np.dtype) else np.dtype(object)


def _refuse_first(sheet: Sheet, column: str, bad: NDArray[np.bool_]) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        value = sheet.frame[column].iloc[row]
        raise MalformedFile(f"{value!r} is not a time", where=sheet.where(row, column), expected=_EXPECTED)


def zone_of(name: str, where: str) -> zoneinfo.ZoneInfo:
    """A time zone by its name.

    Raises:
        TimeUnclear: there is none of that name; suggests the likely one.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        close = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"did you mean {close[0]!r}?" if close else ""
        raise TimeUnclear(
            f"{name!r} is not a time zone", where=where, expected="a name such as Europe/Berlin or UTC", next_step=hint
        ) from error


def _localise(
    sheet: Sheet, column: str, wall: pd.Series, series: pd.Series, zone: zoneinfo.ZoneInfo
) -> tuple[pd.Series, int]:
    """Local times to UTC, and how many of them lie in a repeated hour."""
    probe = wall.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    unclear = probe.isna().to_numpy()
    if not unclear.any():
        return probe.dt.tz_convert("UTC").astype(TIME_TYPE), 0
    summer = np.ones(len(wall), dtype=bool)
    skipped = wall.dt.tz_localize(zone, ambiguous=summer, nonexistent="NaT").isna().to_numpy()
    if skipped.any():
        row = int(wall.index[int(np.argmax(skipped))])
        raise TimeUnclear(
            f"{wall[row]} never was: the clock of {zone.key} went forward over it",
            where=sheet.where(row, column),
            next_step="these times may be in UTC or in another zone: state which",
        )
    summer[unclear] = ~_second_pass(wall[unclear], series[unclear])
    local = wall.dt.tz_localize(zone, ambiguous=summer, nonexistent="raise")
    return local.dt.tz_convert("UTC").astype(TIME_TYPE), int(unclear.sum())


def _second_pass(wall: pd.Series, series: pd.Series) -> NDArray[np.bool_]:
    """Of rows within repeated hours: which belong to the second time round, by the order of their series."""
    groups = [series.to_numpy(), wall.dt.floor("D").to_numpy()]
    advance = wall.groupby(groups).diff()
    returned = (advance <= pd.Timedelta(0)).groupby(groups).cumsum()
    second: NDArray[np.bool_] = (returned > 0).to_numpy()
    return second
