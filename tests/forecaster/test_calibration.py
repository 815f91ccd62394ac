"""Calibration keeps its promise on errors whose distribution is known, and says when it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.series import LEVELS
from forecaster.calibration import BLIND, CAP, buckets, calibrate, floored, widening
from forecaster.counts import calibrate_counts, count_quantiles
from forecaster.models.model import Prediction
from forecaster.windows import HeldBack, Windows

GROUPS = np.zeros(6, dtype=np.int64)


def held(windows: int, series: int, steps: int, seed: int = 0, scale: float = 3.0) -> HeldBack:
    """Errors around 100, twice as far up as down, as the model says, and three times as large as it says."""
    chance = np.random.default_rng(seed)
    shape = (windows, series, steps)
    error = scale * chance.exponential(1.0, shape) * np.where(chance.random(shape) < 0.5, -1.0, 2.0)
    said = Prediction(np.full(shape, 100.0), np.ones(shape), np.full(shape, 2.0))
    planned = Windows(cutoffs=tuple(range(100, 100 + 24 * windows, 24)), steps=steps)
    return HeldBack(windows=planned, prediction=said, actual=100 + error)


def share_below(quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    return np.array([(actual <= quantiles[..., index]).mean() for index in range(len(LEVELS))])


def test_every_level_holds_on_what_was_not_seen():
    learned = calibrate(held(14, 6, 168), GROUPS, 24)
    fresh = held(14, 6, 168, seed=1)
    quantiles = np.stack([learned.quantiles(fresh.at(window)) for window in range(14)])
    np.testing.assert_allclose(share_below(quantiles, fresh.actual), LEVELS, atol=0.02)
    assert learned.enough().all()


def test_each_side_is_measured_by_its_own_distance():
    table = calibrate(held(14, 6, 168), GROUPS, 24).tables[0, 0]
    np.testing.assert_allclose(table[0], -table[-1], rtol=0.2)


def test_few_windows_are_said_and_wider():
    many, few = calibrate(held(14, 6, 24), GROUPS, 24), calibrate(held(2, 6, 24), GROUPS, 24)
    assert many.enough().all() and not few.enough().any()
    assert (widening(2) > widening(14)).all() and widening(14)[-1] > widening(14)[7] > 1


@pytest.mark.parametrize(("apart", "enough"), [(1, False), (6, False), (7, True), (28, True)])
def test_daily_windows_count_as_far_as_they_share_no_day(apart, enough):
    """The last horizon bucket has 14 days: of eight windows a week apart four share none, and four are enough."""
    one = held(8, 64, 28)
    spread = replace(one.windows, cutoffs=tuple(range(100, 100 + 8 * apart, apart)))
    learned = calibrate(replace(one, windows=spread), np.zeros(64, dtype=np.int64), 1)
    assert learned.enough().all() == enough


def test_nothing_held_back_is_blind_and_wide():
    none = held(14, 6, 24).known_before(0)
    learned = calibrate(none, GROUPS, 24)
    said = none.at(0)
    np.testing.assert_allclose(learned.quantiles(said)[0, 0], 100 + np.where(BLIND < 0, BLIND, 2 * BLIND))
    assert not learned.enough().any()


def test_known_before_hides_what_had_not_happened():
    windows = held(3, 6, 48)
    known = windows.known_before(124 + 10)  # the second origin and ten hours
    assert np.isfinite(known.actual).sum(axis=2)[:, 0].tolist() == [34, 10, 0]


def test_a_stated_distance_of_nothing_is_floored_and_errors_are_capped():
    below, above = floored(Prediction(np.array([[100.0, 0.0]]), np.array([[0.0, 0.0]]), np.array([[8.0, 0.0]])))
    assert below[0, 0] == pytest.approx(1.0) and above[0, 1] > 0
    wild = held(14, 6, 24, scale=1e6)
    assert np.abs(calibrate(wild, GROUPS, 24).tables[:, 0]).max() <= CAP * (2 * widening(14).max() - 1) + 1e-6


def test_buckets_are_days_ahead():
    assert buckets(96, 24)[[0, 23, 24, 47, 48, 95]].tolist() == [0, 0, 1, 1, 2, 2]
    assert buckets(28, 1)[[0, 1, 6, 7, 27]].tolist() == [0, 1, 3, 4, 5]


@given(st.floats(0.001, 1500), st.floats(0, 3))
def test_count_quantiles_are_counts_in_order_around_the_mean(mean, dispersion):
    quantiles = count_quantiles(np.array([[mean]]), np.array([[dispersion]]))[0, 0]
    assert (np.diff(quantiles) >= 0).all() and (quantiles == np.floor(quantiles)).all() and quantiles[0] >= 0
    assert quantiles[-1] >= mean - 1


@pytest.mark.parametrize(("mean", "dispersion"), [(0.05, 0.5), (2.0, 0.0), (7.0, 1.5), (150.0, 0.1)])
def test_count_quantiles_against_drawn_counts(mean, dispersion):
    chance = np.random.default_rng(5)
    rate = mean if dispersion == 0 else chance.gamma(1 / dispersion, mean * dispersion, 200_000)
    drawn = chance.poisson(rate, 200_000)
    said = count_quantiles(np.array([[mean]]), np.array([[dispersion]]))[0, 0]
    for level, quantile in zip(LEVELS, said, strict=True):
        assert (drawn <= quantile).mean() >= level - 0.005 and (drawn < quantile).mean() <= level + 0.005


def test_dispersion_and_level_are_learned():
    chance = np.random.default_rng(2)
    shape = (10, 6, 100)
    said = Prediction(np.full(shape, 2.0), np.ones(shape), np.ones(shape))
    actual = chance.poisson(chance.gamma(1 / 0.5, 3.0 * 0.5, shape)).astype(float)
    windows = Windows(cutoffs=tuple(range(0, 240, 24)), steps=100)
    learned = calibrate_counts(HeldBack(windows=windows, prediction=said, actual=actual), GROUPS)
    assert learned.factor[0] == pytest.approx(1.5, rel=0.05)
    assert learned.dispersion[0] == pytest.approx(0.5, rel=0.15)
    assert learned.enough().all()


def test_a_biased_model_is_widened_around_its_bias_not_around_nothing():
    """All actuals far above the centre: fewer windows must move the lower quantiles down, not up."""
    many, few = held(14, 6, 24), held(2, 6, 24)
    high = [replace(one, actual=one.actual + 24) for one in (many, few)]
    wide, wider = (calibrate(one, GROUPS, 24).tables[0, 0] for one in high)
    assert wide[0] > 0 and wider[0] < wide[0] and wider[-1] > wide[-1]
