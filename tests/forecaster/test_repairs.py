"""Wrong units and outages are found and put right; busy days, new levels and true zeros are left alone."""

import numpy as np
import pytest

from forecaster.prepare import Scope, prepare
from forecaster.repairs import repair
from tests.forecaster.estates import history, series, wave


def panel_of(*rows):
    return prepare(history(*[series("cpu", f"r{n}", row) for n, row in enumerate(rows)]), Scope()).levels


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
