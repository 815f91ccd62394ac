"""Compute shapes and failover shares for all regions at once: the cheapest that holds when any one region is lost.

Per region and shape a count that serves and a count that stands by; per region and partner a share in twentieths
(`planner.placement_model`). What stands by in a region covers the largest of the loads that it backs up, not their sum,
as one region is lost at a time; or, where people ask for it, one fault domain: then what its regions ask is added up.
Staying is preferred: what is live and good enough is kept as it is, and the rest pays for what it removes.

Where the solver gives no answer that can be trusted, or says that there is none and there is one, a rung of a ladder is
taken and named: of what is live, greedy and what the plan applied last wanted, the first that keeps every row and costs
at most 1 % more than the cheapest of them that do.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from contracts.failover import FailoverSettings
from contracts.workloads import UnitSize
from planner.errors import SolverError
from planner.fleet.rungs import Rung, told
from planner.model import Floats, LinearModel, Solution, Solver, SolveStatus
from planner.packing import Held, Units
from planner.packing_found import held_units, units_at, with_places
from planner.placement_greedy import greedy_placement, placement_bound
from planner.placement_model import Columns, Form, build_model, standing_values
from planner.sites import Amount, Live, Site

CALM_COST_SHARE = 0.01
"""What is live and meets the demand is kept when it costs no more than this above the cheapest."""

LIKELY_PARTNERS = 6
"""Partners are sought among so many of a region's cheapest, and those that it has: at 23 regions all of them take
three times as long. Where these do not do, all are asked. The lower bound is proven for those that were asked."""

NONE_SAID = "says that there is none"
STAYS = "what is live stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Counts by (region, shape), shares in twentieths by (region, partner), their cost and its proven lower bound.

    Attributes:
        held: which instances hold which units that cannot be divided.
        units: by (region, partner), the units that it has places for.
    """

    serving: Mapping[tuple[str, str], int]
    failover: Mapping[tuple[str, str], int]
    shares: Mapping[tuple[str, str], int]
    usd_per_hour: float
    lower_bound: float
    solver: str
    cut_short: bool
    held: tuple[Held, ...] = ()
    units: Mapping[tuple[str, str], Units] = field(default_factory=dict)

    def partners(self, region: str) -> tuple[str, ...]:
        """Partners of a region, the one with the largest share first, equal ones by name."""
        found = [(-steps, partner) for (place, partner), steps in self.shares.items() if place == region and steps]
        return tuple(partner for _, partner in sorted(found))


NOBODY = Placement(serving={}, failover={}, shares={}, usd_per_hour=0.0, lower_bound=0.0, solver="", cut_short=False)
"""Nothing is placed, and nobody is a partner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What the nearest feasible placement leaves unmet, by region; shares in twentieths of the critical load.

    Attributes:
        units: without a place where they serve; critical_units: at partners.
    """

    serving: Mapping[str, Amount]
    shares: Mapping[str, int]
    units: Mapping[str, Units] = field(default_factory=dict)
    critical_units: Mapping[str, Units] = field(default_factory=dict)


def place(
    sites: Sequence[Site], settings: FailoverSettings, solve: Solver, last: Mapping[str, Live] | None = None
) -> Placement | Lacking:
    """The cheapest placement that is calm, or what the nearest feasible one lacks.

    Args:
        sites: regions.
        settings: of failover.
        solve: the solver.
        last: by region, what the plan applied last wanted.

    Raises:
        SolverError: no rung gave a placement that holds; or there is none, and what it lacks could not be had.
    """
    form = Form(tuple(_with_likely_partners(site) for site in sites), settings)
    model, columns = build_model(form)
    try:
        cheapest = solve(model)
        if cheapest.status is SolveStatus.INFEASIBLE and any(len(site.partners) > LIKELY_PARTNERS for site in sites):
            form = Form(sites, settings)
            model, columns = build_model(form)
            cheapest = solve(model)
    except SolverError as error:
        return _further_down(Form(sites, settings), error, last or {})
    if cheapest.status is SolveStatus.INFEASIBLE:
        denied = SolverError(NONE_SAID, where=cheapest.program)
        try:
            return _further_down(Form(sites, settings), denied, last or {})
        except SolverError:
            return _lacking(form, solve)
    return _calm(form, (model, columns, _proved(form, columns, cheapest, solve)), solve)


def cheapest_usd(sites: Sequence[Site], settings: FailoverSettings, solve: Solver) -> tuple[float, float]:
    """USD per hour of the cheapest placement found, whatever is live, and what is proven that none costs less than.

    Both are infinite where the likely partners do not do.

    Raises:
        SolverError: the solver gave no answer that can be trusted.
    """
    form = Form(tuple(_with_likely_partners(site) for site in sites), settings)
    model, columns = build_model(form)
    found = solve(model)
    if found.status is SolveStatus.INFEASIBLE:
        return np.inf, np.inf
    return found.objective, _proved(form, columns, found, solve).bound


def _calm(form: Form, found: tuple[LinearModel, Columns, Solution], solve: Solver) -> Placement:
    """What is live where it is good enough; else the cheapest with what it moves, if that is told."""
    model, columns, cheapest = found
    standing = standing_values(model, columns, form.sites, {site.region: site.live for site in form.sites})
    if standing is None:
        return _solved(columns, (model, cheapest.values), (cheapest,))
    dearest = cheapest.objective * (1 + CALM_COST_SHARE) + 1e-9
    if float(model.cost @ standing) <= dearest:
        if not model.admits(standing) and columns.packs.packs:
            standing = _packed(model, columns, standing, solve)
        if model.admits(standing):
            return _solved(columns, (model, standing), (cheapest,))
    calm_model, calm_columns = build_model(form._replace(moves=True))
    try:
        calm = solve(calm_model)
        if calm.status is SolveStatus.INFEASIBLE:
            raise SolverError(NONE_SAID, where=calm.program)
    except SolverError as error:
        placement = _solved(columns, (model, cheapest.values), (cheapest,))
        return replace(placement, solver=f"{placement.solver}, whatever is live ({error.what})", cut_short=True)
    values = calm.values[: len(model.cost)]  # what charges for moves comes after all decisions
    return _solved(calm_columns, (model, values), (cheapest, calm))


def _packed(model: LinearModel, columns: Columns, values: Floats, solve: Solver) -> Floats:
    """Counts and shares as they are with units in places, where there is such a packing; else what was given."""
    lower, upper = model.lower.copy(), model.upper.copy()
    for column in (*columns.serving.values(), *columns.failover.values(), *columns.shares.values()):
        lower[column] = upper[column] = values[column]
    if not np.all((model.lower <= lower) & (upper <= model.upper)):
        return values
    try:
        found = solve(replace(model, lower=lower, upper=upper))
    except SolverError:
        return values
    return values if found.status is SolveStatus.INFEASIBLE else found.values


def _further_down(form: Form, failed: SolverError, last: Mapping[str, Live]) -> Placement:
    """The placement of the first rung below the solver that keeps every row of the programme.

    Raises:
        SolverError: none does; what became of each.
    """
    model, columns = build_model(form)
    made = greedy_placement(form.sites, form.settings)
    rungs = {
        STAYS: standing_values(model, columns, form.sites, {site.region: site.live for site in form.sites}),
        Rung.GREEDY: None if made is None else _whole(model, columns, form, with_places(form.sites, made)),
        Rung.LAST: standing_values(model, columns, form.sites, last),
    }
    usd = {
        rung: float(model.cost @ values)
        for rung, values in rungs.items()
        if values is not None and model.admits(values)
    }
    why = f"{Rung.PROGRAMME}: {failed.what}"
    if not usd:
        parts = (
            why,
            f"{Rung.GREEDY}: none was found",
            f"{Rung.LAST}: {'there is none' if not last else 'it does not hold today'}",
        )
        raise type(failed)("; ".join(parts), where="placement", next_step=failed.next_step)
    dearest = min(usd.values()) * (1 + CALM_COST_SHARE) + 1e-9
    rung = next(rung for rung in (STAYS, Rung.GREEDY, Rung.LAST) if usd.get(rung, np.inf) <= dearest)
    values = rungs[rung]
    assert values is not None
    return _placement(columns, values, usd[rung], placement_bound(form.sites), (told((why, rung)), True))


def _whole(model: LinearModel, columns: Columns, form: Form, counts: Mapping[str, Live]) -> Floats:
    """Counts as values of the model's columns, also where all of them are none."""
    values = standing_values(model, columns, form.sites, counts)
    return np.zeros(len(model.cost)) if values is None else values


def _with_likely_partners(site: Site) -> Site:
    likely = {*site.partners[:LIKELY_PARTNERS], *site.live.shares}
    return replace(site, partners=tuple(partner for partner in site.partners if partner in likely))


def _solved(columns: Columns, found: tuple[LinearModel, Floats], solved: tuple[Solution, ...]) -> Placement:
    """The placement that values of a model's columns are, with what was proven of it."""
    (model, values), cheapest, less = found, solved[0], columns.packs.less
    usd = float(model.cost @ np.round(values).astype(int))
    how = ", ".join(filter(None, (f"{cheapest.program}: {cheapest.status}", less)))
    bounded = any(solution.status is SolveStatus.BOUNDED for solution in solved)
    return _placement(columns, values, usd, cheapest.bound, (how, bool(less) or bounded))


def _proved(form: Form, columns: Columns, cheapest: Solution, solve: Solver) -> Solution:
    """The same with a bound that holds where units were not packed exactly: that of instances in parts."""
    if not columns.packs.less:
        return cheapest
    least = placement_bound(form.sites)
    with suppress(SolverError):  # then the closed form has to do
        least = max(least, solve(build_model(form._replace(in_parts=True))[0]).bound)
    return replace(cheapest, bound=min(least, cheapest.objective))


def _placement(columns: Columns, values: Floats, usd: float, bound: float, told: tuple[str, bool]) -> Placement:
    whole = np.round(values).astype(int)
    return Placement(
        serving={key: int(whole[column]) for key, column in columns.serving.items() if whole[column]},
        failover={key: int(whole[column]) for key, column in columns.failover.items() if whole[column]},
        shares={key: int(whole[column]) for key, column in columns.shares.items() if whole[column]},
        usd_per_hour=usd,
        lower_bound=max(0.0, min(bound, usd)),
        solver=told[0],
        cut_short=told[1],
        held=held_units(columns.packs, values),
        units=units_at(columns.packs, values),
    )


def _lacking(form: Form, solve: Solver) -> Lacking:
    """What the nearest placement leaves unmet.

    Raises:
        SolverError: the solver says that there is none, though leaving everything unmet is one.
    """
    elastic, columns = build_model(form._replace(elastic=True))
    solution = solve(elastic)
    if solution.status is SolveStatus.INFEASIBLE:
        raise SolverError(f"{NONE_SAID}, even where demand may be left unmet", where=solution.program)
    serving, shares = {}, {}
    for site in form.sites:
        vcpu, memory = (float(solution.values[column]) for column in columns.short[site.region])
        if vcpu > 1e-6 or memory > 1e-6:
            serving[site.region] = Amount(vcpu=vcpu, memory_gib=memory)
        if site.critical and (steps := round(float(solution.values[columns.short_shares[site.region]]))):
            shares[site.region] = steps
    short = _short_units(columns, solution)
    return Lacking(serving=serving, shares=shares, units=short[False], critical_units=short[True])


def _short_units(columns: Columns, solution: Solution) -> Mapping[bool, Mapping[str, Units]]:
    """Units without a place, of what serves and at partners, by region."""
    found: dict[bool, dict[str, dict[UnitSize, int]]] = {False: {}, True: {}}
    for (region, at_partners, size), column in columns.packs.short.items():
        if count := round(float(solution.values[column])):
            found[at_partners].setdefault(region, {})[size] = count
    return found
