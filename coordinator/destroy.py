"""`destroy`: what an environment made ceases to exist, in the order in which it can, as far as nobody leans on it.

What is held or active, pinned, or in a paused region stays unless its key is named; and so does what it stands on.
It is a plan like any other, made from what is live and applied by the same engine, with the journal around it; but no
policy is asked: a person said it, with the number of what is destroyed. Killed at any point, the same command goes on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from contracts.engines import Rollout
from contracts.names import place_ends
from contracts.plan import Plan, ReasonCode
from contracts.ports import Progress
from contracts.resources import FailoverSpec, Resource
from contracts.run import RunReport
from contracts.spelling import likely
from coordinator.apply import retire_doomed
from coordinator.confirm import DESTROYS
from coordinator.errors import Refused, UnknownName
from coordinator.follow import follow
from coordinator.gate import freeze_now
from coordinator.on_demand import finish_open
from coordinator.project import Project
from coordinator.reading import Looked, live_keys, look
from coordinator.registration import register_plan
from coordinator.settle import note_applied
from coordinator.toward import Wanted, kept_in, leaning, plan_toward, planned_as
from stacks.apply import apply_plan, make_order

TOLD = "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destruction:
    """What would be destroyed.

    Attributes:
        plan: its deletions; an open one is gone on with.
        kept: what stays of what was asked for, and why.
    """

    plan: Plan
    kept: Mapping[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        """What is destroyed, in the order in which it can be."""
        return tuple(change.key for change in self.plan.changes if change.operation in DESTROYS)


def plan_destruction(project: Project, names: Collection[str]) -> Destruction:
    """What would be destroyed, and what would stay. Nothing is written.

    Args:
        project: the environment.
        names: regions, links or keys; none: everything.

    Raises:
        UnknownName: nothing that exists, and no region, is called so.
        ApplyBusy: another run is going on.
    """
    with project.patient_lock(command(names)):
        return _plan(project, names, look(project))


def destroy(project: Project, names: Collection[str], progress: Progress, *, confirmed: int | None) -> RunReport:
    """Destroys what is named, or everything.

    Args:
        project: the environment.
        names: regions, links or keys; none: everything.
        progress: hears how far it is.
        confirmed: how many resources a person said that it destroys.

    Raises:
        Refused: not confirmed with the right number, frozen, or handed out meanwhile; nothing was changed.
        UnknownName: nothing is called so.
        ApplyBusy: another run is going on: who, since when.
        Interrupted, EngineFailed: stopped on the way; the same command goes on from there.
    """
    with project.lock(command(names)):
        finish_open(project)
        note_applied(project)
        looked = look(project)
        found = _plan(project, names, looked)
        _check(project, found, names, confirmed)
        plan = found.plan
        project.archive(plan)
        if project.ledger.take_back(set(names) & set(found.keys), command(names)):
            follow(project.ledger, project.inventory, project.paths.follow_lock)
        retire_doomed(project, plan, f"environment {project.environment.name}")
        resume = f"{command(names)} --confirm {plan.destroyed}"
        order = make_order(plan, project.environment, resume=resume, live=live_keys(project, looked))
        finished = False
        try:
            at_once = replace(order, rollout=Rollout())  # links stand on regions, whatever their order is
            report = apply_plan(at_once, project.engine, project.journal, project.clock, progress)
            finished = report.complete
        finally:
            register_plan(project, plan, finished=finished)
        return report


def command(names: Collection[str]) -> str:
    """The command that destroys these."""
    return " ".join(["prestage destroy", *sorted(names)])


def _plan(project: Project, names: Collection[str], looked: Looked) -> Destruction:
    capacity = project.capacity(looked)
    live = {item.resource.key: item.resource for item in capacity.resources}
    if (begun := _begun(project, names)) is not None:
        return Destruction(plan=begun, kept={})
    _check_names(project, names, live)
    asked = {key for key, item in live.items() if not names or _is_meant(item, names)}
    others = {key: "was not asked for" for key in live if key not in asked}
    kept = leaning(live, {**kept_in(project, live, names), **others})
    staying = tuple(planned_as(live[key], ReasonCode.PINNED) for key in sorted(kept))
    plan = plan_toward(project, Wanted(resources=staying, told=command(names)), capacity)
    return Destruction(plan=plan, kept={key: why for key, why in kept.items() if key in asked})


def _begun(project: Project, names: Collection[str]) -> Plan | None:
    """The plan of the same command that was stopped; none where something of it was handed out since."""
    plans = (project.archived(run.plan) for run in project.journal.open_runs())
    begun = next((plan for plan in plans if plan is not None and plan.solver == command(names)), None)
    if begun is None:
        return None
    live = {change.key: change.before for change in begun.changes if change.before is not None}
    return None if kept_in(project, live, names) else begun


def _is_meant(resource: Resource, names: Collection[str]) -> bool:
    """Whether a resource is named, lies in what is named, or joins it to something."""
    if resource.key in names or resource.place in names or not set(names).isdisjoint(place_ends(resource.place)):
        return True
    return isinstance(resource.spec, FailoverSpec) and resource.spec.partner in names


def _check_names(project: Project, names: Collection[str], live: Mapping[str, Resource]) -> None:
    places = {region.name for region in project.environment.regions} | {item.place for item in live.values()}
    for name in names:
        if name not in places and name not in live:
            raise UnknownName(
                f"there is no {name!r}; {likely(name, [*places, *live])}".rstrip("; "),
                where=f"environment {project.environment.name}",
                expected="a region, a link, or the key of something that exists",
                next_step="prestage capacity, prestage status",
            )


def _check(project: Project, found: Destruction, names: Collection[str], confirmed: int | None) -> None:
    number, where = found.plan.destroyed, f"environment {project.environment.name}"
    if (freeze := freeze_now(project.environment, project.clock())) is not None:
        raise Refused(
            f"frozen until {freeze.end.isoformat(timespec='minutes')}: {freeze.reason}",
            where=where,
            next_step="wait for its end, or change freezes in the environment file",
        )
    if confirmed != number:
        said = "nobody confirmed it" if confirmed is None else f"{confirmed} were confirmed"
        raise Refused(
            f"not confirmed: it destroys {number}, and {said}",
            where=where,
            expected="the number of what is destroyed",
            next_step=f"look at it, then: {command(names)} --confirm {number}",
        )
