"""Series that follow from others (pure): traffic of a region from its pairs, demand of a region from telemetry."""

from dataclasses import dataclass

import numpy as np

from contracts.environment import Coefficients
from contracts.forecast import Treatment
from contracts.names import pair_ends
from contracts.series import SeriesKey, SeriesKind
from forecaster.panel import Matrix, Panel
from forecaster.utilisation import UsageCurve, learn_usage

DERIVED = "not measured: derived, "
YOUNG_HOURS = 168  # a row that began later than this before the end does not shorten the sums that it is part of


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A series that was not measured: its key, its hours (NaN where nothing is known), and why it is here.

    Attributes:
        log_sd: how far it may lie from what would have been measured.
    """

    key: SeriesKey
    observed: Matrix
    treatment: Treatment | None = None
    log_sd: float = 0.0


def region_traffic(measured: Panel, regions: tuple[str, ...]) -> list[Derived]:
    """In and out of each region, summed over its pairs; traffic within the region counts once."""
    ends = {row: pair_ends(key.subject) for row, key in enumerate(measured.keys) if key.kind is SeriesKind.TRAFFIC}
    found = sorted({region for pair in ends.values() for region in pair})
    series = []
    for region in found:
        if regions and region not in regions:
            continue
        rows = [row for row, pair in ends.items() if region in pair]
        series.append(Derived(SeriesKey(SeriesKind.REGION_TRAFFIC, region), summed(measured, rows)))
    return series


def derived_demand(measured: Panel, coefficients: Coefficients) -> list[Derived]:
    """CPU, memory and storage of regions that have transactions and lack the measured series.

    By how other regions use them where some measure both, else by the coefficients.
    """
    services: dict[str, list[int]] = {}
    for row, key in enumerate(measured.keys):
        if key.kind is SeriesKind.TRANSACTIONS:
            services.setdefault(key.subject.rpartition("@")[2], []).append(row)
    curves = {kind: learn_usage(measured, kind) for kind, _, _ in _demands(coefficients)} if services else {}
    series = []
    for region, rows in sorted(services.items()):
        load = summed(measured, rows)
        for kind, factor, reason in _demands(coefficients):
            key, curve = SeriesKey(kind, region), curves[kind]
            if key in measured.keys:
                continue
            use = load / 1000 * coefficients.vcpu_per_1000_transactions * factor if curve is None else curve.at(load)
            told = reason if curve is None else _learned(curve)
            treatment = Treatment(series=str(key), what=f"{DERIVED}{told}", hours=int(np.isfinite(use).sum()))
            series.append(Derived(key, use, treatment, curve.log_sd if curve else 0.0))
    return series


def _learned(curve: UsageCurve) -> str:
    return (
        f"as {curve.regions} other regions use it by transactions, "
        f"learned in {curve.hours} hours, give or take {np.expm1(curve.log_sd):.0%}"
    )


def _demands(coefficients: Coefficients) -> tuple[tuple[SeriesKind, float, str], ...]:
    """Kind, factor on derived vCPUs, and the reason in words."""
    vcpu = f"{coefficients.vcpu_per_1000_transactions:g} vCPU per 1000 transactions in the hour"
    memory, storage = coefficients.memory_gib_per_vcpu, coefficients.storage_gib_per_vcpu
    return (
        (SeriesKind.CPU, 1.0, vcpu),
        (SeriesKind.MEMORY, memory, f"{memory:g} GiB per vCPU, {vcpu}"),
        (SeriesKind.STORAGE, storage, f"{storage:g} GiB per vCPU, {vcpu}"),
    )


def summed(panel: Panel, rows: list[int]) -> Matrix:
    """The sum of rows, from when all have begun that are older than `YOUNG_HOURS`; younger ones add from then on.

    An hour counts as observed when at least half of the rows that have begun were observed in it; the others enter with
    their filled values. Sums from before a row began would look like a rise of demand when it did.
    """
    observed, filled = panel.observed[rows], panel.filled[rows]
    alive = np.isfinite(filled).sum(axis=0)
    seen = np.isfinite(observed).sum(axis=0)
    total = np.where(np.isfinite(filled), filled, 0.0).sum(axis=0)
    starts = np.isnan(filled).sum(axis=1)
    old = starts[panel.steps - starts >= YOUNG_HOURS]
    begun = np.arange(panel.steps) >= (old.max() if len(old) else 0)
    found: Matrix = np.where(begun & (seen > 0) & (2 * seen >= alive), total, np.nan)
    return found
