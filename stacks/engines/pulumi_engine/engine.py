"""`PulumiEngine`: the engine port over Pulumi's Automation API, with inline programs and one provider for all stacks.

Program and provider are served from this process; the CLI is the only other one, and it dies with us. A run
refreshes first, so that what changed behind the engine's back is put right. Stacks go two at a time, that of the
links after the regions, and before them too where links are taken away.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import grpc
from pulumi.automation import LocalWorkspace
from pulumi.automation.errors import CommandError

from contracts.ports import Progress
from contracts.resources import LINKS_ROOT
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration
from stacks.engines.engine import Action, AppliedResource, Job, Preview, ProgramInfo, RootPreview
from stacks.engines.pulumi_engine.command import SupervisedCommand, find_pulumi
from stacks.engines.pulumi_engine.events import Events
from stacks.engines.pulumi_engine.locks import stale_locks
from stacks.engines.pulumi_engine.resources import register
from stacks.engines.pulumi_engine.stack import InlineStack
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.errors import EngineFailed, Interrupted
from stacks.estate.pulumi_provider import NAME, serve

AT_ONCE = 2  # more gains nothing on two cores, and stacks share one estate
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackJob:
    """What one stack shall hold: the roots that live in it."""

    stack: str
    roots: Mapping[str, tuple[Declaration, ...]]
    adopt: frozenset[str]

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(item for items in self.roots.values() for item in items)


class PulumiEngine:
    """Runs one environment's stacks. See `stacks.engines.engine.Engine` for what it promises."""

    def __init__(self, workspace: PulumiWorkspace) -> None:
        self._workspace = workspace

    def program(self) -> ProgramInfo:
        return ProgramInfo(name="pulumi", version=str(self._command.version))

    def preview(self, job: Job, progress: Progress) -> Preview:
        """Refreshes and plans without writing; a stack that is not there yet is made, empty."""
        with self._session(job) as session:
            shown = session.each(self._stack_jobs(job), lambda item: session.preview(item, progress))
        return Preview(roots=tuple(sorted((root for roots in shown for root in roots), key=lambda root: root.root)))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        with self._session(job) as session:
            outcomes: dict[str, RootRun] = {}
            for phase in self._phases(job):
                for roots in session.each(phase, lambda item: session.apply(item, progress)):
                    for root in roots:
                        outcomes[root.root] = _together(outcomes.get(root.root), root)
            if all(outcome.status in (RunStatus.DONE, RunStatus.CLEAN) for outcome in outcomes.values()):
                session.each(sorted({*job.drop, *self._workspace.outlived()}), session.drop)
        return tuple(outcomes[root] for root in job.roots)

    def applied(self) -> Mapping[str, AppliedResource]:
        return self._workspace.applied()

    @cached_property
    def _command(self) -> SupervisedCommand:
        return SupervisedCommand(find_pulumi())

    @contextmanager
    def _session(self, job: Job) -> Iterator["Session"]:
        command = SupervisedCommand(find_pulumi(), version=self._command.version)
        self._workspace.prepare({self._workspace.stack_of(root) for root in (*job.roots, *job.drop)})
        with _quiet_program(), serve(self._workspace.inventory) as port:
            yield Session(self._workspace, command, port)

    def _stack_jobs(self, job: Job) -> tuple[StackJob, ...]:
        """The job by stack. Of a stack that the job names in part, the rest is declared as it was applied last."""
        stacks: dict[str, dict[str, tuple[Declaration, ...]]] = {}
        for root, declarations in job.roots.items():
            stacks.setdefault(self._workspace.stack_of(root), {})[root] = declarations
        for item in self._workspace.applied().values():
            stack = self._workspace.stack_of(item.root)
            if item.root not in job.roots and stack in stacks:
                kept = Declaration(type=item.type, key=item.key, root=item.root, arguments=item.arguments)
                stacks[stack][item.root] = (*stacks[stack].get(item.root, ()), kept)
        adopt = frozenset(adoption.key for adoption in job.adopt)
        return tuple(StackJob(stack=stack, roots=roots, adopt=adopt) for stack, roots in stacks.items())

    def _phases(self, job: Job) -> Iterator[tuple[StackJob, ...]]:
        """Regions, then links; links that go away go first, because they stand on what regions hold."""
        jobs = self._stack_jobs(job)
        links = tuple(item for item in jobs if set(item.roots) == {LINKS_ROOT})
        there = {key for key, item in self._workspace.applied().items() if item.root == LINKS_ROOT}
        for item in links:
            kept = tuple(each for each in item.declarations if each.key in there)
            if there - {each.key for each in kept} and len(jobs) > 1:
                yield (replace(item, roots={LINKS_ROOT: kept}),)
        yield tuple(item for item in jobs if item not in links)
        yield links


class Session:
    """One call of the engine: the provider is served, commands can be stopped together."""

    def __init__(self, workspace: PulumiWorkspace, command: SupervisedCommand, provider_port: int) -> None:
        self._workspace, self._command = workspace, command
        self._existing = frozenset(workspace.stacks())
        self._variables = {**workspace.variables(), "PULUMI_DEBUG_PROVIDERS": f"{NAME}:{provider_port}"}

    def each(self, items: Iterable[Item], act: Callable[[Item], Outcome]) -> list[Outcome]:
        """Acts on all items, two at a time. Ctrl-C asks what is under way to end, and waits for it.

        Raises:
            Interrupted: it was stopped.
        """
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            futures: list[Future[Outcome]] = [pool.submit(act, item) for item in items]
            try:
                wait(futures)
            except KeyboardInterrupt as stop:
                self._command.stop()
                for future in futures:
                    future.cancel()
                raise Interrupted("stopped; what was under way has ended, and what was finished is kept") from stop
        return [future.result() for future in futures]

    def preview(self, job: StackJob, progress: Progress) -> tuple[RootPreview, ...]:
        stack = self._open(job.stack)
        if stack is None and not job.declarations:
            return tuple(RootPreview(root=root, actions={}, text="") for root in job.roots)
        stack = stack or self._create(job.stack)
        events = self._events(job, progress)
        try:
            text = stack.preview(program=_program(job), on_event=events, refresh=True, color="never", diff=True).stdout
        except CommandError as error:
            raise self._failed(job.stack, events, error) from error
        finally:
            progress.finish(job.stack)
        return tuple(
            RootPreview(
                root=root,
                actions={
                    key: action
                    for key, action in sorted(events.planned.items())
                    if self._workspace.root_in(job.stack, key) == root
                },
                text=text,
            )
            for root in job.roots
        )

    def apply(self, job: StackJob, progress: Progress) -> tuple[RootRun, ...]:
        """Refreshes and applies one stack; a root with a failed resource is FAILED, the others are done."""
        stack = self._open(job.stack)
        if stack is None and not job.declarations:
            return tuple(RootRun(root=root, status=RunStatus.CLEAN) for root in job.roots)
        started = time.monotonic()
        stack = stack or self._create(job.stack)
        events = self._events(job, progress)
        failure = ""
        try:
            stack.up(
                program=_program(job),
                on_event=events,
                refresh=True,
                color="never",
                continue_on_error=True,
                suppress_outputs=True,
            )
        except CommandError as error:
            if self._command.stopped:
                raise Interrupted(f"stopped in stack {job.stack}; what was finished is kept") from error
            failure = "; ".join(events.errors) or ("" if events.failures else _last_words(error))
        finally:
            progress.finish(job.stack)
        seconds = time.monotonic() - started
        return tuple(_root_run(root, events, failure, seconds) for root in job.roots)

    def drop(self, root: str) -> None:
        """Forgets a stack; its resources live on in the stack that adopted them."""
        if stack := self._open(self._workspace.stack_of(root)):
            stack.workspace.remove_stack(stack.name, force=True)

    def _open(self, name: str) -> InlineStack | None:
        """An existing stack, with the lock of a dead run taken away; None where there is none.

        Raises:
            ApplyBusy: a living process works on it.
        """
        if name not in self._existing:
            return None
        stack = InlineStack(name, self._local())
        if stale_locks(self._workspace.locks(name)):
            stack.cancel()
        return stack

    def _create(self, name: str) -> InlineStack:
        workspace = self._local()
        workspace.create_stack(name)
        return InlineStack(name, workspace)

    def _local(self) -> LocalWorkspace:
        return LocalWorkspace(
            work_dir=str(self._workspace.work), env_vars=self._variables, pulumi_command=self._command
        )

    def _events(self, job: StackJob, progress: Progress) -> Events:
        progress.start(job.stack, len(job.declarations))
        return Events(
            lambda key: self._workspace.root_in(job.stack, key),
            lambda done, key: progress.advance(job.stack, done, key),
        )

    def _failed(self, stack: str, events: Events, error: CommandError) -> EngineFailed | Interrupted:
        if self._command.stopped:
            return Interrupted(f"stopped in stack {stack}; nothing was changed")
        told = [*(line for lines in events.failures.values() for line in lines), *events.errors]
        return EngineFailed("; ".join(told) or _last_words(error), where=f"pulumi stack {stack}")


@contextmanager
def _quiet_program() -> Iterator[None]:
    """Keeps back the traceback of a program whose engine went before it, as it does when a resource fails.

    Pulumi's language server has one last debug message for the engine then: pulumi/automation/_server.py, `Run`.
    """

    def tells(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not (isinstance(error, grpc.RpcError) and "UNAVAILABLE" in str(error))

    logger = logging.getLogger("grpc._server")
    logger.addFilter(tells)
    try:
        yield
    finally:
        logger.removeFilter(tells)


def _program(job: StackJob) -> Callable[[], None]:
    def program() -> None:
        register(job.declarations, job.adopt)

    return program


def _root_run(root: str, events: Events, failure: str, seconds: float) -> RootRun:
    done: Counter[Action] = events.done.get(root, Counter())
    told = "; ".join(events.failures.get(root, ())) or failure
    status = RunStatus.FAILED if told else RunStatus.DONE if done else RunStatus.CLEAN
    return RootRun(
        root=root,
        status=status,
        created=done[Action.CREATE],
        updated=done[Action.UPDATE],
        deleted=done[Action.DELETE],
        seconds=round(seconds, 3),
        message=told,
    )


def _together(before: RootRun | None, after: RootRun) -> RootRun:
    """Two runs of one root, as one."""
    if before is None:
        return after
    clean = before.status is RunStatus.CLEAN
    status = before.status if after.status is RunStatus.CLEAN and not clean else after.status
    return after.model_copy(
        update={
            "status": RunStatus.FAILED if RunStatus.FAILED in (before.status, after.status) else status,
            "created": before.created + after.created,
            "updated": before.updated + after.updated,
            "deleted": before.deleted + after.deleted,
            "seconds": before.seconds + after.seconds,
            "message": before.message or after.message,
        }
    )


def _last_words(error: CommandError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if "error:" in line]
    return lines[-1] if lines else str(error).strip().splitlines()[-1]
