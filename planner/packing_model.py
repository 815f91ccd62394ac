"""Whole units in the placement's programme: how many instances are filled in which way, and whose units partners hold.

Per region, and per loss that a region carries, a count of instances of each filling (`planner.packing`): no more of
them than there are instances, and places for every unit. What is left of instances is for demand that can be divided,
so that sums stay as they are. Source: Gilmore and Gomory (1961) for fillings as columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.capacity import Shape
from contracts.workloads import UnitSize
from planner.model import ModelBuilder
from planner.packing import Filling, Units, all_fillings, few_fillings, most_on
from planner.packing_units import added
from planner.sites import SHARE_STEPS, Site, losses

MOST_FILLINGS = 2_000
"""Columns of fillings in a programme of whole numbers: with 2,600, of ten regions, it takes 45 s. Where they are more,
one packing of a region has to do for every loss; where they still are, few fillings stand for all."""

MOST_IN_PARTS = 20_000
"""The same of a programme in which instances may be parts, which proves the bound then."""

LIKELY_SHAPES = 8
"""With few fillings, shapes are looked at which hold a unit of each size cheapest, so many by size, and those kept."""

ALIKE = "units packed alike for every loss"
FEW = f"{ALIKE}, in few of very many ways"

MEMORY_SHORT = 0.25
AT_PARTNERS = 1e-3
"""Weights of a unit that finds no place, beside a vCPU's: 4 GiB as bad; what partners lack gives way first."""

Shapes = Sequence[tuple[Shape, float]]
Counts = Mapping[tuple[str, str], int]
"""Columns of instances by region and shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """Units that are in a region at one time: as it serves, or as it carries one loss.

    Attributes:
        loss: that the region carries; empty where it serves.
        given: units that are there whatever partners are chosen, by whose they are.
        lost: regions whose critical units may come.
    """

    loss: str
    given: Mapping[str, Units]
    lost: tuple[Site, ...] = ()

    @property
    def most(self) -> Units:
        """As many of each size as there may be."""
        units: Units = {}
        for more in (*self.given.values(), *(one.critical_units for one in self.lost)):
            units = added(units, more)
        return units


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Instances of one region that have a place for every unit, at each of some times.

    Attributes:
        units: the most that there are of each size at one time, the largest first.
        kept: by shape, instances that stay whatever demand says.
        fillings: by shape, ways to fill one, as many of each size as stand in `units`.
    """

    region: str
    times: tuple[Time, ...]
    units: Units
    kept: Mapping[str, int]
    fillings: Mapping[Shape, tuple[Filling, ...]] = field(default_factory=dict)

    @property
    def serves(self) -> bool:
        return not self.times[0].loss


@dataclass(slots=True)
class Packs:
    """What has to be packed, and where each decision stands in the model's columns.

    Attributes:
        less: in words, what is looked at less than all, so that what is found packs, and may be dearer than need be.
        filled: by pack, instances of a shape that are filled in one way.
        carried: by lost region and partner, vCPUs and GiB that it holds: its share or its units, whichever is more.
        units: by lost region, partner and size.
        short: by region, whether at partners, and size.
    """

    packs: tuple[Pack, ...] = ()
    less: str = ""
    filled: list[dict[tuple[Shape, Filling], int]] = field(default_factory=list)
    carried: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    units: dict[tuple[str, str, UnitSize], int] = field(default_factory=dict)
    short: dict[tuple[str, bool, UnitSize], int] = field(default_factory=dict)

    @classmethod
    def of(cls, sites: Sequence[Site], *, in_parts: bool = False) -> "Packs":
        """All that has to be packed, as exactly as it can be; nothing where no units run.

        Args:
            sites: regions.
            in_parts: for a bound alone, so that there may be many columns, and nothing but what is exact counts.
        """
        asked = tuple(_asked(sites))
        every = _with_all(asked, MOST_IN_PARTS if in_parts else MOST_FILLINGS)
        if every is not None or in_parts:
            return cls(packs=every or ())
        alike = tuple(_merged(asked))
        every = _with_all(alike, MOST_FILLINGS)
        return cls(packs=tuple(_with_few(*item) for item in alike), less=FEW) if every is None else cls(every, ALIKE)


def carry(
    builder: ModelBuilder, packs: Packs, sites: Sequence[Site], shares: Mapping[tuple[str, str], int], *, elastic: bool
) -> None:
    """Every critical unit is at one partner, which holds its share of the load and no less than its units."""
    for site in sites:
        partners = [other for other in site.partners if (site.region, other) in shares]
        for size, count in site.critical_units.items():
            here = [builder.column(0, upper=count) for _ in partners]
            for other, units in zip(partners, here, strict=True):
                packs.units[site.region, other, size] = units
                builder.row([(units, 1.0), (shares[site.region, other], -float(count))], upper=0)
            terms = [(units, 1.0) for units in here]
            if elastic:
                terms.append((_short(builder, packs, (site.region, True, size), count), 1.0))
            builder.row(terms, lower=count)
        for other in partners if site.critical_units else ():
            packs.carried[site.region, other] = _carried(builder, packs, site, other, shares[site.region, other])


def hold(builder: ModelBuilder, packs: Packs, serving: Counts, failover: Counts, *, elastic: bool) -> None:
    """Instances are filled in ways that have a place for every unit.

    Args:
        builder: of the programme.
        packs: what is packed.
        serving: columns of instances that serve.
        failover: columns of those that stand by.
        elastic: whether units may be left without a place.
    """
    for pack in packs.packs:
        counts, filled = serving if pack.serves else failover, {}
        for shape, fillings in pack.fillings.items():
            for filling in fillings:
                filled[shape, filling] = builder.column(0, upper=_most(pack, filling))
            here = [(filled[shape, filling], 1.0) for filling in fillings]
            bought = counts.get((pack.region, shape.name))
            builder.row([*here, *([(bought, -1.0)] if bought is not None else [])], upper=pack.kept.get(shape.name, 0))
        packs.filled.append(filled)
        for time in pack.times:
            for at, size in enumerate(pack.units):
                places = [(column, float(filling[at])) for (_, filling), column in filled.items() if filling[at]]
                coming = [
                    (packs.units[one.region, pack.region, size], -1.0)
                    for one in time.lost
                    if (one.region, pack.region, size) in packs.units
                ]
                given = sum(units.get(size, 0) for units in time.given.values())
                if elastic and given:
                    what = (pack.region, False, size)
                    places.append((_short(builder, packs, what, given), 1.0))
                if given or coming:
                    builder.row([*places, *coming], lower=given)


def _asked(sites: Sequence[Site]) -> Iterator[tuple[Pack, Shapes]]:
    """What is packed, still without fillings, and what may hold it."""
    for site in sites:
        if site.units:
            yield _pack(site, Time(loss="", given={site.region: site.units})), _shapes(site.serving_shapes, site.kept)
        for loss in losses(sites, site):
            lost = tuple(one for one in loss.sites if one.critical_units and site.region in one.partners)
            if lost or loss.units:
                label = loss.name if site.falls_with else next(iter((*loss.units, *(one.region for one in lost))))
                time = Time(loss=label, given=loss.units, lost=lost)
                yield _pack(site, time), _shapes(site.failover_shapes, site.kept_standing)


def _pack(site: Site, time: Time) -> Pack:
    kept: dict[str, int] = {}
    for _, shape, count in site.kept_standing if time.loss else site.kept:
        kept[shape.name] = kept.get(shape.name, 0) + count
    return Pack(region=site.region, times=(time,), units=_ordered(time.most), kept=kept)


def _ordered(units: Units) -> Units:
    order = sorted(units, key=lambda one: (-one.vcpu, -one.memory_gib, one.name))
    return {size: units[size] for size in order}


def _merged(asked: Sequence[tuple[Pack, Shapes]]) -> Iterator[tuple[Pack, Shapes]]:
    """The same with one pack for all losses of a region."""
    alike: dict[tuple[str, bool], list[tuple[Pack, Shapes]]] = {}
    for pack, shapes in asked:
        alike.setdefault((pack.region, pack.serves), []).append((pack, shapes))
    for group in alike.values():
        most: dict[UnitSize, int] = {}
        for pack, _ in group:
            most |= {size: max(count, most.get(size, 0)) for size, count in pack.units.items()}
        times = tuple(time for pack, _ in group for time in pack.times)
        yield replace(group[0][0], times=times, units=_ordered(most)), group[0][1]


def _shapes(offers: Shapes, kept: Sequence[tuple[str, Shape, int]]) -> Shapes:
    """What is sold, and what is not (or not any more) and stays, for nothing."""
    names = {shape.name for shape, _ in offers}
    more = {shape.name: shape for _, shape, _ in kept if shape.name not in names}
    return (*offers, *((shape, 0.0) for shape in more.values()))


def _with_all(asked: Sequence[tuple[Pack, Shapes]], most: int) -> tuple[Pack, ...] | None:
    """Packs with every filling; None where these are too many."""
    known: dict[tuple[Shape, tuple[tuple[UnitSize, int], ...]], tuple[Filling, ...] | None] = {}
    packs, total = [], 0
    for pack, shapes in asked:
        fillings: dict[Shape, tuple[Filling, ...]] = {}
        for shape, _ in shapes:
            what = shape, tuple((size, min(count, most_on(shape, size))) for size, count in pack.units.items())
            if what not in known:
                known[what] = all_fillings(shape, pack.units)
            found = known[what]
            total += len(found or ())
            if found is None or total > most:
                return None
            fillings[shape] = found
        packs.append(replace(pack, fillings=fillings))
    return tuple(packs)


def _with_few(pack: Pack, shapes: Shapes) -> Pack:
    """Few fillings of few shapes: those that hold a unit of some size cheapest, and those that stay."""
    likely = set(pack.kept)
    for size in pack.units:
        each = [(usd / most, shape.name) for shape, usd in shapes if (most := most_on(shape, size))]
        likely.update(name for _, name in sorted(each)[:LIKELY_SHAPES])
    fillings = {shape: few_fillings(shape, pack.units) for shape, _ in shapes if shape.name in likely}
    return replace(pack, fillings=fillings)


def _carried(builder: ModelBuilder, packs: Packs, site: Site, other: str, share: int) -> tuple[int, int]:
    found = []
    for at, load in enumerate((site.critical.vcpu, site.critical.memory_gib)):
        held = builder.column(0, integer=False)
        builder.row([(held, 1.0), (share, -load / SHARE_STEPS)], lower=0)
        units = [
            (packs.units[site.region, other, size], -(size.vcpu, size.memory_gib)[at]) for size in site.critical_units
        ]
        builder.row([(held, 1.0), *units], lower=0)
        found.append(held)
    return found[0], found[1]


def _most(pack: Pack, filling: Filling) -> int:
    """No more instances are filled in one way than all units that it holds would need."""
    return max(-(-count // held) for count, held in zip(pack.units.values(), filling, strict=True) if held)


def _short(builder: ModelBuilder, packs: Packs, what: tuple[str, bool, UnitSize], most: int) -> int:
    """The column of units that find no place: one for all times of what serves."""
    if what not in packs.short:
        weight = what[2].vcpu + MEMORY_SHORT * what[2].memory_gib
        packs.short[what] = builder.column(weight * (AT_PARTNERS if what[1] else 1.0), upper=most)
    return packs.short[what]
