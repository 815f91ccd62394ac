"""`Session`: one call of the engine on one job: roots written, made ready, planned, shown, applied.

A root is planned to a file and exactly that file is applied, also where it only writes down what has gone from
outside. Planning refreshes, so that what changed behind the engine's back is put right. In a cloud, what was applied is
read back afterwards: a failed update would leave wishes in the state, and much is known only when all is made. (The
estate's provider answers a failed update with what was there before.)
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import ESTATE_PROVIDER
from stacks.engines.causes import with_next_step
from stacks.engines.engine import Action, Job, Observed, RootPreview
from stacks.engines.terraform_engine.command import Commands, Ended, IsFlagged
from stacks.engines.terraform_engine.events import Events
from stacks.engines.terraform_engine.failures import engine_failed
from stacks.engines.terraform_engine.observe import observed
from stacks.engines.terraform_engine.providers import ESTATE
from stacks.engines.terraform_engine.roots import PLANNED, Roots
from stacks.engines.terraform_engine.shown import without_unknown
from stacks.engines.terraform_engine.states import States
from stacks.engines.terraform_engine.writing import Writing, Written
from stacks.engines.turns import Lane, Turn, each, lanes_of
from stacks.errors import Interrupted, StacksError

Outcome = TypeVar("Outcome")
CLEAN_TEXT = "No changes. What is live matches what is declared.\n"
NOT_READY = ("dependency lock file", "Required plugins are not installed", "initialization required")


class Session:
    """One call of the engine. Its methods may be called by several threads, for different roots.

    Attributes:
        problems: why roots could not be planned at all, by root.
        writing: what writes its roots.
    """

    def __init__(self, roots: Roots, states: States, commands: Commands, writing: Writing, job: Job) -> None:
        self._roots, self._states, self._commands, self._job = roots, states, commands, job
        self.writing = writing
        self.problems: dict[str, StacksError] = {}

    def lanes(self, turn: Turn) -> frozenset[Lane]:
        """The accounts that a turn works in."""
        known = {ESTATE_PROVIDER: ESTATE, **self._job.providers}
        names = {item.provider for item in turn.declarations} or {turn.name}
        return lanes_of(known[name] for name in names if name in known)

    def keys_in(self, root: str) -> frozenset[str]:
        """Keys that the state of a root holds."""
        return self._states.of(root).keys

    def each(self, turns: tuple[Turn, ...], act: Callable[[Turn], Outcome]) -> list[Outcome]:
        """Acts on all turns, as many at once as their accounts bear. See `stacks.engines.turns.each`."""
        return each(turns, act, stop=self._commands.stop, lanes=self.lanes)

    def drop(self, roots: Iterable[str]) -> None:
        """Forgets roots; their resources live on."""
        for root in roots:
            self._states.forget(root)
            self._roots.drop(root)

    def preview(self, turn: Turn, progress: Progress) -> RootPreview:
        """What an apply would do to one root, and the engine's own text.

        Raises:
            StacksError: the root cannot be planned.
        """
        written, events = self._planned(turn, progress, lock=True)
        text = self._run(written, "show", PLANNED, no_color=IsFlagged).stdout if events.planned else CLEAN_TEXT
        self._roots.forget_plan(turn.name)
        actions = dict(sorted(events.planned.items()))
        return RootPreview(root=turn.name, actions=actions, text=without_unknown(text))

    def observe(self, turn: Turn, progress: Progress) -> tuple[Observed, ...]:
        """One root's resources in three views. Takes no lock, for it writes nothing.

        Raises:
            StacksError: the root cannot be planned.
        """
        written, _ = self._planned(turn, progress, lock=False)
        shown = self._run(written, "show", PLANNED, json=IsFlagged)
        self._roots.forget_plan(turn.name)
        if shown.code:
            raise engine_failed(shown.everything, shown.last_words, where=f"root {turn.name}")
        return tuple(observed(shown.stdout, turn.name, written.keys))

    def apply(self, turn: Turn, progress: Progress) -> RootRun:
        """Plans one root and applies just that plan; a failed resource makes it FAILED, the others are done."""
        started = time.monotonic()
        events = Events({}, lambda done, key: None)
        try:
            written = self.writing.write(turn, whole=False)
            if not written.idle:
                events = self._plan(written, progress, lock=True)
                self._carry_out(written, events)
        except Interrupted:
            raise
        except StacksError as error:
            self.problems[turn.name] = error
            events.failures.setdefault("", []).append("; ".join(line.strip() for line in error.render().splitlines()))
        finally:
            self._roots.forget_plan(turn.name)
            self._states.changed(turn.name)
            progress.finish(turn.name)
        return _root_run(turn.name, events, time.monotonic() - started)

    def _planned(self, turn: Turn, progress: Progress, *, lock: bool) -> tuple[Written, Events]:
        """A root planned whole, to be shown.

        Raises:
            StacksError: it cannot be.
        """
        written = self.writing.write(turn, whole=True)
        events = self._plan(written, progress, lock=lock)
        progress.finish(turn.name)
        if events.told:
            self._roots.forget_plan(turn.name)
            raise engine_failed("\n".join(events.said), events.told, where=f"root {turn.name}")
        return written, events

    def _plan(self, written: Written, progress: Progress, *, lock: bool) -> Events:
        progress.start(written.root, len(written.content.declarations))
        if written.mended:
            progress.advance(written.root, 0, written.mended)
        events = Events(written.keys, lambda done, key: progress.advance(written.root, done, key))
        ended = self._run_plan(written, events, lock=lock)
        if ended.code == 1 and any(words in ended.everything for words in NOT_READY):
            events = Events(written.keys, lambda done, key: progress.advance(written.root, done, key))
            ended = self._run_plan(self.writing.prepare_anew(written), events, lock=lock)
        self._check(written, ended, events)
        return events

    def _run_plan(self, written: Written, events: Events, *, lock: bool) -> Ended:
        return self._run(
            written,
            "plan",
            on_line=events,
            json=IsFlagged,
            out=PLANNED,
            input=False,
            lock=None if lock else False,
            target=list(written.targets) or None,
            parallelism=_unless_default(written),
        )

    def _carry_out(self, written: Written, events: Events) -> None:
        """Applies what was planned; reads back what a cloud made of it."""
        acts = bool(events.planned or events.unwritten) and not events.told
        if acts:
            parallelism = _unless_default(written)
            ended = self._run(
                written, "apply", PLANNED, on_line=events, json=IsFlagged, input=False, parallelism=parallelism
            )
            self._check(written, ended, events)
        if not events.told:
            self.writing.settle(written)
        changed = bool(events.told or events.done[Action.CREATE] or events.done[Action.UPDATE])
        if acts and changed and written.content.providers.clouds:
            flags = {"auto_approve": IsFlagged, "refresh_only": IsFlagged, "input": False}
            self._run(written, "apply", parallelism=_unless_default(written), **flags)

    def _run(
        self, written: Written, command: str, *args: str, on_line: Events | None = None, **options: object
    ) -> Ended:
        folder = self._roots.path(written.root)
        return self._commands.run(folder, command, *args, on_line=on_line, variables=written.variables, **options)

    def _check(self, written: Written, ended: Ended, events: Events) -> None:
        """A command that failed has said why, or its last words are the reason.

        Raises:
            Interrupted: it was stopped.
            StacksError: nothing was done, for a reason that is no resource's.
        """
        if self._commands.stopped:
            raise Interrupted(f"stopped in root {written.root}; what was finished is kept")
        if ended.code in (0, 2):
            return
        if not events.told:
            events.failures[""] = [ended.last_words]
            events.said.append(ended.everything)
        if not events.done and events.failures.keys() == {""}:
            failed = engine_failed("\n".join(events.said), events.told, where=f"root {written.root}")
            self.problems[written.root] = failed


def _unless_default(written: Written) -> int | None:
    """Resources at a time, where it is not what the program does by itself."""
    parallelism = written.content.providers.parallelism
    return None if parallelism == 10 else parallelism


def _root_run(root: str, events: Events, seconds: float) -> RootRun:
    told = with_next_step(events.told, "\n".join(events.said))
    return RootRun(
        root=root,
        status=RunStatus.FAILED if told else RunStatus.DONE if events.planned else RunStatus.CLEAN,
        created=events.done[Action.CREATE],
        updated=events.done[Action.UPDATE],
        deleted=events.done[Action.DELETE],
        seconds=round(seconds, 3),
        message=told,
    )
