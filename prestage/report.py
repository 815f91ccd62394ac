"""`report.html` of a back-test: one page that needs nothing else, with its charts inside."""

import html
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from contracts.file_backtest import FileBacktest, RowScores, SeriesScores
from contracts.files import write_bytes
from contracts.series import LEVELS
from forecaster.longform import LongTable, actuals_after, moment_of
from prestage.charts import Fan, Promise
from prestage.long_files import LongFile
from prestage.long_output import QUANTILES
from prestage.plots import can_draw, svg_of

FANS = 6
PAST_DAYS = 7
STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}.note{color:#8a5a00}
"""
HEAD = ("", "rows", "MASE", "scaled CRPS", "WQL", "80 % cover", "95 % cover", "above 0.99", "left out")
MISSING = "No charts: matplotlib is not installed (pip install 'prestage[plots]')."


def write_report(path: Path, forecasts: Path, document: FileBacktest, source: LongFile, table: LongTable) -> None:
    """Writes the page; the same back-test gives the same bytes."""
    shown = telling_series(document.series)
    fans = _fans(forecasts, document, source, table, shown) if can_draw() else ()
    write_bytes(path, _page(document, fans).encode())


def telling_series(series: Sequence[SeriesScores]) -> tuple[str, ...]:
    """Series worth a look: the two that went worst, the best, and some between, by scaled CRPS."""
    ranked = sorted(
        (one for one in series if one.scaled_crps is not None), key=lambda one: (one.scaled_crps or 0.0, one.unique_id)
    )
    if not ranked:
        return tuple(one.unique_id for one in series[:FANS])
    at = np.unique([*np.linspace(0, len(ranked) - 1, FANS - 1).astype(int).tolist(), max(0, len(ranked) - 2)])
    return tuple(ranked[int(index)].unique_id for index in at[::-1])


def _fans(
    forecasts: Path, document: FileBacktest, source: LongFile, table: LongTable, shown: tuple[str, ...]
) -> tuple[Fan, ...]:
    """The last window of each series that is shown, read back from the file that was written."""
    scores = {one.unique_id: one for one in document.series}
    return tuple(_fan(forecasts, document.horizon, source, table, scores[name]) for name in shown)


def _fan(forecasts: Path, horizon: int, source: LongFile, table: LongTable, scores: SeriesScores) -> Fan:
    code = table.names.index(scores.unique_id)
    rows = pq.read_table(forecasts, filters=[("unique_id", "=", source.ids[code].as_py())])
    last = rows.slice(len(rows) - horizon)
    begins = int(last.column("ds")[0].cast("timestamp[s]").cast("int64").as_py()) if len(last) else 0
    first = table.grid.step(begins)
    days = PAST_DAYS * table.grid.day
    only = np.array([code])
    crps = "" if scores.scaled_crps is None else f", scaled CRPS of all windows {scores.scaled_crps:.2f}"
    return Fan(
        title=f"{scores.unique_id} from {moment_of(table.grid, first):%Y-%m-%d %H:%M}{crps} ({scores.models[-1]})",
        unit="",
        begins=moment_of(table.grid, first),
        step=timedelta(seconds=table.grid.length_s),
        quantiles=np.column_stack([last.column(name).to_numpy() for name in QUANTILES]),
        past=actuals_after(table, first - 1 - days, only, days)[0],
        came=actuals_after(table, first - 1, only, horizon)[0],
    )


def _page(document: FileBacktest, fans: tuple[Fan, ...]) -> str:
    name = html.escape(document.file)
    cutoffs = ", ".join(f"{cutoff:%Y-%m-%d %H:%M}" for cutoff in document.cutoffs[:12])
    more = f" and {len(document.cutoffs) - 12} more" if len(document.cutoffs) > 12 else ""
    overall = document.overall
    promise = Promise(
        levels=tuple(row.level for row in overall.levels),
        below=tuple(1.0 - (row.exceeded or 0.0) for row in overall.levels),
    )
    charts = svg_of(fans, promise if overall.levels else None) if fans else f"<p>{html.escape(MISSING)}</p>"
    pit = "" if document.pit is None else f" PIT distance {document.pit:.3f}."
    series = sorted(document.series, key=lambda one: (-(one.scaled_crps or 0.0), one.unique_id))
    treated = [(one.series, one.what) for one in document.treatments]
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Back-test of {name}</title>',
            f"<style>{STYLE}</style></head><body>",
            f"<h1>Back-test of {name}</h1>",
            f"<p>{len(series):,} series ({html.escape(document.kind)}), {document.horizon} steps "
            f"({document.granularity.value}) ahead, seen up to {cutoffs}{more}.{pit}</p>",
            *(f'<p class="note">{html.escape(note)}</p>' for note in document.notes),
            _table(HEAD, [("all", *_cells(overall))]),
            _table(("quantile", *(f"{level:g}" for level in LEVELS)), _by_level(overall)),
            charts,
            "<h2>Series, hardest first</h2>",
            _table((*HEAD, "by"), [(one.unique_id, *_cells(one), ", ".join(one.models)) for one in series]),
            *(["<h2>Treated</h2>", _table(("series", "what"), treated)] if treated else []),
            "</body></html>\n",
        ]
    )


def _by_level(scores: RowScores) -> list[tuple[str, ...]]:
    return [
        ("above it", *(_share(row.exceeded) for row in scores.levels)),
        ("mean pinball loss", *(_plain(row.pinball) for row in scores.levels)),
    ]


def _cells(scores: RowScores) -> tuple[str, ...]:
    plain = (scores.mase, scores.scaled_crps, scores.weighted_quantile_loss)
    shares = (scores.coverage_80, scores.coverage_95, scores.exceeded_99)
    numbers = (*(_plain(value) for value in plain), *(_share(value) for value in shares))
    return f"{scores.rows:,}", *numbers, f"{scores.left_out:,}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"
