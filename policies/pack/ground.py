"""Reads what a stack is judged on from the project's files. The only module of the room that touches the disk."""

from pathlib import Path

from contracts.capacity import Catalog
from contracts.environment import Environment
from contracts.files import read_document
from contracts.inventory import InventoryFacts
from contracts.plan import Plan
from contracts.review import Exemptions
from contracts.yaml_files import read_yaml_document
from policies.bundle import PolicyBundle
from policies.errors import PolicyError
from policies.pack.judge import Ground


class NoProjectHere(PolicyError):
    """The pack was not started in a project."""


def project_folder(start: Path) -> Path:
    """The nearest folder that holds `environments/`: Pulumi starts packs in the folder of Pulumi.yaml.

    Raises:
        NoProjectHere: there is none.
    """
    found = next((folder for folder in (start, *start.parents) if (folder / "environments").is_dir()), None)
    if found is None:
        raise NoProjectHere("neither it nor a folder above it holds environments/", where=str(start))
    return found


def read_ground(folder: Path, environment: str) -> Ground:
    """Environment, inventory, catalog, exemptions and the plan file of an environment.

    Raises:
        DocumentError: a file is missing, malformed or altered.
        UnknownRule: a level or an exemption names no rule.
    """
    settings = read_yaml_document(Environment, folder / "environments" / f"{environment}.yaml")
    file = settings.rules.exemptions
    exemptions = read_yaml_document(Exemptions, folder / file).exemptions if file else ()
    return Ground(
        environment=settings,
        inventory=read_yaml_document(InventoryFacts, folder / settings.inventory),
        catalog=read_yaml_document(Catalog, folder / settings.catalog),
        bundle=PolicyBundle(settings.rules, exemptions),
        plan=read_document(Plan, folder / "plans" / f"{environment}.json"),
    )
