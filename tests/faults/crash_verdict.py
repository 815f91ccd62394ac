"""What is wrong in a world after a scenario: simulated or real, it is looked at in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from contracts.resources import Purpose
from coordinator.registration import units_of_plan
from coordinator.settle import settle
from stacks.apply import make_order
from tests.faults.crash_world import World
from tests.faults.failpoints import Failpoints


def lost(world: World) -> Iterator[str]:
    """What is wanted and not there, what is there and nothing knows, what is not as it is wanted."""
    order = make_order(world.plan, world.environment, resume="")
    wanted = {item.key: item for items in order.job.roots.values() for item in items}
    there = {item.key for item in world.cloud.things.values()}
    yield from (f"{key} is wanted and not there" for key in wanted.keys() - there)
    known = {item.id for item in world.state.now.values()}
    yield from (f"{item.id} ({item.key}) exists, and no state knows it" for item in world.cloud.things.values()
                if item.id not in known)  # fmt: skip
    for key, held in world.state.now.items():
        if key not in wanted or held.id not in world.cloud.things:
            yield f"the state has {key}, which is not wanted or not there"
        elif dict(held.arguments) != dict(wanted[key].resolved(lambda ref: f"dev/{getattr(ref, 'key', '')}")):
            yield f"{key} is not as it is wanted"


def twice(world: World) -> Iterator[str]:
    """What is there more than once, and what was made anew though it was to be kept."""
    for key, number in Counter(item.key for item in world.cloud.things.values()).items():
        if number > 1:
            yield f"{key} is there {number} times"
    there = {item.key: item.id for item in world.cloud.things.values()}
    for key, id in world.kept.items():
        if there.get(key, id) != id:
            yield f"{key} was made anew"


def wrong_books(world: World) -> Iterator[str]:
    """Journal and ledger after all was applied."""
    with world.open(Failpoints()) as project:
        if project.journal.open_runs():
            yield "a run is open"
        if project.journal.last_applied() != world.plan.digest():
            yield "the journal has not noted the plan"
        staged = {unit.key for unit in units_of_plan(world.plan, project.catalog, Purpose.STAGED)}
        booked = {unit.key for unit in project.ledger.units() if unit.state == "staged"}
        yield from (f"{key} is staged and not booked so" for key in staged - booked)
        yield from (f"{key} is booked and not staged" for key in booked - staged)
        project.ledger.verify_audit()


def unknown(world: World, before: frozenset[str]) -> Iterator[str]:
    """What a command left that nobody goes on with: all right as long as an open run says so."""
    with world.open(Failpoints()) as project:
        settle(project)
        if project.journal.open_runs():
            return
        known = {item.id for item in world.state.now.values()}
        yield from (f"{item.id} ({item.key}) exists, no state knows it and no run is open"
                    for item in world.cloud.things.values()
                    if item.id not in known | before)  # fmt: skip
        booked = {unit.key for unit in project.ledger.units()}
        new = {change.key for change in world.plan.changes if change.before is None}
        units = {unit.key for unit in units_of_plan(world.plan, project.catalog, Purpose.STAGED)}
        there = {item.key for item in world.cloud.things.values()}
        yield from (f"{key} exists, is not booked and no run is open" for key in sorted(units & new & there - booked))
