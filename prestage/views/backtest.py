"""Models compared on windows that were held back."""

from contracts.backtest import CHOSEN, BacktestReport, BacktestRow
from contracts.forecast import Scores
from contracts.series import Granularity
from prestage.views.paper import dim, good, moment, short, table, title

HEAD = ("model", "series", "MASE", "sCRPS", "80 % cover", "95 % cover", "above 99 %")


def backtest_text(report: BacktestReport) -> str:
    """All models over all series, then the model chosen for each kind."""
    lines = [title(f"Back-test of {report.environment}", f"history {short(report.history_digest)}")]
    if report.origins:
        lines.append(dim(f"  {len(report.origins)} windows, from {moment(min(report.origins))}"))
    for granularity in Granularity:
        rows = [row for row in report.rows if row.granularity is granularity]
        if not rows:
            continue
        lines += ["", title(f"  {granularity}", f"{report.steps.get(granularity, 0)} steps ahead")]
        whole = [(_named(row), str(row.series), *score_cells(row.scores)) for row in rows if row.kind is None]
        lines.append(table(whole, head=HEAD, right=range(1, 7), indent=4))
        chosen = [
            (str(row.kind), str(row.series), *score_cells(row.scores), row.model)
            for row in rows
            if row.chosen and row.kind is not None
        ]
        lines += ["", table(chosen, head=("kind", *HEAD[1:], "chosen"), right=range(1, 7), indent=4)]
    return "\n".join(lines)


def score_cells(scores: Scores) -> tuple[str, ...]:
    """Five scores as text; `-` where there is none."""
    plain = tuple("-" if value is None else f"{value:.2f}" for value in (scores.mase, scores.scaled_crps))
    shares = (scores.coverage_80, scores.coverage_95, scores.exceeded_99)
    return *plain, *("-" if value is None else f"{value:.1%}" for value in shares)


def _named(row: BacktestRow) -> str:
    return good("chosen by kind") if row.model == CHOSEN else row.model
