"""`prestage apply`: a reviewed plan file becomes resources. It never plans by itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from contracts.environment import Environment
    from coordinator.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """Which plan, and what of it is confirmed already."""

    plan: Path | None
    yes: bool
    confirm_destroy: int | None
    back_to: str | None


@click.command(
    epilog=examples(
        "prestage apply plans/dev.json",
        "prestage apply plans/dev.json --yes          # in a pipeline, where nobody can be asked",
        "prestage apply plans/dev.json --yes --confirm-destroy 3",
        "prestage apply --back-to sha256:1f0c44",
        "",
        "--back-to makes a new plan that leads back, from what is live now; it is reviewed and applied like any other.",
        "What is deleted or replaced has to be counted where it is more than unattended.max_destroyed (0).",
        "",
        "Exit codes: 0 applied, 6 refused (altered, stale, expired, superseded, not reviewed, not confirmed),",
        "8 partly applied: the same command goes on, 9 another apply is running.",
    )
)
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--yes", "-y", is_flag=True, help="Apply without asking; needed where there is no terminal.")
@click.option(
    "--confirm-destroy",
    type=click.IntRange(min=0),
    metavar="N",
    envvar="PRESTAGE_CONFIRM_DESTROY",
    help="How many resources it destroys, counted by a person; also PRESTAGE_CONFIRM_DESTROY.",
)
@click.option(
    "--back-to",
    metavar="PLAN",
    help="Go back to a plan that was applied earlier: its digest, some first digits of it, or its file.",
)
@scoped(ApplyOptions)
def command(scope: Scope, options: ApplyOptions) -> int:
    """Apply a reviewed plan file, exactly as it was reviewed."""
    if (options.plan is None) == (options.back_to is None):
        raise click.UsageError("say what to apply: a plan file, or --back-to an earlier plan")
    if not options.yes and not scope.interactive:
        raise click.UsageError("there is no terminal to ask on: confirm with --yes")
    from coordinator.apply import apply_reviewed
    from prestage.projects import open_project
    from prestage.unfinished import tell_rest
    from prestage.views.runs import run_text

    named = scope.existing(options.plan) if options.plan else None
    with open_project(scope) as project:
        plan = named or _back(scope, project, options.back_to or "")
        confirmed = options.confirm_destroy
        if not options.yes:
            confirmed = _confirm(scope, plan, project.environment, confirmed)
        report = apply_reviewed(project, plan, scope.progress, confirmed=confirmed)
    scope.answer(report, lambda: run_text(report))
    counted = f" --confirm-destroy {confirmed}" if confirmed else ""
    return tell_rest(report, f"prestage apply {scope.shown(plan)} --yes{counted}")


def _back(scope: Scope, project: "Project", target: str) -> Path:
    """Makes and reviews the plan that leads back; its file."""
    from coordinator.way_back import plan_back

    back = plan_back(project, target)
    click.echo(f"{back.plan.solver}: {scope.shown(back.path)}", err=True)
    return back.path


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
