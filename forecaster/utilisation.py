"""Use of a resource by load: learned in regions that measure both, for those that measure load alone (pure).

More load never takes less: medians of use over bins of load, made monotone by pooling adjacent violators (Ayer et al.
1955), straight between them; a median per bin is what makes it robust. Beyond the loads seen, use goes on in
proportion. The spread is that of log residuals, 1.4826 times their median absolute deviation.
"""

from dataclasses import dataclass

import numpy as np

from contracts.series import SeriesKey, SeriesKind
from forecaster.panel import Matrix, Panel

BINS = 24
FEWEST_HOURS = 168  # of both, together
MAD_TO_SD = 1.4826
NO_LOAD = 1e-9  # transactions in an hour: nothing is in proportion to less


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsageCurve:
    """Use at a load.

    Attributes:
        load, use: knots, ascending.
        log_sd: spread of use around the curve.
        regions, hours: what it was learned from.
    """

    load: Matrix
    use: Matrix
    log_sd: float
    regions: int
    hours: int

    def at(self, load: Matrix) -> Matrix:
        """Use at these loads; NaN where they are."""
        found = np.interp(load, self.load, self.use)
        for end, outside in ((0, load < self.load[0]), (-1, load > self.load[-1])):
            if self.load[end] > NO_LOAD:
                found = np.where(outside, self.use[end] * (load / self.load[end]), found)
        use: Matrix = found
        return use


def learn_usage(measured: Panel, resource: SeriesKind) -> UsageCurve | None:
    """Use of a resource by transactions, over all regions that measure both; None where that is too little."""
    loads = transactions(measured)
    pairs = [
        (loads[key.subject], measured.observed[row])
        for row, key in enumerate(measured.keys)
        if key.kind is resource and key.subject in loads
    ]
    seen = [np.isfinite(load) & np.isfinite(use) for load, use in pairs]
    hours = int(sum(each.sum() for each in seen))
    if hours < FEWEST_HOURS:
        return None
    load = np.concatenate([one[known] for (one, _), known in zip(pairs, seen, strict=True)])
    use = np.concatenate([one[known] for (_, one), known in zip(pairs, seen, strict=True)])
    return fit_usage(load, use, regions=sum(bool(each.any()) for each in seen))


def fit_usage(load: Matrix, use: Matrix, *, regions: int = 1) -> UsageCurve:
    """The curve of hours of load and use."""
    order = np.argsort(load, kind="stable")
    bins = [part for part in np.array_split(order, min(BINS, max(1, len(order) // 8))) if len(part)]
    knots = np.array([np.median(load[part]) for part in bins])
    medians = _monotone([float(np.median(use[part])) for part in bins], [len(part) for part in bins])
    distinct = np.concatenate([np.diff(knots) > 0, [True]])
    curve = UsageCurve(load=knots[distinct], use=medians[distinct], log_sd=0.0, regions=regions, hours=len(load))
    least = 1e-3 * float(np.median(use)) + 1e-12
    residual = np.log((use + least) / (curve.at(load) + least))
    spread = MAD_TO_SD * float(np.median(np.abs(residual - np.median(residual))))
    return UsageCurve(load=curve.load, use=curve.use, log_sd=spread, regions=regions, hours=len(load))


def transactions(measured: Panel) -> dict[str, Matrix]:
    """Transactions in each hour of each region, over its services; NaN where none of them is known."""
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(measured.keys):
        if key.kind is SeriesKind.TRANSACTIONS:
            rows.setdefault(_region(key), []).append(row)
    return {region: _total(measured.observed[found]) for region, found in sorted(rows.items())}


def _total(observed: Matrix) -> Matrix:
    total: Matrix = np.where(np.isfinite(observed).all(axis=0), np.nan_to_num(observed).sum(axis=0), np.nan)
    return total


def _region(key: SeriesKey) -> str:
    return key.subject.rpartition("@")[2]


def _monotone(values: list[float], weights: list[int]) -> Matrix:
    """Pool adjacent violators: the nearest ascending sequence, by weighted squares."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, float(weight), 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (one, a, m), (other, b, n) = pools[-2:]
            pools[-2:] = [((one * a + other * b) / (a + b), a + b, m + n)]
    flat: Matrix = np.repeat([mean for mean, _, _ in pools], [members for _, _, members in pools])
    return flat
