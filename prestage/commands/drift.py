"""`prestage drift`: what is live against what was applied and what is wanted. It never writes."""

import click

from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped


@click.command(
    epilog=examples(
        "prestage drift --env dev",
        "prestage drift --json | jq '.differences[] | select(.drift_class == \"harmful\")'",
        "",
        "Exit codes: 0 no drift (grants are expected), 3 drift.",
    )
)
@scoped(NoOptions)
def command(scope: Scope, _options: NoOptions) -> int:
    """Show what differs from what was applied, and whether that is expected."""
    from coordinator.drift import find_drift
    from prestage.projects import open_project
    from prestage.views.runs import drift_text

    with open_project(scope) as project:
        report = find_drift(project)
    scope.answer(report, lambda: drift_text(report))
    return ExitCode.DRIFT if report.found else ExitCode.CLEAN
