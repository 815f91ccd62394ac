"""Peering requests: `handlePeeringRequest` of disclosure 11582298.

    allocated = getPreAllocatedResources(destination, required)      staged.decide_staged: latency low
    else onDemand = allocateResources(destination, required)         on_demand.grant_on_demand: latency medium
    else failure "Insufficient resources"                            a refusal, naming what is missing in numbers
    updateMonitoringMetrics()                                        in the transaction of the decision

The same request id is always answered the same.
"""

from contracts.environment import Environment
from contracts.requests import Decision, Outcome, PeeringRequest
from contracts.spelling import likely
from coordinator.answers import Case, stopwatch
from coordinator.errors import UnknownName
from coordinator.follow import follow
from coordinator.on_demand import grant_on_demand
from coordinator.project import Project
from coordinator.settle import catch_up
from coordinator.staged import decide_staged


def answer_peering(project: Project, request: PeeringRequest) -> Decision:
    """Answers a request: staged resources first, on demand else, or a refusal. Never leaves it half done.

    Raises:
        UnknownName: the environment has no such region.
        RequestConflict: the id was used with another content.
        Busy, ApplyBusy: another process holds the ledger or the estate; nothing was changed.
    """
    check_regions(project.environment, request.source, request.destination)
    catch_up(project)
    case = Case(request=request, ms=stopwatch())
    answer = decide_staged(project.ledger, project.environment, case, request)
    if not isinstance(answer, Decision):
        answer = grant_on_demand(project, case, request, Outcome.ON_DEMAND)
    follow(project.ledger, project.inventory, project.paths.follow_lock)
    return answer


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
