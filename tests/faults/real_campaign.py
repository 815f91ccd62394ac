"""Scenarios of the crash campaign on real engines, by their numbers: the outcome has to be that of the simulation.

    python -m tests.faults.crash_campaign --real 200

Each number is simulated first, which says at which point each command dies and what each call of the cloud comes to;
then the same number is played on OpenTofu or Pulumi, whichever goes in the scenario's order (`deletes_last`), killed
with SIGKILL at the corresponding points (`real_points`). Both verdicts come from the same judge. They have to agree in
whether all was applied, after how many commands, and in what is lost or there twice.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.engines import EngineName
from stacks.engines.pulumi_engine.command import find_pulumi
from stacks.engines.terraform_engine.program import find_program
from stacks.errors import EngineMissing
from tests.faults import crash_play, real_stage
from tests.faults.crash_play import Scenario, Verdict, count_points, play, scenario_of
from tests.faults.crash_situations import prepare
from tests.faults.crash_world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One number, played twice. `elsewhere`: deaths that the real engine did not come to; `outlived`: see the stage."""

    simulated: Verdict
    real: Verdict
    elsewhere: tuple[str, ...]
    outlived: tuple[str, ...]
    seconds: float

    @property
    def same(self) -> bool:
        return outcome(self.simulated) == outcome(self.real)


def outcome(verdict: Verdict) -> tuple[bool, int, bool, bool]:
    """What has to agree: all applied, after so many commands, something lost, something twice."""
    return verdict.complete, verdict.attempts, bool(verdict.lost), bool(verdict.twice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """All situations, simulated and on each engine that is there."""

    folder: Path
    simulated: dict[str, World]
    real: dict[EngineName, dict[str, World]]
    points: dict[str, int]

    def replay(self, number: int, *, adoption: bool = True) -> Replay | None:
        """Plays a number twice; None where its engine is not there."""
        scenario = scenario_of(number, self.points)
        worlds = self.real.get(engine_of(scenario))
        if worlds is None:
            return None
        started, folder = time.monotonic(), self.folder / "scenario"
        prepared = self.simulated[scenario.situation]
        simulated = crash_play.stage_of(scenario, prepared, folder / "simulated", adoption=adoption)
        expected = play(scenario, simulated)
        stage = real_stage.stage_of(
            scenario, worlds[scenario.situation], folder / "real", simulated.passed, adoption=adoption
        )
        found = play(scenario, stage)
        shutil.rmtree(folder)
        return Replay(
            simulated=expected,
            real=found,
            elsewhere=tuple(stage.elsewhere),
            outlived=tuple(stage.outlived),
            seconds=time.monotonic() - started,
        )


def engine_of(scenario: Scenario) -> EngineName:
    """The engine that goes in the scenario's order."""
    return EngineName.PULUMI if scenario.deletes_last else EngineName.TERRAFORM


FIND = {EngineName.TERRAFORM: find_program, EngineName.PULUMI: find_pulumi}


def engines_there(asked: Iterable[EngineName]) -> Iterator[EngineName]:
    """Of the engines that are asked for, those whose program is installed; says which is not."""
    for engine in asked:
        try:
            FIND[engine]()
            yield engine
        except EngineMissing as missing:
            print(f"without {engine}: {missing}", flush=True)


def make_stages(folder: Path, asked: Iterable[EngineName]) -> Stages:
    simulated = prepare(folder / "simulated")
    real = {engine: real_stage.prepare_real(folder / str(engine), engine) for engine in engines_there(asked)}
    return Stages(folder=folder, simulated=simulated, real=real, points=count_points(simulated, folder))


def play_real(numbers: Iterable[int], *, adoption: bool = True, asked: Iterable[EngineName] = tuple(EngineName)) -> int:
    """Replays numbers and prints a table; 1 where an outcome differs, or something is lost or twice.

    Numbers whose engine is not asked for, or not there, are passed over.
    """
    started = time.monotonic()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    found: dict[EngineName, list[Replay]] = {}
    with tempfile.TemporaryDirectory(dir=memory) as name:
        stages = make_stages(Path(name), asked)
        for number in numbers:
            if replay := stages.replay(number, adoption=adoption):
                found.setdefault(engine_of(replay.real.scenario), []).append(replay)
                _print_replay(replay)
    _print_table(found)
    print(f"{time.monotonic() - started:.0f} s")
    replays = [replay for mine in found.values() for replay in mine]
    return 1 if any(not item.same or item.real.lost or item.real.twice or item.outlived for item in replays) else 0


def _print_replay(replay: Replay) -> None:
    """One line a number; more where something is wrong."""
    real = replay.real
    deaths = "; ".join(real.died) or "nobody died"
    print(f"{real.scenario.number} {engine_of(real.scenario)}, {replay.seconds:.1f} s: {deaths}", flush=True)
    for line in replay.elsewhere:
        print(f"    elsewhere: {line}", flush=True)
    if not replay.same:
        print(f"    DIFFERS: {outcome(replay.simulated)} simulated, {outcome(real)} real", flush=True)
    for line in (*real.lost, *real.twice, *(f"outlived: {item}" for item in replay.outlived)):
        print(f"    {line}", flush=True)


def _print_table(found: dict[EngineName, list[Replay]]) -> None:
    print(f"\n{'engine':12}{'scenarios':>10}{'deaths':>8}{'elsewhere':>11}{'same outcome':>14}{'lost':>6}{'twice':>7}")
    for engine, replays in found.items():
        counts = (
            len(replays),
            sum(len(item.real.died) for item in replays),
            sum(len(item.elsewhere) for item in replays),
            sum(item.same for item in replays),
            sum(bool(item.real.lost) for item in replays),
            sum(bool(item.real.twice) for item in replays),
        )
        print(f"{engine:12}{counts[0]:10}{counts[1]:8}{counts[2]:11}{counts[3]:14}{counts[4]:6}{counts[5]:7}")
