"""Waves: regions of one apply in an order, a health check between, a pause when something is wrong.

Where it stands: `stacks.apply` hands a job over, which is cut by `environment.rollout`. What goes away of the links
goes first, because it stands on the regions; then wave by wave; then regions that no wave names; then links. What
refers to a region of a later wave goes with that one (`stacks.wave_order`). After a wave a program of the environment's
is asked whether it may go on. When it says no, or a root of the wave failed, the roots that are left are not started:
the run stays open, and the same command goes on from there, asking again.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.engines import Rollout
from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration
from stacks.engines.engine import AppliedResource, Job
from stacks.engines.turns import Turn, comes_late, together
from stacks.wave_order import contents_by_group

COMPLETE = frozenset({RunStatus.DONE, RunStatus.CLEAN})
WAVE = "PRESTAGE_WAVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One part of a job. `regions`: those that the health check is asked about; none where nobody is asked."""

    regions: tuple[str, ...]
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a wave is made with.

    Attributes:
        apply: has an engine apply a part of the job.
        note: writes the outcome of a wave down, before the next begins.
        healthy: why it may not go on after some regions; empty where it may.
    """

    apply: Callable[[Job], tuple[RootRun, ...]]
    note: Callable[[tuple[RootRun, ...]], None]
    healthy: Callable[[tuple[str, ...]], str]


def run_waves(job: Job, waves: tuple[Wave, ...], steps: Steps) -> tuple[RootRun, ...]:
    """Applies wave after wave; how each root of the job ended, or that it was not started and why."""
    outcomes: dict[str, RootRun] = {}
    paused = ""
    for number, wave in enumerate(waves, start=1):
        found = steps.apply(wave.job)
        outcomes |= {run.root: together(outcomes.get(run.root), run) for run in found}
        steps.note(tuple(outcomes[run.root] for run in found))
        paused = _failed(found)
        if not paused and wave.regions and number < len(waves):
            paused = steps.healthy(wave.regions)
        if paused:
            break
    begun = {root for wave in waves[:number] for root in wave.job.roots if wave.job.roots[root] == job.roots.get(root)}
    late = {root: _waiting(root, outcomes.get(root), paused) for root in job.roots if root not in begun}
    return tuple(late.get(root) or outcomes[root] for root in job.roots)


def waves_of(job: Job, rollout: Rollout, applied: Mapping[str, AppliedResource]) -> tuple[Wave, ...]:
    """A job in waves; all of it as one where no wave is named.

    Raises:
        ReferenceCycle: what is declared waits for itself.
    """
    if not rollout.waves:
        return (Wave(regions=(), job=job),)
    first = [Wave(regions=(), job=part) for part in _leaving_first(job, applied)]
    named = [tuple(region for region in wave if region in job.roots) for wave in rollout.waves]
    told = {region for wave in named for region in wave}
    rest = tuple(root for root in job.roots if root not in told and not comes_late(root))
    late = tuple(root for root in job.roots if comes_late(root))
    groups = (*named, rest, late)
    parts = [
        Wave(regions=tuple(root for root in content if root in told), job=_part(job, content))
        for content in contents_by_group(job, groups, applied.keys())
        if content
    ]
    waves = (*first, *parts)
    return (*waves[:-1], replace(waves[-1], job=replace(waves[-1].job, drop=job.drop))) if waves else ()


def check_health(rollout: Rollout, folder: Path, regions: tuple[str, ...], progress: Progress) -> str:
    """Asks the environment's program about a wave: why it may not go on, in its own last words; empty where it may.

    Args:
        rollout: the program and how long it may take.
        folder: where it runs: the project's.
        regions: the wave, which it finds in PRESTAGE_WAVE.
        progress: hears that it runs.
    """
    if not rollout.health_check:
        return ""
    step = f"health of {', '.join(regions)}"
    progress.start(step)
    try:
        told = _ask(rollout, folder, regions)
    finally:
        progress.finish(step)
    return f"the health check after {', '.join(regions)} {told}" if told else ""


def _ask(rollout: Rollout, folder: Path, regions: tuple[str, ...]) -> str:
    try:
        process = subprocess.Popen(
            rollout.health_check,
            cwd=folder,
            env={**os.environ, WAVE: ",".join(regions)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return f"cannot be run: {error}"
    with process:
        try:
            words, _ = process.communicate(timeout=rollout.health_seconds)
        except subprocess.TimeoutExpired:
            return f"has not ended within {rollout.health_seconds:g} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it left, or itself
    last = words.decode(errors="replace").strip().splitlines()[-1:]
    return f"ended with {process.returncode}: {''.join(last) or 'it said nothing'}" if process.returncode else ""


def _part(job: Job, content: Mapping[str, tuple[Declaration, ...]]) -> Job:
    """The job of some of its roots, or of parts of them."""
    keys = {item.key for items in content.values() for item in items}
    adopted = tuple(item for item in job.adopt if item.key in keys)
    return replace(job, roots=content, adopt=adopted, drop=())


def _leaving_first(job: Job, applied: Mapping[str, AppliedResource]) -> Iterator[Job]:
    """Takes away what goes of the roots that stand on regions, and leaves the rest as it is for now."""
    content = {}
    for root in (root for root in job.roots if comes_late(root)):
        there = {key for key, item in applied.items() if item.root == root}
        if there - {item.key for item in job.roots[root]}:
            content[root] = Turn(name=root, declarations=job.roots[root]).staying(there)
    if content:
        yield replace(job, roots=content, adopt=(), drop=())


def _failed(found: tuple[RootRun, ...]) -> str:
    names = [run.root for run in found if run.status not in COMPLETE]
    return f"{', '.join(names)} failed in the wave before" if names else ""


def _waiting(root: str, before: RootRun | None, why: str) -> RootRun:
    """A root that is left for later, in whole or in part; what was done of it is told."""
    if before is not None and before.status not in COMPLETE:
        return before
    if before is None:
        return RootRun(root=root, status=RunStatus.NOT_STARTED, message=f"not started: {why}")
    told = "the rest is not started" if before.created or before.updated else "not started"
    return before.model_copy(update={"status": RunStatus.NOT_STARTED, "message": f"{told}: {why}"})
