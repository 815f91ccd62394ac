"""Demand in resource units, by region and pair: what each will need in its busiest hour (pure).

A region's compute, memory and storage are its own series; its bandwidth is the sum of its pairs. A pair's bandwidth is
its traffic; its compute, memory and storage are the destination's, in proportion to the traffic that it brings there
(so pairs add up to their region on every path), else the coefficients'. All of it is read off whole paths, because the
busiest hour of a sum is neither the sum of busiest hours nor at a sum of quantiles.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from contracts.capacity import CapacityKind
from contracts.environment import Coefficients
from contracts.forecast import DemandBasis, ResourceDemand
from contracts.names import pair_ends
from contracts.series import SeriesKey, SeriesKind
from forecaster.coherence import Agreed
from forecaster.panel import Matrix
from forecaster.paths import quantiles_of

OWN = {
    CapacityKind.VCPU: SeriesKind.CPU,
    CapacityKind.MEMORY_GIB: SeriesKind.MEMORY,
    CapacityKind.STORAGE_GIB: SeriesKind.STORAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSettings:
    """How demand is told.

    Attributes:
        hours: the busiest hour of so many is looked for: as long as a plan holds.
        level: the quantile that recommendations rest on, 0 to 1.
        levels: of places that need another one, such as those of critical customers.
        derived: of series that were not measured, what they rest on, in words.
    """

    hours: int = 24
    level: float = 0.9
    levels: Mapping[str, float] = field(default_factory=dict)
    coefficients: Coefficients = field(default_factory=Coefficients)
    derived: Mapping[SeriesKey, str] = field(default_factory=dict)


def resource_demand(agreed: Agreed, begins: datetime, settings: DemandSettings) -> tuple[ResourceDemand, ...]:
    """Demand of every region and pair that has hourly paths.

    Args:
        agreed: their paths.
        begins: the first hour of the paths.
        settings: how it is told.
    """
    hours = min(settings.hours, agreed.paths.shape[2])
    if not agreed.keys or not hours:
        return ()
    told = _Told(begins=begins, settings=settings, paths=agreed.until(hours))
    return tuple(sorted((*told.regions(), *told.pairs()), key=lambda one: (one.place, one.kind)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Told:
    """Paths by series, each (paths, hours), and how to tell of them."""

    begins: datetime
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
            at=self.begins + timedelta(hours=int(busiest.argmax())),
            why=why,
        )


def _is_pair_of(key: SeriesKey, region: str) -> bool:
    return key.kind is SeriesKind.TRAFFIC and region in key.regions


def _leads_to(key: SeriesKey, region: str) -> bool:
    return key.kind is SeriesKind.TRAFFIC and key.regions[-1] == region
