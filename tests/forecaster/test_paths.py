"""Paths: exactly the quantiles that were given, dependence as it was seen, sums that agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS
from forecaster.events.widening import NORMAL
from forecaster.paths import (
    learn_dependence,
    paths_within_memory,
    quantiles_of,
    ranks_of,
    sample_paths,
    seasonal_ranks,
)
from tests.forecaster.events.worlds import panel_of, usual

STEPS, MIDDLE = 48, LEVELS.index(0.5)
CHANCE = np.random.default_rng(7)


def lognormal(series: int, steps: int = STEPS, sd: float = 0.4) -> np.ndarray:
    level = np.linspace(1, 5, series)[:, None, None]
    return level * np.exp(sd * NORMAL) * np.ones((1, steps, 1))


def errors_of(series: int, steps: int, between: float, memory: float, seed: int = 1) -> np.ndarray:
    """Errors that are correlated between series, and from step to step (autoregressive)."""
    chance = np.random.default_rng(seed)
    together, alone = chance.standard_normal((1, steps)), chance.standard_normal((series, steps))
    shocks = np.sqrt(between) * together + np.sqrt(1 - between) * alone
    errors = np.zeros((series, steps))
    for step in range(1, steps):
        errors[:, step] = memory * errors[:, step - 1] + np.sqrt(1 - memory**2) * shocks[:, step]
    return errors


def test_each_series_and_step_has_the_quantiles_that_were_given():
    quantiles = lognormal(4)
    paths = sample_paths(quantiles, ranks_of(errors_of(4, 600, 0.5, 0.8)), 400, 3)
    assert paths.shape == (400, 4, STEPS)
    np.testing.assert_allclose(quantiles_of(paths), quantiles, rtol=0.01)


@pytest.mark.parametrize(("between", "memory"), [(0.0, 0.0), (0.6, 0.0), (0.0, 0.9), (0.6, 0.9)])
def test_sums_over_series_and_hours_have_the_spread_that_dependence_gives_them(between, memory):
    """Beside the truth: the spread of sums of freshly drawn errors of the same law."""
    series = 12
    paths = sample_paths(lognormal(series), ranks_of(errors_of(series, 3000, between, memory)), 600, 3)
    said = np.log(paths.sum(axis=(1, 2), dtype=np.float64)).std()
    level = np.linspace(1, 5, series)[:, None]
    fresh = [errors_of(series, 200 + STEPS, between, memory, seed=100 + draw)[:, -STEPS:] for draw in range(400)]
    true = np.log([(level * np.exp(0.4 * one)).sum() for one in fresh]).std()
    assert said == pytest.approx(true, rel=0.25)


def test_the_order_of_series_changes_nothing():
    quantiles, ranks = lognormal(6), ranks_of(errors_of(6, 400, 0.5, 0.7))
    order = np.array([3, 0, 5, 1, 4, 2])
    one, other = sample_paths(quantiles, ranks, 100, 9), sample_paths(quantiles[order], ranks[order], 100, 9)
    assert np.isclose(one[:, order], other, rtol=1e-3).mean() > 0.999  # ranks may change places in the last bit


def test_same_seed_same_paths_and_another_seed_others():
    quantiles, ranks = lognormal(3), ranks_of(errors_of(3, 300, 0.5, 0.7))
    assert (sample_paths(quantiles, ranks, 60, 1) == sample_paths(quantiles, ranks, 60, 1)).all()
    assert not (sample_paths(quantiles, ranks, 60, 1) == sample_paths(quantiles, ranks, 60, 2)).all()


def test_dependence_is_what_it_was_and_none_where_nothing_says_so():
    found = learn_dependence(ranks_of(errors_of(8, 4000, 0.5, 0.8)), 10)
    np.testing.assert_allclose(found.steps[1:4], [0.8, 0.64, 0.512], atol=0.06)
    assert np.median(found.series[~np.eye(8, dtype=bool)]) == pytest.approx(0.5, abs=0.1)
    chance = learn_dependence(ranks_of(errors_of(8, 60, 0.0, 0.0)), 10)
    assert np.abs(chance.series[~np.eye(8, dtype=bool)]).max() < 0.15
    unknown = learn_dependence(np.full((3, 5), np.nan), 10)
    assert (unknown.series == np.eye(3)).all() and (unknown.steps[1:] == 0).all()


def test_errors_of_a_panel_hang_together_as_its_noise_does():
    hours = 24 * 7 * 8
    noise = np.exp(0.3 * errors_of(4, hours, 0.7, 0.9))
    found = learn_dependence(seasonal_ranks(panel_of(usual(hours, noise=0.0) * noise)), 24)
    off = found.series[~np.eye(4, dtype=bool)]
    assert off.min() > 0.4 and found.steps[1] > 0.7 and found.steps[20] < 0.5


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(2, 40), st.integers(0, 3), st.data())
def test_any_quantiles_give_lawful_paths(series, steps, count, past, data):
    values = st.floats(0, 1e12) | st.just(0.0)
    shape = series * steps * len(LEVELS)
    drawn = data.draw(st.lists(values, min_size=shape, max_size=shape))
    quantiles = np.sort(np.array(drawn).reshape(series, steps, len(LEVELS)), axis=2)
    ranks = ranks_of(CHANCE.standard_normal((series, past)))
    paths = sample_paths(quantiles, ranks, count, 1)
    assert paths.shape == (count, series, steps) and np.isfinite(paths).all() and (paths >= 0).all()


def test_what_would_not_fit_is_drawn_less_often():
    assert paths_within_memory(500, 24, 168) == 500
    assert paths_within_memory(500, 1000, 168) == 238
    assert paths_within_memory(500, 10_000, 336) == 100
