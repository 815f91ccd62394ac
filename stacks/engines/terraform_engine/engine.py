"""`TerraformEngine`: the engine port over OpenTofu or Terraform.

The estate's provider is served by this process, once for all roots; those of clouds are programs of their own, which
are installed once for all roots that require the same. Regions go several at a time, what stands on several of them
after them. A root that leans on what another one says goes again when that has changed.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import ESTATE_PROVIDER, secrets_of
from stacks.engines.engine import AppliedResource, Job, Observed, Preview, ProgramInfo
from stacks.engines.terraform_engine.backends import BESIDE, StatePlace
from stacks.engines.terraform_engine.command import Commands
from stacks.engines.terraform_engine.labels import variable_of
from stacks.engines.terraform_engine.listing import state_names
from stacks.engines.terraform_engine.prepare import Preparation
from stacks.engines.terraform_engine.program import Program, check_age, find_program
from stacks.engines.terraform_engine.roots import Roots
from stacks.engines.terraform_engine.session import Session
from stacks.engines.terraform_engine.state import RootState
from stacks.engines.terraform_engine.states import States
from stacks.engines.terraform_engine.writing import Writing
from stacks.engines.turns import Turn, each, phases, together
from stacks.errors import EngineFailed, SecretMissing

COMPLETE = (RunStatus.DONE, RunStatus.CLEAN)
_UNTYPED = (EngineFailed, type(None))
PASSES = 3  # of roots that lean on one another in a circle; the second finds what the first made


class TerraformEngine:
    """Runs one environment's roots. See `stacks.engines.engine.Engine` and `Observer` for what it promises.

    Args:
        roots: the folder of the roots.
        inventory: the estate's file; without one, nothing of the estate can be in the roots.
        program: which program; the first that is found by default.
        place: where states lie; beside the roots by default.
    """

    def __init__(
        self, roots: Path, inventory: Path, program: Program | None = None, *, place: StatePlace = BESIDE
    ) -> None:
        self._roots = Roots(roots)
        self._inventory = inventory
        self._given = program
        self._place = place

    def program(self) -> ProgramInfo:
        return self._info

    def preview(self, job: Job, progress: Progress) -> Preview:
        with self._session(job) as session:
            shown = session.each(_turns(job), lambda turn: session.preview(turn, progress))
        return Preview(roots=tuple(sorted(shown, key=lambda root: root.root)))

    def observe(self, job: Job, progress: Progress) -> tuple[Observed, ...]:
        with self._session(job) as session:
            found = session.each(_turns(job), lambda turn: session.observe(turn, progress))
        return tuple(sorted((item for items in found for item in items), key=lambda item: item.key))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        outcomes: dict[str, RootRun] = {}
        with self._session(job) as session:
            for turns in _rounds(job, session):
                for outcome in session.each(turns, lambda turn: session.apply(turn, progress)):
                    outcomes[outcome.root] = together(outcomes.get(outcome.root), outcome)
            outcomes |= {turn.name: _waiting(turn, outcomes[turn.name], session) for turn in _turns(job)}
            _raise_if_nothing_began(outcomes, session)
            if all(outcome.status in COMPLETE for outcome in outcomes.values()):
                session.drop(job.drop)
        return tuple(outcomes[root] for root in job.roots)

    def applied(self) -> Mapping[str, AppliedResource]:
        """By key, what the states hold: read from the files beside the roots, or pulled from the bucket."""
        return {item.key: item for state in self._states() for item in state.resources}

    def _states(self) -> Iterable[RootState]:
        if not self._place.remote:
            return [self._roots.state(root) for root in self._roots.names()]
        commands = Commands(self._program, {})
        states = States(self._roots, self._place, commands)
        return each(state_names(self._place), states.of, stop=commands.stop)

    @cached_property
    def _program(self) -> Program:
        return self._given or find_program()

    @cached_property
    def _info(self) -> ProgramInfo:
        return self._program.info()

    @contextmanager
    def _session(self, job: Job) -> Iterator[Session]:
        """Everything is there that the job needs: the program, secrets, the estate's provider.

        Raises:
            EngineMissing: the program is not there, or too old.
            SecretMissing: something is declared by a secret that nobody supplies.
        """
        check_age(self._info, remote=self._place.remote)
        _check_secrets(job)
        with ExitStack() as stack:
            commands = Commands(self._program, stack.enter_context(self._served(job)))
            states = States(self._roots, self._place, commands)
            chosen = f"{self._info.name} {self._info.version}"
            preparation = Preparation(self._roots, commands, chosen)
            writing = Writing(self._roots, self._place, states, preparation, job)
            yield Session(self._roots, states, commands, writing, job)

    @contextmanager
    def _served(self, job: Job) -> Iterator[Mapping[str, str]]:
        """The estate's provider, where there is an estate."""
        declared = (item.provider for items in job.roots.values() for item in items)
        if not self._inventory.exists() and ESTATE_PROVIDER not in declared:
            yield {}
            return
        from stacks.estate.terraform_provider import serve  # half a second

        with serve(self._inventory) as variables:
            yield variables


def _turns(job: Job) -> tuple[Turn, ...]:
    return tuple(Turn(name=root, declarations=items) for root, items in job.roots.items())


def _rounds(job: Job, session: Session) -> Iterator[tuple[Turn, ...]]:
    """All phases, then again what leans on something that was another when it had its turn."""
    yield from phases(job.roots, session.keys_in)
    for _ in range(PASSES):
        again = session.writing.outdated(_turns(job))
        if not again:
            return
        yield again


def _waiting(turn: Turn, outcome: RootRun, session: Session) -> RootRun:
    """A root's outcome, which is not done while another root does not say what it leans on."""
    missing = session.writing.missing(turn)
    if not missing or outcome.status is RunStatus.FAILED:
        return outcome
    wanted = ", ".join(sorted(f"{ref.attribute} of {ref.key} (root {ref.root})" for ref in missing))
    status = RunStatus.NOT_STARTED if outcome.status is RunStatus.CLEAN else RunStatus.FAILED
    return outcome.model_copy(
        update={"status": status, "message": f"waits for {wanted}; next: mend that root, then repeat the command"}
    )


def _raise_if_nothing_began(outcomes: Mapping[str, RootRun], session: Session) -> None:
    """A reason that is no resource's is told as what it is, unless something was done that has to be told too."""
    touched = any(outcome.created or outcome.updated or outcome.deleted for outcome in outcomes.values())
    typed = [session.problems[root] for root in outcomes if type(session.problems.get(root, None)) not in _UNTYPED]
    if typed and not touched:
        raise typed[0]


def _check_secrets(job: Job) -> None:
    """Raises SecretMissing: Terraform would ask, in each root, one after the other."""
    declared = {name for items in job.roots.values() for item in items for name in secrets_of(item)}
    missing = sorted(f"TF_VAR_{variable_of(name)}" for name in declared)
    missing = [name for name in missing if name not in os.environ]
    if missing:
        raise SecretMissing(
            f"{len(missing)} of {len(declared)} secrets are not supplied: {', '.join(missing)}",
            where=f"environment {job.environment}",
            next_step=f"export {missing[0]}=... and repeat the command",
        )
