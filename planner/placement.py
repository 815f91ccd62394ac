"""Compute shapes and failover shares for all regions at once: the cheapest that holds when any one region is lost.

Per region and shape a count that serves and a count that stands by; per region and partner a share in twentieths.
What stands by in a region covers the largest of the loads that it backs up, not their sum, as one region is lost at a
time; or, where people ask for it, one fault domain: then what its regions ask is added up. Staying is preferred: what
is live and good enough is kept as it is, and the rest pays for what it removes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from contracts.failover import FailoverSettings
from planner.model import Floats, LinearModel, ModelBuilder, Solution, Solver, SolveStatus
from planner.sites import SHARE_STEPS, Amount, Site, losses

CALM_COST_SHARE = 0.01
"""What is live and meets the demand is kept when it costs no more than this above the cheapest."""

MOVE_SHARE = 0.05
"""Removing compute is charged this share of its price per hour: a move of a day's plan must save more than an hour."""

SHARE_MOVE_USD = 1e-3
"""Charge per twentieth of a failover share that leaves a live partner: breaks ties, decides nothing else."""

LIKELY_PARTNERS = 6
"""Partners are sought among so many of a region's cheapest, and those that it has: at 23 regions all of them take
three times as long. Where these do not do, all are asked. The lower bound is proven for those that were asked."""

VCPU_SHORT, MEMORY_SHORT, SHARE_SHORT = 1.0, 0.25, 1e-3
"""Weights of what an impossible demand lacks: 4 GiB as bad as a vCPU; failover gives way before serving does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Counts by (region, shape), shares in twentieths by (region, partner), their cost and its proven lower bound."""

    serving: Mapping[tuple[str, str], int]
    failover: Mapping[tuple[str, str], int]
    shares: Mapping[tuple[str, str], int]
    usd_per_hour: float
    lower_bound: float
    solver: str
    cut_short: bool

    def partners(self, region: str) -> tuple[str, ...]:
        """Partners of a region, the one with the largest share first, equal ones by name."""
        found = [(-steps, partner) for (place, partner), steps in self.shares.items() if place == region and steps]
        return tuple(partner for _, partner in sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What the nearest feasible placement leaves unmet, by region; shares in twentieths of the critical load."""

    serving: Mapping[str, Amount]
    shares: Mapping[str, int]


class _Form(NamedTuple):
    """What a model is built for: the sites, whether moving is charged, whether demand may be left unmet."""

    sites: Sequence[Site]
    settings: FailoverSettings
    moves: bool = False
    elastic: bool = False


@dataclass(slots=True)
class _Columns:
    """Where each decision stands in the model's columns."""

    serving: dict[tuple[str, str], int]
    failover: dict[tuple[str, str], int]
    shares: dict[tuple[str, str], int]
    used: dict[tuple[str, str], int]
    short: dict[str, tuple[int, int]]
    short_shares: dict[str, int]


def place(sites: Sequence[Site], settings: FailoverSettings, solve: Solver) -> Placement | Lacking:
    """The cheapest placement that is calm, or what the nearest feasible one lacks."""
    form = _Form(tuple(_with_likely_partners(site) for site in sites), settings)
    model, columns = _build(form)
    cheapest = solve(model)
    if cheapest.status is SolveStatus.INFEASIBLE and any(len(site.partners) > LIKELY_PARTNERS for site in sites):
        form = _Form(sites, settings)
        model, columns = _build(form)
        cheapest = solve(model)
    if cheapest.status is SolveStatus.INFEASIBLE:
        elastic, columns = _build(form._replace(elastic=True))
        return _lacking(columns, solve(elastic), sites)
    standing = _standing(model, columns, sites)
    if standing is None:
        return _placement(model, columns, cheapest.values, (cheapest,))
    dearest = cheapest.objective * (1 + CALM_COST_SHARE) + 1e-9
    if model.admits(standing) and float(model.cost @ standing) <= dearest:
        return _placement(model, columns, standing, (cheapest,))
    calm_model, calm_columns = _build(form._replace(moves=True))
    calm = solve(calm_model)
    values = calm.values[: len(model.cost)]  # what charges for moves comes after all decisions
    return _placement(model, calm_columns, values, (cheapest, calm))


def _with_likely_partners(site: Site) -> Site:
    likely = {*site.partners[:LIKELY_PARTNERS], *site.live.shares}
    return replace(site, partners=tuple(partner for partner in site.partners if partner in likely))


def _build(form: _Form) -> tuple[LinearModel, _Columns]:
    builder = ModelBuilder()
    columns = _Columns({}, {}, {}, {}, {}, {})
    together: dict[str, float] = {}
    for site in form.sites:
        name = site.falls_with or site.region
        together[name] = together.get(name, 0.0) + max(site.critical.vcpu, site.critical.memory_gib)
    largest = max(together.values(), default=0.0)
    for site in form.sites:
        _site_columns(builder, columns, form, site, largest)
    for site in form.sites:
        _serve(builder, columns, site)
        _stay_within(builder, columns, site)
        _share_out(builder, columns, form, site)
        _stand_by(builder, columns, form, site)
    if form.moves:
        for site in form.sites:
            _charge_moves(builder, columns, site)
    return builder.build(), columns


def _site_columns(builder: ModelBuilder, columns: _Columns, form: _Form, site: Site, largest: float) -> None:
    critical = bool(site.critical)
    for shape, usd in site.serving_shapes:
        bound = _enough(site.serving, shape.vcpu, shape.memory_gib)
        columns.serving[site.region, shape.name] = builder.column(0 if form.elastic else usd, upper=bound)
    backed = Amount(vcpu=largest, memory_gib=largest)
    for load in site.backs:
        if site.backs_of:
            backed = backed.plus(load)
            continue
        backed = Amount(vcpu=max(backed.vcpu, load.vcpu), memory_gib=max(backed.memory_gib, load.memory_gib))
    for shape, usd in site.failover_shapes:
        bound = _enough(backed, shape.vcpu, shape.memory_gib)
        columns.failover[site.region, shape.name] = builder.column(0 if form.elastic else usd, upper=bound)
    for partner in site.partners if critical else ():
        columns.shares[site.region, partner] = builder.column(0, upper=SHARE_STEPS)
        if len(site.partners) > form.settings.dedicated_partners:
            columns.used[site.region, partner] = builder.column(0, upper=1)
    if form.elastic:
        columns.short[site.region] = (
            builder.column(VCPU_SHORT, integer=False),
            builder.column(MEMORY_SHORT, integer=False),
        )
        columns.short_shares[site.region] = builder.column(SHARE_SHORT * (1 + site.critical.vcpu), upper=SHARE_STEPS)


def _enough(amount: Amount, vcpu: int, memory_gib: int) -> float:
    """How many of one shape cover an amount alone: more of it are never needed."""
    return float(np.ceil(max(amount.vcpu / vcpu, amount.memory_gib / memory_gib)))


def _serve(builder: ModelBuilder, columns: _Columns, site: Site) -> None:
    """Shapes cover what must be served."""
    short = columns.short.get(site.region)
    vcpu = [(columns.serving[site.region, shape.name], float(shape.vcpu)) for shape, _ in site.serving_shapes]
    memory = [(columns.serving[site.region, shape.name], float(shape.memory_gib)) for shape, _ in site.serving_shapes]
    builder.row([*vcpu, *([(short[0], 1.0)] if short else [])], lower=site.serving.vcpu)
    builder.row([*memory, *([(short[1], 1.0)] if short else [])], lower=site.serving.memory_gib)


def _stay_within(builder: ModelBuilder, columns: _Columns, site: Site) -> None:
    """Serving and standing by fit into the region's room together."""
    chosen = [(columns.serving[site.region, shape.name], shape) for shape, _ in site.serving_shapes]
    chosen += [(columns.failover[site.region, shape.name], shape) for shape, _ in site.failover_shapes]
    builder.row([(column, float(shape.vcpu)) for column, shape in chosen], upper=site.room.vcpu)
    builder.row([(column, float(shape.memory_gib)) for column, shape in chosen], upper=site.room.memory_gib)


def _share_out(builder: ModelBuilder, columns: _Columns, form: _Form, site: Site) -> None:
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
        builder.row([(one, 1.0) for one in used], upper=form.settings.dedicated_partners)


def _stand_by(builder: ModelBuilder, columns: _Columns, form: _Form, site: Site) -> None:
    """What stands by here covers each load that it may have to carry, one loss at a time."""
    vcpu = [(columns.failover[site.region, shape.name], float(shape.vcpu)) for shape, _ in site.failover_shapes]
    memory = [(columns.failover[site.region, shape.name], float(shape.memory_gib)) for shape, _ in site.failover_shapes]
    short = columns.short.get(site.region)
    for loss in losses(form.sites, site):
        shares = [
            (share, lost.critical)
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
                *((share, -load.vcpu / SHARE_STEPS) for share, load in shares),
                *((one, 1.0) for one in lacking[0]),
            ],
            lower=given.vcpu - standing.vcpu,
        )
        builder.row(
            [
                *memory,
                *((share, -load.memory_gib / SHARE_STEPS) for share, load in shares),
                *((one, 1.0) for one in lacking[1]),
            ],
            lower=given.memory_gib - standing.memory_gib,
        )


def _charge_moves(builder: ModelBuilder, columns: _Columns, site: Site) -> None:
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


def _standing(model: LinearModel, columns: _Columns, sites: Sequence[Site]) -> Floats | None:
    """What is live as values of the model's columns; nothing when nothing is live."""
    values = np.zeros(len(model.cost))
    for site in sites:
        for shape, count in site.live.serving.items():
            if (site.region, shape) in columns.serving:
                values[columns.serving[site.region, shape]] = count
        for shape, count in site.live.failover.items():
            if (site.region, shape) in columns.failover:
                values[columns.failover[site.region, shape]] = count
        for partner, steps in site.live.shares.items():
            if (site.region, partner) in columns.shares:
                values[columns.shares[site.region, partner]] = steps
                if (site.region, partner) in columns.used:
                    values[columns.used[site.region, partner]] = 1
    return values if values.any() else None


def _placement(model: LinearModel, columns: _Columns, values: Floats, solved: tuple[Solution, ...]) -> Placement:
    cheapest, statuses = solved[0], {solution.status for solution in solved}
    whole = np.round(values).astype(int)
    usd = float(model.cost @ whole)
    return Placement(
        serving={key: int(whole[column]) for key, column in columns.serving.items() if whole[column]},
        failover={key: int(whole[column]) for key, column in columns.failover.items() if whole[column]},
        shares={key: int(whole[column]) for key, column in columns.shares.items() if whole[column]},
        usd_per_hour=usd,
        lower_bound=max(0.0, min(cheapest.bound, usd)),
        solver=f"{cheapest.program}: {cheapest.status}",
        cut_short=SolveStatus.BOUNDED in statuses,
    )


def _lacking(columns: _Columns, solution: Solution, sites: Sequence[Site]) -> Lacking:
    serving, shares = {}, {}
    for site in sites:
        vcpu, memory = (float(solution.values[column]) for column in columns.short[site.region])
        if vcpu > 1e-6 or memory > 1e-6:
            serving[site.region] = Amount(vcpu=vcpu, memory_gib=memory)
        if site.critical and (steps := round(float(solution.values[columns.short_shares[site.region]]))):
            shares[site.region] = steps
    return Lacking(serving=serving, shares=shares)
