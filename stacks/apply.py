"""One reviewed plan to one engine run, with the journal around it.

Where it stands: after the gate (`coordinator`) said yes and took the lock. `make_order` turns the plan into a job: all
declarations by root, regions first, then links. `preview_plan` and `apply_plan` hand the engine the same job, so that
a dry run cannot drift from the real run. A root that fails leaves the others applied; the same plan resumes the rest.
What the plan destroys and the engine does not know goes first: see `stacks.strays`.
"""

import json
from collections.abc import Callable, Collection, ItemsView, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from contracts.document import text_digest
from contracts.engines import Rollout
from contracts.environment import Environment
from contracts.plan import Change, Operation, Plan
from contracts.ports import Clock, Progress
from contracts.resources import LINKS_ROOT, Resource
from contracts.run import RootRun, RunReport, RunStatus
from stacks.declaration import Argument, Declaration, Ref, SecretRef, Value
from stacks.engines.engine import Adoption, Engine, Job, Preview
from stacks.engines.turns import together
from stacks.errors import EngineMissing, EstateBusy, Interrupted, PartlyApplied, StacksError
from stacks.existing import finder_of
from stacks.journal import Intent, Journal, Run
from stacks.order import ApplyOrder
from stacks.strays import (
    STRAYS_ROOT,
    Strays,
    destroy_strays,
    doomed_by,
    preview_strays,
    remade_by,
)
from stacks.targets.declare import by_root, declare, providers
from stacks.wave_order import check_references
from stacks.waves import Steps, check_health, run_waves, waves_of

COMPLETE = frozenset({RunStatus.DONE, RunStatus.CLEAN})
ATTEMPTS = 3  # while another process holds the estate; every step of an engine is safe to repeat


def make_order(
    plan: Plan, environment: Environment, *, resume: str, live: Collection[str] = (), folder: Path = Path()
) -> ApplyOrder:
    """The job of a plan.

    A plan names the whole content of its roots: every region's and that of the links; a small plan only the roots of
    its own resources. A resource that is adopted is declared where it goes, and the root it leaves is dropped.

    Args:
        plan: what shall hold.
        environment: what people decided.
        resume: the command that goes on after a stop.
        live: keys of what exists.
        folder: the project's.

    Raises:
        ReferenceCycle: regions go in waves, and what is declared waits for itself.
    """
    wanted = [item.resource for item in plan.resources]
    roots = _roots_of(plan, environment, wanted)
    by_key = {resource.key: resource for resource in wanted}
    adopted = [change for change in plan.changes if change.operation is Operation.ADOPT and change.from_root]
    leaving = {change.from_root: _staying(plan.changes, change.from_root) for change in adopted if change.from_root}
    content = {root: [item for item in wanted if item.root == root] for root in roots if root not in leaving}
    content |= {root: resources for root, resources in leaving.items() if resources}
    declared = by_root(declare([item for items in content.values() for item in items], environment))
    job = Job(
        environment=environment.name,
        roots={root: declared.get(root, ()) for root in _in_order(content)},
        adopt=tuple(Adoption(key=item.key, from_root=item.from_root or "") for item in adopted if item.key in by_key),
        drop=tuple(sorted(leaving)),
        providers=providers(environment),
    )
    rollout = Rollout() if plan.small else environment.rollout
    if rollout.waves:
        check_references(job)
    return ApplyOrder(
        plan=plan,
        job=job,
        resume=resume,
        doomed=doomed_by(plan, environment),
        live=frozenset(live),
        remade=remade_by(plan, environment),
        finder=finder_of(environment),
        rollout=rollout,
        folder=folder,
    )


def preview_plan(order: ApplyOrder, engine: Engine, progress: Progress) -> Preview:
    """What `apply_plan` would do now, in the engine's own words too. Changes nothing."""
    for attempt in _patiently():
        with attempt:
            shown = engine.preview(order.job_now(engine, stopped=False), progress)
            strays = order.strays(engine)
            return Preview(roots=(preview_strays(strays), *shown.roots)) if strays else shown
    raise AssertionError("tenacity raises after the last attempt")


def apply_plan(order: ApplyOrder, engine: Engine, journal: Journal, clock: Clock, progress: Progress) -> RunReport:
    """Applies the order and says how each root ended. Safe to repeat after any interruption.

    The caller holds the `ApplyLock`. An incomplete report leaves the run open in the journal: `incomplete` turns it
    into the error that people see.

    Raises:
        JournalAltered: an open run of this plan finished a root that is declared differently now.
        Interrupted: the person stopped it; says how to resume.
        EngineMissing, EngineFailed, EstateBusy: before anything was done, or with the run left open.
    """
    started = clock()
    program = engine.program()
    intent = intent_of(order)
    run = journal.begin(intent, started)
    try:
        outcomes = _run(order, engine, progress, run, lambda found: journal.record(run.id, found))
    except (Interrupted, KeyboardInterrupt) as stopped:
        so_far = next((item for item in journal.open_runs() if item.id == run.id), run)
        journal.record(run.id, _unfinished(so_far, RunStatus.INTERRUPTED))
        raise _interrupted(order, stopped) from stopped
    except EngineMissing:
        journal.abandon(run.id, clock())
        raise
    ended = clock()
    journal.finish(run.id, _status(outcomes), outcomes, ended)
    return RunReport(
        run=run.id,
        environment=order.plan.environment,
        plan=intent.plan,
        engine=order.plan.engine,
        program=program.name,
        program_version=program.version,
        started_at=started,
        seconds=_seconds(started, ended),
        resumed=run.resumed,
        roots=outcomes,
    )


def intent_of(order: ApplyOrder) -> Intent:
    """What the journal is told before an order is carried out."""
    roots = {**order.job.roots, STRAYS_ROOT: order.doomed} if order.doomed else order.job.roots
    return Intent(
        plan=order.plan.digest(),
        small=order.plan.small,
        engine=order.plan.engine,
        roots={root: declarations_digest(items) for root, items in roots.items()},
    )


def close_if_applied(order: ApplyOrder, engine: Engine, journal: Journal, clock: Clock) -> bool:
    """Closes the open run of a plan that the engine's state shows to be applied: how a bare `pulumi up` is noted.

    Returns whether there was such a run.
    """
    plan = order.plan.digest()
    run = next((run for run in journal.open_runs() if run.plan == plan), None)
    if run is None or not _holds(order, engine):
        return False
    outcomes = tuple(RootRun(root=root, status=RunStatus.DONE) for root in order.job.roots)
    journal.finish(run.id, RunStatus.DONE, outcomes, clock())
    return True


def incomplete(report: RunReport, *, resume: str) -> PartlyApplied | None:
    """The error of a report that is not complete: which roots, why, and the command that resumes it."""
    left = [root for root in report.roots if root.status not in COMPLETE]
    if not left:
        return None
    reasons = "; ".join(f"{root.root}: {root.message or root.status.value}" for root in left)
    done = len(report.roots) - len(left)
    return PartlyApplied(
        f"{done} of {len(report.roots)} roots are applied, {len(left)} are not: {reasons}",
        where=f"{report.environment}, {report.run}",
        next_step=f"mend the cause, then: {resume}",
    )


def declarations_digest(declarations: Iterable[Declaration]) -> str:
    """What is declared, as one digest, whatever the order."""
    content = [
        [item.key, item.type, item.resolved(_named), sorted(item.depends_on)]
        for item in sorted(declarations, key=lambda item: item.key)
    ]
    return text_digest(json.dumps(content, sort_keys=True, separators=(",", ":")))


def _named(ref: Ref | SecretRef) -> Value:
    return {"ref": ref.key, "attribute": ref.attribute} if isinstance(ref, Ref) else {"secret": ref.name}


def _holds(order: ApplyOrder, engine: Engine) -> bool:
    """Whether the engine's state holds just what the order declares, in the roots that it names."""
    wanted = {item.key: item for items in order.job.roots.values() for item in items}
    there = {key: item for key, item in engine.applied().items() if item.root in order.job.roots}
    if wanted.keys() != there.keys():
        return False
    return all(
        declared.type == there[key].type and _known(declared) <= there[key].arguments.items()
        for key, declared in wanted.items()
    )


def _known(declared: Declaration) -> ItemsView[str, Argument]:
    """What is declared in so many words: the rest is decided by what it refers to."""
    return {name: value for name, value in declared.arguments.items() if not isinstance(value, Ref)}.items()


def _roots_of(plan: Plan, environment: Environment, wanted: list[Resource]) -> set[str]:
    named = {resource.root for resource in wanted}
    named |= {change.before.root for change in plan.changes if change.before is not None}
    if not plan.small:
        named |= {region.name for region in environment.regions} | {LINKS_ROOT}
    return named


def _staying(changes: Iterable[Change], root: str) -> list[Resource]:
    """What a root that is left shall hold before it is dropped: nothing to do, unless some of it is destroyed.

    Then the adopted rest has to be named, so that emptying the root of the others does not take it along.
    """
    here = [change for change in changes if change.before is not None and change.before.root == root]
    if all(change.operation is Operation.ADOPT for change in here):
        return []
    return [change.before for change in here if change.before and change.operation is Operation.ADOPT]


def _in_order(roots: Iterable[str]) -> list[str]:
    return sorted(roots, key=lambda root: (root == LINKS_ROOT, root))


def _run(
    order: ApplyOrder, engine: Engine, progress: Progress, run: Run, note: Callable[[tuple[RootRun, ...]], None]
) -> tuple[RootRun, ...]:
    """Strays first, then the job in its waves; `note` writes a wave's outcome down where others follow it."""
    for attempt in _patiently():
        with attempt:
            first = _destroy_strays(order, engine, progress, stopped=run.resumed)
            waves = waves_of(order.job, order.rollout, engine.applied() if order.rollout.waves else {})
            steps = Steps(
                apply=lambda job: engine.apply(order.job_now(engine, stopped=run.resumed, job=job), progress),
                note=note if len(waves) > 1 else lambda found: None,
                healthy=lambda regions: check_health(order.rollout, order.folder, regions, progress),
            )
            return (*first, *run_waves(order.job, waves, steps))
    raise AssertionError("tenacity raises after the last attempt")


def _destroy_strays(order: ApplyOrder, engine: Engine, progress: Progress, *, stopped: bool) -> tuple[RootRun, ...]:
    """Destroys what the plan destroys and the engine does not know; after a stop, copies of what it replaces too."""

    def adopting(job: Job) -> Job:
        return order.job_now(engine, stopped=stopped, job=job)

    run = None
    copies = order.copies(engine) if stopped else {}
    if copies:
        found = tuple(item for item in order.remade if item.key in copies)
        doubles = Strays(found=found, kept=())
        run = destroy_strays(
            doubles, engine, progress, order.job, lambda job: replace(job, adopt=tuple(copies.values()))
        )
    if strays := order.strays(engine):
        run = together(run, destroy_strays(strays, engine, progress, order.job, adopting))
    return (run,) if run else ()


def _patiently() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(EstateBusy),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.2, max=2),
        reraise=True,
    )


def _status(outcomes: Iterable[RootRun]) -> RunStatus:
    found = {outcome.status for outcome in outcomes}
    if found <= {RunStatus.CLEAN}:
        return RunStatus.CLEAN
    return RunStatus.DONE if found <= COMPLETE else RunStatus.FAILED


def _unfinished(run: Run, status: RunStatus) -> tuple[RootRun, ...]:
    return tuple(root.model_copy(update={"status": status}) for root in run.roots if root.status not in COMPLETE)


def _interrupted(order: ApplyOrder, stopped: BaseException) -> Interrupted:
    what = stopped.what if isinstance(stopped, StacksError) else "stopped; what was finished is kept"
    return Interrupted(what, where=order.plan.environment, next_step=f"resume it: {order.resume}")


def _seconds(started: datetime, ended: datetime) -> float:
    return max(0.0, (ended - started).total_seconds())
