"""The answer to a peering request out of what is staged: one durable transaction, a few milliseconds.

It imports neither planner nor engines, so that a process that only answers from staging starts fast.
"""

from contracts.environment import Environment
from contracts.names import link_name
from contracts.requests import Decision, Missing, Outcome, PeeringRequest
from coordinator.allowed import not_allowed
from coordinator.answers import Case, grant_units, refuse
from coordinator.ledger import Ledger, requests
from coordinator.matching import match
from coordinator.stock import lots_for, units_of

StagedAnswer = Decision | tuple[Missing, ...]


def decide_staged(ledger: Ledger, environment: Environment, case: Case, request: PeeringRequest) -> StagedAnswer:
    """The answer out of staged resources, in one durable transaction; or what staging lacks, and nothing changed."""
    link = link_name(request.source, request.destination)
    with ledger.write() as tx:
        known = requests.find(tx, request)
        if known is not None:
            return known
        if request.source == request.destination:
            why = "a region is not peered with itself"
            return refuse(tx, case, [Missing(kind="link", place=link, wanted=1, available=0, why=why)])
        if denied := not_allowed(environment.rules, request.customer, link):
            return refuse(tx, case, denied)
        lots = lots_for(
            tx,
            request.customer,
            (request.destination, link),
            priority=request.priority,
            may_take_held=environment.unattended.priority_may_take_held,
        )
        found = match(request.requirements, request.destination, link, lots)
        if found.missing:
            return found.missing
        if not found.picks:
            why = "the request asks for nothing"
            return refuse(tx, case, [Missing(kind="requirements", place=link, wanted=1, available=0, why=why)])
        return grant_units(tx, case, units_of(tx, found.picks), Outcome.STAGED)
