"""What a forecast tells of the last days: the peak of each, the last one first, and nothing of one without a value."""

import numpy as np

from forecaster.parts import recent_peaks


def test_the_peak_of_each_of_the_last_seven_days():
    hours = np.arange(9 * 24, dtype=np.float64)
    assert recent_peaks(hours) == tuple(9 * 24 - 1 - 24.0 * day for day in range(7))


def test_days_without_a_value_and_before_the_first_are_not_known():
    hours = np.full(60, np.nan)
    hours[-1], hours[10] = 3.25, 7.0  # the last day, and the twelve hours that begin the series
    assert recent_peaks(hours) == (3.25, None, 7.0, None, None, None, None)
    assert recent_peaks(np.zeros(0)) == (None,) * 7
