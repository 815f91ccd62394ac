"""What can go in which wave: nothing before the wave of what it refers to. Pure.

Where it stands: `stacks.waves` has a job's roots in groups that follow one another. A root goes with its group; what of
it refers to a later one (a failover entry to its partner's address) waits for that, and then the whole root goes again.
A root that has such an entry already, which now refers to something that is not there yet, waits as a whole: half of it
cannot be told without that entry, which would take it away.
"""

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from stacks.declaration import Declaration
from stacks.engines.engine import Job
from stacks.errors import ReferenceCycle

Contents = Mapping[str, tuple[Declaration, ...]]


def contents_by_group(job: Job, groups: Sequence[Sequence[str]], held: Collection[str]) -> tuple[Contents, ...]:
    """What each group of roots is told, by root: whole roots, and those parts of them that need not wait.

    Args:
        job: what shall hold.
        groups: its roots, in the order in which they go; each root once.
        held: keys that an engine's state holds: what refers to them can go at once, and goes again after them.

    Raises:
        ReferenceCycle: what is declared waits for itself.
    """
    turn: Mapping[str, int] = {root: number for number, roots in enumerate(groups) for root in roots}
    if not _across(job, turn):
        return tuple({root: job.roots[root] for root in roots} for roots in groups)
    turn, soonest = _put_off(job, turn, frozenset(held))
    last = _numbers(job, turn, frozenset())
    found: list[dict[str, tuple[Declaration, ...]]] = [{} for _ in groups]
    for root, number in turn.items():
        items = job.roots[root]
        for go in {number, *(soonest[item.key] for item in items), *(last[item.key] for item in items)}:
            found[go][root] = tuple(item for item in items if soonest[item.key] <= go)
    return tuple(found)


def check_references(job: Job) -> None:
    """Refuses what could never be made, whatever the order.

    Raises:
        ReferenceCycle: what is declared waits for itself; names the circle.
    """
    _ordered(_needs(job))


def _across(job: Job, turn: Mapping[str, int]) -> bool:
    """Whether anything refers to a root that goes later."""
    return any(
        turn.get(ref.root, -1) > number
        for root, number in turn.items()
        for item in job.roots[root]
        for ref in item.refs()
    )


def _put_off(job: Job, turn: Mapping[str, int], held: Collection[str]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """The group that each root goes with, so that all that it holds can go along; and that of each declaration."""
    while True:
        soonest = _numbers(job, turn, held)
        needed = {
            root: max((soonest[item.key] for item in job.roots[root] if item.key in held), default=0) for root in turn
        }
        late = {root: number for root, number in needed.items() if number > turn[root]}
        if not late:
            return turn, soonest
        turn = {**turn, **late}  # what leans on those roots waits longer now


def _numbers(job: Job, turn: Mapping[str, int], held: Collection[str]) -> Mapping[str, int]:
    """By key, the group that each declaration can go with, if what is held need not be waited for."""
    needs = _needs(job)
    roots = {item.key: root for root, items in job.roots.items() for item in items}
    found: dict[str, int] = {}
    for key in _ordered(needs):
        waits = (found[need] for need in needs[key] if need not in held)
        found[key] = max((turn[roots[key]], *waits))
    return found


def _needs(job: Job) -> Mapping[str, frozenset[str]]:
    """By key, what of the job has to be made before it."""
    items = {item.key: item for items in job.roots.values() for item in items}
    return {
        key: frozenset((*item.depends_on, *(ref.key for ref in item.refs()))) & items.keys()
        for key, item in items.items()
    }


def _ordered(needs: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))  # graphlib lists it from what is needed to what needs it
        raise ReferenceCycle(
            f"what is declared waits for itself: {circle}",
            expected="that one of them is known before the others",
            next_step="report it with the plan: no order of waves can make these",
        ) from None
