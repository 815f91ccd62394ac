"""A stack of the Automation API without the commands around each run that nobody asks the answer of.

Opening a stack selects it, and an update reads outputs and history back: four more starts of the CLI a stack.
"""

from datetime import UTC, datetime

from pulumi.automation import LocalWorkspace, OutputMap, Stack, UpdateSummary
from pulumi.automation._stack import StackInitMode


class InlineStack(Stack):
    """A stack that exists, run with inline programs. Every command names it, so that none has to be selected."""

    def __init__(self, name: str, workspace: LocalWorkspace) -> None:
        self.name = name
        self.workspace = workspace
        self._mode = StackInitMode.SELECT

    def outputs(self) -> OutputMap:
        """Nothing: our programs have none."""
        return {}

    def info(self, show_secrets: bool = False) -> UpdateSummary:
        """That the update is over; what it did was heard from its events."""
        return UpdateSummary(
            kind="update",
            start_time=datetime.now(UTC),
            message="",
            environment={},
            config={},
            result="succeeded",
        )
