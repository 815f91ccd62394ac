"""The program of `pulumi up`: declares the reviewed plan that the stack's config names, if the gate lets it through.

Where it stands: Pulumi.yaml's `main` is a folder whose `__main__.py` calls `main`. The gate is coordinator's, which
this room may not import: it is found by the entry point group `prestage.gatekeeper`. What `prestage apply` would
refuse is an error of this program, with the same text; in a preview too, where the plan is read and nothing written.
"""

from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

import pulumi

from contracts.engines import EngineName
from contracts.environment import Environment
from contracts.errors import PrestageError
from contracts.plan import Plan
from stacks.apply import make_order
from stacks.declaration import Declaration
from stacks.engines.engine import Adoption
from stacks.engines.pulumi_engine.collecting import collect_rarely
from stacks.engines.pulumi_engine.resources import Surroundings, register
from stacks.engines.pulumi_engine.workspace import accounts_of, stack_of
from stacks.errors import OtherEngine, StacksError
from stacks.order import ApplyOrder

GROUP = "prestage.gatekeeper"
SETTING = "prestage:plan"


class Approval(Protocol):
    """What the gate lets through."""

    @property
    def plan(self) -> Plan: ...
    @property
    def environment(self) -> Environment: ...
    @property
    def adopt(self) -> tuple[Adoption, ...]: ...


class Gatekeeper(Protocol):
    """Decides whether a plan file may be applied, and notes that it is about to be.

    Raises:
        PrestageError: it may not; the message begins with why.
    """

    def before(self, plan_path: Path, *, dry_run: bool, confirmed: int | None) -> Approval:
        """Checks the plan; `confirmed` is how many resources a person said that it destroys.

        When it is not a dry run, also locks the environment until this process ends, and writes the intent: whether
        the plan was applied is seen later, from the engine's state.
        """
        ...


def main() -> None:
    """Runs the program: registers what the plan wants in the stack that runs."""
    collect_rarely()
    try:
        declare_plan(load_gatekeeper(), pulumi.get_stack(), plan_path(Path(pulumi.get_root_directory())))
    except PrestageError as error:
        raise pulumi.RunError(error.render()) from None


def declare_plan(gatekeeper: Gatekeeper, stack: str, path: Path) -> None:
    """Registers the part of a plan that lives in one stack.

    Raises:
        OtherEngine: Terraform is in charge of the plan's environment.
        StacksError: the stack is none of the environment's.
        PrestageError: the gate refuses the plan.
    """
    confirmed = pulumi.Config("prestage").get_int("confirm-destroy")
    approval = gatekeeper.before(path, dry_run=pulumi.runtime.is_dry_run(), confirmed=confirmed)
    refuse_other_engine(approval.environment)
    order = make_order(approval.plan, approval.environment, resume="pulumi up")
    roots = roots_in(order, approval.environment, stack)
    declarations = [item for root in roots for item in order.job.roots[root]]
    adopted = {item.key: item.id for item in approval.adopt}
    register(declarations, adopted, _surroundings(order, approval.environment, declarations))


def _surroundings(order: ApplyOrder, environment: Environment, declarations: Iterable[Declaration]) -> Surroundings:
    """Where the order's clouds are, and the stacks that its declarations refer to."""
    elsewhere = {ref.root for item in declarations for ref in item.refs() if ref.root}
    return Surroundings(
        providers=order.job.providers,
        accounts=accounts_of(environment),
        stacks={
            root: f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack_of(environment, root)}"
            for root in elsewhere
        },
    )


def refuse_other_engine(environment: Environment) -> None:
    """Stops unless Pulumi is in charge of the environment."""
    if environment.engine is not EngineName.PULUMI:
        raise OtherEngine(
            f"environment {environment.name!r} is in the charge of {environment.engine}, not of pulumi",
            where=f"environments/{environment.name}.yaml",
            expected="engine: pulumi",
            next_step=f"prestage apply plans/{environment.name}.json",
        )


def roots_in(order: ApplyOrder, environment: Environment, stack: str) -> tuple[str, ...]:
    """The roots of an order that live in a stack.

    Raises:
        StacksError: none does; names the stacks of the environment.
    """
    found = tuple(root for root in order.job.roots if stack_of(environment, root) == stack)
    if found:
        return found
    known = sorted({stack_of(environment, root) for root in order.job.roots})
    raise StacksError(
        f"stack {stack!r} is none of environment {environment.name!r}",
        expected=f"one of {', '.join(known)}: layout {environment.layout}",
        next_step=f"pulumi stack select {known[0]}, or prestage apply plans/{environment.name}.json for all of them",
    )


def plan_path(folder: Path) -> Path:
    """The plan file that the stack's config names, relative to the folder of Pulumi.yaml.

    Raises:
        StacksError: it names none, or one that is not there.
    """
    named = pulumi.Config("prestage").get("plan")
    if named and (folder / named).exists():
        return folder / named
    if named:
        raise StacksError(
            "there is no such plan",
            where=str(folder / named),
            next_step=f"prestage plan --out {named}, then prestage review {named}",
        )
    raise StacksError(
        "the stack's config names no plan",
        where=f"Pulumi.{pulumi.get_stack()}.yaml",
        expected=f"{SETTING}, a reviewed plan file",
        next_step=f"pulumi config set {SETTING} plans/{pulumi.get_stack()}.json",
    )


def load_gatekeeper() -> Gatekeeper:
    """The installed gatekeeper.

    Raises:
        StacksError: none is installed.
    """
    found = tuple(entry_points(group=GROUP))
    if found:
        return cast(Gatekeeper, found[0].load())
    raise StacksError(
        "no gate is installed: the entry point group prestage.gatekeeper is empty",
        expected="the prestage package in the environment that runs this program",
        next_step="pip install prestage, or `python3 run.py` in a checkout, which installs it anew",
    )
