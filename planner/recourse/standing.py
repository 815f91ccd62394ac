"""How much of what stands in all hours alike, such as a circuit: one size for hours that differ (pure)."""

import numpy as np

from planner.recourse.distribution import DemandByHour

CANDIDATES = 17
"""Sizes tried, and again between the two that the best one lies between: a 256th of what hours differ by."""


def standing_level(demand: DemandByHour, critical: float) -> float:
    """The quantile at which the hour that needs most is to be met, where one size stands in all hours.

    An hour of its own is best met at the quantile `critical` = shortage / (shortage + idle). What stands in all of
    them idles in all of them, so that it is best where the mean probability to suffice is `critical`: the first-order
    condition of idle x + shortage mean max(0, demand - x), which is the newsvendor's (Arrow, Harris and Marschak 1951)
    with a mean over hours. That is `critical` where all hours are alike, and less where one towers above the others.

    Args:
        demand: of each hour, at least one.
        critical: inside of (0, 1).
    """
    by_hour = demand.at_level(critical)
    low, high = float(by_hour.min()), float(by_hour.max())
    if low == high:
        return critical
    for _ in range(2):
        sizes = np.linspace(low, high, CANDIDATES)
        enough = demand.met(sizes).mean(axis=1) >= critical
        at = int(np.argmax(enough)) if enough.any() else CANDIDATES - 1
        low, high = float(sizes[max(0, at - 1)]), float(sizes[at])
    return min(critical, float(demand.met(np.array([high])).min()))
