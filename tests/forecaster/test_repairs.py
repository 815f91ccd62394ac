"""Wrong units and outages are found and put right; busy days, new levels and true zeros are left alone."""

from datetime import timedelta

import numpy as np
import pytest

from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.panel import Panel, daily, fill
from forecaster.repairs import repair
from tests.forecaster.estates import BEGIN, wave


def panel_of(*rows):
    observed = np.vstack(rows)
    return Panel(
        keys=tuple(SeriesKey(SeriesKind.CPU, f"r{n}") for n in range(len(rows))),
        granularity=Granularity.HOURLY,
        end=BEGIN + timedelta(hours=observed.shape[1]),
        observed=observed,
        filled=fill(observed, 24),
    )


@pytest.mark.parametrize("factor", [1000.0, 0.001, 8.0, 0.125])
def test_a_day_in_a_wrong_unit_is_put_right(factor):
    good = wave(720, noise=0.1)
    bad = good.copy()
    bad[400:424] *= factor
    mended = repair(panel_of(bad))
    np.testing.assert_allclose(mended.panel.observed[0], good)
    (said,) = mended.treatments
    assert said.hours == 24 and "wrong unit" in said.what and "2026-01-21T16:00Z" in said.what


def test_a_wrong_unit_that_still_lasts_is_put_right_if_it_is_a_thousandfold():
    bad, moved = wave(720, noise=0.1), wave(720, noise=0.1)
    bad[-24:] *= 1000
    moved[-24:] *= 8
    mended = repair(panel_of(bad, moved))
    np.testing.assert_allclose(mended.panel.observed[0], wave(720, noise=0.1))
    np.testing.assert_array_equal(mended.panel.observed[1], moved)


def test_a_thousandfold_that_ended_a_few_hours_ago_is_put_right():
    bad = wave(720, noise=0.1)
    bad[-27:-3] *= 1000
    np.testing.assert_allclose(repair(panel_of(bad)).panel.observed[0], wave(720, noise=0.1))


def test_an_outage_is_not_learned_from():
    bad = wave(720)
    bad[400:430] = 0.0
    mended = repair(panel_of(bad))
    assert np.isnan(mended.panel.observed[0, 400:430]).all() and (mended.panel.filled[0] > 0).all()
    assert "outage" in mended.treatments[0].what and mended.treatments[0].hours == 30


def left_alone():
    burst, level, quiet, wild = (wave(720, seed=seed) for seed in range(4))
    burst[300:304] *= 20.0
    level[500:] *= 8.0
    quiet[np.arange(720) % 24 < 5] = 0.0
    chance = np.random.default_rng(0)
    wild = chance.lognormal(0, 1.5, 720)
    grown, two_levels = wave(720, noise=0.1), wave(720, noise=0.1)
    grown[600:640] *= 8.0  # a level that goes on growing, then nothing is known for days
    grown[640:660] *= 13.0
    grown[660:] = np.nan
    for day in range(10, 30, 3):
        two_levels[24 * day : 24 * day + 12] *= 8.0  # a nightly copy, every third day
    return {
        "burst": burst,
        "level": level,
        "quiet nights": quiet,
        "wild": wild,
        "zeros": np.zeros(720),
        "grown": grown,
        "two levels": two_levels,
    }


@pytest.mark.parametrize("name", left_alone())
def test_what_may_be_true_is_left_alone(name):
    panel = panel_of(left_alone()[name])
    mended = repair(panel)
    assert mended.panel is panel and not mended.treatments


def test_what_comes_later_does_not_change_what_is_put_right_by_then():
    """At the origin nothing but the past is looked at: the planted leak."""
    bad = wave(720)
    bad[300:324] *= 1000
    futures = [np.concatenate([bad, np.full(200, value)]) for value in (0.0, 1e9)]
    one, two = (repair(panel_of(future).until(720)) for future in futures)
    np.testing.assert_array_equal(one.panel.observed, two.panel.observed)
    assert one.treatments == two.treatments and len(one.treatments) == 1


def wrong(first, hours, factor):
    rows = [wave(720, noise=0.1, seed=seed) for seed in range(3)]
    rows[1][first : first + hours] *= factor
    return panel_of(*rows)


@pytest.mark.parametrize("factor", [1000.0, 8.0, 0.0])
def test_what_was_not_yet_known_to_be_wrong_stands_as_it_was_measured(factor):
    """From each step the panel is what a repair of no more than was seen by then gives: no leak."""
    measured = wrong(480, 24, factor)
    mended = repair(measured).panel
    for step in (470, 483, 490, 503, 510, 530, 700):
        then, known = mended.as_known(step), repair(measured.until(step)).panel
        np.testing.assert_array_equal(then.observed, known.observed)
        np.testing.assert_array_equal(then.filled, known.filled)
        assert then.end == known.end
    np.testing.assert_array_equal(mended.as_known(483).observed[1, 480:], measured.observed[1, 480:483])
    assert mended.otherwise(470) is None and mended.otherwise(700) is None
    np.testing.assert_array_equal(mended.until(483).observed, mended.observed[:, :483])


def test_days_are_those_of_what_was_known_then():
    measured = wrong(480, 24, 8.0)
    days = daily(repair(measured).panel)
    np.testing.assert_array_equal(days.as_known(21).observed, daily(measured.until(504)).observed)
    assert days.otherwise(20) is None and days.otherwise(23) is None
    assert days.until(21).observed[1].max() < 0.5 * days.as_known(21).observed[1].max()


def test_a_quiet_day_in_a_wrong_unit_is_told_from_its_factor():
    """At half of what other days carry a thousandfold is one still; eight times that is four times the usual day."""
    rows = [wave(720, noise=0.1, seed=seed) for seed in range(2)]
    for row, factor in zip(rows, (1000.0, 8.0), strict=True):
        row[400:424] *= 0.55 * factor
    mended = repair(panel_of(*rows))
    assert [one.series for one in mended.treatments] == ["cpu:r0"]
