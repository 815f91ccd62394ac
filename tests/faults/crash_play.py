"""One scenario of the crash campaign: commands that die, one after the other, until all is applied or nobody goes on.

Where it stands: `crash_campaign` plays scenarios on the simulated engine (`SimStage`), `real_campaign` the very same
ones on real engines (`RealStage`). Both go through `play`, and are judged by `crash_verdict`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from contracts.errors import PrestageError
from contracts.ports import Silent
from coordinator.apply import apply_reviewed
from coordinator.settle import settle
from tests.faults.crash_situations import SITUATIONS
from tests.faults.crash_verdict import lost, twice, unknown, wrong_books
from tests.faults.crash_world import World, looking_in
from tests.faults.failpoints import Failpoints, Killed
from tests.faults.sim_cloud import Met

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
    deletes_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What it came to.

    Attributes:
        died: the points at which processes died.
        attempts: commands until all was applied, or nobody went on.
        complete: all was applied.
        lost: what exists and nothing durable knows, what is wanted and missing, what the books lack.
        twice: what exists more than once, or was made anew without need.
    """

    scenario: Scenario
    died: tuple[str, ...]
    attempts: int
    complete: bool
    lost: tuple[str, ...]
    twice: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What one command passed: every point, whether it died at the last, and every call that changed something."""

    points: tuple[str, ...]
    dead: bool
    met: tuple[Met, ...]


class Stage(Protocol):
    """Where a scenario is played."""

    @property
    def world(self) -> World:
        """What there is now."""
        ...

    def apply(self, attempt: int) -> bool:
        """One `prestage apply`, from 1 on; whether all is applied. It dies where the scenario says so."""
        ...

    @property
    def died(self) -> tuple[str, ...]:
        """The points at which commands died so far."""
        ...


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
        deletes_last=rng.random() < 0.5,
    )


def play(scenario: Scenario, stage: Stage) -> Verdict:
    """Plays one scenario to its end."""
    there = frozenset(stage.world.cloud.things)
    done = False
    for attempt in range(1, ATTEMPTS + 1):
        done = stage.apply(attempt)
        world = stage.world
        world.clock.sleep(scenario.gap_s)
        if done or (scenario.abandoned and attempt == len(scenario.dues)):
            break
        if scenario.settles:
            with world.open(Failpoints()) as project:
                settle(project)
    wrongs = list(wrong_books(world)) if done else list(unknown(world, there))
    doubles: list[str] = []
    if done:
        wrongs += lost(world)
    elif not scenario.abandoned:
        wrongs.append(f"not applied after {ATTEMPTS} commands")
    if done or not scenario.abandoned:
        doubles += twice(world)
    return Verdict(
        scenario=scenario,
        died=stage.died,
        attempts=attempt,
        complete=done,
        lost=tuple(wrongs),
        twice=tuple(doubles),
    )


@dataclass(kw_only=True)
class SimStage:
    """A copy of a situation, on the simulated engine. `passed`: what each command passed."""

    scenario: Scenario
    world: World
    passed: list[Passed] = field(default_factory=list)

    def apply(self, attempt: int) -> bool:
        if attempt > len(self.scenario.dues) + 1:
            self.world.cloud.chance = None  # the cloud has come to its senses
        due = self.scenario.dues[attempt - 1] if attempt <= len(self.scenario.dues) else 0
        at = Failpoints(due, on_death=lambda: self.world.state.die(self.world.clock.seconds))
        before = len(self.world.cloud.met)
        done = apply_once(self.world, at)
        met = tuple(self.world.cloud.met[before:])
        self.passed.append(Passed(points=tuple(at.names), dead=at.dead, met=met))
        return done

    @property
    def died(self) -> tuple[str, ...]:
        return tuple(item.points[-1] for item in self.passed if item.dead)


def stage_of(
    scenario: Scenario, prepared: World, folder: Path, *, adoption: bool = True, intent: bool = True
) -> SimStage:
    """The stage of a scenario: a copy of its situation."""
    chance = random.Random(f"chance {scenario.number}")
    copied = prepared.copy(folder)
    world = replace(copied, chance=chance, intent=intent, deletes_last=scenario.deletes_last)
    world.cloud.finds, world.state.lag_s = adoption, scenario.lag_s
    world.cloud.chance = random.Random(f"faults {scenario.number}") if scenario.faulty else None
    return SimStage(scenario=scenario, world=world)


def simulate(
    scenario: Scenario, prepared: World, folder: Path, *, adoption: bool = True, intent: bool = True
) -> Verdict:
    """Plays one scenario in a copy of its situation, on the simulated engine."""
    return play(scenario, stage_of(scenario, prepared, folder, adoption=adoption, intent=intent))


def apply_once(world: World, at: Failpoints) -> bool:
    """One `prestage apply` on the simulated engine; whether all is applied."""
    with looking_in(lambda: world.cloud), closing(world.open(at)) as project:
        try:
            report = apply_reviewed(project, world.plan_path, Silent(), confirmed=world.plan.destroyed)
        except (Killed, PrestageError):
            return False
        return report.complete


def count_points(worlds: Mapping[str, World], folder: Path) -> dict[str, int]:
    """How many points an apply of each situation passes when nobody dies."""
    found = {}
    for name, prepared in worlds.items():
        world, at = prepared.copy(folder / f"points-{name}"), Failpoints()
        assert apply_once(world, at)
        found[name] = len(at.names)
    return found
