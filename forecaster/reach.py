"""What of a history is not forecast from (pure): hours after now, and series last seen too long ago; both are told."""

from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from contracts.forecast import Treatment
from contracts.series import SeriesKey, SeriesKind
from forecaster.errors import NothingToForecast

SHOWN = "%Y-%m-%dT%H:%MZ"


def until_now(rows: pd.DataFrame, now: datetime | None) -> pd.DataFrame:
    """Without rows of hours that begin after now; a clock that is wrong, or a year that is, must not move the end."""
    return rows if now is None else rows[rows["time"] <= pd.Timestamp(now)]


def after_now(rows: pd.DataFrame, now: datetime | None) -> tuple[Treatment, ...]:
    """What was set aside of measurements, told once for each kind."""
    if now is None or not len(rows) or rows["time"].max() <= pd.Timestamp(now):
        return ()
    ahead = rows[rows["time"] > pd.Timestamp(now)]
    told = []
    for kind, found in ahead.groupby("kind", sort=True):
        names = sorted(found["subject"].unique())
        what = f"{len(found):,} values after now ({now:{SHOWN}}), the last of {found['time'].max():{SHOWN}}: set aside"
        subject = names[0] if len(names) == 1 else "*"
        told.append(Treatment(series=f"{kind}:{subject}", what=what, hours=len(found)))
    return tuple(told)


def long_gone(rows: pd.DataFrame, seen: Iterable[SeriesKey], begin: datetime, days: int) -> tuple[Treatment, ...]:
    """Series that nothing within reach is known of.

    Args:
        rows: kind, subject and time of all that was measured.
        seen: series of which something is within reach.
        begin: the first moment within reach.
        days: how far that is.
    """
    before = rows[rows["time"] < pd.Timestamp(begin)]
    last = before.groupby(["kind", "subject"], sort=True)["time"].max().reset_index()
    within = set(seen)
    return tuple(
        Treatment(
            series=f"{kind}:{subject}",
            what=f"ended on {moment:{SHOWN}}, more than {days} days ago: not forecast",
            hours=0,
        )
        for kind, subject, moment in last.itertuples(index=False, name=None)
        if SeriesKey(SeriesKind(kind), str(subject)) not in within
    )


def nothing_within(rows: pd.DataFrame, now: datetime) -> NothingToForecast:
    """Everything that was measured lies after now."""
    return NothingToForecast(
        f"all {len(rows):,} values lie after now ({now:{SHOWN}}), the first at {rows['time'].min():{SHOWN}}",
        where="history",
        expected="hours that were measured",
        next_step="check the clock, and the year and the time zone of what was imported",
    )


def nothing_lately(rows: pd.DataFrame, origin: datetime, days: int) -> NothingToForecast:
    """Everything that was measured is too old."""
    last = f", the last value is of {rows['time'].max():{SHOWN}}" if len(rows) else ""
    return NothingToForecast(
        f"nothing was measured in the {days} days before {origin:{SHOWN}}{last}",
        where="history",
        expected="hours of late",
        next_step="prestage history show; prestage history import FILE --table traffic",
    )
