"""Tables in long form: what is kept of them, on which grid, and that a window's panel ends at its cutoff."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.series import Granularity, SeriesKind
from forecaster.errors import NothingToForecast, TimeUnclear
from forecaster.long_windows import WindowOrder, plan_long_windows
from forecaster.longform import actuals_after, panel_until, scales_until, tidy
from tests.forecaster.long_tables import HOUR, MONDAY, noisy, rows, table

FIRST = MONDAY // HOUR
BOTH = np.array([0, 1])


def windows(found, **order):
    plan = plan_long_windows(found, WindowOrder(**{"horizon": 24, "windows": 1, "apart": 24, **order}))
    return [(one.cutoff - FIRST, one.series.tolist()) for one in plan.windows], plan.notes


def test_the_last_of_rows_that_say_the_same_time_counts_and_gaps_are_gaps():
    made = rows({"a": (0, [1.0, 2.0, np.nan, 4.0])})
    again = replace(
        made,
        code=np.append(made.code, np.int32(0)),
        seconds=np.append(made.seconds, made.seconds[1]),
        value=np.append(made.value, 7.0),
    )
    found = tidy(again)
    panel = panel_until(found, FIRST + 3, np.array([0]), SeriesKind.TRAFFIC)
    np.testing.assert_array_equal(panel.observed[:, -4:], [[1.0, 7.0, np.nan, 4.0]])
    assert panel.steps == 49 and panel.known().tolist() == [3]  # what is not there is unknown
    assert panel.end.isoformat() == "2026-01-05T04:00:00+00:00"
    assert found.notes == (
        "1 rows without a value: gaps, not scored",
        "1 times given more than once for a series: the last row counts",
    )


def test_order_of_rows_does_not_matter():
    made = rows({"a": (0, noisy(50)), "b": (7, noisy(40, 1))})
    shuffled = np.random.default_rng(0).permutation(len(made.code))
    other = replace(made, code=made.code[shuffled], seconds=made.seconds[shuffled], value=made.value[shuffled])
    for one, two in zip((tidy(made),), (tidy(other),), strict=True):
        for name in ("code", "step", "value"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize(
    ("apart", "shift", "granularity"),
    [(HOUR, 0, "hourly"), (HOUR, 1800, "hourly"), (24 * HOUR, 0, "daily"), (24 * HOUR, 5 * HOUR, "daily")],
)
def test_grids(apart, shift, granularity):
    found = tidy(rows({"a": (0, noisy(30))}, apart, begin=MONDAY + shift))
    assert found.grid.granularity is Granularity(granularity)
    assert found.grid.seconds(found.step).tolist() == [MONDAY + shift + apart * at for at in range(30)]


def test_times_off_the_grid_are_named():
    with pytest.raises(TimeUnclear, match=r"29 of 30 times .* such as 2026-01-05T00:15:00"):
        tidy(replace(rows({"a": (0, noisy(30))}), seconds=MONDAY + 900 * (np.arange(30) > 0)))


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_a_table_without_values_is_refused(values):
    with pytest.raises(NothingToForecast, match=r"made\.parquet"):
        table({"a": (0, values)})


def test_values_below_zero_are_unknown_to_models_and_scored_as_they_are():
    found = table({"a": (0, [5.0, -1.0, 3.0, -2.0])})
    panel = panel_until(found, FIRST + 1, np.array([0]), SeriesKind.TRAFFIC)
    np.testing.assert_array_equal(panel.observed[:, -2:], [[5.0, np.nan]])
    np.testing.assert_array_equal(actuals_after(found, FIRST + 1, np.array([0]), 3), [[3.0, -2.0, np.nan]])
    assert "2 values below 0" in found.notes[0]


def test_scale_is_the_mean_step_over_24_hours_up_to_the_cutoff():
    values = noisy(100)
    values[[30, 31, 60]] = np.nan
    found = table({"a": (0, values), "b": (50, noisy(40, 1)), "c": (0, noisy(24))})
    for cutoff in (20, 24, 47, 99):
        steps = [abs(values[at] - values[at - 24]) for at in range(24, cutoff + 1)]
        expected = np.nanmean(steps) if steps else np.nan
        scales = scales_until(found, FIRST + cutoff, np.array([0, 1, 2]))
        assert scales[0] == pytest.approx(expected, nan_ok=True)
        assert np.isnan(scales[2])  # never a pair of days
        assert np.isnan(scales[1]) == (cutoff < 50 + 24)


def test_windows_end_with_the_data():
    found = table({"a": (0, noisy(200)), "b": (10, noisy(180, 1))})
    assert windows(found, windows=2)[0] == [(151, [0, 1]), (175, [0, 1])]


def test_series_that_ended_long_ago_have_windows_of_their_own():
    found = table({"a": (0, noisy(400)), "b": (0, noisy(200)), "c": (0, noisy(190)), "d": (0, noisy(385))})
    assert windows(found)[0] == [(175, [1, 2]), (375, [0, 3])]


def test_a_first_cutoff_is_the_last_hour_seen_by_the_first_window():
    found = table({"a": (0, noisy(200)), "b": (130, noisy(70, 1)), "c": (0, noisy(100))})
    asked, notes = windows(found, windows=4, first_cutoff=FIRST + 120)
    assert asked == [(120, [0]), (144, [0, 1]), (168, [0, 1]), (192, [0, 1])]
    assert notes == (
        "1 windows of 1 series left out, nothing is known of it up to the cutoff: b",
        "4 windows of 1 series left out, nothing is known of it in the window: c",
    )


def test_a_window_that_is_longer_than_the_data_says_what_would_fit():
    with pytest.raises(NothingToForecast, match=r"holds 30 hours .* window of 168") as told:
        windows(table({"a": (0, noisy(30))}), horizon=168)
    assert told.value.next_step == "--horizon 15 --windows 1"
    with pytest.raises(NothingToForecast, match="both up to 2026-01-13T08:00 and after it"):
        windows(table({"a": (0, noisy(30))}), first_cutoff=FIRST + 200)


@pytest.mark.parametrize("cutoff", [None, FIRST + 40])
def test_a_table_of_negative_values_says_so(cutoff):
    """Whatever horizon is asked for: a shorter one would help nobody."""
    with pytest.raises(NothingToForecast, match="80 of 80 values are below 0") as told:
        windows(table({"a": (0, -noisy(80))}), horizon=24, first_cutoff=cutoff)
    assert "sign" in told.value.next_step and "--horizon" not in told.value.next_step


def test_a_panel_holds_nothing_of_what_came_after():
    values = noisy(100)
    later = values.copy()
    later[61:] *= 1000
    one, two = (
        panel_until(table({"a": (0, each)}), FIRST + 60, np.array([0]), SeriesKind.TRAFFIC) for each in (values, later)
    )
    assert one.steps == 61 and one.observed.base is None
    assert one.observed.tobytes() == two.observed.tobytes() and one.filled.tobytes() == two.filled.tobytes()


def test_what_looks_like_counts():
    assert table({"a": (0, [0, 0, 3.0, 0])}).looks_like_counts()
    assert not table({"a": (0, [0, 0, 3.5, 0])}).looks_like_counts()
    assert not table({"a": (0, [5, 6, 3.0, 0])}).looks_like_counts()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (range(0, 24 * 20, 24), "a value every 24 hours;"),
        ([*range(100), *range(100, 100 + 24 * 20, 24)], "a value every hour at first and every 24 hours at the end;"),
        (range(200), None),
        ([at for at in range(200) if at % 9], None),  # now and then an hour is not there
    ],
    ids=["daily beside hourly", "turns daily", "hourly", "gaps"],
)
def test_mixed_frequencies_are_told(steps, told):
    values = np.full(max(steps) + 1, np.nan)
    values[list(steps)] = 5.0
    notes = [one for one in tidy(rows({"a": (0, noisy(200)), "b": (0, values)})).notes if one.startswith("mixed")]
    assert [("1 of 2 series" in one and "such as b, which has " + told in one) for one in notes] == [True] * bool(told)


def test_values_a_week_apart_are_told():
    (note,) = [one for one in tidy(rows({"a": (0, noisy(9))}, 7 * 24 * HOUR)).notes if "every 7 days" in one]
    assert note.startswith("few values: 1 of 1 series do not have a value every day")
