"""Estate resources in regions: apply, a clean plan, a change of one region; by Prestage and by the engine alone.

    python -m benchmarks.apply_estate --engine terraform
    python -m benchmarks.apply_estate --engine pulumi --rounds 3 --json
    python -m benchmarks.apply_estate --curve

Prestage is `apply_plan` and `preview_plan` over a fresh project: engine found, provider started, declarations rendered,
planned and applied, the journal around it. The engine alone is `benchmarks.engine_alone`, on the same declarations: 600
resources in six regions, medians of the rounds. `--curve` is Prestage alone, from 500 to 10,000 resources, 100 a
region. Run it on a machine that has nothing else to do.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.engine_alone import Seconds, pulumi_alone, terraform_alone
from benchmarks.estate_fleet import Fleet, fleet_of, plan_of
from contracts.engines import EngineName
from contracts.environment import Environment
from contracts.ports import Silent
from contracts.resources import ComputeSpec, Resource
from stacks.apply import apply_plan, incomplete, make_order, preview_plan
from stacks.engines.engine import Action, Engine
from stacks.journal import Journal

REGIONS, RESOURCES = 6, 600
TARGETS = {EngineName.TERRAFORM: Seconds(apply=5, clean=3), EngineName.PULUMI: Seconds(apply=15, clean=8)}
LARGE_TARGETS = {EngineName.TERRAFORM: Seconds(apply=20, clean=10), EngineName.PULUMI: Seconds(apply=60, clean=25)}
LARGE, PER_REGION = 5000, 100
CURVE = (500, 1000, 2500, LARGE, 10_000)
MAX_RATIO, MAX_CHANGE_S, MAX_BEND = 1.3, 2.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One size: seconds of everything, and of a change of one region, planned and applied."""

    resources: int
    all_of_it: Seconds
    one_region: float

    @property
    def apply_ms_each(self) -> float:
        return 1000 * self.all_of_it.apply / self.resources


def by_prestage(folder: Path, engine: EngineName, fleet: Fleet, count: int) -> Point:
    """Applies, plans again, and changes one region, as the commands do once the gate has let the plan through."""
    settings, resources = fleet.environment(engine), fleet.wanted(count)
    inventory = fleet.open_inventory(folder)
    started = time.monotonic()
    order = make_order(plan_of(resources, engine), settings, resume="")
    opened, journal = _engine(folder, settings, inventory), Journal(folder / "journal.db")
    report = apply_plan(order, opened, journal, lambda: datetime.now(UTC), Silent())
    applied = time.monotonic()
    if (error := incomplete(report, resume="")) or sum(root.created for root in report.roots) != count:
        raise SystemExit(str(error or report))
    if not preview_plan(order, opened, Silent()).clean:
        raise SystemExit("the plan after the apply is not clean")
    clean = time.monotonic()
    _change_one_region(resources, settings, opened, journal)
    seconds = Seconds(apply=applied - started, clean=clean - applied)
    return Point(resources=count, all_of_it=seconds, one_region=time.monotonic() - clean)


def _change_one_region(resources: list[Resource], settings: Environment, engine: Engine, journal: Journal) -> None:
    """A small plan: one machine more in one place, the rest of its region as it was."""
    last = next(item for item in reversed(resources) if isinstance(item.spec, ComputeSpec))
    there = [item for item in resources if item.root == last.root and item is not last]
    grown = last.model_copy(update={"spec": last.spec.model_copy(update={"count": 2})})
    small = make_order(plan_of([*there, grown], settings.engine, small=True), settings, resume="")
    shown = preview_plan(small, engine, Silent())
    if (shown.count(Action.UPDATE), shown.count(*Action)) != (1, 1):
        raise SystemExit(f"not the one change that was made: {shown}")
    if error := incomplete(apply_plan(small, engine, journal, lambda: datetime.now(UTC), Silent()), resume=""):
        raise error


def alone(folder: Path, engine: EngineName, count: int, *, served: bool = False) -> Seconds:
    """The same declarations by the engine's own commands."""
    fleet = fleet_of(REGIONS)
    roots = make_order(plan_of(fleet.wanted(count), engine), fleet.environment(engine), resume="").job.roots
    inventory = fleet.open_inventory(folder)
    if engine is EngineName.PULUMI:
        return pulumi_alone(folder / "alone", roots, inventory)
    return terraform_alone(folder / "alone", roots, inventory, served=served)


def _engine(folder: Path, settings: Environment, inventory: Path) -> Engine:
    if settings.engine is EngineName.PULUMI:
        from stacks.engines import pulumi_engine

        return pulumi_engine.open_engine(settings, folder=folder, inventory=inventory, state=folder / ".prestage")
    from stacks.engines.terraform_engine.engine import TerraformEngine

    return TerraformEngine(folder / "roots", inventory)


def measure(engine: EngineName, count: int, rounds: int) -> dict[str, Seconds]:
    """Medians by who did it. They take turns, so that whatever else the machine does meets all of them."""
    who: dict[str, Callable[[Path], Seconds]] = {
        "prestage": lambda folder: by_prestage(folder, engine, fleet_of(REGIONS), count).all_of_it,
        "engine alone, stock": lambda folder: alone(folder, engine, count),
    }
    if engine is EngineName.TERRAFORM:
        who["engine alone, served"] = lambda folder: alone(folder, engine, count, served=True)
    found: dict[str, list[Seconds]] = {name: [] for name in who}
    for _ in range(rounds):
        for name, act in who.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(act(Path(folder)))
    return {name: _median(items) for name, items in found.items()}


def _median(items: Sequence[Seconds]) -> Seconds:
    return Seconds(
        apply=round(statistics.median(item.apply for item in items), 2),
        clean=round(statistics.median(item.clean for item in items), 2),
    )


def curve(engine: EngineName, sizes: Sequence[int]) -> list[Point]:
    """One point a size, printed as it is measured."""
    print(f"{'resources':>9}{'regions':>9}{'apply s':>9}{'clean s':>9}{'ms each':>9}{'one region s':>14}", flush=True)
    points = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            point = by_prestage(Path(folder), engine, fleet_of(count // PER_REGION), count)
        points.append(point)
        whole = point.all_of_it
        print(
            f"{count:9}{count // PER_REGION:9}{whole.apply:9.2f}{whole.clean:9.2f}"
            f"{point.apply_ms_each:9.2f}{point.one_region:14.2f}",
            flush=True,
        )
    return points


def _curve_holds(engine: EngineName, points: Sequence[Point]) -> bool:
    """Whether what is aimed at is reached: 5,000 resources in time, no more for each of many than of few."""
    target = LARGE_TARGETS[engine]
    large = [point for point in points if point.resources == LARGE]
    in_time = all(p.all_of_it.apply <= target.apply and p.all_of_it.clean <= target.clean for p in large)
    bend = points[-1].apply_ms_each / points[0].apply_ms_each
    slowest = max(point.one_region for point in points)
    print(
        f"aims: {LARGE} in {target.apply:.0f} s and {target.clean:.0f} s; "
        f"last by first ms each {bend:.2f}, at most {MAX_BEND}; one region {slowest:.2f} s, at most {MAX_CHANGE_S} s"
    )
    return in_time and bend <= MAX_BEND and slowest <= MAX_CHANGE_S


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=EngineName, choices=list(EngineName), default=EngineName.TERRAFORM)
    parser.add_argument("--resources", type=int, default=RESOURCES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", action="store_true", help="500 to 10,000 resources, 100 a region")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(CURVE), help="points of the curve")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.curve:
        return 0 if _curve_holds(options.engine, curve(options.engine, options.sizes)) else 1
    load = os.getloadavg()[0]
    found = measure(options.engine, options.resources, options.rounds)
    ours, target = found["prestage"], TARGETS[options.engine]
    ratios = {who: round(ours.apply / item.apply, 2) for who, item in found.items()}
    if options.json:
        rows = {
            who: {"apply_s": item.apply, "clean_s": item.clean, "ratio": ratios[who]} for who, item in found.items()
        }
        print(json.dumps({"engine": options.engine, "resources": options.resources, "load": load, "seconds": rows}))
    else:
        print(f"{options.resources} resources, {REGIONS} regions, {options.engine}, load before {load:.1f}")
        print(f"{'':22}{'apply s':>9}{'clean s':>9}{'prestage / it':>15}")
        for who, item in found.items():
            print(f"{who:22}{item.apply:9.2f}{item.clean:9.2f}{ratios[who]:15.2f}")
        print(f"{'target':22}{target.apply:9.2f}{target.clean:9.2f}{MAX_RATIO:15.2f}")
    met = ours.apply <= target.apply and ours.clean <= target.clean and ratios["engine alone, stock"] <= MAX_RATIO
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
