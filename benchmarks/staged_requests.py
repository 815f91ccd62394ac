"""Staged peering requests under load: 100 a second arrive at 8 processes for a minute; each answer is on the disk.

    python -m benchmarks.staged_requests --seconds 60 --rate 100 --processes 8

Latency counts from the moment a request was due to arrive (so that waiting behind a slow one counts) to the return of
the transaction that holds decision, units, grant, counters and audit (WAL, synchronous=FULL). Meanwhile one more
process lets the inventory follow. Arrivals are a seeded Poisson process. Then a few requests that staging cannot meet
are made by the environment's engine, one after the other, for the ratio.
"""

import argparse
import json
import multiprocessing
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

from contracts.environment import Environment
from contracts.requests import Decision, Outcome, PeeringRequest, Requirements
from contracts.resources import ResourceKind
from contracts.yaml_files import read_yaml_document
from coordinator.answers import Case
from coordinator.follow import follow
from coordinator.ledger import Ledger
from coordinator.ledger.units import Size, Unit
from coordinator.peering import answer_peering
from coordinator.project import Project, system_clock
from coordinator.staged import decide_staged
from stacks.estate.inventory import Inventory

ROOT = Path(__file__).parent.parent
REGIONS = ("fra", "ams", "lon", "mad", "nyc", "chi", "dfw")
NEEDS = Requirements(vcpu=4, memory_gib=16, gbps=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What arrives where."""

    folder: Path
    seconds: float
    rate: float
    processes: int

    @property
    def requests(self) -> int:
        return int(self.seconds * self.rate)


def stage(load: Load) -> None:
    """Registers as many units as the requests will need, and some more."""
    count = load.requests // len(REGIONS) + 50
    staged = []
    for index, place in enumerate(REGIONS):
        source = REGIONS[index - 1]
        link = "--".join(sorted((place, source)))
        for number in range(count):
            compute = Size(vcpu=4, memory_gib=16)
            staged.append(_unit(f"{place}/compute/staged/s4/{number:05d}", ResourceKind.COMPUTE, place, compute))
            staged.append(_unit(f"{link}/circuit/staged/1g/{number:05d}", ResourceKind.CIRCUIT, link, Size(gbps=1)))
    ledger = Ledger(load.folder / "ledger.db", "dev", system_clock)
    ledger.register(staged)
    ledger.close()


def work(load: Load, worker: int, start: float, results: Path) -> None:
    """Answers every arrival of one process and writes the latencies, in milliseconds."""
    environment = read_yaml_document(Environment, ROOT / "environments" / "dev.yaml")
    ledger = Ledger(load.folder / "ledger.db", "dev", system_clock)
    rng = random.Random(worker)
    latencies, outcomes = [], []
    due = start
    for number in range(load.requests // load.processes):
        due += rng.expovariate(load.rate / load.processes)
        time.sleep(max(0.0, due - time.time()))
        index = rng.randrange(len(REGIONS))
        request = PeeringRequest(
            id=f"r-{worker}-{number}",
            customer=f"customer-{rng.randrange(40)}",
            source=REGIONS[index - 1],
            destination=REGIONS[index],
            requirements=NEEDS,
            duration_hours=24,
        )
        case = Case(request=request, ms=lambda due=due: (time.time() - due) * 1000)
        answer = decide_staged(ledger, environment, case, request)
        latencies.append((time.time() - due) * 1000)
        outcomes.append(isinstance(answer, Decision) and answer.outcome is Outcome.STAGED)
    results.write_text(json.dumps({"latencies": latencies, "staged": sum(outcomes)}))


def keep_following(load: Load, done: Event) -> None:
    """Lets the inventory follow until all is done."""
    ledger = Ledger(load.folder / "ledger.db", "dev", system_clock)
    inventory = Inventory(load.folder / "estate.db")
    while not done.wait(0.05):
        follow(ledger, inventory, load.folder / "follow.lock")
    follow(ledger, inventory, load.folder / "follow.lock")


def run(load: Load) -> dict[str, float]:
    """The whole load; p50 and p99 in milliseconds, and how many were met from staging."""
    stage(load)
    done = multiprocessing.Event()
    follower = multiprocessing.Process(target=keep_following, args=(load, done))
    follower.start()
    start = time.time() + 2.0
    files = [load.folder / f"worker-{worker}.json" for worker in range(load.processes)]
    workers = [
        multiprocessing.Process(target=work, args=(load, number, start, file)) for number, file in enumerate(files)
    ]
    for process in workers:
        process.start()
    for process in workers:
        process.join()
    took = time.time() - start
    done.set()
    follower.join()
    answers = [json.loads(file.read_text()) for file in files]
    latencies = sorted(latency for answer in answers for latency in answer["latencies"])
    audit = Ledger(load.folder / "ledger.db", "dev", system_clock).verify_audit()
    return {
        "requests": len(latencies),
        "staged": sum(answer["staged"] for answer in answers),
        "per_second": len(latencies) / took,
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[int(len(latencies) * 0.99)],
        "max_ms": latencies[-1],
        "audit_rows": audit.rows,
    }


def on_demand(folder: Path, count: int = 5) -> float:
    """Milliseconds (median) of a request that the engine has to make resources for, in the sample project."""
    for name in ("environments", "estate"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "exemptions.yaml", folder)
    with Project.open(folder, "dev") as project:
        took = []
        for number in range(count):
            request = PeeringRequest(
                id=f"d-{number}",
                customer="customer",
                source="ams",
                destination="fra",
                requirements=NEEDS,
                duration_hours=24,
            )
            decision = answer_peering(project, request)
            assert decision.outcome is Outcome.ON_DEMAND, decision.missing
            took.append(decision.ms)
    return statistics.median(took)


def _unit(key: str, kind: ResourceKind, place: str, size: Size) -> Unit:
    return Unit(key=key, kind=kind, place=place, root=place, size=size)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--processes", type=int, default=8)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        load = Load(folder=Path(folder), seconds=options.seconds, rate=options.rate, processes=options.processes)
        figures = run(load)
        made = Path(folder) / "project"
        made.mkdir()
        figures["on_demand_ms"] = on_demand(made)
        figures["ratio"] = figures["on_demand_ms"] / figures["p50_ms"]
    for name, value in figures.items():
        print(f"{name:12} {value:10.2f}" if isinstance(value, float) else f"{name:12} {value:10}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
