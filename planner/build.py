"""The planner's door: forecast, capacity and what people decided in, the whole desired state and its changes out.

Requirements -> placement (the solver) -> storage, circuits, blocks -> support -> staged units -> changes. Everything
is computed from the question alone: the same question gives the same bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from contracts.failover import Reserve
from contracts.plan import Infeasible, Plan, Requirement, Shortfall
from contracts.risk import Scarce
from planner.addresses import block_ends
from planner.bandwidth import want_circuits
from planner.blocks import want_serving_blocks
from planner.bounds import bounded, within_maxima
from planner.compute import want_compute
from planner.copies import place_with_copies, with_copies
from planner.demand import Demand
from planner.desired import Desired
from planner.detour_bound import circuits_bound
from planner.detours import over_more_paths
from planner.fleet import solve_fleet
from planner.fleet_quotas import fleet_shortfalls
from planner.fleet_wishes import want_fleet
from planner.fleets import Fleet, FleetSolver, place_fleet
from planner.given import Given, given_resources
from planner.inputs import check_inputs
from planner.market import Market
from planner.model import Solver
from planner.nobodys import free_spaces
from planner.packing_given import with_lent_places
from planner.packing_told import unplaced
from planner.packing_units import held_nowhere, with_units
from planner.paused import partners_paused
from planner.placement import NOBODY, Lacking, place
from planner.preference import preferred
from planner.question import Question
from planner.requirements import serving_requirements
from planner.scarce import scarce
from planner.scarce_fleets import scarce_in_fleet
from planner.shortfalls import placement_shortfalls
from planner.sites import Live, read_sites, wanted_last
from planner.staging import staged_units
from planner.storage import want_storage
from planner.support import want_support
from planner.units import want_units
from planner.unstaged import unstaged_storage
from planner.written import infeasible, plan_document

__all__ = ["Question", "build_plan"]

Asked: TypeAlias = tuple[tuple[Requirement, ...], Given]
"""What is asked for, and what is given whatever is decided."""


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
        return _as_fleet(question, market, (needs, given), solve_fleet, appraise=appraise)
    return _by_region(question, market, (needs, given), solve, appraise=appraise)


def _as_fleet(
    question: Question, market: Market, asked: Asked, solve_fleet: FleetSolver, *, appraise: bool
) -> Plan | Infeasible:
    """Compute, shares and circuits of all regions together: their reserve is shared between losses."""
    needs, given = asked
    needs, moved = over_more_paths(question, market, needs, given)
    limited = bounded(question, market, given)
    fleet = place_fleet(question, limited, (needs, given), solve_fleet)
    if not isinstance(fleet, Fleet):
        return infeasible(question, (*fleet, *_besides(question, market, needs, given)))
    demand = Demand(
        question=question, needs=needs, given=given, sites=(), placement=fleet.placement(), fleet=fleet, moved=moved
    )
    return _built(question, market, demand, partial(scarce_in_fleet, limited, fleet) if appraise else None)


def _by_region(question: Question, market: Market, asked: Asked, solve: Solver, *, appraise: bool) -> Plan | Infeasible:
    """Compute and shares first, each region's reserve its own; circuits follow."""
    needs, given = asked
    if unheld := tuple(held_nowhere(question, market, needs, given)):
        return infeasible(question, (*unheld, *_besides(question, market, needs, given)))
    sites = with_copies(question, market, given, read_sites(question, market, needs, given))
    sites = with_lent_places(question, market, given, sites)
    if not question.environment.rules.calm:
        sites = tuple(replace(site, live=Live(serving={}, failover={}, shares={})) for site in sites)
    last, settings = wanted_last(question, market), question.environment.failover
    placed = place_with_copies(
        question, market, (needs, given), sites, lambda those: place(those, settings, solve, last)
    )
    if isinstance(placed, Lacking):
        share = {site.region: question.environment.critical_share_of(site.region) for site in sites}
        short = (*placement_shortfalls(placed, needs, sites, share), *unplaced(placed, needs, sites))
        return infeasible(question, (*short, *_besides(question, market, needs, given)))
    demand = Demand(
        question=question,
        needs=placed.needs,
        given=given,
        sites=placed.sites,
        placement=placed.placement,
        moved=placed.moved,
        circuits_bound=circuits_bound(question, market, (placed.needs, given, placed.moved), solve),
    )
    return _built(question, market, demand, partial(scarce, market, demand, placed.asked, solve) if appraise else None)


def _built(
    question: Question, market: Market, demand: Demand, limits: Callable[[], Sequence[Scarce]] | None
) -> Plan | Infeasible:
    """Everything else beside what was placed; where they are asked for, with the limits that cost something."""
    desired = Desired.start(market, demand.given)
    built = _build(question, desired, demand)
    if limits is None or isinstance(built, Infeasible):
        return built
    return _appraised(built, (*limits(), *desired.scarce))


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
        return infeasible(question, short)
    want_units(desired, question, staged_units(question, desired.market), spaces)
    desired.requirements.extend(unstaged_storage(question, desired.market))
    want_support(desired, demand)
    return plan_document(question, desired, demand, circuits_usd)


def _place(desired: Desired, demand: Demand) -> tuple[tuple[Shortfall, ...], float]:
    """Compute and circuits: what of links cannot be met, and what circuits cost that the placement does not count."""
    if demand.fleet:
        want_fleet(desired, demand.fleet, demand.needs)
        return fleet_shortfalls(desired, demand.needs), 0.0
    want_compute(desired, demand)
    return want_circuits(desired, demand)
