"""How right forecasts of a file's series would have been, for people."""

from contracts.file_backtest import FileBacktest, RowScores, SeriesScores
from contracts.series import Granularity
from prestage.views.paper import dim, moment, number, plural, table, title, warn

WORST = 5
"""Series shown: those with the highest scaled CRPS."""

SHOWN = (0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.975, 0.99)

HEAD = ("rows", "MASE", "sCRPS", "WQL", "80 % cover", "95 % cover", "above 99 %")


def file_backtest_text(document: FileBacktest, folder: str) -> str:
    """Scores over all, then by level, then the series that were hardest."""
    steps = "hours" if document.granularity is Granularity.HOURLY else "days"
    asked = f"{document.horizon} {steps} ahead, {plural(len(document.cutoffs), 'cutoff')}, {document.kind}"
    lines = [
        title(f"Back-test of {document.file}", f"{len(document.series):,} series, {asked}"),
        dim(f"  last seen: {moment(document.cutoffs[0])} to {moment(document.cutoffs[-1])}"),
        "",
        table([score_row(document.overall)], head=HEAD, right=range(7)),
        "",
        *_levels(document),
        "",
        *_hardest(document.series),
        *(warn(f"  {note}") for note in document.notes),
        *_doubts(document),
        dim(f"  {document.seconds:.1f} s, at most {document.peak_memory_mib:,.0f} MiB"),
        dim("written: ") + f"{folder}/forecasts.parquet, scores.json, report.html",
    ]
    return "\n".join(lines)


def score_row(scores: RowScores) -> tuple[str, ...]:
    """Rows and six scores as text; `-` where there is none."""
    plain = (scores.mase, scores.scaled_crps, scores.weighted_quantile_loss)
    shares = (scores.coverage_80, scores.coverage_95, scores.exceeded_99)
    return number(scores.rows), *(_plain(value) for value in plain), *(_share(value) for value in shares)


def _levels(document: FileBacktest) -> list[str]:
    """Each quantile and the share of actuals that really lay above it."""
    rows = [row for row in document.overall.levels if row.level in SHOWN]
    if not rows:
        return [warn("  nothing could be scored: no series has a scale, see left_out in scores.json")]
    return [
        table(
            [("above it", *(_share(row.exceeded) for row in rows))],
            head=("quantile", *(f"{row.level:g}" for row in rows)),
            right=range(1, len(rows) + 1),
        )
    ]


def _hardest(series: tuple[SeriesScores, ...]) -> list[str]:
    found = sorted(series, key=lambda one: (-(one.scaled_crps or 0.0), one.unique_id))[:WORST]
    rows = [(one.unique_id[:32], *score_row(one)[1:], ", ".join(one.models)) for one in found]
    return [table(rows, head=("hardest series", *HEAD[1:], "by"), right=range(1, 7)), ""] if rows else []


def _doubts(document: FileBacktest) -> list[str]:
    thin = sum(one.thin > 0 for one in document.series)
    doubts = [_treated(document)] if document.treatments else []
    if thin:
        doubts.append(
            f"{plural(thin, 'series')[: -1 if thin > 1 else None]} with thin evidence for the upper quantiles"
        )
    if document.overall.left_out:
        doubts.append(f"{document.overall.left_out} series-windows without a scale (constant or too short): not scored")
    if not (document.finite and document.ordered):
        doubts.append("quantiles that are not finite or not ordered: this is a defect")
    return [warn(f"  {doubt}") for doubt in doubts]


def _treated(document: FileBacktest) -> str:
    series = len({one.series for one in document.treatments})
    first = document.treatments[0]
    return f"{len(document.treatments):,} treatments of {series:,} series, such as {first.series}: {first.what}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
