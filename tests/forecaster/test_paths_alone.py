"""Paths of requests, telemetry and blocks: whole numbers where counts are, means that rates have, bounded in number."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.coherence import PATHS, Told, no_paths
from forecaster.coherence_days import agree_days
from forecaster.counts import CountRates, calibrate_counts, count_quantiles, counts_at
from forecaster.events.widening import NORMAL
from forecaster.panel import Panel, daily
from forecaster.paths import by_days, quantiles_of
from forecaster.paths_alone import TOGETHER, Room, draw_alone, draw_requests, left_out, room_beside
from forecaster.windows import Windows
from tests.forecaster.events.worlds import panel_of

HOURS, STEPS = 24 * 28, 48


def counts_panel(rates: list[float], seed: int = 0) -> Panel:
    seen = np.random.default_rng(seed).poisson(np.array(rates)[:, None], (len(rates), HOURS)).astype(float)
    panel = panel_of(seen, tuple(f"r{at:02}->ams" for at in range(len(rates))))
    keys = tuple(SeriesKey(SeriesKind.PEERING_REQUESTS, key.subject) for key in panel.keys)
    return replace(panel, keys=keys, filled=seen)


def rates_of(rates: list[float], dispersion: float = 0.5) -> CountRates:
    mean = np.repeat(np.array(rates)[:, None], STEPS, axis=1)
    return CountRates(mean=mean, dispersion=np.full(mean.shape, dispersion))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 500), st.floats(0, 20))
def test_counts_at_the_levels_are_their_quantiles(mean, dispersion):
    """Beside the quantiles of the document, which are worked out another way."""
    told = np.array([mean]), np.array([dispersion])
    np.testing.assert_array_equal(counts_at(*told, np.array([LEVELS]) - 1e-9), count_quantiles(*told))


def test_sums_of_paths_have_the_mean_of_their_rates_however_small():
    """A request a month an hour's path has never, and all hours and paths together as often as they should."""
    rates = [1 / 720, 0.02, 0.4, 3.0]
    found = draw_requests(counts_panel(rates), rates_of(rates), Room(paths=200, series=10), seed=1)
    for (key, path), rate in zip(sorted(found.items()), rates, strict=True):
        assert path.shape == (200, STEPS) and (path == np.floor(path)).all() and key.kind is SeriesKind.PEERING_REQUESTS
        totals = path.sum(axis=1)
        assert totals.mean() == pytest.approx(rate * STEPS, rel=0.01, abs=0.05)
        steps_apart = STEPS * rate * (1 + 0.5 * rate)  # variance of a sum of independent hours
        assert totals.var() == pytest.approx(steps_apart, rel=0.6)


def test_paths_of_requests_do_not_hang_on_how_pairs_stand():
    rates = [0.1, 0.5, 2.0]
    panel, told, room = counts_panel(rates), rates_of(rates), Room(paths=100, series=10)
    turned = draw_requests(panel.rows([2, 0, 1]), told.rows([2, 0, 1]), room, seed=1)
    for key, path in draw_requests(panel, told, room, seed=1).items():
        assert (turned[key] == path).all()


def test_an_event_makes_more_requests_and_stranger_ones():
    rates = rates_of([0.5])
    more = rates.moved(np.full((1, STEPS), np.log(2)), np.full((1, STEPS), 0.2))
    np.testing.assert_allclose(more.mean, rates.mean * 2 * np.exp(0.1))
    assert (more.dispersion > rates.dispersion).all()
    still = rates.moved(np.zeros((1, STEPS)), np.zeros((1, STEPS)))
    assert (still.mean == rates.mean).all() and (still.dispersion == rates.dispersion).all()


def test_what_there_is_room_for_is_what_most_is_expected_of():
    rates = [0.1, 2.0, 0.5]
    found = draw_requests(counts_panel(rates), rates_of(rates), Room(paths=50, series=2), seed=1)
    assert {key.subject for key in found} == {"r01->ams", "r02->ams"}
    (told,) = left_out(counts_panel(rates).keys, found)
    assert told.series == "peering_requests:*" and "the 2 largest of 3" in told.what
    assert left_out(tuple(found), found) == ()
    room = room_beside(no_paths(168), 2000, 168)
    assert room.paths == 100 and 200 < room.series < 2000 and room_beside(no_paths(168), 2, 168).paths == PATHS


def test_days_of_telemetry_are_days_of_the_paths_that_are_kept():
    panel = panel_of(1000 * np.random.default_rng(4).lognormal(0, 0.2, (2, HOURS)), ("a->b", "b->a"))
    keys = (SeriesKey(SeriesKind.TRANSACTIONS, "web@fra"), SeriesKey(SeriesKind.USERS, "web@fra"))
    panel = replace(panel, keys=keys)
    said = 1000 * np.exp(0.2 * NORMAL) * np.ones((2, STEPS, 1))
    hours, of_days = (
        Told(panel=one, steady=each, quantiles=each)
        for one, each in (
            (panel, said),
            (daily(panel), said[:, :7] * np.array([24.0, 1.0])[:, None, None]),
        )
    )
    alone = draw_alone(hours, of_days, [0, 1], Room(paths=PATHS, series=1), seed=2)
    assert list(alone.paths) == [keys[0]]  # the first by volume: the second has no room
    days = 24 * by_days(alone.paths[keys[0]])
    np.testing.assert_allclose(alone.days[0], quantiles_of(days), rtol=2e-3)
    plain = agree_days(of_days, hours, no_paths(STEPS), {}, 2)
    given_ = agree_days(of_days, hours, replace(no_paths(STEPS), lone=alone), {}, 2)
    assert (plain.quantiles == given_.quantiles).all()


def test_pairs_that_are_drawn_later_are_not_those_that_were_drawn_first():
    """More than are drawn at a time: sums over them would stray as if each were two."""
    rates = list(np.linspace(0.3, 0.6, TOGETHER + 20))
    found = draw_requests(counts_panel(rates), rates_of(rates), Room(paths=100, series=1000), seed=1)
    alike = np.corrcoef([path.sum(axis=1) for path in found.values()])
    assert np.abs(alike - np.eye(len(rates))).max() < 0.6
    panel = replace(counts_panel(rates), keys=panel_of(np.zeros((len(rates), 1)), tuple(map(str, rates))).keys)
    said = 1000 * np.exp(0.2 * NORMAL) * np.ones((len(rates), STEPS, 1))
    told = Told(panel=panel, steady=said, quantiles=said)
    alone = draw_alone(told, None, list(range(len(rates))), Room(paths=100, series=1000), seed=1)
    alike = np.corrcoef([path.sum(axis=1) for path in alone.paths.values()])
    assert np.abs(alike - np.eye(len(rates))).max() < 0.6


def test_sums_over_pairs_know_what_all_rates_are_wrong_by():
    """Each hour's counts stay as they are; totals stray as rates do, beside what counts do by themselves."""
    rates = [0.05, 0.2, 0.2, 1.0, 3.0]
    panel, room = counts_panel(rates), Room(paths=400, series=10)
    plain, shared = (
        draw_requests(panel, replace(rates_of(rates, 0.01), common=common), room, seed=1) for common in (0.0, 0.09)
    )
    for key, path in plain.items():
        np.testing.assert_array_equal(np.sort(path, axis=0), np.sort(shared[key], axis=0))
    apart, alike = (np.sum([path.sum(axis=1) for path in found.values()], axis=0) for found in (plain, shared))
    strays = (alike.var() - apart.var()) / alike.mean() ** 2
    assert strays == pytest.approx(0.09, rel=0.2)


@pytest.mark.parametrize("strays", [0.0, 0.3])
def test_what_all_rates_are_wrong_by_is_learned_from_totals_of_windows(strays):
    chance = np.random.default_rng(5)
    factor, said = chance.lognormal(0, strays, (40, 1, 1)) if strays else 1.0, np.full((40, 8, 24, 1), 0.5)
    came = chance.poisson(said[..., 0] * factor).astype(float)
    windows = Windows(cutoffs=tuple(range(240, 240 + 40 * 24, 24)), ahead=np.arange(1, 25), day=24)
    groups = np.zeros(8, dtype=np.int64)
    learned = calibrate_counts(said, came, windows, groups)
    assert learned.common == pytest.approx(strays**2, rel=0.5, abs=0.01)
    assert learned.rates(said[0]).common == learned.common
    assert calibrate_counts(said[:3], came[:3], replace(windows, cutoffs=windows.cutoffs[:3]), groups).common == 0.0
