"""The placement's programme of whole numbers: counts of shapes, failover shares, and what they must keep.

Per region and shape a count that serves and a count that stands by; per region and partner a share in twentieths.
What stands by in a region covers the largest of the loads that it backs up, one loss at a time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from contracts.failover import FailoverSettings
from planner.bounds import gives
from planner.model import Floats, LinearModel, ModelBuilder
from planner.packing_found import packed_in
from planner.packing_model import Packs, carry, hold
from planner.sites import SHARE_STEPS, Amount, Live, Site, losses

MOVE_SHARE = 0.05
"""Removing compute is charged this share of its price per hour: a move of a day's plan must save more than an hour."""

SHARE_MOVE_USD = 1e-3
"""Charge per twentieth of a failover share that leaves a live partner: breaks ties, decides nothing else."""

VCPU_SHORT, MEMORY_SHORT, SHARE_SHORT = 1.0, 0.25, 1e-3
"""Weights of what an impossible demand lacks: 4 GiB as bad as a vCPU; failover gives way before serving does."""


class Form(NamedTuple):
    """What a model is built for: the sites, whether moving is charged, whether demand may be left unmet.

    `in_parts`: as little whole as proves a bound: instances, shares and units may be parts.
    """

    sites: Sequence[Site]
    settings: FailoverSettings
    moves: bool = False
    elastic: bool = False
    in_parts: bool = False


@dataclass(slots=True)
class Columns:
    """Where each decision stands in the model's columns."""

    serving: dict[tuple[str, str], int]
    failover: dict[tuple[str, str], int]
    shares: dict[tuple[str, str], int]
    used: dict[tuple[str, str], int]
    short: dict[str, tuple[int, int]]
    short_shares: dict[str, int]
    packs: Packs


def build_model(form: Form) -> tuple[LinearModel, Columns]:
    """The programme, and where each decision stands in it."""
    builder = ModelBuilder()
    columns = Columns({}, {}, {}, {}, {}, {}, Packs.of(form.sites, in_parts=form.in_parts))
    together: dict[str, float] = {}
    for site in form.sites:
        name = site.falls_with or site.region
        together[name] = together.get(name, 0.0) + max(site.critical.vcpu, site.critical.memory_gib)
    largest = max(together.values(), default=0.0)
    for site in form.sites:
        _site_columns(builder, columns, form, site, largest)
    carry(builder, columns.packs, form.sites, columns.shares, elastic=form.elastic)
    hold(builder, columns.packs, columns.serving, columns.failover, elastic=form.elastic)
    for site in form.sites:
        _serve(builder, columns, site)
        _stay_within(builder, columns, site)
        _share_out(builder, columns, form, site)
        _stand_by(builder, columns, form, site)
    if form.moves:
        for site in form.sites:
            _charge_moves(builder, columns, site)
    model = builder.build()
    return (replace(model, integer=np.zeros(len(model.cost), dtype=np.bool_)) if form.in_parts else model), columns


def _site_columns(builder: ModelBuilder, columns: Columns, form: Form, site: Site, largest: float) -> None:
    critical, coming = bool(site.critical), _units_coming(form, site)
    for shape, usd in site.serving_shapes:
        bound = _enough(site.serving, shape.vcpu, shape.memory_gib) + sum(site.units.values())
        columns.serving[site.region, shape.name] = builder.column(0 if form.elastic else usd, upper=bound)
    backed = Amount(vcpu=largest, memory_gib=largest)
    for load in site.backs:
        if site.backs_of:
            backed = backed.plus(load)
            continue
        backed = Amount(vcpu=max(backed.vcpu, load.vcpu), memory_gib=max(backed.memory_gib, load.memory_gib))
    for shape, usd in site.failover_shapes:
        bound = _enough(backed, shape.vcpu, shape.memory_gib) + coming
        columns.failover[site.region, shape.name] = builder.column(0 if form.elastic else usd, upper=bound)
    for partner in site.partners if critical else ():
        usd = 0.0 if form.elastic else site.copies_usd.get(partner, 0.0) / SHARE_STEPS
        columns.shares[site.region, partner] = builder.column(usd, upper=SHARE_STEPS)
        if len(site.partners) > site.most_partners(form.settings):
            columns.used[site.region, partner] = builder.column(0, upper=1)
    if form.elastic:
        columns.short[site.region] = (
            builder.column(VCPU_SHORT, integer=False),
            builder.column(MEMORY_SHORT, integer=False),
        )
        columns.short_shares[site.region] = builder.column(SHARE_SHORT * (1 + site.critical.vcpu), upper=SHARE_STEPS)


def _units_coming(form: Form, site: Site) -> int:
    """No more units than these are ever carried here."""
    mine = sum(sum(units.values()) for _, units in site.backs_units)
    return mine + sum(sum(one.critical_units.values()) for one in form.sites if site.region in one.partners)


def _enough(amount: Amount, vcpu: int, memory_gib: int) -> float:
    """How many of one shape cover an amount alone: more of it are never needed."""
    return float(np.ceil(max(amount.vcpu / vcpu, amount.memory_gib / memory_gib)))


def _serve(builder: ModelBuilder, columns: Columns, site: Site) -> None:
    """Shapes cover what must be served."""
    short = columns.short.get(site.region)
    vcpu = [(columns.serving[site.region, shape.name], float(shape.vcpu)) for shape, _ in site.serving_shapes]
    memory = [(columns.serving[site.region, shape.name], float(shape.memory_gib)) for shape, _ in site.serving_shapes]
    builder.row([*vcpu, *([(short[0], 1.0)] if short else [])], lower=site.serving.vcpu)
    builder.row([*memory, *([(short[1], 1.0)] if short else [])], lower=site.serving.memory_gib)


def _stay_within(builder: ModelBuilder, columns: Columns, site: Site) -> None:
    """Serving and standing by fit into the region's room together, and what serves keeps people's maxima."""
    chosen = [(columns.serving[site.region, shape.name], shape) for shape, _ in site.serving_shapes]
    for kind, most in site.most.items():
        builder.row([(column, gives(shape, kind)) for column, shape in chosen], upper=most)
    chosen += [(columns.failover[site.region, shape.name], shape) for shape, _ in site.failover_shapes]
    builder.row([(column, float(shape.vcpu)) for column, shape in chosen], upper=site.room.vcpu)
    bearing = [(column, float(shape.accelerators)) for column, shape in chosen if shape.accelerators]
    if bearing and math.isfinite(site.accelerators):
        builder.row(bearing, upper=site.accelerators)
    builder.row([(column, float(shape.memory_gib)) for column, shape in chosen], upper=site.room.memory_gib)


def _share_out(builder: ModelBuilder, columns: Columns, form: Form, site: Site) -> None:
    """All of a region's critical load is carried by partners, by no more of them than people want."""
    if not site.critical:
        return
    shares = [(columns.shares[site.region, partner], 1.0) for partner in site.partners]
    missing = columns.short_shares.get(site.region)
    everything = [*shares, *([(missing, 1.0)] if missing is not None else [])]
    builder.row(everything, lower=SHARE_STEPS, upper=SHARE_STEPS)
    used = [columns.used[site.region, partner] for partner in site.partners if (site.region, partner) in columns.used]
    for (share, _), one in zip(shares, used, strict=False):
        builder.row([(share, 1.0), (one, -float(SHARE_STEPS))], upper=0)
    if used:
        builder.row([(one, 1.0) for one in used], upper=site.most_partners(form.settings))


def _stand_by(builder: ModelBuilder, columns: Columns, form: Form, site: Site) -> None:
    """What stands by here covers each load that it may have to carry, one loss at a time."""
    vcpu = [(columns.failover[site.region, shape.name], float(shape.vcpu)) for shape, _ in site.failover_shapes]
    memory = [(columns.failover[site.region, shape.name], float(shape.memory_gib)) for shape, _ in site.failover_shapes]
    short = columns.short.get(site.region)
    for loss in losses(form.sites, site):
        shares = [
            (share, lost)
            for lost in loss.sites
            if (share := columns.shares.get((lost.region, site.region))) is not None
        ]
        if not shares and not loss.given:
            continue
        given, standing = loss.given, site.standing
        lacking = [short[0]] if short and given else [], [short[1]] if short and given else []
        builder.row(
            [
                *vcpu,
                *(_load(columns, site, lost, share, 0) for share, lost in shares),
                *((one, 1.0) for one in lacking[0]),
            ],
            lower=given.vcpu - standing.vcpu,
        )
        builder.row(
            [
                *memory,
                *(_load(columns, site, lost, share, 1) for share, lost in shares),
                *((one, 1.0) for one in lacking[1]),
            ],
            lower=given.memory_gib - standing.memory_gib,
        )


def _load(columns: Columns, site: Site, lost: Site, share: int, kind: int) -> tuple[int, float]:
    """What a lost region brings here: its share, or where its units are told apart no less than these."""
    if carried := columns.packs.carried.get((lost.region, site.region)):
        return carried[kind], -1.0
    return share, -(lost.critical.vcpu, lost.critical.memory_gib)[kind] / SHARE_STEPS


def _charge_moves(builder: ModelBuilder, columns: Columns, site: Site) -> None:
    """Each live unit that goes pays a share of its price; each twentieth that leaves a partner pays a little."""
    kinds = (
        (columns.serving, site.serving_shapes, site.live.serving),
        (columns.failover, site.failover_shapes, site.live.failover),
    )
    for chosen, shapes, live in kinds:
        for shape, usd in shapes:
            if count := live.get(shape.name, 0):
                gone = builder.column(MOVE_SHARE * usd, upper=count, integer=False)
                builder.row([(gone, 1.0), (chosen[site.region, shape.name], 1.0)], lower=count)
    for partner, steps in site.live.shares.items():
        share = columns.shares.get((site.region, partner))
        if share is not None:
            left = builder.column(SHARE_MOVE_USD, upper=max(steps, 0), integer=False)
            builder.row([(left, 1.0), (share, 1.0)], lower=steps)


def standing_values(
    model: LinearModel, columns: Columns, sites: Sequence[Site], counts: Mapping[str, Live]
) -> Floats | None:
    """As `as_values`, with units that cannot be divided in places."""
    values = as_values(model, columns, counts)
    if values is None or not columns.packs.packs:
        return values
    return packed_in(columns.packs, sites, values, (columns.serving, columns.failover, columns.shares))


def as_values(model: LinearModel, columns: Columns, counts: Mapping[str, Live]) -> Floats | None:
    """Counts and shares by region as values of the model's columns; nothing where all of them are none."""
    values = np.zeros(len(model.cost))
    for region, chosen in counts.items():
        for shape, count in chosen.serving.items():
            if (region, shape) in columns.serving:
                values[columns.serving[region, shape]] = count
        for shape, count in chosen.failover.items():
            if (region, shape) in columns.failover:
                values[columns.failover[region, shape]] = count
        for partner, steps in chosen.shares.items():
            if (region, partner) in columns.shares:
                values[columns.shares[region, partner]] = steps
                if (region, partner) in columns.used:
                    values[columns.used[region, partner]] = 1
    return values if values.any() else None
