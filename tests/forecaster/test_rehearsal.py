"""A back-test of an environment: events and profiles count as they were known at each origin, and no later."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from contracts.backtest import CHOSEN, BacktestReport
from contracts.customers import AnticipatedUse, CustomerProfile, Customers
from contracts.events import Calendar, DemandEvent, EventKind
from contracts.ports import Silent
from contracts.series import Granularity, SeriesKind
from forecaster.backtest import BacktestSettings, run_backtest
from forecaster.outside import Outside
from tests.forecaster.estates import BEGIN, history, series, wave

HOURS = 20 * 24
SALES = (330, 354, 402, 426, 450)  # hours at which one begins; each lasts six and triples demand


def sale(at: int, known_before_h: int, number: int) -> DemandEvent:
    start = BEGIN + timedelta(hours=at)
    return DemandEvent(
        id=f"sale {number}",
        kind=EventKind.CAMPAIGN,
        start=start,
        end=start + timedelta(hours=6),
        regions=("fra",),
        uplift=3.0,
        known_at=start - timedelta(hours=known_before_h),
    )


def estate(*extra):
    values = wave(HOURS, noise=0.05)
    for at in SALES:
        values[at : at + 6] *= 3
    return history(series("cpu", "fra", values), *extra)


def report(view, models=("profile_7d",), **outside) -> BacktestReport:
    settings = BacktestSettings(
        environment="test", hourly_hours=48, daily_days=2, models=models, outside=Outside(**outside)
    )
    return run_backtest(view, settings, Silent())


def crps(made: BacktestReport, kind: SeriesKind | None = None) -> float:
    hourly = (row for row in made.rows if row.granularity is Granularity.HOURLY and row.kind == kind)
    (found,) = [row.scores.scaled_crps for row in hourly if row.chosen or row.model == CHOSEN]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def blind() -> BacktestReport:
    return report(estate())


def calendar(known_before_h: int) -> Calendar:
    return Calendar().merged(tuple(sale(at, known_before_h, number) for number, at in enumerate(SALES)))


def test_events_that_were_known_make_a_back_test_better(blind):
    assert crps(report(estate(), calendar=calendar(24 * 30))) < 0.7 * crps(blind)


def test_an_event_that_became_known_with_its_last_hour_helps_no_forecast_of_it(blind):
    """It is known from then on, and so taken out of what later origins learn from; but it was foreseen by none."""
    late, early = (report(estate(), calendar=calendar(hours)) for hours in (-6, 24 * 30))
    assert crps(late) > 1.3 * crps(early)


def test_what_became_known_after_the_history_changes_nothing(blind):
    never = report(estate(), calendar=calendar(-24 * 60))
    larger = Calendar(
        events=tuple(one.model_copy(update={"uplift": 20.0}) for one in calendar(-24 * 60).events),
    )
    assert never == report(estate(), calendar=larger)
    assert crps(never) == pytest.approx(crps(blind), rel=0.25)
    assert never.origins == blind.origins and never.steps == blind.steps


def test_nothing_after_an_origin_is_seen_with_events_either():
    """Made absurd from the first scored origin on, everything said scores badly; what an event teaches, too."""
    view, early = estate(), calendar(24 * 30)
    first = min(report(view, calendar=early).origins)
    told = view.measurements.copy()
    told.loc[told["time"] >= first, "value"] = 5000.0
    absurd = replace(view, measurements=told)
    assert crps(report(absurd, calendar=early)) > 20 * crps(report(view, calendar=early))


def test_profiles_count_from_when_they_were_known():
    """A pair that began five days ago as its customer had said; the back-test believes it, or learns of it late."""
    young = np.full(HOURS, np.nan)
    young[-8 * 24 :] = 40.0
    pair = series("traffic", "fra->ams", young)
    others = [series("traffic", f"fra->x{n}", wave(HOURS, level=2.0, noise=0.1, seed=n)) for n in range(3)]
    use = AnticipatedUse(kind=SeriesKind.TRAFFIC, subject="fra->x0", value=2, unit="gbps")

    def profile(known_at):
        one = CustomerProfile(name="acme", start=BEGIN, known_at=known_at, confidence=1, use=(use,))
        return report(estate(pair, *others), customers=Customers(customers=(one,)))

    known, late = profile(BEGIN), profile(BEGIN + timedelta(days=400))
    assert crps(known, SeriesKind.TRAFFIC) != crps(late, SeriesKind.TRAFFIC)
    assert crps(known, SeriesKind.CPU) == crps(late, SeriesKind.CPU)


def test_every_family_is_scored_with_events():
    made = report(estate(), models=("profile_7d", "seasonal_naive_24"), calendar=calendar(24 * 30))
    found = {row.model: row.scores.scaled_crps for row in made.rows if row.granularity is Granularity.HOURLY}
    assert set(found) == {"chosen", "profile_7d", "seasonal_naive_24", "blend"} and None not in found.values()
    assert {row.model for row in made.rows if row.chosen} == {"blend"}
    assert made.steps[Granularity.HOURLY] == 48


def test_sums_of_pairs_are_scored_where_they_are_asked_for():
    """In and out of regions, as the forecast would have said them: read off paths of their pairs."""
    view = history(*(series("traffic", pair, wave(HOURS, seed=at)) for at, pair in enumerate(("fra->ams", "lon->ams"))))
    settings = BacktestSettings(environment="test", hourly_hours=24, daily_days=1, models=("profile_7d",), sums=True)
    made = run_backtest(view, settings, Silent())
    found = {row.kind: row for row in made.rows if row.chosen and row.granularity is Granularity.HOURLY}
    assert found[SeriesKind.REGION_IN].series == 1 and found[SeriesKind.REGION_OUT].series == 2
    scores = found[SeriesKind.REGION_IN].scores
    assert scores.mase is not None and 0 < scores.mase < 1.5 and 0.5 < (scores.coverage_80 or 0) <= 1
    plain = run_backtest(view, replace(settings, sums=False), Silent())
    assert {row.kind for row in plain.rows} == {None, SeriesKind.TRAFFIC, SeriesKind.REGION_TRAFFIC}
