"""History to panels (pure): what is forecast for these regions, on a regular grid, with every treatment listed."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from contracts.environment import Coefficients
from contracts.forecast import Treatment
from contracts.names import pair_name
from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.derive import Derived, derived_demand, region_traffic
from forecaster.errors import NothingToForecast
from forecaster.gaps import gap_treatments
from forecaster.panel import Matrix, Panel, Remembered, Steps, fill
from forecaster.reach import (
    after_now,
    beyond_all,
    credible,
    long_gone,
    nothing_lately,
    nothing_within,
    of_others,
    regions_of,
    until_now,
)
from forecaster.repairs import repair
from forecaster.services import wholes
from forecaster.view import HistoryView

HOUR = timedelta(hours=1)
MAX_HOURS = 24 * 400  # older history is left out: no model looks further back than a year
WEEK = 7 * 24  # history begins at whole ones then, so that one more hour does not move its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of a history is looked at.

    Attributes:
        regions: series of other regions are left out; empty means every region.
        coefficients: demand per telemetry, for regions without utilisation.
        origin: the first hour that must not be seen; None means right after the last measurement.
        now: hours that begin after it are set aside; None means that none is.
    """

    regions: tuple[str, ...] = ()
    coefficients: Coefficients = field(default_factory=Coefficients)
    origin: datetime | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Hourly panels that end at the same moment, put right where that was plainly needed.

    Attributes:
        origin: that moment.
        levels: continuous series (everything but requests), possibly none.
        counts: peering requests in the hour of every pair that ever asked, possibly none.
        treatments: what was found in the history and done about it.
        doubts: of series that were derived by what others use, the log standard deviation of that.
    """

    origin: datetime
    levels: Panel
    counts: Panel
    treatments: tuple[Treatment, ...]
    doubts: tuple[tuple[SeriesKey, float], ...] = ()


def prepare(history: HistoryView, scope: Scope) -> Prepared:
    """Cuts the history at the origin, selects the scope's regions and makes panels of it.

    Raises:
        NothingToForecast: nothing is left.
    """
    known, asked = _selected(history, scope)
    inside, beyond = credible(known), beyond_all(known)
    rows, requests = until_now(inside, scope.now), until_now(asked, scope.now)
    if not len(rows) and not len(requests):
        if scope.now is not None and (len(inside) or len(asked)):
            raise nothing_within(inside, asked, scope.now)
        raise NothingToForecast(
            "the history holds nothing of "
            + (", ".join(scope.regions) if scope.regions else "any region")
            + (f" but {beyond[0].series}: {beyond[0].what}" if beyond else ""),
            where="history" + (f" before {scope.origin:%Y-%m-%d %H:%M} UTC" if scope.origin else ""),
            expected="traffic, utilisation, telemetry or requests of these regions",
            next_step="prestage history show; prestage history import FILE --table traffic",
        )
    origin = _origin(rows, requests, scope)
    by_itself, counts = _measured(rows, origin), _request_counts(requests, origin)
    whole = wholes(by_itself)
    measured = _with_rows(by_itself, [(row.key, row.observed) for row in whole]) if whole else by_itself
    if not measured.keys and not counts.keys:
        raise nothing_lately(rows, origin, MAX_HOURS // 24)
    repaired = repair(measured)
    derived = _derived(repaired.panel, scope)
    levels = _with_rows(repaired.panel, [(row.key, row.observed) for row in derived])
    if repaired.panel.hindsight is not None:
        levels = replace(levels, hindsight=Remembered(_OfSums(repaired.panel, levels, scope)))
    reasons = tuple(row.treatment for row in (*whole, *derived) if row.treatment is not None)
    return Prepared(
        origin=origin,
        levels=levels,
        counts=counts,
        treatments=(
            *of_others(history.measurements, history.requests, scope.regions),
            *after_now(inside, asked, scope.now),
            *beyond,
            *long_gone(rows, measured.keys, origin - measured.steps * HOUR, MAX_HOURS // 24),
            *reasons,
            *gap_treatments(measured),
            *repaired.treatments,
        ),
        doubts=tuple((row.key, row.log_sd) for row in derived if row.log_sd),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _OfSums:
    """What was measured and what follows from it, when something of it was known otherwise.

    What follows from nothing that was known otherwise is as it is now.
    """

    measured: Panel
    levels: Panel
    scope: Scope

    def at(self, step: int) -> Panel | None:
        then = self.measured.otherwise(step)
        if then is None:
            return None
        now = self.levels.until(step)
        row_of = {key: row for row, key in enumerate(now.keys)}
        observed, filled = now.observed.copy(), now.filled.copy()
        rows = [row_of[key] for key in then.keys]
        observed[rows], filled[rows] = then.observed, then.filled
        both = zip(_derived(then, self.scope), _derived(self.measured.until(step), self.scope), strict=True)
        for one, other in both:
            if not np.array_equal(one.observed, other.observed, equal_nan=True):
                row = row_of[one.key]
                observed[row], filled[row] = one.observed, fill(one.observed[None], now.day)[0]
        return replace(now, observed=observed, filled=filled, hindsight=None)


def _derived(measured: Panel, scope: Scope) -> list[Derived]:
    return [*region_traffic(measured, scope.regions), *derived_demand(measured, scope.coefficients)]


def selected_requests(history: HistoryView, scope: Scope) -> pd.DataFrame:
    """The peering requests of the scope, before its origin and until now."""
    return until_now(_selected(history, scope)[1], scope.now)


def _selected(history: HistoryView, scope: Scope) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, requests = history.measurements, history.requests
    if scope.origin is not None:
        limit = pd.Timestamp(scope.origin)
        rows, requests = rows[rows["time"] < limit], requests[requests["time"] < limit]
    if scope.regions:
        wanted = set(scope.regions)
        inside = [subject for subject in rows["subject"].unique() if regions_of(str(subject)) <= wanted]
        rows = rows[rows["subject"].isin(inside)]
        requests = requests[requests["source"].isin(wanted) & requests["destination"].isin(wanted)]
    return rows, requests


def _origin(rows: pd.DataFrame, requests: pd.DataFrame, scope: Scope) -> datetime:
    if scope.origin is not None:
        return scope.origin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    last: pd.Timestamp = rows["time"].max() if len(rows) else requests["time"].max().floor("h")
    return last.to_pydatetime().astimezone(UTC) + HOUR


def _measured(rows: pd.DataFrame, origin: datetime) -> Panel:
    """Rows on a grid from the earliest hour within reach to the origin; series without one are left out."""
    back = _hours_back(rows["time"], origin)
    steps = _steps(back, origin)
    inside = (back >= 1) & (back <= steps)
    rows, back = rows[inside], back[inside]
    codes, uniques = pd.factorize(rows["kind"] + ":" + rows["subject"], sort=True)
    keys = tuple(_key(str(name)) for name in uniques)
    observed = np.full((len(keys), steps), np.nan)
    observed[codes, steps - back] = rows["value"].to_numpy()
    return _panel(keys, origin, observed)


def _hours_back(times: pd.Series, origin: datetime) -> Steps:
    """How many hours before the origin the hour of each time begins."""
    hours = times.dt.floor("h").astype("int64").to_numpy() // 3_600_000_000
    back: Steps = int(origin.timestamp()) // 3600 - hours
    return back


def _steps(back: Steps, origin: datetime) -> int:
    """How many hours before the origin are looked at, of rows so many hours back."""
    most = MAX_HOURS + int(origin.timestamp()) // 3600 % WEEK
    return min(int(back.max()), most) if len(back) else 0


def _key(name: str) -> SeriesKey:
    kind, _, subject = name.partition(":")
    return SeriesKey(SeriesKind(kind), subject)


def _panel(keys: tuple[SeriesKey, ...], origin: datetime, observed: Matrix) -> Panel:
    return Panel(
        keys=keys, granularity=Granularity.HOURLY, end=origin, observed=observed, filled=fill(observed, day=24)
    )


def _with_rows(panel: Panel, rows: list[tuple[SeriesKey, Matrix]]) -> Panel:
    """The panel with further rows, in place of those that it has of the same series, sorted by key."""
    new = {key for key, _ in rows}
    stay = [row for row, key in enumerate(panel.keys) if key not in new]
    keys = (*(panel.keys[row] for row in stay), *(key for key, _ in rows))
    observed = np.vstack([panel.observed[stay], *(row for _, row in rows)])
    order = sorted(range(len(keys)), key=lambda index: keys[index])
    return _panel(tuple(keys[index] for index in order), panel.end, observed[order])


def _request_counts(requests: pd.DataFrame, origin: datetime) -> Panel:
    """Requests in each hour since the first of all, zero where there were none."""
    back = _hours_back(requests["time"], origin)
    steps = _steps(back, origin)
    inside = (back >= 1) & (back <= steps)
    requests, back = requests[inside], back[inside]
    pairs = [pair_name(a, b) for a, b in zip(requests["source"], requests["destination"], strict=True)]
    codes, uniques = pd.factorize(pd.Series(pairs, dtype="str"), sort=True)
    observed = np.zeros((len(uniques), steps))
    np.add.at(observed, (codes, steps - back), 1.0)
    keys = tuple(SeriesKey(SeriesKind.PEERING_REQUESTS, str(pair)) for pair in uniques)
    return Panel(keys=keys, granularity=Granularity.HOURLY, end=origin, observed=observed, filled=observed)
