"""Whose turn it is: roots and stacks in their order, several at a time, and two runs of one as one. For every engine.

Regions come first. What stands on several regions (`links`, roots made on demand) comes after them, and what goes away
of it before them: a peering goes before the networks that it joins. How many go at once is bounded by the machine and
by what each cloud bears from one account.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TypeVar

from contracts.resources import LINKS_ROOT, ON_DEMAND_PREFIX
from contracts.run import RootRun, RunStatus
from stacks.declaration import ESTATE_PROVIDER, Declaration, ProviderConfig, Ref
from stacks.errors import Interrupted

AT_ONCE = max(2, os.cpu_count() or 2)  # engines wait as much as they work
# Roots at once from one account. The estate is one file. AWS gives most calls of EC2 a bucket of 100 to 500 tokens a
# region and account, but those of Route 53 and IAM 5 a second for all regions; Compute Engine bears 20 writes a second
# a project. A root asks for ten resources at a time.
ROOTS_AT_ONCE = {ESTATE_PROVIDER: 2, "aws": 6, "google": 4}
WORST_FIRST = (
    RunStatus.UNKNOWN,
    RunStatus.FAILED,
    RunStatus.INTERRUPTED,
    RunStatus.NOT_STARTED,
    RunStatus.DONE,
    RunStatus.CLEAN,
)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What several items share, and how many of them it bears at once."""

    name: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One go at a root or stack.

    Attributes:
        name: of the root or stack.
        declarations: its whole content.
        leaving: where it is not empty, only these keys are touched: what it holds and no longer declares.
    """

    name: str
    declarations: tuple[Declaration, ...]
    leaving: frozenset[str] = frozenset()

    def staying(self, there: Set[str]) -> tuple[Declaration, ...]:
        """What is declared and there already, as far as it stands on one another: what a first go leaves alone."""
        return tuple(
            replace(item, depends_on=tuple(key for key in item.depends_on if key in there))
            for item in self.declarations
            if item.key in there
        )


def phases(
    contents: Mapping[str, tuple[Declaration, ...]], there: Callable[[str], Set[str]]
) -> Iterator[tuple[Turn, ...]]:
    """The turns of a job, in groups that follow one another.

    Args:
        contents: by root or stack, all that it shall hold.
        there: keys that the state of a root or stack holds; asked only of those that come after the regions.
    """
    late = {name: items for name, items in contents.items() if comes_late(name)}
    if len(contents) > 1:
        gone = {name: frozenset(there(name) - _named(items)) for name, items in late.items()}
        yield tuple(Turn(name=name, declarations=late[name], leaving=keys) for name, keys in gone.items() if keys)
    yield tuple(Turn(name=name, declarations=items) for name, items in contents.items() if name not in late)
    yield tuple(Turn(name=name, declarations=items) for name, items in late.items())


def comes_late(name: str) -> bool:
    """Whether a root stands on several regions."""
    return name == LINKS_ROOT or name.startswith(ON_DEMAND_PREFIX)


def foreign(declarations: Iterable[Declaration], home: Collection[str]) -> frozenset[Ref]:
    """What declarations refer to in other roots than those that are at `home`: what has to be applied before them."""
    return frozenset(ref for item in declarations for ref in item.refs() if ref.root and ref.root not in home)


def leaning(declarations: Iterable[Declaration], unknown: Set[Ref]) -> frozenset[str]:
    """Keys of declarations that cannot be made while something is unknown: those that refer to it, and so on."""
    items = tuple(declarations)
    found = {item.key for item in items if not unknown.isdisjoint(item.refs())} if unknown else set[str]()
    more = True
    while more:
        more = False
        for item in items:
            if item.key not in found and not found.isdisjoint((*item.depends_on, *_here(item))):
                found.add(item.key)
                more = True
    return frozenset(found)


def lanes_of(providers: Iterable[ProviderConfig]) -> frozenset[Lane]:
    """The accounts that providers work in, and how many roots each bears at once."""
    return frozenset(
        Lane(name=f"{config.provider}:{_account(config)}", width=ROOTS_AT_ONCE.get(config.provider, AT_ONCE))
        for config in providers
    )


def each(
    items: Iterable[Item],
    act: Callable[[Item], Outcome],
    *,
    stop: Callable[[], None],
    lanes: Callable[[Item], Collection[Lane]] = lambda item: (),
) -> list[Outcome]:
    """Acts on all items, several at a time, and hands back what came of each, in their order.

    Ctrl-C asks what is under way to end, by `stop`, and waits for it.

    Raises:
        Interrupted: it was stopped.
        Exception: what the first item raised, once all are done.
    """
    waiting = list(enumerate(items))
    running: dict[Future[Outcome], tuple[int, Item]] = {}
    done: dict[int, Future[Outcome]] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        try:
            while waiting or running:
                for entry in _next(waiting, [item for _, item in running.values()], lanes):
                    waiting.remove(entry)
                    running[pool.submit(act, entry[1])] = entry
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)[0]] = future
        except KeyboardInterrupt as interrupt:
            stop()
            wait(running)
            raise Interrupted("stopped; what was under way has ended, and what was finished is kept") from interrupt
    return [future.result() for _, future in sorted(done.items(), key=lambda item: item[0])]


def together(before: RootRun | None, after: RootRun) -> RootRun:
    """Two runs of one root, as one: what both did, and the worse end."""
    if before is None:
        return after
    return after.model_copy(
        update={
            "status": next(status for status in WORST_FIRST if status in (before.status, after.status)),
            "created": before.created + after.created,
            "updated": before.updated + after.updated,
            "deleted": before.deleted + after.deleted,
            "seconds": round(before.seconds + after.seconds, 3),
            "message": before.message or after.message,
        }
    )


def _named(items: Iterable[Declaration]) -> set[str]:
    """Keys that declarations have or had."""
    return {key for item in items for key in (item.key, *item.aliases)}


def _here(item: Declaration) -> Iterator[str]:
    """Keys of its own root that a declaration refers to."""
    return (ref.key for ref in item.refs() if ref.root in ("", item.root))


def _next(
    waiting: Sequence[tuple[int, Item]], running: Sequence[Item], lanes: Callable[[Item], Collection[Lane]]
) -> list[tuple[int, Item]]:
    """Which of those that wait can begin beside those that run."""
    taken = [lane.name for item in running for lane in lanes(item)]
    chosen: list[tuple[int, Item]] = []
    for entry in waiting:
        if len(running) + len(chosen) >= AT_ONCE:
            break
        if all(taken.count(lane.name) < lane.width for lane in lanes(entry[1])):
            taken += [lane.name for lane in lanes(entry[1])]
            chosen.append(entry)
    return chosen


def _account(config: ProviderConfig) -> str:
    """What tells accounts apart: the project, or the role that is assumed."""
    role = config.settings.get("assume_role")
    return str(role.get("role_arn", "") if isinstance(role, Mapping) else config.settings.get("project", ""))
