"""Charts drawn by matplotlib, an extra: imported only here, and only when something is drawn.

The same chart gives the same bytes: identifiers in SVG are salted with a constant, and no file says when it was made.
"""

import io
from typing import TYPE_CHECKING

import numpy as np

from contracts.errors import PrestageError
from prestage.charts import BANDS, ChartFormat, Fan, Line, Promise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HIGH = 9.0, 2.6  # inches of one fan
SHADES = ("#dbe9f6", "#b6d3ec", "#85b6dd", "#4e93c8")
DAY_S = 86400.0  # matplotlib counts dates in days since the epoch


class PlotsMissing(PrestageError):
    """The library that draws is not installed."""


def can_draw() -> bool:
    """Whether the library is there."""
    import importlib.util

    return importlib.util.find_spec("matplotlib") is not None


def draw_fans(fans: tuple[Fan, ...], form: ChartFormat, promise: Promise | None = None) -> bytes:
    """Fans below one another, and, where it is given, what was promised against what was kept.

    Raises:
        PlotsMissing: the extra is not installed.
    """
    if not can_draw():
        raise PlotsMissing(
            "charts are drawn by matplotlib, which is not installed",
            expected="the extra `plots`",
            next_step="pip install 'prestage[plots]'",
        )
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    quiet = {"axes.spines.top": False, "axes.spines.right": False}
    settings = {"svg.hashsalt": "prestage", "svg.fonttype": "none", "font.size": 9.0, "date.converter": "concise"}
    with rc_context({**settings, **quiet}):  # type: ignore[dict-item]  # it wants its 300 names as literals
        rows = len(fans) + (promise is not None)
        figure = Figure(figsize=(WIDE, HIGH * rows + 0.3), layout="constrained")
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
        for ax, fan in zip(axes, fans, strict=False):
            _fan(ax, fan)
        if promise is not None:
            _promise(axes[-1], promise)
        return _page(figure) if form is ChartFormat.HTML else _bytes(figure, form)


def svg_of(fans: tuple[Fan, ...], promise: Promise | None = None) -> str:
    """The same as an `<svg>` element, to be put into a page."""
    text = draw_fans(fans, ChartFormat.SVG, promise).decode()
    return text[text.index("<svg") :]


def _fan(ax: "Axes", fan: Fan) -> None:
    ahead = _days(fan, 0, len(fan.quantiles))
    for (low, high), shade in zip(BANDS, SHADES, strict=True):
        label = f"{low:g} to {high:g}"
        ax.fill_between(ahead, fan.at(low), fan.at(high), color=shade, linewidth=0, label=label)
    ax.plot(ahead, fan.at(0.5), color="#1f5f99", linewidth=1.2, label="median")
    ax.plot(_days(fan, -len(fan.past), len(fan.past)), fan.past, color="black", linewidth=0.8)
    if len(fan.came):
        ax.plot(_days(fan, 0, len(fan.came)), fan.came, color="black", linewidth=0.8, label="actual")
    ax.axvline(float(ahead[0]), color="grey", linewidth=0.6, linestyle=":")
    ax.set_title(fan.title, loc="left", fontsize=9)
    ax.set_ylabel(fan.unit)
    ax.set_ylim(bottom=0, top=_top(fan))
    ax.xaxis_date()
    ax.legend(loc="upper left", ncols=6, fontsize=7, frameon=False)


def _days(fan: Fan, first: int, count: int) -> Line:
    """When steps begin, counted from the first one that is forecast, as matplotlib has dates."""
    steps = np.arange(first, first + count, dtype=np.float64)
    days: Line = (fan.begins.timestamp() + fan.step.total_seconds() * steps) / DAY_S
    return days


def _top(fan: Fan) -> float | None:
    """What is drawn reaches a little above everything that was seen and the 0.975 quantile: a 0.99 may lie far off."""
    known = [line[np.isfinite(line)] for line in (fan.past, fan.came, fan.at(0.975))]
    highest = max((float(line.max()) for line in known if len(line)), default=0.0)
    return 1.15 * highest if highest > 0 else None


def _promise(ax: "Axes", promise: Promise) -> None:
    said = 100 * np.array(promise.levels)
    kept = 100 * np.array(promise.below)
    ax.axhline(0.0, color="grey", linewidth=0.6, linestyle=":")
    ax.plot(said, kept - said, marker="o", markersize=3, linewidth=1.0, color="#1f5f99")
    ax.set_title("actuals at or below each quantile, less what was promised (points of 100)", loc="left", fontsize=9)
    ax.set_xlabel("level, %")


def _bytes(figure: "Figure", form: ChartFormat) -> bytes:
    out = io.BytesIO()
    metadata = {"Date": None} if form is ChartFormat.SVG else {"Software": None}
    figure.savefig(out, format=form.value, dpi=120, metadata=metadata)
    return out.getvalue()


def _page(figure: "Figure") -> bytes:
    text = _bytes(figure, ChartFormat.SVG).decode()
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Forecast</title></head><body>\n'
    return (head + text[text.index("<svg") :] + "</body></html>\n").encode()
