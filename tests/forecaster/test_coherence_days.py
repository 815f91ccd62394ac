"""Days and hours: days of paths are what is said of days, and later days go on from them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.coherence import Agreed, Told, agree, sums_in
from forecaster.coherence_days import agree_days
from forecaster.events.widening import NORMAL
from forecaster.panel import Panel, daily
from forecaster.paths import by_days, draw_order, quantiles_of, ranks_of
from forecaster.paths_days import HALF_LIFE, SHARE, as_days_say, gap_after, order_after
from tests.forecaster.events.worlds import panel_of, usual
from tests.forecaster.test_coherence import OF, network, said
from tests.forecaster.test_paths import errors_of

MIDDLE, DAYS = LEVELS.index(0.5), 6


def told(panel: Panel, quantiles: np.ndarray) -> Told:
    return Told(panel=panel, steady=quantiles, quantiles=quantiles)


def both(panel: Panel, hours: np.ndarray, days: np.ndarray, seed: int = 3) -> tuple[Agreed, Agreed]:
    """What hours and days of a panel agree on."""
    by_hours, by_day, groups = told(panel, hours), told(daily(panel), days), sums_in(panel)
    agreed = agree(by_hours, groups, seed, by_day)
    return agreed, agree_days(by_day, by_hours, agreed, groups, seed)


def of_days(times: float = 1.0, sd: float = 0.2, days: int = DAYS) -> np.ndarray:
    """What `said` says of hours, of as many days, times as much."""
    return times * np.repeat(said(sd, sd)[:, :1], days, axis=1)


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 10**6), st.sampled_from((-9.0, 0.0, 12.0)), st.floats(0, 1), st.integers(1, 4))
def test_any_quantiles_give_days_that_are_sums_on_every_path(seed, magnitude, zeros, days):
    chance = np.random.default_rng(seed)

    def drawn(steps: int) -> np.ndarray:
        some = 10 ** (magnitude + chance.normal(0, 2, (7, steps, len(LEVELS)))) * (chance.random((7, steps, 1)) > zeros)
        return np.sort(some, axis=2)

    hours, found = both(network(24 * 21), drawn(48), drawn(days))
    first = min(2, days)
    assert found.paths.shape[1:] == (4, days) and found.quantiles.shape == (7, days, len(LEVELS))
    assert np.isfinite(found.quantiles).all() and (found.quantiles >= 0).all() and (found.paths >= 0).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    of_hours = by_days(hours.paths)[..., :first]
    np.testing.assert_allclose(found.paths[..., :first], of_hours, rtol=1e-6)
    np.testing.assert_allclose(found.quantiles[:4, :first], quantiles_of(of_hours), rtol=1e-6)
    for row, name in zip(found.summed, OF, strict=True):
        total = found.paths[:, list(OF[name])].sum(axis=1, dtype=np.float64)
        assert (found.quantiles[row] == quantiles_of(total)).all()
        np.testing.assert_allclose(
            total[:, :first], by_days(hours.paths[:, list(OF[name])].sum(axis=1))[:, :first], rtol=1e-5
        )


def test_same_seed_same_days_and_another_seed_others():
    one, again, other = (both(network(), said(0.5, 0.2), of_days(), seed)[1] for seed in (3, 3, 4))
    assert (one.paths == again.paths).all() and (one.quantiles == again.quantiles).all()
    assert not (one.paths[..., 2:] == other.paths[..., 2:]).all()


def test_days_of_paths_lie_between_what_hours_and_days_say():
    """A third of the way: hours that stray together by 30 % give days as wide; days by themselves say 6 %."""
    chance = np.random.default_rng(4)
    paths = (10 * np.exp(0.3 * chance.standard_normal((400, 1, 1))) * np.ones((1, 2, 48))).astype(np.float32)
    days = 10 * np.exp(0.06 * NORMAL) * np.ones((2, 2, 1))
    of_hours = quantiles_of(by_days(paths[:, 0]))
    before = paths.copy()
    as_days_say(paths, paths, days, [0])
    between = (1 - SHARE) * of_hours + SHARE * days[0]
    np.testing.assert_allclose(quantiles_of(by_days(paths[:, 0]))[:, 1:-1], between[:, 1:-1], rtol=0.01)
    assert (paths[:, 1] == before[:, 1]).all()  # nothing was said of it
    np.testing.assert_allclose(
        paths[:, 0, 1:24] / before[:, 0, 1:24], paths[:, 0, :1] / before[:, 0, :1] + np.zeros((1, 23)), rtol=1e-5
    )


def test_a_series_whose_days_have_no_forecast_of_their_own_is_told_by_its_hours():
    """Six days are too few for one."""
    young = network(24 * 6)
    hours, days = both(young, said(0.3, 0.1), of_days(times=100.0))
    alone = agree(told(young, said(0.3, 0.1)), sums_in(young), 3)
    assert (hours.paths == alone.paths).all()
    assert (days.quantiles[:4, 0, MIDDLE] < 20).all()


def test_later_days_go_on_at_the_level_of_the_hours_and_return_to_their_own():
    """Hours say twice what days say, which have a third of the say: 5/3, and half of the way back after a week."""
    alone = network()
    alone.observed[4:] = np.nan  # no region has a say
    _, days = both(alone, said(0.3, 0.1), of_days(times=0.5, days=30))
    own = 0.5 * said(0.3, 0.1)[:4, 0, MIDDLE]
    ratio = days.quantiles[:4, :, MIDDLE] / own[:, None]
    np.testing.assert_allclose(np.log(ratio[:, 1]), np.log(2 - 2 * SHARE + SHARE), rtol=0.15)
    np.testing.assert_allclose(ratio[:, 2], ratio[:, 1], rtol=0.1)  # no jump
    np.testing.assert_allclose(np.log(ratio[:, 2 + 6]) / np.log(ratio[:, 1]), 0.5, atol=0.1)
    assert (np.diff(np.abs(np.log(ratio[:, 2:])), axis=1) < 0).all()
    regions = days.quantiles[4:, :, MIDDLE]
    np.testing.assert_allclose(regions[:, 2], regions[:, 1], rtol=0.1)


def test_the_gap_is_none_where_either_says_nothing_and_the_usual_one_elsewhere():
    flat = np.ones((4, 5, len(LEVELS)))
    hours = flat[:, :3] * np.array([2.0, 0.0, 1e9, 1.0])[:, None, None]
    hours[3, 1] = 50.0  # one odd day
    faded = 0.5 ** (np.arange(1, 3) / HALF_LIFE)
    np.testing.assert_allclose(gap_after(flat, hours), np.array([2.0, 1.0, 4.0, 1.0])[:, None] ** faded)
    assert (gap_after(flat, hours[:, :0]) == 1).all()


def test_later_days_of_a_path_hang_together_with_earlier_ones_as_errors_did():
    errors = errors_of(6, 2000, 0.0, 0.8)
    before = np.exp(errors_of(1, 400, 0.0, 0.0, seed=5)).T[:, :, None] * np.ones((1, 6, 1))
    later = np.ones((6, 4, len(LEVELS))) * NORMAL
    order = order_after(before, later, ranks_of(errors), 3, np.ones(6))
    place = np.argsort(order, axis=2)
    stood = np.argsort(np.argsort(before[:, 0, 0]))
    found = [np.corrcoef(place[:, step].mean(axis=0), stood)[0, 1] for step in range(4)]
    single = [np.mean([np.corrcoef(place[row, step], stood)[0, 1] for row in range(6)]) for step in range(4)]
    np.testing.assert_allclose(single, [0.8, 0.64, 0.51, 0.41], atol=0.1)
    assert found[0] > 0.9  # series stood alike, so that they go on alike


def test_what_is_drawn_of_later_days_is_not_what_was_drawn_of_hours():
    """Where errors do not last, where a path stood in its first hours tells nothing of its later days."""
    ranks, table = ranks_of(errors_of(1, 2000, 0.0, 0.0)), np.ones((1, 4, len(LEVELS))) * NORMAL
    hours = np.argsort(draw_order(table, ranks, 400, 3, np.ones(1)), axis=2)
    unrelated = np.random.default_rng(9).random((400, 1, 1), dtype=np.float32)
    days = np.argsort(order_after(unrelated, table, ranks, 3, np.ones(1)), axis=2)
    assert abs(np.corrcoef(hours.ravel(), days.ravel())[0, 1]) < 0.15


def test_days_of_series_without_paths_are_drawn_by_the_seed():
    panel = panel_of(100 * usual(24 * 28)[:1], ("web@fra",), SeriesKind.TRANSACTIONS)
    hours = 100 * np.exp(0.3 * NORMAL) * np.ones((1, 48, 1))
    one, again, other = (both(panel, hours, 24 * hours[:, :3], seed)[1].quantiles for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert (one[:, :2] != other[:, :2]).any()


def test_announced_demand_is_not_taken_for_a_gap():
    """It comes on top in hours and days, and moves no later day of the region beyond that."""
    panel = network()
    more = said(0.3, 0.1)
    more[3] += 30.0
    plenty = of_days(days=10)
    plenty[3] += 30.0
    by_hours, by_day, groups = told(panel, said(0.3, 0.1)), told(daily(panel), of_days(days=10)), sums_in(panel)
    plain = agree_days(by_day, by_hours, agree(by_hours, groups, 3, by_day), groups, 3)
    by_hours, by_day = replace(by_hours, quantiles=more), replace(by_day, quantiles=plenty)
    grown = agree_days(by_day, by_hours, agree(by_hours, groups, 3, by_day), groups, 3)
    apart = (grown.quantiles - plain.quantiles)[:, :, MIDDLE]
    np.testing.assert_allclose(apart[[3, 5, 6]], 30.0, rtol=0.15)
    np.testing.assert_allclose(apart[[0, 1, 2, 4]], 0.0, atol=0.5)


def test_series_without_paths_have_days_of_their_hours_and_counts_stay_counts():
    panel = panel_of(np.round(100 * usual(24 * 28)[:2]), ("web@fra", "web@ams"), SeriesKind.USERS)
    keys = (SeriesKey(SeriesKind.TRANSACTIONS, "web@fra"), SeriesKey(SeriesKind.USERS, "web@ams"))
    panel = replace(panel, keys=keys)
    hours = np.ceil(100 * np.exp(0.1 * NORMAL) * np.ones((2, 48, 1)))
    days = np.ceil(hours[:, :3] * np.array([24.0, 1.0])[:, None, None])
    _, found = both(panel, hours, days)
    assert found.keys == () and (found.quantiles == np.floor(found.quantiles)).all()
    np.testing.assert_allclose(found.quantiles[:, :2, MIDDLE], [[2400, 2400], [100, 100]], rtol=0.03)


@pytest.mark.parametrize("hours", [24, 23])
def test_hours_may_reach_as_far_as_one_day_or_none(hours):
    agreed, days = both(network(), said(0.3, 0.1)[:, :hours], of_days())
    assert days.paths.shape[2] == DAYS
    first = hours // 24
    np.testing.assert_allclose(days.paths[..., :first], by_days(agreed.paths), rtol=1e-6)
    if not first:
        assert (days.quantiles[:4] == of_days()[:4]).all()
