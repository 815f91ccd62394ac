"""Calibration keeps its promise on errors whose distribution is known, and says when it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.series import LEVELS
from forecaster.calibration import CAP, Calibration, calibrate
from forecaster.counts import calibrate_counts, count_quantiles, likeliest_dispersion
from forecaster.models.model import MEDIAN, spread
from forecaster.pooled_errors import USUAL, buckets, widening
from forecaster.windows import Windows

GROUPS = np.zeros(6, dtype=np.int64)
OLD = 9600  # steps that windows lie after a panel's beginning: so many that none knew less than what speaks now


class Held:
    """Errors around 100, twice as far up as down, and three times as large as was said; each lasts for some steps."""

    def __init__(
        self, windows: int, series: int, steps: int, seed: int = 0, scale: float = 3.0, lasting: int = 1
    ) -> None:
        chance = np.random.default_rng(seed)
        shape = (windows, series, steps)
        error = scale * chance.exponential(1.0, shape) * np.where(chance.random(shape) < 0.5, -1.0, 2.0)
        error = error[..., np.arange(steps) // lasting * lasting]
        self.actual = 100 + error
        self.said = spread(np.full(shape, 100.0), np.ones(shape), np.full(shape, 2.0))
        cutoffs = tuple(range(OLD, OLD + 24 * windows, 24))
        self.windows = Windows(cutoffs=cutoffs, ahead=np.arange(1, steps + 1), day=24)

    def learned(self, groups: np.ndarray = GROUPS) -> Calibration:
        return calibrate(self.said, self.actual, self.windows, groups, np.zeros(len(groups), dtype=np.int64))

    def quantiles(self, learned: Calibration) -> np.ndarray:
        return learned.corrected(self.said, self.windows.ahead)


def share_below(quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    return np.array([(actual <= quantiles[..., index]).mean() for index in range(len(LEVELS))])


def test_every_level_holds_on_what_was_not_seen():
    learned = Held(14, 6, 168).learned()
    fresh = Held(14, 6, 168, seed=1)
    np.testing.assert_allclose(share_below(fresh.quantiles(learned), fresh.actual), LEVELS, atol=0.025)
    assert learned.enough().all()


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_what_one_day_was_off_by_is_half_taken_for_chance(side):
    """All series lay on one side on the only day that was looked at: the next may lie on the other. After many, not."""
    one, many = Held(1, 60, 24), Held(14, 60, 24)
    for held in (one, many):
        held.actual = held.said[..., MEDIAN] + side * np.abs(held.actual - held.said[..., MEDIAN])
    other = one.said[..., MEDIAN] - (one.actual - one.said[..., MEDIAN])
    groups = np.zeros(60, dtype=np.int64)
    held_one, held_many = one.learned(groups), many.learned(groups)
    inside = [
        ((other >= quantiles[..., 1]) & (other <= quantiles[..., -2])).mean()
        for quantiles in (one.quantiles(held_one), held_many.corrected(one.said, one.windows.ahead))
    ]
    assert inside[0] > 0.75 and inside[1] < 0.6
    middles = [abs(float(learned.shift[0, 0, MEDIAN])) for learned in (held_one, held_many)]
    assert middles[0] < 0.75 * middles[1]


def test_what_few_windows_say_is_drawn_to_what_is_usual():
    """A window of errors ten times as large as ever is believed by half, two by two thirds, and four at their word."""
    one, two, four = (Held(count, 60, 24, scale=30.0).learned(np.zeros(60, dtype=np.int64)) for count in (1, 2, 4))
    level = LEVELS.index(0.9)
    believed = [(made.shift[0, 0, level] - USUAL[level] / (1 + count)) for made, count in ((one, 1), (two, 2))]
    assert believed[0] == pytest.approx(four.shift[0, 0, level] / 2, rel=0.15)
    assert believed[1] == pytest.approx(four.shift[0, 0, level] * 2 / 3, rel=0.15)
    calm = Held(1, 60, 24, scale=1e-6).learned(np.zeros(60, dtype=np.int64))
    assert calm.shift[0, 0, level] > USUAL[level] / 2 - 1.0


def test_a_bucket_that_few_windows_reach_is_no_short_history():
    """Of 4 windows 3 reach the second day: what is usual of 48 hours has no say there, as it has where 3 is all."""
    errors, level = Held(4, 60, 72, scale=1e-6), LEVELS.index(0.9)
    errors.actual[-1, :, 24:] = np.nan
    whole = errors.learned(np.zeros(60, dtype=np.int64)).shift[0, :2, level]
    assert whole[1] == pytest.approx(whole[0], abs=0.05)
    short = Held(3, 60, 72, scale=1e-6).learned(np.zeros(60, dtype=np.int64)).shift[0, 1, level]
    assert short == pytest.approx((3 * whole[1] + USUAL[level]) / 4, abs=0.1)


def test_what_now_speaks_knows_more_than_what_spoke_in_the_windows():
    """Families fitted to a day strayed more than they will when fitted to fifteen; after months it is all alike."""

    def wider(first: int, day: int = 24) -> float:
        held = Held(14, 6, 24)
        planned = replace(held.windows, cutoffs=tuple(range(first, first + 14 * day, day)), day=day)
        return float(calibrate(held.said, held.actual, planned, GROUPS, GROUPS).wider[0, 0, MEDIAN])

    assert wider(24) < 0.7 * wider(2400) and wider(240) < 0.95 * wider(2400)
    assert wider(2400) > 0.98 * wider(24000)
    assert wider(2, day=1) > 0.95 * wider(2400, day=1)


def test_beyond_what_was_scored_hours_stray_as_in_the_last_bucket_and_days_by_the_root_of_time():
    hourly = Held(14, 6, 72).learned()
    np.testing.assert_array_equal(hourly.wider[0, 2], hourly.wider[0, 1])
    np.testing.assert_array_equal(hourly.shift[0, 3], hourly.shift[0, 1])
    daily = Held(14, 6, 7)
    learned = calibrate(daily.said, daily.actual, replace(daily.windows, day=1), GROUPS, GROUPS)
    said = learned.corrected(np.repeat(daily.said[0, :, :1], 4, axis=1), np.array([5, 7, 14, 28]))
    width = (said[..., -1] - said[..., 0])[0]
    np.testing.assert_allclose(width / width[1], [1, 1, np.sqrt(2), 2])


@pytest.mark.parametrize(("day", "steps", "most"), [(24, 48, 1.0), (1, 7, 1.15)])
def test_a_link_whose_level_moved_widens_neither_users_nor_blocks(day: int, steps: int, most: float):
    """Of hours each kind has scores of its own; of days, of which it has few, the median kind helps out."""
    kinds, calm = np.repeat([0, 1, 2], 6), Held(14, 18, steps)
    windows = replace(calm.windows, cutoffs=tuple(range(OLD, OLD + 14 * day, day)), day=day)
    late = (np.arange(18) == 0)[None, :, None] & (np.arange(14) > 9)[:, None, None]
    learned = (
        calibrate(calm.said, actual, windows, kinds, kinds) for actual in (calm.actual, calm.actual + 2e3 * late)
    )
    before, after = (one.corrected(calm.said[0], windows.ahead)[:, :, -1].mean(axis=1) - 100 for one in learned)
    widened = after / before
    assert widened[0] > 2 and widened[6:].max() <= most + 1e-9


def test_few_windows_are_said_and_their_outermost_levels_are_wider():
    many, few = Held(14, 6, 24, lasting=6), Held(2, 6, 24, lasting=6)
    assert many.learned().enough().all() and not few.learned().enough().any()
    wide, wider = (one.learned().wider[0, 0] for one in (many, few))
    assert wider[-1] > 1.05 * wide[-1] > 1.05 and wider[0] > 1.05 * wide[0]
    assert (widening(2) > widening(14)).all() and widening(14)[-1] > widening(14)[7] > 1


def test_fewer_series_are_wider():
    """However many windows one series has: its errors over weeks are alike."""
    wide = [Held(14, count, 24, lasting=6).learned(np.zeros(count, dtype=np.int64)).wider[0, 0] for count in (1, 6, 60)]
    assert (wide[0] > wide[1]).all() and (wide[1] > wide[2]).all()
    assert wide[0][-1] > 1.4 and wide[2][-1] < 1.05


def test_errors_that_last_are_wider_than_those_that_come_and_go():
    """Of a series that is off by the same all day, a day tells one thing; of the other it tells twenty-four."""
    wide = [Held(14, 1, 24, lasting=steps).learned(GROUPS[:1]).wider[0, 0] for steps in (24, 6, 1)]
    assert (wide[0] > wide[1]).all() and (wide[1] > wide[2]).all()
    assert wide[0][-1] > 1.6 and wide[2][-1] < 1.15
    for error in (0.0, np.tile([-3.0, 3.0], 12)):  # nothing to learn from, and nothing that lasts
        still = Held(14, 1, 24)
        still.actual = still.said[..., MEDIAN] + error
        assert np.isfinite(still.learned(GROUPS[:1]).wider).all()


def test_hours_are_told_apart_where_there_are_enough_of_them():
    """Nights that stray three times as far as was said get wide nights and narrow days; a few scores hardly tell."""
    night = np.arange(168) % 24 < 6
    many, few = Held(14, 60, 168, scale=0.7), Held(5, 1, 168, scale=0.7)
    for one in (many, few):
        one.actual = one.said[..., MEDIAN] + (one.actual - one.said[..., MEDIAN]) * np.where(night, 3.0, 1.0)
    learned = many.learned(np.zeros(60, dtype=np.int64))
    quantiles = many.quantiles(learned)
    for hours in (night, ~night):
        found = share_below(quantiles[:, :, hours], many.actual[:, :, hours])
        np.testing.assert_allclose(found[[3, -4]], (0.1, 0.9), atol=0.04)
    assert learned.hours[0, 0] > 1.5 and learned.hours[0, 12] < 0.8
    assert 1.0 < few.learned(GROUPS[:1]).hours[0, 0] < 1.3


@pytest.mark.parametrize(("apart", "enough"), [(1, False), (6, False), (7, True), (28, True)])
def test_daily_windows_count_as_far_as_they_share_no_day(apart, enough):
    """The last horizon bucket has 14 days: of eight windows a week apart four share none, and four are enough."""
    one = Held(8, 64, 28)
    planned = replace(one.windows, cutoffs=tuple(range(100, 100 + 8 * apart, apart)), day=1)
    learned = calibrate(one.said, one.actual, planned, *np.zeros((2, 64), dtype=np.int64))
    assert learned.enough().all() == enough


def test_nothing_held_back_is_blind_and_wide():
    one = Held(14, 6, 24)
    learned = calibrate(one.said, np.full(one.actual.shape, np.nan), one.windows, GROUPS, GROUPS)
    wide = one.quantiles(learned)[0, 0, 0]
    np.testing.assert_allclose(wide - 100, 2 * (one.said[0, 0, 0] - 100))
    assert not learned.enough().any()


def test_a_said_spread_of_nothing_is_floored_and_errors_are_capped():
    still = Held(14, 6, 24)
    still.said = np.repeat(still.said[..., MEDIAN, None], len(LEVELS), axis=-1)
    quantiles = still.quantiles(still.learned())
    assert (quantiles[..., -1] > quantiles[..., 0]).all()
    wild = Held(14, 6, 24, scale=1e6)
    assert np.abs(wild.learned().shift).max() <= CAP


def test_groups_are_told_apart_and_kept_together():
    """A group that strays more is wider; most of what it learns is everyone's."""
    calm, wild = Held(14, 6, 24, scale=1.0), Held(14, 6, 24, scale=6.0)
    both = Held(14, 12, 24)
    both.said, both.actual = (
        np.concatenate([getattr(one, name) for one in (calm, wild)], axis=1) for name in ("said", "actual")
    )
    quantiles = both.quantiles(both.learned(np.repeat([0, 1], 6)))
    width = (quantiles[..., -1] - quantiles[..., 0]).mean(axis=(0, 2))
    assert width[6] > 1.2 * width[0]


def test_buckets_are_days_ahead():
    assert buckets(np.array([1, 24, 25, 72, 73, 168, 169]), 24).tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert buckets(np.array([1, 2, 3, 4, 7, 8, 28]), 1).tolist() == [0, 1, 1, 2, 2, 3, 4]


@given(st.floats(0.001, 1500), st.floats(0, 3))
def test_count_quantiles_are_counts_in_order_around_the_mean(mean, dispersion):
    quantiles = count_quantiles(np.array([[mean]]), np.array([[dispersion]]))[0, 0]
    assert (np.diff(quantiles) >= 0).all() and (quantiles == np.floor(quantiles)).all() and quantiles[0] >= 0
    assert quantiles[-1] >= mean - 1


@pytest.mark.parametrize(("mean", "dispersion"), [(0.05, 0.5), (2.0, 0.0), (7.0, 1.5), (150.0, 0.1)])
def test_count_quantiles_against_drawn_counts(mean, dispersion):
    chance = np.random.default_rng(5)
    rate = mean if dispersion == 0 else chance.gamma(1 / dispersion, mean * dispersion, 200_000)
    drawn = chance.poisson(rate, 200_000)
    said = count_quantiles(np.array([[mean]]), np.array([[dispersion]]))[0, 0]
    for level, quantile in zip(LEVELS, said, strict=True):
        assert (drawn <= quantile).mean() >= level - 0.005 and (drawn < quantile).mean() <= level + 0.005


def test_dispersion_and_level_are_learned():
    chance = np.random.default_rng(2)
    shape = (10, 6, 100)
    actual = chance.poisson(chance.gamma(1 / 0.5, 3.0 * 0.5, shape)).astype(float)
    windows = Windows(cutoffs=tuple(range(0, 240, 24)), ahead=np.arange(1, 101), day=24)
    learned = calibrate_counts(np.full((*shape, 1), 2.0), actual, windows, GROUPS)
    assert learned.factor[0] == pytest.approx(1.5, rel=0.05)
    assert learned.dispersion[0] == pytest.approx(0.5, rel=0.2)
    assert learned.enough().all()


@pytest.mark.parametrize(("mean", "dispersion"), [(0.07, 2.0), (5.0, 0.3), (900.0, 0.1)])
def test_the_likeliest_dispersion_is_the_true_one(mean, dispersion):
    chance = np.random.default_rng(7)
    drawn = chance.poisson(chance.gamma(1 / dispersion, mean * dispersion, 40_000)).astype(float)
    assert likeliest_dispersion(np.full(40_000, mean), drawn) == pytest.approx(dispersion, rel=0.35)
