"""Units: a table of what people write, and laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.series import SeriesKind
from forecaster.errors import UnitUnclear
from forecaster.units import Gather, measure_of

TABLE = [
    (SeriesKind.TRAFFIC, "bps", 1e-9),
    (SeriesKind.TRAFFIC, "kbps", 1e-6),
    (SeriesKind.TRAFFIC, "kbit/s", 1e-6),
    (SeriesKind.TRAFFIC, "Mbps", 1e-3),
    (SeriesKind.TRAFFIC, "mbps", 1e-3),
    (SeriesKind.TRAFFIC, "gbps", 1.0),
    (SeriesKind.TRAFFIC, "Bps", 8e-9),
    (SeriesKind.TRAFFIC, "kBps", 8e-6),
    (SeriesKind.TRAFFIC, "MB/s", 8e-3),
    (SeriesKind.TRAFFIC, "GBps", 8.0),
    (SeriesKind.TRAFFIC, "bytes/15min", 8 / 900 / 1e9),
    (SeriesKind.TRAFFIC, "bits/300s", 1 / 300 / 1e9),
    (SeriesKind.BANDWIDTH, "bytes_per_hour", 8 / 3600 / 1e9),
    (SeriesKind.CPU, "vcpu", 1.0),
    (SeriesKind.CPU, "millicores", 1e-3),
    (SeriesKind.MEMORY, "MiB", 1 / 1024),
    (SeriesKind.STORAGE, "TB", 1e12 / 2**30),
    (SeriesKind.TRANSACTIONS, "count/s", 3600.0),
]


@pytest.mark.parametrize(("kind", "unit", "factor"), TABLE)
def test_factor(kind, unit, factor):
    assert measure_of(kind, unit, where="f").factor == pytest.approx(factor, rel=1e-12)


def test_counts_are_summed_and_levels_are_not():
    assert measure_of(SeriesKind.TRANSACTIONS, "count", where="f").gather is Gather.SUM
    assert measure_of(SeriesKind.USERS, "count", where="f").gather is Gather.MEAN
    assert measure_of(SeriesKind.TRAFFIC, "mbps", where="f").gather is Gather.MEAN


@pytest.mark.parametrize(
    ("kind", "unit", "said"),
    [
        (SeriesKind.TRAFFIC, "mpbs", "mbps"),
        (SeriesKind.TRAFFIC, "bytes_per_interval", "bytes/15min"),
        (SeriesKind.CPU, "percent", "vcpu"),
        (SeriesKind.MEMORY, "gbps", "gib"),
        (SeriesKind.TRAFFIC, "bytes/0min", "bytes/15min"),
    ],
)
def test_an_unknown_unit_names_what_would_do(kind, unit, said):
    with pytest.raises(UnitUnclear) as refused:
        measure_of(kind, unit, where="traffic.csv")
    assert said in refused.value.render() and "traffic.csv" in refused.value.render()


@given(st.sampled_from(["", "k", "m", "g"]), st.floats(0, 1e12))
def test_a_byte_is_eight_bits(prefix, value):
    bits = measure_of(SeriesKind.TRAFFIC, f"{prefix}bps", where="").factor * 8 * value
    assert measure_of(SeriesKind.TRAFFIC, f"{prefix}Bps", where="").factor * value == pytest.approx(bits)


@given(st.integers(1, 3600), st.floats(0, 1e12))
def test_a_volume_is_its_rate_times_the_interval(seconds, rate_bps):
    volume = rate_bps * seconds / 8
    assert volume * measure_of(SeriesKind.TRAFFIC, f"bytes/{seconds}s", where="").factor == pytest.approx(
        rate_bps * measure_of(SeriesKind.TRAFFIC, "bps", where="").factor
    )
