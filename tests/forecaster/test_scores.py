"""Scores against a slow and obvious oracle."""

import numpy as np
import pytest

from contracts.series import LEVELS
from forecaster.panel import daily
from forecaster.prepare import Scope, prepare
from forecaster.scores import scales, score
from forecaster.windows import Windows, actuals, plan_windows
from tests.forecaster.estates import history, series, wave

SCORED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def pinball(level: float, actual: float, quantile: float) -> float:
    return level * (actual - quantile) if actual >= quantile else (1 - level) * (quantile - actual)


def test_scores_are_what_they_are_defined_to_be():
    values = wave(300)
    values[[250, 270]] = np.nan
    panel = prepare(history(series("cpu", "fra", values)), Scope()).levels
    windows = Windows(cutoffs=(240, 264), ahead=np.arange(1, 25), day=24)
    actual = actuals(panel, windows)
    chance = np.random.default_rng(1)
    quantiles = np.sort(chance.uniform(50, 200, (2, 1, 24, len(LEVELS))), axis=3)
    found = score(quantiles, actual, scales(panel, windows.cutoffs)).summary(np.array([True]))

    errors, losses, inside, above, scored = [], [], 0, 0, 0
    for window, cutoff in enumerate(windows.cutoffs):
        steps = [abs(values[t] - values[t - 24]) for t in range(24, cutoff)]
        scale = np.nanmean(steps)
        known = [h for h in range(24) if np.isfinite(values[cutoff + h])]
        at = {level: index for index, level in enumerate(LEVELS)}
        q = quantiles[window, 0]
        y = {h: values[cutoff + h] for h in known}
        errors.append(np.mean([abs(y[h] - q[h, at[0.5]]) for h in known]) / scale)
        losses.append(np.mean([2 * pinball(p, y[h], q[h, at[p]]) for h in known for p in SCORED]) / scale)
        inside += sum(q[h, at[0.1]] <= y[h] <= q[h, at[0.9]] for h in known)
        above += sum(y[h] > q[h, at[0.99]] for h in known)
        scored += len(known)
    assert found.mase == pytest.approx(np.mean(errors), abs=1e-6)
    assert found.scaled_crps == pytest.approx(np.mean(losses), abs=1e-6)
    assert found.coverage_80 == pytest.approx(inside / scored, abs=1e-6)
    assert found.exceeded_99 == pytest.approx(above / scored, abs=1e-6)
    assert found.windows == 2


@pytest.mark.parametrize("values", [np.ones(100), 1e-310 * (np.arange(100) % 7)], ids=["constant", "next to nothing"])
def test_a_series_that_hardly_moves_has_no_scale_and_is_left_out_of_scaled_scores(values):
    panel = prepare(history(series("cpu", "fra", values)), Scope()).levels
    windows = Windows(cutoffs=(72,), ahead=np.arange(1, 25), day=24)
    quantiles = np.tile(actuals(panel, windows)[..., None], len(LEVELS))
    found = score(quantiles, actuals(panel, windows), scales(panel, windows.cutoffs)).summary(np.array([True]))
    assert found.mase is None and found.scaled_crps is None and found.coverage_80 == 1.0


@pytest.mark.parametrize(
    ("hours", "steps", "count", "reach"),
    [
        (1440, 168, 14, 168),
        (720, 24, 14, 24),
        (200, 168, 5, 120),
        (96, 168, 2, 48),
        (80, 168, 2, 48),
        (48, 168, 1, 24),
        (40, 168, 0, 0),
    ],
)
def test_windows_are_daily_and_end_where_history_ends(hours, steps, count, reach):
    panel = prepare(history(series("cpu", "fra", np.ones(hours))), Scope()).levels
    windows = plan_windows(panel, steps)
    assert (len(windows.cutoffs), windows.reach) == (count, reach)
    assert not count or (windows.cutoffs[-1] + 24 == hours and windows.cutoffs[0] >= 24)


@pytest.mark.parametrize(("days", "count", "apart"), [(70, 14, 3), (112, 14, 5), (400, 14, 20)])
def test_windows_of_daily_series_are_spread_over_the_newer_two_thirds(days, count, apart):
    panel = daily(prepare(history(series("cpu", "fra", np.ones(24 * days))), Scope()).levels)
    windows = plan_windows(panel, 28)
    assert len(windows.cutoffs) == count and windows.cutoffs[-1] + 7 == days
    assert set(np.diff(windows.cutoffs)) == {apart} and windows.cutoffs[0] >= days // 3
