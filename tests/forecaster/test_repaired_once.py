"""What was put right reaches everything: sums, days, newborn series, what blocks can carry, and what is held back."""

from functools import cache

import numpy as np
import pytest

from contracts.ports import Silent
from contracts.series import SeriesKey, SeriesKind
from forecaster.engine import EngineSettings, Tier, forecast_panel, look_back
from forecaster.make import ForecastSettings
from forecaster.prepare import Scope, prepare
from forecaster.repairs import repair
from forecaster.state import Left
from forecaster.state_windows import InMemory
from tests.forecaster.estates import forecast, history, series, wave
from tests.forecaster.test_repairs import panel_of

HOURS = 24 * 24
PAIRS = ("fra->ams", "ams->fra", "lon->fra", "fra->lon", "ams->lon", "lon->ams", "mad->fra")
BLOCKS = ("10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24")
FIRST, HOURS_WRONG = HOURS - 12 * 24 + 8, 24


def estate(*, first=FIRST, factor=1.0):
    """Seven pairs, three blocks, transactions, and a pair of five hours; a day of a pair and of a block is wrong."""
    rows = []
    for number, name in enumerate((*PAIRS, *BLOCKS, "web@fra")):
        values = wave(HOURS, level=5.0 + number, noise=0.05, seed=number)
        if name in ("lon->fra", BLOCKS[0], "web@fra"):
            values[first : first + HOURS_WRONG] *= factor
        kind = "block_traffic" if name in BLOCKS else "transactions" if "@" in name else "traffic"
        rows.append(series(kind, name, values))
    rows.append(series("traffic", "ams->mad", np.r_[np.full(HOURS - 5, np.nan), 1.0, 2, 1, 2, 1]))
    return history(*rows)


@cache
def said(factor):
    settings = ForecastSettings(environment="test", hourly_hours=24, daily_days=3, tier=Tier.FAST)
    return forecast(estate(factor=factor), settings)


def test_everything_is_derived_from_what_was_put_right():
    right, put_right = (prepare(estate(factor=factor), Scope()) for factor in (1.0, 1000.0))
    np.testing.assert_allclose(put_right.levels.observed, right.levels.observed, rtol=1e-12)
    told = [one.series for one in put_right.treatments if "wrong unit" in one.what]
    assert told == ["block_traffic:10.0.0.0/24", "traffic:lon->fra", "transactions:web@fra"]


def test_a_treated_day_moves_no_quantile_of_hours_or_days():
    """Of the pair, its regions, the newborn pair, blocks; nor what is recommended, nor what blocks carry."""
    right, put_right = said(1.0), said(1000.0)
    assert put_right.values.keys() == right.values.keys()
    for key in right.values:
        np.testing.assert_allclose(put_right.values[key], right.values[key], rtol=1e-6, err_msg=str(key))
    for one, other in zip(put_right.document.demand, right.document.demand, strict=True):
        assert one.recommended == pytest.approx(other.recommended, rel=1e-4), one.place
    assert [one.capacity_gbps for one in put_right.document.blocks] == pytest.approx(
        [one.capacity_gbps for one in right.document.blocks]
    )


def test_each_treatment_is_listed_once():
    told = [(one.series, one.what) for one in said(1000.0).document.treatments]
    assert len(set(told)) == len(told)
    assert sum("wrong unit" in what for _, what in told) == 3
    assert not [what for _, what in told if "another level" in what]


@pytest.mark.parametrize("hours", [3, 15])
def test_a_window_that_begins_in_a_wrong_unit_says_what_was_known_and_teaches_nobody(hours):
    """Three hours of it are not yet known to be wrong: they are in what was said, and in no other series' spread."""
    settings = EngineSettings(tier=Tier.FAST)
    right, put_right = (
        prepare(estate(first=HOURS - 10 * 24 - hours, factor=factor), Scope()).levels for factor in (1.0, 1000.0)
    )
    one, other = (look_back(panel, 48, settings, Silent()) for panel in (right, put_right))
    row = right.keys.index(SeriesKey(SeriesKind.TRAFFIC, "lon->fra"))
    told, known = np.isfinite(other.not_misled().actual), np.isfinite(one.held.actual)
    misled = np.asarray((known & ~told).all(axis=2))
    assert misled[:, row].sum() == (hours < 6)
    assert not misled[:, right.keys.index(SeriesKey(SeriesKind.TRAFFIC, "ams->fra"))].any()
    far = other.held.said[0][misled] > 50 * np.abs(one.held.said[0]).max()
    assert far.any() == (hours < 6)
    if hours > 6:
        return
    was, now = (forecast_panel(panel, 48, settings, Silent()) for panel in (right, put_right))
    rows = [row for row, key in enumerate(right.keys) if "traffic" in key.kind]  # of the others there is one of a kind
    np.testing.assert_allclose(now.quantiles[rows], was.quantiles[rows], rtol=0.12)


@pytest.mark.parametrize("corrected", [False, True])
def test_what_was_kept_of_windows_changes_nothing_when_a_mistake_comes_to_be_known(corrected):
    """What was said from the middle of wrong hours is said again once they are known, or come in corrected."""
    right = np.vstack([wave(16 * 24, seed=seed) for seed in range(9)])
    wrong, settings = right.copy(), EngineSettings(models=("profile_7d", "seasonal_naive_24"))
    wrong[4, 13 * 24 + 20 : 14 * 24 + 20] *= 8.0
    first, now = repair(panel_of(*wrong).until(24 * 15)).panel, repair(panel_of(*wrong)).panel
    assert first.hindsight is None and now.otherwise(24 * 14) is not None
    first, now = (now, panel_of(*right)) if corrected else (first, now)
    kept = forecast_panel(first, 24, settings, Silent()).windows
    anew, gone_on = (forecast_panel(now, 24, settings, Silent(), Left(windows=InMemory(of))) for of in ({}, kept))
    assert kept.keys() & gone_on.windows.keys()
    assert anew.quantiles.tobytes() == gone_on.quantiles.tobytes()
    one, other = (each.examination.entries[0].scores.summary(np.ones(9, bool)) for each in (anew, gone_on))
    assert one == other
