"""`TerraformEngine`: the engine port over OpenTofu or Terraform, with one provider server for all roots.

A root is planned to a file and exactly that file is applied, also where it only writes down what has gone from
outside. Planning refreshes, so that what changed behind the engine's back is put right. There is no `apply
-refresh-only` after an apply: it is advised because a failed update leaves wishes in the state, and our provider
answers a failed update with what was there before. Roots go two at a time, that of the links after the regions, and
before them too where links are taken away.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from contracts.ports import Progress
from contracts.resources import LINKS_ROOT
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration
from stacks.engines.engine import Action, AppliedResource, Job, Preview, ProgramInfo, RootPreview
from stacks.engines.terraform_engine.command import Commands, Ended, IsFlagged
from stacks.engines.terraform_engine.events import Events
from stacks.engines.terraform_engine.program import Program, find_program
from stacks.engines.terraform_engine.roots import PLANNED, Roots, address_of
from stacks.errors import EngineFailed, Interrupted

AT_ONCE = 2  # more gains nothing on two cores, and all roots share one estate
CLEAN_TEXT = "No changes. What is live matches what is declared.\n"
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class RootJob:
    """What one root shall hold."""

    root: str
    declarations: tuple[Declaration, ...]
    adopt: frozenset[str]


class TerraformEngine:
    """Runs one environment's roots. See `stacks.engines.engine.Engine` for what it promises.

    Args:
        roots: the folder of the roots.
        inventory: the estate's file.
        program: which program; the first that is found by default.
    """

    def __init__(self, roots: Path, inventory: Path, program: Program | None = None) -> None:
        self._roots = Roots(roots)
        self._inventory = inventory
        self._given = program

    def program(self) -> ProgramInfo:
        return self._info

    def preview(self, job: Job, progress: Progress) -> Preview:
        with self._session(job) as session:
            shown = session.each(_root_jobs(job), lambda item: session.preview(item, progress))
        return Preview(roots=tuple(sorted(shown, key=lambda root: root.root)))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        outcomes: dict[str, RootRun] = {}
        with self._session(job) as session:
            for phase in self._phases(job):
                for outcome in session.each(phase, lambda item: session.apply(item, progress)):
                    outcomes[outcome.root] = together(outcomes.get(outcome.root), outcome)
        if all(outcome.status in (RunStatus.DONE, RunStatus.CLEAN) for outcome in outcomes.values()):
            for root in job.drop:
                self._roots.drop(root)
        return tuple(outcomes[root] for root in job.roots)

    def applied(self) -> Mapping[str, AppliedResource]:
        return {item.key: item for root in self._roots.names() for item in self._roots.applied(root)}

    @cached_property
    def _program(self) -> Program:
        return self._given or find_program()

    @cached_property
    def _info(self) -> ProgramInfo:
        return self._program.info()

    @contextmanager
    def _session(self, job: Job) -> Iterator["Session"]:
        from stacks.estate.terraform_provider import serve  # half a second

        with serve(self._inventory) as variables:
            yield Session(self._roots, Commands(self._program, variables), job.environment)

    def _phases(self, job: Job) -> Iterator[tuple[RootJob, ...]]:
        """Regions, then links; links that go away go first, because they stand on what regions hold."""
        jobs = _root_jobs(job)
        links = tuple(item for item in jobs if item.root == LINKS_ROOT)
        there = {item.key for item in self._roots.applied(LINKS_ROOT)} if links else set()
        for item in links:
            kept = _among(item.declarations, there)
            if len(jobs) > 1 and there - {each.key for each in kept}:
                yield (RootJob(root=item.root, declarations=kept, adopt=frozenset()),)
        yield tuple(item for item in jobs if item.root != LINKS_ROOT)
        yield links


class Session:
    """One call of the engine: the provider is served, commands can be stopped together."""

    def __init__(self, roots: Roots, commands: Commands, environment: str) -> None:
        self._roots, self._commands, self._environment = roots, commands, environment

    def each(self, items: tuple[RootJob, ...], act: Callable[[RootJob], Outcome]) -> list[Outcome]:
        """Acts on all items, two at a time. Ctrl-C asks what is under way to end, and waits for it.

        Raises:
            Interrupted: it was stopped.
        """
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            futures: list[Future[Outcome]] = [pool.submit(act, item) for item in items]
            try:
                wait(futures)
            except KeyboardInterrupt as stop:
                self._commands.stop()
                for future in futures:
                    future.cancel()
                raise Interrupted("stopped; what was under way has ended, and what was finished is kept") from stop
        return [future.result() for future in futures]

    def preview(self, job: RootJob, progress: Progress) -> RootPreview:
        """Raises EngineFailed when the root cannot be planned."""
        events = self._plan(job, progress)
        progress.finish(job.root)
        if events.told:
            raise EngineFailed(events.told, where=f"root {job.root}")
        text = self._commands.run(self._roots.path(job.root), "show", PLANNED, no_color=IsFlagged).stdout
        return RootPreview(
            root=job.root, actions=dict(sorted(events.planned.items())), text=text if events.planned else CLEAN_TEXT
        )

    def apply(self, job: RootJob, progress: Progress) -> RootRun:
        """Plans one root and applies just that plan; a failed resource makes it FAILED, the others are done."""
        started = time.monotonic()
        events = self._plan(job, progress)
        if (events.planned or events.drifted) and not events.told:
            folder = self._roots.path(job.root)
            ended = self._commands.run(folder, "apply", PLANNED, on_line=events, json=IsFlagged, input=False)
            self._check(job, ended, events)
        (self._roots.path(job.root) / PLANNED).unlink(missing_ok=True)
        progress.finish(job.root)
        if not events.told:
            self._roots.write(self._environment, job.root, job.declarations, frozenset())
        done = RunStatus.DONE if events.planned else RunStatus.CLEAN
        return RootRun(
            root=job.root,
            status=RunStatus.FAILED if events.told else done,
            created=events.done[Action.CREATE],
            updated=events.done[Action.UPDATE],
            deleted=events.done[Action.DELETE],
            seconds=round(time.monotonic() - started, 3),
            message=events.told,
        )

    def _plan(self, job: RootJob, progress: Progress) -> Events:
        mended = self._roots.mend(job.root)
        there = self._roots.applied(job.root)
        adopt = job.adopt - {item.key for item in there}
        self._roots.write(self._environment, job.root, job.declarations, adopt)
        progress.start(job.root, len(job.declarations))
        if mended:
            progress.advance(job.root, 0, mended)
        events = Events(
            {address_of(type, key): key for type, key in {*_named(there), *_named(job.declarations)}},
            lambda done, key: progress.advance(job.root, done, key),
        )
        ended = self._commands.run(
            self._roots.path(job.root), "plan", on_line=events, json=IsFlagged, out=PLANNED, input=False
        )
        self._check(job, ended, events)
        return events

    def _check(self, job: RootJob, ended: Ended, events: Events) -> None:
        """A command that failed has said why, or its last words are the reason."""
        if self._commands.stopped:
            raise Interrupted(f"stopped in root {job.root}; what was finished is kept")
        if ended.code not in (0, 2) and not events.told:
            events.failures[""] = [ended.last_words]


def together(before: RootRun | None, after: RootRun) -> RootRun:
    """Two runs of one root, as one."""
    if before is None:
        return after
    statuses = (before.status, after.status)
    worst = next((one for one in (RunStatus.FAILED, RunStatus.DONE) if one in statuses), RunStatus.CLEAN)
    return after.model_copy(
        update={
            "status": worst,
            "created": before.created + after.created,
            "updated": before.updated + after.updated,
            "deleted": before.deleted + after.deleted,
            "seconds": round(before.seconds + after.seconds, 3),
            "message": before.message or after.message,
        }
    )


def _named(items: Iterable[AppliedResource | Declaration]) -> set[tuple[str, str]]:
    return {(item.type, item.key) for item in items}


def _among(declarations: Iterable[Declaration], keys: set[str]) -> tuple[Declaration, ...]:
    """Those with one of the keys, as far as they stand on one another."""
    return tuple(
        replace(item, depends_on=tuple(key for key in item.depends_on if key in keys))
        for item in declarations
        if item.key in keys
    )


def _root_jobs(job: Job) -> tuple[RootJob, ...]:
    adopt = frozenset(adoption.key for adoption in job.adopt)
    return tuple(RootJob(root=root, declarations=items, adopt=adopt) for root, items in job.roots.items())
