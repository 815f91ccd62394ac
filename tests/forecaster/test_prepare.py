"""From history to panels: grid, gaps, derived series, scope and origin."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contracts.environment import Coefficients
from contracts.series import SeriesKey, SeriesKind
from forecaster.errors import NothingToForecast
from forecaster.panel import daily, fill
from forecaster.prepare import Scope, prepare
from tests.forecaster.estates import BEGIN, history, requests, series, wave


def row(prepared, kind, subject):
    return prepared.levels.observed[prepared.levels.keys.index(SeriesKey(kind, subject))]


def test_series_of_different_lengths_share_a_grid():
    view = history(series("cpu", "fra", [1, 2, 3]), series("cpu", "ams", [5, 6], begin=BEGIN + timedelta(hours=1)))
    prepared = prepare(view, Scope())
    assert prepared.origin == BEGIN + timedelta(hours=3)
    np.testing.assert_array_equal(prepared.levels.observed, [[np.nan, 5, 6], [1, 2, 3]])


def test_gaps_are_filled_backwards_and_listed():
    values = 1000 + np.arange(400.0)
    values[200:203] = np.nan
    values[398:] = np.nan
    prepared = prepare(history(series("cpu", "fra", values), series("memory", "fra", np.ones(400))), Scope())
    filled = prepared.levels.filled[0]
    assert filled[200:203].tolist() == [1032, 1033, 1034] and filled[398:].tolist() == [1230, 1231]
    assert [(item.series, item.hours) for item in prepared.treatments] == [("cpu:fra", 3), ("cpu:fra", 2)]
    assert "2026-01-13T08:00Z" in prepared.treatments[0].what


@pytest.mark.parametrize("factor", [0.1, 5.0])
def test_a_gap_after_a_new_level_is_filled_at_that_level(factor):
    true = wave(400, noise=0.02)
    true[300:] *= factor
    observed = true.copy()
    observed[360:] = np.nan
    np.testing.assert_allclose(fill(observed[None], 24)[0, 360:], true[360:], rtol=0.2)


def test_a_gap_of_every_series_is_listed_once():
    values = wave(100)
    values[50:60] = np.nan
    view = history(*[series("cpu", region, values) for region in ("fra", "ams", "lhr")])
    assert [(item.series, item.hours) for item in prepare(view, Scope()).treatments] == [("cpu:*", 10)]


@given(arrays(np.float64, (3, 60), elements=st.one_of(st.floats(0, 9), st.just(np.nan))), st.integers(1, 59))
def test_filling_never_looks_ahead(observed, cut):
    np.testing.assert_array_equal(fill(observed, 2)[:, :cut], fill(observed[:, :cut], 2))


def test_a_panel_cut_is_the_panel_of_then():
    """What a back-test sees at an origin is what a forecast would have seen there, derived series included."""
    values = wave(400, seed=2)
    values[[50, 51, 190, 300]] = np.nan
    view = history(
        series("traffic", "fra->ams", values),
        series("traffic", "ams->fra", wave(400)),
        series("transactions", "web@fra", values),
    )
    for cut in (1, 24, 190, 191, 399):
        then = prepare(view, Scope(origin=BEGIN + timedelta(hours=cut))).levels
        cut_now = prepare(view, Scope()).levels.until(cut)
        assert (then.keys, then.end) == (cut_now.keys, cut_now.end)
        np.testing.assert_array_equal(then.observed, cut_now.observed)
        np.testing.assert_array_equal(then.filled, cut_now.filled)


def test_region_traffic_is_in_and_out_and_within_once():
    pairs = {"fra->ams": 1.0, "ams->fra": 2.0, "fra->fra": 4.0, "ams->lhr": 8.0}
    prepared = prepare(history(*[series("traffic", pair, [value] * 200) for pair, value in pairs.items()]), Scope())
    totals = {region: row(prepared, SeriesKind.REGION_TRAFFIC, region)[-1] for region in ("fra", "ams", "lhr")}
    assert totals == {"fra": 7.0, "ams": 11.0, "lhr": 8.0}


def test_a_pair_that_begins_later_does_not_look_like_a_rise():
    old, late = np.ones(600), np.ones(300)
    view = history(
        series("traffic", "fra->ams", old), series("traffic", "ams->fra", late, begin=BEGIN + timedelta(hours=300))
    )
    total = row(prepare(view, Scope()), SeriesKind.REGION_TRAFFIC, "fra")
    assert np.isnan(total[:300]).all() and (total[300:] == 2).all()


def test_demand_is_derived_where_it_is_not_measured():
    view = history(
        series("transactions", "web@fra", [50_000.0] * 60),
        series("transactions", "mail@fra", [10_000.0] * 60),
        series("memory", "fra", [7.0] * 60),
    )
    scope = Scope(coefficients=Coefficients(vcpu_per_1000_transactions=0.1, storage_gib_per_vcpu=10))
    prepared = prepare(view, scope)
    assert row(prepared, SeriesKind.CPU, "fra")[-1] == pytest.approx(6.0)
    assert row(prepared, SeriesKind.STORAGE, "fra")[-1] == pytest.approx(60.0)
    assert row(prepared, SeriesKind.MEMORY, "fra")[-1] == 7.0
    assert {item.series for item in prepared.treatments} == {"cpu:fra", "storage:fra"}


def test_requests_become_counts_with_zeros():
    at = [BEGIN + timedelta(hours=1, minutes=7), BEGIN + timedelta(hours=1, minutes=9), BEGIN + timedelta(hours=3)]
    asked = requests(("fra", "ams"), at)
    prepared = prepare(history(series("cpu", "fra", np.ones(6)), asked=asked), Scope())
    assert prepared.counts.observed.tolist() == [[2, 0, 1, 0, 0]]
    assert prepare(history(asked=asked), Scope()).counts.observed.tolist() == [[2, 0, 1]]


def test_scope_leaves_other_regions_and_later_hours_out():
    view = history(
        series("traffic", "fra->ams", wave(100)),
        series("traffic", "fra->nrt", wave(100)),
        series("users", "web@nrt", wave(100)),
        series("block_traffic", "10.0.0.0/24", wave(100)),
        asked=requests(("fra", "nrt"), [BEGIN]),
    )
    origin = BEGIN + timedelta(hours=50)
    prepared = prepare(view, Scope(regions=("ams", "fra"), origin=origin))
    assert {str(key) for key in prepared.levels.keys} == {
        "traffic:fra->ams",
        "block_traffic:10.0.0.0/24",
        "region_traffic:fra",
        "region_traffic:ams",
    }
    assert prepared.origin == origin and prepared.levels.steps == 50 and not prepared.counts.keys


def test_nothing_left_is_said():
    with pytest.raises(NothingToForecast, match="nothing of lhr"):
        prepare(history(series("cpu", "fra", [1.0])), Scope(regions=("lhr",)))
    with pytest.raises(NothingToForecast, match="before 2025"):
        prepare(history(series("cpu", "fra", [1.0])), Scope(origin=datetime(2025, 1, 1, tzinfo=UTC)))


def test_days_end_where_hours_end():
    hourly = prepare(
        history(series("cpu", "fra", np.arange(50.0)), series("transactions", "web@ams", np.ones(50))), Scope()
    )
    days = daily(hourly.levels)
    by_key = dict(zip(days.keys, days.observed.tolist(), strict=True))
    assert by_key[SeriesKey(SeriesKind.CPU, "fra")] == [13.5, 37.5]  # hours 2 to 25, 26 to 49
    assert by_key[SeriesKey(SeriesKind.TRANSACTIONS, "web@ams")] == [24, 24]


def test_a_day_with_few_hours_is_a_gap_and_its_sum_is_scaled():
    values = np.ones(72)
    values[:10], values[24:28] = np.nan, np.nan
    view = history(series("transactions", "web@fra", values), series("cpu", "fra", np.ones(72)))
    days = daily(prepare(view, Scope()).levels)
    found = days.observed[days.keys.index(SeriesKey(SeriesKind.TRANSACTIONS, "web@fra"))]
    np.testing.assert_allclose(found, [np.nan, 24, 24])
