"""Requests under load, killed with SIGKILL at seeded moments; after a rerun nothing is lost and nothing given twice.

    python -m tests.faults.request_campaign --seeds 100
    python -m tests.faults.request_campaign --seeds 100 --without-intent     must find failures
    python -m tests.faults.request_campaign --seeds 10 --real                with tofu, terraform or pulumi

Each seed: three processes answer seeded requests at the same estate, each dies at a seeded point (before or after any
transaction, any resource, any push to the inventory) or at a seeded millisecond. Then half of the clients ask again,
the other half is gone for good; `settle` runs; and the ledger, the inventory and what clients were told are compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.ledger import UnitState
from contracts.requests import Decision
from coordinator.drift import find_drift
from coordinator.follow import mirrored
from coordinator.ledger import requests as ledger_requests
from coordinator.project import Project
from coordinator.settle import settle
from tests.coordinator.world import plan_review_apply, write_project
from tests.faults.request_world import Stage, read_acknowledged, requests_of, serve, take_intent_out

WORKERS = 3
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one seed came to: processes killed, answers given, and everything that is wrong."""

    seed: int
    killed: int
    answered: int
    failures: tuple[str, ...]


def prepare(stage: Stage) -> Stage:
    """An estate with staged units, planned and applied; every seed starts from a copy."""
    write_project(stage.folder)
    with stage.open() as project:
        plan_review_apply(project)
    return stage


def run_seed(seed: int, prepared: Stage, folder: Path, *, with_intent: bool = True) -> Verdict:
    """Plays one seed in a fresh copy of the prepared estate."""
    shutil.copytree(prepared.folder, folder)
    stage = replace(prepared, folder=folder, naive=not with_intent)
    if stage.naive:
        take_intent_out(folder / ".prestage" / "dev" / "ledger.db")
    killed = _load(seed, stage)
    _ask_again(seed, stage, killed)
    with stage.open() as project:
        settle(project)
        told = [decision for worker in range(WORKERS) for decision in read_acknowledged(stage.told(worker))]
        failures = tuple(wrongs(project, told))
    return Verdict(seed=seed, killed=len(killed), answered=len(told), failures=failures)


def wrongs(project: Project, told: list[Decision]) -> Iterator[str]:
    """Everything that must not be, after a rerun and `settle`."""
    booked = {unit.key: unit for unit in project.ledger.units()}
    live = {row.key: row for row in project.inventory.listing("dev")}
    with project.ledger.read() as tx:
        answers = {
            row["id"]: ledger_requests.decision_of(row["decision"])
            for row in tx.rows("SELECT id, decision FROM requests WHERE decision IS NOT NULL")
        }
        ended = {row["id"] for row in tx.rows("SELECT id FROM grants WHERE ended_at IS NOT NULL")}
        if ledger_requests.unanswered(tx):
            yield "a request was begun and never answered"
    given = Counter(key for decision in answers.values() for key in decision.units)
    released = {key for decision in answers.values() if decision.grant in ended for key in decision.units}
    yield from (f"{key} was handed out {count} times" for key, count in given.items() if count > 1)
    for decision in told:
        if answers.get(decision.request) != decision:
            yield f"{decision.request}: the client was told otherwise than the ledger has it"
    for key in given:
        wanted = UnitState.QUARANTINED if key in released else UnitState.ACTIVE
        if booked[key].state is not wanted:
            yield f"{key} was handed out, ought to be {wanted} and is {booked[key].state}"
    for key, unit in booked.items():
        if key not in live:
            yield f"{key} is booked and does not exist"
        elif (live[key].state, live[key].holder) != (mirrored(unit.state), unit.holder):
            yield f"{key} is {unit.state} for {unit.holder} and the inventory has {live[key].state}"
    yield from (f"{key} exists on demand and nobody has it" for key in live if "/granted/" in key and key not in booked)
    yield from (f"drift: {item.key} {item.why}" for item in find_drift(project).found)
    if project.journal.open_runs():
        yield "a run is open"
    project.ledger.verify_audit()


def _load(seed: int, stage: Stage) -> list[int]:
    """Starts the processes and lets them die; returns who did."""
    rng = random.Random(f"deaths of {seed}")
    longest_s = 5.0 if stage.real else 0.25
    processes = []
    for worker in range(WORKERS):
        at_point = rng.random() < 0.7
        due = rng.randint(1, 60) if at_point else 0
        deadline = None if at_point else rng.uniform(0.0, longest_s)
        process = FORK.Process(target=serve, args=(stage, worker, requests_of(seed, worker), due))
        process.start()
        processes.append((process, deadline))
    started = time.monotonic()
    for process, deadline in sorted(processes, key=lambda item: item[1] or 0):
        if deadline is not None:
            process.join(max(0.0, started + deadline - time.monotonic()))
            process.kill()
    for process, _ in processes:
        process.join()
    return [worker for worker, (process, _) in enumerate(processes) if process.exitcode != 0]


def _ask_again(seed: int, stage: Stage, killed: list[int]) -> None:
    """Half of the clients whose server died repeat what was not acknowledged, under the same ids."""
    for worker in killed:
        if random.Random(f"{seed}/{worker} asks again").random() < 0.5:
            path = stage.told(worker)
            told = read_acknowledged(path)
            path.write_text("".join(decision.model_dump_json() + "\n" for decision in told))
            known = {decision.request for decision in told}
            left = [request for request in requests_of(seed, worker) if request.id not in known]
            process = FORK.Process(target=serve, args=(stage, worker, left, 0))
            process.start()
            process.join()
            assert process.exitcode == 0, f"seed {seed}: asking again ended with {process.exitcode}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--without-intent", action="store_true")
    parser.add_argument("--real", action="store_true", help="with the environment's own engine")
    options = parser.parse_args(arguments)
    failed, killed, answered = [], 0, 0
    with tempfile.TemporaryDirectory() as name:
        prepared = prepare(Stage(folder=Path(name) / "prepared", real=options.real))
        for seed in range(options.first, options.first + options.seeds):
            folder = Path(name) / "seed"
            verdict = run_seed(seed, prepared, folder, with_intent=not options.without_intent)
            killed, answered = killed + verdict.killed, answered + verdict.answered
            if verdict.failures:
                failed.append(verdict)
                print(f"seed {seed}: {len(verdict.failures)} failures, e.g. {verdict.failures[0]}", flush=True)
            shutil.rmtree(folder)
    print(f"{options.seeds} seeds, {killed} processes killed, {answered} answers: {len(failed)} seeds with failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
