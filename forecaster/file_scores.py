"""Tallies as scores: of each series, and over all (pure)."""

import numpy as np

from contracts.file_backtest import LevelScore, RowScores, SeriesScores
from contracts.series import LEVELS
from forecaster.scores import SCORED
from forecaster.tally import Tally

DIGITS = 9  # of a number whose size is not known: pinball losses are in the values' own unit


def overall_scores(tally: Tally) -> RowScores:
    """Scores over all series."""
    return RowScores.model_validate(_scores(tally, np.ones(len(tally.rows), dtype=bool)))


def series_scores(tally: Tally, row: int, name: str, models: list[str], thin: int) -> SeriesScores:
    """Scores of one series, and what carried it."""
    distinct = tuple(models) if len(set(models)) > 1 else tuple(models[:1])
    mask = np.arange(len(tally.rows)) == row
    return SeriesScores.model_validate({**_scores(tally, mask), "unique_id": name, "models": distinct, "thin": thin})


def pit_distance(tally: Tally) -> float | None:
    """The largest distance of the transform's distribution from uniform, at any level."""
    rows = tally.rows.sum()
    return _rounded(np.abs(tally.pit / rows - np.array(LEVELS)).max()) if rows else None


def _scores(tally: Tally, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> dict[str, object]:
    """The fields of `RowScores` for some series."""
    rows, windows = float(tally.rows[mask].sum()), float(tally.windows[mask].sum())
    counts = {
        "rows": int(rows),
        "series_windows": int(windows),
        "left_out": int(tally.left_out[mask].sum()),
    }
    if not rows:
        return dict(counts)
    pinball, above = tally.pinball[mask].sum(axis=0), tally.above[mask].sum(axis=0)
    magnitude = float(tally.magnitude[mask].sum())
    levels = tuple(
        LevelScore(level=level, pinball=_number(pinball[at] / rows), exceeded=_rounded(above[at] / rows))
        for at, level in enumerate(LEVELS)
    )
    return {
        **counts,
        "mase": _number(tally.error[mask].sum() / windows),
        "scaled_crps": _number(tally.crps[mask].sum() / windows),
        "weighted_quantile_loss": _number(2 * pinball[list(SCORED)].mean() / magnitude) if magnitude else None,
        "coverage_80": _rounded(tally.within_80[mask].sum() / rows),
        "coverage_95": _rounded(tally.within_95[mask].sum() / rows),
        "exceeded_99": levels[-1].exceeded,
        "levels": levels,
    }


def _number(value: float) -> float | None:
    """A number of any size, to so many digits; None where it is too large to be one."""
    return float(f"{float(value):.{DIGITS}g}") if np.isfinite(value) else None


def _rounded(value: float) -> float:
    return round(float(value), 6)
