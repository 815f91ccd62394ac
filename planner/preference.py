"""Demand in cheaper regions, where residency, latency and customers' rules allow it; none of it where they don't.

A stage before the plan. One programme (`planner.preference_model`) decides which share of each region's movable demand
is served in which other region, beside the instances and what stands by for it. Then whole plans are made: with what
it decided, with what the last plan had elsewhere so far as that is still allowed, and with everything at home; of these
the cheapest is taken, each counted with the charge for what it moves against the last plan. So a move is made only
where the plan as a whole is cheaper for it by the margin that people state (`placement.saves_share`), and what is
elsewhere stays for the same.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from contracts.capacity import CapacityKind
from contracts.environment import Environment
from contracts.failover import Reserve
from contracts.names import is_link
from contracts.plan import Infeasible, Plan
from contracts.preference import CARRIED_FOR, DEMAND_OF, Move, Preference, is_of_placement
from planner.errors import SolverError
from planner.market import Market
from planner.model import Solver, SolveStatus
from planner.preference_case import Case, case_of, choice_of, staying
from planner.preference_model import build_choice, move_usd, moves_of
from planner.preference_rules import STEP, share_of, steps_of
from planner.preference_told import told_of
from planner.question import Question
from planner.requirements import rounded

Attempt = Callable[[Question], Plan | Infeasible]

NOT_DECIDED = "what may be served elsewhere was not decided anew"


def may_move(environment: Environment) -> bool:
    """Whether any demand may be served elsewhere, and a plan decides it."""
    movable = any(environment.placement_of(region.name).movable > 0 for region in environment.regions)
    return movable and environment.failover.reserve is Reserve.DEDICATED


def preferred(question: Question, solve: Solver, attempt: Attempt, in_full: Attempt | None = None) -> Plan | Infeasible:
    """The plan that serves demand where that is cheapest.

    Args:
        question: with nothing decided.
        solve: solves the programme.
        attempt: plans a question as it is.
        in_full: the same for the plan that is taken, where that says more and takes longer.

    Raises:
        SolverError: no plan can be had.
    """
    dedicated = question.environment.failover.reserve is Reserve.DEDICATED
    if not may_move(question.environment) and not (dedicated and staying(question)):
        return (in_full or attempt)(question)
    market = Market.read(question.catalog, question.capacity)
    case = case_of(question, market)
    decided, why = _decide(case, solve)
    found: dict[tuple[Move, ...], Plan | Infeasible] = {}
    for moves in (case.fixed, case.standing, decided):
        if moves not in found:
            found[moves] = attempt(replace(question, moved=moves))
    usd = {moves: _usd(case, moves, plan) for moves, plan in found.items()}
    best = min((case.standing, decided, case.fixed), key=lambda moves: usd[moves])
    home = found[case.fixed]
    plan = home if math.isinf(usd[best]) else found[best]
    chosen = replace(question, moved=case.fixed if plan is home else best)
    plan = in_full(chosen) if in_full else plan
    if isinstance(plan, Infeasible):
        return plan
    at_home = None if isinstance(home, Infeasible) else rounded(_whole_usd(home))
    preference = Preference(at_home_usd_per_hour=at_home, regions=told_of(chosen, market, case.judged, plan), told=why)
    return plan.model_copy(update={"preference": preference})


def _decide(case: Case, solve: Solver) -> tuple[tuple[Move, ...], str]:
    """What the programme would serve elsewhere; what is elsewhere already where it fails, and why."""
    if not case.pairs:
        return case.standing, ""
    model, columns = build_choice(choice_of(case))
    try:
        solution = solve(model)
    except SolverError as error:
        return case.standing, f"{NOT_DECIDED}: {error.what}"
    if solution.status is SolveStatus.INFEASIBLE:
        return case.standing, ""
    steps = moves_of(columns, solution.values)
    moves = tuple(Move(region, host, share_of(many)) for (region, host), many in steps.items())
    return tuple(sorted(case.fixed + moves)), ""


def _usd(case: Case, moves: tuple[Move, ...], plan: Plan | Infeasible) -> float:
    """What a plan costs an hour, with a charge for each share that is elsewhere than the last plan had it."""
    if isinstance(plan, Infeasible) or (moves != case.fixed and _cuts_what_came(plan)):
        return math.inf
    before, after = ({(move.region, move.host): move.share for move in some} for some in (case.standing, moves))
    changed = {
        (pair.source.region, pair.host): move_usd(pair)
        for pair in case.pairs
        if (pair.source.region, pair.host) in before.keys() | after.keys()
    }
    charge = sum(
        usd * abs(steps_of(after.get(place, 0.0)) - steps_of(before.get(place, 0.0))) * STEP
        for place, usd in changed.items()
    )
    return _whole_usd(plan) + charge + _cut_usd(case, plan)


def _cut_usd(case: Case, plan: Plan) -> float:
    """What serving it at home would cost that maxima cut of movable demand: leaving it unmet makes no plan cheaper."""
    usd = {item.source.region: item.source.usd or 0.0 for item in case.judged}
    return sum(
        -amount * usd.get(need.place, 0.0)
        for need in plan.requirements
        for name, amount in need.parts.items()
        if need.kind is CapacityKind.VCPU and name.startswith("maximum")
    )


def _whole_usd(plan: Plan) -> float:
    """What a plan costs an hour once what waits for a later one is done, too."""
    return plan.cost.after_usd_per_hour + sum(change.usd_per_hour for change in plan.deferred)


def _cuts_what_came(plan: Plan) -> bool:
    """Whether a maximum leaves some of what a region serves for others unmet."""
    return any(
        any(name.startswith((DEMAND_OF, CARRIED_FOR)) for name in need.parts)
        and any(amount < 0 and not is_of_placement(name) for name, amount in need.parts.items())
        for need in plan.requirements
        if not is_link(need.place)
    )
