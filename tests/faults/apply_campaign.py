"""Applies killed with SIGKILL at seeded moments; the same command again, and the estate equals the plan.

    python -m tests.faults.apply_campaign --seeds 100 --engine terraform
    python -m tests.faults.apply_campaign --seeds 100 --engine terraform --without-adoption     must find failures

Each seed: a child process applies a reviewed plan of six regions with the real engine; it and nothing else is killed,
at something that the engine tells or at a time. No process of the engine may outlive it. The same command runs to its
end. Then nothing is there twice, nothing is lost or left, and journal, ledger, inventory and engine agree.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

from contracts.engines import EngineName
from contracts.files import read_document
from contracts.plan import Operation, Plan
from contracts.ports import Silent
from contracts.resources import Purpose
from coordinator.drift import find_drift
from coordinator.follow import mirrored
from coordinator.project import Project
from coordinator.registration import units_of_plan
from stacks.apply import make_order, preview_plan
from stacks.engines.terraform_engine.state import DAMAGED
from stacks.estate.inventory import resource_id
from stacks.lock import ApplyLock
from tests.faults.apply_world import Situation, apply_as_child, open_project, prepare

ROOT = Path(__file__).parents[2]
BOOK_POINTS = 24  # an apply passes about so many: before, during and after each write of journal and ledger
DYING_S = 5.0  # how long what a killed process leaves may take to notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one seed came to: the situation, whether the child was killed and how far it was, and all that is wrong."""

    seed: int
    situation: str
    killed: bool
    made: int
    damaged: int
    failures: tuple[str, ...]


def run_seed(
    seed: int, situations: tuple[Situation, ...], folder: Path, *, adoption: bool = True, at_books: bool = False
) -> Verdict:
    """Plays one seed in a fresh copy of a prepared project; with `at_books` death comes at a write of the books."""
    situation = situations[seed % len(situations)]
    shutil.copytree(situation.folder, folder)
    before = creations(folder)
    kill = _apply_and_die if at_books else partial(_apply_and_kill, situation=situation, adoption=adoption)
    killed = kill(seed, folder)
    failures = [f"outlived the child: {words}" for words in outliving(folder)]
    between = creations(folder)
    again = start_child(folder, 0, seed, adoption=adoption)
    _, told = again.communicate(timeout=120)
    damaged = len(list(folder.rglob(DAMAGED)))
    if again.returncode != 0:
        failures.append(f"the same command again ended with {again.returncode}: {told.decode()[-600:]}")
    else:
        with open_project(folder) as project:
            failures += wrongs(project, before, between)
    failures += [f"outlived the second run: {words}" for words in outliving(folder)]
    return Verdict(
        seed=seed,
        situation=situation.name,
        killed=killed,
        made=len(between.items() - before.items()) + len(before.keys() - between.keys()),
        damaged=damaged,
        failures=tuple(failures),
    )


def wrongs(project: Project, before: Mapping[str, int], between: Mapping[str, int]) -> Iterator[str]:
    """Everything that must not be after the rerun.

    Args:
        project: the environment.
        before: when each resource was created, as of before the first run.
        between: the same, after it was killed.
    """
    plan = read_document(Plan, project.paths.plan)
    order = make_order(plan, project.environment, resume="")
    wanted = {item.key: item for items in order.job.roots.values() for item in items}
    live = {row.key: row for row in project.inventory.listing("dev")}
    yield from (f"{key} is wanted and not there" for key in wanted.keys() - live.keys())
    yield from (f"{key} is there and not wanted" for key in live.keys() - wanted.keys())
    for key in wanted.keys() & live.keys():
        if live[key].arguments != wanted[key].resolved(lambda ref: resource_id("dev", getattr(ref, "key", ""))):
            yield f"{key} is not as the plan wants it"
    replaced = {change.key for change in plan.changes if change.operation is Operation.REPLACE}
    for name, then in (("before", before), ("between", between)):
        for key in then.keys() & live.keys() - (replaced if name == "before" else set()):
            if live[key].seq != then[key] and key not in replaced:
                yield f"{key} was there {name} and was made again"
    applied = project.engine.applied()
    yield from (f"the engine does not know {key}" for key in wanted.keys() - applied.keys())
    yield from (f"the engine knows {key}, which is not wanted" for key in applied.keys() - wanted.keys())
    yield from (f"{key} is in root {applied[key].root}" for key in wanted if _misplaced(key, applied, wanted))
    shown = preview_plan(order, project.engine, Silent())
    yield from (f"the engine would {action} {key}" for root in shown.roots for key, action in root.actions.items())
    yield from _books(project, plan)


def _misplaced(key: str, applied: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    return key in applied and getattr(applied[key], "root", None) != getattr(wanted[key], "root", None)


def _books(project: Project, plan: Plan) -> Iterator[str]:
    """Journal, ledger and what drift says."""
    if project.journal.open_runs():
        yield "a run is open"
    if project.journal.last_applied() != plan.digest():
        yield "the journal has not noted the plan as applied"
    live = {row.key: row for row in project.inventory.listing("dev")}
    units = {unit.key: unit for unit in project.ledger.units()}
    staged = units_of_plan(plan, project.catalog, Purpose.STAGED)
    yield from (f"{unit.key} is staged and no unit of the ledger" for unit in staged if unit.key not in units)
    for key, unit in units.items():
        if key not in live:
            yield f"{key} is booked and does not exist"
        elif (live[key].state, live[key].holder) != (mirrored(unit.state), unit.holder):
            yield f"{key} is {unit.state} for {unit.holder} and the inventory has {live[key].state}"
    yield from (f"drift: {item.key} {item.why}" for item in find_drift(project).found)
    project.ledger.verify_audit()


def _apply_and_kill(seed: int, folder: Path, *, situation: Situation, adoption: bool) -> bool:
    """Applies in a child that dies at a seeded moment; whether it did before it was done."""
    rng = random.Random(f"death of {seed}")
    by_time = rng.random() < 0.5
    due = 0 if by_time else rng.randint(1, situation.changes + 10)
    with start_child(folder, due, seed, adoption=adoption) as child:
        assert child.stdout is not None
        child.stdout.readline()
        if by_time:
            time.sleep(rng.uniform(0, situation.seconds))
            child.kill()
        child.communicate(timeout=120)
    return child.returncode < 0


def _apply_and_die(seed: int, folder: Path) -> bool:
    """Applies in a child that dies before, during or after a seeded write of journal or ledger."""
    due = random.Random(f"book of {seed}").randint(1, BOOK_POINTS)
    with start_child(folder, due, seed, at_books=True) as child:
        child.communicate(timeout=120)
    return child.returncode < 0


def start_child(
    folder: Path, due: int = 0, seed: int = 0, *, adoption: bool = True, at_books: bool = False, lease_s: float = 0.0
) -> subprocess.Popen[bytes]:
    """Applies the plan of a project; dies at the `due`-th thing that its engine tells, or point of its books.

    With `lease_s` its lock is lost when it stalls for so long.
    """
    words = ["--child", str(folder), "--due", str(due), "--first", str(seed), *(["--at-books"] if at_books else [])]
    words += ["--lease", str(lease_s)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.apply_campaign", *words, *([] if adoption else ["--without-adoption"])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )


def creations(folder: Path) -> dict[str, int]:
    """When each resource was created; one that was made anew has another number."""
    with open_project(folder) as project:
        return {row.key: row.seq for row in project.inventory.listing("dev")}


def outliving(folder: Path) -> list[str]:
    """Processes that still name the folder, after some time to die."""
    end = time.monotonic() + DYING_S
    while (found := _processes_of(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _processes_of(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            told = words + str((entry / "cwd").readlink()) + (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in told:
            found.append(words[:200])
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--engine", type=EngineName, choices=list(EngineName), default=EngineName.TERRAFORM)
    parser.add_argument("--without-adoption", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--lease", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--at-books", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--due", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        if options.lease:
            patch("coordinator.project.ApplyLock", partial(ApplyLock, lease_s=options.lease)).start()
        if options.at_books:
            return apply_as_child(options.child, 0, options.first, adoption=True, book=options.due)
        return apply_as_child(options.child, options.due, options.first, adoption=not options.without_adoption)
    with tempfile.TemporaryDirectory() as name:
        verdicts = list(_play(Path(name), options))
    _print_table(verdicts)
    return 1 if any(verdict.failures for verdict in verdicts) else 0


def _play(scratch: Path, options: argparse.Namespace) -> Iterator[Verdict]:
    situations = prepare(scratch / "prepared", options.engine)
    for item in situations:
        operations = ", ".join(f"{count} {name}" for name, count in sorted(item.operations.items()))
        print(f"{item.name}: {operations}; {item.seconds:.1f} s when nobody dies", flush=True)
    for seed in range(options.first, options.first + options.seeds):
        folder = scratch / "seed"
        verdict = run_seed(seed, situations, folder, adoption=not options.without_adoption)
        if verdict.failures:
            print(f"seed {seed}: {len(verdict.failures)} failures, e.g. {verdict.failures[0]}", flush=True)
        shutil.rmtree(folder)
        yield verdict


def _print_table(verdicts: list[Verdict]) -> None:
    print(f"\n{'situation':12}{'seeds':>7}{'killed':>8}{'half way':>10}{'state cut off':>15}{'failures':>10}")
    for name, seeds in Counter(verdict.situation for verdict in verdicts).items():
        mine = [verdict for verdict in verdicts if verdict.situation == name]
        killed = [verdict for verdict in mine if verdict.killed]
        counts = (
            seeds,
            len(killed),
            sum(verdict.made > 0 for verdict in killed),
            sum(verdict.damaged for verdict in mine),
        )
        print(f"{name:12}{counts[0]:7}{counts[1]:8}{counts[2]:10}{counts[3]:15}", end="")
        print(f"{sum(bool(verdict.failures) for verdict in mine):10}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
