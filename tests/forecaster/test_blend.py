"""Weights follow what was right, start where nothing is known, and see nothing too early."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.series import LEVELS, SeriesKind
from forecaster.blend import SHARE, Weights, across, learn_weights
from forecaster.groups import kind_groups, volume_groups
from forecaster.models.model import spread
from forecaster.prepare import Scope, prepare
from forecaster.windows import FULL, HeldBack, Windows, plan_windows
from tests.forecaster.estates import history, series, wave

PRIOR = np.array([0.5, 0.3, 0.2])


def levels(*frames):
    return prepare(history(*frames), Scope()).levels


def held(actual: np.ndarray, centres: tuple[float, ...]) -> HeldBack:
    """Families that say a centre each, of windows a day apart."""
    windows, _, steps = actual.shape
    ones = np.ones(actual.shape)
    said = tuple(spread(centre * ones, ones, ones).astype(np.float32) for centre in centres)
    planned = Windows(cutoffs=tuple(range(100, 100 + 24 * windows, 24)), ahead=np.arange(1, steps + 1), day=24)
    return HeldBack(windows=planned, said=said, actual=actual)


def weights(past: HeldBack, prior: np.ndarray = PRIOR) -> np.ndarray:
    series_ = past.actual.shape[1]
    return learn_weights(past, np.ones(series_), np.zeros(series_, dtype=np.int64), prior).of


def test_the_family_that_is_right_gets_the_weight():
    noise = np.random.default_rng(0).normal(0, 1, (10, 4, 48))
    found = weights(held(10 + noise, (10.0, 13.0, 7.0)))
    assert (found[0, :, LEVELS.index(0.5)] > 0.8).all() and found.sum(axis=0) == pytest.approx(1.0)


def test_weights_follow_a_change():
    noise = np.random.default_rng(0).normal(0, 1, (14, 4, 24))
    actual = np.where(np.arange(14)[:, None, None] < 7, 10 + noise, 13 + noise)
    before, after = (weights(held(part, (10.0, 13.0, 7.0))) for part in (actual[:7], actual))
    middle = LEVELS.index(0.5)
    assert before[0, :, middle].min() > 0.8 and after[1, :, middle].mean() > before[1, :, middle].mean() + 0.2


def test_each_series_has_its_own_weights_and_each_level():
    actual = np.random.default_rng(0).normal(0, 1, (10, 2, 48)) + np.array([10.0, 13.0])[None, :, None]
    found = weights(held(actual, (10.0, 13.0, 7.0)))
    assert found[0, 0].mean() > 0.7 and found[1, 1].mean() > 0.7
    assert found.shape == (3, 2, len(LEVELS))


def test_nothing_known_leaves_the_prior():
    past = held(np.full((3, 2, 24), np.nan), (10.0, 13.0, 7.0))
    np.testing.assert_allclose(weights(past), np.broadcast_to(PRIOR[:, None, None], (3, 2, len(LEVELS))))


def test_errors_of_days_are_those_of_weights_that_other_days_taught():
    """The first family is right in the older half of the days, the second in the newer: either half learns it late."""
    actual = np.full((14, 4, 24), 10.0) + 3.0 * (np.arange(14) >= 7)[:, None, None]
    past = held(actual, (10.0, 13.0, 7.0))
    middle = across(past, lambda one: Weights(weights(one)))[..., LEVELS.index(0.5)]
    assert middle[:6].mean() > 12 and middle[8:].mean() < 11
    nothing = held(np.full((3, 2, 24), np.nan), (10.0, 13.0, 7.0))
    assert across(nothing, lambda one: Weights(weights(one))).shape == (3, 2, 24, len(LEVELS))


def test_no_family_is_ever_lost():
    noise = np.random.default_rng(0).normal(0, 1, (14, 4, 48))
    assert weights(held(10 + noise, (10.0, 50.0, 7.0)))[1].min() >= 0.9 * SHARE * 0.1 * PRIOR[1]


def test_what_a_panel_knows_hides_what_had_not_happened():
    past = held(np.ones((3, 1, 48)), (1.0,))
    seen = levels(series("cpu", "fra", wave(124 + 10)))  # the second origin and ten hours
    known = past.known_in(seen)
    assert np.isfinite(known.actual).sum(axis=2)[:, 0].tolist() == [34, 10, 0]
    np.testing.assert_array_equal(known.actual[0, 0, :34], seen.observed[0, 100:])


def test_the_newest_window_is_known_for_a_day_only_and_counts():
    panel = levels(series("cpu", "fra", wave(600)))
    windows = plan_windows(panel, 168)
    assert windows.cutoffs[-1] == 576 and len(windows.cutoffs) == 14 and windows.reach == 168


def test_volumes_are_told_apart_where_there_are_enough_series():
    many = [series("cpu", f"r{index:02}", wave(60, level=10.0**index)) for index in range(15)]
    few = [series("memory", f"r{index}", wave(60, level=10.0**index)) for index in range(4)]
    panel = levels(*many, *few)
    assert volume_groups(panel).tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 4
    assert [panel.keys[row].kind for row in (0, 18)] == [SeriesKind.CPU, SeriesKind.MEMORY]
    assert kind_groups(panel).tolist() == [0] * 15 + [1] * 4


def test_a_large_panel_is_thinned_to_every_hour_of_the_day():
    panel = levels(*[series("cpu", f"r{index}", wave(400)) for index in range(3)])
    thin = plan_windows(panel, 168, replace(FULL, cells=3 * 14 * 40))
    assert len(thin.ahead) <= 60 and set((thin.ahead - 1) % 24) == set(range(24))


def test_origins_of_a_few_series_lie_farther_apart_where_history_is_long():
    apart = {}
    for count, days in ((3, 200), (3, 30), (20, 200)):
        cutoffs = plan_windows(
            levels(*[series("cpu", f"r{at:02}", wave(24 * days)) for at in range(count)]), 168
        ).cutoffs
        apart[count, days] = int(np.diff(cutoffs)[0]) // 24
        assert len(cutoffs) == 14
    assert apart == {(3, 200): 3, (3, 30): 1, (20, 200): 1}
