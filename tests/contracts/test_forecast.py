"""`ForecastBundle.since`: periods that are over are left out, and what a forecast does not reach is stood in for."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from contracts.forecast import Forecast, ForecastBundle
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind

ORIGIN = datetime(2026, 11, 20, tzinfo=UTC)
CPU = SeriesKey(SeriesKind.CPU, "fra")
HOURS = np.arange(48.0)


def bundle() -> ForecastBundle:
    document = Forecast(
        environment="dev",
        origin=ORIGIN,
        made_at=ORIGIN,
        seconds=0,
        series=(),
        history_digest="none",
        values_file="dev.parquet",
        values_digest="none",
    )
    days = np.arange(2.0)
    values = {(CPU, Granularity.HOURLY): HOURS, (CPU, Granularity.DAILY): days}
    return ForecastBundle(
        document, {key: np.repeat(each[:, None], len(LEVELS), axis=1) for key, each in values.items()}
    )


@pytest.mark.parametrize(
    ("over", "first", "first_day"),
    [(-5, 0, 0), (0, 0, 0), (23.9, 0, 0), (24, 24, 1), (30, 24, 1), (24 * 365, 24, 1)],
)
def test_a_forecast_since_a_moment_begins_with_its_period(over, first, first_day):
    later = bundle().since(ORIGIN + timedelta(hours=over), 24)
    assert later.values[CPU, Granularity.HOURLY][0, 0] == first
    assert later.values[CPU, Granularity.DAILY][0, 0] == first_day
    assert later.origin == ORIGIN + timedelta(hours=first)
    assert later.document == bundle().document


def test_the_peak_is_told_at_its_own_hour():
    peak = bundle().since(ORIGIN + timedelta(hours=25), 24).peak(CPU, 0.5, 6)
    assert (peak.value, peak.at) == (29, ORIGIN + timedelta(hours=29))
