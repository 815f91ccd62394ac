"""Windows, samples to hours, counters to rates: laws against slow oracles."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.measured import Silence
from contracts.series import SeriesKey, SeriesKind
from forecaster.sources.counters import rates
from forecaster.sources.samples import Notes, Samples, batch_of_samples, canonical
from forecaster.sources.window import HOUR_S, Window, pages, window_after, window_until
from forecaster.units import Gather, Measure
from tests.forecaster.sources.fakes import BEGIN, NOW, rows, window

CPU = SeriesKey(SeriesKind.CPU, "fra")


def samples(values, step=300, begin=BEGIN, part="a", silent=Silence.GAP):
    count = len(values)
    return Samples(
        key=CPU,
        part=part,
        begins=begin + np.arange(count, dtype=np.int64) * step,
        lengths=np.full(count, step, dtype=np.int64),
        values=np.asarray(values, dtype=np.float64),
        silent=silent,
    )


def hours_of(*parts, hours=2):
    return batch_of_samples(parts, window(hours), origin="test", rows_read=1)


def test_only_hours_that_are_over_are_read():
    found = window_until(NOW, 3)
    assert (found.last, found.hours) == (datetime(2026, 3, 2, 12, tzinfo=UTC), 3)
    later = window_after(found.last, NOW + timedelta(hours=2), 6)
    assert (later.first.hour, later.last.hour) == (6, 14)  # six hours again, two new ones
    assert window_until(NOW, 3, since=NOW + timedelta(days=1)).hours == 0


@given(st.integers(0, 10**6), st.integers(0, 5000), st.sampled_from([10, 60, 300]), st.integers(2, 700))
def test_pages_are_the_grid_in_pieces(begin, count, step, points):
    found = list(pages(begin, begin + count * step, step, points))
    grid = [moment for first, last in found for moment in range(first, last + 1, step)]
    assert grid == list(range(begin, begin + count * step + 1, step))
    assert all((last - first) // step < points for first, last in found)


def test_means_of_hours_and_how_much_of_them_was_seen():
    whole = hours_of(samples([1.0] * 12 + [4.0] * 3))
    assert rows(whole) == [("cpu", "fra", 0, 1.0, 1.0), ("cpu", "fra", 1, 4.0, 0.25)]
    assert whole.notes == ()


def test_a_value_that_is_none_is_not_zero():
    assert rows(hours_of(samples([2.0, np.nan, 4.0, np.nan])))[0] == ("cpu", "fra", 0, 3.0, round(2 / 12, 6))


def test_an_interval_over_two_hours_counts_in_both():
    bridged = Samples(
        key=CPU,
        part="a",
        begins=np.array([BEGIN + 3000]),
        lengths=np.array([1200]),
        values=np.array([6.0]),
    )
    assert [(row[2], row[3], row[4]) for row in rows(hours_of(bridged))] == [
        (0, 6.0, round(600 / 3600, 6)),
        (1, 6.0, round(600 / 3600, 6)),
    ]


def test_parts_are_added_up_and_a_silent_one_leaves_a_gap():
    one, other = samples([1.0] * 24), samples([2.0] * 12, part="b")
    batch = hours_of(one, other)
    assert rows(batch) == [("cpu", "fra", 0, 3.0, 1.0)]
    assert batch.notes == ("cpu:fra: b is silent in 1 of 2 hours: left as gaps",)
    counted = hours_of(one, samples([2.0] * 12, part="b", silent=Silence.ZERO))
    assert [row[3] for row in rows(counted)] == [3.0, 1.0]


def test_notes_of_a_sort_are_told_shortly():
    notes = Notes()
    for number in range(20):
        notes.add("gaps", f"gap {number}")
    assert len(notes.told()) == 9 and notes.told()[-1] == "and 12 more: gaps"


def test_counts_become_counts_of_an_hour_and_nonsense_becomes_a_gap():
    count = Measure(1.0, Gather.SUM)
    assert canonical(np.array([5.0]), 300, count).tolist() == [60.0]
    assert np.isnan(canonical(np.array([-1.0, np.inf, np.nan]), 300, Measure(1.0))).all()


numbers = st.one_of(st.floats(0, 1e6), st.just(float("nan")))


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers, max_size=60), st.sampled_from([60, 300, 900, 3600]), st.integers(-5, 30))
def test_hours_are_the_means_of_their_samples(values, step, offset):
    begin = BEGIN + offset * step
    batch = batch_of_samples([samples(values, step, begin)], window(), origin="t", rows_read=1)
    expected = {}
    for hour in range(2):
        low = BEGIN + hour * HOUR_S
        inside = [v for i, v in enumerate(values) if low <= begin + i * step < low + HOUR_S and v == v]
        if inside:
            expected[hour] = (sum(inside) / len(inside), len(inside) * step / HOUR_S)
    found = {row[2]: (row[3], row[4]) for row in rows(batch)}
    assert found.keys() == expected.keys()
    for hour, (mean, covered) in expected.items():
        assert list(found[hour]) == pytest.approx([mean, covered], abs=1e-6)


def rates_of(counts, times=None, bits=64, fastest=1e12):
    times = np.arange(len(counts)) * 300 if times is None else times
    return rates(np.asarray(times, dtype=np.int64), np.asarray(counts, dtype=np.float64), bits=bits, fastest=fastest)


def test_rates_of_a_counter():
    found = rates_of([0, 300, 900])
    assert (found.per_second.tolist(), found.lengths.tolist()) == ([1.0, 2.0], [300, 300])


def test_a_reset_leaves_its_step_out():
    found = rates_of([1e12, 1e12 + 300, 50, 350])
    assert (found.begins.tolist(), found.per_second.tolist(), found.resets) == ([0, 600], [1.0, 1.0], 1)


def test_a_wrap_is_followed_where_it_can_be_one():
    found = rates_of([2**32 - 100, 200], bits=32, fastest=1e9)
    assert (found.per_second.tolist(), found.wraps, found.resets) == ([1.0], 1, 0)
    high = rates_of([2**64 - 2**20, 2**20], fastest=1e9)
    assert high.per_second.tolist() == [2**21 / 300]
    assert rates_of([2**31, 200], bits=32, fastest=1e6).resets == 1  # as fast as no interface is


def test_a_jump_is_no_traffic_and_a_long_silence_no_rate():
    assert rates_of([0, 1e15], fastest=1e9).resets == 1
    assert len(rates_of([0, 10], times=[0, 7200]).per_second) == 0
    assert rates_of([0, np.nan, 600]).per_second.tolist() == [1.0]  # over the missing one


@given(
    st.lists(st.integers(0, 2**33), min_size=2, max_size=50),
    st.integers(0, 2**32 - 1),
    st.lists(st.booleans(), min_size=50, max_size=50),
)
def test_a_counter_that_wraps_gives_the_rates_of_one_that_does_not(steps, start, missing):
    """Below 2^32 a step; samples may be missing."""
    true = start + np.cumsum([step % 2**30 for step in steps])
    seen = np.where(np.asarray(missing[: len(true)]), np.nan, (true % 2**32).astype(np.float64))
    found = rates_of(seen, bits=32, fastest=2.0**31 / 300)
    kept = np.flatnonzero(np.isfinite(seen))
    for begin, length, value in zip(found.begins, found.lengths, found.per_second, strict=True):
        first = int(begin // 300)
        last = int((begin + length) // 300)
        if true[last] - true[first] < 2**32:
            assert value == pytest.approx((true[last] - true[first]) / length)
        assert first in kept and last in kept


def test_an_empty_window_holds_nothing():
    assert len(batch_of_samples([], Window(BEGIN, BEGIN), origin="t", rows_read=0).measurements) == 0
