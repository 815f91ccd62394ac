"""The gate of a bare `pulumi up`, found by `stacks.program` through the entry point group `prestage.gatekeeper`.

It does before the program declares anything what `apply_reviewed` does before it calls an engine. There is no "after":
the program ends before the engine does. `note_applied` sees in the engine's state whether a run came to its end.
"""

from dataclasses import dataclass, field
from pathlib import Path

from contracts.environment import Environment
from contracts.plan import Plan
from coordinator.apply import retire_doomed
from coordinator.confirm import check_confirmed
from coordinator.errors import Refused, UnknownName
from coordinator.gate import check
from coordinator.plan_file import read_plan
from coordinator.project import Project
from coordinator.settle import note_applied
from stacks.apply import intent_of, make_order
from stacks.engines.engine import Adoption
from stacks.lock import ApplyLock
from stacks.strays import Strays

COMMAND = "pulumi up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A plan that may be declared, the environment that it is for, and what exists already of what it declares."""

    plan: Plan
    environment: Environment
    adopt: tuple[Adoption, ...] = ()


@dataclass(slots=True)
class ProjectGatekeeper:
    """Opens the project that a plan file lies in and asks its gate.

    Attributes:
        held: locks that this process keeps until it ends.
    """

    held: list[ApplyLock] = field(default_factory=list)

    def before(self, plan_path: Path, *, dry_run: bool, confirmed: int | None = None) -> Approval:
        """Lets a plan through, or says why not. A dry run writes nothing, and needs no count of what is destroyed.

        Raises:
            Refused, Denied, DocumentError: as `prestage apply` would.
            ApplyBusy: another apply is running.
        """
        plan = read_plan(plan_path)
        with Project.open(project_folder(plan_path), plan.environment) as project:
            if not dry_run:
                self._hold(project.lock(COMMAND))
                note_applied(project)
            check(project, plan_path, project.clock())
            order = make_order(plan, project.environment, resume=COMMAND, live=project.doomed_keys(plan))
            _refuse_strays(order.strays(project.engine), plan_path)
            stopped = any(run.plan == plan.digest() for run in project.journal.open_runs())
            adopt = order.job_now(project.engine, stopped=stopped).adopt
            if not dry_run:
                how = f"pulumi config set prestage:confirm-destroy {plan.destroyed}, then pulumi up"
                check_confirmed(plan, project.environment, confirmed, where=str(plan_path), how=how)
                project.archive(plan)
                retire_doomed(project, plan, str(plan_path))
                project.journal.begin(intent_of(order), project.clock())
            return Approval(plan=plan, environment=project.environment, adopt=adopt)

    def _hold(self, lock: ApplyLock) -> None:
        lock.__enter__()
        self.held.append(lock)


def _refuse_strays(strays: Strays | None, plan_path: Path) -> None:
    """A program can only declare: what its stack does not know, it cannot destroy."""
    if strays is not None and strays.found:
        raise Refused(
            f"destroys {len(strays.found)} resources that no stack knows, among them {strays.found[0].key}",
            where=str(plan_path),
            expected="a plan whose every deletion is in the state of a stack",
            next_step=f"prestage apply {plan_path}: it takes them into a state first",
        )


def project_folder(plan_path: Path) -> Path:
    """The nearest folder above a plan file that holds `environments/`.

    Raises:
        UnknownName: there is none.
    """
    found = next((folder for folder in plan_path.resolve().parents if (folder / "environments").is_dir()), None)
    if found is None:
        raise UnknownName(
            "no folder above it holds environments/", where=str(plan_path), next_step="prestage init my-network"
        )
    return found


gatekeeper = ProjectGatekeeper()
