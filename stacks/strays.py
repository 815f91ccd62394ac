"""Strays: what is live and shall go by a plan, but is in no state of the engine, which so would not destroy it.

They come from outside, or are orphans of a state that was damaged or removed. Before a plan is applied they are
declared in a root of their own, which takes them into the engine's state as they are, and then that root is emptied:
the engine destroys them, in its own order, with its own checks. Killed in between, the same plan goes on from there.
On premises creating what exists takes it in; in clouds it is imported, by the id that it is found under.

A copy is a stray too: the replacement that a killed run made, where the state that reached the backend still has what
was replaced. No engine imports what it believes to hold, so that the copy goes, and the replacement is made once more.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from contracts.environment import Environment
from contracts.plan import Operation, Plan
from contracts.ports import Progress
from contracts.resources import ON_DEMAND_PREFIX
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration
from stacks.engines.engine import Action, Adoption, AppliedResource, Engine, Job, RootPreview
from stacks.targets.declare import declare

STRAYS_ROOT = f"{ON_DEMAND_PREFIX}_strays"  # no request's root: ids begin with a letter or a digit
DESTROYS = (Operation.DELETE, Operation.REPLACE)
COMPLETE = (RunStatus.DONE, RunStatus.CLEAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """What is to be taken in and destroyed, and what else its root holds: left by the run of another plan, and kept."""

    found: tuple[Declaration, ...]
    kept: tuple[Declaration, ...]


def doomed_by(plan: Plan, environment: Environment) -> tuple[Declaration, ...]:
    """What a plan destroys, as it was, declared in the root of strays."""
    before = [change.before for change in plan.changes if change.operation in DESTROYS and change.before is not None]
    moved = [item.model_copy(update={"root": STRAYS_ROOT}) for item in before if item.root != STRAYS_ROOT]
    return declare(moved, environment)


def find_strays(
    doomed: Collection[Declaration], live: Collection[str], applied: Mapping[str, AppliedResource]
) -> Strays | None:
    """Which of the doomed the engine does not know, or knows as strays since a run that was stopped.

    Args:
        doomed: what the plan destroys.
        live: keys of what exists.
        applied: what the engine's state holds, by key.
    """
    held = {key: item for key, item in applied.items() if item.root == STRAYS_ROOT}
    going = {item.key for item in doomed}
    found = tuple(item for item in doomed if item.key in live and (item.key not in applied or item.key in held))
    if not found and not going & held.keys():
        return None
    kept = tuple(
        Declaration(type=item.type, key=key, root=STRAYS_ROOT, arguments=item.arguments)
        for key, item in held.items()
        if key not in going
    )
    return Strays(found=found, kept=kept)


def remade_by(plan: Plan, environment: Environment) -> tuple[Declaration, ...]:
    """What a plan makes in the place of something, as it will be, declared in the root of strays."""
    after = [change.after for change in plan.changes if change.operation is Operation.REPLACE and change.after]
    return declare([item.model_copy(update={"root": STRAYS_ROOT}) for item in after], environment)


def find_copies(
    remade: Collection[Declaration],
    applied: Mapping[str, AppliedResource],
    find: Callable[[Collection[Declaration], Mapping[str, AppliedResource]], Collection[Adoption]],
) -> Mapping[str, Adoption]:
    """Replacements that exist while the state still has what they replace: it reached its backend too late.

    An engine would find what it knows gone, and make the replacement a second time.

    Args:
        remade: what the plan makes in the place of something.
        applied: what the engine's state holds, by key.
        find: looks for what is declared and not among what is given as held.
    """
    doubtful = {item.key for item in remade} & applied.keys()
    if not doubtful:
        return {}
    held = {key: item for key, item in applied.items() if key not in doubtful}
    found = find([item for item in remade if item.key in doubtful], held)
    return {item.key: item for item in found if item.id not in ("", applied[item.key].id)}


def preview_strays(strays: Strays) -> RootPreview:
    """What `destroy_strays` would do."""
    lines = (f"  - {item.type} {item.key}\n" for item in strays.found)
    return RootPreview(
        root=STRAYS_ROOT,
        actions={item.key: Action.DELETE for item in strays.found},
        text="Live, but in no state: taken into it, then destroyed.\n" + "".join(lines),
    )


def destroy_strays(
    strays: Strays, engine: Engine, progress: Progress, job: Job, adopting: Callable[[Job], Job] = lambda job: job
) -> RootRun:
    """Takes strays into the engine's state, and has it destroy them. Safe to repeat.

    Args:
        strays: what goes, and what stays beside it.
        engine: who destroys.
        progress: hears how far it is.
        job: the plan's own, whose environment and providers are those of the strays.
        adopting: names what of a job exists without the engine knowing it.
    """
    bare = replace(job, roots={}, adopt=(), drop=())
    taken = replace(bare, roots={STRAYS_ROOT: (*strays.kept, *strays.found)})
    outcome = engine.apply(adopting(taken), progress)[0]
    if outcome.status in COMPLETE:
        emptied = replace(bare, roots={STRAYS_ROOT: strays.kept}, drop=() if strays.kept else (STRAYS_ROOT,))
        outcome = engine.apply(emptied, progress)[0]
    return outcome.model_copy(update={"created": 0, "updated": 0})
