"""`find_drift`: what was applied last, what is live, what is wanted, and what the ledger explains. Never writes.

On premises the inventory says what is live. In clouds the engine looks through its providers, and what carries our tags
there is counted besides: what the engine does not know was made by somebody else, or lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from contracts.drift import DriftClass, DriftReport
from contracts.plan import Plan
from contracts.ports import Progress, Silent
from coordinator.authors import ask_trail, with_authors
from coordinator.project import Project
from coordinator.reading import Looked, look
from stacks.apply import make_order
from stacks.clouds.cloud import CloudResource
from stacks.declaration import ESTATE_PROVIDER, Declaration
from stacks.drift import Tagged, ThreeViews, compare
from stacks.engines.engine import AppliedResource, Job, Observed, Observer
from stacks.errors import CloudError, Interrupted, StacksError
from stacks.targets.declare import declare

LOOKED_BACK = 1000
"""Runs of the journal that are searched for a small plan: one that is older was adopted long ago."""


def find_drift(project: Project, progress: Progress = Silent()) -> DriftReport:  # noqa: B008 - has no state
    """Compares three ways, as of now, and not in the middle of an apply.

    Raises:
        ApplyBusy: an apply has been running for longer than we wait.
    """
    with project.patient_lock("prestage drift"):
        views = three_views(project, look(project), progress)
    report = compare(views, read_at=project.clock())
    return with_authors(report, views.observed, partial(ask_trail, project.environment))


def three_views(
    project: Project,
    looked: Looked,
    progress: Progress = Silent(),  # noqa: B008 - has no state
) -> ThreeViews:
    """What is compared. The caller holds the estate's lock, and has looked just now."""
    plan = project.archived(project.journal.last_applied())
    wanted = _wanted(project, plan)
    seen = _look(project, plan, looked, progress)
    return ThreeViews(
        last={key: item for key, item in looked.applied.items() if _on_premises(item.type)},
        live={row.key: row for row in project.inventory.listing(project.environment.name)},
        wanted=wanted,
        ledger=project.ledger.view(),
        on_demand=seen.on_demand,
        observed=seen.observed,
        tagged=seen.tagged,
        unseen=seen.unseen,
    )


def damaged(report: DriftReport, views: ThreeViews) -> frozenset[str]:
    """Resources in clouds of which a part was changed or removed: an apply of what is wanted mends them."""
    keys = {item.key for item in report.differences if item.drift_class is DriftClass.HARMFUL}
    parts = (views.wanted[key] for key in keys if key in views.wanted)
    return frozenset(part.of for part in parts if not _on_premises(part.type))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was seen in clouds; `unseen` says of each key why it could not be looked at."""

    observed: tuple[Observed, ...] = ()
    on_demand: Mapping[str, Declaration] = field(default_factory=dict)
    tagged: tuple[Tagged, ...] = ()
    unseen: Mapping[str, str]


def _wanted(project: Project, plan: Plan | None) -> Mapping[str, Declaration]:
    resources = [planned.resource for planned in plan.resources] if plan else []
    return {item.key: item for item in declare(resources, project.environment)}


def _on_premises(type: str) -> bool:
    return type.startswith(f"{ESTATE_PROVIDER}_")


def _look(project: Project, plan: Plan | None, looked: Looked, progress: Progress) -> _Seen:
    """Looks into the clouds root by root, so that one that cannot be read leaves the others known."""
    if not project.environment.accounts or plan is None:
        return _Seen(unseen={})
    applied = looked.applied
    planned = make_order(plan, project.environment, resume="prestage drift").job
    extra = _on_demand(project, applied, planned)
    job = _in_clouds(replace(planned, roots={**planned.roots, **extra}), applied)
    observed: list[Observed] = []
    unseen: dict[str, str] = {}
    for part, failure, found in _by_root(project, job, progress):
        observed += (item for item in found if not _on_premises(item.type))
        if failure:
            declared = {item.key for items in part.roots.values() for item in items}
            held = {key for key, item in applied.items() if item.root in part.roots}
            unseen |= dict.fromkeys(sorted(declared | held), failure)
    tagged, failures = by_tag(looked)
    unseen |= failures
    on_demand = {item.key: item for items in extra.values() for item in items}
    return _Seen(observed=tuple(observed), on_demand=on_demand, tagged=tagged, unseen=unseen)


def _on_demand(
    project: Project, applied: Mapping[str, AppliedResource], planned: Job
) -> Mapping[str, tuple[Declaration, ...]]:
    """What small plans declared in roots that the plan does not name, as far as the journal goes back."""
    left = {item.root for item in applied.values() if not _on_premises(item.type)} - planned.roots.keys()
    found: dict[str, tuple[Declaration, ...]] = {}
    for run in project.journal.runs(limit=LOOKED_BACK) if left else ():
        plan = project.archived(run.plan) if run.small and left & {item.root for item in run.roots} else None
        if plan is not None:
            roots = make_order(plan, project.environment, resume="prestage drift").job.roots
            found = {**{root: items for root, items in roots.items() if root in left}, **found}
    return found


def _in_clouds(job: Job, applied: Mapping[str, AppliedResource]) -> Job:
    """The part of a job whose roots hold something in a cloud, by what is declared or by what was applied."""
    held = {item.root for item in applied.values() if not _on_premises(item.type)}
    there = {root for root, items in job.roots.items() if any(not _on_premises(item.type) for item in items)}
    return replace(job, roots={root: items for root, items in job.roots.items() if root in held | there})


def _by_root(project: Project, job: Job, progress: Progress) -> list[tuple[Job, str, tuple[Observed, ...]]]:
    """All roots at once; where that fails, each by itself: the part, why it failed, what was seen."""
    engine = project.engine
    if not job.roots or not isinstance(engine, Observer):
        return []
    try:
        return [(job, "", engine.observe(job, progress))]
    except Interrupted:
        raise
    except StacksError:
        parts = [replace(job, roots={root: items}) for root, items in job.roots.items()]
        return [_observed(engine, part, progress) for part in parts]


def _observed(engine: Observer, part: Job, progress: Progress) -> tuple[Job, str, tuple[Observed, ...]]:
    try:
        return part, "", engine.observe(part, progress)
    except Interrupted:
        raise
    except StacksError as error:
        return part, error.what, ()


def by_tag(looked: Looked) -> tuple[tuple[CloudResource, ...], Mapping[str, str]]:
    """What carries our tags, each once: services without regions answer in all of them. And what failed, why."""
    found: dict[tuple[str, str], CloudResource] = {}
    failures: dict[str, str] = {}
    for region, answer in looked.tagged.items():
        if isinstance(answer, CloudError):
            failures[region] = answer.what
        else:
            found |= {(item.type, item.id): item for item in answer}
    return tuple(found.values()), failures
