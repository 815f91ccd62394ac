"""Model families: right on what they should know, and blind to what comes after the origin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contracts.series import Granularity
from forecaster.errors import UnknownModel
from forecaster.models.boosting import Boosting
from forecaster.models.catalogue import check_names, count_models, level_models
from forecaster.models.request_rate import RequestRate
from forecaster.models.seasonal import Seasonal
from forecaster.panel import Panel, fill
from forecaster.prepare import Scope, prepare
from tests.forecaster.estates import history, series, wave

MODELS = level_models(Granularity.HOURLY, 0)


def panel_of(*rows: np.ndarray) -> Panel:
    frames = [series("cpu", f"r{index}", values) for index, values in enumerate(rows)]
    return prepare(history(*frames), Scope()).levels


def periodic(count: int) -> np.ndarray:
    days = np.arange(count) // 24 % 7
    return np.asarray(100 + 40 * np.sin(np.arange(count) * 2 * np.pi / 24) + 20.0 * (days >= 5))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_week_that_repeats_is_foreseen(model):
    panel = panel_of(*[periodic(1008 + 168) * scale for scale in (1, 3, 10)])
    said = model.fit(panel.until(1008), 168).predict(panel.until(1008), 168)
    error = np.abs(said.centre - panel.observed[:, 1008:]).mean() / panel.observed.mean()
    assert error < {"xgboost": 0.02, "seasonal_naive_24": 0.15, "seasonal_mean_24x7": 0.15}.get(model.name, 1e-9)


@pytest.mark.parametrize("model", [*MODELS, *count_models()], ids=lambda model: model.name)
def test_what_comes_after_the_origin_changes_nothing(model):
    """The planted leak: the future is made absurd, and must not be noticed."""
    past = np.vstack([wave(600, seed=seed) for seed in range(4)])
    futures = [np.full((4, 200), value) for value in (0.0, 1e9)]
    said = []
    for future in futures:
        whole = panel_of(*np.hstack([past, future]))
        cut = whole.until(600)
        said.append(model.fit(cut, 168).predict(cut, 168))
    np.testing.assert_array_equal(said[0].centre, said[1].centre)
    np.testing.assert_array_equal(said[0].above, said[1].above)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, (2, 120), elements=st.one_of(st.floats(0, 1e9), st.just(0.0), st.just(np.nan))),
    st.sampled_from([model for model in MODELS if model.name != "xgboost"]),
    st.integers(1, 80),
)
def test_predictions_are_finite_and_spread_outwards(observed, model, steps):
    base = panel_of(np.ones(120), np.ones(120))
    panel = Panel(
        keys=base.keys, granularity=base.granularity, end=base.end, observed=observed, filled=fill(observed, 24)
    )
    said = model.fit(panel, steps).predict(panel, steps)
    for part in (said.centre, said.below, said.above):
        assert part.shape == (2, steps) and np.isfinite(part).all() and (part >= 0).all()


def test_a_burst_does_not_shape_the_week():
    values = np.ones(24 * 10)
    values[24 * 8 + 3] = 1000.0
    said = Seasonal(24, depth=7).predict(panel_of(values), 24)
    assert said.centre.max() == 1.0


def test_boosting_is_deterministic_and_pools_volumes():
    panel = panel_of(*[wave(900, level=level, seed=seed) for seed, level in enumerate((1, 1e3, 1e6))])
    one, two = (Boosting().fit(panel, 48).predict(panel, 48).centre for _ in range(2))
    np.testing.assert_array_equal(one, two)
    relative = one.mean(axis=1) / panel.observed.mean(axis=1)
    assert relative.max() / relative.min() < 1.2


def test_request_rates_share_a_week_and_keep_their_level():
    chance = np.random.default_rng(3)
    office = (np.arange(24 * 28) % 24 >= 9) & (np.arange(24 * 28) % 24 < 17)
    counts = np.vstack([chance.poisson(np.where(office, rate, 0.05 * rate)) for rate in (0.5, 0.05, 0.05)])
    base = panel_of(*counts.astype(float))
    said = RequestRate(shaped=True).fit(base, 168).predict(base, 168).centre
    assert said[0].sum() == pytest.approx(counts[0].sum() / 4, rel=0.1)
    assert said[1, 9:17].mean() > 3 * said[1, :7].mean()


def test_a_model_of_no_such_name():
    with pytest.raises(UnknownModel, match="did you mean 'xgboost'"):
        check_names(("xgbost",))
    check_names(("xgboost", "seasonal_naive_7", "flat_rate"))


def test_a_pair_that_fell_silent_is_drawn_towards_the_others():
    silent, busy = np.zeros(24 * 40), np.ones(24 * 40)
    silent[0] = 1.0
    panel = panel_of(silent, busy)
    rate = RequestRate(shaped=False).predict(panel, 1).centre[:, 0]
    assert 0.01 < rate[0] < 0.1 and 0.9 < rate[1] < 1
