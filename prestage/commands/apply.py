"""`prestage apply`: a reviewed plan file becomes resources. It never plans by itself."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """Which plan, and whether it is confirmed already."""

    plan: Path
    yes: bool


@click.command(
    epilog=examples(
        "prestage apply plans/dev.json",
        "prestage apply plans/dev.json --yes          # in a pipeline, where nobody can be asked",
        "",
        "Exit codes: 0 applied, 6 refused (altered, stale, expired, superseded, not reviewed),",
        "8 partly applied: the same command goes on, 9 another apply is running.",
    )
)
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", "-y", is_flag=True, help="Apply without asking; needed where there is no terminal.")
@scoped(ApplyOptions)
def command(scope: Scope, options: ApplyOptions) -> int:
    """Apply a reviewed plan file, exactly as it was reviewed."""
    if not options.yes and not scope.interactive:
        raise click.UsageError("there is no terminal to ask on: confirm with --yes")
    from coordinator.apply import apply_reviewed
    from prestage.projects import open_project
    from prestage.views.runs import run_text

    plan = scope.existing(options.plan)
    if not options.yes:
        _confirm(scope, plan)
    with open_project(scope) as project:
        report = apply_reviewed(project, plan, scope.progress)
    scope.answer(report, lambda: run_text(report))
    return ExitCode.CLEAN if report.complete else ExitCode.PARTIAL


def _confirm(scope: Scope, path: Path) -> None:
    from contracts.files import read_document
    from contracts.plan import Plan
    from prestage.views.plan import plan_text

    click.echo(plan_text(read_document(Plan, path)), err=True)
    click.confirm(f"Apply {scope.shown(path)}?", abort=True, err=True)
