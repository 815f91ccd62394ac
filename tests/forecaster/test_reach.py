"""Series that ended, were hardly seen, or lie in the future: each is told, and none is quietly 0."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from contracts.forecast import Evidence
from contracts.series import Granularity, SeriesKey, SeriesKind
from forecaster.batch import Batch, no_measurements
from forecaster.engine import Tier
from forecaster.errors import NothingToForecast
from forecaster.make import ForecastSettings
from forecaster.panel import daily
from forecaster.prepare import Scope, prepare
from forecaster.sources.pull import with_hours_to_come
from tests.forecaster.estates import BEGIN, forecast, history, requests, series, wave
from tests.forecaster.test_forecast import assert_lawful

PAIRS = ("fra->ams", "ams->fra", "lon->fra", "fra->lon", "ams->lon", "lon->ams")
DAYS = 40
NOTHING = "nothing but zeros"


def pairs(days=DAYS, names=PAIRS):
    return [series("traffic", name, wave(24 * days, level=5.0, seed=at)) for at, name in enumerate(names)]


def said(*frames, **changes):
    settings = ForecastSettings(environment="test", hourly_hours=48, daily_days=7, tier=Tier.FAST, **changes)
    bundle = forecast(history(*frames), settings)
    assert_lawful(bundle)
    return bundle


def told(bundle, name):
    return [one.what for one in bundle.document.treatments if one.series.startswith(name)]


def values(bundle, name, granularity=Granularity.DAILY, kind=SeriesKind.TRAFFIC):
    return bundle.values[SeriesKey(kind, name), granularity]


def test_a_pair_of_five_hours_has_days():
    bundle = said(*pairs(), series("traffic", "ams->mad", np.r_[np.full(24 * DAYS - 5, np.nan), 1.0, 2, 1, 2, 1]))
    for kind, name in ((SeriesKind.TRAFFIC, "ams->mad"), (SeriesKind.REGION_TRAFFIC, "mad")):
        days = values(bundle, name, kind=kind)
        assert (days[:, 7] > 0.3).all() and (days[:, 7] < 15).all() and (days[:, -1] > 1.5 * days[:, 7]).all()
        assert not any(NOTHING in what for what in told(bundle, f"{kind}:{name}"))
    assert "new: 1 steps seen" in " ".join(told(bundle, "traffic:ams->mad (daily)"))


def test_one_value_a_day_gives_days():
    once = np.full(24 * DAYS, np.nan)
    once[12::24] = wave(DAYS, level=4.0)
    panel = prepare(history(*pairs(), series("traffic", "ams->mad", once)), Scope()).levels
    np.testing.assert_array_equal(daily(panel).observed[panel.keys.index(key("ams->mad"))], once[12::24])
    bundle = said(*pairs(), series("traffic", "ams->mad", once))
    assert (values(bundle, "ams->mad")[:, 7] > 1).all() and not any(NOTHING in what for what in told(bundle, "traffic"))


def key(name):
    return SeriesKey(SeriesKind.TRAFFIC, name)


def test_a_day_that_was_hardly_seen_is_still_a_gap_of_a_series_with_days():
    seen = wave(240)
    seen[100:118] = np.nan
    panel = prepare(history(series("traffic", "fra->ams", seen)), Scope()).levels
    assert np.isnan(daily(panel).observed[panel.keys.index(key("fra->ams"))]).tolist() == [at == 4 for at in range(10)]


def test_what_ended_weeks_ago_is_said_with_thin_evidence_and_wider():
    live = said(*pairs(25), series("traffic", "mad->fra", wave(24 * 25, level=5.0, seed=9)))
    bundle = said(*pairs(50), series("traffic", "mad->fra", wave(24 * 25, level=5.0, seed=9)))
    (what,) = told(bundle, "traffic:mad->fra")
    assert what == "ended on 2026-01-30T00:00Z: forecast as if it went on, 2.1 times as wide"
    found = {item.granularity: item.evidence for item in bundle.document.series if item.key == key("mad->fra")}
    assert set(found.values()) == {Evidence.THIN}
    wide, narrow = (values(one, "mad->fra", Granularity.HOURLY)[:, [2, 12]] for one in (bundle, live))
    other = values(bundle, "ams->lon", Granularity.HOURLY)[:, [2, 12]]
    assert np.diff(wide).mean() > 1.6 * np.diff(narrow).mean() and np.diff(wide).mean() > 1.6 * np.diff(other).mean()


@pytest.mark.parametrize(
    ("seen", "ended", "carried"),
    [
        (np.arange(10) + 1.0, "too little was seen of it to go on from", "carried by its mean, from 0 to 4 times"),
        (np.zeros(10 * 24), "it never was anything but 0", f"{NOTHING} was ever seen: forecast as 0"),
    ],
)
def test_of_what_ended_and_has_no_model_no_width_is_told_but_its_own(seen, ended, carried):
    bundle = said(*pairs(), series("transactions", "web@fra", seen))
    first, *others = told(bundle, "transactions:web@fra")
    assert first == f"ended on {BEGIN + timedelta(hours=len(seen)):%Y-%m-%dT%H:%MZ}: {ended}"
    assert others and all(carried in what for what in others)
    assert not any("as if it went on" in what for what in (first, *others))


def test_what_went_quiet_some_days_ago_did_not_end():
    prepared = prepare(history(*pairs(), series("traffic", "mad->fra", wave(24 * 34, level=5.0, seed=9))), Scope())
    (one,) = prepared.treatments
    assert one.what.startswith("no values for 144 h")


def test_what_ended_more_than_a_year_ago_is_left_out_and_said():
    old = series("traffic", "mad->fra", wave(240, level=5.0), begin=BEGIN - timedelta(days=420))
    prepared = prepare(history(*pairs(), old), Scope())
    (one,) = prepared.treatments
    assert (one.series, one.what) == (
        "traffic:mad->fra",
        "ended on 2024-11-20T23:00Z, more than 400 days ago: not forecast",
    )
    assert (
        key("mad->fra") not in prepared.levels.keys
        and SeriesKey(SeriesKind.REGION_TRAFFIC, "mad") not in prepared.levels.keys
    )
    with pytest.raises(NothingToForecast, match="nothing was measured in the 400 days before") as raised:
        prepare(history(old), Scope(origin=BEGIN))
    assert "2024-11-20T23:00Z" in str(raised.value)


def test_hours_after_now_are_set_aside_and_said():
    now = BEGIN + timedelta(days=DAYS, minutes=5)
    ahead = series("traffic", "fra->ams", [9e9], begin=BEGIN.replace(year=2037))
    settings = ForecastSettings(environment="test", now=now)
    right, found = (prepare(history(*rows), settings.scope) for rows in (pairs(), [*pairs(), ahead]))
    (one,) = found.treatments
    assert one.series == "traffic:fra->ams"
    assert one.what == "1 values after now (2026-02-14T00:05Z), the last of 2037-01-05T00:00Z: set aside"
    assert found.origin == right.origin == BEGIN + timedelta(days=DAYS)
    np.testing.assert_array_equal(found.levels.observed, right.levels.observed)
    with pytest.raises(NothingToForecast, match="all 1 values lie after now"):
        prepare(history(ahead), settings.scope)


def test_requests_after_now_are_set_aside_and_said():
    now = BEGIN + timedelta(days=DAYS, minutes=5)
    pairs_of = (("fra", "ams"), ("ams", "fra"))
    late = pd.concat([requests(each, [BEGIN.replace(year=2037), now + timedelta(hours=1)]) for each in pairs_of])
    lately = requests(("fra", "ams"), [now - timedelta(hours=3)])
    settings = ForecastSettings(environment="test", now=now)
    found = prepare(history(*pairs(), asked=pd.concat([late, lately])), settings.scope)
    (one,) = found.treatments
    assert one.series == "peering_requests:*"
    assert one.what == "4 requests after now (2026-02-14T00:05Z), the last of 2037-01-05T00:00Z: set aside"
    assert found.counts.observed.sum() == 1
    with pytest.raises(NothingToForecast, match="all 4 requests lie after now"):
        prepare(history(asked=late), settings.scope)
    with pytest.raises(NothingToForecast, match="all 1 values and 4 requests lie after now"):
        prepare(history(series("cpu", "fra", [9.0], begin=BEGIN.replace(year=2037)), asked=late), settings.scope)
    batch = with_hours_to_come(
        Batch(origin="asked.csv", rows_read=4, measurements=no_measurements(), requests=late), now
    )
    assert batch.notes == (f"{one.series}: {one.what} by every forecast until then",)


def test_values_that_no_demand_has_are_set_aside_and_said():
    odd = wave(24 * DAYS, level=5.0)
    odd[100:103] = 1e300
    bundle = said(*pairs(), series("traffic", "mad->fra", odd))
    (first, *_) = told(bundle, "traffic:mad->fra")
    assert first == "3 values above 1e+15, up to 1e+300: set aside, as if not measured"
    assert values(bundle, "mad->fra").max() < 100
    with pytest.raises(NothingToForecast, match=r"cpu:fra: 9 values above 1e\+15, up to 1e\+308: set aside"):
        prepare(history(series("cpu", "fra", [1e308] * 9)), Scope())
