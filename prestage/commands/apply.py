"""`prestage apply`: a reviewed plan file becomes resources. It never plans by itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from contracts.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """Which plan, and what of it is confirmed already."""

    plan: Path
    yes: bool
    confirm_destroy: int | None


@click.command(
    epilog=examples(
        "prestage apply plans/dev.json",
        "prestage apply plans/dev.json --yes          # in a pipeline, where nobody can be asked",
        "prestage apply plans/dev.json --yes --confirm-destroy 3",
        "",
        "What is deleted or replaced has to be counted where it is more than unattended.max_destroyed (0).",
        "",
        "Exit codes: 0 applied, 6 refused (altered, stale, expired, superseded, not reviewed, not confirmed),",
        "8 partly applied: the same command goes on, 9 another apply is running.",
    )
)
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", "-y", is_flag=True, help="Apply without asking; needed where there is no terminal.")
@click.option(
    "--confirm-destroy",
    type=click.IntRange(min=0),
    metavar="N",
    envvar="PRESTAGE_CONFIRM_DESTROY",
    help="How many resources it destroys, counted by a person; also PRESTAGE_CONFIRM_DESTROY.",
)
@scoped(ApplyOptions)
def command(scope: Scope, options: ApplyOptions) -> int:
    """Apply a reviewed plan file, exactly as it was reviewed."""
    if not options.yes and not scope.interactive:
        raise click.UsageError("there is no terminal to ask on: confirm with --yes")
    from coordinator.apply import apply_reviewed
    from prestage.projects import open_project
    from prestage.views.runs import run_text

    plan = scope.existing(options.plan)
    with open_project(scope) as project:
        confirmed = options.confirm_destroy
        if not options.yes:
            confirmed = _confirm(scope, plan, project.environment, confirmed)
        report = apply_reviewed(project, plan, scope.progress, confirmed=confirmed)
    scope.answer(report, lambda: run_text(report))
    return ExitCode.CLEAN if report.complete else ExitCode.PARTIAL


def _confirm(scope: Scope, path: Path, environment: "Environment", confirmed: int | None) -> int | None:
    """Shows the plan and asks; where it destroys more than may go unasked, for the number of what it destroys."""
    from contracts.files import read_document
    from contracts.plan import Plan
    from coordinator.confirm import needs_confirmation
    from prestage.views.plan import plan_text

    plan = read_document(Plan, path)
    click.echo(plan_text(plan), err=True)
    click.confirm(f"Apply {scope.shown(path)}?", abort=True, err=True)
    if confirmed is None and needs_confirmation(plan, environment):
        return click.prompt("How many resources does it destroy?", type=click.IntRange(min=0), err=True)
    return confirmed
