"""The job that takes something in: everything that its roots hold already, and what is added to them."""

from collections.abc import Iterable, Iterator

from contracts.adoption import AdoptionProposal
from contracts.files import read_document
from contracts.ports import Progress
from coordinator.project import Project
from stacks.adopting import standalone
from stacks.apply import make_order
from stacks.declaration import Declaration
from stacks.engines.engine import Adoption, Job, Observed, Observer
from stacks.errors import AdoptionRefused
from stacks.targets.declare import by_root, declare, providers


def adoption_job(project: Project, taken: Iterable[Declaration], adoptions: Iterable[Adoption]) -> Job:
    """The roots of what is taken in, whole: as the last plan and earlier adoptions declare them, and the new."""
    added = tuple(taken)
    roots = {item.root for item in added}
    content = {item.key: item for item in (*_standing(project), *added) if item.root in roots}
    return Job(
        environment=project.environment.name,
        roots={root: by_root(content.values()).get(root, ()) for root in sorted(roots)},
        adopt=tuple(adoptions),
        providers=providers(project.environment),
    )


def observe(project: Project, job: Job, progress: Progress) -> tuple[Observed, ...]:
    """The job's resources in three views.

    Raises:
        AdoptionRefused: the engine in charge cannot look without acting.
    """
    engine = project.engine
    if not isinstance(engine, Observer):
        raise AdoptionRefused(
            f"{project.environment.engine} cannot say what an import would change",
            where=project.environment.name,
            next_step="update Prestage",
        )
    return engine.observe(job, progress)


def declared_by(project: Project, proposal: AdoptionProposal) -> tuple[Declaration, ...]:
    """What a proposal takes in, as the environment declares it now."""
    keys = {part.key for part in proposal.parts}
    declared = declare([item.resource for item in proposal.proposed], project.environment)
    return tuple(item for item in declared if item.key in keys)


def _standing(project: Project) -> Iterator[Declaration]:
    """What the engine holds, as it was declared: by the plan that was applied last, or when it was adopted."""
    held = project.engine.applied()
    for path in sorted(project.paths.adoptions.glob("*.json")):
        earlier = read_document(AdoptionProposal, path)
        yield from (item for item in standalone(declared_by(project, earlier), held) if item.key in held)
    plan = project.archived(project.journal.last_applied())
    if plan is not None:
        roots = make_order(plan, project.environment, resume="prestage adopt").job.roots
        yield from (item for items in roots.values() for item in items)
