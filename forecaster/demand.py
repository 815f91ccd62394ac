"""Demand in resource units, by region and pair: what each will need in its busiest hour (pure).

A region's compute, memory and storage are its own series; its bandwidth is the sum of its pairs. A pair's bandwidth is
its traffic; its compute, memory and storage are the destination's, in proportion to the traffic that it brings there
(so pairs add up to their region on every path), else the coefficients'. All of it is read off whole paths, because the
busiest hour of a sum is neither the sum of busiest hours nor at a sum of quantiles.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np

from contracts.capacity import CapacityKind
from contracts.environment import Coefficients
from contracts.forecast import DemandBasis, ResourceDemand
from contracts.names import pair_ends
from contracts.series import SeriesKey, SeriesKind
from forecaster.panel import Matrix, Panel
from forecaster.paths import paths_within_memory, quantiles_of, sample_paths, seasonal_ranks, widths

PATHS = 500
OWN = {
    CapacityKind.VCPU: SeriesKind.CPU,
    CapacityKind.MEMORY_GIB: SeriesKind.MEMORY,
    CapacityKind.STORAGE_GIB: SeriesKind.STORAGE,
}
_NEEDED = (*OWN.values(), SeriesKind.TRAFFIC, SeriesKind.BANDWIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSettings:
    """How demand is told.

    Attributes:
        hours: the busiest hour of so many is looked for: as long as a plan holds.
        level: the quantile that recommendations rest on, 0 to 1.
        levels: of places that need another one, such as those of critical customers.
        derived: of series that were not measured, what they rest on, in words.
        seed: of the paths.
    """

    hours: int = 24
    level: float = 0.9
    levels: Mapping[str, float] = field(default_factory=dict)
    coefficients: Coefficients = field(default_factory=Coefficients)
    derived: Mapping[SeriesKey, str] = field(default_factory=dict)
    seed: int = 0


def resource_demand(panel: Panel, quantiles: Matrix, settings: DemandSettings) -> tuple[ResourceDemand, ...]:
    """Demand of every region and pair of an hourly panel.

    Args:
        panel: what was seen.
        quantiles: (series, steps, levels) of what follows it.
        settings: how it is told.
    """
    rows = [row for row, key in enumerate(panel.keys) if key.kind in _NEEDED]
    hours = min(settings.hours, quantiles.shape[1])
    if not rows or not hours:
        return ()
    part = rows_of(panel, rows)
    count = paths_within_memory(PATHS, len(rows), hours)
    said = quantiles[rows, :hours]
    paths = sample_paths(said, seasonal_ranks(part), count, settings.seed, _weights(part, said)).astype(np.float64)
    told = _Told(panel=part, settings=settings, paths={key: paths[:, row] for row, key in enumerate(part.keys)})
    return tuple(sorted((*told.regions(), *told.pairs()), key=lambda one: (one.place, one.kind)))


def _weights(panel: Panel, quantiles: Matrix) -> Matrix:
    """Each kind of series counts alike, whatever its unit; in a kind, the widest count most."""
    wide, kinds = widths(quantiles), np.array([key.kind for key in panel.keys])
    total = np.array([wide[kinds == kind].sum() for kind in kinds])
    weights: Matrix = wide / np.where(total > 0, total, 1.0)
    return weights


def rows_of(panel: Panel, rows: list[int]) -> Panel:
    """The panel with some of its series only."""
    keys = tuple(panel.keys[row] for row in rows)
    return replace(panel, keys=keys, observed=panel.observed[rows], filled=panel.filled[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Told:
    """Paths by series, each (paths, hours), and how to tell of them."""

    panel: Panel
    settings: DemandSettings
    paths: Mapping[SeriesKey, Matrix]

    def regions(self) -> Iterator[ResourceDemand]:
        names = sorted({region for key in self.paths for region in key.regions})
        for region in names:
            for kind, series in OWN.items():
                key = SeriesKey(series, region)
                if key in self.paths:
                    yield self._demand(region, kind, self.paths[key], *self._basis(key))
            pairs = [path for key, path in sorted(self.paths.items()) if _is_pair_of(key, region)]
            edge = SeriesKey(SeriesKind.BANDWIDTH, region)
            if pairs:
                total: Matrix = np.stack(pairs).sum(axis=0)
                told = f"the sum of {len(pairs)} pairs, in and out"
                yield self._demand(region, CapacityKind.GBPS, total, DemandBasis.MEASURED, told)
            elif edge in self.paths:
                yield self._demand(region, CapacityKind.GBPS, self.paths[edge], DemandBasis.MEASURED, "at its edge")

    def pairs(self) -> Iterator[ResourceDemand]:
        for key, path in sorted(self.paths.items()):
            if key.kind is not SeriesKind.TRAFFIC:
                continue
            yield self._demand(key.subject, CapacityKind.GBPS, path, DemandBasis.MEASURED, "its traffic")
            for kind, series in OWN.items():
                yield self._of_pair(key, path, kind, series)

    def _of_pair(self, key: SeriesKey, path: Matrix, kind: CapacityKind, series: SeriesKind) -> ResourceDemand:
        destination = pair_ends(key.subject)[1]
        use = self.paths.get(SeriesKey(series, destination))
        if use is None:
            factor, told = self._coefficient(kind)
            return self._demand(key.subject, kind, factor * path, DemandBasis.COEFFICIENTS, told)
        into = [one for other, one in sorted(self.paths.items()) if _leads_to(other, destination)]
        arriving: Matrix = np.stack(into).sum(axis=0)
        share = np.where(arriving > 0, path / np.where(arriving > 0, arriving, 1.0), 1.0 / len(into))
        told = f"of what {destination} uses, by the traffic that it brings there"
        return self._demand(key.subject, kind, share * use, DemandBasis.SHARE, told)

    def _coefficient(self, kind: CapacityKind) -> tuple[float, str]:
        numbers = self.settings.coefficients
        per_vcpu = {
            CapacityKind.MEMORY_GIB: numbers.memory_gib_per_vcpu,
            CapacityKind.STORAGE_GIB: numbers.storage_gib_per_vcpu,
        }.get(kind, 1.0)
        return numbers.vcpu_per_gbps * per_vcpu, f"{numbers.vcpu_per_gbps * per_vcpu:g} {kind.value} per gbps"

    def _basis(self, key: SeriesKey) -> tuple[DemandBasis, str]:
        told = self.settings.derived.get(key)
        if told is None:
            return DemandBasis.MEASURED, "measured"
        return (DemandBasis.UTILISATION if "other regions" in told else DemandBasis.COEFFICIENTS), told

    def _demand(self, place: str, kind: CapacityKind, path: Matrix, basis: DemandBasis, why: str) -> ResourceDemand:
        peaks, level = path.max(axis=1), self.settings.levels.get(place, self.settings.level)
        busiest = np.bincount(path.argmax(axis=1), minlength=path.shape[1])
        return ResourceDemand(
            place=place,
            kind=kind,
            basis=basis,
            hours=path.shape[1],
            peak=tuple(round(float(value), 6) for value in quantiles_of(peaks)),
            level=level,
            recommended=round(float(np.quantile(peaks, level)), 6),
            at=self.panel.end + timedelta(hours=int(busiest.argmax())),
            why=why,
        )


def _is_pair_of(key: SeriesKey, region: str) -> bool:
    return key.kind is SeriesKind.TRAFFIC and region in key.regions


def _leads_to(key: SeriesKey, region: str) -> bool:
    return key.kind is SeriesKind.TRAFFIC and key.regions[-1] == region
