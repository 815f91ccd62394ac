"""Levels that changed for good are found as they become known, followed, and doubted while they are young."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from contracts.ports import Silent
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.mixture import mixture
from forecaster.models.model import MEDIAN, spread
from forecaster.panel import Panel, fill
from forecaster.shifts import Shift, believed, common_shifts, find_shifts, followed, is_common, learned_from, rebased
from forecaster.windows import HeldBack, actuals, plan_windows

DAYS = 24
SHAPE = 10 + 5 * np.sin(np.arange(24) * np.pi / 12)


def panel_of(*rows: np.ndarray) -> Panel:
    observed = np.stack(rows)
    return Panel(
        keys=tuple(SeriesKey(SeriesKind.TRAFFIC, f"a->b{row:02}") for row in range(len(rows))),
        granularity=Granularity.HOURLY,
        end=datetime(2026, 3, 25, tzinfo=UTC),
        observed=observed,
        filled=fill(observed, 24),
    )


def usual(seed: int = 0, days: int = DAYS) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return np.tile(SHAPE, days) * chance.lognormal(0.0, 0.1, 24 * days)


def test_what_moved_is_told_in_proportion_or_as_something_on_top():
    fallen, risen = usual(1), usual(2)
    fallen[20 * 24 :] *= 0.2
    risen[21 * 24 :] += 60.0
    panel = panel_of(usual(), fallen, risen)
    fall, rise = believed(find_shifts(panel), panel)
    assert (fall.row, fall.first, fall.added) == (1, 20 * 24, 0.0) and fall.factor == pytest.approx(0.2, rel=0.05)
    assert (rise.row, rise.first, rise.factor) == (2, 21 * 24, 1.0) and rise.added == pytest.approx(60, rel=0.05)
    level = rebased(panel, (fall, rise))
    for row, first in ((1, 20 * 24), (2, 21 * 24)):
        before, after = level.observed[row, :first].mean(), panel.observed[row, first:].mean()
        assert before == pytest.approx(after, rel=0.05)
    np.testing.assert_array_equal(level.observed[0], panel.observed[0])
    np.testing.assert_array_equal(level.observed[1, 20 * 24 :], panel.observed[1, 20 * 24 :])


@pytest.mark.parametrize(
    "row",
    [
        usual(3) * np.where(np.arange(DAYS * 24) // 24 % 7 < 2, 0.3, 1.0),  # weekends, the newest among them
        usual(4) * np.where((np.arange(DAYS * 24) >= 22 * 24) & (np.arange(DAYS * 24) < 22 * 24 + 12), 9.0, 1.0),
        np.random.default_rng(5).lognormal(0.0, 1.5, DAYS * 24),
        np.where(np.arange(DAYS * 24) < 22 * 24, usual(6), 0.0),  # may be an outage
        usual(7) * (1 + np.arange(DAYS * 24) / 400),
        np.zeros(DAYS * 24),
        np.full(DAYS * 24, np.nan),
    ],
    ids=["weekends", "burst", "noise", "zeros", "growth", "nothing", "unknown"],
)
def test_what_is_no_shift(row):
    panel = panel_of(row)
    for end in range(panel.steps - 7 * 24, panel.steps + 1, 24):
        assert not believed(find_shifts(panel.until(end)), panel.until(end))


def test_weekends_are_no_shift_even_before_it_is_asked_how_often():
    assert not find_shifts(panel_of(usual(3) * np.where(np.arange(DAYS * 24) // 24 % 7 < 2, 0.3, 1.0)))


def test_what_is_known_at_an_origin_hangs_on_nothing_after_it():
    moved = usual(8)
    moved[19 * 24 :] *= 6
    panel = panel_of(moved)
    later = replace(panel, observed=panel.observed.copy())
    later.observed[:, 21 * 24 :] = 1e6
    until = 21 * 24
    assert believed(find_shifts(panel), panel.until(until)) == believed(find_shifts(later), later.until(until)) != ()
    assert not believed(find_shifts(panel), panel.until(19 * 24))


def test_a_row_that_moves_again_and_again_has_no_level():
    restless = usual(9)
    restless[14 * 24 : 18 * 24] *= 8
    panel = panel_of(restless)
    assert len({one.first for one in find_shifts(panel)}) == 2
    assert not believed(find_shifts(panel), panel)


def test_a_rise_in_proportion_is_told_so_and_from_its_very_first_hour():
    """It began in the evening of the day before the one that shows it."""
    risen = usual(11)
    risen[19 * 24 + 17 :] *= 7
    panel = panel_of(risen)
    (shift,) = believed(find_shifts(panel), panel)
    assert abs(shift.first - (19 * 24 + 17)) <= 1 and shift.added == 0.0
    assert shift.factor == pytest.approx(7, rel=0.05)


def held_back(panel: Panel) -> HeldBack:
    windows = plan_windows(panel, 48)
    said = np.zeros((len(windows.cutoffs), len(panel.keys), 48, len(LEVELS)), dtype=np.float32)
    return HeldBack(windows=windows, said=(said,), actual=actuals(panel, windows))


def test_of_many_rows_a_few_say_whether_they_may_have_moved_together():
    for moved, found in ((0, 0), (2, 0), (65, 65)):
        rows = [usual(seed) for seed in range(130)]
        for row in rows[:: 130 // moved] if moved else ():
            row[20 * 24 :] *= 4
        panel = panel_of(*rows)
        assert len({one.row for one in common_shifts(panel)}) >= found and bool(common_shifts(panel)) == bool(found)
        assert is_common(common_shifts(panel), panel) == is_common(find_shifts(panel), panel) == bool(found)


def test_a_common_shift_is_one_event_and_a_single_one_is_an_error_like_any_other():
    rows = [usual(seed) for seed in range(20, 28)]
    for row in rows[:4]:
        row[20 * 24 :] *= 6
    many, one = panel_of(*rows), panel_of(rows[0], *rows[4:])
    held = held_back(one)
    assert learned_from(held, one, find_shifts(one)) is held
    before = held_back(many)
    after = learned_from(before, many, find_shifts(many))
    lost = np.isfinite(before.actual) & ~np.isfinite(after.actual)
    assert not lost[:, 4:].any() and lost[:, :4].any()
    cutoffs, steps = np.array(before.windows.cutoffs)[:, None], before.windows.ahead
    unforeseen = (cutoffs < 21 * 24) & (cutoffs + steps > 20 * 24) & np.isfinite(before.actual[:, 0])
    np.testing.assert_array_equal(lost[:, 0], unforeseen)


def test_shifts_at_different_times_are_errors_like_any_other():
    """Half of all moved, but each on a day of its own: that is how such series are."""
    rows = [usual(seed) for seed in range(20, 28)]
    for at, row in enumerate(rows[:4]):
        row[(13 + 3 * at) * 24 :] *= 6
    panel = panel_of(*rows)
    shifts = find_shifts(panel)
    assert len(believed(shifts, panel)) == 4 and not is_common(shifts, panel)
    held = held_back(panel)
    assert learned_from(held, panel, shifts) is held


def test_a_shift_of_all_series_is_followed_in_level_and_width():
    """Nothing that was fitted to the shift, and no error that it made, is expected to come again."""
    rows = [np.roll(usual(seed, days=12), seed) for seed in range(30, 42)]
    for row in rows:
        row[10 * 24 - 6 :] *= 8
    made = forecast_panel(panel_of(*rows), 48, EngineSettings(), Silent())
    truth = 8 * SHAPE.mean()
    assert made.quantiles[..., MEDIAN].mean() == pytest.approx(truth, rel=0.1)
    assert made.quantiles[..., LEVELS.index(0.9)].mean() < 1.35 * truth


def test_a_young_shift_is_doubted_and_an_old_one_is_not():
    """At one day the old level is within the intervals; after ten, what is said is what the new level says."""
    levels = np.array(LEVELS)
    old, new = (np.tile(value + levels, (1, 24, 1)) for value in (10.0, 50.0))
    shares = {}
    for days in (1, 10):
        panel = panel_of(usual())
        shift = Shift(row=0, first=panel.steps - 24 * days, seen=panel.steps, factor=1.0, added=40.0)
        said = followed(old, panel, (shift,), lambda _: new)
        shares[days] = (said[0, 0] < 30).mean()
        assert (np.diff(said) >= 0).all()
    assert shares[1] == pytest.approx(0.5, abs=0.07) and shares[10] <= 0.2


def test_a_mixture_has_the_distribution_of_its_parts():
    first, second = (spread(np.array([[mean]]), np.array([[1.0]]), np.array([[1.0]])) for mean in (20.0, 26.0))
    mixed = mixture(first, second, np.array([0.3]))[0, 0]
    chance = np.random.default_rng(0)
    drawn = np.where(chance.random(200_000) < 0.3, chance.normal(20, 1, 200_000), chance.normal(26, 1, 200_000))
    np.testing.assert_allclose(np.array([(drawn <= value).mean() for value in mixed]), LEVELS, atol=0.006)
    for share, part in ((1.0, first), (0.0, second)):
        np.testing.assert_allclose(mixture(first, second, np.array([share])), part, atol=0.03)


def test_a_forecast_follows_a_shift_and_says_so():
    rows = [usual(seed) for seed in range(10, 16)]
    rows[0][22 * 24 :] += 70.0
    panel = panel_of(*rows)
    made = forecast_panel(panel, 48, EngineSettings(tier=Tier.FAST), Silent())
    middle = made.quantiles[..., MEDIAN].mean(axis=1)
    assert middle[0] > 70 and middle[1:].max() < 15
    (told,) = [one for one in made.treatments if "another level" in one.what]
    assert told.series == "traffic:a->b00" and told.hours == 48 and "2026-03-23T00:00Z" in told.what
