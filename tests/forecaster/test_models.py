"""Model families: right on what they should know, and blind to what comes after the origin."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contracts.ports import Silent
from contracts.series import LEVELS, Granularity
from forecaster.engine import EngineSettings, forecast_panel
from forecaster.errors import FamilyNotInstalled, UnknownModel
from forecaster.models.boosted_counts import BoostedCounts
from forecaster.models.boosting import Boosting
from forecaster.models.catalogue import GROUP, check_names, chosen, families
from forecaster.models.level_shape import LevelShape
from forecaster.models.model import MEDIAN, Says
from forecaster.models.order import sample_quantiles
from forecaster.models.per_series import NEEDS, PerSeries
from forecaster.models.profile import Profile
from forecaster.models.request_rate import RequestRate
from forecaster.models.seasonal import Seasonal
from forecaster.panel import Panel, fill
from forecaster.prepare import Scope, prepare
from forecaster.state import Left
from tests.forecaster.estates import history, series, wave

LEVEL_FAMILIES = families(Granularity.HOURLY, counts=False, seed=0)
COUNT_FAMILIES = families(Granularity.HOURLY, counts=True, seed=0)
CHEAP = [family for family in LEVEL_FAMILIES if family.name != "xgboost"]
WEEK = np.arange(1, 169)


def quantiles_of(samples: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    (found,) = sample_quantiles(samples, [weights[0]], levels)
    return found


def panel_of(*rows: np.ndarray) -> Panel:
    frames = [series("cpu", f"r{index}", values) for index, values in enumerate(rows)]
    return prepare(history(*frames), Scope()).levels


def periodic(count: int) -> np.ndarray:
    days = np.arange(count) // 24 % 7
    return np.asarray(100 + 40 * np.sin(np.arange(count) * 2 * np.pi / 24) + 20.0 * (days >= 5))


@pytest.mark.parametrize("family", LEVEL_FAMILIES, ids=lambda family: family.name)
def test_a_week_that_repeats_is_foreseen(family):
    panel = panel_of(*[periodic(1008 + 168) * scale for scale in (1, 3, 10)])
    said = family.fit(panel.until(1008), 168).predict(panel.until(1008), WEEK)
    error = np.abs(said[..., MEDIAN] - panel.observed[:, 1008:]).mean() / panel.observed.mean()
    knows_weekends = {"xgboost": 0.03, "level_shape": 0.02, "profile_56d": 0.06, "seasonal_naive_168": 1e-9}
    assert error < knows_weekends.get(family.name, 0.15)


@pytest.mark.parametrize("family", [*LEVEL_FAMILIES, *COUNT_FAMILIES], ids=lambda family: family.name)
def test_what_comes_after_the_origin_changes_nothing(family):
    """The planted leak: the future is made absurd, and must not be noticed."""
    past = np.vstack([wave(600, seed=seed) for seed in range(4)])
    said = []
    for value in (0.0, 1e9):
        whole = panel_of(*np.hstack([past, np.full((4, 200), value)]))
        cut = whole.until(600)
        said.append(family.fit(cut, 168).predict(cut, WEEK))
    np.testing.assert_array_equal(said[0], said[1])


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, (2, 120), elements=st.one_of(st.floats(0, 1e9), st.just(0.0), st.just(np.nan))),
    st.sampled_from([*CHEAP, *COUNT_FAMILIES[:2]]),
    st.integers(1, 80),
)
def test_what_is_said_is_finite_and_from_0(observed, family, steps):
    base = panel_of(np.ones(120), np.ones(120))
    panel = Panel(
        keys=base.keys, granularity=base.granularity, end=base.end, observed=observed, filled=fill(observed, 24)
    )
    said = family.fit(panel, steps).predict(panel, np.arange(1, steps + 1))
    assert said.shape == (2, steps, len(LEVELS) if family.says is Says.QUANTILES else 1)
    assert np.isfinite(said).all() and (said >= 0).all()


@given(arrays(np.float64, (3, 9), elements=st.one_of(st.floats(-9, 9), st.just(np.nan))))
def test_weighted_quantiles_against_definition_5(samples):
    levels = np.array([0.01, 0.3, 0.5, 0.9])
    found = quantiles_of(samples, np.ones(samples.shape), levels)
    for row, quantiles in zip(samples, found, strict=True):
        known = row[np.isfinite(row)]
        if len(known):
            np.testing.assert_allclose(quantiles, np.quantile(known, levels, method="hazen"), atol=1e-9)
        else:
            assert np.isnan(quantiles).all()


def test_quantiles_are_the_same_however_many_series_are_looked_at_together(monkeypatch):
    chance = np.random.default_rng(3)
    samples = np.where(chance.random((70, 24, 9)) < 0.1, np.nan, chance.lognormal(size=(70, 24, 9)))
    weights, levels = [chance.random((24, 9)), np.ones((24, 9))], np.linspace(0.01, 0.99, 15)
    whole = sample_quantiles(samples, weights, levels)
    monkeypatch.setattr("forecaster.models.order.ROWS", 50)
    for one, other in zip(whole, sample_quantiles(samples, weights, levels), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("series", [1, 7])
def test_a_shape_is_the_same_however_many_series_are_looked_at_together(monkeypatch, series):
    panel = panel_of(*(periodic(24 * 30) * chance for chance in np.random.default_rng(4).lognormal(size=(9, 24 * 30))))
    whole = LevelShape().fit(panel, 24).predict(panel, WEEK)
    monkeypatch.setattr("forecaster.models.level_shape.SERIES", series)
    assert LevelShape().fit(panel, 24).predict(panel, WEEK).tobytes() == whole.tobytes()


def test_a_weight_of_two_is_two_samples():
    samples, weights = np.array([[1.0, 5.0, 9.0]]), np.array([[1.0, 2.0, 1.0]])
    found = quantiles_of(samples, weights, np.array([0.5]))
    assert found[0, 0] == pytest.approx(5.0)
    skewed = quantiles_of(samples, np.array([[1.0, 1.0, 20.0]]), np.array([0.5]))
    assert skewed[0, 0] > 8


def test_a_burst_does_not_shape_the_week():
    values = np.ones(24 * 10)
    values[24 * 8 + 3] = 1000.0
    panel = panel_of(values)
    for family in (Seasonal(24, depth=7), Profile(7), LevelShape()):
        said = family.fit(panel, 24).predict(panel, np.arange(1, 25))
        assert said[..., MEDIAN].max() < 1.1


def test_a_level_that_moved_is_followed():
    """Three days at twice the level: the persistence that all series taught carries it on."""
    rows = [wave(720, seed=seed, noise=0.05) for seed in range(6)]
    for row in rows:
        row[-72:] *= 2.0
        row[300:420] *= 1.5
    panel = panel_of(*rows)
    said = LevelShape().fit(panel, 24).predict(panel, np.arange(1, 25))[..., MEDIAN]
    assert 1.3 < said.mean() / panel.observed[:, :300].mean() < 2.3


def test_four_hours_of_a_new_day_are_not_a_day_of_the_week():
    """In the first week many series that are high together at dawn do not make the whole day as high."""
    chance = np.random.default_rng(4)
    rows = [100 + 40 * np.sin(np.arange(72) * np.pi / 12) * chance.lognormal(0, 0.05, 72) for _ in range(30)]
    panel = panel_of(*[np.where(np.arange(72) >= 48, 1.4, 1.0)[:52] * row[:52] for row in rows])
    said = LevelShape().fit(panel, 20).predict(panel, np.arange(1, 21))[..., MEDIAN]
    day_before = np.stack(rows)[:, 28:48]
    assert said.mean() < 1.15 * day_before.mean()


def test_a_series_of_three_days_learns_of_weekends_from_those_that_have_seen_some():
    panel = panel_of(*[wave(24 * 28, seed=seed, noise=0.02) for seed in range(7)])
    phase = panel.phase(np.arange(panel.steps))
    friday = int(np.flatnonzero(phase == 5 * 24 - 1)[-1])
    observed = np.where(phase >= 5 * 24, 0.4, 1.0) * panel.observed
    observed[0, : friday - 71] = np.nan
    seen = replace(panel, observed=observed, filled=fill(observed, 24)).until(friday + 1)
    said = LevelShape().fit(seen, 48).predict(seen, np.arange(1, 25))[..., MEDIAN].mean(axis=1)
    before = seen.observed[:, -24:].mean(axis=1)
    assert said[0] < 0.75 * before[0] and said[1] < 0.6 * before[1]


def test_boosting_is_deterministic_and_pools_volumes():
    panel = panel_of(*[wave(900, level=level, seed=seed) for seed, level in enumerate((1, 1e3, 1e6))])
    one, two = (Boosting().fit(panel, 48).predict(panel, np.arange(1, 49)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    relative = one[..., MEDIAN].mean(axis=1) / panel.observed.mean(axis=1)
    assert relative.max() / relative.min() < 1.2


def test_a_series_that_was_hardly_ever_above_0_is_not_said_to_be_large():
    """One spike in five weeks makes a level of nothing, and features hundreds of times it."""
    silent = np.zeros(24 * 35)
    silent[300] = 5.0
    bursts = [np.where(np.arange(24 * 35) % 40 == seed, 30.0, 0.01) for seed in range(6)]
    panel = panel_of(silent, *bursts, *[wave(24 * 35, seed=seed) for seed in range(3)])
    said = Boosting().fit(panel, 168).predict(panel, WEEK)[0]
    assert (said == said[0, 0]).all() and said[0, 0] == pytest.approx(5.0 / (24 * 35))


def office_counts(hours: int, rates: tuple[float, ...]) -> np.ndarray:
    chance = np.random.default_rng(3)
    office = (np.arange(hours) % 24 >= 9) & (np.arange(hours) % 24 < 17)
    return np.vstack([chance.poisson(np.where(office, rate, 0.05 * rate)) for rate in rates]).astype(float)


def test_request_rates_share_a_week_and_keep_their_level():
    counts = office_counts(24 * 28, (0.5, 0.05, 0.05))
    base = panel_of(*counts)
    said = RequestRate(shaped=True).fit(base, 168).predict(base, WEEK)[..., 0]
    assert said[0].sum() == pytest.approx(counts[0].sum() / 4, rel=0.1)
    assert said[1, 9:17].mean() > 3 * said[1, :7].mean()


def test_boosted_counts_learn_what_the_shared_week_does_not_say():
    """Half of the series sleep at day: a shared week cannot say both."""
    day = office_counts(24 * 42, (2.0,) * 5)
    night = np.roll(office_counts(24 * 42, (2.0,) * 5), 12, axis=1)
    panel = panel_of(*day, *night)
    said = BoostedCounts().fit(panel, 24).predict(panel, np.arange(1, 25))[..., 0]
    assert said[:5, 9:17].mean() > 3 * said[5:, 9:17].mean()


def test_a_model_of_no_such_name():
    with pytest.raises(UnknownModel, match="did you mean 'xgboost'"):
        check_names(("xgbost",))
    check_names(("xgboost", "seasonal_naive_7", "flat_rate"))


@pytest.mark.parametrize("name", ["arima", "ets", "prophet"])
def test_classical_families_know_the_day(name):
    package, extra = NEEDS[name]
    pytest.importorskip(package, reason=f"the extra {extra} is not installed: {name} is not tested")
    panel = panel_of(wave(24 * 14, noise=0.05), np.ones(24 * 14))
    family = PerSeries(name)
    said = family.fit(panel, 24).predict(panel, np.arange(1, 25))
    assert np.abs(said[0, :, MEDIAN] / wave(24 * 15, noise=0.0)[-24:] - 1).mean() < 0.15
    assert (said[1] == 1.0).all()


def test_prophet_says_the_same_twice_and_strays_farther_ahead():
    """Its own intervals come of process-wide random numbers; these must not, and must not touch them."""
    pytest.importorskip("prophet", reason="the extra prophet is not installed: prophet is not tested")
    rising = wave(24 * 14, noise=0.05) * (1 + 0.5 * np.abs(np.arange(24 * 14) // 24 % 6 - 3))
    panel = panel_of(rising)
    state = np.random.get_state(legacy=False)["state"]["key"].copy()
    one, two = (PerSeries("prophet").predict(panel, WEEK) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(state, np.random.get_state(legacy=False)["state"]["key"])
    width = np.sqrt(one[0, :, -1]) - np.sqrt(one[0, :, 0])
    assert width[-24:].mean() > 1.02 * width[:24].mean()


@pytest.mark.parametrize(("name", "said"), [("arima", r"statsmodels"), ("prophet", "package prophet")])
def test_a_family_that_is_not_installed_is_named(monkeypatch, name, said):
    monkeypatch.setattr("forecaster.models.extra.find_spec", lambda name: None)
    with pytest.raises(FamilyNotInstalled, match=rf"{name}.*{said}"):
        PerSeries(name).fit(panel_of(wave(200)), 24)


OWN_PACKAGE = """
from forecaster.models.seasonal import Seasonal


class Own(Seasonal):
    @property
    def name(self):
        return "own"


def own_family(granularity, seed):
    return Own(24)
"""


@pytest.fixture
def own_package(tmp_path, monkeypatch):
    """A package as pip installs it, with an entry point of the group."""
    about = tmp_path / "own_models-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-models\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nown = own_models:own_family\n")
    (tmp_path / "own_models.py").write_text(OWN_PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_models", None)


def test_an_installed_package_adds_a_family(own_package):
    """Named, it is blended like any other; unnamed, it is not even loaded."""
    assert "own" not in [family.name for family in chosen(Granularity.HOURLY, (), counts=False, seed=0)]
    assert "own_models" not in sys.modules
    check_names(("own",))
    panel = panel_of(wave(24 * 14), wave(24 * 14, seed=2))
    settings = EngineSettings(models=("own", "profile_14d"))
    made = forecast_panel(panel, 24, settings, Silent())
    assert [name for name, _ in made.weights[0].weights] == ["profile_14d", "own"]
    again = forecast_panel(panel, 24, settings, Silent(), Left(state=made.state))
    assert again.refitted == "" and (again.quantiles == made.quantiles).all()


def test_a_pair_that_fell_silent_is_drawn_towards_the_others():
    silent, busy = np.zeros(24 * 40), np.ones(24 * 40)
    silent[0] = 1.0
    panel = panel_of(silent, busy)
    rate = RequestRate(shaped=False).predict(panel, np.array([1]))[:, 0, 0]
    assert 0.01 < rate[0] < 0.1 and 0.9 < rate[1] < 1
