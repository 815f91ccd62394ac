"""`ForecastBundle.since`: periods that are over are left out, and what a forecast does not reach is stood in for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.document import bytes_digest
from contracts.errors import AlteredDocument, MalformedDocument
from contracts.files import read_forecast, write_forecast
from contracts.forecast import Forecast, ForecastBundle
from contracts.forecast_paths import kept, paths_to_bytes
from contracts.forecast_values import values_to_bytes
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


def with_paths(tmp_path: Path) -> Path:
    """A forecast on disk, with two paths of its 48 hours."""
    plain = bundle()
    paths = {CPU: np.stack([HOURS, 2 * HOURS]).astype(np.float32)}
    digests = {
        "values_digest": bytes_digest(values_to_bytes(plain.values, len(LEVELS))),
        "paths_digest": bytes_digest(paths_to_bytes(paths)),
    }
    document = plain.document.model_copy(update={"paths": 2, "paths_file": "dev.paths.parquet", **digests})
    write_forecast(tmp_path / "dev.json", ForecastBundle(document, plain.values, paths=paths))
    return tmp_path / "dev.json"


def test_paths_are_read_back_and_begin_where_the_values_do(tmp_path):
    again = read_forecast(with_paths(tmp_path))
    assert (again.paths[CPU] == np.stack([HOURS, 2 * HOURS])).all()
    later = again.since(ORIGIN + timedelta(hours=25), 24)
    assert (later.paths[CPU][0] == later.values[CPU, Granularity.HOURLY][:, 0]).all() and later.paths[CPU][0, 0] == 24


def test_paths_that_were_altered_or_lost_are_refused_and_documents_without_any_are_read(tmp_path):
    path = with_paths(tmp_path)
    (tmp_path / "dev.paths.parquet").write_bytes(paths_to_bytes({CPU: np.ones((2, 48), np.float32)}))
    with pytest.raises(AlteredDocument, match=r"dev\.paths\.parquet"):
        read_forecast(path)
    (tmp_path / "dev.paths.parquet").unlink()
    with pytest.raises(MalformedDocument, match="no such file"):
        read_forecast(path)
    assert "paths" not in bundle().document.canonical() and bundle().paths == {}


@given(st.lists(st.floats(0, 2**100, width=32), min_size=1, max_size=30))
def test_what_documents_keep_of_a_value_is_near_it(values):
    whole = np.array(values, dtype=np.float32)
    found = kept(whole)
    np.testing.assert_allclose(found, whole, rtol=2**-13, atol=1e-37)
    assert (kept(found) == found).all()


def test_the_peak_is_told_at_its_own_hour():
    peak = bundle().since(ORIGIN + timedelta(hours=25), 24).peak(CPU, 0.5, 6)
    assert (peak.value, peak.at) == (29, ORIGIN + timedelta(hours=29))
