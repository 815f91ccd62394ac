"""The gate: what may be applied. `prestage apply`, `pulumi up` and reconcile all go through it.

A plan is refused when it is altered, of another environment or engine, frozen, expired, superseded, not reviewed or
stale; the message begins with the word.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contracts.capacity import CapacitySnapshot
from contracts.environment import Environment
from contracts.errors import AlteredDocument, DocumentError
from contracts.files import read_document
from contracts.limits import Freeze
from contracts.plan import Plan
from contracts.review import Finding, Review
from coordinator.errors import Denied, Refused
from coordinator.plan_file import read_plan
from coordinator.project import Project
from coordinator.review import review_now
from coordinator.staleness import find_staleness


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A plan that may be applied now, and the review that says so."""

    plan: Plan
    review: Review


def check(project: Project, plan_path: Path, now: datetime) -> Gate:
    """Lets a plan file through, or says why not.

    Raises:
        AlteredDocument: the plan's bytes, or its review's, are not those that were written.
        Refused: frozen, expired, superseded, not reviewed, stale, or for another environment or engine.
        Denied: the policies deny it.
    """
    plan = read_plan(plan_path)
    where = str(plan_path)
    _check_belongs(project, plan, where)
    _check_time(project, plan, where, now)
    _check_chain(project, plan, where)
    stored = _reviewed(project, plan, plan_path)
    _check_fresh(plan, project, project.estate(), where)
    return Gate(plan=plan, review=_check_verdict(project, plan, stored, plan_path))


def freeze_now(environment: Environment, now: datetime) -> Freeze | None:
    """The freeze window that `now` lies in."""
    return next((freeze for freeze in environment.freezes if freeze.start <= now < freeze.end), None)


def _check_belongs(project: Project, plan: Plan, where: str) -> None:
    environment = project.environment
    if plan.environment != environment.name:
        raise Refused(
            f"not for this environment: it is a plan of {plan.environment!r}",
            where=where,
            expected=f"a plan of {environment.name!r}",
            next_step=f"prestage apply {where} --env {plan.environment}",
        )
    if plan.engine is not environment.engine:
        raise Refused(
            f"not for this engine: it was made for {plan.engine}; {environment.engine} is in charge",
            where=where,
            next_step=_plan_again(project),
        )


def _check_time(project: Project, plan: Plan, where: str, now: datetime) -> None:
    freeze = freeze_now(project.environment, now)
    if freeze is not None:
        raise Refused(
            f"frozen until {_minute(freeze.end)}: {freeze.reason}",
            where=where,
            next_step=f"apply it after {_minute(freeze.end)}, or change freezes in the environment file",
        )
    if now >= plan.expires_at:
        raise Refused(
            f"expired at {_minute(plan.expires_at)}; it is {_minute(now)}",
            where=where,
            expected=f"applied within {project.environment.horizons.validity_hours} h of being made",
            next_step=_plan_again(project),
        )


def _check_chain(project: Project, plan: Plan, where: str) -> None:
    last = project.journal.last_applied()
    if plan.small or last in (plan.inputs.previous_plan, plan.digest()):
        return
    raise Refused(
        f"superseded: another plan was applied since ({_short(last)}); this one starts from"
        f" {_short(plan.inputs.previous_plan)}",
        where=where,
        next_step=_plan_again(project),
    )


def _reviewed(project: Project, plan: Plan, plan_path: Path) -> Review:
    """The review beside the plan, of this very plan under these very policies."""
    path = project.paths.review_of(plan_path)
    stored = _read_review(path, plan_path)
    if stored.plan != plan.digest():
        raise _not_reviewed(path, plan_path, f"the review is of another plan ({_short(stored.plan)})")
    if stored.policies != project.bundle.digest():
        raise _not_reviewed(path, plan_path, "the policies changed since the review")
    return stored


def _check_verdict(project: Project, plan: Plan, stored: Review, plan_path: Path) -> Review:
    """The review made anew: it has to pass, and to come out as the stored one did."""
    fresh = review_now(project, plan)
    if fresh.denied:
        denials = [f"{item.rule} ({item.resource}): {item.message}" for item in fresh.findings if item.denies]
        raise Denied(
            f"denied by {len(denials)} finding{'s' if len(denials) > 1 else ''}: " + "; ".join(denials[:5]),
            where=str(plan_path),
            next_step=f"prestage review {plan_path}",
        )
    if [_verdict(item) for item in stored.findings] != [_verdict(item) for item in fresh.findings]:
        raise _not_reviewed(project.paths.review_of(plan_path), plan_path, "the review comes out differently now")
    return fresh


def _read_review(path: Path, plan_path: Path) -> Review:
    if not path.exists():
        raise _not_reviewed(path, plan_path, "there is no review")
    try:
        return read_document(Review, path)
    except AlteredDocument:
        raise
    except DocumentError as error:
        raise _not_reviewed(path, plan_path, f"the review cannot be read ({error.what})") from error


def _not_reviewed(path: Path, plan_path: Path, why: str) -> Refused:
    return Refused(f"not reviewed: {why}", where=str(path), next_step=f"prestage review {plan_path}")


def _verdict(finding: Finding) -> tuple[str, str, str, str | None]:
    """What has to be the same for a review to stand; numbers in messages may move with the estate."""
    return finding.rule, finding.resource, finding.level, finding.exempted_by


def _check_fresh(plan: Plan, project: Project, capacity: CapacitySnapshot, where: str) -> None:
    found = find_staleness(plan, capacity, project.ledger.view(), project.environment.tolerance)
    if found:
        listed = "; ".join(item.text() for item in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise Refused(f"stale: {listed}{more}", where=where, next_step=_plan_again(project))


def _plan_again(project: Project) -> str:
    return f"prestage plan --env {project.environment.name}, then review and apply that"


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _short(digest: str | None) -> str:
    return "no plan at all" if digest is None else digest[:19]
