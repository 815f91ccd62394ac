"""What of a history is not forecast from (pure), and told: other regions, hours after now, what ended long ago."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import pandas as pd

from contracts.forecast import Treatment
from contracts.forecast_values import LARGEST
from contracts.names import pair_ends, pair_name
from contracts.series import SeriesKey, SeriesKind
from forecaster.errors import NothingToForecast

SHOWN = "%Y-%m-%dT%H:%MZ"


def regions_of(subject: str) -> frozenset[str]:
    """Regions that a subject concerns; an address block concerns none."""
    place = subject.rpartition("@")[2]
    if "->" in place:
        return frozenset(pair_ends(place))
    return frozenset(() if "/" in place else (place,))


def foreign_regions(rows: pd.DataFrame, requests: pd.DataFrame, regions: Collection[str]) -> tuple[str, ...]:
    """Those that measurements or requests name and the environment does not have; none where it names none itself."""
    subjects = [str(subject) for subject in rows["subject"].unique()] if len(rows) else []
    asked = (str(region) for column in ("source", "destination") for region in requests[column].unique())
    return foreign_among((*subjects, *asked), regions)


def foreign_among(subjects: Iterable[str], regions: Collection[str]) -> tuple[str, ...]:
    """The same of subjects."""
    if not regions:
        return ()
    found = {region for subject in subjects for region in regions_of(subject)}
    return tuple(sorted(found.difference(regions)))


def told_foreign(foreign: Sequence[str]) -> str:
    """What is said of them."""
    named = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
    return f"not among the environment's regions: {named}; kept, and not forecast"


def of_others(rows: pd.DataFrame, requests: pd.DataFrame, regions: Collection[str]) -> tuple[Treatment, ...]:
    """What is left out because it is of other regions, told once."""
    foreign = foreign_regions(rows, requests, regions)
    return (Treatment(series=foreign[0], what=told_foreign(foreign), hours=0),) if foreign else ()


def credible(rows: pd.DataFrame) -> pd.DataFrame:
    """Without values that no demand can have."""
    return rows[rows["value"] <= LARGEST]


def beyond_all(rows: pd.DataFrame) -> tuple[Treatment, ...]:
    """What was set aside of measurements because no demand can be so large, told once for each series."""
    found = rows[rows["value"] > LARGEST].groupby(["kind", "subject"], sort=True)["value"].agg(["size", "max"])
    return tuple(
        Treatment(
            series=f"{kind}:{subject}",
            what=f"{count:,} values above {LARGEST:g}, up to {most:.3g}: set aside, as if not measured",
            hours=int(count),
        )
        for (kind, subject), count, most in found.itertuples()
    )


def until_now(rows: pd.DataFrame, now: datetime | None) -> pd.DataFrame:
    """Without rows of hours that begin after now; a clock that is wrong, or a year that is, must not move the end."""
    return rows if now is None else rows[rows["time"] <= pd.Timestamp(now)]


def after_now(rows: pd.DataFrame, requests: pd.DataFrame, now: datetime | None) -> tuple[Treatment, ...]:
    """What was set aside of measurements and requests, told once for each kind."""
    if now is None:
        return ()
    late, asked = (each[each["time"] > pd.Timestamp(now)] for each in (rows, requests))
    ahead = _of_both(late, asked)
    told = []
    for kind, found in ahead.groupby("kind", sort=True):
        names = sorted(found["subject"].unique())
        values = "requests" if kind == SeriesKind.PEERING_REQUESTS else "values"
        what = (
            f"{len(found):,} {values} after now ({now:{SHOWN}}), the last of {found['time'].max():{SHOWN}}: set aside"
        )
        subject = names[0] if len(names) == 1 else "*"
        told.append(Treatment(series=f"{kind}:{subject}", what=what, hours=len(found)))
    return tuple(told)


def _of_both(rows: pd.DataFrame, requests: pd.DataFrame) -> pd.DataFrame:
    """Kind, subject and time of measurements and of requests."""
    measured = rows[["kind", "subject", "time"]]
    if not len(requests):
        return measured
    pairs = [pair_name(a, b) for a, b in zip(requests["source"], requests["destination"], strict=True)]
    asked = pd.DataFrame({"kind": SeriesKind.PEERING_REQUESTS.value, "subject": pairs, "time": list(requests["time"])})
    return pd.concat([measured, asked], ignore_index=True) if len(measured) else asked


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


def nothing_within(rows: pd.DataFrame, requests: pd.DataFrame, now: datetime) -> NothingToForecast:
    """Everything that was measured or asked for lies after now."""
    every = _of_both(rows, requests)
    counted = [f"{len(each):,} {what}" for each, what in ((rows, "values"), (requests, "requests")) if len(each)]
    return NothingToForecast(
        f"all {' and '.join(counted)} lie after now ({now:{SHOWN}}), the first at {every['time'].min():{SHOWN}}",
        where="history",
        expected="hours that were measured, or requests",
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
