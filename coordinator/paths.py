"""Where the files of a project are: a folder with `environments/`, and one folder of state for each of them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """All paths of one environment of a project.

    Attributes:
        folder: the project's folder.
        state: the folder of everything that is kept, `.prestage/<environment>/` by default.
    """

    folder: Path
    environment: str
    state: Path

    @property
    def estate(self) -> Path:
        return self.state / "estate.db"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def lock(self) -> Path:
        return self.state / "apply.lock"

    @property
    def follow_lock(self) -> Path:
        return self.state / "follow.lock"

    @property
    def facts_digest(self) -> Path:
        """Digest of the inventory and catalog files as they were loaded last."""
        return self.state / "facts.digest"

    @property
    def readings(self) -> Path:
        """What was read of regions in clouds last, a file each."""
        return self.state / "capacity"

    @property
    def forecast(self) -> Path:
        return self.state / "forecasts" / f"{self.environment}.json"

    @property
    def plan(self) -> Path:
        """Where plans go by default."""
        return self.folder / "plans" / f"{self.environment}.json"

    @property
    def reconcile_plan(self) -> Path:
        """Where reconcile puts its plans: never over one that people are reviewing."""
        return self.folder / "plans" / f"{self.environment}.reconcile.json"

    @property
    def back_plan(self) -> Path:
        """Where the way back to an earlier plan is written."""
        return self.folder / "plans" / f"{self.environment}.back.json"

    def archived(self, digest: str) -> Path:
        """Where the plan with a digest is kept once it is being applied."""
        return self.state / "plans" / f"{digest.removeprefix('sha256:')}.json"

    @property
    def proposal(self) -> Path:
        """Where proposals of adoption go by default."""
        return self.folder / "plans" / f"{self.environment}.adoption.json"

    @property
    def adoptions(self) -> Path:
        """Where proposals are kept once they are being applied."""
        return self.state / "adoptions"

    def adoption(self, digest: str) -> Path:
        """Where the proposal with a digest is kept."""
        return self.adoptions / f"{digest.removeprefix('sha256:')}.json"

    def review_of(self, plan: Path) -> Path:
        """`plans/dev.json` -> `plans/dev.review.json`."""
        return plan.with_name(f"{plan.stem}.review.json")
