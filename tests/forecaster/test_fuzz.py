"""Any series at all: finite, ordered, from 0, without an exception; and where there is something to know, no worse than
the value of a day before."""

from datetime import timedelta

import numpy as np
import pytest

from contracts.ports import Silent
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.long_engine import EngineForecaster
from forecaster.models.seasonal import Seasonal
from forecaster.panel import Panel, fill
from tests.forecaster.estates import BEGIN, wave

STEPS = 30
LEVEL = np.array(LEVELS)


def noisy(chance: np.random.Generator, values: np.ndarray) -> np.ndarray:
    return np.asarray(values * chance.lognormal(0, 0.1, len(values)))


def constant(chance, hours):
    return np.full(hours, chance.uniform(0, 100))


def zero(chance, hours):
    return np.zeros(hours)


def spike(chance, hours):
    values = np.zeros(hours)
    values[chance.integers(hours)] = 1e6
    return values


def gaps(chance, hours):
    values = wave(hours, seed=int(chance.integers(1e6)))
    values[chance.random(hours) < 0.4] = np.nan
    return values


def points(chance, hours):
    values = np.full(hours, np.nan)
    seen = int(chance.integers(1, 51))
    values[-seen:] = chance.exponential(10, hours)[:seen]
    return values


def tiny(chance, hours):
    return 1e-9 * wave(hours, seed=int(chance.integers(1e6)))


def huge(chance, hours):
    return 1e15 * wave(hours, seed=int(chance.integers(1e6)))


def drift(chance, hours):
    return noisy(chance, np.linspace(10, chance.uniform(0.1, 200), hours))


def sawtooth(chance, hours):
    return noisy(chance, 1.0 + np.arange(hours) % chance.integers(5, 60))


def ended(chance, hours):
    values = wave(hours, seed=int(chance.integers(1e6)))
    values[hours // 2 :] = np.nan
    return values


def shifted(chance, hours):
    values = wave(hours, seed=int(chance.integers(1e6)))
    values[int(chance.integers(hours)) :] *= 10.0 ** chance.uniform(-3, 3)
    return values


def bursts(chance, hours):
    return np.where(chance.random(hours) < 0.02, 1e4, 1.0) * chance.lognormal(0, 1, hours)


KINDS = (constant, zero, spike, gaps, points, tiny, huge, drift, sawtooth, ended, shifted, bursts)
TELLING = (gaps, drift, sawtooth, tiny, huge)  # of which more is to be known than what was a day before


def panel_of(observed: np.ndarray) -> Panel:
    keys = tuple(SeriesKey(SeriesKind.TRAFFIC, f"s{row:04}") for row in range(len(observed)))
    return Panel(
        keys=keys,
        granularity=Granularity.HOURLY,
        end=BEGIN + timedelta(hours=observed.shape[1]),
        observed=observed,
        filled=fill(observed, 24),
    )


def fuzzed(seed: int, series: int) -> tuple[Panel, np.ndarray, list[str]]:
    """A panel of series of random kinds and one random length, what came after, and their kinds."""
    chance = np.random.default_rng(seed)
    hours = int(chance.choice([1, 5, 24, 30, 49, 73, 100, 170, 400, 700]))
    kinds = [KINDS[index] for index in chance.integers(0, len(KINDS), series)]
    whole = np.vstack([kind(chance, hours + STEPS) for kind in kinds])
    return panel_of(whole[:, :hours]), whole[:, hours:], [kind.__name__ for kind in kinds]


def pinball(quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Mean loss of each series; NaN where nothing came."""
    miss = actual[..., None] - quantiles
    known = np.isfinite(actual)
    loss = np.where(known, np.maximum(LEVEL * miss, (LEVEL - 1) * miss).mean(axis=2), 0.0).sum(axis=1)
    return np.asarray(np.where(known.any(axis=1), loss / np.maximum(known.sum(axis=1), 1), np.nan))


def check(seed: int, series: int, tier: Tier) -> list[float]:
    """Laws of one panel; returns the logarithms of loss over seasonal naive's, of series that tell more."""
    panel, actual, kinds = fuzzed(seed, series)
    made = forecast_panel(panel, STEPS, EngineSettings(tier=tier), Silent())
    values = made.quantiles
    assert values.shape == (series, STEPS, len(LEVELS)) and len(made.model) == series
    assert np.isfinite(values).all() and (values >= 0).all() and (np.diff(values, axis=2) >= 0).all()
    if panel.steps < 170:
        return []
    telling = {kind.__name__ for kind in TELLING}
    naive = Seasonal(24).predict(panel, np.arange(1, STEPS + 1))
    losses = zip(pinball(values, actual), pinball(naive, actual), kinds, strict=True)
    return [float(np.log(ours / theirs)) for ours, theirs, kind in losses if kind in telling and ours > 0 < theirs]


@pytest.mark.parametrize(
    ("seed", "series", "tier"), [*((seed, 40, Tier.FAST) for seed in range(6)), (6, 24, Tier.FULL)]
)
def test_any_panel_gives_a_lawful_forecast(seed, series, tier):
    check(seed, series, tier)


@pytest.mark.parametrize("seed", range(100, 112))
def test_a_series_by_itself(seed):
    check(seed, 1, Tier.FAST)


def test_where_there_is_something_to_know_it_is_no_worse_than_the_day_before():
    ratios = [ratio for seed in (1000, 1001, 1002, 1003, 1004) for ratio in check(seed, 40, Tier.FAST)]
    assert len(ratios) > 20 and np.mean(ratios) < 0.0


def test_the_order_of_series_changes_nothing_for_any_of_them():
    """Not even where all of them are learned from: but for the last digits of sums over series."""
    rows = np.vstack([wave(400, level=10.0 ** (row % 4), seed=row) for row in range(18)])
    order = np.random.default_rng(0).permutation(len(rows))
    one, other = (
        forecast_panel(panel_of(given), STEPS, EngineSettings(tier=Tier.FAST), Silent()).quantiles
        for given in (rows, rows[order])
    )
    np.testing.assert_allclose(other, one[order], rtol=1e-6)


def test_a_repaired_day_is_told_and_does_not_reach_the_forecast():
    rows = np.vstack([wave(500, seed=row) for row in range(4)])
    wrong = rows.copy()
    wrong[2, 340:364] *= 1000.0
    right, put_right = (
        EngineForecaster(EngineSettings(tier=Tier.FAST))(panel_of(given), STEPS, Silent()) for given in (rows, wrong)
    )
    np.testing.assert_allclose(put_right.quantiles, right.quantiles, rtol=1e-6)
    assert [one.series for one in put_right.treatments] == ["traffic:s0002"]


def test_numbers_at_the_end_of_all_numbers_are_forecast_as_small_ones_are():
    """Beside others and without a warning: sums of them would be no numbers."""
    rows = np.vstack([wave(400, level=1e4, seed=row) for row in range(4)])
    small, large = rows * [[2.0**30], [2.0**35], [1.0], [1.0]], rows * [[2.0**980], [2.0**985], [1.0], [1.0]]
    forecaster = EngineForecaster(EngineSettings(tier=Tier.FAST))
    one, other = (forecaster(panel_of(given), STEPS, Silent()).quantiles for given in (small, large))
    np.testing.assert_allclose(np.ldexp(other[:2], -950), one[:2], rtol=1e-6)
    np.testing.assert_allclose(other[2:], one[2:], rtol=1e-6)


@pytest.mark.long
def test_ten_thousand_series():
    ratios = [
        ratio for seed in range(100) for ratio in check(5000 + seed, 100, Tier.FULL if seed % 20 == 0 else Tier.FAST)
    ]
    assert np.mean(ratios) < 0.0
