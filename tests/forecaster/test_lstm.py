"""The family `lstm`: learns a day, says the same twice, sees nothing after its origin, is refused without its extra."""

import numpy as np
import pytest

from contracts.series import LEVELS, Granularity
from forecaster.errors import FamilyNotInstalled
from forecaster.models.catalogue import check_names, chosen
from forecaster.models.lstm import Lstm
from forecaster.models.model import LEVEL
from forecaster.models.seasonal import Seasonal
from forecaster.panel import daily
from tests.forecaster.estates import wave
from tests.forecaster.test_models import panel_of

DAY = np.arange(1, 49)
INSTALLED = "the extra lstm is not installed: its family is not tested"


def noisy_days(seed: int, hours: int = 24 * 42) -> np.ndarray:
    """The same day over and over, of which a naive forecast repeats the last one's noise."""
    return wave(hours, level=10.0 ** (seed % 4), noise=0.25, seed=seed)


def pinball(said: np.ndarray, actual: np.ndarray) -> float:
    miss = (actual[..., None] - said) / actual.mean(axis=1)[:, None, None]
    return float(np.maximum(LEVEL * miss, (LEVEL - 1) * miss).mean())


def test_a_noisy_day_is_learned_better_than_repeated_and_kept():
    pytest.importorskip("jax", reason=INSTALLED)
    whole = panel_of(*[noisy_days(seed) for seed in range(12)])
    past = whole.until(whole.steps - 48)
    fitted = Lstm().fit(past, 48)
    said = [one.predict(past, DAY) for one in (fitted, Lstm().restored(fitted.kept()), Seasonal(24))]
    assert Lstm().fit(past, 48).kept() == fitted.kept()
    np.testing.assert_array_equal(said[0], said[1])
    assert (np.diff(said[0], axis=2) >= 0).all()
    actual = whole.observed[:, -48:]
    assert pinball(said[0], actual) < 0.8 * pinball(said[2], actual)
    inside = (actual >= said[0][..., LEVELS.index(0.1)]) & (actual <= said[0][..., LEVELS.index(0.9)])
    assert 0.65 < inside.mean() < 0.92


def test_what_comes_after_the_origin_changes_nothing():
    pytest.importorskip("jax", reason=INSTALLED)
    said = []
    for value in (0.0, 1e9):
        panel = panel_of(*[np.concatenate([noisy_days(seed)[48:], np.full(48, value)]) for seed in range(12)])
        cut = panel.until(panel.steps - 48)
        said.append(Lstm().fit(cut, 48).predict(cut, DAY))
    np.testing.assert_array_equal(said[0], said[1])


def test_gaps_zeros_and_days_are_said_finite():
    pytest.importorskip("jax", reason=INSTALLED)
    young = noisy_days(1)
    young[:900] = np.nan
    panel = panel_of(young, np.zeros(24 * 42), noisy_days(2))
    empty = panel_of(np.zeros(24 * 42))
    for one in (empty, daily(panel), panel):
        said = Lstm(updates=5, least=5).fit(one, 48).predict(one, DAY)
        assert said.shape == (len(one.keys), 48, len(LEVELS))
        assert np.isfinite(said).all() and (said >= 0).all()


def test_it_is_refused_by_name_where_its_extra_is_missing(monkeypatch):
    monkeypatch.setattr("forecaster.models.extra.find_spec", lambda name: None)
    with pytest.raises(FamilyNotInstalled, match=r"'lstm' needs the package jax") as refused:
        Lstm().fit(panel_of(wave(300)), 24)
    assert "pip install 'prestage[lstm]'" in str(refused.value)


def test_it_is_blended_only_where_it_is_asked_for():
    check_names(("lstm", "prophet"))
    names = [[one.name for one in chosen(Granularity.HOURLY, asked, counts=False, seed=4)] for asked in ((), ("lstm",))]
    assert "lstm" not in names[0] and names[1] == ["lstm"]
