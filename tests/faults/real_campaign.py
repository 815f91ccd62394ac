"""Scenarios of the crash campaign on real engines: half of them on OpenTofu, half on Pulumi, killed with SIGKILL.

    python -m tests.faults.crash_campaign --real 200

What is simulated there is real here: processes, engines, providers, the estate. Half of the deaths are at something
that the engine tells or at a time (`apply_campaign`), half at a write of journal or ledger. The outcome has to be the
same on both engines, and that of the simulation: everything as planned, nothing lost, nothing twice.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from contracts.environment import EngineName
from tests.faults.apply_campaign import Verdict, run_seed
from tests.faults.apply_world import Situation, prepare


def play_real(scenarios: int, first: int = 0) -> int:
    """Plays so many scenarios, in turn on each engine, and prints a table; 1 where any failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        prepared = {engine: prepare(scratch / str(engine), engine) for engine in EngineName}
        found: dict[EngineName, list[Verdict]] = {engine: [] for engine in EngineName}
        for number in range(first, first + scenarios):
            engine = list(EngineName)[number % 2]
            found[engine].append(_play(number // 2, prepared[engine], scratch / "scenario"))
    print(f"{'engine':12}{'scenarios':>10}{'killed':>8}{'half way':>10}{'failed':>8}")
    for engine, verdicts in found.items():
        killed = [verdict for verdict in verdicts if verdict.killed]
        half, failed = sum(item.made > 0 for item in killed), sum(bool(item.failures) for item in verdicts)
        print(f"{engine:12}{len(verdicts):10}{len(killed):8}{half:10}{failed:8}")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if any(verdict.failures for verdicts in found.values() for verdict in verdicts) else 0


def _play(seed: int, situations: tuple[Situation, ...], folder: Path) -> Verdict:
    verdict = run_seed(seed, situations, folder, at_books=bool(seed // len(situations) % 2))
    for failure in verdict.failures[:3]:
        print(f"{situations[0].folder.parent.name}, seed {seed}: {failure}", flush=True)
    shutil.rmtree(folder)
    return verdict
