"""Which engine is in charge of an environment. Imported late: engines are heavy."""

from contracts.engines import EngineName
from contracts.environment import Environment
from coordinator.paths import Paths
from stacks.engines.engine import Engine


def open_engine(environment: Environment, paths: Paths) -> Engine:
    """The engine that the environment names.

    Raises:
        EngineMissing: its program is not installed.
    """
    match environment.engine:
        case EngineName.PULUMI:
            from stacks.engines import pulumi_engine

            return pulumi_engine.open_engine(
                environment, folder=paths.folder, inventory=paths.estate, state=paths.state
            )
        case EngineName.TERRAFORM:
            from stacks.engines.terraform_engine.backends import StatePlace
            from stacks.engines.terraform_engine.engine import TerraformEngine

            place = StatePlace(backend=environment.backend, environment=environment.name)
            return TerraformEngine(paths.state / "roots", paths.estate, place=place)
