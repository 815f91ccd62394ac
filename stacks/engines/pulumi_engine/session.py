"""`Session`: one call of the engine. The estate's provider is served, stacks are opened, commands stop together."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from pulumi.automation import LocalWorkspace
from pulumi.automation.errors import CommandError

from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import ProviderConfig
from stacks.engines.causes import with_next_step
from stacks.engines.engine import Action, Observed, RootPreview
from stacks.engines.pulumi_engine.command import SupervisedCommand
from stacks.engines.pulumi_engine.ending import EndedByForce
from stacks.engines.pulumi_engine.events import Events
from stacks.engines.pulumi_engine.failures import in_short, stack_failed
from stacks.engines.pulumi_engine.locks import is_gone, stale_locks
from stacks.engines.pulumi_engine.orders import StackOrder
from stacks.engines.pulumi_engine.outcomes import BY_FORCE, COMPLETE, root_run
from stacks.engines.pulumi_engine.resources import Surroundings, all_registered, register
from stacks.engines.pulumi_engine.stack import InlineStack
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.engines.turns import each, lanes_of, together
from stacks.errors import ApplyBusy, Interrupted, StacksError

AT_ONCE = {"aws": 10, "google": 5}  # resources of one stack; with `turns.ROOTS_AT_ONCE` what the clouds' APIs bear
Outcome = TypeVar("Outcome")


class Session:
    """Runs orders.

    Args:
        workspace: the environment's.
        command: the program; stopped as a whole.
        surroundings: what programs know beside their declarations.
        existing: stacks that there are.
        variables: that its commands get.
    """

    def __init__(
        self,
        workspace: PulumiWorkspace,
        command: SupervisedCommand,
        surroundings: Surroundings,
        existing: Iterable[str],
        variables: Mapping[str, str],
    ) -> None:
        self._workspace, self._command, self._surroundings = workspace, command, surroundings
        self._existing, self._variables = set(existing), variables
        self.problems: dict[str, StacksError] = {}

    def each(self, orders: Iterable[StackOrder], act: Callable[[StackOrder], Outcome]) -> list[Outcome]:
        """Acts on all orders, several at a time.

        Raises:
            Interrupted: it was stopped.
        """
        return each(orders, act, stop=self._command.stop, lanes=lambda order: lanes_of(self._providers_of(order)))

    def make_stacks(self, orders: Iterable[StackOrder]) -> None:
        """Makes the stacks that others may refer to, so that a first preview can: it finds no output, which is fine."""
        if any(ref.root for order in orders for item in order.declarations for ref in item.refs()):
            self.each([order for order in orders if order.stack not in self._existing], self._make)

    def preview(self, order: StackOrder, progress: Progress) -> tuple[RootPreview, ...]:
        """Refreshes and plans one stack, without writing."""
        if order.stack not in self._existing and not order.declarations:
            return tuple(RootPreview(root=root, actions={}, text="") for root in order.roots)
        events, text = self._look(order, progress, self._program(order))
        by_root: dict[str, dict[str, Action]] = {root: {} for root in order.roots}
        for key, action in sorted(events.planned.items()):
            by_root.get(self._root_of(order, key), {})[key] = action
        return tuple(RootPreview(root=root, actions=actions, text=text) for root, actions in by_root.items())

    def observe(self, order: StackOrder, progress: Progress) -> tuple[Observed, ...]:
        """Refreshes and plans one stack, without writing: what is seen by the way, of what is taken in too."""
        if order.stack not in self._existing and not order.declarations:
            return ()
        events, _ = self._look(order, progress, self._program(order, looking=True))
        seen = (events.observed(key, self._root_of(order, key)) for key in events.seen())
        return tuple(item for item in seen if item.root in order.roots)

    def apply(self, order: StackOrder, progress: Progress) -> tuple[RootRun, ...]:
        """Refreshes and applies one stack; a root with a failed resource is FAILED, the others are done."""
        if order.stack not in self._existing and not order.declarations:
            return tuple(RootRun(root=root, status=RunStatus.CLEAN) for root in order.roots)
        outcomes = self._apply(order, progress)
        if order.takes_in and all(outcome.status in COMPLETE for outcome in outcomes):
            after = self._apply(order.settled(), progress)
            outcomes = tuple(together(*pair) for pair in zip(outcomes, after, strict=True))
        return outcomes

    def drop(self, stack: str) -> None:
        """Forgets a stack; its resources live on in the stack that adopted them."""
        if stack in self._existing:
            self._open(stack).workspace.remove_stack(self._workspace.named(stack), force=True)

    def _look(
        self, order: StackOrder, progress: Progress, program: Callable[[], Awaitable[None]]
    ) -> tuple[Events, str]:
        """Raises EngineFailed or what it is a kind of: the stack cannot be planned."""
        events = self._events(order, progress)
        try:
            text = self._patiently(
                order.stack,
                lambda stack: (
                    stack.preview(
                        program=program,
                        on_event=events,
                        refresh=True,
                        color="never",
                        diff=True,
                        target=list(order.only) or None,
                        exclude=list(order.spared) or None,
                        parallel=self._at_once(order),
                    ).stdout
                ),
            )
        except CommandError as error:
            raise self._failed(order.stack, events, error) from error
        finally:
            events.over()
            progress.finish(order.stack)
        return events, text

    def _apply(self, order: StackOrder, progress: Progress) -> tuple[RootRun, ...]:
        started = time.monotonic()
        events = self._events(order, progress)
        failure, forced = "", False
        try:
            self._patiently(
                order.stack,
                lambda stack: stack.up(
                    program=self._program(order),
                    on_event=events,
                    refresh=not order.only,
                    color="never",
                    suppress_progress=True,
                    continue_on_error=True,
                    target=list(order.only) or None,
                    exclude=list(order.spared) or None,
                    parallel=self._at_once(order),
                ),
            )
        except ApplyBusy as busy:
            self.problems[order.stack], failure = busy, f"{busy.what}; next: {busy.next_step}"
        except EndedByForce:
            failure, forced = "; ".join((BY_FORCE, *events.errors)), True
        except CommandError as error:
            if self._command.stopped:
                raise Interrupted(f"stopped in stack {order.stack}; what was finished is kept") from error
            failure = self._failure(order, events, error)
        finally:
            events.over()
            progress.finish(order.stack)
        seconds = time.monotonic() - started
        return tuple(root_run(root, events, failure, forced=forced, seconds=seconds) for root in order.roots)

    def _failure(self, order: StackOrder, events: Events, error: CommandError) -> str:
        """What failed that is no resource's of the order; that is remembered as the error that it is."""
        elsewhere = [line for root, lines in events.failures.items() if root not in order.roots for line in lines]
        told = "; ".join([*events.errors, *elsewhere]) or ("" if events.failures else in_short(str(error)))
        if told:
            self.problems[order.stack] = stack_failed(f"{told}\n{error}", told, stack=order.stack)
            return with_next_step(self.problems[order.stack].what, told)
        return ""

    def _patiently(self, name: str, act: Callable[[InlineStack], Outcome]) -> Outcome:
        """Acts on a stack; once more where the lock of a dead run of this host was in the way.

        Raises:
            ApplyBusy: a living process works on it.
        """
        stack = self._open(name)
        try:
            return act(stack)
        except CommandError as error:
            if not is_gone(str(error)):
                raise
            stack.cancel()
            return act(stack)

    def _open(self, name: str) -> InlineStack:
        """A stack, made where it is not there; mended where need be, with the lock of a dead run taken away.

        Raises:
            ApplyBusy: a living process works on it.
        """
        if name not in self._existing:
            return self._make_named(name)
        stale = stale_locks(self._workspace.locks(name))
        if states := self._workspace.file_states:
            states.mend(name)
            if name not in states.names():
                return self._make_named(name)
        stack = InlineStack(self._workspace.named(name), self._local())
        if stale:
            stack.cancel()
        return stack

    def _make(self, order: StackOrder) -> None:
        self._make_named(order.stack)

    def _make_named(self, name: str) -> InlineStack:
        for lock in stale_locks(self._workspace.locks(name)):  # where there is no stack, none can be cancelled
            lock.unlink(missing_ok=True)
        workspace = self._local()
        try:
            workspace.create_stack(self._workspace.named(name))
        except CommandError as error:
            raise stack_failed(str(error), in_short(str(error)), stack=name) from error
        self._existing.add(name)
        return InlineStack(self._workspace.named(name), workspace)

    def _local(self) -> LocalWorkspace:
        return LocalWorkspace(
            work_dir=str(self._workspace.work), env_vars=self._variables, pulumi_command=self._command
        )

    def _program(self, order: StackOrder, *, looking: bool = False) -> Callable[[], Awaitable[None]]:
        async def program() -> None:
            made = register(order.declarations, order.adopt, self._surroundings, looking=looking)
            await all_registered(made.values())

        return program

    def _events(self, order: StackOrder, progress: Progress) -> Events:
        progress.start(order.stack, len(order.declarations))
        return Events(
            lambda key: self._root_of(order, key),
            lambda done, key: progress.advance(order.stack, done, key),
            self._command.halt,
            lambda: self._command.end(self._workspace.named(order.stack)),
        )

    def _root_of(self, order: StackOrder, key: str) -> str:
        return order.root_by_key.get(key) or self._workspace.root_in(order.stack, key)

    def _at_once(self, order: StackOrder) -> int | None:
        """How many resources of a stack at a time; no bound on premises."""
        bounds = [AT_ONCE[config.provider] for config in self._providers_of(order) if config.provider in AT_ONCE]
        return min(bounds, default=None)

    def _providers_of(self, order: StackOrder) -> Iterator[ProviderConfig]:
        named = {item.provider for item in order.declarations}
        return (config for name, config in self._surroundings.providers.items() if name in named)

    def _failed(self, stack: str, events: Events, error: CommandError) -> StacksError:
        if self._command.stopped:
            return Interrupted(f"stopped in stack {stack}; nothing was changed")
        told = "; ".join([*(line for lines in events.failures.values() for line in lines), *events.errors])
        return stack_failed(f"{told}\n{error}", told or in_short(str(error)), stack=stack)


def surroundings_of(
    workspace: PulumiWorkspace, providers: Mapping[str, ProviderConfig], roots: Iterable[str]
) -> Surroundings:
    """What the programs of a job know beside their declarations."""
    known = {*roots, *(region.name for region in workspace.environment.regions)}
    return Surroundings(
        providers=providers,
        accounts=workspace.accounts,
        stacks={root: workspace.full_name(workspace.stack_of(root)) for root in known},
    )
