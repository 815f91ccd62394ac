"""Fan charts of a forecast: what was seen before it, what it says, and what has come since."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contracts.files import write_bytes
from contracts.forecast import ForecastBundle, SeriesForecast
from contracts.series import Granularity, SeriesKey
from forecaster.errors import NothingToForecast
from forecaster.panel import Panel, daily, length_of
from forecaster.prepare import Scope as HistoryScope
from forecaster.prepare import prepare
from prestage.charts import Fan, Line, format_of
from prestage.plots import draw_fans

if TYPE_CHECKING:
    from contracts.environment import Environment
    from forecaster.view import HistoryView

PAST = {Granularity.HOURLY: 168, Granularity.DAILY: 56}
"""Steps drawn of what was seen before the forecast."""

MOST = 8
"""Fans of one file: more are unreadable on one page."""

HOUR = timedelta(hours=1)


def plot_forecast(
    path: Path, bundle: ForecastBundle, series: Sequence[SeriesForecast], history: "HistoryView", of: "Environment"
) -> int:
    """Draws the first few of some series into a file and says how many.

    Raises:
        ChartUnwanted: the file's ending is none that is drawn.
        PlotsMissing: the library that draws is not installed.
    """
    form = format_of(path.name)
    panels = _panels(history, of)
    fans = tuple(_fan(bundle, item, panels) for item in series[:MOST])
    write_bytes(path, draw_fans(fans, form))
    return len(fans)


def _panels(history: "HistoryView", of: "Environment") -> tuple[Panel, ...]:
    """All that is known by now, with what is derived of it; none where the history is not there any more."""
    scope = HistoryScope(regions=tuple(region.name for region in of.regions), coefficients=of.coefficients)
    try:
        prepared = prepare(history, scope)
    except NothingToForecast:
        return ()
    return prepared.levels, prepared.counts


def _fan(bundle: ForecastBundle, item: SeriesForecast, panels: tuple[Panel, ...]) -> Fan:
    begins, step = bundle.document.origin, length_of(item.granularity)
    fetch = _known if item.granularity is Granularity.HOURLY else _known_days
    quantiles = bundle.values[item.key, item.granularity]
    seen = PAST[item.granularity]
    known = fetch(panels, item.key, begins - seen * step, seen + len(quantiles))
    came = known[seen:]
    last = np.flatnonzero(np.isfinite(came))
    return Fan(
        title=f"{item.key} ({item.granularity}, {item.model}, evidence {item.evidence})",
        unit=item.unit,
        begins=begins,
        step=step,
        quantiles=quantiles,
        past=known[:seen],
        came=came[: int(last[-1]) + 1] if len(last) else came[:0],
    )


def _known_days(panels: tuple[Panel, ...], key: SeriesKey, begins: datetime, count: int) -> Line:
    """Days of 24 hours from a moment on, as the forecaster makes them of hours."""
    hours = _known(panels, key, begins, 24 * count)[None]
    end = begins + 24 * count * HOUR
    panel = Panel(keys=(key,), granularity=Granularity.HOURLY, end=end, observed=hours, filled=hours)
    days: Line = daily(panel).observed[0]
    return days


def _known(panels: tuple[Panel, ...], key: SeriesKey, begins: datetime, count: int) -> Line:
    """Values of some hours from a moment on; NaN where nothing is known."""
    values = np.full(count, np.nan)
    for panel in panels:
        if key not in panel.keys:
            continue
        observed = panel.observed[panel.keys.index(key)]
        at = panel.steps - (panel.end - begins) // HOUR + np.arange(count)
        inside = (at >= 0) & (at < panel.steps)
        values[inside] = observed[at[inside]]
    return values
