"""Pulumi: declarations as custom resources, run through the Automation API or by a bare `pulumi up`.

`open_engine` is the door; nothing of Pulumi is imported before it is called.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from contracts.environment import Environment

if TYPE_CHECKING:  # pulumi takes 0.15 s
    from stacks.engines.pulumi_engine.engine import PulumiEngine


def open_engine(environment: Environment, *, folder: Path, inventory: Path, state: Path) -> "PulumiEngine":
    """The engine of one environment.

    Args:
        environment: decides the layout of stacks.
        folder: the project's folder, which holds Pulumi.yaml.
        inventory: the estate's file.
        state: the environment's folder of state.
    """
    from stacks.engines.pulumi_engine.engine import PulumiEngine
    from stacks.engines.pulumi_engine.workspace import PulumiWorkspace

    workspace = PulumiWorkspace(folder=folder, environment=environment, inventory=inventory, state=state)
    return PulumiEngine(workspace)
