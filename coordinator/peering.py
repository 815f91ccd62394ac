"""Peering requests: `handlePeeringRequest` of disclosure 11582298.

    allocated = getPreAllocatedResources(destination, required)      decide_staged: latency low
    else onDemand = allocateResources(destination, required)         on_demand.build_and_grant: latency medium
    else failure "Insufficient resources"                            a refusal, naming what is missing in numbers
    updateMonitoringMetrics()                                        in the transaction of the decision

The same request id is always answered the same.
"""

from contracts.environment import Environment
from contracts.names import link_name
from contracts.requests import Decision, Missing, Outcome, PeeringRequest
from contracts.spelling import likely
from coordinator.answers import Case, grant_units, refuse, stopwatch
from coordinator.errors import UnknownName
from coordinator.follow import follow
from coordinator.ledger import Ledger, requests
from coordinator.matching import match
from coordinator.on_demand import grant_on_demand
from coordinator.project import Project
from coordinator.stock import lots_for, units_of

StagedAnswer = Decision | tuple[Missing, ...]


def answer_peering(project: Project, request: PeeringRequest) -> Decision:
    """Answers a request: staged resources first, on demand else, or a refusal. Never leaves it half done.

    Raises:
        UnknownName: the environment has no such region.
        RequestConflict: the id was used with another content.
        Busy, ApplyBusy: another process holds the ledger or the estate; nothing was changed.
    """
    check_regions(project.environment, request.source, request.destination)
    case = Case(request=request, ms=stopwatch())
    answer = decide_staged(project.ledger, project.environment, case, request)
    if not isinstance(answer, Decision):
        answer = grant_on_demand(project, case, request, Outcome.ON_DEMAND)
    follow(project.ledger, project.inventory, project.paths.follow_lock)
    return answer


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


def check_regions(environment: Environment, *names: str) -> None:
    """All of these are regions of the environment.

    Raises:
        UnknownName: naming the first that is not, and the likely one.
    """
    known = [region.name for region in environment.regions]
    for name in names:
        if name not in known:
            raise UnknownName(
                f"there is no region {name!r}; {likely(name, known)}".rstrip("; "),
                where=f"environment {environment.name}",
                expected=f"one of {', '.join(known)}",
            )
