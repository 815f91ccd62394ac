"""`PulumiEngine`: the engine port over Pulumi's Automation API, with inline programs.

Programs and the estate's provider are served from this process; the CLI is the only other one, and it dies with us. A
run refreshes first, so that what changed behind the engine's back is put right. Stacks go several at a time, what
stands on several regions after them, and what goes away of it before them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property

from contracts.ports import Progress
from contracts.resources import LINKS_ROOT
from contracts.run import RootRun, RunStatus
from stacks.declaration import ESTATE_PROVIDER, secrets_of
from stacks.engines.engine import AppliedResource, Job, Observed, Preview, ProgramInfo
from stacks.engines.pulumi_engine.collecting import rare_collections
from stacks.engines.pulumi_engine.command import SupervisedCommand, find_pulumi
from stacks.engines.pulumi_engine.holdings import Holdings
from stacks.engines.pulumi_engine.orders import orders_of, rounds_of
from stacks.engines.pulumi_engine.outcomes import COMPLETE, quiet_program
from stacks.engines.pulumi_engine.session import Session, surroundings_of
from stacks.engines.pulumi_engine.states import AskedStates
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.engines.turns import together
from stacks.errors import SecretMissing
from stacks.estate.pulumi_provider import NAME, serve

SERVED = "PULUMI_DEBUG_PROVIDERS"


class PulumiEngine:
    """Runs one environment's stacks. See `stacks.engines.engine.Engine` and `Observer` for what it promises."""

    def __init__(self, workspace: PulumiWorkspace) -> None:
        self._workspace = workspace

    def program(self) -> ProgramInfo:
        return ProgramInfo(name="pulumi", version=str(self._command.version))

    def preview(self, job: Job, progress: Progress) -> Preview:
        """Refreshes and plans without writing; a stack that is not there yet is made, empty."""
        with self._session(job) as session:
            orders = orders_of(job, self._holdings)
            session.make_stacks(orders)
            shown = session.each(orders, lambda order: session.preview(order, progress))
        return Preview(roots=tuple(sorted((root for roots in shown for root in roots), key=lambda root: root.root)))

    def observe(self, job: Job, progress: Progress) -> tuple[Observed, ...]:
        with self._session(job) as session:
            orders = orders_of(job, self._holdings)
            session.make_stacks(orders)
            found = session.each(orders, lambda order: session.observe(order, progress))
        return tuple(sorted((item for items in found for item in items), key=lambda item: item.key))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        with self._session(job) as session:
            outcomes: dict[str, RootRun] = {}
            for orders in rounds_of(job, self._holdings):
                for runs in session.each(orders, lambda order: session.apply(order, progress)):
                    for run in runs:
                        outcomes[run.root] = together(outcomes.get(run.root), run)
            _raise_if_nothing_began(outcomes, session)
            if all(outcome.status in COMPLETE for outcome in outcomes.values()):
                for root in sorted({*job.drop, *self._holdings.outlived()}):
                    session.drop(self._workspace.stack_of(root))
        return tuple(outcomes[root] for root in job.roots)

    def applied(self) -> Mapping[str, AppliedResource]:
        """By key, what the stacks hold: read from files, or asked of the backend."""
        return self._holdings.applied()

    @cached_property
    def _command(self) -> SupervisedCommand:
        return SupervisedCommand(find_pulumi())

    @property
    def _holdings(self) -> Holdings:
        workspace = self._workspace
        if states := workspace.file_states:
            return Holdings(workspace, states)
        workspace.prepare(())
        command, variables = self._command, workspace.variables()
        return Holdings(
            workspace, AskedStates(lambda words: command.run(words, str(workspace.work), variables), workspace.named)
        )

    @contextmanager
    def _session(self, job: Job) -> Iterator[Session]:
        """Everything is there that the job needs: the program, secrets, the estate's provider.

        Raises:
            EngineMissing: the program is not there.
            SecretMissing: something is declared by a secret that the stack's config has not.
        """
        command = SupervisedCommand(find_pulumi(), version=self._command.version)
        self._check_secrets(job)
        self._workspace.prepare({self._workspace.stack_of(root) for root in (*job.roots, *job.drop)})
        surroundings = surroundings_of(self._workspace, job.providers, (*job.roots, LINKS_ROOT))
        with ExitStack() as stack:
            stack.enter_context(quiet_program())
            stack.enter_context(rare_collections())
            variables = dict(self._workspace.variables())
            if self._has_estate(job):
                port = stack.enter_context(serve(self._workspace.inventory))
                variables[SERVED] = ",".join(filter(None, (os.environ.get(SERVED, ""), f"{NAME}:{port}")))
            if all(config.provider == ESTATE_PROVIDER for config in job.providers.values()):
                variables.update(self._workspace.lean_variables())
            yield Session(self._workspace, command, surroundings, self._holdings.stacks(), variables)

    def _has_estate(self, job: Job) -> bool:
        declared = {item.provider for items in job.roots.values() for item in items}
        return ESTATE_PROVIDER in declared or self._workspace.inventory.exists()

    def _check_secrets(self, job: Job) -> None:
        for root, items in job.roots.items():
            stack = self._workspace.stack_of(root)
            missing = {name for item in items for name in secrets_of(item)} - self._workspace.secrets(stack)
            if missing:
                raise SecretMissing(
                    f"{len(missing)} secrets are not in the config of the stack: {', '.join(sorted(missing))}",
                    where=f"Pulumi.{stack}.yaml",
                    next_step=f"pulumi config set --secret prestage:{min(missing)} --stack {stack}",
                )


def _raise_if_nothing_began(outcomes: Mapping[str, RootRun], session: Session) -> None:
    """A reason that is no resource's is told as what it is, unless something was done that has to be told too."""
    runs = outcomes.values()
    touched = any(run.created or run.updated or run.deleted or run.status is RunStatus.UNKNOWN for run in runs)
    if session.problems and not touched:
        raise next(iter(session.problems.values()))
