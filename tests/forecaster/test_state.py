"""Going on from the fits of an earlier forecast: the same numbers, no leak, and when all is fitted anew."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from contracts.ports import Silent
from contracts.series import SeriesKey, SeriesKind
from forecaster.drift import relative_losses
from forecaster.engine import EngineSettings, PanelForecast, Tier, forecast_panel
from forecaster.models.boosted_counts import BoostedCounts
from forecaster.models.boosting import Boosting
from forecaster.models.level_shape import LevelShape
from forecaster.models.model import Fitted, KeepingFamily, KeptFit, Says
from forecaster.models.seasonal import Seasonal
from forecaster.panel import Panel, daily, fill
from forecaster.state import GROWN, WORSE, Left, PanelState
from forecaster.state_document import panel_states, state_bundle, usable_states
from forecaster.windows import HeldBack, Windows
from tests.forecaster.estates import wave
from tests.forecaster.test_models import office_counts, panel_of

LEARNERS = EngineSettings(models=("xgboost", "level_shape", "profile_14d"))
QUICK = EngineSettings(models=("level_shape", "profile_14d", "seasonal_naive_24"))
HOURS, STEPS = 24 * 28, 48


def estate(hours: int = HOURS + 96, series: int = 4) -> Panel:
    return panel_of(*[wave(hours, level=10.0 ** (seed % 4), seed=seed) for seed in range(series)])


def made(panel: Panel, settings: EngineSettings = QUICK, state: PanelState | None = None) -> PanelForecast:
    return forecast_panel(panel, STEPS, settings, Silent(), Left(state=state))


def replaced(panel: Panel, values: np.ndarray) -> Panel:
    return replace(panel, observed=values, filled=fill(values, 24))


@pytest.mark.parametrize("family", [Boosting(), LevelShape(), BoostedCounts()], ids=lambda one: one.name)
def test_what_is_kept_of_a_fit_says_the_same(family):
    panel = panel_of(*(office_counts(24 * 42, (2.0,) * 5) if family.says is Says.MEAN else estate().observed))
    fitted, second, ahead = family.fit(panel, STEPS), family.fit(panel, STEPS), np.arange(1, STEPS + 1)
    said, name = fitted.predict(panel, ahead), family.name
    assert isinstance(fitted, KeptFit) and isinstance(second, KeptFit) and isinstance(family, KeepingFamily)
    kept = fitted.kept()
    assert kept and kept == second.kept()
    again = family.restored(kept)
    np.testing.assert_array_equal(again.predict(panel, ahead), said)
    with pytest.raises(ValueError):
        family.restored(kept[: len(kept) // 2])
    if name.startswith("xgboost"):  # which does not look for itself
        at = len(kept) // 2
        with pytest.raises(ValueError, match="not of a fit"):
            family.restored(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])


def test_a_fit_that_learned_nothing_is_kept_too():
    short = panel_of(np.ones(24 * 5))
    for family in (Boosting(), BoostedCounts()):
        fitted = family.fit(short, STEPS)
        again = family.restored(fitted.kept())
        np.testing.assert_array_equal(again.predict(short, np.arange(1, 9)), fitted.predict(short, np.arange(1, 9)))


@pytest.mark.parametrize("days", [False, True], ids=["hourly", "daily"])
def test_without_new_hours_the_forecast_is_the_same(days):
    panel = daily(estate()) if days else estate()
    first = made(panel, LEARNERS)
    second = made(panel, LEARNERS, first.state)
    assert (first.refitted, second.refitted) == ("nothing was kept", "")
    assert second.state is first.state and second.weights == first.weights
    np.testing.assert_array_equal(first.quantiles, second.quantiles)


def test_new_hours_change_weights_and_quantiles_and_fit_nothing(monkeypatch):
    panel = estate()
    first = made(panel.until(HOURS), LEARNERS)
    state = first.state
    fresh = made(panel.until(HOURS + 30), LEARNERS)

    def never(*of: object) -> Fitted:
        raise AssertionError("it was fitted again")

    monkeypatch.setattr(Boosting, "fit", never)
    monkeypatch.setattr(LevelShape, "fit", never)
    now = made(panel.until(HOURS + 30), LEARNERS, state)
    again = made(panel.until(HOURS + 30), LEARNERS, state)
    assert now.refitted == "" and now.state is state
    np.testing.assert_array_equal(now.quantiles, again.quantiles)
    assert [cutoff - 24 for cutoff in now.examination.cutoffs] == list(first.examination.cutoffs)
    near = np.abs(now.quantiles - fresh.quantiles).mean(axis=(1, 2)) / fresh.quantiles.mean(axis=(1, 2))
    assert (near < 0.1).all() and (near > 0).all()


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A family that knows until when it was fitted, and refuses to be asked about what it has seen."""

    asked: list[tuple[int, int]] = field(repr=False)

    @property
    def name(self) -> str:
        return "level_shape"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return True

    def fit(self, panel: Panel, steps: int) -> "FittedWatched":
        return FittedWatched(self, panel.steps)

    def restored(self, kept: bytes) -> "FittedWatched":
        return FittedWatched(self, int(kept))


@dataclass(frozen=True, slots=True, eq=False)
class FittedWatched:
    family: Watched
    saw: int

    def predict(self, panel: Panel, ahead: np.ndarray) -> np.ndarray:
        assert self.saw <= panel.steps, f"fitted on {self.saw} steps, asked at {panel.steps}"
        self.family.asked.append((self.saw, panel.steps))
        return Seasonal(24).predict(panel, ahead)

    def kept(self) -> bytes:
        return str(self.saw).encode()


@pytest.mark.parametrize("hours", [1, 23, 24, 25, 33])
def test_no_window_is_said_by_a_fit_that_saw_it(monkeypatch, hours):
    """The planted leak, by construction: each fit knows what it saw."""
    family = Watched([])
    monkeypatch.setattr("forecaster.engine.chosen", lambda *of, **how: (family, Seasonal(24)))
    panel = estate()
    state = made(panel.until(HOURS)).state
    assert state.until > state.before_until
    family.asked.clear()
    now = made(panel.until(HOURS + hours), QUICK, state)
    assert now.refitted == "" and len(family.asked) > 4
    assert family.asked[-1] == (HOURS, HOURS + hours)  # the forecast itself, by the newer fit,
    assert ((HOURS, HOURS) in family.asked) == (hours >= 24)  # and so is the newest window, once there is room for it
    assert {steps % 24 for _, steps in family.asked[:-1]} == {0}  # windows stay where they were


def test_windows_that_begin_before_the_older_fits_ended_ask_for_new_ones(monkeypatch):
    family = Watched([])
    monkeypatch.setattr("forecaster.engine.chosen", lambda *of, **how: (family, Seasonal(24)))
    panel = estate()
    state = made(panel.until(HOURS)).state
    late = tuple(replace(one, before=str(HOURS - 48).encode()) if one.end else one for one in state.families)
    young = replace(state, families=late, before_until=panel.until(HOURS - 48).end)
    told = made(panel.until(HOURS + 1), QUICK, young)
    assert told.refitted == "held-back windows begin before the fits ended"


def other_settings(panel: Panel) -> tuple[Panel, EngineSettings]:
    return panel, replace(QUICK, tier=Tier.FAST)


def other_series(panel: Panel) -> tuple[Panel, EngineSettings]:
    keys = (*panel.keys[:-1], SeriesKey(SeriesKind.CPU, "another"))
    return replace(panel, keys=keys), QUICK


def a_past(panel: Panel) -> tuple[Panel, EngineSettings]:
    return panel.until(HOURS - 1), QUICK


def grown(panel: Panel) -> tuple[Panel, EngineSettings]:
    return panel.until(round(HOURS * (1 + GROWN)) + 1), QUICK


def shrunk(panel: Panel) -> tuple[Panel, EngineSettings]:
    values = panel.observed[:, : HOURS + 1].copy()
    values[:, 10:200] = np.nan
    return replaced(panel.until(HOURS + 1), values), QUICK


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_settings, "other settings"),
        (other_series, "other series"),
        (a_past, "the fits saw more than this history"),
        (grown, "the history grew by 5%"),
        (shrunk, "the history shrank by"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_when_all_is_fitted_anew(change: Callable[[Panel], tuple[Panel, EngineSettings]], reason):
    panel = estate()
    state = made(panel.until(HOURS)).state
    now, settings = change(panel.until(HOURS + 1) if change in (other_settings, other_series) else panel)
    told = made(now, settings, state)
    assert told.refitted.startswith(reason)
    np.testing.assert_array_equal(told.quantiles, made(now, settings).quantiles)
    assert told.state is not state


def test_a_family_with_other_settings_or_foreign_bytes_is_fitted_anew():
    panel = estate().until(HOURS)
    state = made(panel).state
    others = tuple(replace(one, settings="spoiled") if one.end else one for one in state.families)
    foreign = tuple(replace(one, end=b"spoiled") if one.end else one for one in state.families)
    for spoiled, reason in ((others, "other settings of level_shape"), (foreign, "what was kept is not of a fit")):
        told = made(panel, QUICK, replace(state, families=spoiled))
        assert told.refitted.startswith(reason)
    gone = made(panel, QUICK, replace(state, families=(replace(state.families[0], name="gone"),)))
    assert gone.refitted == "other settings of gone"


def test_fits_that_have_grown_worse_are_made_anew():
    panel = estate(24 * 96, series=8)
    state = made(panel.until(24 * 92)).state
    assert made(panel, QUICK, state).refitted == ""
    worse = tuple(replace(one, loss=one.loss / (WORSE * 2)) if one.loss else one for one in state.families)
    early = made(panel.until(24 * 94 + 11), QUICK, replace(state, families=worse))
    assert early.refitted == ""  # two days say too little
    told = made(panel, QUICK, replace(state, families=worse))
    assert told.refitted.startswith("level_shape has grown worse: ")
    np.testing.assert_array_equal(told.quantiles, made(panel).quantiles)


def test_losses_are_relative_to_what_learns_nothing():
    chance = np.random.default_rng(2)
    windows = Windows(cutoffs=(24, 48, 72, 96), ahead=np.arange(1, 97), day=24)
    actual = chance.uniform(1, 2, (4, 3, 96))
    off = [np.repeat((actual + by)[..., None], 15, axis=3).astype(np.float32) for by in (0.1, 0.2, 0.3)]
    actual[2:, :, 48:] = np.nan
    held = HeldBack(windows=windows, said=tuple(off), actual=actual)
    learners = np.array([True, True, False])
    found = relative_losses(held, np.ones(3), learners)
    assert found == pytest.approx((1 / 3, 2 / 3, 1.0), rel=1e-3)
    assert relative_losses(held, np.zeros(3), learners) == (None,) * 3
    assert relative_losses(held, np.ones(3), learners, since=48) == pytest.approx(found, rel=1e-2)
    assert relative_losses(held, np.ones(3), learners, since=73) == (None,) * 3  # two days


def test_a_state_is_a_document_and_read_back():
    panel = estate().until(HOURS)
    states = (made(panel).state, made(daily(panel)).state)
    bundle = state_bundle("dev", "code", states)
    assert bundle == state_bundle("dev", "code", states)
    for one, two in zip(panel_states(bundle), states, strict=True):
        assert one.families[0].end == two.families[0].end and one.until == two.until
        assert made(panel if one.granularity is panel.granularity else daily(panel), QUICK, one).refitted == ""
    assert len(usable_states(bundle, "code")) == 2 and usable_states(bundle, "other code") == {}


def test_with_too_little_history_to_hold_back_there_is_a_state_all_the_same():
    panel = estate().until(30)
    first = made(panel)
    second = made(panel, QUICK, first.state)
    np.testing.assert_array_equal(first.quantiles, second.quantiles)
    assert first.state.before_until == first.state.until == panel.end
