"""600 AWS resources in ten regions on moto: by Prestage, and by the engine alone on the same JSON.

    python -m benchmarks.apply_aws
    python -m benchmarks.apply_aws --resources 200 --regions 4 --rounds 1 --json

Prestage is one `apply` of the engine port over a fresh folder. The engine alone is `init`, `plan -out`, `apply` of that
plan and `apply -refresh-only` in each root, as many roots and resources at a time. Each has a moto of its own, in
turns. hashicorp/aws comes from a filesystem mirror (see `tests/clouds/mirror.py`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.declaration import Argument, Declaration, ProviderConfig, Ref
from stacks.engines.engine import Job
from stacks.engines.terraform_engine.backends import BESIDE
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.program import QUIET, find_program
from stacks.engines.terraform_engine.render import render_roots
from stacks.engines.terraform_engine.roots import MAIN
from stacks.engines.turns import AT_ONCE
from tests.clouds.mirror import cli_config, find_mirror
from tests.clouds.moto_server import aws_environ, moto_server

LOCATIONS = (
    "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1",
    "us-east-1", "us-east-2", "us-west-2", "ap-south-1", "sa-east-1",
)  # fmt: skip
MAX_RATIO = 1.15


def job_of(regions: int, resources: int) -> Job:
    """As many resources in each region: a network, subnets, security groups, public addresses."""
    names = {f"r{number}": location for number, location in enumerate(LOCATIONS[:regions])}
    settings = {"skip_credentials_validation": True}
    return Job(
        environment="bench",
        roots={name: tuple(_region(name, resources // regions)) for name in names},
        providers={
            name: ProviderConfig(name=name, provider="aws", settings={"region": location, **settings})
            for name, location in names.items()
        },
    )


def _region(name: str, count: int) -> Iterator[Declaration]:
    def declare(type: str, below: str, **arguments: Argument) -> Declaration:
        key = f"{name}/network{below}"
        tags = {"prestage:environment": "bench", "prestage:key": key}
        return Declaration(type=type, key=key, root=name, provider=name, arguments={**arguments, "tags": tags})

    vpc = Ref(key=f"{name}/network")
    yield declare("aws_vpc", "", cidr_block="10.0.0.0/16")
    for number in range(count - 1):
        match number % 3:
            case 0:
                yield declare("aws_subnet", f"/s{number}", vpc_id=vpc, cidr_block=f"10.0.{number}.0/24")
            case 1:
                yield declare("aws_security_group", f"/g{number}", vpc_id=vpc, name=f"g{number}", description="bench")
            case _:
                yield declare("aws_eip", f"/a{number}", domain="vpc")


def by_prestage(folder: Path, job: Job) -> float:
    started = time.monotonic()
    outcomes = TerraformEngine(folder / "roots", folder / "estate.db").apply(job, Silent())
    seconds = time.monotonic() - started
    if any(outcome.status is not RunStatus.DONE for outcome in outcomes):
        raise SystemExit(str(outcomes))
    return seconds


def alone(folder: Path, job: Job) -> float:
    program = find_program().command
    for root, text in render_roots(job, BESIDE).items():
        (folder / root).mkdir()
        (folder / root / MAIN).write_text(text)
    commands = (
        ("init", "-no-color"),
        ("plan", "-out=plan.bin"),
        ("apply", "plan.bin"),
        ("apply", "-refresh-only", "-auto-approve"),
    )

    def run(root: str) -> None:
        for words in commands:
            ended = subprocess.run(
                [*program, *words], cwd=folder / root, env={**os.environ, **QUIET}, capture_output=True, text=True
            )
            if ended.returncode:
                raise SystemExit(f"{' '.join(words)} in {root} ended with {ended.returncode}:\n{ended.stderr}")

    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        list(pool.map(run, job.roots))
    return time.monotonic() - started


@contextmanager
def _world() -> Iterator[Path]:
    """A folder, a moto of its own, and variables that lead to it."""
    mirror = find_mirror("aws")
    if mirror is None:
        raise SystemExit("no filesystem mirror with hashicorp/aws: name one in PRESTAGE_PROVIDER_MIRROR")
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as name, moto_server() as url:
        config = str(cli_config(Path(name), mirror))
        wanted = {**aws_environ(), "AWS_ENDPOINT_URL": url, "TF_CLI_CONFIG_FILE": config}
        try:
            _set(wanted)
            yield Path(name)
        finally:
            _set(before)


def _set(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


def measure(job: Job, rounds: int) -> dict[str, float]:
    """Median seconds by who did it."""
    who: dict[str, Callable[[Path, Job], float]] = {"prestage": by_prestage, "engine alone": alone}
    found: dict[str, list[float]] = {name: [] for name in who}
    for _ in range(rounds):
        for name, act in who.items():
            with _world() as folder:
                found[name].append(act(folder, job))
    return {name: round(statistics.median(seconds), 2) for name, seconds in found.items()}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resources", type=int, default=600)
    parser.add_argument("--regions", type=int, default=len(LOCATIONS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    found = measure(job_of(options.regions, options.resources), options.rounds)
    ratio = round(found["prestage"] / found["engine alone"], 3)
    if options.json:
        print(json.dumps({"resources": options.resources, "load": load, "seconds": found, "ratio": ratio}))
    else:
        print(f"{options.resources} AWS resources, {options.regions} regions, load before {load:.1f}")
        for name, seconds in found.items():
            print(f"{name:22}{seconds:9.2f} s")
        print(f"{'prestage / engine':22}{ratio:9.3f}   at most {MAX_RATIO}")
    return 0 if ratio <= MAX_RATIO else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
