"""What was said in held-back windows is looked up, never said again, and changes no byte of a forecast."""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest

from contracts.ports import Silent
from contracts.series import SeriesKey, SeriesKind
from forecaster.calibration import Calibration
from forecaster.engine import EngineSettings, PanelForecast, Tier, forecast_panel
from forecaster.models.damped_trend import DampedTrend
from forecaster.models.level_shape import FittedLevelShape, LevelShape
from forecaster.models.model import Says
from forecaster.models.seasonal import Seasonal
from forecaster.panel import Panel, daily, fill
from forecaster.state import Carried, Left, carried
from forecaster.state_windows import InMemory, Kept, fit_of, window_keys
from forecaster.windows import FAST, FULL, plan_windows
from tests.forecaster.estates import wave
from tests.forecaster.test_models import office_counts, panel_of

HOURS, STEPS = 24 * 32, 48
QUICK = EngineSettings(models=("level_shape", "seasonal_naive_24", "damped_trend"))


@cache
def estate(hours: int = HOURS + 96, series: int = 8) -> Panel:
    return panel_of(*[wave(hours, level=10.0 ** (seed % 4), seed=seed) for seed in range(series)])


def made(panel: Panel, left: Left | None = None, settings: EngineSettings = QUICK) -> PanelForecast:
    return forecast_panel(panel, STEPS, settings, Silent(), left or Left())


@cache
def begun() -> PanelForecast:
    """The forecast that all go on from."""
    return made(estate().until(HOURS))


def same(one: PanelForecast, other: PanelForecast) -> bool:
    scores = [[entry.scores.crps for entry in each.examination.entries] for each in (one, other)]
    return (
        one.quantiles.tobytes() == other.quantiles.tobytes()
        and one.weights == other.weights
        and one.windows.keys() == other.windows.keys()
        and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*scores, strict=True))
        and all(np.array_equal(said, other.windows[key]) for key, said in one.windows.items())
    )


@pytest.fixture
def asked(monkeypatch):
    """At how many steps of history each family was asked for what it says."""
    found: Counter[tuple[str, int]] = Counter()
    for kind in (FittedLevelShape, Seasonal, DampedTrend):

        def counted(self, panel, ahead, kind=kind, real=kind.outline):
            found[kind.__name__, panel.steps] += 1
            return real(self, panel, ahead)

        monkeypatch.setattr(kind, "outline", counted)
    return found


@pytest.mark.parametrize("hours", [0, 1, 23, 24, 35])
def test_only_windows_that_are_new_are_said(asked, hours):
    """Whatever hours came: the bytes are those of a forecast that looked nothing up."""
    panel = estate()
    first = begun()
    later = panel.until(HOURS + hours)
    anew = made(later, Left(state=first.state))
    asked.clear()
    went_on = made(later, Left(state=first.state, windows=InMemory(first.windows)))
    assert same(went_on, anew) and went_on.refitted == ""
    steps = sorted(step for kind, step in asked if kind == "FittedLevelShape")
    room = [HOURS + 24 * day for day in range(hours // 24)]
    assert steps == sorted({*room, HOURS + hours})
    assert set(asked.values()) == {1}


def test_what_was_made_of_all_in_windows_that_are_scored_is_not_made_again(monkeypatch):
    panel, first = estate(), begun()
    left = Left(state=first.state, windows=InMemory(first.windows))
    monkeypatch.delattr("forecaster.examination.learn")
    assert len(made(panel.until(HOURS + 5), left).examination.cutoffs) > 1
    with pytest.raises(NameError):
        made(panel.until(HOURS + 24), left)  # other windows are scored


def test_the_two_fits_of_a_family_are_told_apart():
    panel = estate().until(HOURS)
    family = LevelShape()
    state = begun().state
    (kept,) = carried(replace(state, families=state.families[-1:]), (family,))
    assert isinstance(kept, Carried)
    assert kept.fit_at(panel) != kept.fit_at(panel.until(HOURS - 24)) == kept.fit_at(panel.until(HOURS - 48))
    assert kept.fit_at(panel) == fit_of(family, family.fit(panel, STEPS))


def test_a_day_of_hours_one_by_one_and_all_at_once_end_alike():
    panel, first = estate(), begun()
    windows = first.windows
    for hours in (2, 24, 26):
        now = made(panel.until(HOURS + hours), Left(state=first.state, windows=InMemory(windows)))
        windows = now.windows
    assert same(now, made(panel.until(HOURS + 26), Left(state=first.state)))


def late_measurement(panel: Panel) -> Panel:
    values = panel.observed.copy()
    values[2, HOURS - 24 * 5] *= 1.01
    return replace(panel, observed=values, filled=fill(values, 24))


def filled_otherwise(panel: Panel) -> Panel:
    filled = panel.filled.copy()
    filled[2, HOURS - 24 * 5] *= 1.01
    return replace(panel, filled=filled)


def renamed(panel: Panel) -> Panel:
    return replace(panel, keys=(*panel.keys[:-1], SeriesKey(SeriesKind.CPU, "x")))


@pytest.mark.parametrize("change", [late_measurement, filled_otherwise, renamed])
def test_what_was_said_of_something_else_is_said_again(change):
    panel, first = estate().until(HOURS), begun()
    other = change(panel)
    anew = made(other)
    found = made(other, Left(windows=InMemory(first.windows)))
    assert same(found, anew)
    assert anew.windows.keys() != first.windows.keys()
    if change is late_measurement:  # windows before it did not see it
        old = plan_windows(panel, STEPS).cutoffs
        before = [key for key, cutoff in zip(window_keys(panel, old, np.arange(1, 9)).seen, old, strict=True)
                  if cutoff <= HOURS - 24 * 5]  # fmt: skip
        assert before and set(before) <= set(window_keys(other, old, np.arange(1, 9)).seen)


def _other(said: Kept) -> Kept:
    """The same numbers in another form."""
    return said.astype(np.float32) if said.dtype == np.float64 else said.astype(np.float64)


def test_what_does_not_fit_is_said_again():
    """Arrays of another form, wherever they come from, are no answer."""
    panel, first = estate().until(HOURS), begun()
    for cut in (slice(3), (slice(None), slice(3))):
        spoiled = {key: said[cut if said.ndim > 1 else slice(3)] for key, said in first.windows.items()}
        assert same(made(panel, Left(windows=InMemory(spoiled))), first)
    spoiled = {key: _other(said) for key, said in first.windows.items()}
    assert same(made(panel, Left(windows=InMemory(spoiled))), first)


def test_counts_and_the_fast_tier_go_on_too():
    counts = panel_of(*office_counts(HOURS + 30, (0.04, 0.02, 0.01)))
    for panel, settings in (
        (counts, EngineSettings(counts=True)),
        (estate(HOURS + 30, 3), EngineSettings(tier=Tier.FAST)),
    ):
        first = made(panel.until(HOURS), settings=settings)
        left = Left(state=first.state, windows=InMemory(first.windows))
        assert same(made(panel, left, settings), made(panel, Left(state=first.state), settings))


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """A family of another package."""

    asked: list[int] = field(repr=False)
    name: str = "level_shape"
    says: Says = Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return True

    def fit(self, panel: Panel, steps: int) -> "Foreign":
        return self

    def predict(self, panel: Panel, ahead: np.ndarray) -> np.ndarray:
        self.asked.append(panel.steps)
        return Seasonal(24).predict(panel, ahead)


def test_what_other_packages_say_is_never_kept(monkeypatch):
    """Their code may change without this code's digest."""
    family = Foreign([])
    monkeypatch.setattr("forecaster.engine.chosen", lambda *of, **how: (family, Seasonal(24)))
    panel = estate().until(HOURS)
    first = made(panel)
    family.asked.clear()
    assert same(made(panel, Left(state=first.state, windows=InMemory(first.windows))), first)
    assert len(family.asked) > 4
    fitted, ours = family.fit(panel, 1), Seasonal(24)
    assert fit_of(family, fitted) == "" != fit_of(ours, ours.fit(panel, 1))


@pytest.mark.parametrize("effort", [FULL, FAST])
def test_windows_that_do_not_reach_the_horizon_stay_as_long_as_they_are(effort):
    """Else every hour would ask for other steps ahead, and nothing of what was said would be found."""
    panel, anchor, steps = estate(), HOURS - 5, 400
    found = [plan_windows(panel.until(end), steps, effort, anchor) for end in range(anchor, HOURS + 96)]
    assert found[0].reach < steps
    assert {one.ahead.tobytes() for one in found} == {found[0].ahead.tobytes()}
    assert found[0].ahead.tobytes() == plan_windows(panel.until(anchor), steps, effort).ahead.tobytes()


@pytest.mark.parametrize("effort", [FULL, FAST])
def test_windows_stay_where_they_are_until_there_is_room_for_the_next(effort):
    panel = estate()
    anchor = HOURS - 5
    found = [plan_windows(panel.until(steps), STEPS, effort, anchor).cutoffs for steps in range(anchor, HOURS + 96)]
    assert found[0] == plan_windows(panel.until(anchor), STEPS, effort).cutoffs
    apart = found[0][1] - found[0][0]
    assert {(cutoff - anchor) % apart for cutoffs in found for cutoff in cutoffs} == {(-24) % apart}
    for steps, cutoffs in zip(range(anchor, HOURS + 96), found, strict=True):
        assert 24 <= steps - cutoffs[-1] < 24 + apart


def test_windows_of_days_stay_too():
    """Three days apart: two days that come leave them where they were, the third makes room for one."""
    days = daily(panel_of(wave(24 * 75)))
    found = [plan_windows(days.until(steps), 28, FULL, 70).cutoffs for steps in (70, 71, 72, 73)]
    assert found[0] == found[1] == found[2] == plan_windows(days.until(70), 28).cutoffs
    assert found[3][:-1] == found[0][1:] and found[3][-1] == found[0][-1] + 3


@pytest.mark.parametrize(("hours", "more"), [(46, 2), (47, 1), (47, 2)])
def test_the_first_window_waits_until_there_is_room_for_it_from_the_fits_on(hours, more):
    """From the second day on there is room for one at the end, which is not where it would be beside those fits."""
    panel = estate().until(hours + more)
    first = made(panel.until(hours))
    went_on = made(panel, Left(state=first.state, windows=InMemory(first.windows)))
    assert went_on.refitted == "" and went_on.examination.cutoffs == ()
    assert plan_windows(panel, STEPS).cutoffs and plan_windows(panel, STEPS, anchor=hours).cutoffs == ()


def test_an_hour_of_the_day_stays_that_hour_for_an_origin_at_another():
    hours = np.linspace(0.5, 2, 24)[None, :]
    shift = np.zeros((1, 6, 15))
    learned = Calibration(
        groups=np.zeros(1, dtype=np.int64), day=24, shift=shift, wider=np.ones_like(shift), hours=hours,
        supported=np.ones(1, dtype=bool),
    )  # fmt: skip
    said = np.tile(np.linspace(1, 15, 15), (1, 48, 1))
    widths = np.ptp(learned.corrected(said, np.arange(1, 49)), axis=-1)
    turned = np.ptp(learned.turned(5).corrected(said[:, :43], np.arange(1, 44)), axis=-1)
    np.testing.assert_allclose(turned, widths[:, 5:])


def test_what_was_learned_of_hours_is_told_to_the_hours_of_the_forecast(monkeypatch):
    told: list[int] = []
    real = Calibration.turned

    def counted(self, hours):
        told.append(hours)
        return real(self, hours)

    monkeypatch.setattr(Calibration, "turned", counted)
    panel, first = estate(), begun()
    made(panel.until(HOURS), Left(state=first.state, windows=InMemory(first.windows)))
    assert set(told) == {0}
    told.clear()
    made(panel.until(HOURS + 29), Left(state=first.state, windows=InMemory(first.windows)))
    assert set(told) == {5, 0} and told.count(5) == 1
