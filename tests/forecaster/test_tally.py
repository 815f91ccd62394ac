"""Scores of a back-test against an oracle that counts one row at a time."""

import math
from typing import Any

import numpy as np
import pytest

from contracts.ports import Silent
from contracts.series import LEVELS, SeriesKind
from forecaster.file_scores import overall_scores, pit_distance, series_scores
from forecaster.long_windows import WindowOrder, plan_long_windows, run_window, window_panel, window_rows
from forecaster.tally import tally_window
from tests.forecaster.long_tables import DayBefore, noisy, table

SCORED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def made():
    gaps = noisy(300)
    gaps[[100, 230, 231, 280]] = np.nan
    sparse = np.floor(np.random.default_rng(4).poisson(0.3, 300)).astype(float)
    return {
        "gaps": (0, gaps),
        "sparse": (0, sparse),
        "late": (215, noisy(85, 2, 5.0)),
        "constant": (0, np.ones(300)),
        "early": (0, noisy(250, 3)),
    }


def scored(series):
    found = table(series)
    plan = plan_long_windows(
        found, WindowOrder(horizon=48, windows=3, apart=24, first_cutoff=int(found.step.min()) + 210)
    )
    chance, tally, kept = np.random.default_rng(0), None, []
    for window in plan.windows:
        said = run_window(window_panel(found, window, SeriesKind.TRAFFIC), 48, DayBefore(), Silent())
        rows = window_rows(found, window, 48, said)
        kept.append(rows)
        one = tally_window(rows, len(found.names), chance)
        tally = tally.plus(one) if tally else one
    return found, kept, tally


def pinball(level, actual, quantile):
    return level * (actual - quantile) if actual >= quantile else (1 - level) * (quantile - actual)


def oracle(series, found, kept, wanted):
    """Every definition, row by row, from the values that were put in."""
    first = int(found.step.min())
    chance = np.random.default_rng(0)
    total: dict[str, Any] = {
        "rows": 0,
        "y": 0.0,
        "in80": 0,
        "in95": 0,
        "above": [0] * 15,
        "loss": [0.0] * 15,
        "pit": [],
    }
    mase, crps, left_out = [], [], 0
    for rows in kept:
        for row, code in enumerate(rows.window.series):
            name = found.names[code]
            begin, values = series[name]
            at = {begin + index: value for index, value in enumerate(values) if not math.isnan(value)}
            cutoff = rows.window.cutoff - first
            steps = [abs(at[t] - at[t - 24]) for t in at if t <= cutoff and t - 24 in at]
            scale = sum(steps) / len(steps) if steps else 0.0
            if not scale > 0:
                left_out += name in wanted
                continue
            errors, losses = [], []
            for ahead in range(48):
                if cutoff + 1 + ahead not in at:
                    continue
                y, q = at[cutoff + 1 + ahead], rows.said.quantiles[row, ahead]
                drawn = chance.random()
                if name not in wanted:
                    continue
                below = max([p for p, v in zip(LEVELS, q, strict=True) if v < y], default=0.0)
                above = min([p for p, v in zip(LEVELS, q, strict=True) if v > y], default=1.0)
                total["pit"].append(below + drawn * (above - below))
                by_level = dict(zip(LEVELS, q, strict=True))
                errors.append(abs(y - by_level[0.5]))
                losses.append(sum(2 * pinball(p, y, by_level[p]) for p in SCORED) / len(SCORED))
                total["rows"] += 1
                total["y"] += abs(y)
                total["in80"] += by_level[0.1] <= y <= by_level[0.9]
                total["in95"] += by_level[0.025] <= y <= by_level[0.975]
                for index, p in enumerate(LEVELS):
                    total["above"][index] += y > q[index]
                    total["loss"][index] += pinball(p, y, q[index])
            if errors:
                mase.append(sum(errors) / len(errors) / scale)
                crps.append(sum(losses) / len(losses) / scale)
    return total, mase, crps, left_out


@pytest.mark.parametrize("wanted", [None, "gaps", "sparse", "late", "early", "constant"])
def test_scores_are_what_they_are_defined_to_be(wanted):
    series = made()
    found, kept, tally = scored(series)
    names = set(series) if wanted is None else {wanted}
    total, mase, crps, left_out = oracle(series, found, kept, names)
    if wanted is None:
        scores = overall_scores(tally)
    else:
        scores = series_scores(tally, found.names.index(wanted), wanted, ["x"], 0)
    assert (scores.rows, scores.series_windows, scores.left_out) == (total["rows"], len(mase), left_out)
    if wanted == "constant":
        assert scores.mase is None and not scores.levels and left_out == 3
        return
    assert scores.mase == pytest.approx(np.mean(mase), rel=1e-7)
    assert scores.scaled_crps == pytest.approx(np.mean(crps), rel=1e-7)
    used = [2 * loss for p, loss in zip(LEVELS, total["loss"], strict=True) if p in SCORED]
    assert scores.weighted_quantile_loss == pytest.approx(np.mean(used) / total["y"], rel=1e-7)
    assert scores.coverage_80 == pytest.approx(total["in80"] / total["rows"], abs=1e-6)
    assert scores.coverage_95 == pytest.approx(total["in95"] / total["rows"], abs=1e-6)
    assert scores.exceeded_99 == pytest.approx(total["above"][-1] / total["rows"], abs=1e-6)
    for row, above, loss in zip(scores.levels, total["above"], total["loss"], strict=True):
        assert row.exceeded == pytest.approx(above / total["rows"], abs=1e-6)
        assert row.pinball == pytest.approx(loss / total["rows"], rel=1e-7)
    if wanted is None:
        drawn = np.array(total["pit"])
        distance = max(abs((drawn <= p).mean() - p) for p in LEVELS)
        assert pit_distance(tally) == pytest.approx(distance, abs=1e-6)


def test_quantiles_that_are_unfit_are_counted():
    found, kept, _ = scored(made())
    kept[0].said.quantiles[0, 0, 3] = np.nan
    kept[0].said.quantiles[1, 0, ::-1].sort()
    tally = tally_window(kept[0], len(found.names), np.random.default_rng(0))
    assert tally.unfit[0] == 1 and tally.unfit[1] > 0
