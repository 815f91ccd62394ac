"""`read_status`: where an environment stands, as one value. Nothing is written."""

from pydantic import AwareDatetime

from contracts.document import Model
from contracts.ledger import UnitView
from coordinator.ledger import grants, requests, units
from coordinator.ledger.counters import Counter, listing
from coordinator.project import Project
from stacks.lock import lock_is_held, read_holder


class UnitCount(Model):
    """How many units of a kind are in a state."""

    kind: str
    state: str
    count: int


class HoldView(Model):
    """An open hold: who has how many units until when."""

    id: str
    customer: str
    priority: int
    until: AwareDatetime
    units: tuple[str, ...]


class PlanView(Model):
    """The plan that was applied last."""

    digest: str
    made_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    expired: bool


class RunView(Model):
    """A run without an outcome: it was killed, and the same command resumes it."""

    run: str
    plan: str
    small: bool
    started_at: AwareDatetime


class Status(Model):
    """Where an environment stands.

    Attributes:
        unanswered: ids of requests that were begun and not answered.
        not_followed: units whose state the inventory does not know yet.
        locked_by: who runs something now.
        audit_rows: rows of the audit, and `audit_head` the hash of the last.
    """

    environment: str
    units: tuple[UnitCount, ...]
    handed_out: tuple[UnitView, ...]
    holds: tuple[HoldView, ...]
    last_plan: PlanView | None
    open_runs: tuple[RunView, ...]
    unanswered: tuple[str, ...]
    not_followed: int
    locked_by: str | None
    audit_rows: int
    audit_head: str
    counters: dict[str, float]


def read_status(project: Project) -> Status:
    """Reads it all.

    Raises:
        AuditBroken: the audit was changed.
    """
    verdict = project.ledger.verify_audit()
    with project.ledger.read() as tx:
        counted = units.counts(tx)
        holds = tuple(_hold(grant, units.of_grant(tx, grant.id)) for grant in grants.open_holds(tx))
        unanswered = tuple(request.id for request in requests.unanswered(tx))
        not_followed = tx.row("SELECT COUNT(*) AS n FROM outbox")
        tallies = listing(tx)
    holder = read_holder(project.paths.lock) if lock_is_held(project.paths.lock) else None
    return Status(
        environment=project.environment.name,
        units=tuple(UnitCount(kind=kind, state=state, count=n) for (kind, state), n in counted.items()),
        handed_out=tuple(unit for unit in project.ledger.view().units if unit.holder is not None),
        holds=holds,
        last_plan=_last_plan(project),
        open_runs=tuple(
            RunView(run=run.id, plan=run.plan, small=run.small, started_at=run.started_at)
            for run in project.journal.open_runs()
        ),
        unanswered=unanswered,
        not_followed=0 if not_followed is None else not_followed["n"],
        locked_by=None if holder is None else str(holder),
        audit_rows=verdict.rows,
        audit_head=verdict.head,
        counters={_label(item): item.value for item in tallies if not item.name.endswith("_bucket")},
    )


def _hold(grant: grants.Grant, held: tuple[units.Unit, ...]) -> HoldView:
    keys = tuple(unit.key for unit in held)
    return HoldView(id=grant.id, customer=grant.customer, priority=grant.priority, until=grant.until, units=keys)


def _last_plan(project: Project) -> PlanView | None:
    digest = project.journal.last_applied()
    if digest is None:
        return None
    plan = project.archived(digest)
    if plan is None:
        return PlanView(digest=digest, made_at=None, expires_at=None, expired=False)
    expired = project.clock() >= plan.expires_at
    return PlanView(digest=digest, made_at=plan.made_at, expires_at=plan.expires_at, expired=expired)


def _label(item: Counter) -> str:
    return f"{item.name}{{{item.labels}}}" if item.labels else item.name
