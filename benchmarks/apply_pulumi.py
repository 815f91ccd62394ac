"""Pulumi on 600 estate resources in 6 regions: apply and clean plan, ours and the engine alone.

    python -m benchmarks.apply_pulumi [--resources 600] [--regions 6] [--rounds 3] [--ours-only]

Alone is the stock CLI with a program of its own a region on the same declarations: `stack init`, `up --refresh`, and
`preview --refresh` for the clean plan, two at a time, the provider started by the engine.
"""

import argparse
import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contracts.engines import Layout
from contracts.ports import Silent
from contracts.resources import NetworkSpec, StorageSpec
from stacks.declaration import Declaration
from stacks.engines.engine import Job
from stacks.engines.pulumi_engine.command import VARIABLES, find_pulumi
from tests.engines.pulumi_project import PulumiProject, make_project, resource

ROOT = Path(__file__).resolve().parents[1]
NAMES = tuple(f"r{number:03d}" for number in range(200))
PROGRAM = """
import pickle
from pathlib import Path
from stacks.engines.pulumi_engine.resources import register
register(pickle.loads((Path(__file__).parent / "declared.pickle").read_bytes()))
"""


def wanted(project: PulumiProject, resources: int) -> Job:
    """Networks and volumes, spread evenly."""
    regions = [region.name for region in project.environment.regions]
    each = resources // len(regions)
    return project.job(
        [resource(f"{region}/network", NetworkSpec(asn=64512)) for region in regions]
        + [
            resource(f"{region}/storage/staged/standard/{number:04d}", StorageSpec(storage_class="standard", gib=10))
            for region in regions
            for number in range(each - 1)
        ]
    )


def ours(folder: Path, regions: int, resources: int) -> tuple[float, float]:
    """Seconds of apply and of a clean plan through the engine port."""
    project = make_project(folder, layout=Layout.REGION, regions=NAMES[:regions])
    job = wanted(project, resources)
    applied = timed(lambda: project.engine.apply(job, Silent()))
    assert len(project.live()) == resources, "not everything was made"
    shown = []
    planned = timed(lambda: shown.append(project.engine.preview(job, Silent())))
    assert shown[0].clean, "the plan after the apply is not clean"
    project.inventory.close()
    return applied, planned


def alone(folder: Path, regions: int, resources: int) -> tuple[float, float]:
    """The same by the stock CLI."""
    project = make_project(folder, regions=NAMES[:regions])
    job = wanted(project, resources)
    roots = [write_program(folder, root, items) for root, items in job.roots.items() if items]
    applied = timed(lambda: each(roots, ("stack", "init", "dev"), ("up", "--yes", "--skip-preview", "--refresh")))
    assert len(project.live()) == resources, "not everything was made"
    planned = timed(lambda: each(roots, ("preview", "--refresh", "--expect-no-changes")))
    project.inventory.close()
    return applied, planned


def write_program(folder: Path, root: str, items: tuple[Declaration, ...]) -> Path:
    """A Pulumi project of one region."""
    made = folder / "alone" / root
    made.mkdir(parents=True)
    settings = {
        "name": root,
        "runtime": "python",
        "backend": {"url": f"file://{made}"},
        "plugins": {"providers": [{"name": "estate", "path": str(ROOT / "stacks" / "estate" / "plugin")}]},
    }
    (made / "Pulumi.yaml").write_text(json.dumps(settings))
    config = {"config": {"estate:inventory": str(folder / ".prestage" / "dev" / "estate.db")}}
    (made / "Pulumi.dev.yaml").write_text(json.dumps(config))
    (made / "declared.pickle").write_bytes(pickle.dumps(items))
    (made / "__main__.py").write_text(PROGRAM)
    return made


def each(roots: list[Path], *commands: tuple[str, ...]) -> None:
    """Runs commands in every project, two projects at a time."""
    program = find_pulumi()
    path = os.pathsep.join([str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, **VARIABLES, "PATH": path, "PULUMI_CONFIG_PASSPHRASE": "", "PYTHONPATH": str(ROOT)}

    def run(root: Path) -> None:
        for command in commands:
            words = [str(program), "--non-interactive", *command]
            subprocess.run(words, cwd=root, env=environment, check=True, capture_output=True)

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(run, roots))


def timed(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--resources", type=int, default=600)
    parser.add_argument("--regions", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ours-only", action="store_true", help="leave the stock CLI out")
    asked = parser.parse_args()
    contenders = {"prestage": ours} if asked.ours_only else {"prestage": ours, "alone": alone}
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(asked.rounds):  # in turn, so that both see the same machine
        for name, measure in contenders.items():
            folder = Path(tempfile.mkdtemp(prefix="prestage-benchmark-"))
            figures[name].append(measure(folder, asked.regions, asked.resources))
            shutil.rmtree(folder)
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
    }
    for number, what in enumerate(("apply", "clean plan")):
        mine = medians["prestage"][number]
        stock = medians["alone"][number] if "alone" in medians else 0.0
        compared = f"   pulumi alone {stock:5.1f} s   ratio {mine / stock:4.2f}" if stock else ""
        print(f"{what:10}  prestage {mine:5.1f} s{compared}")


if __name__ == "__main__":
    main()
