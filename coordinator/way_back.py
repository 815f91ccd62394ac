"""`plan_back`: the way back to a plan that was applied earlier, as a new plan against what is live now.

The earlier file itself is superseded: it says what changes from a state that is gone. What it wanted is still known,
and so is what is live; the new plan joins the two. It is reviewed and goes through the gate like any other. What was
handed out since stays, with what it stands on (docs/decisions/0007-the-way-back-is-a-new-plan.md); so do volumes that
serve, as nothing copies what they hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from contracts.files import write_document
from contracts.plan import Plan, PlannedResource, ReasonCode
from contracts.resources import BlockSpec, Purpose, Resource, StorageSpec, root_of
from contracts.review import Review
from contracts.workloads import Packing
from coordinator.errors import UnknownName
from coordinator.plan_file import read_plan
from coordinator.project import Project
from coordinator.review import make_review
from coordinator.settle import note_applied
from coordinator.toward import Wanted, kept_in, leaning, plan_toward, planned_as

DIGEST = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """The plan that leads back, where it is, and what the policies say of it."""

    plan: Plan
    path: Path
    review: Review


def plan_back(project: Project, target: str) -> WayBack:
    """Writes and reviews the plan that leads back to an earlier one; nothing is applied.

    Args:
        project: the environment.
        target: an earlier plan: its file, or its digest (some first digits do).

    Raises:
        UnknownName: no such plan was ever applied here.
        AlteredDocument: the file is not what was sealed.
        ApplyBusy: an apply has been running for longer than we wait.
    """
    earlier = find_earlier(project, target)
    path = project.paths.back_plan
    with project.patient_lock("prestage apply --back-to"):
        note_applied(project)
        plan = _plan(project, earlier)
    write_document(path, plan)
    return WayBack(plan=plan, path=path, review=make_review(project, path))


def find_earlier(project: Project, target: str) -> Plan:
    """A plan that was applied here earlier, by its file or by its digest."""
    file = Path(target)
    if file.suffix == ".json" and (
        found := next((at for at in (file, project.paths.folder / file) if at.exists()), None)
    ):
        return _applied_here(project, read_plan(found).digest(), target)
    return _applied_here(project, target, target)


def _applied_here(project: Project, digest: str, target: str) -> Plan:
    start = digest.removeprefix(DIGEST)
    applied = [run.plan for run in project.journal.runs(limit=1000) if not run.small and run.finished_at is not None]
    matching = {plan for plan in applied if plan.removeprefix(DIGEST).startswith(start)} if start else set()
    found = project.archived(matching.pop()) if len(matching) == 1 else None
    if found is not None:
        return found
    known = ", ".join(dict.fromkeys(plan[:19] for plan in applied[:5]))
    raise UnknownName(
        f"{'more than one plan' if matching else 'no plan'} that was applied here begins with {target!r}",
        where=f"environment {project.environment.name}",
        expected=f"one of {known}" if known else "a plan that was applied",
        next_step="prestage status shows the last one; version control has the earlier files",
    )


def _plan(project: Project, earlier: Plan) -> Plan:
    capacity = project.capacity()
    live = {item.resource.key: item.resource for item in capacity.resources}
    stored = {key: "holds what nothing else holds" for key, item in live.items() if _serves_content(item)}
    kept = leaning(live, {**stored, **kept_in(project, live)})
    wanted = {item.resource.key: item for item in earlier.resources if _fits(item.resource, kept, live)}
    for key in kept:
        since = live[key].purpose if key in stored else Purpose.GRANTED
        known = wanted[key].resource.purpose if key in wanted else since
        home = live[key].model_copy(update={"root": root_of(live[key].place)})  # what was made on demand is adopted
        wanted[key] = planned_as(home, ReasonCode.CONTENT if key in stored else ReasonCode.GRANT, known)
    told = f"way back to {earlier.digest()[:19]}"
    state = Wanted(
        resources=tuple(wanted.values()),
        requirements=earlier.requirements,
        told=told,
        preference=earlier.preference,
        packing=_packed_as_then(earlier, wanted),
    )
    return plan_toward(project, state, capacity)


def _packed_as_then(earlier: Plan, wanted: Mapping[str, PlannedResource]) -> Packing | None:
    """What instances held, of those that will be as they were."""
    then = {item.resource.key: item.resource.spec for item in earlier.resources}
    same = {key for key, item in wanted.items() if then.get(key) == item.resource.spec}
    packed = tuple(item for item in earlier.packing.instances if item.key in same) if earlier.packing else ()
    return earlier.packing.model_copy(update={"instances": packed}) if earlier.packing and packed else None


def _serves_content(resource: Resource) -> bool:
    return isinstance(resource.spec, StorageSpec) and resource.purpose is Purpose.SERVING


def _fits(resource: Resource, kept: Mapping[str, str], live: Mapping[str, Resource]) -> bool:
    """Whether something wanted then can be there beside what stays now: addresses are given once."""
    if not isinstance(resource.spec, BlockSpec) or resource.key in live:
        return True
    block = ip_network(resource.spec.prefix)
    taken = (item.spec for key in kept if (item := live[key]).place == resource.place)
    return not any(isinstance(spec, BlockSpec) and block.overlaps(ip_network(spec.prefix)) for spec in taken)
