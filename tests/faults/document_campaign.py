"""Documents that a plan is made from, with one thing in them that should not be: told, or planned around.

    python -m tests.faults.document_campaign --seeds 2000
    python -m tests.faults.document_campaign --from 500 --seeds 1          one of them, with its traceback

Each seed: an environment, a catalog, an inventory, a saved capacity snapshot or a forecast is changed in one to three
places (another type, no number, negative, huge, left out, twice, a sibling's value), and a plan is made of it. It
comes to a plan that the checker finds nothing wrong with, to what cannot be met, or to a message that says what and
where. Anything else is a failure: a traceback, a plan that breaks a limit, a question that takes longer than others.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # what documents hold before they are read

import numpy as np
import yaml

from contracts.capacity import CapacitySnapshot
from contracts.document import bytes_digest
from contracts.errors import DocumentError, PrestageError
from contracts.files import read_document, read_forecast, write_document, write_forecast
from contracts.forecast import Forecast, ForecastBundle
from contracts.forecast_values import values_to_bytes
from contracts.plan import Infeasible
from coordinator.plan import read_question
from planner.build import build_plan
from planner.fleet.check import checked_fleet
from planner.fleet.greedy import greedy_fleet
from planner.fleet.problem import FleetProblem, FleetSolution
from planner.solve import solve
from tests.coordinator.world import open_project, plan_review_apply, write_project
from tests.planner.plan_checker import Breach, Rule, breaches
from tests.planner.plan_facts import Asked

ODD: tuple[Any, ...] = (
    *(None, True, "", "x", "nan", "fra", "\u2603", [], {}, [None], {"x": 1}, "2026-11-02", "10.0.0.0/8"),
    *(-1, 0, 1, 3, 1.5, -0.0, 1e-300, 1e6, 1e18, 1e308, 10**30, math.nan, math.inf, -math.inf),
)
NUMBERS = tuple(value for value in ODD if isinstance(value, int | float) and not isinstance(value, bool))

PATIENCE_S = 30
"""What takes longer has lost its way: a plan of three regions takes a second."""


class TooLong(Exception):
    """A question took longer than any may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one seed came to: what was changed, and `plan`, `unmet`, `told` by an error, or what went wrong."""

    seed: int
    changed: str
    outcome: str
    failure: str = ""


def prepare(folder: Path, *, shared: bool) -> Path:
    """A project whose plan was applied, with its capacity saved; one reserve or the other."""
    write_project(folder, extra="failover: {reserve: shared}\n" if shared else "")
    inventory = folder / "estate" / "inventory.yaml"
    inventory.write_text(inventory.read_text().replace("fault_domain: eu-central", "fault_domain: eu-west", 1))
    with open_project(folder) as project:
        plan_review_apply(project)
        write_document(folder / "capacity.json", project.estate())
    return folder


def run_seed(seed: int, prepared: Path, folder: Path) -> Verdict:
    """Changes a copy of the prepared project, and plans it; nothing of the copy is left."""
    shutil.copytree(prepared, folder)
    try:
        return _played(seed, folder)
    finally:
        shutil.rmtree(folder)


def _played(seed: int, folder: Path) -> Verdict:
    draw = random.Random(seed)
    what = draw.choice(tuple(MUTATIONS))
    try:
        changed = MUTATIONS[what](draw, folder)
    except (ValueError, DocumentError) as error:  # what no document of ours can hold
        return Verdict(seed=seed, changed=what, outcome="told", failure="" if str(error) else "says nothing")
    try:
        with _patience():
            outcome, failure = _planned(folder, saved=what == "capacity")
    except PrestageError as error:
        outcome, failure = "told", "" if error.what and (error.where or error.expected) else f"says only: {error}"
    except Exception:
        outcome, failure = "traceback", traceback.format_exc()
    return Verdict(seed=seed, changed=f"{what}: {changed}", outcome=outcome, failure=failure)


def _planned(folder: Path, *, saved: bool) -> tuple[str, str]:
    """What came of a project: `plan` or `unmet`, and what is wrong with it."""
    with open_project(folder) as project:
        question, _ = read_question(project, folder / "capacity.json" if saved else None)
        found = build_plan(question, solve, _greedy)
    if isinstance(found, Infeasible):
        odd = [item for item in found.shortfalls if not item.available < item.wanted or not item.nearest]
        return "unmet", f"shortfalls that are none: {odd}" if odd or not (found.shortfalls or found.told) else ""
    found.sealed()
    asked = Asked(
        environment=question.environment,
        forecast=question.from_now().forecast,
        capacity=question.capacity,
        catalog=question.catalog,
    )
    wrong = [item for item in breaches(asked, found) if not _meant(item, question.live())]
    return "plan", "; ".join(map(str, wrong[:3]))


def _meant(breach: Breach, live: Container[str]) -> bool:
    """What is there already stays, also where its pool, or its price, is no longer."""
    return breach.rule in (Rule.BLOCK, Rule.OFFER) and breach.where in live


def _greedy(problem: FleetProblem) -> FleetSolution:
    """Not how a fleet is found is looked at here."""
    return checked_fleet(problem, greedy_fleet(problem))


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# --- what is changed


def _yaml(name: str) -> Callable[[random.Random, Path], str]:
    def change(draw: random.Random, folder: Path) -> str:
        path = folder / name
        content = yaml.safe_load(path.read_text())
        told = _change(draw, content)
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        return told

    return change


def _capacity(draw: random.Random, folder: Path) -> str:
    """Another tool's snapshot: sealed, and not as ours are."""
    path = folder / "capacity.json"
    content = read_document(CapacitySnapshot, path).content()
    told = _change(draw, content)
    write_document(path, CapacitySnapshot.parse(json.dumps(content), where=str(path)))
    return told


def _forecast(draw: random.Random, folder: Path) -> str:
    path = folder / ".prestage" / "dev" / "forecasts" / "dev.json"
    bundle = read_forecast(path)
    if draw.random() < 0.5:
        content = bundle.document.content()
        told = _change(draw, content)
        document = Forecast.parse(json.dumps(content), where=str(path))
        write_document(path, document)
        return told
    key = draw.choice(sorted(bundle.values, key=str))
    table, odd = bundle.values[key].copy(), draw.choice(NUMBERS)
    rows = slice(None) if draw.random() < 0.5 else slice(draw.randrange(len(table)), None)
    with np.errstate(all="ignore"):
        table[rows] = table[rows] * float(odd) if draw.random() < 0.5 else float(odd)
    values = {**bundle.values, key: table}
    if draw.random() < 0.2:
        del values[key]
    payload = values_to_bytes(values, len(bundle.document.levels))
    document = bundle.document.model_copy(update={"values_digest": bytes_digest(payload)})
    write_forecast(path, ForecastBundle(document, values))
    return f"{key[0]} {key[1]} {rows} {odd}"


def _change(draw: random.Random, content: Any) -> str:
    return "; ".join(_one(draw, content) for _ in range(draw.choice((1, 1, 1, 2, 3))))


def _one(draw: random.Random, content: Any) -> str:
    """Changes one place of a document, at any depth."""
    at, path = content, []
    while True:
        key: Any = draw.choice(list(at)) if isinstance(at, dict) else draw.randrange(len(at))
        path.append(key)
        if not isinstance(at[key], dict | list) or not at[key] or draw.random() < 0.15:
            break
        at = at[key]
    where = ".".join(map(str, path))
    match draw.randrange(6):
        case 0 if len(at) > 1:
            del at[key]
            return f"{where} left out"
        case 1 if isinstance(at, list):
            at.append(at[key])
            return f"{where} twice"
        case 2 if isinstance(at, dict):
            other = draw.choice(list(at))
            at[key] = at[other]
            return f"{where} as {other}"
        case _:
            number = isinstance(at[key], int | float) and not isinstance(at[key], bool) and draw.random() < 0.7
            at[key] = draw.choice(NUMBERS if number else ODD)
            return f"{where} = {at[key]!r}"


MUTATIONS: dict[str, Callable[[random.Random, Path], str]] = {
    "environment": _yaml("environments/dev.yaml"),
    "catalog": _yaml("estate/catalog.yaml"),
    "inventory": _yaml("estate/inventory.yaml"),
    "capacity": _capacity,
    "forecast": _forecast,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=200)
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        worlds = [prepare(Path(folder) / name, shared=name == "shared") for name in ("dedicated", "shared")]
        for seed in range(options.first, options.first + options.seeds):
            verdict = run_seed(seed, worlds[seed % 2], Path(folder) / str(seed))
            seen[verdict.outcome] += 1
            if verdict.failure:
                failures += 1
                print(f"seed {seed}, {verdict.changed}: {verdict.outcome}: {verdict.failure}", flush=True)
    print(f"{options.seeds} seeds: {dict(seen)}, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
