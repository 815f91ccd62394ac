"""Forecasts of a set, ours and others', scored by one rule: the one of `prestage backtest`."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.file_backtest import RowScores
from contracts.series import LEVELS
from forecaster.file_scores import overall_scores, pit_distance
from forecaster.long_windows import Said, Window, window_rows
from forecaster.longform import LongRows, LongTable, tidy
from forecaster.tally import Tally, tally_window

COLUMNS = [f"q{level:g}" for level in LEVELS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one forecaster did on one set."""

    name: str
    scores: RowScores
    pit: float
    seconds: float
    memory_mib: float = 0.0


def table_of(history: pd.DataFrame) -> LongTable:
    """The whole history of a set, actuals included."""
    names = tuple(sorted(history.unique_id.unique()))
    code = pd.Categorical(history.unique_id, categories=names).codes.astype(np.int32)
    seconds = history.ds.astype("datetime64[s]").astype("int64").to_numpy()
    values = history.y.to_numpy(dtype=np.float64)
    return tidy(LongRows(source="set", names=names, code=code, seconds=seconds, value=values))


def scored(table: LongTable, forecasts: pd.DataFrame, horizon: int) -> Tally:
    """Sums of scores over all windows of a frame of forecasts (unique_id, cutoff, ds, q0.01 ... q0.99)."""
    chance = np.random.default_rng(0)
    code = {name: at for at, name in enumerate(table.names)}
    total: Tally | None = None
    for cutoff, rows in forecasts.sort_values(["cutoff", "unique_id", "ds"]).groupby("cutoff"):
        names = rows.unique_id.astype(str).unique()
        assert len(rows) == len(names) * horizon, f"{cutoff}: {len(rows)} rows of {len(names)} series"
        step = table.grid.step(int(pd.Timestamp(str(cutoff)).timestamp()))
        window = Window(cutoff=step, series=np.array([code[name] for name in names]))
        quantiles = rows[COLUMNS].to_numpy().reshape(len(names), horizon, len(LEVELS))
        said = Said(quantiles=quantiles, model=("",) * len(names), enough=(True,) * len(names))
        found = tally_window(window_rows(table, window, horizon, said), len(table.names), chance)
        total = total.plus(found) if total else found
    assert total is not None
    return total


def result_of(name: str, tally: Tally, seconds: float, memory_mib: float = 0.0) -> Result:
    pit = pit_distance(tally) or 0.0
    return Result(name=name, scores=overall_scores(tally), pit=pit, seconds=seconds, memory_mib=memory_mib)


def table_text(results: list[Result]) -> str:
    """A Markdown table, best scaled CRPS first."""
    lines = ["| | MASE | sCRPS | WQL | cov80 | cov95 | ex99 | pit | CPU s |", "|" + " --- |" * 9]
    for one in sorted(results, key=lambda each: each.scores.scaled_crps or 9e9):
        scores = one.scores
        plain = [scores.mase, scores.scaled_crps, scores.weighted_quantile_loss]
        shares = [scores.coverage_80, scores.coverage_95, scores.exceeded_99]
        cells = [*(f"{value or 0:.3f}" for value in plain), *(f"{100 * (value or 0):.1f} %" for value in shares)]
        lines.append(f"| {one.name} | {' | '.join(cells)} | {one.pit:.3f} | {one.seconds:,.0f} |")
    return "\n".join(lines)
