"""The demo's history files: made of the real series by the table, the same bytes every time."""

import csv

import numpy as np
import pytest

from prestage.demo.stand_ins import HOURS, REQUESTS, SERVICES, TRAFFIC, UTILISATION, RequestStream, StandIn
from prestage.demo.telemetry import played, read_series, request_rows, write_history


@pytest.fixture(scope="module")
def real():
    return read_series()


@pytest.mark.parametrize("part", [*UTILISATION, *TRAFFIC, *SERVICES], ids=lambda part: f"{part.metric}:{part.subject}")
def test_every_part_keeps_the_shape_of_its_series(part: StandIn, real):
    values = played(part, real)
    assert len(values) == HOURS
    assert np.isfinite(values).all() and (values >= 0).all()
    assert values.mean() == pytest.approx(part.mean)
    if part.smooth_hours == 1:
        assert np.corrcoef(values, real[part.series])[0, 1] == pytest.approx(1)


def test_requests_follow_the_traffic_of_their_pair():
    quiet_then_busy = {"fra->nyc": np.concatenate([np.full(HOURS // 2, 1.0), np.full(HOURS // 2, 9.0)])}
    stream = RequestStream("fra", "nyc", 200, vcpu=4, gbps=0.5, duration_hours=6)
    rows = request_rows(stream, quiet_then_busy, np.random.default_rng(1))
    late = sum(row[0] >= "2018-07-02" for row in rows)
    assert len(rows) == pytest.approx(200 * 30, rel=0.05)
    assert late / (len(rows) - late) == pytest.approx(9, rel=0.15)
    assert np.median([float(row[3]) for row in rows]) == pytest.approx(4, rel=0.05)


def test_files_are_the_same_bytes_every_time(tmp_path):
    first, second = (write_history(tmp_path / name) for name in ("one", "two"))
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


def test_every_stream_has_requests(tmp_path):
    rows = csv.DictReader(write_history(tmp_path)["requests"].read_text().splitlines())
    seen = {(row["source"], row["destination"]) for row in rows}
    assert seen == {(stream.source, stream.destination) for stream in REQUESTS}
