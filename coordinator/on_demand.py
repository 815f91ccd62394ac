"""What staging could not meet is made on demand: a small plan of its own, the same policies, the real engine.

Side effects, in this order, so that a crash at any point can be finished:

1. the request and the small plan are written to the ledger (intent);
2. the engine makes the resources, in a root of the request's own;
3. units, grant, answer and outcome are written in one transaction.

A rerun, or `settle`, finds the intent without outcome and goes on at 2, where creating again changes nothing.
"""

from typing import ClassVar

from contracts.document import Document
from contracts.plan import Plan
from contracts.ports import Silent
from contracts.requests import Decision, Missing, Outcome, PeeringRequest, ScorePart
from contracts.resources import Purpose
from contracts.run import RunReport
from coordinator.answers import Case, grant_units, refuse, stopwatch
from coordinator.gate import freeze_now
from coordinator.ledger import requests, units
from coordinator.project import Project
from coordinator.registration import units_of_plan
from coordinator.review import review_now
from coordinator.unattended import beyond_limits
from planner.small import SmallQuestion, build_small_plan
from stacks.apply import apply_plan, make_order
from stacks.engines.engine import Job
from stacks.targets.declare import declare

STEP = "on demand"


class OnDemand(Document):
    """The intent: the small plan, what a success is called, and the score it was decided with."""

    FORMAT: ClassVar[str] = "prestage/on-demand"

    plan: Plan
    outcome: Outcome
    score: float | None = None
    score_parts: tuple[ScorePart, ...] = ()


def grant_on_demand(project: Project, case: Case, needs: PeeringRequest, outcome: Outcome) -> Decision:
    """Makes what is needed and hands it out, or refuses with what is missing.

    Args:
        project: the environment.
        case: the request that is answered.
        needs: what has to be made for it, as a peering request.
        outcome: what a success is called: on demand, or out of the pool.

    Raises:
        ApplyBusy: another run has held the estate for a minute: who, since when.
        Interrupted, EngineFailed: the engine stopped; the same request id goes on from there.
    """
    with project.patient_lock(f"prestage request {case.request.id}"):
        return _decide(project, case, needs, outcome)


def finish_open(project: Project) -> tuple[Decision, ...]:
    """Finishes every request whose process ended between intent and outcome. The caller holds the estate's lock."""
    with project.ledger.read() as tx:
        left = {request.id: request for request in requests.unanswered(tx)}
        steps = requests.open_steps(tx, STEP)
    return tuple(
        _carry_out(project, Case(request=left[step.subject], ms=stopwatch()), _intent(step))
        for step in steps
        if step.subject in left
    )


def _decide(project: Project, case: Case, needs: PeeringRequest, outcome: Outcome) -> Decision:
    """Looks again, now that nobody else builds.

    What other processes began and did not end is finished first, this request's included: a plan made beside an open
    intent could take the same addresses.
    """
    finish_open(project)
    with project.ledger.read() as tx:
        known = requests.find(tx, case.request)
    if known is not None:
        return known
    planned = _plan(project, needs)
    if not isinstance(planned, Plan):
        with project.ledger.write() as tx:
            return requests.find(tx, case.request) or refuse(tx, case, planned)
    intent = OnDemand(plan=planned, outcome=outcome, score=case.score, score_parts=case.score_parts)
    with project.ledger.write() as tx:
        requests.receive(tx, case.request)
        requests.begin(tx, case.request.id, STEP, intent)
    return _carry_out(project, case, intent)


def _plan(project: Project, needs: PeeringRequest) -> Plan | tuple[Missing, ...]:
    """A small plan that may be applied without a person, or why there is none."""
    capacity = project.capacity()
    planned = build_small_plan(
        SmallQuestion(
            environment=project.environment,
            request=needs,
            capacity=capacity,
            catalog=project.catalog,
            ledger=project.ledger.view(),
            rules=project.bundle.digest(),
            now=project.clock(),
        )
    )
    if not isinstance(planned, Plan):
        return planned
    return _objections(project, planned, needs) or planned


def _objections(project: Project, plan: Plan, needs: PeeringRequest) -> tuple[Missing, ...]:
    now = project.clock()
    if (freeze := freeze_now(project.environment, now)) is not None:
        why = f"frozen until {freeze.end.isoformat(timespec='minutes')}: {freeze.reason}"
        return (Missing(kind="freeze", place=needs.destination, wanted=1, available=0, why=why),)
    limits = beyond_limits(plan, project.environment.unattended)
    denials = tuple(
        Missing(kind="policy", place=needs.destination, wanted=1, available=0, why=f"{finding.rule}: {finding.message}")
        for finding in review_now(project, plan).findings
        if finding.denies
    )
    return (*limits, *denials)


def _carry_out(project: Project, case: Case, intent: OnDemand) -> Decision:
    """Steps 2 and 3. What the engine could not make is taken back, and the request refused."""
    report = _apply(project, case, intent.plan)
    if not report.complete:
        return _take_back(project, case, intent.plan, report)
    made = units_of_plan(intent.plan, project.catalog, Purpose.GRANTED)
    case = Case(request=case.request, ms=case.ms, score=intent.score, score_parts=intent.score_parts)
    with project.ledger.write() as tx:
        for unit in made:
            units.add(tx, unit)
        requests.end(tx, case.request.id, STEP, "done")
        return grant_units(tx, case, made, intent.outcome)


def _apply(project: Project, case: Case, plan: Plan) -> RunReport:
    resume = f"the same request again (id {case.request.id}), or prestage status"
    project.archive(plan)
    order = make_order(plan, project.environment, resume=resume)
    return apply_plan(order, project.engine, project.journal, project.clock, Silent())


def _take_back(project: Project, case: Case, plan: Plan, report: RunReport) -> Decision:
    """Destroys what was made of the plan, in two steps: the engine may not know all of it.

    A process killed between a resource and the engine's own record of it leaves one that the engine would not destroy;
    declaring what exists makes the engine know it.
    """
    live = project.live_keys()
    made = [planned.resource for planned in plan.resources if planned.resource.key in live]
    for content in (declare(made, project.environment), ()):
        roots = dict.fromkeys(sorted({planned.resource.root for planned in plan.resources}), content)
        project.engine.apply(Job(environment=project.environment.name, roots=roots), Silent())
    project.journal.abandon(report.run, project.clock())
    missing = [
        Missing(kind="engine", place=run.root, wanted=1, available=0, why=run.message)
        for run in report.roots
        if run.message
    ]
    with project.ledger.write() as tx:
        requests.end(tx, case.request.id, STEP, "taken back")
        return refuse(tx, case, missing)


def _intent(step: requests.Step) -> OnDemand:
    return OnDemand.parse(step.intent, where=f"ledger, step {step.name} of {step.subject}")
