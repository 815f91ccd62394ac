"""What is learned at an earlier origin is what could be known there: of mistakes, too, and of what came by then."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np

from contracts.ports import Silent
from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.backcast import Backcast, learn
from forecaster.engine import EngineSettings, Tier, forecast_panel, look_back
from forecaster.examination import examine
from forecaster.panel import Panel, daily
from forecaster.prepare import Scope, prepare
from forecaster.repairs import _Unmended, repair
from forecaster.shifts import find_shifts, learned_from
from forecaster.state_learned import unpacked
from forecaster.state_windows import InMemory
from tests.forecaster.estates import history, series, wave
from tests.forecaster.test_repairs import panel_of

FAST = EngineSettings(tier=Tier.FAST)
SERIES, WRONG = 9, 4
OTHERS = np.arange(SERIES) != WRONG
PAIRS = ("fra->ams", "ams->fra", "lon->fra", "fra->lon", "mad->ams")


def estate(hours: int, *mistakes: tuple[int, int, float], rows: int = SERIES) -> Panel:
    """Series of which one was measured in a wrong unit: (first hour, hours, factor)."""
    waves = [wave(hours, level=5.0 + row, noise=0.05, seed=row) for row in range(rows)]
    for first, length, factor in mistakes:
        waves[WRONG][first : first + length] *= factor
    return repair(panel_of(*waves)).panel


def past_of(panel: Panel, hours: int = 48) -> Backcast:
    return look_back(panel, hours, FAST, Silent())


@cache
def futures(step: int = 528) -> tuple[Backcast, Backcast]:
    """Alike until the step, twenty hours of a wrong unit before it; it ends soon after, or goes on."""
    ends, goes_on = estate(552, (step - 20, 24, 8.0)), estate(552, (step - 20, 44, 8.0))
    assert ends.otherwise(step) is not None and goes_on.hindsight is None
    return past_of(ends, 96), past_of(goes_on, 96)


def test_what_was_learned_at_a_window_is_the_same_whatever_came_after_it():
    """The planted leak: that the wrong hours end, and so are put right, is known after the window's origin only."""
    one, other = futures()
    step = one.held.windows.cutoffs[-1]
    assert step == 528
    for each, alike in zip(one.held.said, other.held.said, strict=True):
        np.testing.assert_array_equal(each, alike)
    then = one.known_before(step), other.known_before(step)
    np.testing.assert_array_equal(then[0].held.actual, then[1].held.actual)
    assert not np.array_equal(one.held.actual[:-1, WRONG], then[0].held.actual[:-1, WRONG], equal_nan=True)
    said, ahead = tuple(each[-1].astype(float) for each in one.held.said), one.held.windows.ahead
    mine, yours = (learn(past).quantiles(said, ahead) for past in then)
    np.testing.assert_array_equal(mine, yours)


def test_what_is_kept_of_what_was_learned_is_what_could_be_known():
    taught = [[unpacked(kept) for kept in examine(past).taught.values()] for past in futures()]
    assert len(taught[0]) == len(taught[1]) == 2
    for one, other in zip(*taught, strict=True):
        np.testing.assert_array_equal(one.weights.of, other.weights.of)
        np.testing.assert_array_equal(one.calibration.wider, other.calibration.wider)


def test_scores_are_of_what_learns_as_the_forecast_does():
    """A mistake that was not yet known at an older origin makes no other series wider, in the forecast or in scores."""
    right, wrong = (past_of(panel) for panel in (estate(24 * 24), estate(24 * 24, (332, 24, 1000.0))))
    assert wrong.held.windows.cutoffs[0] == 336 and wrong.panel.otherwise(336) is not None
    wide = []
    for past in (right, wrong):
        learned = [one for kept in examine(past).taught.values() if (one := unpacked(kept)) is not None]
        said = tuple(each[-1].astype(float) for each in right.held.said)
        told = [one.quantiles(said, right.held.windows.ahead)[OTHERS] for one in learned]
        wide.append([np.diff(each[..., [LEVELS.index(0.1), LEVELS.index(0.9)]]).mean() for each in told])
    assert len(wide[0]) == 2
    np.testing.assert_allclose(wide[1], wide[0], rtol=0.05)


def test_what_was_known_before_a_step_beside_what_was_known_at_it():
    """A first mistake is known at the step, a second one is not: each earlier step is as it was known then."""
    panel = estate(24 * 30, (332, 24, 1000.0), (524, 24, 8.0))
    then = panel.as_known(530)
    np.testing.assert_array_equal(then.observed, estate(530, (332, 24, 1000.0), (524, 6, 8.0)).observed)
    np.testing.assert_array_equal(then.as_known(335).observed, panel.as_known(335).observed)
    assert then.otherwise(335) is not None and then.otherwise(526) is None and then.otherwise(500) is None
    days = daily(panel).as_known(22)
    np.testing.assert_array_equal(days.as_known(14).observed, daily(panel).as_known(14).observed)


def test_rows_that_follow_from_no_mistake_are_learned_from():
    """Of a region without the pair, and of what transactions tell, though both grew since: they hold no mistake."""
    hours, cutoff = 24 * 24, 336
    rows = [series("traffic", name, wave(hours, level=5.0 + at, seed=at)) for at, name in enumerate(PAIRS[:-1])]
    wrong = wave(hours, level=9.0, seed=7)
    wrong[cutoff - 3 : cutoff + 21] *= 1000.0
    rows[2] = series("traffic", "lon->fra", wrong)
    rows.append(series("traffic", "mad->ams", np.r_[np.full(cutoff - 72, np.nan), wave(hours - cutoff + 72, seed=8)]))
    rows += [
        series("transactions", f"web@{region}", 1e4 * wave(hours, seed=at)) for at, region in enumerate(("fra", "mad"))
    ]
    rows.append(series("cpu", "fra", 20 * wave(hours, seed=0)))
    panel = prepare(history(*rows), Scope()).levels
    past = past_of(panel)
    known, told = (np.isfinite(each.actual[0]).any(axis=1) for each in (past.held, past.not_misled()))
    assert past.held.windows.cutoffs[0] == cutoff
    misled = {panel.keys[row] for row in np.flatnonzero(known & ~told)}
    regions = {SeriesKey(SeriesKind.REGION_TRAFFIC, region) for region in ("lon", "fra")}
    assert misled == {SeriesKey(SeriesKind.TRAFFIC, "lon->fra"), *regions}


def test_what_was_known_at_a_step_is_worked_out_once(monkeypatch):
    asked: Counter[int] = Counter()
    real = _Unmended.at

    def counted(self, step):
        asked[step] += 1
        return real(self, step)

    panel = estate(24 * 24, (332, 24, 1000.0))
    monkeypatch.setattr(_Unmended, "at", counted)
    forecast_panel(panel, 48, FAST, Silent())
    assert asked and set(asked.values()) == {1}


def test_kept_lessons_change_no_scores_of_a_panel_with_a_mistake():
    past = past_of(estate(24 * 24, (332, 24, 1000.0)))
    anew = examine(past)
    again = examine(past, InMemory(anew.taught))
    every = np.ones(SERIES, dtype=bool)
    assert anew.taught and [one.scores.summary(every) for one in anew.entries] == [
        one.scores.summary(every) for one in again.entries
    ]


def test_what_is_remembered_is_bounded_and_changes_no_byte(monkeypatch):
    mistake = (332, 24, 1000.0)
    kept = forecast_panel(estate(24 * 24, mistake), 48, FAST, Silent())
    monkeypatch.setattr("forecaster.panel.REMEMBERED_CELLS", 0)
    panel = estate(24 * 24, mistake)
    assert panel.otherwise(336) is not panel.otherwise(336)
    anew = forecast_panel(panel, 48, FAST, Silent())
    assert kept.quantiles.tobytes() == anew.quantiles.tobytes() and kept.windows.keys() == anew.windows.keys()


def test_a_window_is_scored_with_what_a_common_shift_leaves_to_learn_from():
    """Six of nine series tripled at once: windows that met it half way teach nobody, where they are scored either."""
    waves = [wave(600, level=5.0 + row, noise=0.05, seed=row) for row in range(SERIES)]
    for moved in waves[:6]:
        moved[500:] *= 3
    past = past_of(repair(panel_of(*waves)).panel)
    scored, wiser = examine(past), 0
    for cutoff in scored.cutoffs:
        then, at = past.known_before(cutoff), past.held.windows.cutoffs.index(cutoff)
        held = learned_from(then.not_misled(), then.panel, find_shifts(then.panel))
        said, ahead = tuple(one[at].astype(float) for one in past.held.said), past.held.windows.ahead
        found, wise = unpacked(scored.taught[past.key_of_all(at)]), learn(replace(then, held=held))
        assert found is not None
        np.testing.assert_array_equal(found.quantiles(said, ahead), wise.quantiles(said, ahead))
        wiser += not np.array_equal(wise.quantiles(said, ahead), learn(then).quantiles(said, ahead))
    assert wiser
