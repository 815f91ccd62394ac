"""Applies that die at every point that they pass, in pairs, in a faulty cloud: nothing is lost, nothing is there twice.

    python -m tests.faults.crash_campaign --scenarios 10000
    python -m tests.faults.crash_campaign --scenarios 2000 --without-adoption     must find duplicates
    python -m tests.faults.crash_campaign --scenarios 2000 --without-intent       must find losses
    python -m tests.faults.crash_campaign --real 200                              real engines, killed with SIGKILL

A scenario is decided by its number: which situation, at which point the first process dies (all of them in turn), at
which the second, what the cloud does wrong, how late states reach their backend, and what people do afterwards: the
same command again, `settle` first, or nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from contracts.errors import PrestageError
from contracts.ports import Silent
from contracts.resources import Purpose
from coordinator.apply import apply_reviewed
from coordinator.registration import units_of_plan
from coordinator.settle import settle
from stacks.apply import make_order
from tests.faults.crash_world import ENVIRONMENT, SITUATIONS, World, looking_in, prepare
from tests.faults.failpoints import Failpoints, Killed
from tests.faults.sim_cloud import SimCloud

ATTEMPTS = 8  # of the same command, by a person who tries again
GAPS_S = (0.0, 0.5, 60.0)  # between a death and the next command
LAG_S = 20.0  # of the S3 backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens. `dues`: at which point each process dies, one after the other."""

    number: int
    situation: str
    dues: tuple[int, ...]
    faulty: bool
    lag_s: float
    gap_s: float
    settles: bool
    abandoned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What it came to.

    Attributes:
        died: the points at which processes died.
        attempts: commands until all was applied; 0 where it was abandoned.
        lost: what exists and nothing durable knows, what is wanted and missing, what the books lack.
        twice: what exists more than once, or was made anew without need.
    """

    scenario: Scenario
    died: tuple[str, ...]
    attempts: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]


def scenario_of(number: int, points: Mapping[str, int]) -> Scenario:
    """The scenario with a number; every point of every situation comes in turn."""
    rng = random.Random(f"scenario {number}")
    situation = SITUATIONS[number % len(SITUATIONS)]
    first = 1 + (number // len(SITUATIONS)) % points[situation]
    pair = rng.random() < 0.4
    return Scenario(
        number=number,
        situation=situation,
        dues=(first, rng.randint(1, points[situation])) if pair else (first,),
        faulty=rng.random() < 0.6,
        lag_s=rng.choice((0.0, 0.0, LAG_S)),
        gap_s=rng.choice(GAPS_S),
        settles=rng.random() < 0.2,
        abandoned=rng.random() < 0.1,
    )


def play(scenario: Scenario, prepared: World, folder: Path, *, adoption: bool = True, intent: bool = True) -> Verdict:
    """Plays one scenario in a copy of its situation."""
    world = prepared.copy(folder)
    chance = random.Random(f"chance {scenario.number}")
    world.cloud.finds, world.state.lag_s = adoption, scenario.lag_s
    world.cloud.chance = random.Random(f"faults {scenario.number}") if scenario.faulty else None
    there = frozenset(world.cloud.things)
    died: list[str] = []
    done = False
    with looking_in(lambda: world.cloud):
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > len(scenario.dues) + 1:
                world.cloud.chance = None  # the cloud has come to its senses
            due = scenario.dues[attempt - 1] if attempt <= len(scenario.dues) else 0
            at = Failpoints(due, on_death=lambda: world.state.die(world.clock.seconds))
            done = _apply(world, at, chance, intent=intent)
            died += at.names[-1:] if at.dead else []
            world.clock.sleep(scenario.gap_s)
            if done or (scenario.abandoned and attempt == len(scenario.dues)):
                break
            if scenario.settles:
                with world.open(Failpoints(), chance, intent=intent) as project:
                    settle(project)
        wrongs = _wrong_books(world, chance, intent=intent) if done else _unknown(world, there, chance, intent=intent)
        lost: list[str] = list(wrongs)
        twice: list[str] = []
        if done:
            lost += _lost(world)
            twice += _twice(world)
        elif not scenario.abandoned:
            lost.append(f"not applied after {ATTEMPTS} commands")
            twice += _twice(world)
    return Verdict(scenario=scenario, died=tuple(died), attempts=attempt, lost=tuple(lost), twice=tuple(twice))


def _apply(world: World, at: Failpoints, chance: random.Random, *, intent: bool) -> bool:
    """One `prestage apply`; whether all is applied."""
    project = world.open(at, chance, intent=intent)
    with closing(project):
        try:
            report = apply_reviewed(project, world.plan_path, Silent(), confirmed=world.plan.destroyed)
        except (Killed, PrestageError):
            return False
        return report.complete


def _lost(world: World) -> Iterator[str]:
    """What is wanted and not there, what is there and nothing knows, what is not as it is wanted."""
    order = make_order(world.plan, ENVIRONMENT, resume="")
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


def _twice(world: World) -> Iterator[str]:
    """What is there more than once, and what was made anew though it was to be kept."""
    for key, number in Counter(item.key for item in world.cloud.things.values()).items():
        if number > 1:
            yield f"{key} is there {number} times"
    there = {item.key: item.id for item in world.cloud.things.values()}
    for key, id in world.kept.items():
        if there.get(key, id) != id:
            yield f"{key} was made anew"


def _wrong_books(world: World, chance: random.Random, *, intent: bool) -> Iterator[str]:
    """Journal and ledger after all was applied."""
    with world.open(Failpoints(), chance, intent=intent) as project:
        if project.journal.open_runs():
            yield "a run is open"
        if project.journal.last_applied() != world.plan.digest():
            yield "the journal has not noted the plan"
        staged = {unit.key for unit in units_of_plan(world.plan, project.catalog, Purpose.STAGED)}
        booked = {unit.key for unit in project.ledger.units() if unit.state == "staged"}
        yield from (f"{key} is staged and not booked so" for key in staged - booked)
        yield from (f"{key} is booked and not staged" for key in booked - staged)
        project.ledger.verify_audit()


def _unknown(world: World, before: frozenset[str], chance: random.Random, *, intent: bool) -> Iterator[str]:
    """What a command left that nobody goes on with: all right as long as an open run says so."""
    with world.open(Failpoints(), chance, intent=intent) as project:
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


def count_points(worlds: Mapping[str, World], folder: Path) -> dict[str, int]:
    """How many points an apply of each situation passes when nobody dies."""
    found = {}
    for name, prepared in worlds.items():
        world, at = prepared.copy(folder / f"points-{name}"), Failpoints()
        with looking_in(partial(_cloud_of, world)):
            assert _apply(world, at, random.Random(0), intent=True)
        found[name] = len(at.names)
    return found


def _cloud_of(world: World) -> SimCloud:
    return world.cloud


_prepared: dict[str, World] = {}
_points: dict[str, int] = {}


def _start_worker(folder: str) -> None:
    mine = Path(folder) / f"worker-{os.getpid()}"
    _prepared.update(prepare(mine))
    _points.update(count_points(_prepared, mine))


def _play_some(numbers: range, folder: str, adoption: bool, intent: bool) -> list[Verdict]:
    verdicts = []
    for number in numbers:
        scenario = scenario_of(number, _points)
        scratch = Path(folder) / f"scenario-{number}"
        verdicts.append(play(scenario, _prepared[scenario.situation], scratch, adoption=adoption, intent=intent))
        shutil.rmtree(scratch)
    return verdicts


def campaign(scenarios: int, *, first: int = 0, adoption: bool = True, intent: bool = True) -> Iterator[Verdict]:
    """Plays scenarios on all cores, in memory where there is a file system of it."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        parts = [range(start, min(start + 50, first + scenarios)) for start in range(first, first + scenarios, 50)]
        with ProcessPoolExecutor(initializer=_start_worker, initargs=(folder,)) as pool:
            size = len(parts)
            for verdicts in pool.map(_play_some, parts, [folder] * size, [adoption] * size, [intent] * size):
                yield from verdicts


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--without-adoption", action="store_true", help="nothing is found by tag or name")
    parser.add_argument("--without-intent", action="store_true", help="the journal has a run once it is over")
    parser.add_argument("--real", type=int, default=0, help="scenarios on real engines, half of them on each")
    options = parser.parse_args(arguments)
    if options.real:
        from tests.faults.real_campaign import play_real

        return play_real(options.real, options.first)
    started, number = time.monotonic(), count(1)
    verdicts = []
    naive = {"adoption": not options.without_adoption, "intent": not options.without_intent}
    for verdict in campaign(options.scenarios, first=options.first, **naive):
        verdicts.append(verdict)
        if (verdict.lost or verdict.twice) and next(number) <= 10:
            print(f"scenario {verdict.scenario.number}: {(*verdict.lost, *verdict.twice)[0]}", flush=True)
    _print_table(verdicts, time.monotonic() - started)
    return 1 if any(verdict.lost or verdict.twice for verdict in verdicts) else 0


def _print_table(verdicts: list[Verdict], seconds: float) -> None:
    points = {name for verdict in verdicts for name in verdict.died}
    print(f"\n{'situation':10}{'scenarios':>10}{'deaths':>8}{'pairs':>7}{'faulty':>8}{'lost':>6}{'twice':>7}")
    for name in SITUATIONS:
        mine = [verdict for verdict in verdicts if verdict.scenario.situation == name]
        counts = (
            len(mine),
            sum(len(verdict.died) for verdict in mine),
            sum(len(verdict.died) > 1 for verdict in mine),
            sum(verdict.scenario.faulty for verdict in mine),
            sum(bool(verdict.lost) for verdict in mine),
            sum(bool(verdict.twice) for verdict in mine),
        )
        print(f"{name:10}{counts[0]:10}{counts[1]:8}{counts[2]:7}{counts[3]:8}{counts[4]:6}{counts[5]:7}")
    print(f"{len(verdicts)} scenarios, {len(points)} kinds of point, {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
