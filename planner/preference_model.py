"""The programme that decides where movable demand is served: shares, instances and what stands by, all at once.

It is the placement's programme (`planner.placement_model`) with the share of each region's demand that each allowed
host serves as variables in whole twentieths, hour by hour. It is looser in two things: instances come in fractions, and
what a partner carries may be another part of the vCPUs than of the memory, in any fraction, on any number of partners.
So the requirement of a host is linear in the shares, what is lost with it is carried, too, and the answer does not hang
on what just fills an instance up. What is decided is judged by whole plans afterwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from contracts.capacity import CapacityKind
from contracts.environment import Environment
from contracts.preference import Move
from planner.bounds import gives
from planner.model import Floats, LinearModel, ModelBuilder
from planner.preference_rules import STEP, Pair, steps_of
from planner.sites import Amount, Site, losses

KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)

Load = Mapping[CapacityKind, Floats]
"""By kind: (hours, 2 + hosted) of a region, at the quantile that it is sized at: what it serves with nothing decided,
its own demand, and that of each region that it may serve."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """What the programme is built of.

    Attributes:
        sites: regions with all demand at home.
        pairs: who may serve whose demand.
        loads: of every region of a pair, its hosted regions in the order of `hosted`.
        hosted: by region, whose demand it may serve.
        given: by region, compute that serves there whatever is decided.
        critical: by region, the share of what it serves that partners carry, beside what given entries do.
        barred: by region and host, partners of the host that may not have what is the region's.
        kept: by region and kind, what is asked besides the forecast: what calm keeps.
        rooms: of what comes with demand, limits that several pairs share: what each vCPU of a pair takes, and the room.
        earlier: what is served elsewhere now.
    """

    environment: Environment
    sites: tuple[Site, ...]
    pairs: tuple[Pair, ...]
    loads: Mapping[str, Load]
    hosted: Mapping[str, tuple[str, ...]]
    given: Mapping[str, Amount]
    critical: Mapping[str, float]
    barred: Mapping[tuple[str, str], tuple[str, ...]]
    kept: Mapping[tuple[str, CapacityKind], float]
    rooms: tuple[tuple[Mapping[tuple[str, str], float], float], ...]
    earlier: tuple[Move, ...]


@dataclass(slots=True)
class Columns:
    """Where each decision stands: twentieths by region and host, instances, what partners carry by kind."""

    steps: dict[tuple[str, str], int] = field(default_factory=dict)
    serving: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    failover: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    carried: dict[tuple[str, str, CapacityKind], int] = field(default_factory=dict)


def build_choice(choice: Choice) -> tuple[LinearModel, Columns]:
    """The programme, and where each decision stands in it."""
    builder, columns = ModelBuilder(), Columns()
    for pair in choice.pairs:
        _pair_columns(builder, columns, choice, pair)
    for site in choice.sites:
        _site_columns(builder, columns, choice, site)
    for source in dict.fromkeys(pair.source.region for pair in choice.pairs):
        mine = [pair for pair in choice.pairs if pair.source.region == source]
        builder.row([(columns.steps[source, pair.host], 1.0) for pair in mine], upper=mine[0].source.steps)
    for pair in choice.pairs:
        _no_exchange(builder, columns, choice, pair)
    for taken, room in choice.rooms:
        builder.row([(columns.steps[pair], amount) for pair, amount in taken.items()], upper=max(0.0, room))
    for pair in choice.pairs:
        _bar(builder, columns, choice, pair)
    for site in choice.sites:
        _serve(builder, columns, choice, site)
        _fit(builder, columns, choice, site)
        _stand_by(builder, columns, choice, site)
    return builder.build(), columns


def moves_of(columns: Columns, values: Floats) -> Mapping[tuple[str, str], int]:
    """Twentieths that are served elsewhere, by region and host."""
    return {pair: steps for pair, at in columns.steps.items() if (steps := round(float(values[at])))}


def _pair_columns(builder: ModelBuilder, columns: Columns, choice: Choice, pair: Pair) -> None:
    """Twentieths of a region's demand in a host: what comes with them costs, and so does each that is not as before."""
    source, each = pair.source, pair.source.peak.vcpu * STEP
    at = builder.column(pair.brought_usd * each, upper=source.steps)
    columns.steps[source.region, pair.host] = at
    before = sum(
        steps_of(move.share) for move in choice.earlier if (move.region, move.host) == (source.region, pair.host)
    )
    charge = move_usd(pair) * STEP
    more, fewer = builder.column(charge, integer=False), builder.column(charge, integer=False)
    builder.row([(at, 1.0), (more, -1.0), (fewer, 1.0)], lower=before, upper=before)


def _no_exchange(builder: ModelBuilder, columns: Columns, choice: Choice, pair: Pair) -> None:
    """Of two regions that may serve each other's demand, one does at most."""
    one, other = (pair.source.region, pair.host), (pair.host, pair.source.region)
    if one < other and other in columns.steps:
        most = {item.source.region: float(item.source.steps) for item in choice.pairs}
        way = builder.column(0.0, upper=1)
        builder.row([(columns.steps[one], 1.0), (way, -most[one[0]])], upper=0)
        builder.row([(columns.steps[other], 1.0), (way, most[other[0]])], upper=most[other[0]])


def _bar(builder: ModelBuilder, columns: Columns, choice: Choice, pair: Pair) -> None:
    """Partners of a host that may not have what is another region's carry nothing for it once it serves any of that."""
    place = pair.source.region, pair.host
    partners = [
        partner for partner in choice.barred.get(place, ()) if (pair.host, partner, KINDS[0]) in columns.carried
    ]
    if not partners:
        return
    serves = builder.column(0.0, upper=1)
    builder.row([(columns.steps[place], 1.0), (serves, -float(pair.source.steps))], upper=0)
    for kind in KINDS:
        most = float(choice.loads[pair.host][kind].sum(axis=1).max()) + choice.kept.get((pair.host, kind), 0.0)
        for partner in partners:
            builder.row([(columns.carried[pair.host, partner, kind], 1.0), (serves, most)], upper=most)


def move_usd(pair: Pair) -> float:
    """USD per hour that a move of all of a region's demand has to save: a share of what that costs at home."""
    home = pair.usd if pair.source.usd is None else pair.source.usd
    return pair.source.settings.saves_share * home * pair.source.peak.vcpu


def _site_columns(builder: ModelBuilder, columns: Columns, choice: Choice, site: Site) -> None:
    columns.serving[site.region] = [
        (builder.column(usd, integer=False), float(shape.vcpu), float(shape.memory_gib))
        for shape, usd in site.serving_shapes
    ]
    columns.failover[site.region] = [
        (builder.column(usd, integer=False), float(shape.vcpu), float(shape.memory_gib))
        for shape, usd in site.failover_shapes
    ]
    if choice.critical.get(site.region):
        for partner in site.partners:
            for kind in KINDS:
                columns.carried[site.region, partner, kind] = builder.column(0.0, integer=False)


def _demand(choice: Choice, columns: Columns, site: Site, kind: CapacityKind) -> list[tuple[float, dict[int, float]]]:
    """What must serve, as a number and what each twentieth of a share adds: a row for each hour that may need most."""
    region, kept = site.region, choice.kept.get((site.region, kind), 0.0)
    settings = choice.environment.region(region)
    least = settings.minimum.get(kind, 0.0) if settings else 0.0
    table = choice.loads[region][kind]
    found: list[tuple[float, dict[int, float]]] = [(least, {})] if least > 0 else []
    mine = [at for (source, _), at in columns.steps.items() if source == region]
    leaves = STEP * max((pair.source.steps for pair in choice.pairs if pair.source.region == region), default=0)
    for hour in beyond_others(np.column_stack([table[:, 0], table[:, 0] - leaves * table[:, 1], table[:, 2:]])):
        terms = {at: -STEP * float(table[hour, 1]) for at in mine}
        for where, source in enumerate(choice.hosted.get(region, ()), start=2):
            terms[columns.steps[source, region]] = STEP * float(table[hour, where])
        found.append((kept + float(table[hour, 0]), terms))
    return found


def beyond_others(table: Floats) -> list[int]:
    """Hours of which no other needs at least as much of everything."""
    found: list[int] = []
    for hour in np.argsort(-table.sum(axis=1), kind="stable"):
        if not any((table[other] >= table[hour]).all() for other in found):
            found.append(int(hour))
    return found


def _amount(amount: Amount, kind: CapacityKind) -> float:
    return amount.vcpu if kind is CapacityKind.VCPU else amount.memory_gib


def _gives(shapes: Iterable[tuple[int, float, float]], kind: CapacityKind) -> list[tuple[int, float]]:
    return [(at, vcpu if kind is CapacityKind.VCPU else memory) for at, vcpu, memory in shapes]


def _serve(builder: ModelBuilder, columns: Columns, choice: Choice, site: Site) -> None:
    """Instances and what is given cover what must serve, in every hour; partners carry the critical part of it."""
    critical = choice.critical.get(site.region, 0.0)
    for kind in KINDS:
        serving = _gives(columns.serving[site.region], kind)
        carried = [(at, 1.0) for (lost, _, of), at in columns.carried.items() if (lost, of) == (site.region, kind)]
        if site.region not in choice.loads:
            builder.row(serving, lower=_amount(site.serving, kind))
            if carried:
                builder.row(carried, lower=_amount(site.critical, kind))
            continue
        has = _amount(choice.given.get(site.region, Amount()), kind)
        for amount, terms in _demand(choice, columns, site, kind):
            builder.row([*serving, *((at, -each) for at, each in terms.items())], lower=amount - has)
            if carried:
                lost = [(at, -critical * each) for at, each in terms.items()]
                builder.row([*carried, *lost], lower=critical * amount)


def _fit(builder: ModelBuilder, columns: Columns, choice: Choice, site: Site) -> None:
    """Within quotas, and what serves within people's maxima."""
    serving, all_here = columns.serving[site.region], columns.serving[site.region] + columns.failover[site.region]
    for kind in KINDS:
        builder.row(_gives(all_here, kind), upper=_amount(site.room, kind))
    shapes = [shape for shape, _ in (*site.serving_shapes, *site.failover_shapes)]
    bearing = [(at, float(s.accelerators)) for (at, _, _), s in zip(all_here, shapes, strict=True) if s.accelerators]
    if bearing and np.isfinite(site.accelerators):
        builder.row(bearing, upper=site.accelerators)
    for kind, most in site.most.items():
        kinds = [gives(shape, kind) for shape, _ in site.serving_shapes]
        builder.row([(at, each) for (at, _, _), each in zip(serving, kinds, strict=True)], upper=most)


def _stand_by(builder: ModelBuilder, columns: Columns, choice: Choice, site: Site) -> None:
    """What stands by here covers what each loss may bring, one at a time."""
    for kind in KINDS:
        standing = _gives(columns.failover[site.region], kind)
        for loss in losses(choice.sites, site):
            names = [(lost.region, site.region, kind) for lost in loss.sites]
            brought = [(columns.carried[name], -1.0) for name in names if name in columns.carried]
            if brought or _amount(loss.given, kind):
                lower = _amount(loss.given, kind) - _amount(site.standing, kind)
                builder.row([*standing, *brought], lower=lower)
