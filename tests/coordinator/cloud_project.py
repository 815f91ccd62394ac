"""A project whose regions lie in clouds alone: `fra` and `ohio` on AWS in two accounts, `bel` on Google Cloud."""

from __future__ import annotations

from pathlib import Path

import yaml

from contracts.environment import Adopted, Environment
from coordinator.project import Project
from stacks.engines.engine import Engine
from tests.clouds.clouds_world import mixed_environment
from tests.coordinator.factory import Hands

INVENTORY = "format: prestage/inventory\nversion: 1\nregions: []\nlinks: []\n"
CATALOG = """\
format: prestage/catalog
version: 1
shapes: [{name: m6i.large, vcpu: 2, memory_gib: 8}, {name: n2-standard-4, vcpu: 4, memory_gib: 16}]
storage_classes: [{name: gp3}, {name: pd-balanced}]
circuit_tiers: [{name: 10g, gbps: 10}]
"""


def cloud_environment(aws_url: str, gcp_url: str = "", regions: tuple[str, ...] = ("fra", "ohio")) -> Environment:
    """The mixed environment, cut down to some of its regions."""
    mixed = mixed_environment(aws_url, gcp_url, name="dev")
    return mixed.model_copy(update={"regions": tuple(item for item in mixed.regions if item.name in regions)})


def write_cloud_project(folder: Path, environment: Environment) -> Path:
    """Environment, an inventory of nothing, a catalog."""
    (folder / "environments").mkdir(parents=True, exist_ok=True)
    (folder / "estate").mkdir(exist_ok=True)
    (folder / "estate" / "inventory.yaml").write_text(INVENTORY)
    (folder / "estate" / "catalog.yaml").write_text(CATALOG)
    write_environment(folder, environment)
    return folder


def write_environment(folder: Path, environment: Environment, adopted: tuple[Adopted, ...] = ()) -> None:
    """The environment's file, with these lines under `adopted`."""
    content = environment.model_copy(update={"adopted": adopted}).content()
    (folder / "environments" / f"{environment.name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def open_cloud_project(folder: Path, engine: Engine | None = None) -> Project:
    return Project.open(folder, "dev", clock=Hands(), engine=engine)
