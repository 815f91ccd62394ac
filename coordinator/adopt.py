"""`adopt`: a confirmed proposal is taken in by import, and nothing about it changes but whose tags it bears.

A last look comes first: anything else that the engine would do refuses the whole. Then it is a run like any other, in
the journal before it begins; killed on the way, the same command goes on.
"""

from pathlib import Path

from contracts.adoption import AdoptionProposal
from contracts.environment import Adopted, Environment
from contracts.files import read_document, write_document
from contracts.ports import Progress
from contracts.run import RootRun, RunReport, RunStatus
from coordinator.adoption_job import adoption_job, declared_by, observe
from coordinator.errors import Refused
from coordinator.project import Project
from stacks.adopting import changed_otherwise, standalone
from stacks.apply import declarations_digest
from stacks.engines.engine import Adoption, Job
from stacks.errors import AdoptionRefused
from stacks.journal import Intent

SHOWN = 8  # surprises that a message names


def adopt(project: Project, path: Path, progress: Progress) -> RunReport:
    """Takes in what a proposal proposes.

    Raises:
        Refused: of another environment, or the environment does not say yet what stays as it was found.
        AdoptionRefused: the engine would change something else; nothing was changed.
        AlteredDocument, MalformedDocument: not a proposal as it was written.
        ApplyBusy: another run holds the environment.
    """
    proposal = read_document(AdoptionProposal, path)
    _check_environment(project.environment, proposal, path)
    with project.lock(f"prestage adopt --apply {path}"):
        taken = standalone(declared_by(project, proposal), project.engine.applied())
        adoptions = tuple(Adoption(key=part.key, id=part.found.id) for part in proposal.parts)
        job = adoption_job(project, taken, adoptions)
        surprises = tuple(changed_otherwise(observe(project, job, progress), {item.key for item in adoptions}))
        if surprises:
            raise _surprised(surprises, path)
        return _carry_out(project, proposal, job, progress)


def lines_for(proposal: AdoptionProposal, environment: Environment) -> tuple[Adopted, ...]:
    """What the environment has to say under `adopted` before the proposal can be applied, and does not say yet."""
    said = {item.key: item for item in environment.adopted}
    needed = (Adopted(key=part.key, id=part.found.id, as_found=part.as_found) for part in proposal.parts)
    return tuple(item for item in needed if item.as_found and said.get(item.key) != item)


def _check_environment(environment: Environment, proposal: AdoptionProposal, path: Path) -> None:
    if proposal.environment != environment.name:
        raise Refused(
            f"is of environment {proposal.environment}",
            where=str(path),
            expected=f"a proposal of {environment.name}",
            next_step=f"prestage adopt --env {environment.name} --out {path}",
        )
    missing = lines_for(proposal, environment)
    if missing:
        raise Refused(
            f"{len(missing)} of {len(proposal.parts)} would change unless they stay as found, which the environment "
            f"does not say: {', '.join(item.key for item in missing)}",
            where=str(path),
            expected=f"what `prestage adopt` printed, under `adopted` in environments/{environment.name}.yaml",
            next_step=f"prestage adopt --env {environment.name} prints the lines to add",
        )


def _surprised(surprises: tuple[str, ...], path: Path) -> AdoptionRefused:
    more = f"; and {len(surprises) - SHOWN} more" if len(surprises) > SHOWN else ""
    return AdoptionRefused(
        f"taking it in would change {len(surprises)} things: {'; '.join(surprises[:SHOWN])}{more}",
        where=str(path),
        expected="no change but tags",
        next_step="prestage adopt: looks again; prestage reconcile first, where it is ours that has changed",
    )


def _carry_out(project: Project, proposal: AdoptionProposal, job: Job, progress: Progress) -> RunReport:
    """The run, with the journal around it; the proposal is kept, so that later runs know what it declared."""
    started = project.clock()
    engine, program = project.environment.engine, project.engine.program()
    digests = {root: declarations_digest(items) for root, items in job.roots.items()}
    run = project.journal.begin(Intent(plan=proposal.digest(), small=True, engine=engine, roots=digests), started)
    write_document(project.paths.adoption(proposal.digest()), proposal)
    outcomes = project.engine.apply(job, progress)
    ended = project.clock()
    project.journal.finish(run.id, _status(outcomes), outcomes, ended)
    return RunReport(
        run=run.id,
        environment=project.environment.name,
        plan=proposal.digest(),
        engine=engine,
        program=program.name,
        program_version=program.version,
        started_at=started,
        seconds=max(0.0, (ended - started).total_seconds()),
        resumed=run.resumed,
        roots=outcomes,
    )


def _status(outcomes: tuple[RootRun, ...]) -> RunStatus:
    done = all(outcome.status in (RunStatus.DONE, RunStatus.CLEAN) for outcome in outcomes)
    return RunStatus.DONE if done else RunStatus.FAILED
