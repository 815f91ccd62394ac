"""Critical units at partners that are left as they are: what stands by there is not moved, and holds what it can.

Stands before the placement: those units need no place elsewhere. First fit decreasing says which, one loss at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from contracts.capacity import Shape
from contracts.resources import FailoverSpec, Purpose, ResourceKind
from contracts.workloads import UnitSize
from planner.given import Given
from planner.market import Market
from planner.packing import Held, Units, Whose, first_fit
from planner.packing_units import added
from planner.question import Question
from planner.sites import Amount, Kept, Site, kept_compute


def with_lent_places(question: Question, market: Market, given: Given, sites: Sequence[Site]) -> tuple[Site, ...]:
    """Regions with what they need places for at partners that may be chosen.

    Of a region whose load given entries carry whole, nobody else may hold any: its units count as carried, as its
    load does.
    """
    if not question.environment.workloads:
        return tuple(sites)
    left = {site.region: dict(site.critical_units) for site in sites}
    lent: dict[str, tuple[Held, ...]] = {}
    shares = {site.region: dict(_entries(given, site.region)) for site in sites}
    for partner in sorted({partner for each in shares.values() for partner in each if question.is_frozen(partner)}):
        kept = tuple(kept_compute(market, given, partner, Purpose.FAILOVER))
        losses: dict[str, list[Site]] = {}
        for site in sites:
            if partner in shares[site.region]:
                losses.setdefault(site.falls_with or site.region, []).append(site)
        for loss, lost in losses.items():
            for held in _held((partner, loss), kept, lost, left):
                first = next(site.region for site in lost if any(of == site.region for of, _ in held.units))
                lent[first] = (*lent.get(first, ()), held)
    return tuple(_with(site, left, lent, sum(shares[site.region].values())) for site in sites)


def _with(
    site: Site, left: Mapping[str, dict[UnitSize, int]], lent: Mapping[str, tuple[Held, ...]], given_share: float
) -> Site:
    units = {} if given_share >= 1 - 1e-9 else {size: n for size, n in left[site.region].items() if n}
    critical = site.critical.or_more(Amount.of_units(units))
    return replace(site, critical_units=units, critical=critical, lent=lent.get(site.region, ()))


def _held(
    where: tuple[str, str], kept: Sequence[Kept], lost: Sequence[Site], left: Mapping[str, dict[UnitSize, int]]
) -> Iterator[Held]:
    """What instances that stay hold of lost regions' units, which is taken off what is left of them."""
    together: Units = {}
    for site in lost:
        together = added(together, site.critical_units)
    keys: dict[Shape, list[str]] = {}
    for key, shape, count in kept:
        keys.setdefault(shape, []).extend([key] * count)
    for bin_ in first_fit([(shape, count) for _, shape, count in kept], together).bins:
        units: dict[Whose, int] = {}
        for size, places in bin_.holds.items():
            for site in lost:
                if count := min(places, left[site.region].get(size, 0)):
                    units[site.region, size] = count
                    left[site.region][size] -= count
                    places -= count
        if units:
            partner, loss = where
            yield Held(
                region=partner, loss=loss, shape=bin_.shape.name, instances=1, units=units, key=keys[bin_.shape].pop()
            )


def _entries(given: Given, region: str) -> Iterator[tuple[str, float]]:
    for entry in given.of(region, ResourceKind.FAILOVER, Purpose.SUPPORT):
        if isinstance(entry.spec, FailoverSpec):
            yield entry.spec.partner, entry.spec.share
