"""The series of a forecast, a line each, with what comes drawn small."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import click

from contracts.errors import PrestageError
from contracts.forecast import Evidence, ForecastBundle, SeriesForecast
from contracts.series import SUMS, Granularity
from contracts.spelling import likely
from prestage.charts import sparkline
from prestage.views.paper import dim, number, table, warn

LINES = 30
"""Series listed for people; `--json` has all."""

UPPER = 0.95


class NoSuchSeries(PrestageError):
    """No series of the forecast has a name like that."""


def series_like(
    bundle: ForecastBundle, patterns: Sequence[str], granularity: Granularity = Granularity.HOURLY
) -> tuple[SeriesForecast, ...]:
    """Series of a granularity with names like one of the patterns (`cpu:fra`, `traffic:fra->*`).

    All where there is no pattern. They come by kind, the highest peak first; what is nothing but sums comes last.

    Raises:
        NoSuchSeries: a pattern is like no series.
    """
    found = [item for item in bundle.document.series if item.granularity is granularity]
    names = {item: str(item.key) for item in found}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names.values()):
            hint = likely(pattern, names.values())
            raise NoSuchSeries(
                f"the forecast has no {granularity} series like {pattern!r}",
                next_step=hint or "prestage forecast show lists them",
            )
    wanted = [item for item in found if not patterns or any(fnmatchcase(names[item], one) for one in patterns)]
    return tuple(
        sorted(wanted, key=lambda item: (item.kind in SUMS, item.kind, -_peak(bundle, item, 0.5), item.subject))
    )


def series_text(bundle: ForecastBundle, series: Sequence[SeriesForecast]) -> str:
    """A line a series: the median's course, its peak, the peak of its 0.95 quantile, and what made it."""
    rows = [
        (
            str(item.key)[:34],
            click.style(sparkline(bundle.curve(item.key, 0.5)), fg="cyan"),
            number(_peak(bundle, item, 0.5)),
            number(_peak(bundle, item, UPPER)),
            item.unit,
            item.model + (warn(" thin") if item.evidence is Evidence.THIN else ""),
        )
        for item in series[:LINES]
    ]
    steps = max((item.steps for item in series), default=0)
    unit = "days" if any(item.granularity is Granularity.DAILY for item in series) else "h"
    lines = [table(rows, head=("series", f"median, {steps} {unit} ahead", "peak", "95 %", "unit", "by"), right=(2, 3))]
    if len(series) > LINES:
        lines.append(dim(f"  and {len(series) - LINES} more: --series 'cpu:*' narrows them down, --json has them all"))
    return "\n".join(lines)


def _peak(bundle: ForecastBundle, item: SeriesForecast, level: float) -> float:
    return bundle.peak(item.key, level, item.steps, item.granularity).value
