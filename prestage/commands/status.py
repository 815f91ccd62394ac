"""`prestage status`: where an environment stands."""

from dataclasses import dataclass

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOptions:
    """Whether metrics are printed instead."""

    metrics: bool


@click.command(
    epilog=examples(
        "prestage status --env dev",
        "prestage status --metrics > /var/lib/node_exporter/prestage.prom   # Prometheus' text form",
    )
)
@click.option("--metrics", is_flag=True, help="Print the metrics in Prometheus' text form.")
@scoped(StatusOptions)
def command(scope: Scope, options: StatusOptions) -> int:
    """Show the last plan, units by state, what is handed out, open runs, counters."""
    if options.metrics and scope.as_json:
        raise click.UsageError("--metrics prints Prometheus' text form: leave out one of --metrics and --json")
    from coordinator.metrics import metrics_text
    from coordinator.settle import catch_up
    from coordinator.status import read_status
    from prestage.projects import open_project
    from prestage.views.status import status_text

    with open_project(scope) as project:
        catch_up(project)
        if options.metrics:
            click.echo(metrics_text(project.ledger), nl=False)
            return ExitCode.CLEAN
        status = read_status(project)
    scope.answer(status.model_dump(mode="json"), lambda: status_text(status))
    return ExitCode.CLEAN
