"""The room's door: laws of every forecast, determinism, fallbacks, and that nothing is seen too early."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contracts.files import read_forecast, write_forecast
from contracts.forecast import Evidence, Forecast, ForecastBundle
from contracts.ports import Silent
from contracts.series import LEVELS, SUMS, Granularity, SeriesKey, SeriesKind
from forecaster.backtest import BacktestSettings, run_backtest
from forecaster.errors import NothingToForecast, UnknownModel
from forecaster.finish import finished, too_short
from forecaster.make import ForecastSettings
from forecaster.models.model import MEDIAN
from forecaster.panel import Panel, fill
from forecaster.paths import FEWEST_PATHS, Paths, by_days, quantiles_of
from forecaster.prepare import Scope, prepare
from tests.forecaster.estates import BEGIN, forecast, history, requests, series, wave

CPU = SeriesKey(SeriesKind.CPU, "fra")
ASKED = SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->ams")
FRA = SeriesKey(SeriesKind.REGION_TRAFFIC, "fra")
ALONE = (SeriesKind.TRANSACTIONS, SeriesKind.USERS, SeriesKind.BLOCK_TRAFFIC)


def estate(hours: int = 720):
    """Every kind of series at once."""
    chance = np.random.default_rng(9)
    at = [BEGIN + timedelta(hours=int(hour), minutes=5) for hour in np.sort(chance.integers(0, hours, hours // 4))]
    return history(
        *[series("cpu", region, wave(hours, seed=seed)) for seed, region in enumerate(("fra", "ams", "lhr"))],
        *[series("traffic", pair, wave(hours, level=2, noise=0.3, seed=7)) for pair in ("fra->ams", "ams->fra")],
        series("service_traffic", "web@fra->ams", wave(hours, level=1, noise=0.3, seed=7)),
        series("transactions", "web@fra", np.round(wave(hours, level=1e5))),
        series("users", "web@fra", wave(hours, level=1e3)),
        series("block_traffic", "10.0.0.0/24", wave(hours)),
        series("accelerators", "fra", np.round(wave(hours, level=40))),
        asked=requests(("fra", "ams"), at),
    )


def assert_lawful(bundle) -> None:
    assert bundle.document.levels == LEVELS and len(LEVELS) == 15
    assert len(bundle.document.series) == len(bundle.values)
    for described in bundle.document.series:
        values = bundle.values[described.key, described.granularity]
        assert values.shape == (described.steps, len(LEVELS))
        assert np.isfinite(values).all() and (values >= 0).all() and (np.diff(values, axis=1) >= 0).all()


def sum_of(paths: Iterable[Paths]) -> np.ndarray:
    return np.asarray(np.stack([*paths]).sum(axis=0))


def test_every_kind_hourly_and_daily():
    bundle = forecast(estate())
    assert_lawful(bundle)
    kinds = {(item.kind, item.granularity) for item in bundle.document.series}
    expected = set(SeriesKind) - {SeriesKind.BANDWIDTH}
    assert kinds == {(kind, granularity) for kind in expected for granularity in Granularity}
    assert bundle.document.origin == BEGIN + timedelta(hours=720)
    hourly = [item for item in bundle.document.series if item.granularity is Granularity.HOURLY]
    assert all(item.evidence is Evidence.ENOUGH and item.scores.mase is not None for item in hourly if item.key == CPU)
    assert bundle.document.request_profiles[0].vcpu == 4


def test_same_input_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_forecast(tmp_path / name / "test.json", forecast(estate()))
    for file in ("test.json", "test.parquet", "test.paths.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    again = read_forecast(tmp_path / "one" / "test.json")
    assert again.document.series and again.document.blends


def assert_paths_of_what_no_sum_has(bundle: ForecastBundle) -> None:
    """As many as of what is planned for: whole requests and transactions, and days that are days of them."""
    told = [key for kind in (*ALONE, SeriesKind.PEERING_REQUESTS) for key in bundle.paths if key.kind is kind]
    assert len(told) == 4 and {path.shape for path in bundle.paths.values()} == {(bundle.document.paths, 48)}
    asked, web = bundle.paths[ASKED], SeriesKey(SeriesKind.TRANSACTIONS, "web@fra")
    assert (asked == np.floor(asked)).all() and (bundle.paths[web] == np.floor(bundle.paths[web])).all()
    assert 0.6 * 12 < asked.sum(axis=1).mean() < 1.7 * 12  # a request every four hours
    of_days = quantiles_of(24 * by_days(bundle.paths[web]))
    np.testing.assert_allclose(bundle.values[web, Granularity.DAILY][:2], of_days, rtol=2e-3)


def test_a_forecast_has_paths_whose_sums_are_its_regions(tmp_path):
    """To the digits that documents keep; and read back, they are what was written."""
    bundle = forecast(estate())
    pairs = [key for key in bundle.paths if key.kind is SeriesKind.TRAFFIC]
    assert len(pairs) == 2 and bundle.document.paths == len(bundle.paths[pairs[0]]) >= FEWEST_PATHS
    summed = quantiles_of(sum_of(bundle.paths[key] for key in pairs))
    np.testing.assert_allclose(summed, bundle.values[FRA, Granularity.HOURLY], rtol=1e-3)
    hours = quantiles_of(bundle.paths[CPU])  # as days say, which is nearly what hours say
    np.testing.assert_allclose(hours, bundle.values[CPU, Granularity.HOURLY], rtol=0.05)
    for key, paths in ((CPU, bundle.paths[CPU]), (FRA, sum_of(bundle.paths[key] for key in pairs))):
        said = bundle.values[key, Granularity.DAILY]
        days = quantiles_of(by_days(paths))
        np.testing.assert_allclose(said[: len(days)], days, rtol=1e-3)
        assert abs(np.log(said[len(days), MEDIAN] / said[len(days) - 1, MEDIAN])) < 0.3  # later days go on from there
    web = bundle.paths[SeriesKey(SeriesKind.SERVICE_TRAFFIC, "web@fra->ams")]
    assert (web <= 1.001 * bundle.paths[SeriesKey(SeriesKind.TRAFFIC, "fra->ams")]).all()
    assert_paths_of_what_no_sum_has(bundle)
    write_forecast(tmp_path / "test.json", bundle)
    again = read_forecast(tmp_path / "test.json")
    assert again.paths.keys() == bundle.paths.keys()
    assert all((again.paths[key] == path).all() for key, path in bundle.paths.items())


def test_a_forecast_is_near_what_comes_and_its_interval_holds():
    whole = wave(1008, noise=0.1, seed=4)
    bundle = forecast(history(*[series("cpu", r, wave(960, noise=0.1, seed=s)) for s, r in ((4, "fra"), (5, "ams"))]))
    actual = whole[960:]
    middle = bundle.curve(CPU, 0.5)
    assert np.abs(middle - actual).mean() / actual.mean() < 0.12
    covered = (actual >= bundle.curve(CPU, 0.05)) & (actual <= bundle.curve(CPU, 0.95))
    assert covered.mean() > 0.8


def test_an_origin_in_the_past_sees_nothing_later():
    """The planted leak: all from the origin on is made absurd; only the history's digest may tell."""
    origin = BEGIN + timedelta(hours=500)
    quiet = estate()
    loud = history(
        quiet.measurements.assign(value=quiet.measurements["value"].where(quiet.measurements["time"] < origin, 1e12)),
        asked=quiet.requests,
    )
    asked = ForecastSettings(environment="test", hourly_hours=48, daily_days=7, origin=origin)
    one, two = forecast(quiet, asked), forecast(loud, asked)
    assert one.document.history_digest != two.document.history_digest
    assert one.document.values_digest == two.document.values_digest
    assert one.document.paths_digest == two.document.paths_digest != ""
    assert one.document.series == two.document.series


def test_the_back_test_of_a_window_sees_nothing_of_it():
    """Made absurd from one scored origin on, a back-test must score badly: a model that peeked would not."""
    values = [wave(720, seed=seed) for seed in range(3)]
    flat = [np.concatenate([row[:-48], np.full(48, 900.0)]) for row in values]
    settings_ = BacktestSettings(environment="test", hourly_hours=48, daily_days=7)
    rows = []
    for estate_rows in (values, flat):
        frames = [series("cpu", f"r{n}", row) for n, row in enumerate(estate_rows)]
        rows.append(
            {
                row.model: row.scores.mase or 0.0
                for row in run_backtest(history(*frames), settings_, Silent()).rows
                if row.granularity is Granularity.HOURLY and row.kind is None
            }
        )
    assert rows[0].keys() == rows[1].keys() and len(rows[0]) == 11
    assert all(rows[1][model] > 5 * rows[0][model] for model in rows[0])


@settings(max_examples=15, deadline=None)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 130)),
        elements=st.one_of(st.floats(0, 1e12), st.just(0.0), st.just(np.nan), st.floats(0, 1e-9)),
    )
)
def test_any_series_gives_a_lawful_forecast(values):
    frames = [series("transactions", f"web@r{index}", row) for index, row in enumerate(values)]
    view = history(*[frame for frame in frames if len(frame)])
    if not len(view.measurements):
        with pytest.raises(NothingToForecast):
            forecast(view)
        return
    assert_lawful(forecast(view))


def test_whatever_comes_in_leaves_lawful():
    panel = prepare(history(series("cpu", "fra", wave(100)), series("transactions", "web@fra", np.ones(100))), Scope())
    raw = np.random.default_rng(0).normal(1, 5, (len(panel.levels.keys), 9, len(LEVELS)))
    raw[0, 0], raw[0, 1, 3], raw[0, 2, 5], raw[0, 3, -1] = np.nan, np.inf, -np.inf, 1e300
    values = finished(raw, panel.levels, np.arange(len(raw)) % 2 == 0)
    assert np.isfinite(values).all() and (values >= 0).all() and (np.diff(values, axis=2) >= 0).all()
    assert values[0].max() <= 4 * wave(100).max()


def test_a_tail_without_enough_scores_reaches_what_was_seen():
    """Of less than 100 values the largest is the 0.99 quantile; where scores are enough, they alone decide."""
    panel = prepare(history(series("cpu", "ams", wave(90)), series("cpu", "fra", wave(90))), Scope()).levels
    values = finished(np.ones((2, 3, len(LEVELS))), panel, np.array([True, False]))
    assert values[0].max() == 1 and (values[1, :, :-1] == 1).all()
    np.testing.assert_allclose(values[1, :, -1], panel.observed[1].max())


def by_key(document: Forecast, granularity: Granularity = Granularity.HOURLY):
    return {item.key: item for item in document.series if item.granularity is granularity}


def test_too_short_and_all_zero_are_carried_and_said():
    view = history(
        series("cpu", "fra", wave(23), begin=BEGIN + timedelta(hours=700 - 23)),
        series("cpu", "ams", np.zeros(700)),
        series("cpu", "lhr", wave(700)),
    )
    bundle = forecast(view)
    found = by_key(bundle.document)
    zero = SeriesKey(SeriesKind.CPU, "ams")
    assert (found[CPU].model, found[CPU].evidence) == ("wide_naive", Evidence.THIN)
    assert (found[zero].model, found[zero].evidence) == ("zero", Evidence.THIN)
    assert (bundle.curve(zero, 0.99) == 0).all()
    mean = wave(23).mean()
    assert bundle.curve(CPU, 0.99)[0] == pytest.approx(4 * mean) and bundle.curve(CPU, 0.5)[0] == pytest.approx(mean)
    said = {item.series: item.what for item in bundle.document.treatments}
    assert "less than 24 hours" in said["cpu:fra (hourly)"] and "zeros" in said["cpu:ams (hourly)"]


def test_a_young_series_with_gaps_is_forecast_by_its_hours():
    """18 of 26 hours tell more of a day than their mean does; 17 do not, nor do 23 without a gap."""
    observed = np.tile(wave(26), (3, 1))
    observed[0, 3:26:3] = np.nan
    observed[1, 1:26:3] = np.nan
    observed[2, :3] = np.nan
    keys = tuple(SeriesKey(SeriesKind.CPU, name) for name in ("ams", "fra", "lhr"))
    hourly = Granularity.HOURLY
    panel = Panel(keys=keys, granularity=hourly, end=BEGIN, observed=observed, filled=fill(observed, 24))
    assert panel.known().tolist() == [18, 17, 23]
    assert too_short(panel).tolist() == [False, True, True]


def test_short_histories_are_forecast_thinly():
    for hours in (1, 30, 60, 100):
        bundle = forecast(history(series("cpu", "fra", wave(hours))))
        assert_lawful(bundle)
        assert all(item.evidence is Evidence.THIN for item in bundle.document.series)


def old_straggler():
    """Three weeks, and one measurement from long before."""
    return [series("cpu", "fra", [7.0], begin=BEGIN - timedelta(days=300)), series("cpu", "fra", wave(504))]


def long_silence():
    """Three weeks, half a year without a value, an hour at the end."""
    return [series("cpu", "fra", wave(504)), series("cpu", "fra", [7.0], begin=BEGIN + timedelta(days=200))]


@pytest.mark.parametrize(
    "frames",
    [[series("cpu", "fra", np.zeros(1700))], old_straggler(), long_silence()],
    ids=["all zero", "old straggler", "long silence"],
)
def test_a_long_history_with_little_in_it_is_forecast(frames):
    assert_lawful(forecast(history(*frames)))


def test_rare_requests_are_counts():
    bundle = forecast(history(asked=requests(("fra", "ams"), [BEGIN, BEGIN + timedelta(hours=100)])))
    values = bundle.values[ASKED, Granularity.HOURLY]
    assert_lawful(bundle)
    assert (values == np.floor(values)).all() and values[:, LEVELS.index(0.5)].max() == 0


def test_models_can_be_named():
    asked = ForecastSettings(environment="test", hourly_hours=24, daily_days=2, models=("seasonal_naive_24",))
    assert by_key(forecast(history(series("cpu", "fra", wave(400))), asked).document)[CPU].model == "seasonal_naive_24"
    with pytest.raises(UnknownModel):
        forecast(history(series("cpu", "fra", wave(400))), replace(asked, models=("nobodys",)))


def test_the_back_test_tells_what_the_forecast_chose():
    view = estate()
    report = run_backtest(view, BacktestSettings(environment="test", hourly_hours=48, daily_days=7), Silent())
    best = report.best()
    assert best is not None and best.scores.mase is not None and 0.6 < (best.scores.coverage_80 or 0) <= 1
    chosen = {row.kind: row.model for row in report.rows if row.chosen and row.granularity is Granularity.HOURLY}
    told = {item.kind: item.model for item in by_key(forecast(view).document).values()}
    summed: dict[SeriesKind | None, str] = dict.fromkeys((SeriesKind.REGION_TRAFFIC, *SUMS), "sum_of_pairs")
    assert told == {**chosen, **summed}
    assert report.unseal(report.sealed(), where="report") == report
    assert max(report.origins) == BEGIN + timedelta(hours=720 - 48)


def test_counts_of_whole_numbers_stay_whole_and_rates_do_not():
    noise = wave(400, level=20)
    view = history(series("transactions", "web@fra", np.round(noise)), series("transactions", "api@fra", noise))
    bundle = forecast(view)
    whole, rate = (
        bundle.values[SeriesKey(SeriesKind.TRANSACTIONS, f"{name}@fra"), Granularity.HOURLY] for name in ("web", "api")
    )
    assert (whole == np.round(whole)).all() and (rate != np.round(rate)).any()


@pytest.mark.parametrize(("zeros", "sunk", "lifted"), [(0.9, 0.9, 0.9), (0.3, 0.3, 0.3), (0.0, 0.0, 0.1)])
def test_what_was_never_seen_between_zero_and_the_least_is_not_said(zeros, sunk, lifted):
    """Levels up to the share of zeros are 0 there, those above are the least; of what is never 0 the lowest stay."""
    values = np.full(240, 5.0)
    values[: round(240 * zeros)] = 0.0
    panel = prepare(history(series("traffic", "fra->ams", values)), Scope()).levels
    said = np.tile(np.geomspace(0.001, 9.0, len(LEVELS)), (len(panel.keys), 3, 1))
    said[..., MEDIAN + 1 :] += 5.0
    left = finished(said, panel, np.ones(len(panel.keys), dtype=bool))[0, 0]
    said, level, middle = said[0, 0], np.array(LEVELS), said[0, 0, MEDIAN]
    least = 5.0 if zeros else min(5.0, middle)
    expected = np.where(said >= 5.0, said, np.where(level <= sunk, 0.0, np.where(level >= lifted, least, said)))
    np.testing.assert_array_equal(left, expected)


def test_counts_between_zero_and_the_least_are_zero():
    """Their quantiles are whole numbers: 0 at any level is a count that was said."""
    values = np.zeros(240)
    values[::5] = 3.0
    levels = prepare(history(series("traffic", "fra->ams", values)), Scope()).levels
    panel = replace(levels, keys=(SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->ams"),) * len(levels.keys))
    said = np.tile(np.where(np.array(LEVELS) > 0.96, 3.0, 0.0), (len(panel.keys), 3, 1))
    assert (finished(said, panel, np.ones(len(panel.keys), dtype=bool)) == said).all()
