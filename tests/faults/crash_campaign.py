"""Applies that die at every point that they pass, in pairs, in a faulty cloud: nothing is lost, nothing is there twice.

    python -m tests.faults.crash_campaign --scenarios 10000
    python -m tests.faults.crash_campaign --scenarios 2000 --without-adoption     must find duplicates
    python -m tests.faults.crash_campaign --scenarios 2000 --without-intent       must find losses
    python -m tests.faults.crash_campaign --real 200                              on OpenTofu and Pulumi too
    python -m tests.faults.crash_campaign --real 10 --first 700                   ... from there on
    python -m tests.faults.crash_campaign --real 10 --without-adoption            must find duplicates

A scenario is decided by its number: which situation, at which point the first process dies (all of them in turn), at
which the second, what the cloud does wrong, how late states reach their backend, and what people do afterwards: the
same command again, `settle` first, or nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path

from contracts.engines import EngineName
from tests.faults.crash_play import Verdict, count_points, scenario_of, simulate
from tests.faults.crash_situations import SITUATIONS, prepare
from tests.faults.crash_world import World

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
        verdicts.append(simulate(scenario, _prepared[scenario.situation], scratch, adoption=adoption, intent=intent))
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
    parser.add_argument("--real", type=int, default=0, help="so many on real engines too, about half on each")
    parser.add_argument("--stride", type=int, default=7, help="between the numbers of those")
    parser.add_argument("--engine", type=EngineName, choices=list(EngineName), nargs="+", default=list(EngineName))
    options = parser.parse_args(arguments)
    if options.real:
        from tests.faults.real_campaign import play_real

        end = options.first + options.real * options.stride
        numbers = range(options.first, end, options.stride)
        return play_real(numbers, adoption=not options.without_adoption, asked=options.engine)
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
