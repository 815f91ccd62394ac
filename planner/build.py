"""The planner's door: forecast, capacity and what people decided in, the whole desired state and its changes out.

Requirements -> placement (the solver) -> storage, circuits, blocks -> support -> staged units -> changes. Everything
is computed from the question alone: the same question gives the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from contracts.failover import Reserve
from contracts.plan import Cost, Infeasible, Inputs, Plan, PlannedResource, Requirement, Shortfall, UnreadRegion
from contracts.resources import Purpose
from contracts.risk import Scarce
from planner.addresses import block_ends
from planner.bandwidth import want_circuits
from planner.blocks import block_advice, want_serving_blocks
from planner.bounds import bounded, within_maxima
from planner.ceiling import within_ceiling
from planner.changes import changes_between
from planner.commitments import advise_commitments
from planner.compute import want_compute
from planner.copies import place_with_copies, with_copies
from planner.demand import Demand
from planner.desired import Desired
from planner.detour_bound import circuits_bound
from planner.detours import detoured, over_more_paths
from planner.egress import outflow, with_egress
from planner.fleet import solve_fleet
from planner.fleet_quotas import fleet_shortfalls
from planner.fleet_reasons import fleet_losses, fleet_prices
from planner.fleet_wishes import want_fleet
from planner.fleets import Fleet, FleetSolver, place_fleet
from planner.given import Given, given_resources
from planner.inputs import check_inputs
from planner.leads import longest_first
from planner.market import Market
from planner.model import Solver
from planner.nobodys import free_spaces
from planner.packing_given import with_lent_places
from planner.packing_told import packing_of, unplaced
from planner.packing_units import held_nowhere, with_units
from planner.paused import partners_paused
from planner.placement import NOBODY, Lacking, Placement, place
from planner.preference import preferred
from planner.question import Question
from planner.reasons import Buying
from planner.recourse.risk import plan_risk
from planner.relied import relied_on
from planner.requirements import asked_before, rounded, serving_requirements
from planner.scarce import scarce
from planner.scarce_fleets import scarce_in_fleet
from planner.shortfalls import placement_shortfalls, unstated_told, without_the_other
from planner.sites import Live, read_sites, wanted_last
from planner.staging import staged_units
from planner.storage import want_storage
from planner.support import want_support
from planner.units import want_units
from planner.unstaged import unstaged_storage

__all__ = ["Question", "build_plan"]


def build_plan(
    question: Question, solve: Solver, solve_fleet: FleetSolver = solve_fleet, *, appraise: bool = False
) -> Plan | Infeasible:
    """The cheapest desired state that meets the forecast at the environment's quantiles, or what cannot be met.

    Args:
        question: what is asked.
        solve: places compute.
        solve_fleet: plans a fleet as a whole.
        appraise: whether what limits cost is looked at, which takes a placement more for each region that is tight,
            or where failover is shared, some moves more.

    Raises:
        InputsDisagree: the documents are not of one environment, or a region is not in the snapshot.
        CapacityTooOld: the snapshot is older than the environment allows.
        FleetImpossible: where failover is shared, no fleet keeps the limits.
        SolverError: the solver gave no answer that can be trusted.
    """
    check_inputs(question)
    in_full = partial(_planned, solve=solve, solve_fleet=solve_fleet, appraise=True)
    attempt = partial(_planned, solve=solve, solve_fleet=solve_fleet, appraise=False)
    return preferred(question.from_now(), solve, attempt, in_full if appraise else None)


def _planned(question: Question, solve: Solver, solve_fleet: FleetSolver, *, appraise: bool) -> Plan | Infeasible:
    """The plan of a question of which it is decided what is served where."""
    market = Market.read(question.catalog, question.capacity)
    needs = with_units(question, serving_requirements(question, market))
    given = given_resources(question, market, partners_paused(question, market, needs))
    needs = within_maxima(question, market, (needs, given), solve)
    if question.environment.failover.reserve is Reserve.SHARED:
        needs, moved = over_more_paths(question, market, needs, given)
        fleet = place_fleet(question, bounded(question, market, given), (needs, given), solve_fleet)
        if not isinstance(fleet, Fleet):
            return _infeasible(question, (*fleet, *_besides(question, market, needs, given)))
        placed = fleet.placement()
        demand = Demand(
            question=question, needs=needs, given=given, sites=(), placement=placed, fleet=fleet, moved=moved
        )
        desired = Desired.start(market, given)
        built = _build(question, desired, demand)
        if not appraise or isinstance(built, Infeasible):
            return built
        return _appraised(built, (*scarce_in_fleet(bounded(question, market, given), fleet), *desired.scarce))
    if unheld := tuple(held_nowhere(question, market, needs, given)):
        return _infeasible(question, (*unheld, *_besides(question, market, needs, given)))
    sites = with_copies(question, market, given, read_sites(question, market, needs, given))
    sites = with_lent_places(question, market, given, sites)
    if not question.environment.rules.calm:
        sites = tuple(replace(site, live=Live(serving={}, failover={}, shares={})) for site in sites)
    last, settings = wanted_last(question, market), question.environment.failover
    placed_with = place_with_copies(
        question, market, (needs, given), sites, lambda those: place(those, settings, solve, last)
    )
    if isinstance(placed_with, Lacking):
        share = {site.region: question.environment.critical_share_of(site.region) for site in sites}
        short = (*placement_shortfalls(placed_with, needs, sites, share), *unplaced(placed_with, needs, sites))
        return _infeasible(question, (*short, *_besides(question, market, needs, given)))
    demand = Demand(
        question=question,
        needs=placed_with.needs,
        given=given,
        sites=placed_with.sites,
        placement=placed_with.placement,
        moved=placed_with.moved,
        circuits_bound=circuits_bound(question, market, (placed_with.needs, given, placed_with.moved), solve),
    )
    desired = Desired.start(market, given)
    built = _build(question, desired, demand)
    if not appraise or isinstance(built, Infeasible):
        return built
    return _appraised(built, (*scarce(market, demand, placed_with.asked, solve), *desired.scarce))


def _appraised(plan: Plan, found: Sequence[Scarce]) -> Plan:
    """The plan with limits that cost something, the dearest first."""
    ordered = sorted(found, key=lambda item: (-item.saves_usd_per_hour, item.place, item.kind, item.item))
    return plan.model_copy(update={"scarce": tuple(ordered)})


def _besides(question: Question, market: Market, needs: tuple[Requirement, ...], given: Given) -> tuple[Shortfall, ...]:
    """What storage, and where circuits are no part of a fleet, links lack besides compute, whoever the partners are."""
    needs, _ = over_more_paths(question, market, needs, given)
    sites = read_sites(question, market, needs, given)
    demand = Demand(question=question, needs=needs, given=given, sites=sites, placement=NOBODY)
    desired = Desired.start(market, given)
    fleet = question.environment.failover.reserve is Reserve.SHARED
    links = () if fleet else want_circuits(desired, demand)[0]
    return (*links, *want_storage(desired, demand))


def _build(question: Question, desired: Desired, demand: Demand) -> Plan | Infeasible:
    desired.requirements.extend(demand.needs)
    blocks = [*question.live().values(), *(item.resource for item in demand.given.resources.values())]
    taken = block_ends(blocks, question.ledger, question.now)
    spaces = free_spaces(question, desired.market, taken)
    unmet, circuits_usd = _place(desired, demand)
    short = [*unmet, *want_storage(desired, demand), *want_serving_blocks(desired, demand, spaces)]
    if short:
        return _infeasible(question, short)
    want_units(desired, question, staged_units(question, desired.market), spaces)
    desired.requirements.extend(unstaged_storage(question, desired.market))
    want_support(desired, demand)
    return _document(question, desired, demand, circuits_usd)


def _place(desired: Desired, demand: Demand) -> tuple[tuple[Shortfall, ...], float]:
    """Compute and circuits: what of links cannot be met, and what circuits cost that the placement does not count."""
    if demand.fleet:
        want_fleet(desired, demand.fleet, demand.needs)
        return fleet_shortfalls(desired, demand.needs), 0.0
    want_compute(desired, demand)
    return want_circuits(desired, demand)


def _document(question: Question, desired: Desired, demand: Demand, circuits_usd: float) -> Plan:
    placement = demand.placement
    fleet = demand.fleet
    bought = (fleet_prices(fleet, demand.needs), fleet_losses(fleet)) if fleet else ()
    buying = Buying.of(desired.market, desired.requirements, *bought)
    wished = desired.resources  # taken out one by one: thousands of them are not needed twice
    whole = {key: buying.told(_priced(wished.pop(key))) for key in sorted(wished)}
    cut = within_ceiling(question, desired.market, whole, desired.requirements)
    wanted = cut.wanted
    resources = tuple(wanted.values())
    out = outflow(question, desired.market, (desired.requirements, demand.moved), resources)
    egress = out.rows() if out else ()
    cost = _cost(question, desired.market, (resources, whole), (placement, circuits_usd, demand.circuits_bound))
    return Plan(
        environment=question.environment.name,
        engine=question.environment.engine,
        made_at=question.now,
        expires_at=question.expiry(),
        inputs=Inputs(
            forecast=question.forecast.document.digest(),
            capacity=question.capacity.digest(),
            catalog=question.catalog.digest(),
            environment=question.environment.digest(),
            rules=question.rules,
            ledger=question.ledger.digest(),
            previous_plan=question.previous_plan,
        ),
        requirements=tuple(sorted(desired.requirements, key=lambda item: item.id)),
        resources=resources,
        changes=longest_first(
            question,
            desired.market,
            changes_between(question, desired.market, wanted, desired.unfit),
            desired.requirements,
        ),
        cost=with_egress(question, cost, egress),
        relied_on=relied_on(
            desired.market,
            [item for item in resources if not question.is_unread(item.resource.place)],
            [row.hop for row in egress],
        ),
        egress=egress,
        unread=tuple(_unread(question)),
        pins_missing=demand.given.pins_missing,
        deferred=cut.deferred,
        standing=demand.fleet.found.standing if demand.fleet else None,
        asked_before=_asked_where_nothing_changes(question),
        commitments=advise_commitments(question, desired.market, resources),
        block_advice=(*block_advice(question, desired.market, resources), *desired.block_moves),
        risk=plan_risk(question, desired.market, resources, detoured(desired.requirements), out),
        packing=packing_of(demand.sites, placement),
        solver=placement.solver,
        cut_short=placement.cut_short,
    )


def _asked_where_nothing_changes(question: Question) -> dict[str, float]:
    """What was asked for of places that this plan leaves as they are: it holds once they are planned again."""
    asked = sorted(asked_before(question).items())
    serving = ((name, amount) for name, amount in asked if name.endswith(f"/{Purpose.SERVING}"))
    return {name: rounded(amount) for name, amount in serving if question.is_frozen(name.partition("/")[0])}


def _cost(
    question: Question,
    market: Market,
    made: tuple[Sequence[PlannedResource], Mapping[str, PlannedResource]],
    decided: tuple[Placement, float, float | None],
) -> Cost:
    """Circuits are chosen exactly: their cost is its own bound, but for detours. What waits is paid until it is done.

    Args:
        question: what is live.
        market: prices.
        made: the resources once this plan is applied, and once what waits is done too.
        decided: what was chosen, what circuits cost of it, and at least cost whichever way detours go, where any do.
    """
    resources, whole = made
    placement, circuits_usd, least = decided
    least = circuits_usd if least is None else least
    after = rounded(sum(item.usd_per_hour for item in resources))
    waiting = max(0.0, rounded(after - sum(item.usd_per_hour for item in whole.values())))
    optimised = rounded(placement.usd_per_hour + circuits_usd + waiting)
    bound = min(optimised, rounded(placement.lower_bound + least))
    known = (market.usd_per_hour(item) for item in question.live().values() if not question.is_unread(item.place))
    unread = (item.usd_per_hour for item in resources if question.is_unread(item.resource.place))
    return Cost(
        before_usd_per_hour=rounded(sum(known) + sum(unread)),
        after_usd_per_hour=after,
        optimised_usd_per_hour=optimised,
        lower_bound_usd_per_hour=bound,
        gap=rounded((optimised - bound) / optimised) if optimised > 0 else 0.0,
        waiting_usd_per_hour=waiting,
    )


def _unread(question: Question) -> Iterator[UnreadRegion]:
    """The regions that this plan leaves as they are because it does not know how they are."""
    mine, why = {region.name for region in question.environment.regions}, question.why_unread()
    for region in sorted(why.keys() & mine):
        yield UnreadRegion(region=region, why=why[region])


def _priced(item: PlannedResource) -> PlannedResource:
    return item.model_copy(update={"usd_per_hour": rounded(item.usd_per_hour)})


def _infeasible(question: Question, short: Sequence[Shortfall]) -> Infeasible:
    market, reserve = Market.read(question.catalog, question.capacity), question.environment.failover.reserve
    told = (without_the_other(unstated_told(item, market, reserve), market) for item in short)
    ordered = sorted(told, key=lambda item: (item.place, item.kind))
    return Infeasible(environment=question.environment.name, shortfalls=tuple(ordered))
